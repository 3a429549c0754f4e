//! More steps that try to get out or to spoil what comes after them: through what they inherit, what
//! they leave running, what they leave in `/out`, and by using up the machine.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, reason = "a test")]
#![allow(unsafe_code, reason = "the probes call the kernel as hostile code would")]
mod support;

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::time::Duration;

use groundup_sandbox::{Ending, LimitKind, Limits, MountMode};
use support::Fixture;

#[test]
fn these_claims_hold_for_an_ordinary_user_too() {
    support::again_as_an_ordinary_user("these_claims_hold_for_an_ordinary_user_too", &[]);
}

#[test]
fn a_daemon_with_the_output_open_writes_no_more_when_the_run_is_over() {
    let mark = support::mark();
    // Two forks and a session of its own; it holds its file open and writes as fast as it can.
    let fixture = Fixture::shell(
        "(setsid sh -c 'exec 9>/out/held; while :; do echo more >&9; echo x > /out/again; done' \
          </dev/null >/dev/null 2>&1 &); while [ ! -s /out/held ]; do sleep 0.01; done",
    )
    .env("MARK", &mark);
    fixture.succeed();
    assert_eq!(support::marked(&mark), 0);
    let look = || {
        let found = fs::metadata(fixture.out("held")).unwrap();
        (found.len(), found.mtime_nsec(), fs::read(fixture.out("again")).ok())
    };
    let before = look();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(look(), before);
}

#[test]
fn the_places_of_a_step_cannot_be_replaced() {
    let fixture = Fixture::shell(
        "for place in out build tmp proc dev sys; do
             rmdir /$place 2>/dev/null && echo removed $place
             mv /$place /else 2>/dev/null && echo moved $place
             rm -rf /$place 2>/dev/null && echo gone $place
         done; ln -s /etc /out/link; ln -sfn /etc /out; ls -ld /out; true",
    );
    let log = fixture.succeed();
    for word in ["removed", "moved", "gone"] {
        assert!(!log.contains(word), "{log}");
    }
    for place in ["out", "build", "tmp"] {
        let found = fs::symlink_metadata(fixture.spec.scratch.join(place)).unwrap();
        assert!(found.is_dir(), "{place}");
    }
}

#[test]
fn no_hard_link_leads_from_the_output_to_a_tree_or_a_mount() {
    let host = tempfile::tempdir().unwrap();
    fs::write(host.path().join("source"), "source").unwrap();
    let fixture = Fixture::shell(
        "for file in /etc/passwd /src/source /dev/null /proc/version; do
             ln $file /out/linked && echo linked $file
             ln -L /proc/self/fd/0 /out/linked && echo linked input
         done 2>/dev/null; cp /etc/passwd /tmp/own; ln /etc/passwd /etc/other && echo within",
    )
    .bind(host.path(), "/src", MountMode::ReadOnly);
    // Within the root a link is a copy of the step's own.
    assert_eq!(fixture.succeed(), "within\n");
    let passwd = fixture.top.path().join("lower/etc/passwd");
    assert_eq!(fs::metadata(passwd).unwrap().nlink(), 1);
    assert_eq!(fs::metadata(host.path().join("source")).unwrap().nlink(), 1);
}

