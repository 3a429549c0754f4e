//! A directory of pinned bytes: filled, checked and pruned.
//!
//! ```text
//! DIR/sha256/HEX        the bytes with this SHA-256
//! DIR/git/COMMIT.pack   a commit with its files, as a pack of git's
//! DIR/locks/NAME.lock   the locks that it was filled for; what none of them pins can be pruned
//! DIR/lock              held while it is being filled
//! ```
//!
//! A file appears by rename after its bytes are complete, checked and on the disk; whoever dies
//! leaves `.part-` files, which the next one removes.

use super::pack_path;
use groundup_digest::{BlobId, ContentHasher, Sha256};
use groundup_store::{Store, StoreError};
use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// One directory; while it is open for filling, nobody else fills it.
#[derive(Debug)]
pub struct VendorDirectory {
    path: PathBuf,
    parts: AtomicU64,
    _lock: Option<File>,
}

/// What became of something that was to be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It was there.
    There,
    /// It is there now.
    New,
}

/// What a directory has of a pin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// All of it.
    Whole,
    /// Nothing.
    Missing,
    /// Something else, in words.
    Damaged(String),
}

/// What stays when a directory is pruned.
#[derive(Debug, Clone, Default)]
pub struct Keep {
    /// Files.
    pub files: BTreeSet<Sha256>,
    /// Commits.
    pub commits: BTreeSet<String>,
}

/// A file that nothing pins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prunable {
    /// Its path in the directory.
    pub path: PathBuf,
    /// Its bytes.
    pub size: u64,
}

/// Why a directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum VendorError {
    /// A file cannot be used.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// Somebody else fills it.
    #[error("another groundup is filling {path}; try again when it is done")]
    Busy {
        /// The directory.
        path: PathBuf,
    },
    /// The store does not give what is to be kept.
    #[error("cannot read {sha256} from the store")]
    Store {
        /// What.
        sha256: Sha256,
        /// Why not.
        #[source]
        source: StoreError,
    },
    /// The store gives other bytes.
    #[error("the store has other bytes ({found}) under {sha256}; run `groundup store verify`")]
    Content {
        /// The digest that was asked for.
        sha256: Sha256,
        /// The digest of what came.
        found: Sha256,
    },
}

const FOLDERS: [&str; 3] = ["sha256", "git", "locks"];
const PART: &str = ".part-";

fn failed<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> VendorError + 'a {
    move |source| VendorError::Io { action, path: path.to_owned(), source }
}

