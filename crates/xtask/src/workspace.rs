//! The repository as the rules see it: its packages, as cargo has them, and its source files.

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use walkdir::WalkDir;

/// Why the repository could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum XtaskError {
    /// A program could not be run.
    #[error("cannot run `{0}`")]
    Run(String, #[source] std::io::Error),
    /// A program failed.
    #[error("`{command}` failed:\n{stderr}")]
    Failed {
        /// What was run.
        command: String,
        /// What it said.
        stderr: String,
    },
    /// Cargo's answer is not in the expected form.
    #[error("the answer of `{0}` is not in the expected form")]
    Answer(String, #[source] Option<serde_json::Error>),
    /// A file could not be read or written.
    #[error("cannot {0} {path}", path = .1.display())]
    File(&'static str, PathBuf, #[source] std::io::Error),
}

/// A package, ours or another's.
#[derive(Debug, Clone)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its licence expression, if it has one.
    pub licence: Option<String>,
    /// Its folder below the root of the repository; none if it is not ours.
    pub folder: Option<PathBuf>,
    /// Names of what it depends on, tests apart.
    pub dependencies: Vec<String>,
}

/// A Rust file.
#[derive(Debug, Clone)]
pub struct Source {
    /// Its path below the root of the repository.
    pub path: PathBuf,
    /// Its text.
    pub text: String,
}

impl Source {
    /// How many of its lines are not tests.
    pub fn lines(&self) -> usize {
        self.before_tests().lines().count()
    }

    /// The text up to the tests, which come last in a file.
    pub fn before_tests(&self) -> &str {
        let in_tests = self.path.components().any(|part| part.as_os_str() == "tests");
        if in_tests {
            return "";
        }
        let tests = ["\n#[cfg(test)]\nmod tests {", "\n#[cfg(test)]\npub(crate) mod tests {"];
        let end = tests.iter().filter_map(|start| self.text.find(start)).min();
        &self.text[..end.unwrap_or(self.text.len())]
    }
}

/// The repository.
#[derive(Debug)]
pub struct Workspace {
    /// Its root.
    pub root: PathBuf,
    /// Where cargo builds.
    pub target: PathBuf,
    /// Every package of `Cargo.lock` that any feature could need.
    pub packages: Vec<Package>,
    /// Every Rust file of ours, sorted.
    pub sources: Vec<Source>,
}

impl Workspace {
    /// Looks at the repository that this program was built from.
    pub fn load() -> Result<Self, XtaskError> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut command = cargo(here);
        command.args(["metadata", "--format-version", "1", "--locked"]);
        let answer = output(&mut command)?;
        let wrong = |error| XtaskError::Answer("cargo metadata".into(), error);
        let metadata: Value = serde_json::from_str(&answer).map_err(|e| wrong(Some(e)))?;
        let folder = |name: &str| metadata[name].as_str().map(PathBuf::from);
        let root = folder("workspace_root").ok_or_else(|| wrong(None))?;
        let target = folder("target_directory").ok_or_else(|| wrong(None))?;
        let packages = metadata["packages"].as_array().ok_or_else(|| wrong(None))?;
        let packages = packages.iter().map(|value| package(&root, value));
        let packages = packages.collect::<Option<Vec<_>>>().ok_or_else(|| wrong(None))?;
        let sources = sources(&root)?;
        Ok(Self { root, target, packages, sources })
    }

    /// Our own packages by name.
    pub fn own(&self) -> BTreeMap<&str, &Package> {
        let own = self.packages.iter().filter(|package| package.folder.is_some());
        own.map(|package| (package.name.as_str(), package)).collect()
    }

    /// Reads a file of the repository.
    pub fn read(&self, path: &str) -> Result<String, XtaskError> {
        read(&self.root.join(path))
    }

    /// Cargo, to be run in the root of the repository.
    pub fn cargo(&self) -> Command {
        cargo(&self.root)
    }
}

pub(crate) fn read(path: &Path) -> Result<String, XtaskError> {
    std::fs::read_to_string(path).map_err(|e| XtaskError::File("read", path.to_owned(), e))
}

/// Runs a program to its end and gives what it wrote to stdout.
pub(crate) fn output(command: &mut Command) -> Result<String, XtaskError> {
    let name = format!("{command:?}");
    let output = command.output().map_err(|e| XtaskError::Run(name.clone(), e))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(XtaskError::Failed { command: name, stderr })
}

fn cargo(folder: &Path) -> Command {
    #[allow(clippy::disallowed_methods, reason = "cargo names itself to what it runs")]
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(folder);
    command
}

fn package(root: &Path, value: &Value) -> Option<Package> {
    let dependencies = value["dependencies"].as_array()?;
    let dependencies = dependencies.iter().filter(|dependency| dependency["kind"] != "dev");
    let names = dependencies.map(|dependency| Some(dependency["name"].as_str()?.to_owned()));
    let manifest = Path::new(value["manifest_path"].as_str()?);
    let folder = manifest.parent()?.strip_prefix(root).ok().filter(|_| value["source"].is_null());
    Some(Package {
        name: value["name"].as_str()?.to_owned(),
        version: value["version"].as_str()?.to_owned(),
        licence: value["license"].as_str().map(str::to_owned),
        folder: folder.map(Path::to_owned),
        dependencies: names.collect::<Option<_>>()?,
    })
}

/// The Rust files of `crates/`, `tests/` and `benches/`.
fn sources(root: &Path) -> Result<Vec<Source>, XtaskError> {
    let mut sources = Vec::new();
    for folder in ["crates", "tests", "benches"] {
        for path in files(&root.join(folder)) {
            if path.extension().is_some_and(|extension| extension == "rs") {
                let text = read(&path)?;
                let path = path.strip_prefix(root).unwrap_or(&path).to_owned();
                sources.push(Source { path, text });
            }
        }
    }
    Ok(sources)
}

/// The files below a folder, sorted, without what builds leave; none if there is no folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let walk = WalkDir::new(folder).sort_by_file_name().into_iter();
    let walk = walk.filter_entry(|entry| {
        entry.depth() == 0
            || (entry.file_name() != "target"
                && !entry.file_name().to_string_lossy().starts_with('.'))
    });
    let files = walk.filter_map(Result::ok).filter(|entry| entry.file_type().is_file());
    files.map(walkdir::DirEntry::into_path).collect()
}
