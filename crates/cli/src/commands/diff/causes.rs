//! Which of the causes between two plans, or two records, a difference comes from.

use super::parts::{ROOTS, root_of};
use crate::{
    causes::{CauseWords, ToldCause},
    error::CliError,
    session::Before,
};
use groundup_diff::{Attribution, CauseRow, Moved, Place, RecordCauses, Row};
use groundup_digest::{BlobId, ObjectId};
use groundup_plan::{
    StepLabel,
    compare::{CauseKind, Comparison, Side, compare},
};
use groundup_provenance::{BuildRecord, Origins};
use groundup_recipe::{Platform, TargetRef};
use groundup_store::Store;
use groundup_tree::{Change, Kind as NodeKind, TreePath};
use std::collections::{BTreeMap, BTreeSet};

/// The causes between two plans of one target.
pub(super) struct PlanCauses {
    rows: Vec<CauseRow>,
    /// The causes of each part, where nothing closer is known.
    parts: BTreeMap<String, BTreeSet<usize>>,
    /// Where the paths of a part came from, after and before.
    origins: BTreeMap<String, Vec<Origins>>,
    /// The causes of what origins name.
    labels: BTreeMap<String, BTreeSet<usize>>,
    /// The causes whose files have these contents.
    contents: BTreeMap<BlobId, BTreeSet<usize>>,
    /// What texts of files say, by cause.
    texts: BTreeMap<usize, String>,
    /// What lines of recipes are about, as the last name in their path.
    keys: BTreeMap<usize, String>,
    /// The packages that causes move.
    packages: BTreeMap<usize, BTreeSet<String>>,
    all: BTreeSet<usize>,
}

/// Words of fewer signs are in too many files.
const TELLING: usize = 8;

type State<'a> = (&'a Side<'a>, &'a Option<Before>);

impl PlanCauses {
    pub(super) fn new(
        store: &Store,
        (old, before): State<'_>,
        (new, after): State<'_>,
        target: &TargetRef,
        platform: Platform,
    ) -> Result<Self, CliError> {
        let comparison = compare(old, new);
        let name = |state: &Option<Before>| state.as_ref().map(|it| it.revision.name().to_owned());
        let (old_name, new_name) = (name(before), name(after));
        let words = CauseWords {
            store,
            old: (&old.recipes.sources, old_name.as_deref()),
            new: (&new.recipes.sources, new_name.as_deref()),
        };
        let reached: BTreeSet<usize> = reached(new, target, &comparison);
        let mut rows = Vec::new();
        let mut number: BTreeMap<usize, usize> = BTreeMap::new();
        for index in &reached {
            let Some(cause) = comparison.causes.get(*index) else { continue };
            let ToldCause { kind, what, change, position, parts } = words.told(cause)?;
            number.insert(*index, rows.len());
            rows.push(CauseRow { kind: kind.to_owned(), what, change, position, parts, paths: 0 });
        }
        let renumbered = |causes: &BTreeSet<usize>| -> BTreeSet<usize> {
            causes.iter().filter_map(|index| number.get(index).copied()).collect()
        };
        let owner = target.target.to_string();
        let of_role = |role: &str| -> BTreeSet<usize> {
            let label = StepLabel::new(owner.clone(), role);
            let step = new.plan.find(&label.clone().on(platform)).or(new.plan.find(&label));
            step.and_then(|step| comparison.steps.get(step.get()))
                .map_or_else(BTreeSet::new, renumbered)
        };
        let roles: [(&str, &[&str]); 8] = [
            ("root", &["root", "split", "tree", "compose"]),
            ("initramfs", &["initramfs"]),
            ("uki", &["uki"]),
            ("kernel", &["build"]),
            ("modules", &["build"]),
            ("config", &["check"]),
            ("config.json", &["manifest"]),
            ("manifest.json", &["manifest"]),
        ];
        let mut parts: BTreeMap<String, BTreeSet<usize>> = roles
            .iter()
            .map(|(part, roles)| {
                ((*part).to_owned(), roles.iter().flat_map(|role| of_role(role)).collect())
            })
            .collect();
        for step in new.plan.steps().iter().filter(|step| ROOTS.contains(&step.label.role.as_str()))
        {
            let of = new.plan.find(&step.label).and_then(|at| comparison.steps.get(at.get()));
            let causes = of.map_or_else(BTreeSet::new, renumbered);
            parts.entry(root_of(&step.label.owner)).or_default().extend(causes);
        }
        if target.target.kind() == groundup_recipe::Kind::Node {
            // Of another target; what it rests on is what the node's kernel rests on.
            parts.remove("kernel");
        }
        let mut labels: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (step, causes) in new.plan.steps().iter().zip(&comparison.steps) {
            if !causes.is_empty() {
                let of = labels.entry(step.label.owner.clone()).or_default();
                of.extend(renumbered(causes));
            }
        }
        let mut contents: BTreeMap<BlobId, BTreeSet<usize>> = BTreeMap::new();
        let (mut keys, mut packages) = (BTreeMap::new(), BTreeMap::new());
        let mut texts = BTreeMap::new();
        for (index, cause) in comparison.causes.iter().enumerate() {
            let Some(number) = number.get(&index) else { continue };
            match &cause.kind {
                CauseKind::Packages { names, .. } => {
                    packages.insert(*number, names.clone());
                    for name in names {
                        labels.entry(format!("deb:{name}")).or_default().insert(*number);
                    }
                }
                CauseKind::File { label, old, new } => {
                    labels.entry(label.clone()).or_default().insert(*number);
                    let text = texts.entry(*number).or_insert_with(String::new);
                    for content in contents_of(store, *old, *new) {
                        contents.entry(content).or_default().insert(*number);
                        text.push_str(&text_of(store, content));
                    }
                }
                CauseKind::Recipe { path, .. } => {
                    keys.insert(*number, last_key(path).to_owned());
                }
                _ => {}
            }
        }
        let mut origins: BTreeMap<String, Vec<Origins>> = BTreeMap::new();
        for part in ["root", "initramfs", ""] {
            for side in [new, old] {
                if let Some(found) = origins_of(store, side, target, part, platform) {
                    origins.entry(part.to_owned()).or_default().push(found);
                }
            }
        }
        if target.target.kind() == groundup_recipe::Kind::Cluster {
            for owner in new.plan.steps().iter().map(|step| &step.label.owner) {
                let part = root_of(owner);
                let Ok(name) = owner.parse() else { continue };
                if !parts.contains_key(&part) || origins.contains_key(&part) {
                    continue;
                }
                let of = TargetRef { target: name, output: target.output.clone() };
                let found = [new, old].map(|side| origins_of(store, side, &of, "root", platform));
                origins.insert(part, found.into_iter().flatten().collect());
            }
        }
        let all = (0..rows.len()).collect();
        Ok(Self { rows, parts, origins, labels, contents, texts, keys, packages, all })
    }
}

