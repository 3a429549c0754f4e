//! Looking up single paths in stored trees, without reading whole trees.

use super::HistoryError;
use groundup_digest::{BlobId, DirId, TreeId};
use groundup_store::Store;
use groundup_tree::{Directory, Entry, EntryKind, Kind, Source, TreePath, TreeRoot};
use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    rc::Rc,
};

/// The number of symbolic links that Linux follows for one path.
const LINKS_MAX: usize = 40;

/// Trees of a store; directories that were read once are kept.
pub(super) struct Trees<'a> {
    store: &'a Store,
    directories: RefCell<HashMap<DirId, Rc<Directory>>>,
}

/// A path as a program would find it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The path with all links above it followed.
    pub(super) path: TreePath,
    /// What is there; none for the top.
    pub(super) entry: Option<Entry>,
    /// The links that were followed, with their targets.
    pub(super) via: Vec<(TreePath, String)>,
}

/// What a tree has at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum At {
    /// The top directory.
    Top,
    /// This entry of its parent.
    Entry(Entry),
}

impl<'a> Trees<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, directories: RefCell::default() }
    }

    /// The top directory; none if the tree is not known any more.
    fn top(&self, tree: TreeId) -> Result<Option<Rc<Directory>>, HistoryError> {
        let Some(id) = self.top_id(tree)? else { return Ok(None) };
        self.directory(id)
    }

    pub(super) fn top_id(&self, tree: TreeId) -> Result<Option<DirId>, HistoryError> {
        if !self.store.has_tree(tree)? {
            return Ok(None);
        }
        let root = TreeRoot::from_bytes(&Source::tree(self.store, tree)?);
        Ok(Some(root.map_err(HistoryError::Directory)?.directory))
    }

    fn directory(&self, id: DirId) -> Result<Option<Rc<Directory>>, HistoryError> {
        if let Some(known) = self.directories.borrow().get(&id) {
            return Ok(Some(known.clone()));
        }
        let bytes = match Source::directory(self.store, id) {
            Err(groundup_store::StoreError::MissingDirectory(_)) => return Ok(None),
            bytes => bytes?,
        };
        let directory = Directory::from_bytes(&bytes).map_err(HistoryError::Directory)?;
        let directory = Rc::new(directory);
        self.directories.borrow_mut().insert(id, directory.clone());
        Ok(Some(directory))
    }

    /// What is at a path; no link is followed.
    pub(super) fn get(&self, tree: TreeId, path: &TreePath) -> Result<Option<At>, HistoryError> {
        let Some(mut directory) = self.top(tree)? else { return Ok(None) };
        let mut found = At::Top;
        for name in path.names() {
            if let At::Entry(entry) = &found {
                let EntryKind::Directory(id) = &entry.kind else { return Ok(None) };
                let Some(next) = self.directory(*id)? else { return Ok(None) };
                directory = next;
            }
            let Some(entry) = named(&directory, name) else { return Ok(None) };
            found = At::Entry(entry.clone());
        }
        Ok(Some(found))
    }

    /// What a program finds at a path, where a link at its end is not followed.
    pub(super) fn follow(
        &self,
        tree: TreeId,
        path: &TreePath,
    ) -> Result<Option<Place>, HistoryError> {
        let mut todo: Vec<Vec<u8>> = path.names().map(<[u8]>::to_vec).collect();
        todo.reverse();
        let Some(top) = self.top(tree)? else { return Ok(None) };
        // The directories from the top to where we are, so that a deep path is walked once.
        let mut above: Vec<Rc<Directory>> = vec![top];
        let (mut done, mut via) = (TreePath::root(), Vec::new());
        let mut entry = None;
        while let Some(name) = todo.pop() {
            if name == b".." {
                above.truncate(above.len().saturating_sub(1).max(1));
                done = done.parent().unwrap_or_default();
                entry = None;
                continue;
            }
            let Some(found) = above.last().and_then(|directory| named(directory, &name)) else {
                return Ok(None);
            };
            let (found, next) = (found.clone(), done.join(&found.name));
            match &found.kind {
                EntryKind::Other(Kind::Symlink { target }) if !todo.is_empty() => {
                    if via.len() >= LINKS_MAX {
                        return Ok(None);
                    }
                    via.push((next, String::from_utf8_lossy(target).into_owned()));
                    if target.starts_with(b"/") {
                        above.truncate(1);
                        done = TreePath::root();
                    }
                    let names = target.split(|byte| *byte == b'/');
                    todo.extend(
                        names.filter(|n| !matches!(*n, b"" | b".")).rev().map(<[u8]>::to_vec),
                    );
                }
                EntryKind::Directory(id) => {
                    let Some(directory) = self.directory(*id)? else { return Ok(None) };
                    above.push(directory);
                    (done, entry) = (next, Some(found));
                }
                EntryKind::Other(_) if !todo.is_empty() => return Ok(None),
                EntryKind::Other(_) => (done, entry) = (next, Some(found)),
            }
        }
        if entry.is_none() && !done.is_root() {
            // It ended with `..`: what is there was passed on the way.
            entry = match self.get(tree, &done)? {
                Some(At::Entry(entry)) => Some(entry),
                _ => return Ok(None),
            };
        }
        Ok(Some(Place { path: done, entry, via }))
    }

    /// The names in a directory; none where there is no directory.
    pub(super) fn names(&self, tree: TreeId, path: &TreePath) -> Result<Vec<String>, HistoryError> {
        let directory = match self.get(tree, path)? {
            Some(At::Top) => self.top(tree)?,
            Some(At::Entry(Entry { kind: EntryKind::Directory(id), .. })) => self.directory(id)?,
            _ => None,
        };
        let names = directory.iter().flat_map(|directory| directory.entries());
        let shown = |entry: &Entry| String::from_utf8_lossy(entry.name.as_bytes()).into_owned();
        Ok(names.map(shown).collect())
    }

    /// The directory or file at a path; no link is followed.
    pub(super) fn kind(
        &self,
        tree: TreeId,
        path: &TreePath,
    ) -> Result<Option<EntryKind>, HistoryError> {
        Ok(match self.get(tree, path)? {
            Some(At::Entry(entry)) => Some(entry.kind),
            _ => None,
        })
    }

    /// The files below a directory, but for directories that were `seen` before.
    pub(super) fn files_below(
        &self,
        top: DirId,
        seen: &mut BTreeSet<DirId>,
        mut each: impl FnMut(BlobId, u64) -> Result<(), HistoryError>,
    ) -> Result<(), HistoryError> {
        let mut todo = vec![top];
        while let Some(id) = todo.pop() {
            if !seen.insert(id) {
                continue;
            }
            let Some(directory) = self.directory(id)? else { continue };
            for entry in directory.entries() {
                match entry.kind {
                    EntryKind::Directory(id) => todo.push(id),
                    EntryKind::Other(Kind::File { blob, size }) => each(blob, size)?,
                    EntryKind::Other(_) => {}
                }
            }
        }
        Ok(())
    }

    /// A path of the tree that has the same content as a file elsewhere: the one whose end is most
    /// like `like`. At most `budget` directories are looked at.
    pub(super) fn find_content(
        &self,
        tree: TreeId,
        kind: &Kind,
        like: &TreePath,
        budget: usize,
    ) -> Result<Option<TreePath>, HistoryError> {
        // What is empty, or only a name, says nothing of where it is from.
        if !matches!(kind, Kind::File { size, .. } if *size > 0) {
            return Ok(None);
        }
        let Some(top) = self.top(tree)? else { return Ok(None) };
        let mut best: Option<(usize, TreePath)> = None;
        let mut todo = std::collections::VecDeque::from([(TreePath::root(), top)]);
        let mut looked = 0;
        while let Some((path, directory)) = todo.pop_front() {
            looked += 1;
            if looked > budget {
                break;
            }
            for entry in directory.entries() {
                let path = path.join(&entry.name);
                match &entry.kind {
                    EntryKind::Directory(id) if looked + todo.len() < budget => {
                        todo.extend(self.directory(*id)?.map(|directory| (path, directory)));
                    }
                    EntryKind::Directory(_) => {}
                    EntryKind::Other(other) if other == kind => {
                        let alike = common_end(&path, like);
                        if best.as_ref().is_none_or(|(most, _)| alike > *most) {
                            best = Some((alike, path));
                        }
                    }
                    EntryKind::Other(_) => {}
                }
            }
        }
        Ok(best.map(|(_, path)| path))
    }
}

