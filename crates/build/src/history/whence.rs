//! From an id or digest to what it is and which builds made it.

use super::{
    HistoryError,
    born::{Answer, Asked, Born, BornAs, BornIn, Candidate},
    bytes_of, diff_id_of, load_build,
    trace::Tracer,
};
use groundup_digest::{BlobId, ObjectId, RecordId, TreeId};
use groundup_provenance::{BuildRecord, Lineage, RecordedStep};
use groundup_store::{History, Holder, IdPrefix, Store, Stretch};
use groundup_tree::TreePath;
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};

/// How many ids that begin alike are told of.
const CANDIDATES: usize = 20;
/// How many rows of the history are looked at for one id.
const ROWS: usize = 400;
/// Longer paths to a file are not told.
const LONGEST: usize = 16 << 10;
/// How many directories and trees are looked at for one file, and how many places are told of.
const CLIMB: usize = 3000;

/// What something is, and which builds made it.
pub fn whence(store: &Store, history: &History, asked: &Asked) -> Result<Answer, HistoryError> {
    let mut ids: BTreeMap<[u8; 32], &'static str> = BTreeMap::new();
    let mut aliases: BTreeMap<[u8; 32], BlobId> = BTreeMap::new();
    match asked {
        Asked::Object(id) => drop(ids.insert(bytes_of(id), "an object of the store")),
        Asked::Content(blob, sha256) => {
            ids.insert(*blob.as_bytes(), "a file");
            // A layer may be at hand uncompressed.
            if !history.mentions(&IdPrefix::whole(*sha256.as_bytes()), 1)?.is_empty() {
                ids.insert(*sha256.as_bytes(), "a layer");
            }
        }
        Asked::Any(prefix) | Asked::Sha256(prefix) => {
            for content in store.contents_by_sha256(prefix, CANDIDATES)? {
                ids.insert(*content.sha256.as_bytes(), "the SHA-256 of a content");
                aliases.insert(*content.sha256.as_bytes(), content.blob);
            }
            for stretch in history.mentions(prefix, ROWS)? {
                ids.entry(stretch.id).or_insert("an id of a build");
            }
            if matches!(asked, Asked::Any(_)) {
                for file in history.files(prefix, CANDIDATES)? {
                    ids.entry(file).or_insert("a file in a tree");
                }
            }
        }
    }
    let one_content = matches!(asked, Asked::Content(..));
    if ids.len() > 1 && !one_content {
        let candidates = ids.iter().take(CANDIDATES);
        let digits = |id: &[u8; 32]| BlobId::from_bytes(*id).to_string();
        let candidates = candidates.map(|(id, what)| Candidate { id: digits(id), what }).collect();
        return Ok(Answer::Ambiguous { candidates });
    }
    let mut search = Search { store, history, loaded: BTreeMap::new() };
    let mut born = Vec::new();
    let mut stored = false;
    for id in ids.keys() {
        let blob = aliases.get(id).copied();
        born.append(&mut search.born(*id, blob)?);
        stored |= store.has_blob(blob.unwrap_or(BlobId::from_bytes(*id)))?;
    }
    if born.is_empty() {
        return Ok(Answer::Nothing { builds: history.builds()?, stored });
    }
    Ok(Answer::Born { born })
}

struct Search<'a> {
    store: &'a Store,
    history: &'a History,
    loaded: BTreeMap<RecordId, BuildRecord>,
}

