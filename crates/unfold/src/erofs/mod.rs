//! EROFS: recognised, not read yet.

use crate::{Bytes, UnfoldError, walk::Walk};
pub(crate) const MAGIC: u32 = 0xe0f5_e1e2;

pub(crate) fn walk(_: &dyn Bytes, _: &mut Walk<'_>) -> Result<(), UnfoldError> {
    Err(UnfoldError::unsupported("EROFS", "what is in it"))
}
