//! Private parsers, for the fuzz targets alone; no promise of stability.

use crate::{
    Objects,
    squash::Whiteouts,
    unpack::{UnpackError, UnpackLimits, Unpacker, decompress},
};
use groundup_tree::FileTree;

/// What layers unpack to, the lowest first.
pub fn unpack_layers(
    objects: &dyn Objects,
    layers: &[&[u8]],
    limits: UnpackLimits,
) -> Result<FileTree, UnpackError> {
    let mut unpacker = Unpacker::new(objects, limits, Whiteouts::Apply);
    for layer in layers {
        unpacker.unpack(decompress(*layer, limits.expansion).map_err(UnpackError::Read)?)?;
    }
    Ok(unpacker.finish().tree)
}