/// The causes that reach a target.
fn reached(new: &Side<'_>, target: &TargetRef, comparison: &Comparison) -> BTreeSet<usize> {
    let owner = target.target.to_string();
    let steps = new.plan.steps().iter().zip(&comparison.steps);
    let own = steps.filter(|(step, _)| step.label.owner == owner);
    own.flat_map(|(_, causes)| causes.iter().copied()).collect()
}

/// Where the paths of a tree came from, as the step that made it says.
fn origins_of(
    store: &Store,
    side: &Side<'_>,
    target: &TargetRef,
    part: &str,
    platform: Platform,
) -> Option<Origins> {
    let owner = target.target.to_string();
    let role = match part {
        "initramfs" => "initramfs",
        _ => "root",
    };
    let label = StepLabel::new(owner.clone(), role);
    let plan = side.plan;
    let own = plan.find(&label.clone().on(platform)).or(plan.find(&label));
    let split = StepLabel::new(owner.clone(), "split").on(platform);
    let id = match own {
        Some(step) => side.known.get(step.get())?.as_ref()?.get("origins").copied(),
        // An image is split by the origins of its root.
        None => match plan.find(&split) {
            Some(step) => match &plan.step(step).input("origins")?.from {
                groundup_plan::From::Leaf { id, .. } => Some(*id),
                groundup_plan::From::Step { step, output } => {
                    side.known.get(step.get())?.as_ref()?.get(output).copied()
                }
            },
            None => {
                let steps = plan.steps().iter().enumerate();
                let mut own = steps.filter(|(_, step)| step.label.owner == owner);
                own.find_map(|(index, _)| side.known.get(index)?.as_ref()?.get("origins").copied())
            }
        },
    };
    let Some(ObjectId::Blob(id)) = id else { return None };
    read(store, id)
}

fn read(store: &Store, id: BlobId) -> Option<Origins> {
    Origins::from_bytes(&store.read_blob(id).ok()?).ok()
}

impl PlanCauses {
    /// The causes that can have reached a place.
    fn reaching(&self, place: &Place) -> BTreeSet<usize> {
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
            None => self.all.clone(),
        }
    }
}

