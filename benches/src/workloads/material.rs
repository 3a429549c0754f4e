//! A tree of 1 GB of real files: a compiler, several times, each time with other bytes.

use crate::{
    bench::{Bench, once},
    error::{Result, Tried},
};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

/// Into how many sources each copy of the compiler is cut.
const PARTS_PER_COPY: usize = 5;

/// A workspace with the tree, and images of it.
pub(super) struct Material {
    /// The workspace.
    pub(super) workspace: PathBuf,
    /// Bytes of all files.
    pub(super) bytes: u64,
    /// How many files there are.
    pub(super) files: u64,
}

impl Material {
    /// Where the files are.
    pub(super) fn tree(&self) -> PathBuf {
        self.workspace.join("parts")
    }

    /// The store of this workspace.
    pub(super) const STORE: &str = "material-store";
}

/// Makes the workspace, or finds it.
pub(super) fn material(bench: &Bench) -> Result<Material> {
    let copies = bench.sized(4, 1);
    let workspace = bench.folder(&format!("material-{copies}"));
    let compiler = bench.folder("peers/rootfs.bench-compiler");
    once(&workspace, |folder| {
        let mut files = Vec::new();
        collect(&compiler, &mut files)?;
        for (number, file) in files.iter().enumerate() {
            let inner = file.strip_prefix(&compiler).unwrap_or(file);
            for copy in 0..copies {
                let part = copy * PARTS_PER_COPY + number % PARTS_PER_COPY;
                copy_file(file, &folder.join(format!("parts/{part:02}")).join(inner), copy)?;
            }
        }
        write(&folder.join("app/config"), "first\n")?;
        write(&folder.join("groundup.toml"), "[workspace]\nname = \"material\"\n")?;
        write(&folder.join("groundup.lock"), "version = 1\n")?;
        write(&folder.join("recipes/images.toml"), &recipes(copies * PARTS_PER_COPY))
    })?;
    let mut files = Vec::new();
    collect(&workspace.join("parts"), &mut files)?;
    let mut bytes = 0;
    for file in &files {
        bytes += file.metadata().tried("look at", file)?.len();
    }
    Ok(Material { workspace, bytes, files: files.len() as u64 })
}

/// The regular files below a folder.
pub(super) fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).tried("list", folder)? {
        let entry = entry.tried("list", folder)?;
        entries.push((entry.path(), entry.file_type().tried("look at", entry.path())?));
    }
    entries.sort_by(|a, b| a.0.cmp(&b.0));
    for (path, kind) in entries {
        if kind.is_dir() {
            collect(&path, files)?;
        } else if kind.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

/// A copy whose last line says which one it is, so that no two have the same bytes.
fn copy_file(from: &Path, to: &Path, copy: usize) -> Result<()> {
    if let Some(parent) = to.parent() {
        fs::create_dir_all(parent).tried("make", parent)?;
    }
    fs::copy(from, to).tried("copy", from)?;
    let mut file = fs::File::options().append(true).open(to).tried("open", to)?;
    writeln!(file, "copy {copy}").tried("write", to)
}

fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).tried("make", parent)?;
    }
    fs::write(path, text).tried("write", path)
}

fn recipes(parts: usize) -> String {
    let sources: String =
        (0..parts).map(|n| format!("[source.part-{n:02}]\npath = \"parts/{n:02}\"\n\n")).collect();
    let trees: String = (0..parts)
        .map(|n| format!("    {{ from = \"source.part-{n:02}\", to = \"/data/{n:02}\" }},\n"))
        .collect();
    format!(
        "{sources}[source.all]\npath = \"parts\"\n\n\
         [image.zstd]\ntrees = [\"source.all\"]\nlayers = {{ max = 1, compression = \"zstd\" }}\n\n\
         [image.gzip]\ntrees = [\"source.all\"]\nlayers = {{ max = 1, compression = \"gzip\" }}\n\n\
         [image.app]\ntrees = [\n{trees}]\n\
         files = [{{ path = \"/etc/app/config\", source = \"app/config\" }}]\n"
    )
}
