//! Workspaces of a shape and a size, for groundup, Nix and ninja at once.
//!
//! Every step is as small as a step can be: a shell that writes one line. What is measured is what
//! stands around it. The shell is a static busybox, brought as a source of the workspace, so that
//! neither an archive nor a lock with packages is needed.

use std::{
    fmt::Write as _,
    fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Path, PathBuf},
};

/// How many targets a recipe file holds.
const TARGETS_PER_FILE: usize = 500;
/// How many files a folder of repository files holds.
const FILES_PER_FOLDER: usize = 100;
/// How many folders a folder of folders holds.
const FOLDERS_PER_FOLDER: usize = 100;

/// What a graph of steps looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A binary tree: step `i` needs the steps `2i + 1` and `2i + 2`.
    Steps,
    /// Each step needs the one before it.
    Chain,
    /// No step needs another one.
    Independent,
    /// One step that reads many files of the repository.
    Files,
}

/// Why a workspace could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write `{}`: {source}", path.display())]
pub struct WriteError {
    path: PathBuf,
    source: io::Error,
}

impl Shape {
    /// The shape of a name.
    pub fn named(name: &str) -> Option<Self> {
        let all = [Self::Steps, Self::Chain, Self::Independent, Self::Files];
        all.into_iter().find(|shape| shape.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Chain => "chain",
            Self::Independent => "independent",
            Self::Files => "files",
        }
    }

    /// What the step of a number needs.
    fn deps(self, step: usize, count: usize) -> Vec<usize> {
        match self {
            Self::Steps => {
                [2 * step + 1, 2 * step + 2].into_iter().filter(|d| *d < count).collect()
            }
            Self::Chain => (step + 1 < count).then_some(step + 1).into_iter().collect(),
            Self::Independent | Self::Files => Vec::new(),
        }
    }

    /// The name of a step's target. `top-` is what the workspace builds by default.
    fn target(self, step: usize) -> String {
        match self {
            Self::Steps | Self::Chain if step == 0 => format!("top-{}", self.name()),
            Self::Independent | Self::Files => format!("top-{}-{step}", self.name()),
            Self::Steps | Self::Chain => format!("{}-{step}", self.name()),
        }
    }
}

/// Writes a workspace of a shape with that many steps (or files), or adds it to the one that is
/// there.
pub fn write(shape: Shape, count: usize, folder: &Path, shell: &Path) -> Result<(), WriteError> {
    if !folder.join("groundup.toml").exists() {
        write_workspace(folder, shell)?;
    }
    if shape == Shape::Files {
        write_files(count, &folder.join("files"))?;
        return put(&folder.join("recipes/files.toml"), FILES_RECIPE);
    }
    let steps: Vec<usize> = (0..count).collect();
    for (number, part) in steps.chunks(TARGETS_PER_FILE).enumerate() {
        let text: String = part.iter().map(|step| recipe(shape, *step, count)).collect();
        put(&folder.join(format!("recipes/{}/{number}.toml", shape.name())), text)?;
    }
    put(&folder.join("default.nix"), nix(shape, count))?;
    put(&folder.join("build.ninja"), ninja(shape, count))
}

const WORKSPACE: &str = r#"[workspace]
name = "generated"
platforms = ["linux/amd64"]
default = ["build.top-*"]
"#;

const SHELL_RECIPE: &str = r#"[source.root]
path = "root"

[rootfs.shell]
trees = ["source.root"]
"#;

const FILES_RECIPE: &str = r#"[source.files]
path = "files"

[build.top-files]
rootfs = "rootfs.shell"
sources = { files = "source.files" }
script = "echo files > /out/n"
"#;

fn write_workspace(folder: &Path, shell: &Path) -> Result<(), WriteError> {
    let bin = folder.join("root/bin");
    make_folder(&bin)?;
    let busybox = bin.join("busybox");
    // Not a copy of the file's metadata: git's modes are all that enters.
    let program = fs::read(shell).map_err(|source| WriteError { path: shell.into(), source })?;
    put(&busybox, program)?;
    fs::set_permissions(&busybox, fs::Permissions::from_mode(0o755)).map_err(at(&busybox))?;
    for name in ["sh", "cat"] {
        symlink("busybox", bin.join(name)).map_err(at(&bin.join(name)))?;
    }
    put(&folder.join("groundup.toml"), WORKSPACE)?;
    put(&folder.join("groundup.lock"), "version = 1\n")?;
    put(&folder.join("recipes/shell.toml"), SHELL_RECIPE)
}

