//! The small contents that stay when the rest is collected, so that old builds can be told of.
//!
//! Trees, results and records are never collected: they say which paths an image of last year had, with
//! which modes, sizes and ids of contents. This adds the contents that say more than their id: origins of
//! files, facts of kernels, nodes and layers, configurations of kernels, manifests of clusters, the JSON of
//! images, and of root file systems what is small and decides how they behave: their settings, units and
//! lists of packages, by which two roots of last year are compared as they would be today. Newest builds first, until a budget of age or size ends.

use super::{HistoryError, load_build, look::Trees};
use groundup_digest::{BlobId, DirId, ObjectId, TreeId};
use groundup_provenance::RecordedStep;
use groundup_store::Store;
use groundup_tree::{EntryKind, Kind, TreePath};
use std::collections::BTreeSet;

/// How much is kept to tell of old builds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactsBudget {
    /// Facts of builds that began earlier, in milliseconds since 1970, go.
    pub since_ms: u64,
    /// Bytes of all facts together.
    pub bytes: u64,
}

/// The contents that stay.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// The contents.
    pub blobs: BTreeSet<BlobId>,
    /// Their bytes.
    pub bytes: u64,
    /// How many builds they tell of.
    pub builds: usize,
    /// Builds that are too old, or for which there was no room.
    pub left: usize,
}

/// Files in an image's layout or a configuration that are larger are no facts.
const SMALL: u64 = 1 << 20;

/// Files among the settings of a root that are larger are data.
const SETTING: u64 = 1 << 16;
/// A list of packages that is larger is of no root that boots.
const LIST: u64 = 16 << 20;

/// The directories of a root that say how it behaves; of merged roots those below `usr` are there.
const SETTINGS: [&str; 19] = [
    "etc",
    "lib/apk/db",
    "lib/modprobe.d",
    "lib/systemd/network",
    "lib/systemd/system",
    "lib/systemd/system-preset",
    "lib/sysctl.d",
    "lib/udev/rules.d",
    "usr/lib/modprobe.d",
    "usr/lib/modules-load.d",
    "usr/lib/systemd/network",
    "usr/lib/systemd/system",
    "usr/lib/systemd/system-preset",
    "usr/lib/systemd/user",
    "usr/lib/sysctl.d",
    "usr/lib/sysusers.d",
    "usr/lib/tmpfiles.d",
    "usr/lib/udev/rules.d",
    "var/lib/dpkg/status.d",
];
/// Single files of the same kind.
const LISTS: [&str; 4] = [
    "lib/apk/db/installed",
    "usr/lib/apk/db/installed",
    "usr/lib/os-release",
    "var/lib/dpkg/status",
];

/// The facts of all builds that a budget has room for, of the newest first.
pub fn facts_of(store: &Store, budget: FactsBudget) -> Result<Facts, HistoryError> {
    let mut facts = Facts::default();
    let mut seen = Seen::default();
    let trees = Trees::new(store);
    for id in store.build_records()? {
        let Ok(record) = load_build(store, id) else { continue };
        if record.circumstances.started_ms < budget.since_ms || facts.bytes >= budget.bytes {
            facts.left += 1;
            continue;
        }
        facts.builds += 1;
        for step in &record.steps {
            add_step(store, step, &mut facts, &mut seen)?;
            add_roots(store, &trees, step, &mut facts, &mut seen)?;
        }
    }
    Ok(facts)
}

/// What was looked at already: builds share most of it.
#[derive(Default)]
struct Seen {
    outputs: BTreeSet<ObjectId>,
    roots: BTreeSet<TreeId>,
    directories: BTreeSet<DirId>,
}

/// What is small and telling in the root file systems that a step gave.
fn add_roots(
    store: &Store,
    trees: &Trees<'_>,
    step: &RecordedStep,
    facts: &mut Facts,
    seen: &mut Seen,
) -> Result<(), HistoryError> {
    let kind = step.parts().owner.split('.').next().unwrap_or_default();
    if !["rootfs", "node", "image"].contains(&kind) {
        return Ok(());
    }
    let Some(ObjectId::Tree(root)) = step.output("out") else { return Ok(()) };
    if !seen.roots.insert(root) {
        return Ok(());
    }
    let boot = TreePath::new(b"boot").unwrap_or_default();
    for name in trees.names(root, &boot)?.iter().filter(|name| name.starts_with("config-")) {
        let Ok(path) = TreePath::new(format!("boot/{name}").as_bytes()) else { continue };
        if let Some(EntryKind::Other(Kind::File { blob, size })) = trees.kind(root, &path)?
            && size <= SMALL
        {
            add(store, blob, Some(size), facts)?;
        }
    }
    for (paths, most) in [(&SETTINGS[..], SETTING), (&LISTS[..], LIST)] {
        for path in paths {
            let Ok(path) = TreePath::new(path.as_bytes()) else { continue };
            match trees.kind(root, &path)? {
                Some(EntryKind::Directory(directory)) => {
                    trees.files_below(directory, &mut seen.directories, |blob, size| {
                        if size <= most { add(store, blob, Some(size), facts) } else { Ok(()) }
                    })?;
                }
                Some(EntryKind::Other(Kind::File { blob, size })) if size <= most => {
                    add(store, blob, Some(size), facts)?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn add_step(
    store: &Store,
    step: &RecordedStep,
    facts: &mut Facts,
    seen: &mut Seen,
) -> Result<(), HistoryError> {
    let parts = step.parts();
    let kind = parts.owner.split('.').next().unwrap_or_default();
    for (output, id) in &step.outputs {
        let told = match output.as_str() {
            "origins" | "facts" | "labels" | "deletions" => true,
            "out" => match (kind, parts.role) {
                ("image", role) => ["index", "manifest", "facts"].contains(&role),
                ("node", role) => role == "facts",
                ("kernel", role) => ["check", "config", "facts", "fragments"].contains(&role),
                ("cluster", _) => true,
                _ => false,
            },
            _ => kind == "cluster",
        };
        if !told || !seen.outputs.insert(*id) {
            continue;
        }
        match id {
            ObjectId::Blob(blob) => {
                let known = store.known_content(*blob)?.map(|content| content.size);
                add(store, *blob, known, facts)?;
            }
            ObjectId::Tree(tree) if store.has_tree(*tree)? => {
                for (_, node) in store.load_tree(*tree)?.iter() {
                    if let Kind::File { blob, size } = node.kind
                        && size <= SMALL
                    {
                        add(store, blob, Some(size), facts)?;
                    }
                }
            }
            ObjectId::Tree(_) => {}
        }
    }
    Ok(())
}

fn add(
    store: &Store,
    blob: BlobId,
    size: Option<u64>,
    facts: &mut Facts,
) -> Result<(), HistoryError> {
    if !facts.blobs.contains(&blob) && store.has_blob(blob)? {
        let size = match size {
            Some(size) => size,
            None => store.read_blob(blob)?.len() as u64,
        };
        facts.blobs.insert(blob);
        facts.bytes += size;
    }
    Ok(())
}
