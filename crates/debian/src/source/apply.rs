//! Applying the change of one file to a tree: hunks may have moved, but must fit exactly.

use super::patch::{Change, FilePatch, Hunk, Origin};
use groundup_store::{Store, StoreError};
use groundup_tree::{FileTree, Kind, Node, TreeError, TreePath};

/// Why a change does not apply.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    /// The store does not give or take a file.
    #[error("cannot use the store")]
    Store(#[from] StoreError),
    /// The patch names a path that leaves the tree.
    #[error("`{0}` is not a path inside the tree")]
    Path(String),
    /// The file to change is not there, or is no file.
    #[error("{0}: there is no such file to change")]
    Missing(TreePath),
    /// The patch makes a file that is there already.
    #[error("{0}: the patch makes this file, but it is there already")]
    Exists(TreePath),
    /// A hunk's old lines are not found.
    #[error("{path}: hunk {number} of {of} (line {line} of the file) does not fit:\n{hunk}")]
    Hunk {
        /// The file.
        path: TreePath,
        /// The hunk, from 1.
        number: usize,
        /// How many hunks the file has.
        of: usize,
        /// Where the hunk should fit, from 1.
        line: usize,
        /// Its first lines.
        hunk: String,
    },
    /// The file is to be deleted but would keep lines.
    #[error("{0}: the patch deletes this file, but lines are left in it")]
    NotEmpty(TreePath),
    /// The new file cannot be in the tree.
    #[error("the patched tree would be invalid")]
    Tree(#[from] TreeError),
}

/// Changes one file of the tree.
pub(super) fn apply(
    store: &Store,
    tree: &mut FileTree,
    patch: &FilePatch,
) -> Result<(), ApplyError> {
    let place = |bytes: &Option<Vec<u8>>| {
        let bytes = bytes.as_ref()?;
        let shown = || ApplyError::Path(String::from_utf8_lossy(bytes).into_owned());
        Some(TreePath::parse(bytes).map_err(|_| shown()))
    };
    let old = place(&patch.old).transpose()?;
    let new = place(&patch.new).transpose()?;
    if let (Some(old), Some(new), Origin::Renamed | Origin::Copied) = (&old, &new, patch.origin) {
        return relocate(store, tree, patch, old, new);
    }
    // The file that is there decides: names may carry `.orig` on one side.
    let path = match (&old, &new) {
        (Some(old), Some(new)) if !tree.has(new) && tree.has(old) => old.clone(),
        (_, Some(new)) => new.clone(),
        (Some(old), None) => old.clone(),
        (None, None) => return Err(ApplyError::Path(String::new())),
    };
    let makes = patch.hunks.first().is_some_and(|hunk| hunk.old_start == 0) && !tree.has(&path);
    let (before, mode) = match tree.get(&path) {
        Some(Node { kind: Kind::File { blob, size }, meta }) => {
            if old.is_none() && *size > 0 {
                return Err(ApplyError::Exists(path));
            }
            (store.read_blob(*blob)?, u32::from(meta.mode.bits()))
        }
        None if old.is_none() || makes => (Vec::new(), 0o644),
        _ => return Err(ApplyError::Missing(path)),
    };
    let after = patched(&path, &before, &patch.hunks)?;
    if new.is_none() {
        if !after.is_empty() {
            return Err(ApplyError::NotEmpty(path));
        }
        remove_with_empty_directories(tree, &path);
        return Ok(());
    }
    let mode = match patch.executable {
        Some(true) => 0o755,
        _ => mode,
    };
    let stored = store.put_blob(&after)?;
    tree.insert_with_parents(path, Node::file(stored.blob, stored.size, mode))?;
    Ok(())
}

/// A file that gets another path, and perhaps other lines.
fn relocate(
    store: &Store,
    tree: &mut FileTree,
    patch: &FilePatch,
    old: &TreePath,
    new: &TreePath,
) -> Result<(), ApplyError> {
    let Some(Node { kind: Kind::File { blob, .. }, meta }) = tree.get(old) else {
        return Err(ApplyError::Missing(old.clone()));
    };
    if tree.has(new) {
        return Err(ApplyError::Exists(new.clone()));
    }
    let mode = match patch.executable {
        Some(true) => 0o755,
        Some(false) => 0o644,
        None => u32::from(meta.mode.bits()),
    };
    let after = patched(old, &store.read_blob(*blob)?, &patch.hunks)?;
    let stored = store.put_blob(&after)?;
    tree.insert_with_parents(new.clone(), Node::file(stored.blob, stored.size, mode))?;
    if patch.origin == Origin::Renamed {
        remove_with_empty_directories(tree, old);
    }
    Ok(())
}

/// As patch does: a directory that a deletion leaves empty goes too.
fn remove_with_empty_directories(tree: &mut FileTree, path: &TreePath) {
    tree.remove(path);
    let mut directory = path.parent();
    while let Some(path) = directory.filter(|path| !path.is_root()) {
        if tree.within(&path).nth(1).is_some() {
            break;
        }
        tree.remove(&path);
        directory = path.parent();
    }
}

/// The bytes of one file after its patch, without a tree; none if a hunk does not fit.
pub(crate) fn apply_to_bytes(before: &[u8], patch: &FilePatch) -> Option<Vec<u8>> {
    patched(&TreePath::root(), before, &patch.hunks).ok()
}

/// The text after all hunks.
fn patched(path: &TreePath, before: &[u8], hunks: &[Hunk]) -> Result<Vec<u8>, ApplyError> {
    let lines: Vec<&[u8]> = before.split_inclusive(|byte| *byte == b'\n').collect();
    let mut after = Vec::with_capacity(before.len());
    // Lines that are done, and how far the last hunk was from where it said.
    let (mut done, mut shift) = (0usize, 0isize);
    for (index, hunk) in hunks.iter().enumerate() {
        let old: Vec<&[u8]> = hunk
            .lines
            .iter()
            .filter(|line| line.change != Change::Add)
            .map(|line| line.text.as_slice())
            .collect();
        // Without old lines, the hunk comes after the line that it names.
        let named = if old.is_empty() { hunk.old_start } else { hunk.old_start.saturating_sub(1) };
        let expected = named.saturating_add_signed(shift);
        let found = find(&lines, &old, done, expected).ok_or_else(|| ApplyError::Hunk {
            path: path.clone(),
            number: index + 1,
            of: hunks.len(),
            line: hunk.old_start,
            hunk: shown(hunk),
        })?;
        shift = found as isize - named as isize;
        after.extend(lines[done..found].concat());
        for line in hunk.lines.iter().filter(|line| line.change != Change::Remove) {
            after.extend_from_slice(&line.text);
        }
        done = found + old.len();
    }
    after.extend(lines[done..].concat());
    Ok(after)
}

/// The first lines of a hunk as the patch has them, indented.
fn shown(hunk: &Hunk) -> String {
    const MOST: usize = 12;
    let lines = hunk.lines.iter().take(MOST).map(|line| {
        let sign = match line.change {
            Change::Keep => ' ',
            Change::Remove => '-',
            Change::Add => '+',
        };
        let text = String::from_utf8_lossy(&line.text).trim_end().escape_debug().to_string();
        format!("    {sign}{}", text.replace("\\t", "\t").replace("\\\"", "\""))
    });
    let mut lines: Vec<_> = lines.collect();
    if hunk.lines.len() > MOST {
        lines.push(format!("    … {} lines more", hunk.lines.len() - MOST));
    }
    lines.join("\n")
}

/// The place nearest to `expected` where all `old` lines stand, not before line `from`.
fn find(lines: &[&[u8]], old: &[&[u8]], from: usize, expected: usize) -> Option<usize> {
    let last = lines.len().checked_sub(old.len())?;
    if from > last {
        return None;
    }
    let fits = |at: &usize| lines[*at..*at + old.len()] == *old;
    let expected = expected.clamp(from, last);
    let mut places = (0..=last).flat_map(|distance| {
        let below = expected.checked_sub(distance).filter(|at| *at >= from);
        let above = Some(expected + distance).filter(|at| *at <= last && distance > 0);
        above.into_iter().chain(below)
    });
    if old.is_empty() {
        return Some(expected);
    }
    places.find(fits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::parse_patch;

    fn patch(before: &str, hunks: &str) -> Result<String, ApplyError> {
        let text = format!("--- a/f\n+++ b/f\n{hunks}");
        let path = TreePath::new(b"f").unwrap();
        let patches = parse_patch(text.as_bytes()).unwrap();
        let after = patched(&path, before.as_bytes(), &patches[0].hunks)?;
        Ok(String::from_utf8(after).unwrap())
    }

    #[test]
    fn a_hunk_that_has_moved_is_found() {
        let hunk = "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c\n";
        assert_eq!(patch("x\ny\na\nb\nc\n", hunk).unwrap(), "x\ny\na\nB\nc\n");
    }

    #[test]
    fn context_that_differs_is_refused_by_number() {
        let hunks = "@@ -1 +1 @@\n-a\n+A\n@@ -3,2 +3,2 @@\n c\n-d\n+D\n";
        let error = patch("a\nb\nC\nd\n", hunks).unwrap_err();
        assert!(matches!(error, ApplyError::Hunk { number: 2, of: 2, line: 3, .. }), "{error}");
    }

    #[test]
    fn the_end_of_a_file_may_lack_its_newline() {
        let hunk = "@@ -1 +1,2 @@\n-a\n\\ No newline at end of file\n+a\n+b\n";
        assert_eq!(patch("a", hunk).unwrap(), "a\nb\n");
        assert!(patch("a\n", hunk).is_err());
    }

    #[test]
    fn lines_are_added_after_the_line_that_a_hunk_without_old_lines_names() {
        assert_eq!(patch("a\nb\n", "@@ -1,0 +2 @@\n+x\n").unwrap(), "a\nx\nb\n");
        assert_eq!(patch("", "@@ -0,0 +1 @@\n+x\n").unwrap(), "x\n");
    }
}