fn recipe(shape: Shape, step: usize, count: usize) -> String {
    let mut text = format!("[build.{}]\nrootfs = \"rootfs.shell\"\n", shape.target(step));
    let deps = shape.deps(step, count);
    if !deps.is_empty() {
        let deps: Vec<_> = deps
            .iter()
            .enumerate()
            .map(|(number, dep)| format!("d{number} = \"build.{}\"", shape.target(*dep)))
            .collect();
        let _ = writeln!(text, "deps = {{ {} }}", deps.join(", "));
    }
    let _ = writeln!(text, "script = \"echo {step} > /out/n\"\n");
    text
}

fn write_files(count: usize, folder: &Path) -> Result<(), WriteError> {
    for first in (0..count).step_by(FILES_PER_FOLDER) {
        let number = first / FILES_PER_FOLDER;
        let (outer, inner) = (number / FOLDERS_PER_FOLDER, number % FOLDERS_PER_FOLDER);
        let inner = folder.join(format!("{outer:03}/{inner:02}"));
        make_folder(&inner)?;
        for file in first..count.min(first + FILES_PER_FOLDER) {
            let path = inner.join(format!("file-{file}.txt"));
            fs::write(&path, format!("file {file}\n")).map_err(at(&path))?;
        }
    }
    Ok(())
}

/// The same graph for Nix: one derivation a step, and the attributes that are built by default.
fn nix(shape: Shape, count: usize) -> String {
    let mut text = String::from(
        "let\n  bb = builtins.path { name = \"bb\"; path = ./root; };\n\
         \x20 step = name: n: deps: derivation {\n\
         \x20   inherit name deps;\n\
         \x20   system = \"x86_64-linux\";\n\
         \x20   builder = \"${bb}/bin/sh\";\n\
         \x20   args = [ \"-euc\" \"echo ${n} > $out\" ];\n  };\nin rec {\n",
    );
    for step in 0..count {
        let deps: Vec<_> = shape.deps(step, count).iter().map(|dep| shape.target(*dep)).collect();
        let name = shape.target(step);
        let _ = writeln!(text, "  {name} = step \"{name}\" \"{step}\" [ {} ];", deps.join(" "));
    }
    text.push_str("}\n");
    text
}

/// The same graph for ninja: no sandbox, no store, no digests, but one command a step.
fn ninja(shape: Shape, count: usize) -> String {
    let mut text = String::from("rule step\n  command = echo $out > $out\n\n");
    for step in 0..count {
        let deps: Vec<_> = shape.deps(step, count).iter().map(|dep| output(shape, *dep)).collect();
        let _ = writeln!(text, "build {}: step {}", output(shape, step), deps.join(" "));
    }
    text
}

fn output(shape: Shape, step: usize) -> String {
    format!("ninja-out/{}/{}", step / 1000, shape.target(step))
}

fn put(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), WriteError> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    fs::write(path, bytes).map_err(at(path))
}

fn make_folder(path: &Path) -> Result<(), WriteError> {
    fs::create_dir_all(path).map_err(at(path))
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    |source| WriteError { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_of_a_tree_is_needed_by_exactly_one_other() {
        let mut needed: Vec<_> = (0..10).flat_map(|step| Shape::Steps.deps(step, 10)).collect();
        needed.sort_unstable();
        assert_eq!(needed, (1..10).collect::<Vec<_>>());
    }

    #[test]
    fn only_what_nobody_needs_is_built_by_default() {
        for shape in [Shape::Steps, Shape::Chain, Shape::Independent] {
            let needed: Vec<_> = (0..10).flat_map(|step| shape.deps(step, 10)).collect();
            for step in 0..10 {
                let top = shape.target(step).starts_with("top-");
                assert_eq!(top, !needed.contains(&step), "{shape:?} {step}");
            }
        }
    }
}
