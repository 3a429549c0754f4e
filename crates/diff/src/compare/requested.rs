//! What kernels were asked for, where what they are does not say it.

use super::{Comparer, row};
use crate::{Change, Part, Place, Row, Subject, Thing};
use groundup_digest::TreeId;
use groundup_meaning::{Asked, requests};
use groundup_tree::{FileTree, Kind, TreePath};

impl Comparer<'_> {
    /// The requests of a kernel that moved without their option following; nothing of what is no
    /// kernel of ours, or whose configuration is not there any more.
    pub(super) fn requested(&self, before: &Subject, after: &Subject) -> Vec<Row> {
        let sides = [before, after].map(|subject| {
            let fragments = self.fragments(subject.requested?)?;
            Some((fragments, self.resolved(subject)?))
        });
        let [Some((was, old)), Some((is, new))] = sides else { return Vec::new() };
        let before = Asked { fragments: &was, resolved: &old };
        let after = Asked { fragments: &is, resolved: &new };
        let findings = requests(&before, &after).unwrap_or_else(|finding| vec![finding]);
        let rows = findings.into_iter().map(|finding| {
            let place = Place::new("requested", "");
            let mut told = row("requested", Change::Together, place, vec![finding]);
            told.thing = Thing::KernelConfig;
            told
        });
        rows.collect()
    }

    /// The fragments and options of a kernel; what it starts from is not asked for.
    fn fragments(&self, tree: TreeId) -> Option<Vec<(String, Vec<u8>)>> {
        let tree = self.world.load(tree).ok()?;
        let files = tree.iter().filter_map(|(path, node)| match node.kind {
            Kind::File { blob, .. } => Some((super::trees::shown(path), blob)),
            _ => None,
        });
        let asked = files.filter(|(path, _)| !path.starts_with("base."));
        asked.map(|(path, blob)| Some((path, self.world.read(blob).ok()?))).collect()
    }

    /// The resolved configuration of a kernel: beside it, or in what its build left.
    fn resolved(&self, subject: &Subject) -> Option<Vec<u8>> {
        ["config", "kernel", ""].iter().find_map(|part| {
            let Some(Part::Tree(tree)) = subject.parts.get(*part) else { return None };
            let tree: FileTree = self.world.load(*tree).ok()?;
            match tree.get(&TreePath::new(b"config").ok()?)?.kind {
                Kind::File { blob, .. } => self.world.read(blob).ok(),
                _ => None,
            }
        })
    }
}
