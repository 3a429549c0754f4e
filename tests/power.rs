//! The machine loses its power in the middle of a command: what was not synced may be lost.
//!
//! A model of the disk. What stood in the store when the last `syncfs` began that has ended is on the
//! disk, and so are the bytes of files that were synced by themselves and not written since. Of all
//! that came later each thing may be there or not, apart from each other: a name, the bytes of a
//! file, a part of them, zeros in their place, the removal of a name. The state that is left is made
//! from the store of a command that was killed, and the boot of the machine changes.

use crate::{
    ordeal::{Draw, Ordeal, Scenario, copy_all, names, remove_all},
    trace::{Change, Deed, Site, Watch},
};
use groundup_store::{OpenOptions, Store};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// What becomes of that which was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All of it is lost.
    Everything,
    /// All names are there, and no bytes of files.
    Bytes,
    /// What was appended to journals is there, and nothing else.
    AllButJournals,
    /// Everything by itself is there, lost or torn.
    Anything,
}

impl Loss {
    /// All of them.
    pub const ALL: [Loss; 4] =
        [Loss::Everything, Loss::Bytes, Loss::AllButJournals, Loss::Anything];
}

/// Watches a command until the power fails.
struct Disk {
    work: PathBuf,
    /// A copy of what is on the disk for certain.
    synced: PathBuf,
    /// A copy from the beginning of a sync that has not ended.
    syncing: PathBuf,
    /// Inodes whose bytes were synced by themselves.
    files: HashSet<u64>,
    /// Names that were synced with their directory.
    names: BTreeSet<PathBuf>,
    /// How many calls are still made.
    left: usize,
}

impl Disk {
    fn inode(&self, site: &Site) -> Option<u64> {
        let folder = self.work.parent().expect("it lies in a folder");
        folder.join(&site.path).symlink_metadata().ok().map(|file| file.ino())
    }
}

impl Watch for Disk {
    fn enters(&mut self, site: &Site) -> Deed {
        let Some(left) = self.left.checked_sub(1) else { return Deed::Kill };
        self.left = left;
        match site.change {
            Change::Sync if site.path == Path::new("work/store") => {
                remove_if_there(&self.syncing);
                copy_all(&self.work, &self.syncing);
            }
            Change::Write | Change::Resize => {
                let inode = self.inode(site);
                inode.map(|inode| self.files.remove(&inode));
            }
            _ => {}
        }
        Deed::Go
    }

    fn leaves(&mut self, site: &Site, result: i64) {
        if site.change != Change::Sync || result != 0 {
            return;
        }
        let folder = self.work.parent().expect("it lies in a folder").to_owned();
        let path = folder.join(&site.path);
        if self.syncing.exists() && site.path == Path::new("work/store") {
            remove_if_there(&self.synced);
            fs::rename(&self.syncing, &self.synced).expect("it is ours");
            (self.files, self.names) = <(HashSet<_>, BTreeSet<_>)>::default();
        }
        if path.is_dir() {
            self.names.extend(names(&path));
        } else {
            self.files.extend(self.inode(site));
        }
    }
}

/// Lets the power fail after so many calls of a command, and says what did not hold afterwards.
pub fn fail(
    ordeal: &Ordeal,
    scenario: Scenario,
    calls: usize,
    loss: Loss,
    draw: &mut Draw,
) -> Result<(), String> {
    let work = ordeal.tiny().workspace.root();
    let [synced, syncing] =
        ["synced", "syncing"].map(|name| ordeal.tiny().workspace.folder().join(name));
    remove_if_there(&synced);
    ordeal.reset(scenario);
    copy_all(&work, &synced);
    let (files, names) = <(HashSet<u64>, BTreeSet<PathBuf>)>::default();
    let mut disk = Disk { work, synced, syncing, files, names, left: calls };
    ordeal.run(scenario, None, &mut disk);
    let told = Lost { disk: &disk, loss, draw, chosen: HashMap::new() }.lose();
    let context = |problem| format!("{scenario} after {calls} calls, {loss:?}: {problem}\n{told}");
    complete(ordeal, scenario).and_then(|()| ordeal.check(scenario)).map_err(context)
}

/// No result names an object that is not there.
fn complete(ordeal: &Ordeal, scenario: Scenario) -> Result<(), String> {
    let path = ordeal.tiny().workspace.path("store");
    if !path.join("format").exists() {
        return Ok(());
    }
    let store = Store::open(&path, &OpenOptions::default()).map_err(|error| error.to_string())?;
    if scenario == Scenario::Repair {
        // What it is there to repair may be gone.
        return Ok(());
    }
    for (key, result) in store.results().map_err(|error| error.to_string())? {
        let gone = |what: &str| format!("{what} of the result of step {key} is gone");
        store.get_record(result.record).map_err(|_| gone("the record"))?;
        for object in result.outputs.values() {
            // Contents were collected, or damaged, in the other scenarios.
            let whole = matches!(scenario, Scenario::Lock | Scenario::Build | Scenario::Ingest);
            let there = store.has_complete(*object).map_err(|error| error.to_string())?;
            if let Some(tree) = object.tree() {
                store.load_tree(tree).map_err(|_| gone("a tree"))?;
            }
            if whole && !there {
                return Err(gone(&object.to_string()));
            }
        }
    }
    Ok(())
}

/// The bytes of a file that were not synced.
#[derive(Debug, Clone, Copy)]
enum Bytes {
    Whole,
    None,
    Half,
    Zeros,
    /// Zeros, and the last part.
    Hole,
}

struct Lost<'a> {
    disk: &'a Disk,
    loss: Loss,
    draw: &'a mut Draw,
    /// The bytes of an inode are lost once, whatever its names.
    chosen: HashMap<u64, Bytes>,
}

