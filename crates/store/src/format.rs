//! The `format` file: which version of the layout a store has, whose it is, and what it needs.
//!
//! ```text
//! groundup store
//! version = 1
//! owner = 1000
//! salt =
//! compatible =
//! read-only-compatible =
//! incompatible =
//! check = 775f2fc0ca3e27b9
//! ```
//!
//! The check is the first 16 digits of the BLAKE3 of all lines before it; early versions wrote none.
//! Features are words separated by spaces. Who does not know a compatible feature may ignore it;
//! a read-only-compatible one forbids writing; an incompatible one forbids everything.

use crate::disk;
use std::{collections::BTreeSet, fs, io, os::unix::fs::MetadataExt, path::Path, path::PathBuf};

/// The layout version that this code writes.
const VERSION: u32 = 1;
/// The first line of the file.
const TITLE: &str = "groundup store";
/// Features of each set that this code knows.
const KNOWN: &[&str] = &[];

/// What a `format` file says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Format {
    pub(crate) version: u32,
    pub(crate) owner: u32,
    pub(crate) salt: String,
    pub(crate) compatible: BTreeSet<String>,
    pub(crate) read_only_compatible: BTreeSet<String>,
    pub(crate) incompatible: BTreeSet<String>,
}

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// There is no store.
    #[error("there is no store at {path}; a first `groundup build` or `groundup lock` makes one")]
    Missing {
        /// Where it was looked for.
        path: PathBuf,
    },
    /// Something is there that is no store.
    #[error("{path} is not the format file of a store: {problem}")]
    NotAStore {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A newer groundup made it.
    #[error(
        "the store {path} has layout version {found}, this groundup knows up to {known}; \
         use the groundup that made it or a newer one, or choose another store with --store"
    )]
    Newer {
        /// The store.
        path: PathBuf,
        /// Its version.
        found: u32,
        /// The newest version known here.
        known: u32,
    },
    /// It needs a feature that is not known here.
    #[error(
        "the store {path} uses `{feature}`, which this groundup does not know; \
         use a newer groundup, or choose another store with --store"
    )]
    UnknownFeature {
        /// The store.
        path: PathBuf,
        /// The feature.
        feature: String,
    },
    /// It uses a feature that is not known here and that forbids writing.
    #[error(
        "the store {path} uses `{feature}`, which this groundup does not know: it can only be \
         read; use a newer groundup, or choose another store with --store"
    )]
    ReadOnlyFeature {
        /// The store.
        path: PathBuf,
        /// The feature.
        feature: String,
    },
    /// Another user owns it.
    #[error(
        "the store {path} belongs to user {owner}, this process runs as user {user}; run groundup \
         as user {owner}, or choose another store with --store"
    )]
    OtherOwner {
        /// The store.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
        /// Who wants to open it.
        user: u32,
    },
    /// Root may not write into a store of another user: its files would be root's.
    #[error(
        "the store {path} belongs to user {owner}; root has to become that user before it opens it \
         (`setpriv --reuid {owner} --clear-groups groundup …`), or choose another store with --store"
    )]
    RootIsNotOwner {
        /// The store.
        path: PathBuf,
        /// Who owns it.
        owner: u32,
    },
    /// The operating system refused.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A part of the store could not be made ready.
    #[error("cannot make the store {path} ready")]
    Part {
        /// The store.
        path: PathBuf,
        /// Why not.
        #[source]
        source: Box<crate::StoreError>,
    },
}

/// The uid that owns the store at `path`; none if there is no store.
///
/// Who runs as root asks before opening and becomes that user.
pub fn owner_of(path: &Path) -> Result<Option<u32>, OpenError> {
    Ok(load(path)?.map(|format| format.owner))
}

impl Format {
    /// The format of a store that `owner` makes now.
    pub(crate) fn new(owner: u32) -> Self {
        Self {
            version: VERSION,
            owner,
            salt: String::new(),
            compatible: BTreeSet::new(),
            read_only_compatible: BTreeSet::new(),
            incompatible: BTreeSet::new(),
        }
    }

