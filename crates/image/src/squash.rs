//! Layers laid over each other by the rules of OCI, as values: whiteouts, opaque directories, hard
//! links into lower layers, symbolic links in the way.
//!
//! Nothing touches a file system: a path cannot escape, and a symbolic link in the way is followed
//! inside the tree. What contents are is left to the caller. The order of entries within a layer does
//! not matter to whiteouts, which are only for the layers below.
//!
//! Two things are bounded, as layers of strangers are laid: what stays in memory, and how much has to be
//! looked through to find where entries belong.

use crate::{tar_writer::WHITEOUT, unpack::UnpackError};
use groundup_tree::{FileTree, Kind, LinkError, Name, Node, TreePath};
use std::collections::{BTreeMap, BTreeSet};

/// Whether names that begin with `.wh.` mean deletions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whiteouts {
    /// They do, as in layers.
    Apply,
    /// They are files like others.
    AreFiles,
}

/// What stands at a path of a layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// Something of its own.
    Node(Node),
    /// Another name of what stands at this path, which may be of a lower layer.
    Link(Vec<u8>),
}

/// Attributes that no tree takes, by name.
type Others = BTreeMap<Vec<u8>, Vec<u8>>;

/// Layers that are laid over each other, the lowest first.
pub struct Squash {
    whiteouts: Whiteouts,
    /// Bytes of names, and how many may still come.
    names: (u64, u64),
    /// How much may still be looked through.
    work: u64,
    tree: FileTree,
    /// By paths of the tree.
    others: BTreeMap<TreePath, Others>,
    /// The directory that was looked up last, as it was written and where it is.
    last: Option<(TreePath, TreePath)>,
    /// What the layer that is being laid has put.
    put: BTreeSet<TreePath>,
    /// What it has hidden of the layers below, and directories within which it has hidden all.
    hidden: BTreeSet<TreePath>,
    emptied: BTreeSet<TreePath>,
}

/// Where an entry belongs.
pub(crate) enum Place {
    /// It is the top directory.
    Root,
    /// A path whose directory was looked up.
    At(TreePath),
    /// It stood for a deletion, which was done.
    Done,
}

impl Squash {
    /// Nothing yet. `names` bounds the bytes of all paths, targets of symbolic links and attributes
    /// together, as they are kept: paths with symbolic links followed, directories that only paths
    /// imply, a hard link with the attributes of its target, a deletion, and 64 bytes more for each
    /// attribute.
    pub fn new(whiteouts: Whiteouts, names: u64) -> Self {
        Self {
            whiteouts,
            names: (names, names),
            work: WORK,
            tree: FileTree::new(),
            others: BTreeMap::new(),
            last: None,
            put: BTreeSet::new(),
            hidden: BTreeSet::new(),
            emptied: BTreeSet::new(),
        }
    }

    /// Begins the next layer.
    pub fn next_layer(&mut self) {
        self.put.clear();
        self.hidden.clear();
        self.emptied.clear();
    }

