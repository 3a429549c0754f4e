//! Names: kinds, targets, platforms, and the paths that recipes may write.

use std::{fmt, str::FromStr};

/// The kinds of target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Bytes from outside.
    Source,
    /// A file tree from packages and other trees.
    Rootfs,
    /// A command in a sandbox.
    Build,
    /// A Linux kernel.
    Kernel,
    /// A machine: kernel, root file system and what they need to boot.
    Node,
    /// An OCI image.
    Image,
    /// Kubernetes manifests.
    Cluster,
}

impl Kind {
    /// Every kind, in the order of the reference.
    pub const ALL: [Kind; 7] = [
        Kind::Source,
        Kind::Rootfs,
        Kind::Build,
        Kind::Kernel,
        Kind::Node,
        Kind::Image,
        Kind::Cluster,
    ];

    /// The word of the table header.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Source => "source",
            Kind::Rootfs => "rootfs",
            Kind::Build => "build",
            Kind::Kernel => "kernel",
            Kind::Node => "node",
            Kind::Image => "image",
            Kind::Cluster => "cluster",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a text is not a name, target, platform or path that recipes can hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// A name has other characters than it may have.
    #[error(
        "`{0}` is not a name: names are lower-case letters, digits and `-`, and do not start with `-`"
    )]
    Name(String),
    /// A target lacks its kind.
    #[error("`{0}` is not a target: targets are written `kind.name`, like `image.web`")]
    NoKind(String),
    /// The kind of a target is not known.
    #[error("`{0}` is not a kind of target")]
    Kind(String),
    /// The platform is not known.
    #[error("`{0}` is not a platform")]
    Platform(String),
    /// A path in a tree is not absolute and plain.
    #[error("`{0}` is not an absolute path without `.`, `..` and empty parts")]
    TreePath(String),
    /// A path in the repository is not relative and plain.
    #[error("`{0}` is not a path relative to the workspace, without `..` and empty parts")]
    RepoPath(String),
}

/// Checks that `text` is made as names of targets, archives, outputs and mounts are.
pub fn check_name(text: &str) -> Result<(), NameError> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !text.is_empty() && !text.starts_with('-') && text.chars().all(good) {
        Ok(())
    } else {
        Err(NameError::Name(text.to_owned()))
    }
}

macro_rules! text_form {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

/// One named thing of a recipe, written `kind.name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName {
    kind: Kind,
    name: String,
}

impl TargetName {
    /// Checks `name` and joins it with its kind.
    pub fn new(kind: Kind, name: &str) -> Result<Self, NameError> {
        check_name(name)?;
        Ok(Self { kind, name: name.to_owned() })
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The name without its kind.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.kind, self.name)
    }
}

impl FromStr for Kind {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let found = Kind::ALL.into_iter().find(|kind| kind.as_str() == text);
        found.ok_or_else(|| NameError::Kind(text.to_owned()))
    }
}

impl FromStr for TargetName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (kind, name) =
            text.split_once('.').ok_or_else(|| NameError::NoKind(text.to_owned()))?;
        Self::new(kind.parse()?, name)
    }
}
text_form!(Kind);
text_form!(TargetName);

/// The output that a target has when it names none.
pub const DEFAULT_OUTPUT: &str = "out";

/// One output of a target, written `kind.name`, or `kind.name:output`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetRef {
    /// The target.
    pub target: TargetName,
    /// Its output; [`DEFAULT_OUTPUT`] where none is written.
    pub output: String,
}

impl fmt::Display for TargetRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.output.as_str() {
            DEFAULT_OUTPUT => self.target.fmt(f),
            output => write!(f, "{}:{output}", self.target),
        }
    }
}

impl FromStr for TargetRef {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let (target, output) = text.split_once(':').unwrap_or((text, DEFAULT_OUTPUT));
        check_name(output)?;
        Ok(Self { target: target.parse()?, output: output.to_owned() })
    }
}
text_form!(TargetRef);

