//! Hosts that forbid what a sandbox needs: nothing runs, and the error says which setting and how to
//! change it, as the look at the host does. Each host is emulated around this program, run again.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, reason = "a test")]
#![allow(unsafe_code, reason = "a filter as container engines set it, between fork and exec")]
mod support;

use std::os::unix::process::CommandExt;
use std::process::{Command, Output};

use groundup_sandbox::{Host, Status, probe as probe_host};
use support::Fixture;

#[test]
fn these_claims_hold_for_an_ordinary_user_too() {
    support::again_as_an_ordinary_user("these_claims_hold_for_an_ordinary_user_too", &[]);
}

#[test]
fn a_limit_of_no_user_namespaces() {
    let said = in_namespace("echo 0 > /proc/sys/user/max_user_namespaces");
    assert!(said.contains("error: this machine does not let groundup make a user namespace"));
    assert!(
        said.contains("`user.max_user_namespaces` is 0; as root: `sysctl -w user.max_"),
        "{said}"
    );
    assert!(said.contains("missing: user namespaces: `user.max_user_namespaces` is 0"), "{said}");
    // What could not be tried for that reason says so.
    for name in ["net namespaces", "a /proc of its own"] {
        let row = format!("missing: {name}: first make what is missing above work");
        assert!(said.contains(&row), "{said}");
    }
}

#[test]
fn a_limit_of_no_namespaces_of_another_kind() {
    for kind in ["net", "pid", "ipc", "uts", "mnt", "cgroup"] {
        let said = in_namespace(&format!("echo 0 > /proc/sys/user/max_{kind}_namespaces"));
        let setting = format!("user.max_{kind}_namespaces=28633");
        let name = if kind == "mnt" { "mount" } else { kind };
        let error = format!("error: this machine does not give groundup {name} namespaces: ");
        assert!(said.contains(&error) && said.matches(&setting).count() == 2, "{said}");
        assert!(said.contains(&format!("missing: {name} namespaces: ")), "{said}");
    }
}

#[test]
fn a_container_whose_filter_forbids_new_namespaces() {
    let mut command = again();
    // SAFETY: only system calls are made between fork and exec.
    unsafe { command.pre_exec(forbid_namespaces) };
    let said = told(&command.output().unwrap());
    assert!(said.contains("error: this machine does not let groundup make a user namespace"));
    assert_eq!(said.matches("--security-opt seccomp=unconfined").count(), 2, "{said}");
    assert!(said.contains("missing: user namespaces: "), "{said}");
}

#[test]
fn a_container_with_a_covered_proc() {
    let said = in_namespace("mount --bind /dev/null /proc/version");
    let error = "error: this machine does not give groundup a /proc of its own: ";
    assert!(said.contains(error), "{said}");
    assert_eq!(said.matches("--security-opt systempaths=unconfined").count(), 2, "{said}");
    assert!(said.contains("missing: a /proc of its own: "), "{said}");
}

#[test]
fn an_ordinary_host_is_told_apart() {
    let said = in_namespace("true");
    assert!(said.contains("ran\n") && !said.contains("missing: "), "{said}");
}

/// This program as the probe, in namespaces of its own that were changed by a shell command.
fn in_namespace(change: &str) -> String {
    let script = format!("{change} || exit 9; exec \"$@\"");
    let mut command = Command::new("unshare");
    command.args(["-U", "-r", "-m", "sh", "-c", &script, "sh"]);
    command.arg(std::env::current_exe().unwrap());
    command.args(["probe", "--exact", "--nocapture"]).env(support::PROBE, "try");
    told(&command.output().unwrap())
}

fn again() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["probe", "--exact", "--nocapture"]).env(support::PROBE, "try");
    command
}

fn told(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// What the engines' default filters do for a process without `CAP_SYS_ADMIN`: no `unshare`, no
/// `clone` with a flag of a namespace, no `clone3`.
fn forbid_namespaces() -> std::io::Result<()> {
    const NAMESPACES: u32 = 0x7e02_0000;
    let load = |k| libc::sock_filter { code: 0x20, jt: 0, jf: 0, k };
    let equal =
        |call: libc::c_long, jt, jf| libc::sock_filter { code: 0x15, jt, jf, k: call as u32 };
    let any_bit = |k, jt, jf| libc::sock_filter { code: 0x45, jt, jf, k };
    let give = |k| libc::sock_filter { code: 0x06, jt: 0, jf: 0, k };
    let errno = |errno: i32| give(libc::SECCOMP_RET_ERRNO | errno as u32);
    let program = [
        load(0),
        equal(libc::SYS_unshare, 4, 0),
        equal(libc::SYS_clone3, 4, 0),
        equal(libc::SYS_clone, 0, 4),
        load(16),
        any_bit(NAMESPACES, 0, 2),
        errno(libc::EPERM),
        errno(libc::ENOSYS),
        give(libc::SECCOMP_RET_ALLOW),
    ];
    let program =
        libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    // SAFETY: plain numbers, and a program that lives through the call, which copies it.
    let result = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &raw const program)
    };
    if result == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) }
}

/// Not a claim: tries a run, and looks at the host.
#[test]
fn probe() {
    if std::env::var(support::PROBE).is_err() {
        return;
    }
    let fixture = Fixture::shell("touch /out/ran");
    match fixture.try_run() {
        Ok(outcome) => println!("{:?}", outcome.ending),
        Err(error) => println!("error: {error}"),
    }
    if fixture.out("ran").exists() {
        println!("ran");
    }
    let host: Host = probe_host().unwrap();
    let mut missing = false;
    for check in &host.checks {
        if let Status::Missing { remedy } = &check.status {
            println!("missing: {}: {remedy}", check.name);
            missing = true;
        }
    }
    // There is no other way to run: either all works, or nothing was run.
    assert_eq!(host.can_run(), !missing);
    assert_eq!(fixture.out("ran").exists(), !missing);
}
