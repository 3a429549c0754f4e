//! Archive metadata and its chain of trust: keyring -> `InRelease` -> `Packages` -> `.deb` digest.

pub mod deb822;
mod packages;
mod relation;
mod version;

pub use packages::{Field, Index, IndexError, MultiArch, Package, Preference, Priority};
pub use relation::{Operator, Relation, RelationError, Relations, relations};
pub use version::{Version, VersionError, compare};
