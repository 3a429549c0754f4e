//! Private parsers, for the fuzz targets alone; no promise of stability.

use crate::{
    package::{Compression, Forgotten, Limits, Ownership, TarError, TarRules, read_tar},
    source::{FilePatch, apply_to_bytes, names_of_dsc},
};
use groundup_tree::FileTree;

/// Reads a tar stream, compressed or not, as `debian` reads those of packages (`strip` is none)
/// and of sources.
pub fn tar(bytes: &[u8], strip: Option<usize>, limits: Limits) -> Result<FileTree, TarError> {
    let ownership = if strip.is_none() { Ownership::Kept } else { Ownership::Normalised };
    let rules = TarRules { limits, ownership, strip: strip.unwrap_or_default() };
    let input =
        Compression::of_content(bytes).open(bytes, limits.resources()).map_err(TarError::Read)?;
    read_tar(&Forgotten, input, rules)
}

/// The bytes of a file after its patch; none if it does not fit.
pub fn patched(before: &[u8], patch: &FilePatch) -> Option<Vec<u8>> {
    apply_to_bytes(before, patch)
}

/// The names of the files that a `.dsc` lists; none if it is malformed.
pub fn files_of_dsc(text: &[u8]) -> Option<Vec<String>> {
    names_of_dsc(text).ok()
}