impl Search<'_> {
    fn load(&mut self, id: RecordId) -> Result<(), HistoryError> {
        if !self.loaded.contains_key(&id) {
            let record = load_build(self.store, id)?;
            self.loaded.insert(id, record);
        }
        Ok(())
    }

    /// Everything that an id is; `blob` is the content whose SHA-256 it is.
    fn born(&mut self, id: [u8; 32], blob: Option<BlobId>) -> Result<Vec<Born>, HistoryError> {
        let named = blob.map_or(id, |blob| *blob.as_bytes());
        let mut born = self.named(named)?;
        if blob.is_some() {
            // The same digits may be those of uncompressed bytes of a layer.
            born.append(&mut self.named(id)?);
        }
        // A file of a tree, unless it is known to be more than that.
        if born.iter().all(|born| matches!(born.what, BornAs::Key)) {
            born.append(&mut self.inside(BlobId::from_bytes(named))?);
        }
        born.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.step.cmp(&b.step)));
        Ok(born)
    }

    /// What is named by builds itself.
    fn named(&mut self, id: [u8; 32]) -> Result<Vec<Born>, HistoryError> {
        let stretches = self.history.mentions(&IdPrefix::whole(id), ROWS)?;
        let mut found: BTreeMap<(String, BornAs), Born> = BTreeMap::new();
        for stretch in &stretches {
            self.load(stretch.last.record)?;
            for born in self.in_build(id, stretch)? {
                merge(&mut found, born);
            }
        }
        Ok(found.into_values().collect())
    }

    fn in_build(&mut self, id: [u8; 32], stretch: &Stretch) -> Result<Vec<Born>, HistoryError> {
        self.load(stretch.first.record)?;
        let (Some(record), Some(first)) =
            (self.loaded.get(&stretch.last.record), self.loaded.get(&stretch.first.record))
        else {
            return Ok(Vec::new());
        };
        let (build, first) =
            (born_in(stretch.last.record, record), born_in(stretch.first.record, first));
        let lineage = Lineage::new(record);
        let (blob, tree) = (BlobId::from_bytes(id), TreeId::from_bytes(id));
        let mut born = Vec::new();
        let mut add = |what, object: Option<ObjectId>, step: &RecordedStep| {
            let sha256 = match object {
                Some(ObjectId::Blob(blob)) => self.store.known_content(blob)?,
                _ => None,
            };
            born.push(Born {
                what,
                id: object,
                sha256: sha256.map(|content| content.sha256),
                owner: step.parts().owner.to_owned(),
                step: step.label.clone(),
                key: step.key,
                position: step.position.clone(),
                targets: targets_with(record, object),
                build: build.clone(),
                first: first.clone(),
                builds: stretch.builds,
                chain: None,
            });
            Ok::<_, HistoryError>(())
        };
        for object in [ObjectId::Blob(blob), ObjectId::Tree(tree)] {
            for (step, output) in lineage.makers_of(object) {
                let role = step.parts().role;
                let number = role.strip_prefix("layer.").and_then(|number| number.parse().ok());
                let what = match (number, output) {
                    (Some(number), "layer") => BornAs::Layer { number },
                    _ => BornAs::Output { output: output.to_owned() },
                };
                add(what, Some(object), step)?;
            }
            for (step, _, label) in lineage.readers_of(object) {
                add(BornAs::Source { label: label.to_owned() }, Some(object), step)?;
            }
        }
        for step in &record.steps {
            if *step.key.as_bytes() == id {
                add(BornAs::Key, None, step)?;
            }
            let number = step.parts().role.strip_prefix("layer.");
            let number = number.and_then(|number| number.parse().ok());
            if let Some(number) = number
                && diff_id_of(self.store, step).is_some_and(|diff_id| *diff_id.as_bytes() == id)
            {
                add(BornAs::DiffId { number }, step.output("layer"), step)?;
            }
        }
        if *record.id().as_bytes() == id
            && let Some(step) = record.steps.last()
        {
            add(BornAs::Build, None, step)?;
        }
        Ok(born)
    }

    /// The outputs that have a content as a file.
    fn inside(&mut self, blob: BlobId) -> Result<Vec<Born>, HistoryError> {
        let places = self.climb(blob)?;
        let mut found: BTreeMap<(String, BornAs), Born> = BTreeMap::new();
        let all = places.len();
        for (tree, path) in places {
            let stretches = self.history.mentions(&IdPrefix::whole(*tree.as_bytes()), ROWS)?;
            for stretch in &stretches {
                self.load(stretch.last.record)?;
                for mut born in self.in_build(*tree.as_bytes(), stretch)? {
                    let output = match &born.what {
                        BornAs::Output { output } => output.clone(),
                        BornAs::Source { label } => label.clone(),
                        _ => continue,
                    };
                    born.what = self.file_in(blob, &born, output, &path, all - 1)?;
                    (born.id, born.sha256) = (
                        Some(ObjectId::Blob(blob)),
                        self.store.known_content(blob)?.map(|content| content.sha256),
                    );
                    merge(&mut found, born);
                }
            }
        }
        let mut born: Vec<Born> = found.into_values().collect();
        born.sort_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.step.cmp(&b.step)));
        // The first is the one that people mean; the others are told by number.
        let Some(best) = born.first_mut() else { return Ok(born) };
        if let BornAs::File { output, path, .. } = &best.what {
            self.load(best.build.record)?;
            if let Some(record) = self.loaded.get(&best.build.record) {
                let tracer = Tracer::new(self.store, Lineage::new(record));
                let path = TreePath::parse(path.as_bytes()).ok();
                if let Some(step) = tracer.lineage.step(&best.step)
                    && let Some((output, _)) = step.outputs.iter().find(|(name, _)| name == output)
                {
                    best.chain = Some(tracer.trace(step, output, path)?);
                }
            }
        }
        Ok(born)
    }

    /// What a file of an output is: in the layout of an image it has a part to play.
    fn file_in(
        &self,
        blob: BlobId,
        born: &Born,
        output: String,
        path: &TreePath,
        elsewhere: usize,
    ) -> Result<BornAs, HistoryError> {
        let shown = path.to_string();
        let of_layout = shown.starts_with("/blobs/sha256/")
            && (born.owner.starts_with("image.") || born.owner.starts_with("cluster."));
        if of_layout && self.store.has_blob(blob)? {
            // All but layers are small JSON.
            let size = self.store.known_content(blob)?.map_or(0, |content| content.size);
            let bytes = if size > 1 << 20 { Vec::new() } else { self.store.read_blob(blob)? };
            let json: Option<serde_json::Value> = serde_json::from_slice(&bytes).ok();
            let has = |key: &str| json.as_ref().is_some_and(|json| json.get(key).is_some());
            match () {
                () if has("manifests") => return Ok(BornAs::ImageIndex),
                () if has("layers") => return Ok(BornAs::ImageManifest),
                () if has("rootfs") => return Ok(BornAs::ImageConfig),
                () => {}
            }
        }
        Ok(BornAs::File { output, path: shown, elsewhere })
    }

    /// The trees that have a content, and where.
    fn climb(&self, blob: BlobId) -> Result<Vec<(TreeId, TreePath)>, HistoryError> {
        let mut places = Vec::new();
        let mut todo = VecDeque::from([(*blob.as_bytes(), TreePath::root())]);
        let mut seen: HashSet<([u8; 32], TreePath)> = HashSet::new();
        let mut left = CLIMB;
        while let Some((id, below)) = todo.pop_front() {
            for holder in self.history.holders(&id, left)? {
                left = left.saturating_sub(1);
                match holder {
                    Holder::Top(tree) => places.push((tree, below.clone())),
                    Holder::Directory { id, names } => {
                        for name in names {
                            let path = TreePath::root().join(&name).join_path(&below);
                            let fits = path.as_bytes().len() <= LONGEST;
                            if fits && seen.insert((*id.as_bytes(), path.clone())) {
                                todo.push_back((*id.as_bytes(), path));
                            }
                        }
                    }
                }
            }
            if left == 0 {
                break;
            }
        }
        Ok(places)
    }
}

