//! Where the loader's cache is looked for libraries: `ld.so.conf`, what it includes, built-ins.

use super::super::{
    Draft, RootfsError,
    draft::{constant, follow},
    overlay,
};
use groundup_tree::{Node, TreePath};

/// The directories as written, with their places; a place that comes again is left out.
pub(super) fn search_path(
    draft: &Draft<'_>,
    triplet: &str,
) -> Result<Vec<(String, TreePath)>, RootfsError> {
    let mut written = Vec::new();
    read_conf(draft, &constant("/etc/ld.so.conf"), 0, &mut written)?;
    for directory in [&format!("/lib/{triplet}"), &format!("/usr/lib/{triplet}")] {
        written.push(directory.clone());
    }
    written.extend(["/lib", "/usr/lib"].map(str::to_owned));
    let mut directories: Vec<(String, TreePath)> = Vec::new();
    for path in written {
        let place = TreePath::parse(path.as_bytes()).ok().and_then(|p| follow(&draft.tree, &p));
        let Some(place) = place else { continue };
        let known = directories.iter().any(|(_, known)| *known == place);
        if !known && draft.tree.get(&place).is_some_and(Node::is_directory) {
            directories.push((path, place));
        }
    }
    Ok(directories)
}

/// Reads one configuration file; includes nest a few levels deep at most.
fn read_conf(
    draft: &Draft<'_>,
    path: &TreePath,
    depth: usize,
    written: &mut Vec<String>,
) -> Result<(), RootfsError> {
    let Some(bytes) = draft.read(path)? else { return Ok(()) };
    for line in String::from_utf8_lossy(&bytes).lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        let mut words = line.split_ascii_whitespace();
        match words.next() {
            None | Some("hwcap") => {}
            Some("include") if depth < 8 => {
                for pattern in words {
                    for included in expand(draft, path, pattern)? {
                        read_conf(draft, &included, depth + 1, written)?;
                    }
                }
            }
            Some(_) if line.starts_with('/') => {
                let trimmed = line.trim_end_matches('/');
                written.push(if trimmed.is_empty() { "/" } else { trimmed }.to_owned());
            }
            Some(_) => {}
        }
    }
    Ok(())
}

/// The files that a pattern names, relative to the including file's directory, sorted by bytes.
fn expand(draft: &Draft<'_>, from: &TreePath, pattern: &str) -> Result<Vec<TreePath>, RootfsError> {
    let base = from.parent().unwrap_or_default();
    let absolute = match pattern.starts_with('/') {
        true => pattern.to_owned(),
        false => {
            format!("{}/{pattern}", if base.is_root() { String::new() } else { base.to_string() })
        }
    };
    let globs = overlay::globs(&[absolute])?;
    let matches = draft
        .tree
        .iter()
        .filter(|(path, node)| !node.is_directory() && overlay::takes(&globs, path));
    let mut paths: Vec<_> = matches.map(|(path, _)| path.clone()).collect();
    paths.sort_by(|a, b| a.as_bytes().cmp(b.as_bytes()));
    Ok(paths)
}
