//! Roots: names that keep objects and results from being collected.
//!
//! A root is a text file in `roots/`, named after the start of the BLAKE3 of its name:
//!
//! ```text
//! groundup root 1
//! name image.web
//! blob:af13…
//! tree:96be…
//! key:a599…
//! check 41f0e0adf8310cb8
//! ```
//!
//! Objects and keys are sorted. In the name, line ends and backslashes stand as `\n` and `\\`. The
//! check is the start of the BLAKE3 of all lines before it.

use crate::{Store, StoreError, disk, error::Tried, format::one_byte_off};
use groundup_digest::{BlobId, ObjectId, StepKey};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

const TITLE: &str = "groundup root 1";
/// Files up to this size are put right when one byte is wrong.
const SMALL: usize = 2048;

/// A name and what it keeps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root {
    /// The name.
    pub name: String,
    /// Objects that stay, with all that they refer to.
    pub objects: BTreeSet<ObjectId>,
    /// Keys whose results' outputs stay.
    pub keys: BTreeSet<StepKey>,
}

impl Root {
    pub(crate) fn to_text(&self) -> String {
        let name = self.name.replace('\\', "\\\\").replace('\n', "\\n");
        let mut text = format!("{TITLE}\nname {name}\n");
        self.objects.iter().for_each(|object| text += &format!("{object}\n"));
        self.keys.iter().for_each(|key| text += &format!("key:{key}\n"));
        let check = check(&text);
        text + &format!("check {check}\n")
    }

    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let body = text.strip_suffix('\n').ok_or("its last line has no end")?;
        let (body, last) = body.rsplit_once('\n').ok_or("it has a single line")?;
        let body = format!("{body}\n");
        if last.strip_prefix("check ") != Some(&check(&body)) {
            return Err("its check does not fit: the file is damaged or was edited");
        }
        let mut lines = body.lines();
        if lines.next() != Some(TITLE) {
            return Err("its first line is not `groundup root 1`");
        }
        let name = lines.next().and_then(|line| line.strip_prefix("name "));
        let name = unescape(name.ok_or("it has no name")?);
        let (mut objects, mut keys) = (BTreeSet::new(), BTreeSet::new());
        for line in lines {
            match line.strip_prefix("key:") {
                Some(key) => keys.insert(key.parse().map_err(|_| "it has a malformed key")?),
                None => objects.insert(line.parse().map_err(|_| "it has a malformed id")?),
            };
        }
        Ok(Self { name, objects, keys })
    }
}

fn check(text: &str) -> String {
    BlobId::of(text.as_bytes()).to_string()[..16].to_owned()
}

fn unescape(name: &str) -> String {
    let mut out = String::new();
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        out.push(match character {
            '\\' if characters.next() == Some('n') => '\n',
            other => other,
        });
    }
    out
}

impl Store {
    /// Makes `name` keep these objects and the outputs of these keys' results, and nothing else;
    /// all that this process put before is on the disk then.
    pub fn set_root(
        &self,
        name: &str,
        objects: &[ObjectId],
        keys: &[StepKey],
    ) -> Result<(), StoreError> {
        self.writable("set a root")?;
        self.sync()?;
        let root = Root {
            name: name.to_owned(),
            objects: objects.iter().copied().collect(),
            keys: keys.iter().copied().collect(),
        };
        let scratch = self.scratch()?.fresh_path();
        disk::replace_file(&scratch, &self.root_file(name), root.to_text().as_bytes())?;
        self.0.durability.wrote();
        Ok(())
    }

    /// The root of this name.
    pub fn root(&self, name: &str) -> Result<Option<Root>, StoreError> {
        load(&self.root_file(name))
    }

    /// All roots, by name.
    pub fn roots(&self) -> Result<Vec<Root>, StoreError> {
        let folder = self.path().join("roots");
        let names = disk::names(&folder)?;
        let loaded = names.iter().map(|name| load(&folder.join(name)));
        let mut roots: Vec<Root> =
            loaded.filter_map(Result::transpose).collect::<Result<_, _>>()?;
        roots.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(roots)
    }

    /// Lets go of what `name` keeps; that there is no such root is fine.
    pub fn remove_root(&self, name: &str) -> Result<(), StoreError> {
        self.writable("remove a root")?;
        disk::remove_file(&self.root_file(name))
    }

    /// Puts right the file of a root in which one byte is wrong; gives whether it did.
    pub(crate) fn mend_root(&self, path: &Path) -> Result<bool, StoreError> {
        let bytes = fs::read(path).tried("read", path)?;
        // All changes are tried, which takes too long for a large one.
        if bytes.len() > SMALL {
            return Ok(false);
        }
        let Some(text) = one_byte_off(&bytes, |text| Root::parse(text).is_ok()) else {
            return Ok(false);
        };
        let scratch = self.scratch()?.fresh_path();
        disk::replace_file(&scratch, path, text.as_bytes())?;
        Ok(true)
    }

    fn root_file(&self, name: &str) -> PathBuf {
        self.path().join("roots").join(&BlobId::of(name.as_bytes()).to_string()[..32])
    }
}

pub(crate) fn load(path: &Path) -> Result<Option<Root>, StoreError> {
    let text = match fs::read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // What is no text fits no check.
        bytes => String::from_utf8_lossy(&bytes.tried("read", path)?).into_owned(),
    };
    let malformed = |problem| StoreError::MalformedText { path: path.to_owned(), problem };
    Root::parse(&text).map(Some).map_err(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_digest::TreeId;

    fn sample() -> Root {
        let tree = ObjectId::Tree(TreeId::from_bytes([0x22; 32]));
        let blob = ObjectId::Blob(BlobId::from_bytes([0x11; 32]));
        let key = StepKey::from_bytes([0x33; 32]);
        Root { name: "a\\\nb".into(), objects: [tree, blob].into(), keys: [key].into() }
    }

    #[test]
    fn the_file_is_the_documented_one() {
        let (ones, twos, threes) = ("11".repeat(32), "22".repeat(32), "33".repeat(32));
        let text =
            format!("groundup root 1\nname a\\\\\\nb\nblob:{ones}\ntree:{twos}\nkey:{threes}\n");
        let golden = format!("{text}check {}\n", check(&text));
        assert_eq!(sample().to_text(), golden);
        assert_eq!(Root::parse(&golden), Ok(sample()));
    }

    #[test]
    fn an_edited_file_is_refused() {
        let text = sample().to_text().replace("11", "44");
        assert!(Root::parse(&text).unwrap_err().contains("damaged or was edited"));
    }
}
