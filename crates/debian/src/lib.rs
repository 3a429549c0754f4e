//! Debian as userland: archive metadata, trust, dependency resolution, and `.deb` files as trees.
//!
//! Bytes are passed in; nothing here opens a socket. [`archive`] follows the chain of trust from a
//! keyring to the digest of a `.deb`, [`resolve`] chooses packages as apt would for an empty root,
//! [`package`] turns a `.deb` into a tree, [`rootfs`] merges packages by dpkg's rules,
//! and [`source`] unpacks source packages.

pub mod archive;
#[doc(hidden)]
pub mod fuzzing;
pub mod package;
pub mod resolve;
pub mod rootfs;
pub mod source;
