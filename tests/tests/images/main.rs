//! End-to-end tests of the recipes of this repository: images that are the same bytes however they
//! are built, and that programs which are not ours read, unpack and run.
//!
//! The recipes are built twice from nothing, each time in a workspace and a store of its own: see
//! [`tower`]. All tests share these two builds. The programs come from `rootfs.tools`, through
//! `groundup run`; the host lends a shell and `rm`, nothing else.

mod archives;
mod histories;
mod runs;
mod tower;
mod variations;
