//! Which of the paths that went and came belong together: the same content at another place, or the
//! same name but for a version in it, or for how it is compressed.

use super::trees::{Told, shown, topmost};
use groundup_digest::BlobId;
use groundup_tree::{Change, Difference, Kind, Node, TreePath};
use std::collections::BTreeMap;

/// Files smaller than this are alike too often for their content to say that they moved.
const TELLING: u64 = 64;

/// Pairs what moved; of what came and went else, the topmost paths are told.
pub(super) fn pair(differences: Vec<Difference>) -> Vec<Told> {
    let (mut added, mut removed, mut told) = (BTreeMap::new(), BTreeMap::new(), Vec::new());
    for Difference { path, change } in differences {
        match change {
            Change::Added(node) => drop(added.insert(path, node)),
            Change::Removed(node) => drop(removed.insert(path, node)),
            Change::Changed(a, b) => told.push(Told::Changed(path.clone(), a, path, b)),
        }
    }
    by_version(&mut removed, &mut added, &mut told);
    by_content(&mut removed, &mut added, &mut told);
    told.extend(topmost_of(added).map(|(path, node, below)| Told::Added(path, node, below)));
    told.extend(topmost_of(removed).map(|(path, node, below)| Told::Removed(path, node, below)));
    told
}

fn topmost_of(
    paths: BTreeMap<TreePath, Node>,
) -> impl Iterator<Item = (TreePath, Node, super::trees::Below)> {
    topmost(paths.into_iter().collect()).into_iter()
}

type Paths = BTreeMap<TreePath, Node>;

/// `lib/modules/6.1.170/x.ko` and `lib/modules/6.1.176/x.ko`, `libx.so.1.2` and `libx.so.1.3`.
fn by_version(removed: &mut Paths, added: &mut Paths, told: &mut Vec<Told>) {
    let mut plain: BTreeMap<String, Vec<TreePath>> = BTreeMap::new();
    for path in removed.keys() {
        plain.entry(without_versions(path)).or_default().push(path.clone());
    }
    let mut candidates: BTreeMap<String, Vec<TreePath>> = BTreeMap::new();
    for path in added.keys() {
        candidates.entry(without_versions(path)).or_default().push(path.clone());
    }
    for (name, new) in candidates {
        // Where several fit nobody knows which is which.
        let ([new], Some([old])) = (&new[..], plain.get(&name).map(Vec::as_slice)) else {
            continue;
        };
        let same_kind =
            |a: &Node, b: &Node| std::mem::discriminant(&a.kind) == std::mem::discriminant(&b.kind);
        match (removed.get(old), added.get(new)) {
            (Some(a), Some(b)) if same_kind(a, b) => {}
            _ => continue,
        }
        if let (Some(a), Some(b)) = (removed.remove(old), added.remove(new)) {
            told.push(Told::Changed(old.clone(), a, new.clone(), b));
        }
    }
}

/// A path in which each digest, and each number with dots, is one sign, without the end that says how
/// it is compressed.
fn without_versions(path: &TreePath) -> String {
    const PACKED: [&str; 5] = [".gz", ".xz", ".zst", ".bz2", ".lz4"];
    let mut plain = String::new();
    let mut in_number = false;
    let path = shown(path);
    let path = PACKED.iter().find_map(|end| path.strip_suffix(end)).unwrap_or(&path);
    for sign in super::derived::without_digests(path).chars() {
        let digit = sign.is_ascii_digit();
        if digit && !in_number {
            plain.push('\u{0}');
        }
        in_number = digit || (in_number && matches!(sign, '.' | '-' | '+' | '~'));
        if !in_number {
            plain.push(sign);
        }
    }
    plain
}

/// The same bytes at another place.
fn by_content(removed: &mut Paths, added: &mut Paths, told: &mut Vec<Told>) {
    let mut known: BTreeMap<BlobId, Vec<TreePath>> = BTreeMap::new();
    for (path, node) in removed.iter() {
        if let Kind::File { blob, size } = node.kind
            && size >= TELLING
        {
            known.entry(blob).or_default().push(path.clone());
        }
    }
    let found: Vec<(TreePath, TreePath)> = added
        .iter()
        .filter_map(|(path, node)| {
            let Kind::File { blob, .. } = node.kind else { return None };
            let candidates = known.get_mut(&blob)?;
            let same_name = candidates.iter().position(|old| old.name() == path.name());
            let old = same_name.or((!candidates.is_empty()).then_some(0))?;
            Some((candidates.remove(old), path.clone()))
        })
        .collect();
    for (old, new) in found {
        if let (Some(a), Some(b)) = (removed.remove(&old), added.remove(&new)) {
            told.push(Told::Changed(old, a, new, b));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> TreePath {
        TreePath::new(text.as_bytes()).unwrap()
    }

    fn file(content: &[u8]) -> Node {
        Node::file(BlobId::of(content), 100, 0o644)
    }

    fn told(removed: &[(&str, &[u8])], added: &[(&str, &[u8])]) -> Vec<String> {
        let removed = removed.iter().map(|(name, content)| Difference {
            path: path(name),
            change: Change::Removed(file(content)),
        });
        let added = added.iter().map(|(name, content)| Difference {
            path: path(name),
            change: Change::Added(file(content)),
        });
        let told = pair(removed.chain(added).collect());
        let mut told: Vec<String> = told
            .iter()
            .map(|told| match told {
                Told::Added(path, ..) => format!("+{path}"),
                Told::Removed(path, ..) => format!("-{path}"),
                Told::Changed(old, _, new, _) => format!("{old} -> {new}"),
            })
            .collect();
        told.sort();
        told
    }

    #[test]
    fn a_new_version_is_the_same_file() {
        let found = told(
            &[("lib/modules/6.1.170/x.ko", b"a"), ("lib/libx.so.1.2", b"b")],
            &[("lib/modules/6.1.176/x.ko", b"c"), ("lib/libx.so.1.10.1", b"d")],
        );
        assert_eq!(
            found,
            [
                "/lib/libx.so.1.2 -> /lib/libx.so.1.10.1",
                "/lib/modules/6.1.170/x.ko -> /lib/modules/6.1.176/x.ko"
            ]
        );
    }

    #[test]
    fn what_is_compressed_in_another_way_is_the_same_file() {
        let found = told(
            &[("control.tar.xz", b"a"), ("kernel/x.ko", b"b")],
            &[("control.tar.zst", b"c"), ("kernel/x.ko.xz", b"d")],
        );
        assert_eq!(
            found,
            ["/control.tar.xz -> /control.tar.zst", "/kernel/x.ko -> /kernel/x.ko.xz"]
        );
    }

    #[test]
    fn a_name_with_another_digest_is_the_same_file() {
        let (a, b) = (format!("2-root-{}", "a1".repeat(8)), format!("2-root-{}", "b2".repeat(8)));
        let found = told(&[(&a, b"a"), ("3-x", b"x")], &[(&b, b"b")]);
        assert_eq!(found, ["-/3-x".to_owned(), format!("/{a} -> /{b}")]);
    }

    #[test]
    fn where_several_fit_none_is_paired() {
        let found = told(&[("a1", b"a"), ("a2", b"b")], &[("a3", b"c")]);
        assert_eq!(found, ["+/a3", "-/a1", "-/a2"]);
    }

    #[test]
    fn the_same_bytes_elsewhere_have_moved() {
        let found = told(&[("old/x", b"a"), ("old/y", b"a")], &[("new/y", b"a"), ("z", b"b")]);
        assert_eq!(found, ["+/z", "-/old/x", "/old/y -> /new/y"]);
    }
}
