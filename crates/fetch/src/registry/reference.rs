//! The name of an image in a registry: `docker://HOST/NAME:TAG` or `docker://HOST/NAME@sha256:…`.
//!
//! As in Docker, a name without a host is on Docker's own registry, and one without a slash is
//! below `library/` there.

use groundup_digest::Sha256;
use std::{fmt, str::FromStr};

/// Host, name, and the tag or digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageReference {
    /// `HOST` or `HOST:PORT`.
    pub(crate) host: String,
    pub(crate) repository: String,
    pub(crate) tag: Option<String>,
    pub(super) digest: Option<Sha256>,
}

/// Why a text is not the name of an image.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an image in a registry ({problem}): write `docker://HOST/NAME:TAG`")]
pub struct ParseReferenceError {
    /// The text.
    pub text: String,
    /// What is wrong.
    pub problem: &'static str,
}

impl ImageReference {
    /// What the reference asks for: the digest where there is one, or the tag.
    pub(super) fn wanted(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.oci(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }

    /// The tag that the reference names.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The same name with this tag and no digest.
    pub fn with_tag(&self, tag: &str) -> Self {
        Self { tag: Some(tag.to_owned()), digest: None, ..self.clone() }
    }

    /// The digest that the reference names.
    pub fn digest(&self) -> Option<Sha256> {
        self.digest
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "docker://{}/{}", self.host, self.repository)?;
        self.tag.iter().try_for_each(|tag| write!(f, ":{tag}"))?;
        self.digest.iter().try_for_each(|digest| write!(f, "@{}", digest.oci()))
    }
}

impl FromStr for ImageReference {
    type Err = ParseReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |problem| ParseReferenceError { text: text.to_owned(), problem };
        let rest = text.strip_prefix("docker://").unwrap_or(text);
        let (rest, digest) = match rest.split_once('@') {
            None => (rest, None),
            Some((rest, digest)) => {
                let hex = digest.strip_prefix("sha256:");
                let hex = hex.ok_or_else(|| error("only sha256 digests are supported"))?;
                (rest, Some(hex.parse().map_err(|_| error("the digest is malformed"))?))
            }
        };
        let (host, path) = match rest.split_once('/') {
            Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
            _ => ("docker.io", rest),
        };
        let (name, tag) = match path.rsplit_once(':') {
            Some((name, tag)) => (name, Some(tag.to_owned())),
            None => (path, None),
        };
        let part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
        if name
            .split('/')
            .any(|p| p.starts_with(['.', '-', '_']) || p.is_empty() || !p.chars().all(part))
        {
            return Err(error("the name has parts of lower-case letters, digits, `.`, `_`, `-`"));
        }
        let word = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if tag
            .as_ref()
            .is_some_and(|tag| tag.is_empty() || tag.len() > 128 || !tag.chars().all(word))
        {
            return Err(error("the tag has letters, digits, `.`, `_`, `-`"));
        }
        if host.is_empty() || !host.chars().all(|c| word(c) || c == ':') {
            return Err(error("the host is malformed"));
        }
        let docker = matches!(host, "docker.io" | "index.docker.io" | "registry-1.docker.io");
        let repository =
            if docker && !name.contains('/') { format!("library/{name}") } else { name.to_owned() };
        let host = if docker { "registry-1.docker.io" } else { host };
        Ok(Self { host: host.to_owned(), repository, tag, digest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> String {
        text.parse::<ImageReference>().unwrap().to_string()
    }

    #[test]
    fn short_names_are_dockers() {
        assert_eq!(parse("docker://debian:12"), "docker://registry-1.docker.io/library/debian:12");
        assert_eq!(parse("docker.io/a/b"), "docker://registry-1.docker.io/a/b");
        assert_eq!(parse("docker://localhost/a"), "docker://localhost/a");
        assert_eq!(parse("docker://r.invalid:5000/a/b:c"), "docker://r.invalid:5000/a/b:c");
    }

    #[test]
    fn a_digest_wins_over_the_tag() {
        let digest = Sha256::of(b"x");
        let text = format!("docker://r.invalid/a:t@{}", digest.oci());
        let reference: ImageReference = text.parse().unwrap();
        assert_eq!(reference.wanted(), digest.oci());
        assert_eq!(reference.to_string(), text);
    }

    #[test]
    fn malformed_names_are_refused() {
        for text in [
            "docker://r.invalid/",
            "docker://r.invalid/../x",
            "r.invalid/A",
            "a@sha512:x",
            "a:",
            "r.invalid/a?b",
        ] {
            assert!(text.parse::<ImageReference>().is_err(), "{text}");
        }
    }
}
