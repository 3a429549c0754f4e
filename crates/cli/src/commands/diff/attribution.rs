//! Which causes a difference comes from, by what is known of them: contents, origins, names, words.

use groundup_diff::{CauseRow, Place, Row};
use groundup_digest::{BlobId, ObjectId};
use groundup_provenance::Origins;
use groundup_store::Store;
use groundup_tree::{Change, Kind as NodeKind, TreePath};
use std::collections::{BTreeMap, BTreeSet};

/// Causes, and all by which a difference can be known to come from one.
#[derive(Default)]
pub(super) struct Known {
    pub(super) rows: Vec<CauseRow>,
    /// Those that can make a difference; without any all can.
    pub(super) reaching: BTreeSet<usize>,
    /// The causes of each part, where nothing closer is known.
    pub(super) parts: BTreeMap<String, BTreeSet<usize>>,
    /// Where the paths of a part came from, after and before.
    pub(super) origins: BTreeMap<String, Vec<Origins>>,
    /// The causes of what origins name.
    pub(super) labels: BTreeMap<String, BTreeSet<usize>>,
    /// The causes whose files have these contents.
    contents: BTreeMap<BlobId, BTreeSet<usize>>,
    /// What texts of files say, by cause.
    texts: BTreeMap<usize, String>,
    /// What lines of recipes are about, as the last name in their path.
    pub(super) keys: BTreeMap<usize, String>,
    /// The packages that causes move.
    packages: BTreeMap<usize, BTreeSet<String>>,
}

/// Words of fewer signs are in too many files.
const TELLING: usize = 8;

impl Known {
    /// All causes that can make a difference.
    fn all(&self) -> BTreeSet<usize> {
        match self.reaching.is_empty() {
            true => (0..self.rows.len()).collect(),
            false => self.reaching.clone(),
        }
    }

    /// A cause that moves these packages.
    pub(super) fn of_packages(&mut self, cause: usize, names: BTreeSet<String>) {
        for name in &names {
            self.labels.entry(format!("deb:{name}")).or_default().insert(cause);
        }
        self.packages.entry(cause).or_default().extend(names);
    }

    /// A cause that is a file of the repository, or the files of a tree.
    pub(super) fn of_file(
        &mut self,
        store: &Store,
        cause: usize,
        label: &str,
        [old, new]: [Option<ObjectId>; 2],
    ) {
        self.labels.entry(label.to_owned()).or_default().insert(cause);
        let text = self.texts.entry(cause).or_default();
        for content in contents_of(store, old, new) {
            self.contents.entry(content).or_default().insert(cause);
            text.push_str(&text_of(store, content));
        }
    }

    /// The causes that can have reached a place.
    fn reaching_to(&self, place: &Place) -> BTreeSet<usize> {
        let (part, path) = match &place.path[..] {
            [part, path, ..] if self.origins.contains_key(part) => (part.as_str(), path.as_str()),
            [path, ..] if self.origins.contains_key("") => ("", path.as_str()),
            [part, ..] => (part.as_str(), ""),
            [] => ("", ""),
        };
        let names = [path, place.from.as_deref().unwrap_or(path)];
        for origins in self.origins.get(part).into_iter().flatten() {
            for name in names {
                let path = TreePath::parse(name.as_bytes()).ok();
                let Some(label) = path.and_then(|path| origins.get(&path).map(str::to_owned))
                else {
                    continue;
                };
                if let Some(causes) = self.labels.get(&label).filter(|causes| !causes.is_empty()) {
                    return causes.clone();
                }
            }
        }
        match self.parts.get(part).filter(|causes| !causes.is_empty()) {
            Some(causes) => causes.clone(),
            None => self.all(),
        }
    }

    /// The causes of what differs in a row.
    pub(super) fn of(&self, row: &Row) -> BTreeSet<usize> {
        // The very bytes of a file of the repository say whose they are.
        let same = row.contents.iter().flatten().filter_map(|content| self.contents.get(content));
        let same: BTreeSet<usize> = same.flatten().copied().collect();
        if !same.is_empty() {
            return same;
        }
        let reaching = row.places.first().map_or_else(|| self.all(), |it| self.reaching_to(it));
        let moved: BTreeSet<usize> = self
            .packages
            .iter()
            .filter(|(index, names)| reaching.contains(index) && row.is_of_package(names))
            .map(|(index, _)| *index)
            .collect();
        if !moved.is_empty() {
            return moved;
        }
        // Of several lines of recipes and files, those that name what differs.
        let words = row.words();
        let named = |index: &&usize| {
            self.keys.get(index).is_some_and(|key| !key.is_empty() && row.names(key))
                || self.texts.get(index).is_some_and(|text| {
                    words.iter().any(|word| word.len() >= TELLING && text.contains(word.as_str()))
                })
        };
        let named: BTreeSet<usize> = reaching.iter().filter(named).copied().collect();
        if named.is_empty() { reaching } else { named }
    }
}

/// The last name of a path in a recipe, which may be quoted: `sysctl."net.core.somaxconn"`.
pub(super) fn last_key(path: &str) -> &str {
    let path = path.trim_end_matches(']');
    match path.strip_suffix('"').and_then(|path| path.rsplit_once('"')) {
        Some((_, key)) => key,
        None if path.starts_with("sysctl.") => &path["sysctl.".len()..],
        None => path.rsplit(['.', '[']).next().unwrap_or(path),
    }
}

/// A content as text, if it is a small one.
fn text_of(store: &Store, id: BlobId) -> String {
    const MOST: u64 = 1 << 18;
    let size = store.open_blob(id).and_then(|blob| blob.size());
    if size.is_ok_and(|size| size <= MOST) {
        return store
            .read_blob(id)
            .ok()
            .and_then(|it| String::from_utf8(it).ok())
            .unwrap_or_default();
    }
    String::new()
}

/// The contents by which a file of the repository, or the files of a tree, differ.
fn contents_of(store: &Store, old: Option<ObjectId>, new: Option<ObjectId>) -> Vec<BlobId> {
    let (Some(ObjectId::Tree(a)), Some(ObjectId::Tree(b))) = (old, new) else {
        return [old, new].into_iter().flatten().filter_map(ObjectId::blob).collect();
    };
    let differences = groundup_tree::compare(a, b, store).unwrap_or_default();
    let nodes = differences.into_iter().flat_map(|difference| match difference.change {
        Change::Added(node) | Change::Removed(node) => vec![node],
        Change::Changed(a, b) => vec![a, b],
    });
    let blobs = nodes.filter_map(|node| match node.kind {
        NodeKind::File { blob, .. } => Some(blob),
        _ => None,
    });
    blobs.collect()
}
