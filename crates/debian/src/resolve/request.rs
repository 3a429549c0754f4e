//! What is asked of the resolver.

use crate::archive::{Version, VersionError};
use std::{collections::BTreeMap, fmt, str::FromStr};

/// The packages to install into an empty root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// What is wanted by name; the order matters where choices depend on each other, as in apt.
    pub packages: Vec<Wanted>,
    /// The Debian name of the architecture (`amd64`, `arm64`).
    pub arch: String,
    /// Whether `Recommends` are followed.
    pub recommends: Recommends,
    /// Whether Essential packages come in unasked.
    pub essential: Essential,
    /// Versions to keep where they are still offered and still fit (packages of an older lock).
    pub held: BTreeMap<String, Version>,
}

/// One wanted package: `NAME`, `NAME=VERSION`, each also as `NAME:ARCH`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The package, real or virtual.
    pub name: String,
    /// The architecture after a colon; it must be the one of the request.
    pub arch: Option<String>,
    /// The version that it must have.
    pub version: Option<Version>,
}

/// What is done with `Recommends`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Recommends {
    /// They are not followed.
    #[default]
    Ignore,
    /// They are installed where that is possible.
    Install,
}

/// What is done with packages that say `Essential: yes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Essential {
    /// They are like any other package.
    #[default]
    NotImplied,
    /// All of them are installed.
    Implied,
}

/// Why a wanted package cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WantedError {
    /// The name has characters that package names never have.
    #[error("`{0}` is not a package name (lower-case letters, digits, `+`, `-`, `.`)")]
    Name(String),
    /// What stands after `=` is not a version.
    #[error("`{wanted}`: bad version")]
    Version {
        /// The whole text.
        wanted: String,
        /// What is wrong.
        #[source]
        source: VersionError,
    },
}

impl Request {
    /// A request without Recommends, Essential packages or held versions.
    pub fn new(arch: impl Into<String>, packages: Vec<Wanted>) -> Self {
        Self {
            packages,
            arch: arch.into(),
            recommends: Recommends::default(),
            essential: Essential::default(),
            held: BTreeMap::new(),
        }
    }
}

impl FromStr for Wanted {
    type Err = WantedError;

    fn from_str(text: &str) -> Result<Self, WantedError> {
        let (package, version) = match text.split_once('=') {
            Some((package, version)) => {
                let wanted = text.to_owned();
                let version =
                    version.parse().map_err(|source| WantedError::Version { wanted, source })?;
                (package, Some(version))
            }
            None => (text, None),
        };
        let (name, arch) = match package.split_once(':') {
            Some((name, arch)) => (name, Some(arch.to_owned())),
            None => (package, None),
        };
        let allowed =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+-.".contains(&byte);
        let starts = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let arch_is_word = arch.as_ref().is_none_or(|arch| !arch.is_empty());
        match starts && arch_is_word && name.bytes().all(allowed) {
            true => Ok(Self { name: name.to_owned(), arch, version }),
            false => Err(WantedError::Name(text.to_owned())),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(arch) = &self.arch {
            write!(f, ":{arch}")?;
        }
        match &self.version {
            Some(version) => write!(f, "={version}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wanted_package_reads_as_it_is_written() {
        for text in ["libc6", "g++", "libc6=2.36-9", "libc6:arm64=1:2.36~rc1-9"] {
            assert_eq!(text.parse::<Wanted>().unwrap().to_string(), text);
        }
        for text in ["", "-x", "A", "a b", "a:", "a/stable", "=1"] {
            assert_eq!(text.parse::<Wanted>(), Err(WantedError::Name(text.to_owned())));
        }
        assert!(matches!("a=".parse::<Wanted>(), Err(WantedError::Version { .. })));
    }
}
