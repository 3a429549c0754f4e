//! ISO 9660: recognised, not read yet.

use crate::{Bytes, UnfoldError, walk::Walk};

pub(crate) fn walk(_: &dyn Bytes, _: &mut Walk<'_>) -> Result<(), UnfoldError> {
    Err(UnfoldError::unsupported("ISO 9660", "what is in it"))
}