    /// Puts an entry of the layer, with its attributes that no tree takes; a deletion if that is what
    /// its name means. An error leaves out the entry; only [`UnpackError::Names`] and
    /// [`UnpackError::Work`] concern all.
    pub fn put(
        &mut self,
        path: &[u8],
        item: Item,
        others: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<(), UnpackError> {
        let path = match (self.place(path)?, item) {
            (Place::Done, _) => return Ok(()),
            (Place::Root, Item::Link(_)) => return Err(UnpackError::Root),
            (Place::At(path), Item::Link(target)) => return self.link(path, &target),
            (Place::Root, Item::Node(node)) => {
                self.root(node)?;
                TreePath::root()
            }
            (Place::At(path), Item::Node(node)) => {
                self.node(path.clone(), node)?;
                path
            }
        };
        self.keep_others(path, others.iter().cloned().collect())
    }

    /// Takes out the attributes that no tree takes, by the paths of what has them.
    pub fn take_others(&mut self) -> BTreeMap<TreePath, BTreeMap<Vec<u8>, Vec<u8>>> {
        std::mem::take(&mut self.others)
    }

    /// The tree that the layers make.
    pub fn finish(self) -> FileTree {
        self.tree
    }

    /// Where an entry belongs; a deletion is done at once.
    pub(crate) fn place(&mut self, path: &[u8]) -> Result<Place, UnpackError> {
        let written = TreePath::parse(path)?;
        let Some(name) = written.name() else { return Ok(Place::Root) };
        let parent = self.directory(&written.parent().unwrap_or_default())?;
        let hidden = name.as_bytes().strip_prefix(WHITEOUT);
        match hidden.filter(|_| self.whiteouts == Whiteouts::Apply) {
            Some(b".wh..opq") => self.hide_within(&parent)?,
            // Book-keeping of old engines.
            Some(hidden) if hidden.starts_with(WHITEOUT) => {}
            Some(hidden) => {
                let source = |source| UnpackError::Name { path: written.clone(), source };
                let hidden = parent.join(&Name::new(hidden).map_err(source)?);
                self.hide(&hidden)?;
            }
            None => return Ok(Place::At(parent.join(&name))),
        }
        Ok(Place::Done)
    }

    pub(crate) fn root(&mut self, node: Node) -> Result<(), UnpackError> {
        if !node.is_directory() {
            return Err(UnpackError::Root);
        }
        Ok(self.tree.insert(TreePath::root(), node)?)
    }

    pub(crate) fn node(&mut self, path: TreePath, node: Node) -> Result<(), UnpackError> {
        self.insert(&path, node)?;
        self.put.insert(path);
        Ok(())
    }

    pub(crate) fn link(&mut self, path: TreePath, target: &[u8]) -> Result<(), UnpackError> {
        let failed = |source| UnpackError::Link { path: path.clone(), source };
        let target = TreePath::parse(target)?;
        let name = target.name().ok_or_else(|| failed(LinkError::Directory(target.clone())))?;
        let target = self.directory(&target.parent().unwrap_or_default())?.join(&name);
        if target != path {
            let node = self.tree.get(&target);
            let node = node.ok_or_else(|| failed(LinkError::Missing(target.clone())))?.clone();
            if node.is_directory() {
                return Err(failed(LinkError::Directory(target)));
            }
            let others = self.others.get(&target).cloned().unwrap_or_default();
            self.insert(&path, node)?;
            self.keep_others(path.clone(), others)?;
            self.tree.link(path.clone(), &target).map_err(failed)?;
        }
        self.put.insert(path);
        Ok(())
    }

    fn insert(&mut self, path: &TreePath, node: Node) -> Result<(), UnpackError> {
        self.spend(path.as_bytes().len() + size(&node))?;
        let is_symlink = matches!(node.kind, Kind::Symlink { .. });
        if is_symlink || self.tree.get(path).is_some_and(leads_on) {
            self.last = None;
        }
        if node.is_directory() {
            self.others.remove(path);
        } else {
            self.remove(path);
        }
        // Directories that no entry names are made too, also where the entry is refused then: a bomb of
        // deep paths ends here.
        let before = self.tree.len();
        let inserted = self.tree.insert_with_parents(path.clone(), node);
        let implied = self.tree.len().saturating_sub(before + 1);
        self.spend(implied * path.as_bytes().len())?;
        Ok(inserted?)
    }

    /// Keeps attributes that no tree takes in place of those that were there.
    fn keep_others(&mut self, path: TreePath, others: Others) -> Result<(), UnpackError> {
        if others.is_empty() {
            self.others.remove(&path);
            return Ok(());
        }
        let sizes = others.iter().map(|(name, value)| attribute(name, value));
        self.spend(sizes.sum())?;
        self.others.insert(path, others);
        Ok(())
    }

    /// Takes out what stands at a path and within.
    fn remove(&mut self, path: &TreePath) {
        let led_on = self.tree.get(path).is_some_and(leads_on);
        if self.tree.remove(path) == 0 {
            return;
        }
        if led_on {
            self.last = None;
        }
        let within = self.others.range(path.clone()..).map(|(other, _)| other);
        let gone: Vec<_> = within.take_while(|other| other.is_within(path)).cloned().collect();
        for path in gone {
            self.others.remove(&path);
        }
    }

    /// Where a directory is. Entries of one directory mostly follow each other, so that it is looked up
    /// once, until something changes that could lead elsewhere.
    fn directory(&mut self, written: &TreePath) -> Result<TreePath, UnpackError> {
        if let Some((last, at)) = &self.last
            && last == written
        {
            return Ok(at.clone());
        }
        let mut work = 0;
        let at = follow(&self.tree, written, &mut work);
        self.work(work)?;
        let at = at?;
        self.last = Some((written.clone(), at.clone()));
        Ok(at)
    }

    /// Counts what was looked through.
    fn work(&mut self, done: u64) -> Result<(), UnpackError> {
        self.work = self.work.checked_sub(done).ok_or(UnpackError::Work(WORK))?;
        Ok(())
    }

    /// Counts bytes that the tree keeps beside contents.
    pub fn spend(&mut self, bytes: usize) -> Result<(), UnpackError> {
        let (limit, left) = self.names;
        self.names.1 = left.checked_sub(bytes as u64).ok_or(UnpackError::Names(limit))?;
        Ok(())
    }

    /// Takes out what lower layers have within `directory`, itself not.
    fn hide_within(&mut self, directory: &TreePath) -> Result<(), UnpackError> {
        if self.is_hidden(directory)? || self.emptied.contains(directory) {
            return Ok(());
        }
        let mut seen = 0;
        let within = self.tree.within(directory).inspect(|(path, _)| seen += look(path));
        let children = within.filter(|(path, _)| path.parent().as_ref() == Some(directory));
        let children: Vec<_> = children.map(|(path, _)| path.clone()).collect();
        self.work(seen)?;
        for child in children {
            self.hide(&child)?;
        }
        self.spend(directory.as_bytes().len())?;
        self.emptied.insert(directory.clone());
        Ok(())
    }

    /// Whether this layer has hidden a path already with a directory that it is in: to look through what
    /// stays once more for each of many deletions would take a day.
    fn is_hidden(&mut self, path: &TreePath) -> Result<bool, UnpackError> {
        let mut above = path.parent();
        let mut seen = 0;
        let mut hidden = self.hidden.contains(path);
        while let Some(directory) = above.filter(|_| !hidden) {
            seen += look(&directory);
            hidden = self.hidden.contains(&directory) || self.emptied.contains(&directory);
            above = directory.parent();
        }
        self.work(seen)?;
        Ok(hidden)
    }

    /// Takes out what lower layers have at `path` and within.
    fn hide(&mut self, path: &TreePath) -> Result<(), UnpackError> {
        if self.is_hidden(path)? {
            return Ok(());
        }
        self.spend(path.as_bytes().len())?;
        self.hidden.insert(path.clone());
        let kept = self.put.range(path.clone()..).next().is_some_and(|next| next.is_within(path));
        if !kept {
            self.remove(path);
            return Ok(());
        }
        // What this layer has put is met once more by each deletion further up.
        let mut seen = 0;
        let within = self.tree.within(path).inspect(|(path, _)| seen += look(path));
        let gone: Vec<_> =
            within.filter(|(path, _)| !self.put.contains(path)).map(|it| it.0.clone()).collect();
        self.work(seen)?;
        // From the leaves up: a directory goes only when nothing of this layer is in it.
        for path in gone.iter().rev() {
            if self.tree.within(path).nth(1).is_none() {
                self.remove(path);
            }
        }
        Ok(())
    }
}

/// How much may be looked through for all layers, a minute or two at worst: two million files, each in
/// another directory than the one before and ten deep, take a third of it.
const WORK: u64 = 8 << 30;

/// What it costs to look up a path, in bytes that are compared: some for the way through the tree, and
/// its own.
fn look(path: &TreePath) -> u64 {
    64 + path.as_bytes().len() as u64
}

/// Whether a path can go through a node.
fn leads_on(node: &Node) -> bool {
    matches!(node.kind, Kind::Directory | Kind::Symlink { .. })
}

/// The bytes that a node keeps beside its path.
fn size(node: &Node) -> usize {
    let target = if let Kind::Symlink { target } = &node.kind { target.len() } else { 0 };
    let xattrs = node.meta.xattrs.iter().map(|(name, value)| attribute(name, value));
    target + xattrs.sum::<usize>()
}

/// The bytes that an attribute keeps: also a short one takes a place in a map.
fn attribute(name: &[u8], value: &[u8]) -> usize {
    64 + name.len() + value.len()
}

/// How many names are followed on the way to one path; a path of the longest kind has half as many.
const STEPS: usize = 4096;

/// Where `path` leads to when symbolic links are followed, the last name's too; never out of the
/// tree. A path that is not there leads to itself.
pub fn resolve(tree: &FileTree, path: &TreePath) -> Result<TreePath, UnpackError> {
    follow(tree, path, &mut 0)
}

/// Resolves a path and adds up what that takes.
fn follow(tree: &FileTree, path: &TreePath, work: &mut u64) -> Result<TreePath, UnpackError> {
    let mut pending: Vec<Vec<u8>> = path.names().rev_names();
    let mut at = TreePath::root();
    let (mut hops, mut steps) = (0, 0);
    while let Some(name) = pending.pop() {
        steps += 1;
        if steps > STEPS || at.as_bytes().len() > TreePath::MAX {
            return Err(UnpackError::LinkLoop(path.clone()));
        }
        if name == b".." {
            at = at.parent().unwrap_or_default();
            continue;
        }
        let source = |source| UnpackError::Name { path: path.clone(), source };
        let next = at.join(&Name::new(&name).map_err(source)?);
        *work += look(&next);
        let Some(Kind::Symlink { target }) = tree.get(&next).map(|node| &node.kind) else {
            at = next;
            continue;
        };
        hops += 1;
        if hops > 40 {
            return Err(UnpackError::LinkLoop(path.clone()));
        }
        if target.starts_with(b"/") {
            at = TreePath::root();
        }
        let names = target.split(|byte| *byte == b'/').filter(|n| !matches!(*n, b"" | b"."));
        pending.extend(names.rev_names());
    }
    Ok(at)
}

trait RevNames {
    /// The names from the last to the first, owned.
    fn rev_names(self) -> Vec<Vec<u8>>;
}

impl<'a, I: Iterator<Item = &'a [u8]>> RevNames for I {
    fn rev_names(self) -> Vec<Vec<u8>> {
        let mut names: Vec<_> = self.map(<[u8]>::to_vec).collect();
        names.reverse();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_tree::{Meta, Mode, Xattrs};

    type Result = std::result::Result<(), UnpackError>;

    fn file() -> Item {
        let meta = Meta { mode: Mode::from_bits(0o644), uid: 0, gid: 0, xattrs: Xattrs::none() };
        Item::Node(Node { meta, kind: Kind::Fifo })
    }

    /// With a walk over all that stays for each of them it would take hours.
    #[test]
    fn deletions_that_are_said_again_and_again_cost_nothing() -> Result {
        let mut squash = Squash::new(Whiteouts::Apply, u64::MAX);
        squash.put(b"a/below", file(), &[])?;
        squash.next_layer();
        for number in 0..50_000 {
            squash.put(format!("a/{number}").as_bytes(), file(), &[])?;
        }
        for number in 0..50_000 {
            squash.put(b"a/.wh..wh..opq", file(), &[])?;
            squash.put(b".wh.a", file(), &[])?;
            squash.put(format!("a/.wh.{number}").as_bytes(), file(), &[])?;
        }
        let tree = squash.finish();
        assert_eq!(tree.iter().filter(|(path, _)| !path.is_root()).count(), 50_001);
        Ok(())
    }

    #[test]
    fn a_path_of_links_without_end_is_refused() -> Result {
        let mut squash = Squash::new(Whiteouts::Apply, u64::MAX);
        for number in 0..40 {
            let target = format!("s{}/{}", number + 1, "x/".repeat(2000)).into_bytes();
            let Item::Node(mut node) = file() else { return Ok(()) };
            node.kind = Kind::Symlink { target: target.into() };
            squash.put(format!("s{number}").as_bytes(), Item::Node(node), &[])?;
        }
        assert!(matches!(squash.put(b"s0/.wh.f", file(), &[]), Err(UnpackError::LinkLoop(_))));
        Ok(())
    }

    /// A long directory, and the symbolic link `s` to it.
    fn long(squash: &mut Squash) -> Result {
        let target = vec!["d".repeat(200); 20].join("/").into_bytes();
        let Item::Node(mut node) = file() else { return Ok(()) };
        squash.put(&[&target[..], b"/x"].concat(), file(), &[])?;
        node.kind = Kind::Symlink { target: target.into() };
        squash.put(b"s", Item::Node(node), &[])
    }

    /// Why one of many entries is refused.
    fn refused(entry: impl FnMut(u32) -> Result) -> Option<UnpackError> {
        (0..2000).map(entry).find_map(|done| done.err())
    }

    #[test]
    fn a_path_counts_as_it_is_kept() -> Result {
        let mut squash = Squash::new(Whiteouts::Apply, 1 << 20);
        long(&mut squash)?;
        let refused = refused(|number| squash.put(format!("s/{number}").as_bytes(), file(), &[]));
        assert!(matches!(refused, Some(UnpackError::Names(_))), "{refused:?}");
        assert!(squash.finish().len() < 300);
        Ok(())
    }

    #[test]
    fn a_hard_link_counts_with_the_attributes_of_its_target() -> Result {
        let value = vec![b'v'; 10_000];
        let Item::Node(mut node) = file() else { return Ok(()) };
        node.meta.xattrs.insert(b"user.x", &value);
        let other = (b"security.x".to_vec(), value);
        for (node, others) in [(Item::Node(node), vec![]), (file(), vec![other])] {
            let mut squash = Squash::new(Whiteouts::Apply, 1 << 20);
            squash.put(b"x", node, &others)?;
            let link = || Item::Link(b"x".to_vec());
            let refused =
                refused(|number| squash.put(format!("l{number}").as_bytes(), link(), &[]));
            assert!(matches!(refused, Some(UnpackError::Names(_))), "{refused:?}");
            assert!(squash.finish().len() < 110);
        }
        Ok(())
    }

    #[test]
    fn directories_of_entries_that_are_refused_count() {
        let mut squash = Squash::new(Whiteouts::Apply, 1 << 20);
        let refused = refused(|number| {
            let Item::Node(mut node) = file() else { return Ok(()) };
            node.kind = Kind::Symlink { target: b""[..].into() };
            let path = format!("{number}/{}", "d/".repeat(500));
            match squash.put(path.as_bytes(), Item::Node(node), &[]) {
                Err(UnpackError::Tree(_)) => Ok(()),
                other => other,
            }
        });
        assert!(matches!(refused, Some(UnpackError::Names(_))), "{refused:?}");
        assert!(squash.finish().len() < 2000);
    }

    #[test]
    fn an_ordinary_file_takes_its_path_alone() -> Result {
        let paths: Vec<_> =
            (0..1000).map(|number| format!("srv/{}/{number}", number % 7)).collect();
        let tops = "srv".len() + 7 * "srv/0".len();
        let all = paths.iter().map(String::len).sum::<usize>();
        let mut squash = Squash::new(Whiteouts::Apply, (all + tops) as u64);
        let Item::Node(Node { meta, .. }) = file() else { return Ok(()) };
        let tops = (0..7).map(|number| format!("srv/{number}"));
        for top in std::iter::once("srv".to_owned()).chain(tops) {
            let node = Node { meta: meta.clone(), kind: Kind::Directory };
            squash.put(top.as_bytes(), Item::Node(node), &[])?;
        }
        paths.iter().try_for_each(|path| squash.put(path.as_bytes(), file(), &[]))
    }

    #[test]
    fn deletions_from_the_inside_out_end() -> Result {
        let mut squash = Squash::new(Whiteouts::Apply, u64::MAX);
        squash.work = 10_000_000;
        let at = |levels: usize| "a/".repeat(levels);
        squash.put(format!("{}below", at(100)).as_bytes(), file(), &[])?;
        squash.next_layer();
        for number in 0..1000 {
            squash.put(format!("{}{number}", at(100)).as_bytes(), file(), &[])?;
        }
        // A few are done; all of them would take twenty million, by either name.
        for name in [".wh.a", ".wh..wh..opq"] {
            let mut delete =
                |levels| squash.put(format!("{}{name}", at(levels)).as_bytes(), file(), &[]);
            delete(99)?;
            let refused = (0..99).rev().map(delete).find_map(|done| done.err());
            assert!(matches!(refused, Some(UnpackError::Work(_))), "{name}: {refused:?}");
            squash.work = 10_000_000;
            squash.next_layer();
            for number in 0..1000 {
                squash.put(format!("{}{number}", at(100)).as_bytes(), file(), &[])?;
            }
        }
        Ok(())
    }

    #[test]
    fn long_ways_to_entries_end() -> Result {
        let mut squash = Squash::new(Whiteouts::Apply, u64::MAX);
        squash.work = 2_000_000;
        long(&mut squash)?;
        // Of one directory they are looked up once.
        for number in 0..300 {
            squash.put(format!("s/{number}").as_bytes(), file(), &[])?;
        }
        let turned = |number: u32| ["s/x", "x"][number as usize % 2];
        let refused = refused(|number| squash.put(turned(number).as_bytes(), file(), &[]));
        assert!(matches!(refused, Some(UnpackError::Work(_))), "{refused:?}");
        Ok(())
    }

    #[test]
    fn a_directory_is_looked_up_again_once_it_can_lead_elsewhere() -> Result {
        let Item::Node(mut node) = file() else { return Ok(()) };
        let mut link = |target: &[u8]| {
            node.kind = Kind::Symlink { target: target.into() };
            Item::Node(node.clone())
        };
        let mut squash = Squash::new(Whiteouts::Apply, u64::MAX);
        squash.put(b"a/x", file(), &[])?;
        squash.put(b"b/x", file(), &[])?;
        for (target, name) in [(&b"a"[..], "1"), (b"b", "2"), (b"a", "3")] {
            squash.put(b"s", link(target), &[])?;
            squash.put(format!("s/{name}").as_bytes(), file(), &[])?;
        }
        // A hard link of the symbolic link leads on too, and a deletion ends it.
        squash.put(b"t", Item::Link(b"s".to_vec()), &[])?;
        squash.put(b"t/4", file(), &[])?;
        squash.next_layer();
        squash.put(b"t/5", file(), &[])?;
        squash.put(b".wh.t", file(), &[])?;
        squash.put(b"t/6", file(), &[])?;
        let tree = squash.finish();
        let paths: Vec<_> = tree.iter().map(|(path, _)| path.to_string()).collect();
        let expected = [
            "/", "/a", "/a/1", "/a/3", "/a/4", "/a/5", "/a/x", "/b", "/b/2", "/b/x", "/s", "/t",
            "/t/6",
        ];
        assert_eq!(paths, expected);
        Ok(())
    }

    #[test]
    fn attributes_that_no_tree_takes_stand_where_their_entries_do() -> Result {
        let own = |value: &str| vec![(b"security.ima".to_vec(), value.as_bytes().to_vec())];
        let Item::Node(mut node) = file() else { return Ok(()) };
        let directory = Item::Node(Node { kind: Kind::Directory, ..node.clone() });
        node.kind = Kind::Symlink { target: b"usr"[..].into() };
        let mut squash = Squash::new(Whiteouts::Apply, u64::MAX);
        squash.put(b"", directory.clone(), &own("root"))?;
        squash.put(b"usr/x", file(), &own("1"))?;
        squash.put(b"usr/y", file(), &own("2"))?;
        squash.put(b"usr/z", Item::Link(b"usr/y".to_vec()), &[])?;
        squash.put(b"d", directory.clone(), &own("3"))?;
        squash.put(b"d/x", file(), &own("4"))?;
        squash.put(b"e", directory.clone(), &own("5"))?;
        squash.put(b"e/x", file(), &own("6"))?;
        squash.put(b"lib", Item::Node(node), &[])?;
        squash.next_layer();
        squash.put(b"lib/x", file(), &[])?;
        squash.put(b"lib/y", file(), &own("7"))?;
        squash.put(b"d/.wh..wh..opq", file(), &[])?;
        squash.put(b"d/x", file(), &[])?;
        squash.put(b".wh.e", file(), &[])?;
        squash.put(b"e/x", file(), &[])?;
        let others = squash.take_others().into_iter().map(|(path, others)| {
            let values = others.values().map(|value| String::from_utf8_lossy(value).into_owned());
            (path.to_string(), values.collect::<String>())
        });
        let expected = [("/", "root"), ("/d", "3"), ("/usr/y", "7"), ("/usr/z", "2")];
        assert!(others.eq(expected.map(|(path, value)| (path.to_owned(), value.to_owned()))));
        Ok(())
    }
}