/// The last name of a path in a recipe, which may be quoted: `sysctl."net.core.somaxconn"`.
fn last_key(path: &str) -> &str {
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

impl Attribution for PlanCauses {
    fn causes(&self) -> Vec<CauseRow> {
        self.rows.clone()
    }

    fn of(&self, row: &Row) -> BTreeSet<usize> {
        // The very bytes of a file of the repository say whose they are.
        let same = row.contents.iter().flatten().filter_map(|content| self.contents.get(content));
        let same: BTreeSet<usize> = same.flatten().copied().collect();
        if !same.is_empty() {
            return same;
        }
        let reaching = row.places.first().map_or_else(|| self.all.clone(), |it| self.reaching(it));
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

    fn is_complete(&self) -> bool {
        true
    }
}

/// The causes between the builds that made two objects, as their records say.
pub(super) struct FromRecords {
    causes: RecordCauses,
    steps: [String; 2],
    origins: Vec<Origins>,
}

/// Looks for the latest builds that made two things of ours.
pub(super) fn of_records(
    store: &Store,
    before: &super::Side,
    after: &super::Side,
) -> Result<Option<FromRecords>, CliError> {
    let Some(old) = maker(store, before)? else { return Ok(None) };
    let Some(new) = maker(store, after)? else { return Ok(None) };
    let origins = [&new, &old].into_iter().filter_map(|made| {
        let id = made.record.steps.iter().find(|step| step.label == made.step);
        let id = id?.outputs.iter().find(|(name, _)| name == "origins")?.1;
        read(store, id.blob()?)
    });
    let origins = origins.collect();
    let causes = RecordCauses::new(&old.record, &new.record);
    Ok(Some(FromRecords { causes, steps: [old.step, new.step], origins }))
}

struct Made {
    record: BuildRecord,
    /// The label of the step that made it.
    step: String,
}

/// The latest build with a step that gave an object, and that step.
fn maker(store: &Store, side: &super::Side) -> Result<Option<Made>, CliError> {
    let [part] = side.subject.parts.values().collect::<Vec<_>>()[..] else { return Ok(None) };
    for id in store.build_records()? {
        let Ok(record) = BuildRecord::from_bytes(&store.get_record(id)?) else { continue };
        let made = record
            .steps
            .iter()
            .find(|step| step.outputs.iter().any(|(_, output)| *output == part.id()));
        if let Some(step) = made.map(|step| step.label.clone()) {
            return Ok(Some(Made { record, step }));
        }
    }
    Ok(None)
}

impl FromRecords {
    /// The causes that reach the second thing.
    fn reached(&self) -> BTreeSet<usize> {
        self.causes.steps.get(&self.steps[1]).cloned().unwrap_or_default()
    }

    fn number(&self, causes: BTreeSet<usize>) -> BTreeSet<usize> {
        let reached = self.reached();
        let place = |index: usize| reached.iter().position(|known| *known == index);
        causes.into_iter().filter_map(place).collect()
    }
}

impl Attribution for FromRecords {
    fn causes(&self) -> Vec<CauseRow> {
        let reached = self.reached();
        let moved = self.causes.moved.iter().enumerate();
        moved.filter(|(index, _)| reached.contains(index)).map(|(_, moved)| told(moved)).collect()
    }

    fn of(&self, row: &Row) -> BTreeSet<usize> {
        let place = row.places.first();
        let path = place.and_then(|place| place.path.first());
        let path = path.and_then(|path| TreePath::parse(path.as_bytes()).ok());
        let label = path.and_then(|path| self.origins.iter().find_map(|it| it.get(&path)));
        let close = label.map(|label| self.number(self.causes.of_origin(label)));
        close.filter(|causes| !causes.is_empty()).unwrap_or_else(|| self.number(self.reached()))
    }

    fn is_complete(&self) -> bool {
        self.steps[0] == self.steps[1]
    }
}

fn told(moved: &Moved) -> CauseRow {
    let (kind, what, change, position) = match moved {
        Moved::Leaf { label, before, after, position } => {
            let (kind, what) = label.split_once(':').unwrap_or(("input", label));
            let short = |id: &Option<ObjectId>| match id {
                None => "nothing".to_owned(),
                Some(id) => id.to_string().chars().take(17).collect(),
            };
            let change = format!("{} -> {}", short(before), short(after));
            (kind, what.to_owned(), change, position.clone())
        }
        Moved::Question { label, position } => {
            ("recipe", label.clone(), "asks something else".to_owned(), position.clone())
        }
        Moved::Nondeterminism { label } => {
            ("nondeterminism", label.clone(), "the same inputs gave other bytes".to_owned(), None)
        }
    };
    CauseRow { kind: kind.to_owned(), what, change, position, parts: Vec::new(), paths: 0 }
}
