//! A root file system that a command changes and that is its output: made before, taken in after.
//!
//! Owners, set-id bits, devices and file capabilities are never on disk: the sandbox gets them of the
//! tree as data and gives them back.

use groundup_digest::TreeId;
use groundup_sandbox::{
    CollectError, DeviceKind, DeviceNode, OwnedPath, Owner, Ownership, Spec, collect,
};
use groundup_store::{
    Existing, ExportError, ExportOptions, IngestError, IngestOptions, Permissions, Store,
    StoreError,
};
use groundup_tree::{
    Device, FileTree, Kind, LinkError, Meta, Mode, Node, PathError, TreeError, TreePath, Xattrs,
};
use std::{collections::HashMap, path::Path};

/// The attribute that is data.
const CAPABILITY: &[u8] = b"security.capability";

/// Where the sandbox mounts things of its own; what was not in the tree before is not in it after.
const PLACES: [&str; 7] = ["build", "dev", "out", "proc", "src", "sys", "tmp"];

/// Why a changed root cannot be taken in.
#[derive(Debug, thiserror::Error)]
pub(super) enum RootError {
    #[error("cannot find out whose the files of the root are")]
    Collect(#[from] CollectError),
    #[error("cannot take in the root that the command changed")]
    Ingest(#[from] IngestError),
    #[error("cannot use the store")]
    Store(#[from] StoreError),
    #[error("the root holds a path that no tree can")]
    Path(#[from] PathError),
    #[error("the files of the root do not form a tree")]
    Tree(#[from] TreeError),
    #[error("the hard links of the root do not fit")]
    Links(#[from] LinkError),
    #[error("{0} came to be in the root while it was taken in")]
    Unknown(TreePath),
    #[error("{0} has a file capability that no tree can hold")]
    Capability(TreePath),
}

/// Copies the tree to where the sandbox looks for a root that it changes, and says so in the spec.
pub(super) fn prepare(store: &Store, tree: TreeId, spec: &mut Spec) -> Result<(), PrepareError> {
    let place = spec.scratch.join("upper");
    store.export(tree, &place, ExportOptions { existing: Existing::Refuse })?;
    spec.lowers.clear();
    spec.identity = groundup_sandbox::Identity { uid: 0, gid: 0 };
    spec.ownership = Ownership::Data(seeds(&store.load_tree(tree)?));
    Ok(())
}

/// Why a root cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum PrepareError {
    #[error("cannot copy the root that the command is to change")]
    Export(#[from] ExportError),
    #[error("cannot use the store")]
    Store(#[from] StoreError),
}

/// What a tree says and a directory on disk does not show.
fn seeds(tree: &FileTree) -> Vec<OwnedPath> {
    let seeds = tree.iter().filter_map(|(path, node)| {
        let Meta { mode, uid, gid, xattrs } = &node.meta;
        let device = match node.kind {
            Kind::CharDevice(device) => Some((DeviceKind::Character, device)),
            Kind::BlockDevice(device) => Some((DeviceKind::Block, device)),
            _ => None,
        };
        let device =
            device.map(|(kind, Device { major, minor })| DeviceNode { kind, major, minor });
        let capability = xattrs.iter().find(|(name, _)| *name == CAPABILITY);
        let capability = capability.map(|(_, value)| value.to_vec());
        let mode = u32::from(mode.bits());
        let is_link = matches!(node.kind, Kind::Symlink { .. });
        let special = mode & 0o7000 != 0 && !is_link;
        let plain = *uid == 0 && *gid == 0 && device.is_none() && capability.is_none() && !special;
        let owner = Owner { uid: *uid, gid: *gid, mode, device, capability };
        (!plain).then(|| OwnedPath { path: path.as_bytes().to_vec(), owner })
    });
    seeds.collect()
}

/// Takes in the root of a run that [`prepare`] made ready.
pub(super) fn take_in(store: &Store, before: TreeId, scratch: &Path) -> Result<TreeId, RootError> {
    let mut owners: HashMap<TreePath, Owner> = HashMap::new();
    for owned in collect(scratch)? {
        let path = match owned.path.is_empty() {
            true => TreePath::root(),
            false => TreePath::new(&owned.path)?,
        };
        owners.insert(path, owned.owner);
    }
    let options = IngestOptions { permissions: Permissions::Keep };
    let taken = store.ingest(&scratch.join("upper"), &options)?.tree;
    let before = store.load_tree(before)?;
    let ours: Vec<TreePath> = PLACES
        .iter()
        .filter_map(|name| TreePath::new(name.as_bytes()).ok())
        .filter(|path| !before.has(path))
        .collect();
    let mut tree = FileTree::new();
    for (path, node) in taken.iter() {
        if ours.iter().any(|place| path.is_within(place)) {
            continue;
        }
        let owner = owners.get(path).ok_or_else(|| RootError::Unknown(path.clone()))?;
        tree.insert(path.clone(), owned(path, node, owner)?)?;
    }
    for set in taken.links().sets() {
        let mut set = set.into_iter().filter(|path| tree.has(path)).cloned().collect::<Vec<_>>();
        let Some(first) = set.pop() else { continue };
        for path in set {
            tree.link(path, &first)?;
        }
    }
    Ok(store.put_tree(&tree)?)
}

/// A node as its owner says.
fn owned(path: &TreePath, node: &Node, owner: &Owner) -> Result<Node, RootError> {
    let mut xattrs = Xattrs::none();
    for (name, value) in node.meta.xattrs.iter() {
        xattrs.insert(name, value);
    }
    if let Some(capability) = &owner.capability
        && !xattrs.insert(CAPABILITY, capability)
    {
        return Err(RootError::Capability(path.clone()));
    }
    let kind = match owner.device {
        None => node.kind.clone(),
        Some(DeviceNode { kind, major, minor }) => {
            let device = Device { major, minor };
            match kind {
                DeviceKind::Character => Kind::CharDevice(device),
                DeviceKind::Block => Kind::BlockDevice(device),
            }
        }
    };
    // A link has the one mode that the format gives it.
    let bits = if matches!(kind, Kind::Symlink { .. }) { 0o777 } else { owner.mode };
    let meta = Meta { mode: Mode::from_bits(bits), uid: owner.uid, gid: owner.gid, xattrs };
    Ok(Node { meta, kind })
}

/// What a command that failed says of itself: the line that it left in `/out/failed`.
pub(super) fn verdict(scratch: &Path) -> Option<String> {
    let path = scratch.join("out/failed");
    // A link of the command's would lead to the host's files.
    if !std::fs::symlink_metadata(&path).ok()?.is_file() {
        return None;
    }
    let text = String::from_utf8_lossy(&std::fs::read(path).ok()?).into_owned();
    let line = text.lines().next().filter(|line| !line.is_empty())?;
    Some(line.chars().take(500).collect())
}
