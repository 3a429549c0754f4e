//! Configurations as text: fragments that people write and the `.config` that Kconfig resolves.

mod diff;
mod parse;
mod requests;
mod value;

pub use diff::{Change, ConfigDiff};
pub use parse::{Config, ConfigError, Fault, Setting};
pub use requests::{Request, Requests};
pub use value::{Tristate, Value};
