//! The complete description of one run, a value without effects.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{LookUps, Ownership, SandboxError};

/// Everything that one run depends on.
#[derive(Debug, Serialize, Deserialize)]
pub struct Spec {
    /// The root file system: check-outs, the top-most first (at most 499).
    pub lowers: Vec<PathBuf>,
    /// What a step may do to its root file system.
    pub root: RootMode,
    /// Host paths that appear inside, in this order.
    pub mounts: Vec<Mount>,
    /// A directory of the caller's on disk, not inside a lower, for all that the run writes.
    /// Made in it when missing: `upper`, `work`, and `build`, `tmp`, `out`, which are
    /// `/build`, `/tmp`, `/out` inside. A second run with the same scratch continues the first.
    pub scratch: PathBuf,
    /// The command; a name without a slash is searched in the `PATH` of `env`.
    pub argv: Vec<String>,
    /// The whole environment. See [`default_env`].
    pub env: BTreeMap<String, String>,
    /// The working directory inside; made when missing.
    pub cwd: String,
    /// Who the command is inside.
    pub identity: Identity,
    /// What the command may do in its namespaces.
    pub privilege: Privilege,
    /// The host name inside.
    pub hostname: String,
    /// The network inside.
    pub network: Network,
    /// Whether addresses are randomised.
    pub address_space: AddressSpace,
    /// Whether it is noted what the command looks at and changes.
    pub look_ups: LookUps,
    /// What ends the run early.
    pub limits: Limits,
    /// Whose files are. With [`Ownership::Data`] the root is `scratch/upper`, and `lowers` is empty.
    pub ownership: Ownership,
    /// Where the standard streams lead.
    #[serde(skip)]
    pub stdio: Stdio,
}

/// A host path that appears inside, with all mounts below it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// An absolute host path: a directory or a file.
    pub source: PathBuf,
    /// An absolute path inside; made when missing.
    pub target: String,
    /// Whether the command may write.
    pub mode: MountMode,
}

/// Whether a mount can be written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum MountMode {
    /// Writes fail with `EROFS`.
    ReadOnly,
    /// Writes reach the host path.
    ReadWrite,
}

/// What happens to writes to the root file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RootMode {
    /// They go to `scratch/upper`; the lowers stay as they are.
    Overlay,
    /// They fail with `EROFS`.
    ReadOnly,
}

/// The one user and group that exist inside; both stand for the caller outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The user id inside.
    pub uid: u32,
    /// The group id inside.
    pub gid: u32,
}

impl Default for Identity {
    fn default() -> Self {
        Self { uid: 1000, gid: 1000 }
    }
}

/// What the command may do in its own namespaces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Privilege {
    /// For steps: no capability, no way to one, no new namespaces, the seccomp filter, fixed `/proc`.
    None,
    /// For people's tools: all capabilities over its own namespaces, which it may nest. `/proc` and
    /// `/sys` are the host's view. A convenience, not a wall: do not run hostile code so as real root.
    NamespaceRoot,
}

/// The network inside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Network {
    /// A loopback interface of its own, nothing else.
    None,
    /// The caller's network.
    Host,
}

/// Whether stack, heap and libraries move from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum AddressSpace {
    /// The same addresses each time (`ADDR_NO_RANDOMIZE`).
    Fixed,
    /// The host's way.
    Randomised,
}

/// What ends a run early. `None` is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of memory, over all processes.
    pub memory: Option<u64>,
    /// Processes and threads at one time.
    pub processes: Option<u64>,
    /// Time from start to end.
    pub wall: Option<Duration>,
    /// Time without a byte of output; needs [`Stdio::Log`].
    pub idle_output: Option<Duration>,
    /// Bytes on disk that the run writes: `/out`, `/build`, `/tmp` and its root together.
    pub output_bytes: Option<u64>,
    /// Bytes of log; needs [`Stdio::Log`].
    pub log_bytes: Option<u64>,
}

/// Where the standard streams lead.
#[derive(Debug, Default)]
pub enum Stdio {
    /// Input is `/dev/null`; output and errors go to this file (open it for appending).
    Log(File),
    /// The caller's own, with its terminal.
    #[default]
    Inherit,
}

impl Spec {
    /// A spec for a step: no network, no privilege, a root that is thrown away, no limits.
    pub fn new(lowers: Vec<PathBuf>, scratch: PathBuf, argv: Vec<String>) -> Self {
        Self {
            lowers,
            root: RootMode::Overlay,
            mounts: Vec::new(),
            scratch,
            argv,
            env: default_env(),
            cwd: "/build".to_owned(),
            identity: Identity::default(),
            privilege: Privilege::None,
            hostname: "groundup".to_owned(),
            network: Network::None,
            address_space: AddressSpace::Fixed,
            look_ups: LookUps::Unnoted,
            limits: Limits::default(),
            ownership: Ownership::OneUser,
            stdio: Stdio::Inherit,
        }
    }

