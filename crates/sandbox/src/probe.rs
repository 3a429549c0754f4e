//! What this host offers to a sandbox, and what to change where it does not: for `groundup doctor`.

use std::fs;

use crate::wire::{Feature, Tried};
use crate::{Enforcement, SandboxError, cgroup, run, sys};

/// What was found, in the order in which a reader wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// One line each.
    pub checks: Vec<Check>,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What: `user namespaces`.
    pub name: &'static str,
    /// What was found.
    pub status: Status,
    /// More, for a reader: a version, a controller.
    pub detail: String,
}

/// What was found of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// It works.
    Works,
    /// Sandboxes run without it, with less.
    Less {
        /// What to change.
        remedy: String,
    },
    /// No sandbox runs without it.
    Missing {
        /// What to change.
        remedy: String,
    },
}

impl Host {
    /// Whether sandboxes run here.
    pub fn can_run(&self) -> bool {
        !self.checks.iter().any(|check| matches!(check.status, Status::Missing { .. }))
    }
}

/// Looks at this host as this user. Changes nothing and leaves nothing behind.
pub fn probe() -> Result<Host, SandboxError> {
    let tried = run::try_features()?;
    let mut checks: Vec<Check> = FEATURES
        .iter()
        .map(|(feature, name, remedy)| feature_check(&tried, *feature, name, remedy))
        .collect();
    checks.push(seccomp());
    checks.push(landlock());
    checks.extend(limits());
    checks.push(ptrace_scope());
    Ok(Host { checks })
}

/// The remedy for a kind of namespace of which this user may make no more.
macro_rules! too_few {
    ($kind:literal) => {
        concat!(
            "`user.max_",
            $kind,
            "_namespaces` is too low; as root: `sysctl -w user.max_",
            $kind,
            "_namespaces=28633`"
        )
    };
}

const FEATURES: [(Feature, &str, &str); 10] = [
    (Feature::UserNamespace, "user namespaces", ""),
    (Feature::MountNamespace, "mount namespaces", too_few!("mnt")),
    (Feature::PidNamespace, "pid namespaces", too_few!("pid")),
    (Feature::NetNamespace, "net namespaces", too_few!("net")),
    (Feature::IpcNamespace, "ipc namespaces", too_few!("ipc")),
    (Feature::UtsNamespace, "uts namespaces", too_few!("uts")),
    (Feature::CgroupNamespace, "cgroup namespaces", too_few!("cgroup")),
    (
        Feature::Overlay,
        "overlayfs in a user namespace",
        "use Linux 5.11 or later with the module `overlay` loaded (`modprobe overlay`)",
    ),
    (
        Feature::Proc,
        "a /proc of its own",
        "parts of this /proc are covered; in a container start it with `--security-opt systempaths=unconfined`",
    ),
    (Feature::Devpts, "terminals of its own", "use a kernel with CONFIG_UNIX98_PTYS"),
];

fn feature_check(tried: &[Tried], feature: Feature, name: &'static str, remedy: &str) -> Check {
    let errno = tried.iter().find(|tried| tried.what == feature).map(|tried| tried.errno);
    let (status, detail) = match errno {
        Some(0) => (Status::Works, String::new()),
        Some(errno) => {
            let remedy = remedy_of(feature, remedy, errno);
            let detail = std::io::Error::from_raw_os_error(errno).to_string();
            (Status::Missing { remedy }, detail)
        }
        None => {
            let remedy = "first make what is missing above work".to_owned();
            (Status::Missing { remedy }, "not tried".to_owned())
        }
    };
    Check { name, status, detail }
}

/// What a feature is called, and what to change where it is missing.
pub(crate) fn name_and_remedy(feature: Feature, errno: i32) -> (&'static str, String) {
    let found = FEATURES.iter().find(|(known, ..)| *known == feature);
    let (name, remedy) = found.map_or(("a sandbox", ""), |(_, name, remedy)| (*name, *remedy));
    (name, remedy_of(feature, remedy, errno))
}

fn remedy_of(feature: Feature, remedy: &str, errno: i32) -> String {
    match (feature, errno) {
        (Feature::UserNamespace, _) => user_namespace_remedy(errno),
        // AppArmor lets an unprivileged user make the namespace, and no mount in it.
        (Feature::MountNamespace, libc::EPERM | libc::EACCES) => user_namespace_remedy(errno),
        // A limit on the number of namespaces says so by this error; anything else is a kernel
        // without them, or a filter around this process.
        (Feature::Overlay | Feature::Proc | Feature::Devpts, _) | (_, libc::ENOSPC) => {
            remedy.to_owned()
        }
        _ => "the kernel is built without them, or something around this process forbids them; in \
              a container start it with `--security-opt seccomp=unconfined`"
            .into(),
    }
}

/// Names the setting that forbids user namespaces, and how to change it.
pub(crate) fn user_namespace_remedy(errno: i32) -> String {
    let number = |name: &str| {
        fs::read_to_string(format!("/proc/sys/{name}")).ok()?.trim().parse::<u64>().ok()
    };
    remedy_for(
        errno,
        number("kernel/unprivileged_userns_clone"),
        number("user/max_user_namespaces"),
        number("kernel/apparmor_restrict_unprivileged_userns"),
    )
}

