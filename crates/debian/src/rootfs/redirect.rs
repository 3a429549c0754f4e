//! Paths that packages write through a symbolic link, merged `/usr` above all.
//!
//! Packages of bookworm still ship `/bin/sh` and `/lib/...`, while the root has the links
//! `/bin -> usr/bin` and so on. A path through such a link is rewritten to where the link leads,
//! so that one file has one path.

use groundup_tree::TreePath;
use std::collections::BTreeMap;

/// The links of merged `/usr` as debootstrap makes them for bookworm, by architecture.
pub(super) fn merged_usr(arch: &str) -> Vec<&'static str> {
    let mut names = vec!["bin", "lib", "sbin"];
    names.extend(match arch {
        "amd64" => &["lib32", "lib64", "libx32"][..],
        "i386" => &["lib64", "libx32"],
        "ppc64el" => &["lib64"],
        "s390x" => &["lib32"],
        _ => &[],
    });
    names
}

/// Directories that are links, and where they lead.
#[derive(Clone, Debug, Default)]
pub(super) struct Redirects(BTreeMap<TreePath, TreePath>);

impl Redirects {
    /// Adds a link; `false` if it is known already or leads to itself.
    pub(super) fn add(&mut self, link: TreePath, to: TreePath) -> bool {
        let to = self.canonical(&to);
        if to == link || to.is_within(&link) || self.0.contains_key(&link) {
            return false;
        }
        self.0.insert(link, to);
        true
    }

    /// The path with every link on the way followed, the last name too.
    pub(super) fn canonical(&self, path: &TreePath) -> TreePath {
        let mut path = path.clone();
        // Each round follows one link; more rounds than links would be a loop.
        for _ in 0..=self.0.len() {
            match self.0.iter().find_map(|(link, to)| Some(to.join_path(&path.strip(link)?))) {
                Some(next) => path = next,
                None => break,
            }
        }
        path
    }

    /// The path with every link above its last name followed.
    pub(super) fn canonical_place(&self, path: &TreePath) -> TreePath {
        match (path.parent(), path.name()) {
            (Some(parent), Some(name)) => self.canonical(&parent).join(&name),
            _ => path.clone(),
        }
    }

    /// Whether `path` itself is one of the links.
    pub(super) fn is_link(&self, path: &TreePath) -> bool {
        self.0.contains_key(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn links_are_followed_in_turn() {
        let mut redirects = Redirects::default();
        assert!(redirects.add(path("/lib"), path("/usr/lib")));
        assert!(redirects.add(path("/usr/lib/x"), path("/lib/y")));
        assert_eq!(redirects.canonical(&path("/lib/x/file")), path("/usr/lib/y/file"));
        assert_eq!(redirects.canonical_place(&path("/lib/x")), path("/usr/lib/x"));
        assert_eq!(redirects.canonical(&path("/libexec")), path("/libexec"));
    }

    #[test]
    fn a_link_to_itself_is_no_redirect() {
        let mut redirects = Redirects::default();
        assert!(redirects.add(path("/lib"), path("/usr/lib")));
        assert!(!redirects.add(path("/usr/lib"), path("/lib")));
        assert!(!redirects.add(path("/a"), path("/a/b")));
    }
}
