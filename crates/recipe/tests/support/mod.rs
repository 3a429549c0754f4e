//! One case a file: the files of a workspace, and the messages that are expected of it.
//!
//! A case is parts that start with `=== PATH`; the part `=== messages` is what is expected. With a
//! `groundup.lock` among the files, what is stale is told as well.

use groundup_recipe::{ColorChoice, Loaded, Lock, MemoryLoader, load, lock::LOCK_FILE, render_all};
use std::path::{Path, PathBuf};

/// The part of a case that is expected.
pub(crate) const MESSAGES: &str = "messages";

/// A case.
pub(crate) struct Case {
    /// The workspace.
    pub(crate) files: Vec<(String, String)>,
    /// The messages.
    pub(crate) expected: String,
}

/// The case files, sorted.
pub(crate) fn case_files() -> Vec<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/errors");
    #[allow(clippy::disallowed_methods, reason = "sorted right below")]
    let entries = std::fs::read_dir(dir).expect("the cases can be listed");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("a case").path()).collect();
    paths.sort();
    paths
}

impl Case {
    pub(crate) fn parse(text: &str) -> Self {
        let mut files: Vec<(String, String)> = Vec::new();
        for line in text.split_inclusive('\n') {
            match (line.strip_prefix("=== "), files.last_mut()) {
                (Some(path), _) => files.push((path.trim().to_owned(), String::new())),
                (None, Some((_, text))) => text.push_str(line),
                (None, None) => panic!("a case starts with `=== PATH`"),
            }
        }
        let expected = files.iter().position(|(path, _)| path == MESSAGES);
        let expected = expected.map(|at| files.remove(at).1).unwrap_or_default();
        Self { files, expected }
    }

    /// The messages that the workspace gives.
    pub(crate) fn messages(&self) -> String {
        let loaded = match load(&MemoryLoader::new(self.files.clone())) {
            Ok(loaded) => loaded,
            Err(failure) => return failure.to_string(),
        };
        let Loaded { workspace, mut sources, warnings, .. } = loaded;
        let mut found = warnings;
        if let Some((_, text)) = self.files.iter().find(|(path, _)| path == LOCK_FILE) {
            match Lock::parse(&mut sources, LOCK_FILE, text) {
                Ok(lock) => {
                    found.extend(lock.check(&workspace).iter().map(|stale| stale.to_diagnostic()));
                }
                Err(errors) => found.extend(errors),
            }
        }
        render_all(&found, &sources, ColorChoice::Plain)
    }
}
