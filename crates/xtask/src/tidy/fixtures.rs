//! Every file that is there for tests is named by one, or lies in a folder that is.
//!
//! Fixtures are the files below a `fixtures`, `golden` or `snapshots` folder. A snapshot file is
//! named after its test (`crate__module__tests__name.snap`): its last part is what must occur.

use crate::{Workspace, XtaskError, workspace::files};
use std::path::Path;

const FOLDERS: &[&str] = &["fixtures", "golden", "snapshots"];

pub(super) fn check(workspace: &Workspace) -> Result<Vec<String>, XtaskError> {
    let mut findings = Vec::new();
    for top in ["crates", "tests", "benches"] {
        for path in files(&workspace.root.join(top)) {
            let path = path.strip_prefix(&workspace.root).unwrap_or(&path);
            let is_rust = path.extension().is_some_and(|extension| extension == "rs");
            if !is_rust && is_fixture(path) && !is_used(workspace, path) {
                findings.push(format!("{}: no test names it", path.display()));
            }
        }
    }
    Ok(findings)
}

fn is_fixture(path: &Path) -> bool {
    path.iter().any(|part| FOLDERS.iter().any(|folder| part == *folder))
}

fn is_used(workspace: &Workspace, path: &Path) -> bool {
    // The crate is the first two parts (`crates/NAME`), or the first (`tests`).
    let depth = if path.starts_with("crates") { 2 } else { 1 };
    let home: std::path::PathBuf = path.iter().take(depth).collect();
    let sources: Vec<_> =
        workspace.sources.iter().filter(|source| source.path.starts_with(&home)).collect();
    names(path).any(|name| sources.iter().any(|source| source.text.contains(&name)))
}

/// The names by which a test may know a fixture: that of the file and those of the folders that
/// hold it, up to the one for fixtures.
fn names(path: &Path) -> impl Iterator<Item = String> {
    let after = path.iter().skip_while(|part| !FOLDERS.iter().any(|folder| *part == *folder));
    let parts: Vec<String> =
        after.skip(1).map(|part| part.to_string_lossy().into_owned()).collect();
    parts.into_iter().map(|part| match part.strip_suffix(".snap") {
        Some(test) => {
            let last = test.rsplit("__").next().unwrap_or(test);
            let numbered =
                last.rsplit_once('-').filter(|(_, number)| number.parse::<u32>().is_ok());
            numbered.map_or(last, |(name, _)| name).to_owned()
        }
        None => part,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_is_known_by_its_test_and_a_file_by_its_folder() {
        let of = |path| names(Path::new(path)).collect::<Vec<_>>();
        assert_eq!(of("crates/a/src/snapshots/a__b__tests__says_so-2.snap"), ["says_so"]);
        assert_eq!(of("crates/a/tests/fixtures/keys/one.asc"), ["keys", "one.asc"]);
        assert!(of("crates/a/Cargo.toml").is_empty());
    }
}