fn born_in(id: RecordId, record: &BuildRecord) -> BornIn {
    BornIn {
        record: id,
        started_ms: record.circumstances.started_ms,
        by: record.circumstances.by.clone(),
        builder: record.circumstances.builder.clone(),
        commit: record.commit.clone(),
        lock: record.lock,
        workspace: record.workspace.clone(),
    }
}

/// The targets of a build that an object is an output of; all of its targets where it is none.
fn targets_with(record: &BuildRecord, object: Option<ObjectId>) -> Vec<String> {
    let outputs = record.targets.iter().flat_map(|target| {
        target.outputs.iter().filter(|(_, id)| Some(*id) == object).map(|(output, _)| match output
            .as_str()
        {
            "out" => target.name.clone(),
            output => format!("{}:{output}", target.name),
        })
    });
    let exact: BTreeSet<String> = outputs.collect();
    match exact.is_empty() {
        true => record.targets.iter().map(|target| target.name.clone()).collect(),
        false => exact.into_iter().collect(),
    }
}

/// Adds what a build says to what others said of the same output of the same step.
fn merge(found: &mut BTreeMap<(String, BornAs), Born>, born: Born) {
    let identity = (born.step.clone(), born.what.clone());
    let Some(known) = found.get_mut(&identity) else {
        found.insert(identity, born);
        return;
    };
    known.builds += born.builds;
    if born.first.started_ms < known.first.started_ms {
        known.first = born.first;
    }
    if born.build.started_ms > known.build.started_ms {
        (known.build, known.position, known.key) = (born.build, born.position, born.key);
    }
    let targets: BTreeSet<String> = known.targets.drain(..).chain(born.targets).collect();
    known.targets = targets.into_iter().collect();
}

/// What people mean by an id comes first: what is shipped before what it was made with.
fn rank(born: &Born) -> (u8, u8) {
    let what = match &born.what {
        BornAs::ImageIndex | BornAs::ImageManifest => 0,
        BornAs::Layer { .. } | BornAs::ImageConfig => 1,
        BornAs::DiffId { .. } | BornAs::Output { .. } => 2,
        BornAs::Source { .. } => 3,
        BornAs::File { .. } => 4,
        BornAs::Build => 5,
        BornAs::Key => 6,
    };
    let role = born.step.strip_prefix(&born.owner).map_or("", str::trim_start);
    let kind = born.owner.split(['.', ' ']).next().unwrap_or_default();
    // The result of a target before its inner steps; what is packed before its parts.
    let whose = match (kind, role.split(' ').next().unwrap_or_default()) {
        ("image", "index") => 0,
        ("image", "manifest") => 1,
        ("node", "root" | "disk" | "uki" | "qcow2") => 2,
        ("image", "compose") => 2,
        ("cluster", _) => 2,
        ("rootfs", "merge" | "finish") => 3,
        ("kernel" | "build", "build" | "run") => 4,
        ("node", _) => 5,
        ("image", _) => 6,
        ("source", _) => 7,
        ("package", role) => {
            if role == "fetch" {
                9
            } else {
                8
            }
        }
        _ => 10,
    };
    (what, whose)
}