    /// The text of the file.
    pub(crate) fn to_text(&self) -> String {
        let words =
            |set: &BTreeSet<String>| set.iter().fold(String::new(), |text, word| text + " " + word);
        let salt = if self.salt.is_empty() { String::new() } else { format!(" {}", self.salt) };
        let text = format!(
            "{TITLE}\nversion = {}\nowner = {}\nsalt ={salt}\ncompatible ={}\n\
             read-only-compatible ={}\nincompatible ={}\n",
            self.version,
            self.owner,
            words(&self.compatible),
            words(&self.read_only_compatible),
            words(&self.incompatible)
        );
        let check = check(&text);
        text + &format!("{CHECK}{check}\n")
    }

    /// Reads the text; a newer version may have lines that are not known here.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if has_check(text) == Some(false) {
            return Err("its check does not fit: the file is damaged or was edited; \
                        `groundup store repair` puts a single wrong byte right"
                .to_owned());
        }
        let mut lines = text.lines();
        if lines.next() != Some(TITLE) {
            return Err(format!("its first line is not `{TITLE}`"));
        }
        let fields = lines
            .map(|line| line.split_once('=').ok_or_else(|| format!("`{line}` has no `=`")))
            .collect::<Result<Vec<_>, _>>()?;
        let get = |name: &str| {
            let field = fields.iter().find(|(key, _)| key.trim() == name);
            field.map(|(_, value)| value.trim()).ok_or_else(|| format!("`{name}` is missing"))
        };
        let number =
            |name: &str| get(name)?.parse::<u32>().map_err(|_| format!("`{name}` is not a number"));
        let words = |name: &str| -> Result<BTreeSet<String>, String> {
            Ok(get(name)?.split_whitespace().map(str::to_owned).collect())
        };
        let version = number("version")?;
        if version > VERSION {
            return Ok(Self { version, owner: 0, ..Self::new(0) });
        }
        Ok(Self {
            version,
            owner: number("owner")?,
            salt: get("salt")?.to_owned(),
            compatible: words("compatible")?,
            read_only_compatible: words("read-only-compatible")?,
            incompatible: words("incompatible")?,
        })
    }

    /// Whether this process may use a store of this format.
    pub(crate) fn check(
        &self,
        path: &Path,
        user: u32,
        access: crate::Access,
    ) -> Result<(), OpenError> {
        let path = path.to_owned();
        if self.version > VERSION {
            return Err(OpenError::Newer { path, found: self.version, known: VERSION });
        }
        let unknown = |set: &BTreeSet<String>| {
            set.iter().find(|feature| !KNOWN.contains(&feature.as_str())).cloned()
        };
        if let Some(feature) = unknown(&self.incompatible) {
            return Err(OpenError::UnknownFeature { path, feature });
        }
        if access == crate::Access::ReadWrite
            && let Some(feature) = unknown(&self.read_only_compatible)
        {
            return Err(OpenError::ReadOnlyFeature { path, feature });
        }
        match self.owner {
            owner if owner == user => Ok(()),
            owner if user == 0 => Err(OpenError::RootIsNotOwner { path, owner }),
            owner => Err(OpenError::OtherOwner { path, owner, user }),
        }
    }

    /// What the salt is in each result that is stored under it.
    pub(crate) fn salt_tag(&self) -> u64 {
        let hash = groundup_digest::BlobId::of(self.salt.as_bytes());
        u64::from_le_bytes(hash.as_bytes()[..8].try_into().expect("a digest has 32 bytes"))
    }
}

/// Reads the format of the store at `path`; none if there is no store.
pub(crate) fn load(path: &Path) -> Result<Option<Format>, OpenError> {
    let file = path.join("format");
    let bytes = match fs::read(&file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OpenError::Io { action: "read", path: file, source }),
    };
    // What is no text fits no check.
    let format = Format::parse(&String::from_utf8_lossy(&bytes));
    format.map(Some).map_err(|problem| OpenError::NotAStore { path: file, problem })
}

