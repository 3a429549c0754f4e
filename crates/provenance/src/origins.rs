//! Origins: which input each path of a tree came from.
//!
//! A side output of steps that merge or transform trees. Labels are stable names, such as
//! `deb:libc6` or `build.iptables`; they hold no versions, so that what is planned from them does
//! not move when a version does.

use groundup_digest::{DecodeError, Reader, Writer};
use groundup_tree::TreePath;
use std::collections::BTreeMap;

/// For each path that is not a directory, the label of the input that gave it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Origins {
    labels: BTreeMap<TreePath, String>,
}

/// Why bytes are no origins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the origins are malformed")]
pub struct OriginsError(#[from] DecodeError);

impl Origins {
    /// No origins.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes where a path came from, in place of what was noted before.
    pub fn insert(&mut self, path: TreePath, label: impl Into<String>) {
        self.labels.insert(path, label.into());
    }

    /// Forgets a path.
    pub fn remove(&mut self, path: &TreePath) {
        self.labels.remove(path);
    }

    /// The label of a path, if it is known.
    pub fn get(&self, path: &TreePath) -> Option<&str> {
        self.labels.get(path).map(String::as_str)
    }

    /// The label of one path of encoded origins, without making a value of all of them: what is
    /// asked for a single file of many thousands. None if the path has none.
    pub fn label_in<'a>(bytes: &'a [u8], path: &TreePath) -> Result<Option<&'a str>, OriginsError> {
        let mut reader = Reader::new(bytes);
        let names = reader.seq(|reader| reader.str())?;
        let mut found = None;
        reader.seq(|reader| {
            let known = reader.bytes()?;
            let number = reader.u32()?;
            if known == path.as_bytes() {
                found = Some(*names.get(number as usize).ok_or(reader.invalid("label number"))?);
            }
            Ok(())
        })?;
        reader.end()?;
        Ok(found)
    }

    /// All paths with their labels, in walk order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&TreePath, &str)> {
        self.labels.iter().map(|(path, label)| (path, label.as_str()))
    }

    /// Takes over the origins of a tree that is laid over this one at `at`.
    pub fn overlay(&mut self, upper: &Origins, at: &TreePath) {
        for (path, label) in upper.iter() {
            self.insert(at.join_path(path), label);
        }
    }

    /// The canonical encoding: the sorted labels once, then each path with the index of its label.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut index: BTreeMap<&str, u32> =
            self.labels.values().map(|l| (l.as_str(), 0)).collect();
        for (number, slot) in index.values_mut().enumerate() {
            *slot = number as u32;
        }
        let mut writer = Writer::new();
        writer.seq(index.keys(), |writer, label| {
            writer.str(label);
        });
        writer.seq(&self.labels, |writer, (path, label)| {
            writer.bytes(path.as_bytes()).u32(index[label.as_str()]);
        });
        writer.finish()
    }

    /// Reads the canonical encoding.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, OriginsError> {
        let mut reader = Reader::new(bytes);
        let names = reader.seq(|reader| Ok(reader.str()?.to_owned()))?;
        let mut labels = BTreeMap::new();
        reader.seq(|reader| {
            let path = reader.bytes()?;
            let path = TreePath::new(path).map_err(|_| reader.invalid("path"))?;
            let number = reader.u32()?;
            let label = names.get(number as usize).ok_or(reader.invalid("label number"))?;
            labels.insert(path, label.clone());
            Ok(())
        })?;
        let end = reader.clone();
        reader.end()?;
        let origins = Self { labels };
        // One check for order and for labels that nothing has: only the canonical form comes back.
        if origins.to_bytes() != bytes {
            return Err(end.invalid("order of origins").into());
        }
        Ok(origins)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn encoding_round_trips_and_does_not_depend_on_the_order_of_insertion() {
        let mut a = Origins::new();
        a.insert(path("usr/bin/x"), "deb:x");
        a.insert(path("bin"), "deb:base-files");
        let mut b = Origins::new();
        b.insert(path("bin"), "deb:base-files");
        b.insert(path("usr/bin/x"), "deb:x");
        assert_eq!(a.to_bytes(), b.to_bytes());
        assert_eq!(Origins::from_bytes(&a.to_bytes()), Ok(a));
    }

    #[test]
    fn rejects_a_label_number_without_a_label() {
        let mut origins = Origins::new();
        origins.insert(path("a"), "x");
        let mut bytes = origins.to_bytes();
        let last = bytes.len() - 4;
        bytes[last] = 9;
        assert!(Origins::from_bytes(&bytes).is_err());
    }

    #[test]
    fn one_label_is_found_without_reading_all() {
        let mut origins = Origins::new();
        origins.insert(path("usr/bin/x"), "deb:x");
        origins.insert(path("bin"), "deb:base-files");
        let bytes = origins.to_bytes();
        for (path, label) in origins.iter() {
            assert_eq!(Origins::label_in(&bytes, path), Ok(Some(label)));
        }
        assert_eq!(Origins::label_in(&bytes, &path("usr")), Ok(None));
        for cut in 0..bytes.len() {
            assert!(Origins::label_in(&bytes[..cut], &path("bin")).is_err(), "cut at {cut}");
        }
        let mut wrong = bytes.clone();
        let last = wrong.len() - 4;
        wrong[last] = 9;
        assert!(Origins::label_in(&wrong, &path("usr/bin/x")).is_err());
    }

    #[test]
    fn rejects_what_is_not_canonical() {
        let encoded = |labels: &[&str], paths: &[(&str, u32)]| {
            let mut writer = Writer::new();
            writer.seq(labels, |writer, label| {
                writer.str(label);
            });
            writer.seq(paths, |writer, (path, label)| {
                writer.str(path).u32(*label);
            });
            writer.finish()
        };
        let is_read = |labels, paths| Origins::from_bytes(&encoded(labels, paths)).is_ok();
        assert!(is_read(&["x", "y"], &[("a", 1), ("b", 0)]));
        assert!(!is_read(&["y", "x"], &[("a", 1), ("b", 0)]), "labels out of order");
        assert!(!is_read(&["x", "y"], &[("b", 1), ("a", 0)]), "paths out of order");
        assert!(!is_read(&["x"], &[("a", 0), ("a", 0)]), "a path twice");
        assert!(!is_read(&["x", "y"], &[("a", 0)]), "a label of nothing");
    }
}
