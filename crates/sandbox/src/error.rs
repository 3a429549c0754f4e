//! Why a run could not be started or followed; a run that fails is an outcome, not an error.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::scratch::ScratchError;
use crate::wire::{Failure, Feature};

/// What kept a command from being run.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The spec asks for what no run could do.
    #[error("the sandbox cannot run this: {reason} (`{value}`)")]
    Spec {
        /// What is wrong.
        reason: &'static str,
        /// With which value.
        value: String,
    },
    /// The machine forbids user namespaces, which every sandbox needs.
    #[error("this machine does not let groundup make a user namespace: {remedy}")]
    UserNamespaces {
        /// The setting and how to change it.
        remedy: String,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// The machine lacks or forbids something else that every sandbox needs.
    #[error("this machine does not give groundup {what}: {remedy}")]
    Missing {
        /// What: `a /proc of its own`.
        what: &'static str,
        /// The setting and how to change it.
        remedy: String,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// One step of the set-up failed.
    #[error("setting up the sandbox: {doing}")]
    SetUp {
        /// The step and the paths: `mounting /a on /b`.
        doing: String,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// No such command in the root file system.
    #[error("command not found in the sandbox: {command}")]
    CommandNotFound {
        /// The first word of the command.
        command: String,
    },
    /// The command is there but the kernel would not execute it.
    #[error("the sandbox cannot execute {command}{hint}")]
    CommandNotExecutable {
        /// The first word of the command.
        command: String,
        /// What that mostly means, or nothing.
        hint: &'static str,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// The command asked for what ownership as data has no answer to.
    #[error("`{program}` cannot be run with ownership as data: {why}")]
    Ownership {
        /// The program and its first arguments.
        program: String,
        /// What it asked for.
        why: String,
    },
    /// A directory for the run could not be made.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
    /// The program could not execute itself again.
    #[error("starting the sandbox's launcher from {program}")]
    Launch {
        /// The executable.
        program: PathBuf,
        /// What the kernel answered.
        #[source]
        source: io::Error,
    },
    /// The program did not call [`crate::launcher_entry`].
    #[error("this program does not call `groundup_sandbox::launcher_entry()` first in `main`")]
    NoLauncher,
    /// The launcher went away without an answer.
    #[error(
        "the sandbox's launcher ended without an answer ({}); something killed it, perhaps the kernel \
         for want of memory: build again, with fewer jobs if it happens again",
        status.map_or("killed".to_owned(), |status| status.to_string())
    )]
    LauncherDied {
        /// How it ended, where that is known.
        status: Option<ExitStatus>,
    },
    /// Talking with the launcher failed.
    #[error("talking with the sandbox's launcher")]
    Talk(#[source] io::Error),
}

impl SandboxError {
    /// Gives what the launcher reported its name.
    pub(crate) fn from_failure(failure: Failure) -> Self {
        match failure {
            Failure::Missing { what: Feature::UserNamespace, errno } => Self::UserNamespaces {
                remedy: crate::probe::user_namespace_remedy(errno),
                source: io::Error::from_raw_os_error(errno),
            },
            Failure::Missing { what, errno } => {
                let (what, remedy) = crate::probe::name_and_remedy(what, errno);
                Self::Missing { what, remedy, source: io::Error::from_raw_os_error(errno) }
            }
            Failure::SetUp { doing, errno } => {
                Self::SetUp { doing, source: io::Error::from_raw_os_error(errno) }
            }
            Failure::Ownership { program, why } => Self::Ownership { program, why },
            Failure::Exec { command, errno: libc::ENOENT, present: false } => {
                Self::CommandNotFound { command }
            }
            Failure::Exec { command, errno, .. } => Self::CommandNotExecutable {
                command,
                hint: match errno {
                    libc::ENOENT => ": the interpreter or loader that it names is missing",
                    libc::ENOEXEC => ": its format is not one of this machine",
                    libc::EACCES => ": it is not an executable file",
                    _ => "",
                },
                source: io::Error::from_raw_os_error(errno),
            },
        }
    }
}
