//! What a command ends with when it cannot do its job: kind, words, remedy, exit code.

use groundup_recipe::LoadFailure;
use groundup_store::StoreErrorKind;
use std::{error::Error, fmt, path::Path, process::ExitCode};

/// Who has to act, which decides the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The answer is no: a step failed, a check found something. Exit code 1.
    No,
    /// Usage or recipe. Exit code 2.
    Usage,
    /// The environment: network, disk, permissions, kernel settings. Exit code 3.
    Environment,
    /// A bug of groundup. Exit code 70.
    Bug,
}

impl Kind {
    /// The exit code of this kind.
    pub(crate) fn exit_code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::No => 1,
            Self::Usage => 2,
            Self::Environment => 3,
            Self::Bug => 70,
        })
    }
}

/// An error in words.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) kind: Kind,
    /// What was tried and why it failed, the outermost first.
    pub(crate) messages: Vec<String>,
    /// What to do about it.
    pub(crate) hint: Option<String>,
    /// Diagnostics that are rendered already.
    pub(crate) rendered: Option<String>,
}

impl CliError {
    /// An error in the user's words or files.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// An error of the machine around us.
    pub(crate) fn environment(message: impl Into<String>) -> Self {
        Self::new(Kind::Environment, message)
    }

    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, messages: vec![message.into()], hint: None, rendered: None }
    }

    /// An error value with all that it was caused by.
    pub(crate) fn of(kind: Kind, error: &(dyn Error + 'static)) -> Self {
        let chain = std::iter::successors(Some(error), |&error| error.source());
        let messages = chain.map(ToString::to_string).collect();
        let trouble = StoreErrorKind::of_surroundings(error);
        // Whatever it was about, the machine has to be put right first.
        let kind = if trouble.is_some() { Kind::Environment } else { kind };
        let hint = trouble.and_then(remedy).map(str::to_owned);
        Self { kind, messages, hint, rendered: None }
    }

    /// A file or directory could not be read, written or made; `action` is a verb.
    pub(crate) fn io(action: &str, path: &Path, error: &std::io::Error) -> Self {
        let message = format!("cannot {action} `{}`: {error}", path.display());
        let hint = StoreErrorKind::of_surroundings(error).and_then(remedy).map(str::to_owned);
        Self { hint, ..Self::environment(message) }
    }

    /// The same error with what was being tried on top.
    pub(crate) fn while_trying(mut self, what: impl Into<String>) -> Self {
        self.messages.insert(0, what.into());
        self
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Diagnostics in their final form.
    pub(crate) fn rendered(text: String) -> Self {
        Self { kind: Kind::Usage, messages: Vec::new(), hint: None, rendered: Some(text) }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.messages.join(": "))
    }
}

/// What to do about trouble with the machine.
pub(crate) fn remedy(kind: StoreErrorKind) -> Option<&'static str> {
    match kind {
        StoreErrorKind::NoSpace => Some(
            "the disk is full: free space on it, run `groundup store collect`, or put the store \
             elsewhere with --store",
        ),
        StoreErrorKind::ReadOnlyFileSystem => Some(
            "its file system is mounted read-only: mount it for writing (after an error of the \
             disk: repair it first), or put the store elsewhere with --store",
        ),
        StoreErrorKind::PermissionDenied => Some(
            "this user may not do that: run groundup as the owner of the path, change its mode, or \
             put the store elsewhere with --store",
        ),
        StoreErrorKind::Disk => Some(
            "the disk did not do what it was told: see that it is neither full nor failing (`df`, \
             `dmesg`), then run `groundup store verify` and the command again",
        ),
        _ => None,
    }
}

/// Errors whose kind is the same wherever they come up.
macro_rules! always {
    ($($error:ty => $kind:ident),* $(,)?) => {$(
        impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                Self::of(Kind::$kind, &error)
            }
        }
    )*};
}

always! {
    groundup_store::StoreError => Environment,
    groundup_store::OpenError => Environment,
    groundup_store::CheckoutError => Environment,
    groundup_build::RepositoryError => Usage,
    groundup_build::history::HistoryError => Environment,
    groundup_fetch::SettingsError => Usage,
    groundup_fetch::CredentialsError => Usage,
}

impl From<LoadFailure> for CliError {
    fn from(failure: LoadFailure) -> Self {
        Self::rendered(failure.to_string())
    }
}
