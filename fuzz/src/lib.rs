//! One function for each parser that meets bytes from outside: no input may make it panic, hang or
//! take memory without bound, and what it takes must keep what the format promises.
//!
//! [`TARGETS`] lists them. Each takes any bytes. A canonical format is written again as it was read;
//! what is printed is read as it was; a tree that an archive gives is valid and stays what it is
//! when encoded. `corpus/TARGET/` holds inputs that reach different code, and those that once failed.
//!
//! ```text
//! cargo test -p groundup-fuzz      every input of the corpus through its target
//! cargo xtask test fuzz            some seconds of search for each target
//! cargo xtask fuzz --minutes 90    a long search; new inputs stay in target/fuzz/corpus
//! ```
//!
//! The first byte of an input often chooses a variant (`Input::split`), so that one corpus covers all.

mod binaries;
mod cluster;
mod debian;
mod fetch;
mod image;
mod input;
mod kernel;
mod meaning;
mod memory;
pub mod mutate;
mod own;
mod recipe;
mod reuse;
mod tar;
mod unfold;

use std::{collections::BTreeMap, fs, io, path::Path};

pub use debian::KEYRING;
pub use tar::with_checksums;
pub use unfold::spread;

/// A parser, or several of one kind, under test.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, which is that of its folder in the corpus.
    pub name: &'static str,
    /// Longer inputs are not tried.
    pub longest: usize,
    /// Tries one input; panics if it breaks a promise.
    pub run: fn(&[u8]),
}

/// All targets, sorted by name.
pub const TARGETS: &[Target] = &[
    Target { name: "apt-sources", longest: 4 << 10, run: fetch::apt_sources },
    Target { name: "btf", longest: 8 << 10, run: binaries::btf },
    Target { name: "changelog", longest: 4 << 10, run: debian::changelog },
    Target { name: "control", longest: 4 << 10, run: debian::control },
    Target { name: "credentials", longest: 4 << 10, run: fetch::credentials },
    Target { name: "deb", longest: 32 << 10, run: debian::deb },
    Target { name: "debian-tar", longest: 32 << 10, run: debian::tar },
    Target { name: "dsc", longest: 4 << 10, run: debian::dsc },
    Target { name: "elf-diff", longest: 32 << 10, run: binaries::elf },
    Target { name: "encoding", longest: 4 << 10, run: own::encoding },
    Target { name: "facts", longest: 8 << 10, run: reuse::facts },
    Target { name: "headers", longest: 1 << 10, run: fetch::headers },
    Target { name: "image-archive", longest: 32 << 10, run: image::archive },
    Target { name: "index-file", longest: 8 << 10, run: debian::index_file },
    Target { name: "inrelease", longest: 8 << 10, run: debian::inrelease },
    Target { name: "journal", longest: 8 << 10, run: own::journal },
    Target { name: "kconfig", longest: 8 << 10, run: kernel::kconfig },
    Target { name: "kernel-config", longest: 4 << 10, run: kernel::config },
    Target { name: "kernel-files", longest: 8 << 10, run: binaries::files },
    Target { name: "keyring", longest: 4 << 10, run: debian::keyring },
    Target { name: "layers", longest: 32 << 10, run: image::layers },
    Target { name: "locations", longest: 1 << 10, run: fetch::locations },
    Target { name: "lock", longest: 8 << 10, run: recipe::lock },
    Target { name: "manifest", longest: 8 << 10, run: fetch::manifest },
    Target { name: "manifests", longest: 8 << 10, run: cluster::manifests },
    Target { name: "meaning", longest: 8 << 10, run: meaning::pair },
    Target { name: "oci-json", longest: 8 << 10, run: image::json },
    Target { name: "origins", longest: 4 << 10, run: own::origins },
    Target { name: "packages", longest: 8 << 10, run: debian::packages },
    Target { name: "patch", longest: 8 << 10, run: debian::patch },
    Target { name: "recipe", longest: 8 << 10, run: recipe::workspace },
    Target { name: "records", longest: 4 << 10, run: own::records },
    Target { name: "release", longest: 8 << 10, run: debian::release },
    Target { name: "rendering", longest: 8 << 10, run: cluster::rendering },
    Target { name: "reuse", longest: 4 << 10, run: reuse::reuse },
    Target { name: "roots", longest: 8 << 10, run: meaning::roots },
    Target { name: "settings", longest: 4 << 10, run: fetch::settings },
    Target { name: "sources", longest: 8 << 10, run: debian::sources },
    Target { name: "store-files", longest: 4 << 10, run: own::store_files },
    Target { name: "tree", longest: 8 << 10, run: own::tree },
    Target { name: "tree-operations", longest: 4 << 10, run: own::tree_operations },
    Target { name: "unfold", longest: 16 << 10, run: unfold::walked },
    Target { name: "unstable", longest: 4 << 10, run: meaning::unstable },
    Target { name: "version", longest: 256, run: debian::version },
    Target { name: "words", longest: 512, run: recipe::words },
    Target { name: "yaml", longest: 8 << 10, run: cluster::yaml },
];

/// The target of this name.
pub fn target(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// The inputs that are kept for a target, by the names of their files.
pub fn corpus(target: &str) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    #[allow(clippy::disallowed_methods, reason = "a map has its own order")]
    let entries = fs::read_dir(folder)?;
    let files = entries.map(|entry| {
        let entry = entry?;
        Ok((entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path())?))
    });
    files.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_sorted_and_unique() {
        assert!(TARGETS.is_sorted_by(|a, b| a.name < b.name));
        assert!(target("deb").is_some() && target("none").is_none());
    }
}
