//! Documents that are generated from code: written by `cargo xtask docs`, compared by a tidy rule.

use crate::{
    Workspace, XtaskError,
    workspace::{files, output},
};
use std::path::{Path, PathBuf};

/// What writes documents: cargo with these arguments and, as the last one, the folder to write
/// into, which stands for `docs/`.
pub const GENERATORS: &[&[&str]] = &[
    &["run", "-q", "-p", "groundup-recipe", "--example", "schema", "--"],
    &["run", "-q", "-p", "groundup-benches", "--bin", "report", "--"],
];

/// Runs all generators in a scratch folder and hands each file to `look`: its path below the root
/// of the repository, and its text.
pub(crate) fn generate(
    workspace: &Workspace,
    mut look: impl FnMut(&Path, String) -> Result<(), XtaskError>,
) -> Result<(), XtaskError> {
    let scratch = Scratch::new(workspace)?;
    for generator in GENERATORS {
        output(workspace.cargo().args(*generator).arg(&scratch.0))?;
    }
    for path in files(&scratch.0) {
        let text = crate::workspace::read(&path)?;
        let inner = path.strip_prefix(&scratch.0).unwrap_or(&path);
        look(&Path::new("docs").join(inner), text)?;
    }
    Ok(())
}

/// Writes every document that is not up to date, and gives their names.
pub fn write(workspace: &Workspace) -> Result<Vec<PathBuf>, XtaskError> {
    let mut written = Vec::new();
    generate(workspace, |file, text| {
        let path = workspace.root.join(file);
        if std::fs::read_to_string(&path).is_ok_and(|old| old == text) {
            return Ok(());
        }
        let fail = |path: &Path, error| XtaskError::File("write", path.to_owned(), error);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|error| fail(folder, error))?;
        }
        std::fs::write(&path, text).map_err(|error| fail(&path, error))?;
        written.push(file.to_owned());
        Ok(())
    })?;
    Ok(written)
}

/// An empty folder in the target directory, that goes when it is dropped.
struct Scratch(PathBuf);

impl Scratch {
    fn new(workspace: &Workspace) -> Result<Self, XtaskError> {
        let name = format!("xtask-docs-{}", std::process::id());
        let path = workspace.target.join(name);
        match std::fs::create_dir_all(&path) {
            Ok(()) => Ok(Self(path)),
            Err(error) => Err(XtaskError::File("make", path, error)),
        }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays is in the target directory and harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