fn named<'d>(directory: &'d Directory, name: &[u8]) -> Option<&'d Entry> {
    let entries = directory.entries();
    let at = entries.binary_search_by(|entry| entry.name.as_bytes().cmp(name)).ok()?;
    entries.get(at)
}

/// How many names at their ends two paths have in common.
fn common_end(a: &TreePath, b: &TreePath) -> usize {
    let (a, b): (Vec<_>, Vec<_>) = (a.names().collect(), b.names().collect());
    a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count()
}

/// How many leading names a path may have lost.
const ENDS: usize = 16;

/// The paths at which a tree may have what another tree has at `path`: the same, the same without
/// and with `usr` (a tree with `lib/` is laid over merged `/usr`), and its ends.
pub(super) fn variants(path: &TreePath) -> Vec<TreePath> {
    let names: Vec<&[u8]> = path.names().collect();
    let join = |names: &[&[u8]]| TreePath::new(&names.join(&b'/')).ok();
    let mut found = vec![path.clone()];
    match names.split_first() {
        Some((first, rest)) if *first == b"usr" && !rest.is_empty() => found.extend(join(rest)),
        _ => found.extend(join(&[&[&b"usr"[..]], &names[..]].concat())),
    }
    for skip in 1..names.len().min(ENDS) {
        found.extend(names.get(skip..).and_then(join));
    }
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_may_have_lost_usr_or_a_place_it_was_laid_at() {
        let path = TreePath::new(b"usr/lib/x").unwrap();
        let found: Vec<String> = variants(&path).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["/usr/lib/x", "/lib/x", "/x"]);
        let path = TreePath::new(b"sbin/x").unwrap();
        let found: Vec<String> = variants(&path).iter().map(ToString::to_string).collect();
        assert_eq!(found, ["/sbin/x", "/usr/sbin/x", "/x"]);
        assert_eq!(variants(&TreePath::root()).len(), 2);
    }
}