/// What an image or a package set is for, or a command runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Platform {
    /// 64-bit x86.
    LinuxAmd64,
    /// 64-bit ARM.
    LinuxArm64,
}

impl Platform {
    /// Every platform.
    pub const ALL: [Platform; 2] = [Platform::LinuxAmd64, Platform::LinuxArm64];

    /// The OCI form, `os/architecture`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Platform::LinuxAmd64 => "linux/amd64",
            Platform::LinuxArm64 => "linux/arm64",
        }
    }

    /// The architecture as OCI and Debian both call it.
    pub const fn architecture(self) -> &'static str {
        match self {
            Platform::LinuxAmd64 => "amd64",
            Platform::LinuxArm64 => "arm64",
        }
    }

    /// The machine as `uname -m` calls it.
    pub const fn machine(self) -> &'static str {
        match self {
            Platform::LinuxAmd64 => "x86_64",
            Platform::LinuxArm64 => "aarch64",
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Platform {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let found = Platform::ALL.into_iter().find(|platform| platform.as_str() == text);
        found.ok_or_else(|| NameError::Platform(text.to_owned()))
    }
}
text_form!(Platform);

fn is_plain(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | "..") && !part.contains('\0'))
}

/// An absolute path in a file tree, normalised; `/` is the tree itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreePath(String);

impl TreePath {
    /// The top of a tree.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// The path with its leading `/`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path without its leading `/`; empty for the top.
    pub fn relative(&self) -> &str {
        &self.0[1..]
    }
}

impl fmt::Display for TreePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TreePath {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        match text.strip_prefix('/') {
            Some(rest) if rest.is_empty() || is_plain(rest) => Ok(Self(text.to_owned())),
            _ => Err(NameError::TreePath(text.to_owned())),
        }
    }
}
text_form!(TreePath);

/// A path of the repository, relative to the workspace; `.` is the workspace itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(String);

impl RepoPath {
    /// The path with `/` between its parts.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The path below `directory`, `.` for itself; nothing if it lies elsewhere.
    pub fn below(&self, directory: &RepoPath) -> Option<&str> {
        if self == directory {
            return Some(".");
        }
        match directory.as_str() {
            "." => Some(self.as_str()),
            directory => self.0.strip_prefix(directory)?.strip_prefix('/'),
        }
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RepoPath {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        let path = text.strip_prefix("./").unwrap_or(text);
        let path = path.strip_suffix('/').unwrap_or(path);
        if path == "." || is_plain(path) {
            Ok(Self(path.to_owned()))
        } else {
            Err(NameError::RepoPath(text.to_owned()))
        }
    }
}
text_form!(RepoPath);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_names_round_trip() {
        let name: TargetName = "image.web-2".parse().unwrap();
        assert_eq!((name.kind(), name.name()), (Kind::Image, "web-2"));
        assert_eq!(name.to_string(), "image.web-2");
        let output: TargetRef = "build.mnl:dev".parse().unwrap();
        assert_eq!(output.to_string(), "build.mnl:dev");
        assert_eq!("build.mnl".parse::<TargetRef>().unwrap().output, "out");
    }

    #[test]
    fn rejects_names_with_upper_case_dots_and_leading_dashes() {
        for bad in ["image.Web", "image.a.b", "image.-a", "image.", "web", "module.x"] {
            assert!(bad.parse::<TargetName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn rejects_paths_that_leave_their_tree() {
        for bad in ["etc", "/etc/../x", "/a//b", "/a/", ""] {
            assert!(bad.parse::<TreePath>().is_err(), "{bad}");
        }
        for bad in ["/etc", "../x", "a/../b", "a//b", ""] {
            assert!(bad.parse::<RepoPath>().is_err(), "{bad}");
        }
        assert_eq!("./a/b/".parse::<RepoPath>().unwrap().as_str(), "a/b");
        assert_eq!("/".parse::<TreePath>().unwrap().relative(), "");
    }
}
