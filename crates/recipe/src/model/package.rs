//! A requested Debian package: `name`, `name=version`, `name:arch`.

use std::{fmt, str::FromStr};

/// A package that a root file system asks for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PackageRequest {
    /// Name of a real or virtual package.
    pub name: String,
    /// Architecture, where it is not that of the platform.
    pub arch: Option<String>,
    /// Version that it must have; a `*` at the end stands for anything.
    pub version: Option<String>,
}

impl PackageRequest {
    /// Whether `version` is one that is asked for.
    pub fn accepts(&self, version: &str) -> bool {
        match &self.version {
            None => true,
            Some(wanted) => match wanted.strip_suffix('*') {
                Some(prefix) => version.starts_with(prefix),
                None => version == wanted,
            },
        }
    }
}

impl fmt::Display for PackageRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if let Some(arch) = &self.arch {
            write!(f, ":{arch}")?;
        }
        if let Some(version) = &self.version {
            write!(f, "={version}")?;
        }
        Ok(())
    }
}

/// Why a text is not a package request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a package: write `name`, `name:arch`, `name=version` or `name=1.2*`")]
pub struct PackageError(pub String);

impl FromStr for PackageRequest {
    type Err = PackageError;

    fn from_str(text: &str) -> Result<Self, PackageError> {
        let bad = || PackageError(text.to_owned());
        let (head, version) = match text.split_once('=') {
            Some((head, version)) => (head, Some(version)),
            None => (text, None),
        };
        let (name, arch) = match head.split_once(':') {
            Some((name, arch)) => (name, Some(arch)),
            None => (head, None),
        };
        let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let good_name = name.starts_with(lower)
            && name.chars().all(|c| lower(c) || matches!(c, '+' | '-' | '.'));
        let good_arch =
            arch.is_none_or(|a| !a.is_empty() && a.chars().all(|c| lower(c) || c == '-'));
        let in_version =
            |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '+' | '-' | '~' | ':');
        let good_version = version.is_none_or(|v| {
            let v = v.strip_suffix('*').unwrap_or(v);
            !v.is_empty() && v.chars().all(in_version)
        });
        if !(good_name && good_arch && good_version) {
            return Err(bad());
        }
        Ok(Self {
            name: name.to_owned(),
            arch: arch.map(str::to_owned),
            version: version.map(str::to_owned),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_round_trip() {
        for text in ["gcc", "libc6=2.36*", "foo:arm64", "g++", "libc6:arm64=1:2.36-9+deb12u10"] {
            assert_eq!(text.parse::<PackageRequest>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn rejects_what_apt_would_read_otherwise() {
        for text in ["", "Gcc", "gcc=", "gcc (>= 1)", "gcc=*", ":arm64", "gcc:"] {
            let parsed = text.parse::<PackageRequest>();
            assert!(parsed.is_err(), "{text}");
        }
    }

    #[test]
    fn a_star_accepts_any_ending() {
        let request: PackageRequest = "libc6=2.36*".parse().unwrap();
        assert!(request.accepts("2.36-9+deb12u10"));
        assert!(!request.accepts("2.37-1"));
    }
}