/// How the last line starts.
const CHECK: &str = "check = ";

fn check(text: &str) -> String {
    groundup_digest::BlobId::of(text.as_bytes()).to_string()[..16].to_owned()
}

/// Whether the check in the last line fits the lines before; none if there is no such line.
pub(crate) fn has_check(text: &str) -> Option<bool> {
    let (before, last) = text.strip_suffix('\n')?.rsplit_once('\n')?;
    Some(last.strip_prefix(CHECK)? == check(&format!("{before}\n")))
}

/// Puts right a format file in which one byte is wrong, and gives one of an early version its check.
/// Gives whether the file was changed; a file that is damaged further stays as it is.
pub fn repair_format(path: &Path) -> Result<bool, OpenError> {
    let file = path.join("format");
    let io = |action| move |source| OpenError::Io { action, path: path.join("format"), source };
    let bytes = match fs::read(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        bytes => bytes.map_err(io("read"))?,
    };
    let fits = |text: &str| has_check(text) == Some(true);
    let text = String::from_utf8_lossy(&bytes);
    if fits(&text) {
        return Ok(false);
    }
    let found = one_byte_off(&bytes, fits)
        .or_else(|| Format::parse(&text).ok().map(|format| format.to_text()));
    let Some(found) = found else { return Ok(false) };
    let new = tempfile::Builder::new().prefix("format.").tempfile_in(path);
    let new = new.map_err(io("create a new file for"))?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    new.as_file()
        .set_permissions(mode)
        .and_then(|()| io::Write::write_all(&mut new.as_file(), found.as_bytes()))
        .and_then(|()| new.as_file().sync_all())
        .map_err(io("write"))?;
    new.persist(&file).map(|_| true).map_err(|error| io("replace")(error.error))
}

/// The text of which one byte was changed in `bytes`, if there is one that fits. For small texts:
/// all are tried.
pub(crate) fn one_byte_off(bytes: &[u8], fits: impl Fn(&str) -> bool) -> Option<String> {
    let mut bytes = bytes.to_vec();
    for at in 0..bytes.len() {
        let before = bytes[at];
        for other in b'\n'..0x7f {
            bytes[at] = other;
            if let Ok(text) = std::str::from_utf8(&bytes)
                && fits(text)
            {
                return Some(text.to_owned());
            }
        }
        bytes[at] = before;
    }
    None
}

