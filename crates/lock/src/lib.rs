//! Making and moving the pins of `groundup.lock`, and checking them again when building.
//!
//! ```text
//! Workspace + old Lock + Scope -> Locker::lock -> Locked (a new Lock; `Lock::changes` says what moved)
//!   archives   InRelease -> keyring -> signature, dates -> indexes     judged now, on the clock handed in
//!   rootfs     packages resolved over one snapshot for all platforms   others held unless asked to move
//!   sources    URL, commit, image, .dsc, .deb
//! Report       what moved, for people, with what changelogs say
//! verify       the same chain when building, without a clock, from pinned bytes alone
//! ```
//!
//! What is not pinned yet comes through [`Remote`]; nothing here opens a socket or reads a clock.

mod archive;
mod changelog;
mod deb;
mod error;
mod keyring;
mod layout;
mod locker;
mod need;
mod remote;
mod report;
mod rootfs;
mod scope;
mod security;
mod snapshot;
mod source;
pub mod verify;

pub use changelog::Moves;
pub use deb::DebError;
pub use error::LockError;
pub use layout::LayoutError;
pub use locker::{Locked, Locker};
pub use remote::{BoxError, Remote};
pub use report::{Group, Report};
pub use rootfs::BuiltFrom;
pub use scope::Scope;
