//! A pin that vanished: every place answered, and none has the bytes.

use groundup_fetch::FetchError;
use groundup_plan::Location;

/// The error, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Gone {
    /// The pinned bytes are nowhere.
    #[error(
        "{what} is pinned, and gone from every place that is known: {remedy}, or name a place \
         that keeps it, as `vendor` or `snapshot` in the settings (docs/locks.md)"
    )]
    Gone {
        /// What is gone.
        what: String,
        /// How to move the pin.
        remedy: String,
        /// Where it was looked for.
        #[source]
        source: FetchError,
    },
    /// Another trouble.
    #[error(transparent)]
    Other(FetchError),
}

impl Gone {
    /// The error of a file that was looked for at `locations`.
    pub(super) fn or_error(error: FetchError, what: &str, locations: &[Location]) -> Self {
        match error.is_gone() {
            false => Gone::Other(error),
            true => {
                Gone::Gone { what: what.to_owned(), remedy: remedy(what, locations), source: error }
            }
        }
    }
}

fn remedy(what: &str, locations: &[Location]) -> String {
    let words = locations.iter().find_map(|location| match location {
        Location::Archive { path, .. } => {
            let package = path.strip_suffix(".deb")?.rsplit('/').next()?.split('_').next()?;
            Some(package.to_owned())
        }
        Location::Url(_) => what.split([' ', ':', ',']).next().map(str::to_owned),
    });
    match words {
        Some(name) => format!("move the pin with `groundup update {name}`"),
        None => "move the pins of the archive with `groundup update`".to_owned(),
    }
}