    /// Turns it into one for a person's tool: root of its own namespaces, randomised addresses.
    #[must_use]
    pub fn for_people(mut self) -> Self {
        self.identity = Identity { uid: 0, gid: 0 };
        self.privilege = Privilege::NamespaceRoot;
        self.address_space = AddressSpace::Randomised;
        self
    }

    /// What no run could succeed with.
    pub(crate) fn check(&self) -> Result<(), SandboxError> {
        let bad = |reason: &'static str, value: &str| {
            Err(SandboxError::Spec { reason, value: value.to_owned() })
        };
        let text = |path: &Path| path.to_string_lossy().into_owned();
        if let Ownership::Data(_) = self.ownership {
            if self.identity != (Identity { uid: 0, gid: 0 }) || self.privilege != Privilege::None {
                return bad("a step whose ownership is data is root without privileges", "");
            }
            if !self.lowers.is_empty() || self.root == RootMode::ReadOnly {
                return bad("a step whose ownership is data changes its own root", "");
            }
        } else if self.lowers.is_empty() {
            return bad("a run needs at least one lower directory", "");
        }
        if self.lowers.len() > MAX_LOWERS {
            return bad("more than 499 lower directories", &self.lowers.len().to_string());
        }
        let sources = self.mounts.iter().map(|mount| &mount.source);
        for path in self.lowers.iter().chain(sources).chain([&self.scratch]) {
            if !path.is_absolute() || path.to_str().is_none() {
                return bad("a host path must be absolute and UTF-8", &text(path));
            }
        }
        for target in self.mounts.iter().map(|mount| &mount.target).chain([&self.cwd]) {
            if !target.starts_with('/') || target.split('/').any(|part| part == "..") {
                return bad("a path inside must be absolute, without `..`", target);
            }
        }
        if self.argv.first().is_none_or(String::is_empty) {
            return bad("a run needs a command", "");
        }
        let pairs = self.env.iter().flat_map(|(name, value)| [name, value]);
        for word in self.argv.iter().chain(pairs) {
            if word.contains('\0') {
                return bad("a word of the command or environment holds a zero byte", word);
            }
        }
        if self.look_ups == LookUps::Noted && self.privilege != Privilege::None {
            return bad("look-ups are noted of steps only", &self.argv[0]);
        }
        if let Some(name) = self.env.keys().find(|name| name.is_empty() || name.contains('=')) {
            return bad("a variable's name is empty or holds `=`", name);
        }
        if self.hostname.is_empty() || self.hostname.len() > 64 {
            return bad("a host name has 1 to 64 bytes", &self.hostname);
        }
        Ok(())
    }
}

/// The kernel's own limit on overlay layers, less one of ours.
const MAX_LOWERS: usize = 499;

/// The environment that a step starts from; callers add `SOURCE_DATE_EPOCH` and their own.
pub fn default_env() -> BTreeMap<String, String> {
    [
        ("HOME", "/build"),
        ("LC_ALL", "C.UTF-8"),
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("SHELL", "/bin/sh"),
        ("TERM", "dumb"),
        ("TMPDIR", "/tmp"),
        ("TZ", "UTC"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Spec {
        Spec::new(vec!["/lower".into()], "/scratch".into(), vec!["true".into()])
    }

    fn reason(spec: &Spec) -> String {
        spec.check().unwrap_err().to_string()
    }

    #[test]
    fn accepts_the_smallest_spec() {
        spec().check().unwrap();
    }

    #[test]
    fn rejects_what_no_run_could_do() {
        let mut relative = spec();
        relative.scratch = "scratch".into();
        assert!(reason(&relative).contains("absolute"));

        let mut climbing = spec();
        climbing.cwd = "/a/../..".into();
        assert!(reason(&climbing).contains(".."));

        let mut silent = spec();
        silent.argv.clear();
        assert!(reason(&silent).contains("command"));

        let mut zero = spec();
        zero.env.insert("A".into(), "b\0c".into());
        assert!(reason(&zero).contains("zero byte"));

        let mut rootless = spec();
        rootless.lowers.clear();
        assert!(reason(&rootless).contains("lower"));
    }

    #[test]
    fn survives_the_pipe_to_the_launcher() {
        let mut spec = spec();
        spec.limits.wall = Some(Duration::from_millis(1500));
        let text = serde_json::to_string(&spec).unwrap();
        let back: Spec = serde_json::from_str(&text).unwrap();
        assert_eq!(format!("{spec:?}"), format!("{back:?}"));
    }
}
