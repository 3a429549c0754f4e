//! Bytes to a verdict: whether a resolved configuration keeps what fragments asked for.

use crate::{
    Config, Dropped, Files, Kconfig, KconfigError, Requests, Value, config::ConfigError, explain,
    kconfig::Limits,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// All that a verdict is made from.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The source tree of the kernel.
    pub files: &'a dyn Files,
    /// The architecture as its folder below `arch` is called, such as `x86`.
    pub srcarch: &'a str,
    /// Other variables that the build system sets, such as `ARCH`; what is not there is unknown.
    pub variables: &'a [(&'a str, &'a str)],
    /// The fragments: the name that messages use, and the content.
    pub fragments: &'a [(&'a str, &'a [u8])],
    /// The `.config` that Kconfig made of them.
    pub resolved: &'a [u8],
    /// Symbols, without `CONFIG_`, that need not keep what was asked for.
    pub allow_dropped: &'a [&'a str],
}

/// Requests that were all kept, but for those that need not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// The requests.
    pub requests: Requests,
    /// Those that were not kept and need not be, by symbol.
    pub allowed: Vec<Dropped>,
    /// Names that were allowed to be dropped for nothing: they are kept, or nobody asks for them.
    pub unneeded: Vec<String>,
}

/// Why there is no verdict, or a bad one.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckError {
    /// Fragments that cannot be read, or contradict each other.
    #[error("{}", Lines(.0))]
    Fragments(Vec<ConfigError>),
    /// A resolved configuration that cannot be read.
    #[error("the resolved configuration cannot be read: {}", Lines(.0))]
    Resolved(Vec<ConfigError>),
    /// Kconfig files that cannot be read.
    #[error("the Kconfig files of the source cannot be read")]
    Kconfig(#[source] KconfigError),
    /// Requests that were not kept, by symbol.
    #[error("{}", Lines(.0))]
    Dropped(Vec<Dropped>),
}

/// One thing on each line.
struct Lines<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for Lines<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, one) in self.0.iter().enumerate() {
            write!(f, "{}{one}", if at == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// Checks a resolved configuration against what was asked for.
pub fn check(inputs: Inputs<'_>) -> Result<Checked, CheckError> {
    let mut fragments = Vec::new();
    let mut errors = Vec::new();
    for (name, text) in inputs.fragments {
        match Config::parse(name, text) {
            Ok(fragment) => fragments.push(fragment),
            Err(more) => errors.extend(more),
        }
    }
    if !errors.is_empty() {
        return Err(CheckError::Fragments(errors));
    }
    let requests = Requests::join(&fragments).map_err(CheckError::Fragments)?;
    let resolved =
        Config::parse_resolved(".config", inputs.resolved).map_err(CheckError::Resolved)?;
    let mut variables: BTreeMap<String, String> = inputs
        .variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    variables.insert("SRCARCH".to_owned(), inputs.srcarch.to_owned());
    let kconfig = Kconfig::parse(inputs.files, "Kconfig", variables, Limits::default())
        .map_err(CheckError::Kconfig)?;
    verdict(requests, &resolved, &kconfig, inputs.allow_dropped)
}

fn verdict(
    requests: Requests,
    resolved: &Config,
    kconfig: &Kconfig,
    allow_dropped: &[&str],
) -> Result<Checked, CheckError> {
    let is_allowed = |one: &Dropped| allow_dropped.contains(&one.symbol.as_str());
    let (allowed, dropped): (Vec<Dropped>, Vec<Dropped>) =
        explain(&requests, resolved, kconfig).into_iter().partition(is_allowed);
    if !dropped.is_empty() {
        return Err(CheckError::Dropped(dropped));
    }
    let needed = |name: &&str| allowed.iter().any(|one| one.symbol == *name);
    let unneeded: BTreeSet<&str> =
        allow_dropped.iter().copied().filter(|name| !needed(name)).collect();
    let unneeded = unneeded.into_iter().map(str::to_owned).collect();
    Ok(Checked { requests, allowed, unneeded })
}

impl Checked {
    /// The verdict as text, sorted: each request with where it is made, then what was dropped as
    /// allowed, and the exceptions that nothing needs.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (symbol, request) in self.requests.iter() {
            if !self.allowed.iter().any(|dropped| dropped.symbol == symbol) {
                text += &line(symbol, &request.value, &request.place);
            }
        }
        for dropped in &self.allowed {
            text += &format!("# dropped, as allowed: {dropped}\n");
        }
        for name in &self.unneeded {
            text += &format!("# dropping CONFIG_{name} is allowed, but nothing drops it\n");
        }
        text
    }
}

fn line(symbol: &str, value: &Value, place: &crate::Place) -> String {
    format!("CONFIG_{symbol}={value}\t{place}\n")
}
