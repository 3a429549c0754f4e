//! The platform that an image is for, in the words of OCI (Go's `GOOS` and `GOARCH`).

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// Operating system, architecture and variant.
///
/// Its text form is `os/architecture` or `os/architecture/variant`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Platform {
    /// Such as `amd64`.
    pub architecture: String,
    /// Such as `linux`.
    pub os: String,
    /// Such as `v8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
}

/// A text that is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform: expected `os/architecture` or `os/architecture/variant`")]
pub struct ParsePlatformError(pub String);

impl Platform {
    /// A Linux platform without a variant.
    pub fn linux(architecture: impl Into<String>) -> Self {
        Self { architecture: architecture.into(), os: "linux".into(), variant: None }
    }

    /// Whether an image made for `offered` serves where this platform is asked for.
    ///
    /// A variant counts only where this platform names one; `arm64` alone and `arm64/v8` are the
    /// same, as engines have it.
    pub fn accepts(&self, offered: &Platform) -> bool {
        let variant = |platform: &Platform| match (&*platform.architecture, &platform.variant) {
            ("arm64", None) => Some("v8".to_owned()),
            (_, variant) => variant.clone(),
        };
        self.os == offered.os
            && self.architecture == offered.architecture
            && (self.variant.is_none() || variant(self) == variant(offered))
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}

impl FromStr for Platform {
    type Err = ParsePlatformError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parts: Vec<_> = text.split('/').collect();
        let (os, architecture, variant) = match parts[..] {
            [os, architecture] => (os, architecture, None),
            [os, architecture, variant] => (os, architecture, Some(variant.to_owned())),
            _ => return Err(ParsePlatformError(text.into())),
        };
        if parts.iter().any(|part| part.is_empty()) {
            return Err(ParsePlatformError(text.into()));
        }
        Ok(Self { architecture: architecture.into(), os: os.into(), variant })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        for text in ["linux/amd64", "linux/arm/v7"] {
            assert_eq!(text.parse::<Platform>().unwrap().to_string(), text);
        }
        for text in ["linux", "linux/", "a/b/c/d", ""] {
            assert_eq!(text.parse::<Platform>(), Err(ParsePlatformError(text.into())));
        }
    }

    #[test]
    fn arm64_alone_and_its_only_variant_are_one() {
        let platform = |text: &str| text.parse::<Platform>().unwrap();
        assert!(platform("linux/arm64/v8").accepts(&platform("linux/arm64")));
        assert!(platform("linux/arm64").accepts(&platform("linux/arm64/v8")));
        assert!(!platform("linux/arm/v7").accepts(&platform("linux/arm/v6")));
        assert!(!platform("linux/amd64").accepts(&platform("linux/arm64")));
    }
}