impl Lost<'_> {
    /// Makes the state that is left; gives what was done, for messages.
    fn lose(mut self) -> String {
        let (before, after) = (tree(&self.disk.synced), tree(&self.disk.work));
        let mut told = String::new();
        let mut gone: Vec<PathBuf> = Vec::new();
        for (path, is_folder) in &after {
            let live = self.disk.work.join(path);
            if gone.iter().any(|gone| path.starts_with(gone)) {
                continue;
            }
            let is_journal = path.ends_with("journal");
            if !before.contains_key(path) && !self.disk.names.contains(&live) {
                let name_is_there = match self.loss {
                    Loss::Everything => false,
                    Loss::Bytes => true,
                    // A journal is in a folder.
                    Loss::AllButJournals => is_journal || after.contains_key(&path.join("journal")),
                    Loss::Anything => self.draw.below(3) > 0,
                };
                if !name_is_there {
                    told += &format!("lost {}\n", path.display());
                    remove_all_at(&live);
                    gone.push(path.clone());
                    continue;
                }
            }
            if *is_folder || live.is_symlink() {
                continue;
            }
            let old = fs::read(self.disk.synced.join(path)).unwrap_or_default();
            let new = fs::read(&live).unwrap_or_default();
            let inode = live.symlink_metadata().expect("it is there").ino();
            if old == new || self.disk.files.contains(&inode) {
                continue;
            }
            let bytes = match self.chosen.get(&inode) {
                Some(bytes) => *bytes,
                None => self.bytes(is_journal),
            };
            self.chosen.insert(inode, bytes);
            told += &format!("{bytes:?} of {}\n", path.display());
            // What was appended to is as it was, and then comes what was not synced.
            let common = if new.starts_with(&old) { old.len() } else { 0 };
            let left = left(&new, common, bytes);
            let kept = match bytes {
                Bytes::None if common == 0 => old,
                _ => left,
            };
            overwrite(&live, &kept);
        }
        for path in before.keys().filter(|path| !after.contains_key(*path)) {
            let stays = match self.loss {
                Loss::Everything | Loss::AllButJournals => true,
                Loss::Bytes => false,
                Loss::Anything => self.draw.below(2) == 0,
            };
            let (from, to) = (self.disk.synced.join(path), self.disk.work.join(path));
            if stays && !to.exists() && to.parent().is_some_and(Path::is_dir) {
                told += &format!("back {}\n", path.display());
                copy_all(&from, &to);
            }
        }
        self.boot();
        told
    }

    fn bytes(&mut self, is_journal: bool) -> Bytes {
        match self.loss {
            Loss::AllButJournals if is_journal => Bytes::Whole,
            Loss::Everything | Loss::Bytes | Loss::AllButJournals => Bytes::None,
            Loss::Anything => [Bytes::Whole, Bytes::None, Bytes::Half, Bytes::Zeros, Bytes::Hole]
                [self.draw.below(5) as usize],
        }
    }

    /// The machine starts again.
    fn boot(&self) {
        let copies = self.disk.work.join("out/.groundup.json");
        if let (Ok(text), Ok(boot)) =
            (fs::read_to_string(&copies), fs::read_to_string("/proc/sys/kernel/random/boot_id"))
        {
            fs::write(copies, text.replace(boot.trim(), "before")).expect("it is ours");
        }
        let index = self.disk.work.join("store/index");
        if !index.exists() {
            return;
        }
        for path in names(&index) {
            let name = path.file_name().expect("it has one").to_string_lossy().into_owned();
            if name.ends_with(".db") {
                fs::rename(&path, index.join("before.db")).expect("it is ours");
            } else if name.contains(".db-") {
                fs::remove_file(&path).expect("it is ours");
            }
        }
    }
}

/// What is left of bytes of which those from `common` on were not synced.
fn left(new: &[u8], common: usize, bytes: Bytes) -> Vec<u8> {
    let middle = common + (new.len() - common) / 2;
    let mut left = new.to_vec();
    match bytes {
        Bytes::Whole => {}
        Bytes::None => left.truncate(common),
        Bytes::Half => left.truncate(middle),
        Bytes::Zeros => left[common..].fill(0),
        Bytes::Hole => left[common..middle].fill(0),
    }
    left
}

/// The paths below a folder, and whether each is a folder; what lies in one comes after it.
fn tree(folder: &Path) -> BTreeMap<PathBuf, bool> {
    let mut found = BTreeMap::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(at) = todo.pop() {
        for path in names(&at) {
            let is_folder = path.is_dir() && !path.is_symlink();
            found.insert(path.strip_prefix(folder).expect("it lies there").to_owned(), is_folder);
            if is_folder {
                todo.push(path);
            }
        }
    }
    found
}

/// Writes to the same inode, whatever its mode.
fn overwrite(path: &Path, bytes: &[u8]) {
    if fs::write(path, bytes).is_err() {
        let mode = path.metadata().expect("it is there").permissions();
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("it is ours");
        fs::write(path, bytes).expect("it is ours");
        fs::set_permissions(path, mode).expect("it is ours");
    }
}

fn remove_all_at(path: &Path) {
    if path.is_dir() && !path.is_symlink() {
        remove_all(path);
    } else if fs::remove_file(path).is_err() {
        // A check-out's directories are not writable to all owners.
        let parent = path.parent().expect("it has one");
        let mode = parent.metadata().expect("it is there").permissions();
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        fs::set_permissions(parent, open).expect("it is ours");
        fs::remove_file(path).expect("it is ours");
        fs::set_permissions(parent, mode).expect("it is ours");
    }
}

fn remove_if_there(path: &Path) {
    if path.exists() {
        remove_all(path);
    }
}