#[test]
fn what_is_mounted_read_only_stays_as_it_is_by_any_call() {
    let host = tempfile::tempdir().unwrap();
    let file = host.path().join("file");
    fs::write(&file, "source").unwrap();
    // The modes would let everybody write: only the mount does not.
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    fs::set_permissions(host.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let before = fs::metadata(&file).unwrap();
    let fixture = Fixture::probe("change").bind(host.path(), "/src", MountMode::ReadOnly);
    let log = fixture.succeed();
    assert!(log.contains("all refused"), "{log}");
    let after = fs::metadata(&file).unwrap();
    assert_eq!((before.ctime(), before.ctime_nsec()), (after.ctime(), after.ctime_nsec()));
    assert_eq!(fs::read_to_string(&file).unwrap(), "source");
    assert_eq!(fs::read_dir(host.path()).unwrap().count(), 1);
}

#[test]
fn the_lower_trees_stay_as_they_are_by_any_call() {
    let fixture = Fixture::probe("change own");
    let lower = fixture.top.path().join("lower/src");
    fs::create_dir(&lower).unwrap();
    fs::write(lower.join("file"), "source").unwrap();
    fs::set_permissions(lower.join("file"), fs::Permissions::from_mode(0o666)).unwrap();
    let before = fs::metadata(lower.join("file")).unwrap();
    fixture.succeed();
    let after = fs::metadata(lower.join("file")).unwrap();
    assert_eq!((before.ctime(), before.ctime_nsec()), (after.ctime(), after.ctime_nsec()));
    assert_eq!(fs::read_to_string(lower.join("file")).unwrap(), "source");
}

#[test]
fn nothing_is_inherited_from_the_builder() {
    // Open without close-on-exec, as a careless library leaves it.
    let secret = tempfile::tempfile().unwrap();
    // SAFETY: plain numbers; the copy is nobody's, and stays open to the end of the program.
    let secret = unsafe { libc::fcntl(secret.as_raw_fd(), libc::F_DUPFD, 700) };
    assert!(secret >= 700);
    let open = Fixture::shell("ls /proc/self/fd; ls /proc/$$/fd; ulimit -c").succeed();
    assert!(
        open.lines().all(|line| line != secret.to_string()) && open.ends_with("\n0\n"),
        "{open}"
    );
    let report = Fixture::shell("cat /proc/self/status; cat /proc/self/environ | tr '\\0' '\\n'");
    let report = report.succeed();
    // Signals blocked or ignored outside are neither inside; nobody traces.
    for line in ["SigBlk:\t0000000000000000", "SigIgn:\t0000000000000000", "TracerPid:\t0"] {
        assert!(report.contains(line), "{line} in {report}");
    }
    assert!(!report.contains("CARGO") && !report.contains(support::PROBE), "{report}");
}

#[test]
fn nothing_is_typed_into_a_terminal_and_no_terminal_is_there() {
    let log = Fixture::probe("type").succeed();
    assert!(log.contains("typing refused, no terminal"), "{log}");
}

#[test]
fn signals_reach_nobody_outside() {
    // To everybody that may be signalled, and to the process group of whoever started it.
    let fixture =
        Fixture::shell("trap '' USR1; kill -USR1 -1; kill -USR1 0; kill -USR1 -- -1; true");
    fixture.succeed();
    // The whole process group may be killed: it is the step's own.
    let killed = Fixture::shell("kill -KILL 0; sleep 31536").run().ending;
    assert_eq!(killed, Ending::Signalled(9));
    let log = Fixture::shell("cut -d' ' -f5,6 /proc/self/stat").succeed();
    assert_eq!(log, "2 2\n");
}

#[test]
fn runs_side_by_side_do_not_see_each_other() {
    let victim = Fixture::shell(
        "exec 8>/dev/shm/secret; echo $$ > /tmp/secret; echo > /out/up; sleep 31536",
    )
    .env("MARK", support::mark());
    let control = groundup_sandbox::Control::new().unwrap();
    std::thread::scope(|scope| {
        let running = scope.spawn(|| groundup_sandbox::run(&victim.spec, &control));
        support::until(|| victim.out("up").exists());
        let spy = Fixture::shell(
            "ls /dev/shm /tmp /dev/pts; ls -d /proc/[0-9]* | wc -l; cat /proc/[0-9]*/environ
             | tr '\\0' '\\n' | grep MARK; ipcs -m 2>/dev/null | grep -c 0x; kill -9 -1; true",
        );
        let log = { spy }.run_and_log();
        assert!(!log.contains("secret") && !log.contains("MARK"), "{log}");
        assert!(!running.is_finished());
        control.cancel();
        assert_eq!(running.join().unwrap().unwrap().ending, Ending::Cancelled);
    });
}

#[test]
fn a_flood_of_empty_files_is_ended_by_the_limit_of_bytes() {
    let mut fixture =
        Fixture::shell("cd /out; i=0; while :; do i=$((i+1)); : > a-long-name-for-a-file-$i; done");
    fixture.spec.limits = Limits {
        output_bytes: Some(500_000),
        wall: Some(Duration::from_secs(120)),
        ..Limits::default()
    };
    assert_eq!(fixture.run().ending, Ending::Limit(LimitKind::OutputBytes));
}

#[test]
fn a_sparse_file_beyond_the_limit_of_bytes_is_not_made() {
    let mut fixture = Fixture::shell("exec truncate -s 10T /out/big");
    fixture.spec.limits.output_bytes = Some(1 << 20);
    let ending = fixture.run().ending;
    assert_eq!(ending, Ending::Limit(LimitKind::OutputBytes), "{}", fixture.log());
    assert!(fixture.out("big").metadata().map_or(0, |found| found.len()) <= 2 << 20);
}

#[test]
fn ten_thousand_directories_deep_is_ended_by_the_limit_and_removed() {
    let mut fixture = Fixture::probe("nest");
    fixture.spec.limits.output_bytes = Some(1 << 30);
    fixture.spec.limits.wall = Some(Duration::from_secs(120));
    // Deeper than is counted counts as too much.
    assert_eq!(fixture.run().ending, Ending::Limit(LimitKind::OutputBytes), "{}", fixture.log());
    groundup_sandbox::discard(&fixture.spec.scratch).unwrap();
    assert!(!fixture.spec.scratch.exists());
}

#[test]
fn shared_memory_ends_with_the_run() {
    let mark = support::mark();
    let fixture = Fixture::shell(
        "head -c 70000000 /dev/zero > /dev/shm/much; ls -s --block-size=1 /dev/shm/much | cut -d' ' -f1",
    )
    .env("MARK", &mark);
    let log = { fixture }.run_and_log();
    let bytes: u64 = log.lines().last().unwrap().trim().parse().unwrap();
    assert!(bytes <= 64 << 20, "{log}");
}

impl Fixture {
    /// Runs, however it ends.
    fn run_and_log(&self) -> String {
        self.run();
        self.log()
    }
}

/// Not a claim: the probe that this program is when run again, inside.
#[test]
fn probe() {
    match std::env::var(support::PROBE).as_deref() {
        Ok("change") => {
            let (done, tried) = change("/src");
            assert!(done.is_empty(), "done: {done:?}");
            assert!(tried > 12);
            println!("all refused");
        }
        Ok("change own") => {
            // Here all may succeed: it is the step's own copy.
            let (done, _) = change("/src");
            assert!(!done.is_empty());
        }
        Ok("type") => type_something(),
        Ok("nest") => nest(),
        _ => {}
    }
}

/// Tries every call that changes a file or its directory; the names of those that succeeded.
fn change(dir: &str) -> (Vec<&'static str>, usize) {
    let c = |name: &str| std::ffi::CString::new(format!("{dir}/{name}")).unwrap();
    let (file, other) = (c("file"), c("other"));
    let file = file.as_ptr();
    let other = other.as_ptr();
    let now = [libc::timespec { tv_sec: 1, tv_nsec: 0 }; 2];
    // SAFETY: every path is a zero-terminated string that lives through the calls, every other
    // pointer is to a value that does.
    let results: [(&'static str, libc::c_long); 16] = unsafe {
        let at = libc::AT_FDCWD;
        let opened = |flags| libc::open(file, flags, 0o666).into();
        [
            ("open to write", opened(libc::O_WRONLY)),
            ("open to append", opened(libc::O_WRONLY | libc::O_APPEND)),
            ("open to truncate", opened(libc::O_RDONLY | libc::O_TRUNC)),
            ("truncate", libc::truncate(file, 0).into()),
            ("chmod", libc::chmod(file, 0o777).into()),
            ("chown", libc::chown(file, 1000, 1000).into()),
            ("set times", libc::utimensat(at, file, now.as_ptr(), 0).into()),
            (
                "set an attribute",
                libc::setxattr(file, c"user.a".as_ptr(), file.cast(), 1, 0).into(),
            ),
            ("link", libc::link(file, other).into()),
            ("rename", libc::rename(file, other).into()),
            ("exchange", libc::syscall(libc::SYS_renameat2, at, file, at, other, 2)),
            ("unlink", libc::unlink(file).into()),
            ("make a directory", libc::mkdir(other, 0o777).into()),
            ("make a link", libc::symlink(file, other).into()),
            ("make a pipe", libc::mkfifo(other, 0o666).into()),
            ("make a file", libc::open(other, libc::O_CREAT | libc::O_WRONLY, 0o666).into()),
        ]
    };
    let done = results.iter().filter(|(_, result)| *result >= 0).map(|(name, _)| *name);
    (done.collect(), results.len())
}

fn type_something() {
    let refused = |request: libc::c_ulong| {
        // SAFETY: the byte lives through the call.
        let result = unsafe { libc::ioctl(0, request, b"x".as_ptr()) };
        result == -1 && io::Error::last_os_error().raw_os_error() == Some(libc::EPERM)
    };
    // TIOCSTI and TIOCLINUX, also with something in the upper half, which the kernel ignores.
    for request in [0x5412, 0x541c, 0x1_0000_5412, 0xffff_ffff_0000_5412] {
        assert!(refused(request), "{request:x}");
    }
    let terminal = fs::OpenOptions::new().read(true).write(true).open("/dev/tty").map(drop);
    assert_eq!(terminal.unwrap_err().raw_os_error(), Some(libc::ENXIO));
    println!("typing refused, no terminal");
}

fn nest() {
    std::env::set_current_dir("/out").unwrap();
    for _ in 0..10_000 {
        fs::create_dir("d").unwrap();
        std::env::set_current_dir("d").unwrap();
    }
    // Until somebody looks.
    std::thread::sleep(Duration::from_secs(60));
}
