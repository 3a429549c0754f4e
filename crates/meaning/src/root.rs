//! What only several files of a root file system together tell.

/// The files of a root file system, as far as they are asked for. Paths have no slash in front.
pub trait Files {
    /// The paths of all files and symlinks below a directory, at any depth, sorted.
    fn below(&self, directory: &str) -> Vec<String>;
    /// The content of a file, with symlinks followed inside of the root; nothing if it is none or
    /// cannot be read.
    fn read(&self, path: &str) -> Option<Vec<u8>>;
    /// Where a symlink points; nothing if it is none.
    fn link(&self, path: &str) -> Option<String>;
}