/// Makes the `format` file of a new store owned by this process's user, unless another process was
/// faster. It is the first thing that a store has: what has one is a store.
pub(crate) fn create(path: &Path, user: u32) -> Result<Format, OpenError> {
    let part = |source| OpenError::Part { path: path.to_owned(), source: Box::new(source) };
    if let Some(name) = ["blobs", "trees", "results"].iter().find(|name| path.join(name).exists()) {
        let problem = format!("it is missing, though `{name}` is there; restore it from a backup");
        return Err(OpenError::NotAStore { path: path.join("format"), problem });
    }
    disk::make_dirs(path).map_err(part)?;
    let io = |action| move |source| OpenError::Io { action, path: path.to_owned(), source };
    let owner = path.metadata().map_err(io("look at"))?.uid();
    if owner != user {
        // The folder was there, of another user: what is made in it has to be that user's.
        return Err(match user {
            0 => OpenError::RootIsNotOwner { path: path.to_owned(), owner },
            _ => OpenError::OtherOwner { path: path.to_owned(), owner, user },
        });
    }
    let new = tempfile::Builder::new().prefix("format.").tempfile_in(path);
    let new = new.map_err(io("create the format file in"))?;
    disk::set_mode(new.as_file(), new.path(), 0o644).map_err(part)?;
    io::Write::write_all(&mut new.as_file(), Format::new(owner).to_text().as_bytes())
        .and_then(|()| new.as_file().sync_all())
        .map_err(io("write the format file in"))?;
    match fs::hard_link(new.path(), path.join("format")) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(io("make the format file in")(error));
        }
        _ => {}
    }
    // It is on the disk before anything else of the store is: what has none is no store.
    fs::File::open(path).and_then(|folder| folder.sync_all()).map_err(io("sync"))?;
    load(path)?.ok_or_else(|| OpenError::Missing { path: path.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Access;

    const GOLDEN: &str = "groundup store\nversion = 1\nowner = 1000\nsalt =\ncompatible =\n\
                          read-only-compatible =\nincompatible =\ncheck = 775f2fc0ca3e27b9\n";

    #[test]
    fn the_file_is_the_documented_one() {
        assert_eq!(Format::new(1000).to_text(), GOLDEN);
        assert_eq!(Format::parse(GOLDEN), Ok(Format::new(1000)));
        let mut format = Format::new(0);
        format.salt = "s".into();
        format.incompatible = ["a".into(), "b".into()].into();
        assert_eq!(Format::parse(&format.to_text()), Ok(format));
    }

    #[test]
    fn every_flipped_bit_is_refused_or_harmless_and_put_right() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("format");
        for at in 0..GOLDEN.len() {
            let mut bytes = GOLDEN.as_bytes().to_vec();
            bytes[at] ^= 1 << (at % 8);
            if let Ok(format) = Format::parse(&String::from_utf8_lossy(&bytes)) {
                let without_check = has_check(&String::from_utf8_lossy(&bytes)).is_none();
                let harmless = format == Format::new(1000) || !format.incompatible.is_empty();
                assert!(without_check && harmless, "byte {at}");
            }
            fs::write(&file, bytes).unwrap();
            assert!(repair_format(folder.path()).unwrap(), "byte {at}");
            assert_eq!(fs::read_to_string(&file).unwrap(), GOLDEN);
        }
        assert!(!repair_format(folder.path()).unwrap());
        // Two wrong bytes are too many.
        fs::write(&file, GOLDEN.replace("1000", "1111")).unwrap();
        assert!(!repair_format(folder.path()).unwrap());
        assert!(load(folder.path()).is_err());
        // One of an early version.
        fs::write(&file, GOLDEN.split("check").next().unwrap()).unwrap();
        assert!(load(folder.path()).is_ok());
        assert!(repair_format(folder.path()).unwrap());
        assert_eq!(fs::read_to_string(&file).unwrap(), GOLDEN);
    }

    #[test]
    fn a_newer_version_is_refused_whatever_else_it_says() {
        let text = "groundup store\nversion = 2\nowners = x\n";
        let format = Format::parse(text).unwrap();
        let error = format.check(Path::new("s"), 0, Access::ReadOnly).unwrap_err();
        assert!(matches!(error, OpenError::Newer { found: 2, known: 1, .. }));
    }

    #[test]
    fn unknown_features_are_refused_by_what_they_forbid() {
        let check = |format: &Format, access| format.check(Path::new("s"), 7, access);
        let mut format = Format::new(7);
        format.compatible = ["new".into()].into();
        assert!(check(&format, Access::ReadWrite).is_ok());
        format.read_only_compatible = ["new".into()].into();
        let error = check(&format, Access::ReadWrite).unwrap_err();
        assert!(matches!(error, OpenError::ReadOnlyFeature { .. }));
        assert!(check(&format, Access::ReadOnly).is_ok());
        format.incompatible = ["new".into()].into();
        let error = check(&format, Access::ReadOnly).unwrap_err();
        assert!(matches!(error, OpenError::UnknownFeature { .. }));
    }

    #[test]
    fn another_user_and_root_get_their_own_error() {
        let format = Format::new(1000);
        let check = |user| format.check(Path::new("s"), user, Access::ReadWrite).unwrap_err();
        assert!(matches!(check(1001), OpenError::OtherOwner { owner: 1000, user: 1001, .. }));
        assert!(matches!(check(0), OpenError::RootIsNotOwner { owner: 1000, .. }));
    }
}