impl VendorDirectory {
    /// Opens a directory to fill it, making it if there is none.
    pub fn open(path: &Path) -> Result<Self, VendorError> {
        for folder in FOLDERS {
            let path = path.join(folder);
            fs::create_dir_all(&path).map_err(failed("make", &path))?;
        }
        let lock = path.join("lock");
        let file = File::options().create(true).truncate(false).write(true).open(&lock);
        let file = file.map_err(failed("write", &lock))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                return Err(VendorError::Busy { path: path.to_owned() });
            }
            Err(fs::TryLockError::Error(source)) => return Err(failed("lock", &lock)(source)),
        }
        let (path, parts) = (path.to_owned(), AtomicU64::default());
        let directory = Self { path, parts, _lock: Some(file) };
        for folder in FOLDERS {
            for (name, path) in directory.listed(folder)? {
                if name.starts_with(PART) {
                    fs::remove_file(&path).map_err(failed("remove", &path))?;
                }
            }
        }
        Ok(directory)
    }

    /// Opens a directory to look at it.
    pub fn look(path: &Path) -> Self {
        Self { path: path.to_owned(), parts: AtomicU64::default(), _lock: None }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn file(&self, sha256: Sha256) -> PathBuf {
        self.path.join("sha256").join(sha256.to_string())
    }

    fn pack(&self, commit: &str) -> PathBuf {
        self.path.join(pack_path(commit))
    }

    /// Whether a file of this name and size is there; its bytes are not read.
    pub fn has(&self, sha256: Sha256, size: u64) -> bool {
        fs::metadata(self.file(sha256)).is_ok_and(|found| found.is_file() && found.len() == size)
    }

    /// The pack of a commit, if it is there.
    pub fn pack_of(&self, commit: &str) -> Option<PathBuf> {
        Some(self.pack(commit)).filter(|path| path.is_file())
    }

    /// Puts the bytes of a blob there, checked.
    pub fn add(&self, store: &Store, blob: BlobId, sha256: Sha256) -> Result<Added, VendorError> {
        let reading = |source| VendorError::Store { sha256, source };
        let mut reader = store.open_blob(blob).map_err(reading)?;
        if self.has(sha256, reader.size().map_err(reading)?) {
            return Ok(Added::There);
        }
        let target = self.file(sha256);
        self.write(&target, |part| {
            let found = copied(&mut reader, part).map_err(failed("write", &target))?;
            match found == sha256 {
                true => Ok(()),
                false => Err(VendorError::Content { sha256, found }),
            }
        })?;
        Ok(Added::New)
    }

    /// Puts a pack of a commit there, which its maker has checked.
    pub fn add_pack(&self, commit: &str, pack: &Path) -> Result<(), VendorError> {
        let target = self.pack(commit);
        let mut from = File::open(pack).map_err(failed("read", pack))?;
        self.write(&target, |part| {
            io::copy(&mut from, part).map(drop).map_err(failed("write", &target))
        })
    }

    /// Keeps the text of a lock under a name.
    pub fn keep_lock(&self, name: &str, text: &str) -> Result<(), VendorError> {
        let target = self.path.join("locks").join(format!("{name}.lock"));
        if fs::read(&target).is_ok_and(|old| old == text.as_bytes()) {
            return Ok(());
        }
        self.write(&target, |part| {
            part.write_all(text.as_bytes()).map_err(failed("write", &target))
        })
    }

    /// The locks that are kept there: name and text, sorted.
    pub fn locks(&self) -> Result<Vec<(String, String)>, VendorError> {
        let mut locks = Vec::new();
        for (file, path) in self.listed("locks")? {
            if let Some(name) = file.strip_suffix(".lock").filter(|_| !file.starts_with(PART)) {
                let text = fs::read_to_string(&path).map_err(failed("read", &path))?;
                locks.push((name.to_owned(), text));
            }
        }
        Ok(locks)
    }

    /// Reads the whole of a file, and says whether it is what its name says.
    pub fn check(&self, sha256: Sha256, size: u64) -> Result<Found, VendorError> {
        let path = self.file(sha256);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Found::Missing),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        let length = file.metadata().map_err(failed("read", &path))?.len();
        if length != size {
            return Ok(Found::Damaged(format!("it has {length} bytes instead of {size}")));
        }
        let found = copied(&mut file, &mut io::sink()).map_err(failed("read", &path))?;
        Ok(match found == sha256 {
            true => Found::Whole,
            false => Found::Damaged(format!("its sha256 is {found}")),
        })
    }

    /// The bytes of a small file, if it is there and they are what its name says.
    pub(super) fn small(&self, sha256: Sha256, limit: u64) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let file = File::open(self.file(sha256)).ok()?;
        file.take(limit).read_to_end(&mut bytes).ok()?;
        (Sha256::of(&bytes) == sha256).then_some(bytes)
    }

    /// What is there beyond `keep`, sorted. Names that groundup does not give are left alone.
    pub fn plan_prune(&self, keep: &Keep) -> Result<Vec<Prunable>, VendorError> {
        let mut found = Vec::new();
        let files = self.listed("sha256")?.into_iter().filter(|(name, _)| {
            name.parse::<Sha256>().is_ok_and(|sha256| !keep.files.contains(&sha256))
        });
        let packs = self.listed("git")?.into_iter().filter(|(name, _)| {
            name.strip_suffix(".pack").is_some_and(|commit| !keep.commits.contains(commit))
        });
        for (_, path) in files.chain(packs) {
            let size = fs::metadata(&path).map_err(failed("read", &path))?.len();
            found.push(Prunable { path, size });
        }
        Ok(found)
    }

    /// Removes what [`VendorDirectory::plan_prune`] found.
    pub fn prune(&self, plan: &[Prunable]) -> Result<(), VendorError> {
        for Prunable { path, .. } in plan {
            fs::remove_file(path).map_err(failed("remove", path))?;
        }
        Ok(())
    }

    /// The files of a folder, sorted by name; none where there is no such folder.
    #[allow(clippy::disallowed_methods, reason = "sorted below")]
    fn listed(&self, folder: &str) -> Result<Vec<(String, PathBuf)>, VendorError> {
        let folder = self.path.join(folder);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(failed("list", &folder))?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(failed("list", &folder))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            if let Some(name) = name.filter(|_| path.is_file()) {
                files.push((name.to_owned(), path));
            }
        }
        files.sort();
        Ok(files)
    }

    fn write(
        &self,
        target: &Path,
        fill: impl FnOnce(&mut File) -> Result<(), VendorError>,
    ) -> Result<(), VendorError> {
        let number = self.parts.fetch_add(1, Ordering::Relaxed);
        let part = target.with_file_name(format!("{PART}{number}"));
        let mut file = File::create(&part).map_err(failed("write", &part))?;
        let filled = fill(&mut file).and_then(|()| {
            file.sync_all().map_err(failed("write", &part))?;
            fs::rename(&part, target).map_err(failed("write", target))
        });
        if filled.is_err() {
            // Nothing is lost if it stays: the next one sweeps it.
            let _ = fs::remove_file(&part);
        }
        filled
    }
}

/// Copies everything, and says what it was.
fn copied(from: &mut impl Read, to: &mut impl Write) -> io::Result<Sha256> {
    let mut hasher = ContentHasher::default();
    let mut buffer = vec![0; 1 << 18];
    loop {
        let count = from.read(&mut buffer)?;
        if count == 0 {
            return Ok(hasher.finish().sha256);
        }
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count])?;
    }
}