fn remedy_for(errno: i32, clone: Option<u64>, most: Option<u64>, apparmor: Option<u64>) -> String {
    if clone == Some(0) {
        return "`kernel.unprivileged_userns_clone` is 0; as root: \
                `sysctl -w kernel.unprivileged_userns_clone=1`"
            .into();
    }
    if most == Some(0) || errno == libc::ENOSPC {
        let most = most.map_or("too low".to_owned(), |most| most.to_string());
        return format!(
            "`user.max_user_namespaces` is {most}; as root: \
             `sysctl -w user.max_user_namespaces=28633`"
        );
    }
    if apparmor == Some(1) {
        return "`kernel.apparmor_restrict_unprivileged_userns` is 1; as root: `sysctl -w \
                kernel.apparmor_restrict_unprivileged_userns=0`, or an AppArmor profile for \
                groundup with the rule `userns,`"
            .into();
    }
    match errno {
        libc::EINVAL | libc::ENOSYS => {
            "the kernel is built without user namespaces (CONFIG_USER_NS)".into()
        }
        _ => "something around this process forbids it; in a container start it with \
              `--security-opt seccomp=unconfined` (and `apparmor=unconfined`), or `--privileged`"
            .into(),
    }
}

fn seccomp() -> Check {
    let found = sys::seccomp_action_available(libc::SECCOMP_RET_USER_NOTIF);
    let status = match &found {
        Ok(()) => Status::Works,
        Err(_) => {
            Status::Missing { remedy: "use Linux 5.0 or later with CONFIG_SECCOMP_FILTER".into() }
        }
    };
    Check { name: "seccomp with notification", status, detail: detail(found.err()) }
}

fn landlock() -> Check {
    let (status, detail) = match sys::landlock_version() {
        Ok(version) => (Status::Works, format!("ABI {version}")),
        Err(error) => (
            Status::Less {
                remedy: "nothing rests on it; to have it, boot with `lsm=landlock,...`".into(),
            },
            error.to_string(),
        ),
    };
    Check { name: "landlock", status, detail }
}

fn detail(error: Option<std::io::Error>) -> String {
    error.map(|error| error.to_string()).unwrap_or_default()
}

/// How memory and process limits are held for this user here.
fn limits() -> [Check; 3] {
    let (memory, processes) = cgroup::expected();
    let versions: Vec<_> = cgroup::hierarchies()
        .iter()
        .map(|found| if found.controllers.is_empty() { "v2" } else { "v1" })
        .collect();
    let detail = match (versions.contains(&"v1"), versions.contains(&"v2")) {
        (true, true) => "version 1 and 2 (hybrid)",
        (true, false) => "version 1",
        (false, true) => "version 2",
        (false, false) => "none",
    };
    let remedy = "delegate the controllers to this user (`systemctl edit user@.service`: \
                  `[Service]`, `Delegate=memory pids`) or run in a cgroup that this user owns";
    let held = |name, how, otherwise: &str| {
        let (status, detail) = match how {
            Enforcement::CgroupV2 => (Status::Works, "by cgroup version 2".to_owned()),
            Enforcement::CgroupV1 => (Status::Works, "by cgroup version 1".to_owned()),
            _ => (Status::Less { remedy: remedy.into() }, otherwise.to_owned()),
        };
        Check { name, status, detail }
    };
    let by_rlimit = if rustix::process::geteuid().is_root() {
        "polled"
    } else {
        "polled, with a resource limit behind"
    };
    [
        Check { name: "cgroups", status: Status::Works, detail: detail.to_owned() },
        held("memory limit", memory, "polled"),
        held("process limit", processes, by_rlimit),
    ]
}

fn ptrace_scope() -> Check {
    let value = fs::read_to_string("/proc/sys/kernel/yama/ptrace_scope").unwrap_or_default();
    let status = match value.trim() {
        "2" | "3" => Status::Less {
            remedy: "debuggers and strace do not work in steps; as root: \
                     `sysctl -w kernel.yama.ptrace_scope=1`"
                .into(),
        },
        _ => Status::Works,
    };
    let detail = if value.is_empty() { "no Yama".to_owned() } else { value.trim().to_owned() };
    Check { name: "ptrace inside", status, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_of_older_kernels_mounts_an_overlay_too() {
        let tried = run::try_features().unwrap();
        let at_once = tried.iter().find(|tried| tried.what == Feature::OverlayAtOnce);
        assert_eq!(at_once.map(|tried| tried.errno), Some(0));
    }

    #[test]
    fn each_remedy_names_its_setting() {
        let named = |errno, clone, most, apparmor| remedy_for(errno, clone, most, apparmor);
        assert!(named(libc::EPERM, Some(0), Some(9), None).contains("unprivileged_userns_clone=1"));
        assert!(
            named(libc::ENOSPC, None, Some(0), None).contains("user.max_user_namespaces=28633")
        );
        assert!(named(libc::EACCES, Some(1), Some(9), Some(1)).contains("apparmor_restrict"));
        assert!(named(libc::EPERM, None, None, None).contains("seccomp=unconfined"));
        assert!(named(libc::EINVAL, None, None, None).contains("CONFIG_USER_NS"));
    }
}
