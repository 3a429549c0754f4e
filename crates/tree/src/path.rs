//! A path inside a tree: names from the root down, never escaping it.

use crate::{Name, NameError};
use std::{cmp::Ordering, fmt};

/// A path relative to the root of a tree; the empty path is the root itself.
///
/// Its order is that of a walk: a directory stands right before what it holds, and entries follow
/// the order of their name's bytes.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct TreePath(Box<[u8]>);

/// Why bytes cannot be a path inside a tree.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the path {path:?} is not a path inside a tree")]
pub struct PathError {
    /// The whole path, for people.
    pub path: String,
    /// What is wrong with one of its names.
    #[source]
    pub name: NameError,
}

impl TreePath {
    /// The longest path in bytes that a node of a tree may have (`PATH_MAX` of Linux without the
    /// slash and the NUL that it counts): what is longer could not be opened by its name, and a
    /// few long paths would be gigabytes of directories.
    pub const MAX: usize = 4094;

    /// The root of a tree.
    pub fn root() -> Self {
        Self::default()
    }

    /// Takes names separated by single slashes, without a leading or trailing one.
    pub fn new(bytes: &[u8]) -> Result<Self, PathError> {
        if !bytes.is_empty() {
            for name in bytes.split(|byte| *byte == b'/') {
                Name::check(name).map_err(|name| PathError {
                    path: String::from_utf8_lossy(bytes).into_owned(),
                    name,
                })?;
            }
        }
        Ok(Self(bytes.into()))
    }

    /// Takes a path as archives and people write it: `/a/b`, `./a/b/` and `a//b` are all `a/b`;
    /// `..` is refused.
    pub fn parse(bytes: &[u8]) -> Result<Self, PathError> {
        let names = bytes.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
        Self::new(&names.collect::<Vec<_>>().join(&b'/'))
    }

    /// The names joined by slashes; empty for the root.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root of the tree.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The path of the entry `name` in this directory.
    pub fn join(&self, name: &Name) -> Self {
        self.join_bytes(name.as_bytes())
    }

    /// The path `inner`, taken from this directory.
    pub fn join_path(&self, inner: &TreePath) -> Self {
        if inner.is_root() { self.clone() } else { self.join_bytes(&inner.0) }
    }

    fn join_bytes(&self, bytes: &[u8]) -> Self {
        if self.is_root() {
            return Self(bytes.into());
        }
        Self([&self.0, &b"/"[..], bytes].concat().into())
    }

    /// The directory that holds this path; none for the root.
    pub fn parent(&self) -> Option<TreePath> {
        if self.is_root() {
            return None;
        }
        let end = self.0.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
        Some(Self(self.0[..end].into()))
    }

    /// The last name; none for the root.
    pub fn name(&self) -> Option<Name> {
        let name = self.0.rsplit(|byte| *byte == b'/').next()?;
        Name::new(name).ok()
    }

    /// The names from the root down.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        self.0.split(|byte| *byte == b'/').filter(|name| !name.is_empty())
    }

    /// Whether `self` is `directory` or lies in it.
    pub fn is_within(&self, directory: &TreePath) -> bool {
        self.strip(directory).is_some()
    }

    /// This path as seen from `directory`; none if it does not lie within.
    pub fn strip(&self, directory: &TreePath) -> Option<TreePath> {
        if directory.is_root() {
            return Some(self.clone());
        }
        let rest = self.0.strip_prefix(&*directory.0)?;
        match rest {
            b"" => Some(Self::root()),
            [b'/', rest @ ..] => Some(Self(rest.into())),
            _ => None,
        }
    }
}

impl Ord for TreePath {
    fn cmp(&self, other: &Self) -> Ordering {
        // A slash sorts before every byte of a name, so that a directory's content follows it.
        let key = |byte: &u8| if *byte == b'/' { 0 } else { *byte };
        // What is equal is passed over eight bytes at a time: sorting and looking up many paths is
        // mostly this, and long paths that start alike are what hostile archives are made of.
        let (mut a, mut b) = (&self.0[..], &other.0[..]);
        while let (Some((one, after)), Some((two, behind))) =
            (a.split_first_chunk::<8>(), b.split_first_chunk::<8>())
        {
            let differ = u64::from_le_bytes(*one) ^ u64::from_le_bytes(*two);
            if differ != 0 {
                let at = (differ.trailing_zeros() / 8) as usize;
                return key(&one[at]).cmp(&key(&two[at]));
            }
            (a, b) = (after, behind);
        }
        a.iter().map(key).cmp(b.iter().map(key))
    }
}

impl PartialOrd for TreePath {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// For people: what is no UTF-8 is replaced, and control characters, which a terminal would obey, are
/// escaped.
impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        f.write_char('/')?;
        String::from_utf8_lossy(&self.0).chars().try_for_each(|letter| match letter {
            letter if letter.is_control() => write!(f, "{}", letter.escape_default()),
            letter => f.write_char(letter),
        })
    }
}

impl fmt::Debug for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", String::from_utf8_lossy(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_shown_escaped() {
        let path = TreePath::new(b"a\x1b]0;title\x07/new\nline/\xff/\xc2\x9bm").unwrap();
        assert_eq!(path.to_string(), "/a\\u{1b}]0;title\\u{7}/new\\nline/\u{fffd}/\\u{9b}m");
    }

    fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    #[test]
    fn order_is_that_of_a_walk() {
        let mut paths = [path("a-b"), path("a/b"), path("a"), TreePath::root(), path("a/b/c")];
        paths.sort();
        let expected = ["", "a", "a/b", "a/b/c", "a-b"].map(path);
        assert_eq!(paths, expected);
    }

    #[test]
    fn parse_normalises_and_refuses_escape() {
        assert_eq!(TreePath::parse(b"./a//b/").unwrap(), path("a/b"));
        assert_eq!(TreePath::parse(b"/").unwrap(), TreePath::root());
        assert!(TreePath::parse(b"a/../b").is_err());
        assert!(TreePath::new(b"/a").is_err());
    }

    #[test]
    fn strip_respects_name_boundaries() {
        assert_eq!(path("usr/lib/x").strip(&path("usr")), Some(path("lib/x")));
        assert_eq!(path("usrlocal").strip(&path("usr")), None);
        assert_eq!(path("usr").strip(&path("usr")), Some(TreePath::root()));
        assert_eq!(path("usr/x").parent(), Some(path("usr")));
        assert_eq!(path("usr").parent(), Some(TreePath::root()));
    }

    #[test]
    fn long_paths_are_ordered_like_short_ones() {
        let prefix = "d/".repeat(200);
        let long = |end: &str| TreePath::new((prefix.clone() + end).as_bytes()).unwrap();
        for (a, b) in [("a", "a/b"), ("a/b", "a-b"), ("a", "b"), ("a-b", "ab")] {
            let short = |text: &str| TreePath::new(text.as_bytes()).unwrap();
            assert_eq!(long(a).cmp(&long(b)), Ordering::Less, "{a} {b}");
            assert_eq!(short(a).cmp(&short(b)), Ordering::Less, "{a} {b}");
            assert_eq!(long(b).cmp(&long(a)), Ordering::Greater, "{a} {b}");
        }
        assert_eq!(long("a").cmp(&long("a")), Ordering::Equal);
    }
}
