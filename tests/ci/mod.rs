//! The jobs of `docs/ci.md`, taken from that file and run as the services run them.
//!
//! A job runs in a [`Machine`], `rootfs.ci` with processes and mounts of its own, as the user that the
//! service has there. Around it, [`github`] and [`gitlab`] do what the documentation of the services
//! says that they do: variables, shells, conditions, the check-out, what is kept for the next job.
//! Neither service is asked; `gh`, `sudo` and what the jobs are told of them are stand-ins.

mod document;
pub mod github;
pub mod gitlab;
mod machine;
mod project;

pub use document::job;
pub use machine::{Machine, Room, User};
pub use project::Project;
