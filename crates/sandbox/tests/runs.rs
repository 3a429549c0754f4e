//! What a step sees and how runs end, for root and an ordinary user.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]
mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use groundup_sandbox::{
    Control, Ending, MountMode, Network, RootMode, SandboxError, Spec, Stdio, probe as probe_host,
    run,
};
use support::{Fixture, write_script};

#[test]
fn these_claims_hold_for_an_ordinary_user_too() {
    let env = [("REPORT_OF_ROOT", report())];
    support::again_as_an_ordinary_user("these_claims_hold_for_an_ordinary_user_too", &env);
}

/// All that a step can easily see of itself.
fn report() -> String {
    Fixture::shell(
        "id; id -G; umask; pwd; env | sort; uname -a; hostname; ulimit -a; ulimit -aH | grep -v nofile
         grep -v -e ctxt -e Groups -e Vm -e Rss -e Mem -e Cpu -e Hugetlb /proc/self/status
         cat /proc/cpuinfo /proc/meminfo /proc/version /proc/stat /proc/uptime /proc/loadavg
         ls -A / /dev /dev/shm /tmp /build /out /sys; stat -c '%n %a' /dev/*
         cat /sys/devices/system/cpu/online; ls /proc/self/fd; readlink /proc/self/fd/0
         cat /proc/1/status | grep -e Cap -e Name; stat -c '%a %u %g' / /tmp /build /out /dev",
    )
    .env("PS1", "")
    .succeed()
}

#[test]
fn root_and_an_ordinary_user_see_the_same() {
    let here = report();
    assert!(here.contains("uid=1000(step) gid=1000 groups=1000\n"), "{here}");
    if let Ok(there) = std::env::var("REPORT_OF_ROOT") {
        let lines = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(lines(&here), lines(&there));
    }
}

#[test]
fn the_environment_is_the_specs_and_nothing_else() {
    let mut fixture = Fixture::new(vec!["/usr/bin/env".into()]);
    fixture.spec.env = [("A".to_owned(), "b c".to_owned())].into();
    assert_eq!(fixture.succeed(), "A=b c\n");
}

#[test]
fn the_machine_is_a_fixed_one() {
    let log = Fixture::shell("uname -snrvo; hostname; cat /proc/sys/kernel/osrelease").succeed();
    assert_eq!(
        log,
        "Linux groundup 6.1.0-groundup #1 SMP groundup GNU/Linux\ngroundup\n6.1.0-groundup\n"
    );
    let log = Fixture::shell("grep -c ^processor /proc/cpuinfo; head -1 /proc/meminfo").succeed();
    assert_eq!(log, "2\nMemTotal:        8388608 kB\n");
    let log = Fixture::shell("cat /proc/cmdline /proc/interrupts | wc -c").succeed();
    assert_eq!(log, "0\n");
}

#[test]
fn addresses_are_the_same_each_time() {
    let maps = || Fixture::new(vec!["cat".into(), "/proc/self/maps".into()]).succeed();
    let places = |maps: String| {
        let words = maps.lines().map(|line| line.split(' ').next().unwrap().to_owned());
        words.collect::<Vec<_>>()
    };
    assert_eq!(places(maps()), places(maps()));
}

#[test]
fn only_standard_streams_are_open() {
    let log = Fixture::shell("ls /proc/self/fd | tr '\\n' ' '; readlink /proc/self/fd/0; cat");
    assert_eq!(log.succeed(), "0 1 2 3 /dev/null\n");
}

#[test]
fn devices_work_and_are_few() {
    let fixture = Fixture::shell(
        "set -e; ls -A /dev | tr '\\n' ' '; echo x > /dev/null; head -c 4 /dev/zero | wc -c
         head -c 4 /dev/urandom | wc -c; ! echo y > /dev/full; echo z > /dev/shm/z
         ! touch /dev/new; ! chmod 600 /dev/null; ! chmod 600 /proc/mounts /proc/swaps
         echo err > /dev/stderr",
    );
    let log = fixture.succeed();
    let names = "fd full null ptmx pts random shm stderr stdin stdout tty urandom zero ";
    assert!(log.starts_with(&format!("{names}4\n4\n")), "{log}");
    assert!(log.ends_with("err\n"), "{log}");
}

#[test]
fn output_is_found_in_the_scratch() {
    let fixture = Fixture::shell("echo made > /out/file; chmod 600 /out/file");
    fixture.succeed();
    assert_eq!(fs::read_to_string(fixture.out("file")).unwrap(), "made\n");
}

#[test]
fn codes_and_signals_come_through() {
    assert_eq!(Fixture::shell("exit 7").run().ending, Ending::Exited(7));
    assert_eq!(Fixture::shell("kill -SEGV $$").run().ending, Ending::Signalled(11));
    assert_eq!(Fixture::shell("kill -9 $$").run().ending, Ending::Signalled(9));
}

#[test]
fn changes_of_the_root_stay_out_of_the_lowers() {
    let fixture = Fixture::shell("echo new > /etc/new; rm /etc/passwd; mkdir /a; ls / /etc");
    let log = fixture.succeed();
    assert!(log.contains("\nnew\n") && log.contains("\na\n"), "{log}");
    let lower = fixture.top.path().join("lower");
    assert!(lower.join("etc/passwd").exists());
    assert!(!lower.join("etc/new").exists() && !lower.join("a").exists());
}

#[test]
fn a_second_run_continues_the_first() {
    let mut fixture = Fixture::shell("echo 1 >> /build/count; touch /etc/mark");
    fixture.succeed();
    fixture.spec.argv[2] = "cat /build/count; ls /etc/mark".into();
    assert_eq!(fixture.succeed(), "1\n/etc/mark\n");
}

#[test]
fn a_read_only_root_stays_as_it_is() {
    let mut fixture = Fixture::shell("touch /etc/new; touch /out/ok && ls /deps/none");
    fixture = fixture.bind("/usr/share", "/deps/none", MountMode::ReadOnly);
    fixture.spec.root = RootMode::ReadOnly;
    let log = fixture.succeed();
    assert!(log.contains("Read-only file system"), "{log}");
}

#[test]
fn mounts_are_as_writable_as_they_say() {
    let host = tempfile::tempdir().unwrap();
    fs::write(host.path().join("file"), "host").unwrap();
    let fixture = Fixture::shell("cat /src/ro/file; echo x > /src/rw/x; echo x > /src/ro/y")
        .bind(host.path(), "/src/ro", MountMode::ReadOnly)
        .bind(host.path(), "/src/rw", MountMode::ReadWrite)
        .bind(host.path().join("file"), "/src/a/single", MountMode::ReadOnly);
    let outcome = fixture.run();
    assert_eq!(outcome.ending, Ending::Exited(2), "{}", fixture.log());
    assert!(fixture.log().contains("Read-only file system"));
    assert!(host.path().join("x").exists() && !host.path().join("y").exists());
    let changes = fixture.spec.scratch.join("upper");
    fs::remove_dir(changes).expect("places to mount on are no change of the root: it is empty");
}

#[test]
fn the_first_of_many_lowers_is_on_top() {
    let mut fixture = Fixture::shell("cat /name; ls /many | wc -l");
    let many = fixture.top.path().join("many");
    let long = "long/".repeat(60);
    let mut lowers = Vec::new();
    for index in 0..300 {
        // Also paths that overlayfs reads in its own way, and one that is too long for it.
        let odd = ["a:b,c", "back\\slash", long.as_str()][index % 3];
        let lower = many.join(format!("{index}-{odd}"));
        fs::create_dir_all(lower.join("many")).unwrap();
        fs::write(lower.join("many").join(index.to_string()), "").unwrap();
        fs::write(lower.join("name"), format!("{index}\n")).unwrap();
        lowers.push(lower);
    }
    lowers.append(&mut fixture.spec.lowers);
    fixture.spec.lowers = lowers;
    assert_eq!(fixture.succeed(), "0\n300\n");
}

#[test]
fn two_hundred_mounts_appear() {
    let host = tempfile::tempdir().unwrap();
    let mut fixture = Fixture::shell("cat /m/*/name | wc -l");
    for index in 0..200 {
        let source = host.path().join(index.to_string());
        fs::create_dir(&source).unwrap();
        fs::write(source.join("name"), "x\n").unwrap();
        fixture = fixture.bind(source, &format!("/m/{index}"), MountMode::ReadOnly);
    }
    assert_eq!(fixture.succeed(), "200\n");
}

#[test]
fn links_in_a_lower_lead_no_mount_to_the_host() {
    let host = tempfile::tempdir().unwrap();
    let victim = host.path().join("victim");
    fs::create_dir(&victim).unwrap();
    let fixture = Fixture::shell(&format!("ls {}/made", victim.display())).bind(
        "/usr/share",
        "/evil/made",
        MountMode::ReadOnly,
    );
    let lower = fixture.top.path().join("lower");
    symlink(&victim, lower.join("evil")).unwrap();
    // Inside, the link leads to nothing; outside, it would lead to the victim.
    let error = fixture.try_run().unwrap_err();
    assert!(error.to_string().contains("/evil"), "{error}");
    assert_eq!(fs::read_dir(&victim).unwrap().count(), 0);
}

#[test]
fn a_missing_command_is_its_own_error() {
    let missing = Fixture::new(vec!["no-such-command".into()]).try_run();
    assert!(
        matches!(&missing, Err(SandboxError::CommandNotFound { command }) if command == "no-such-command"),
        "{missing:?}"
    );
    let text = |fixture: &Fixture| fixture.try_run().unwrap_err().to_string();
    assert!(text(&Fixture::new(vec!["/etc/passwd".into()])).contains("not an executable"));
    let script = Fixture::new(vec!["/script".into()]);
    write_script(&script.top.path().join("lower/script"), "#!/no/such/interpreter\n");
    assert!(text(&script).contains("interpreter"));
}

#[test]
fn errors_name_the_step_and_the_path() {
    let fixture = Fixture::shell("true").bind("/no/such/source", "/src/x", MountMode::ReadOnly);
    let error = fixture.try_run().unwrap_err();
    assert!(error.to_string().contains("mounting /no/such/source on /src/x"), "{error}");
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("No such file"), "{source}");
}

#[test]
fn runs_go_on_side_by_side() {
    std::thread::scope(|scope| {
        for index in 0..8 {
            scope.spawn(move || {
                for _ in 0..3 {
                    let fixture = Fixture::shell(&format!("sleep 0.05; echo {index} $$"));
                    assert_eq!(fixture.succeed(), format!("{index} 2\n"));
                }
            });
        }
    });
}

#[test]
fn cancelling_kills_a_deep_tree() {
    let fixture = Fixture::shell(
        "deep() { if [ $1 -gt 0 ]; then (trap '' TERM INT HUP; deep $(($1 - 1))) & fi; exec sleep 31536; }
         deep 30 & sleep 31536",
    )
    .env("MARK", support::mark());
    let control = Control::new().unwrap();
    let other = control.clone();
    let mark = fixture.spec.env["MARK"].clone();
    let stopper = std::thread::spawn(move || {
        support::until(|| support::marked(&mark) > 20);
        other.cancel();
    });
    let outcome = run(&fixture.spec, &control).unwrap();
    stopper.join().unwrap();
    assert_eq!(outcome.ending, Ending::Cancelled);
    assert_eq!(support::marked(&fixture.spec.env["MARK"]), 0);
    // A cancelled control stops what starts later, too.
    assert_eq!(run(&fixture.spec, &control).unwrap().ending, Ending::Cancelled);
}

#[test]
fn progress_tells_of_the_log() {
    let mut fixture = Fixture::shell("echo hello; sleep 1.5");
    fixture.spec.limits.wall = Some(std::time::Duration::from_secs(60));
    let heard = Arc::new(AtomicU64::new(0));
    let hear = Arc::clone(&heard);
    let control = Control::new()
        .unwrap()
        .on_progress(move |progress| hear.store(progress.log_bytes, Ordering::Relaxed));
    assert!(run(&fixture.spec, &control).unwrap().ending.is_success());
    assert_eq!(heard.load(Ordering::Relaxed), 6);
}

#[test]
fn people_are_root_of_nested_namespaces() {
    let mut fixture = Fixture::shell(
        "set -e; id -u; mount -t tmpfs none /mnt; touch /mnt/x; ls /mnt
         unshare -Ur -m -p -f --mount-proc sh -c 'echo $$; mount -t tmpfs none /tmp'
         unshare -n true; unshare -Ur -n -m mount -t sysfs -o ro none /sys && echo nested",
    );
    fs::create_dir(fixture.top.path().join("lower/mnt")).unwrap();
    let plain = std::mem::replace(&mut fixture.spec, Spec::new(vec![], "/".into(), vec![]));
    fixture.spec = plain.for_people();
    assert_eq!(fixture.succeed(), "0\nx\n1\nnested\n");
}

#[test]
fn the_hosts_network_is_there_when_asked_for() {
    let mut fixture = Fixture::shell("readlink /proc/self/ns/net");
    assert_ne!(fixture.succeed(), host_net());
    fixture = Fixture::shell("readlink /proc/self/ns/net");
    fixture.spec.network = Network::Host;
    assert_eq!(fixture.succeed(), host_net());
}

fn host_net() -> String {
    format!("{}\n", fs::read_link("/proc/self/ns/net").unwrap().display())
}

#[test]
fn loopback_is_up_inside() {
    let log = Fixture::probe("loopback").succeed();
    assert!(log.contains("heard hello"), "{log}");
}

#[test]
fn inherited_streams_are_the_callers() {
    let top = tempfile::tempdir().unwrap();
    let input = top.path().join("input");
    fs::write(&input, "from the caller\n").unwrap();
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["probe", "--exact", "--nocapture"])
        .env(support::PROBE, "inherit")
        .stdin(fs::File::open(&input).unwrap())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("got from the caller"), "{text}");
}

#[test]
fn a_killed_builder_leaves_no_process_and_no_mount() {
    let mark = support::mark();
    let scratch = tempfile::tempdir().unwrap();
    let mut builder = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["probe", "--exact", "--nocapture"])
        .env(support::PROBE, "builder")
        .env("MARK", &mark)
        .env("TMPDIR", scratch.path())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // Several processes deep, and mounts of the scratch in their namespace.
    support::until(|| support::marked(&mark) >= 3);
    assert!(support::mounted(scratch.path()) > 0);
    builder.kill().unwrap();
    builder.wait().unwrap();
    support::until(|| support::marked(&mark) == 0 && support::mounted(scratch.path()) == 0);
    groundup_sandbox::discard(scratch.path()).unwrap();
    fs::create_dir(scratch.path()).unwrap();
}

#[test]
fn this_host_can_run_sandboxes_and_says_how() {
    let host = probe_host().unwrap();
    assert!(host.can_run(), "{host:?}");
    let names: Vec<_> = host.checks.iter().map(|check| check.name).collect();
    for name in ["user namespaces", "memory limit", "seccomp with notification", "landlock"] {
        assert!(names.contains(&name), "{names:?}");
    }
}

/// Not a claim: what this program does when it is run again, inside or as a builder of its own.
#[test]
fn probe() {
    match std::env::var(support::PROBE).as_deref() {
        Ok("loopback") => {
            use std::io::{Read, Write};
            for address in ["127.0.0.1:0", "[::1]:0"] {
                let Ok(listener) = std::net::TcpListener::bind(address) else { continue };
                let mut there =
                    std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
                there.write_all(b"hello").unwrap();
                drop(there);
                let mut text = String::new();
                listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
                println!("heard {text}");
            }
        }
        Ok("inherit") => {
            let mut fixture = Fixture::shell("read line; echo got $line");
            fixture.spec.stdio = Stdio::Inherit;
            assert!(fixture.run().ending.is_success());
        }
        Ok("builder") => {
            let mark = std::env::var("MARK").unwrap();
            Fixture::shell("(sleep 31536 & setsid sleep 31536) & sleep 31536")
                .env("MARK", mark)
                .run();
        }
        _ => {}
    }
}

#[test]
fn a_spec_that_cannot_run_is_refused_before_anything_happens() {
    let spec = Spec::new(vec!["lower".into()], "/nowhere".into(), vec!["true".into()]);
    let error = run(&spec, &Control::new().unwrap()).unwrap_err();
    assert!(matches!(error, SandboxError::Spec { .. }));
    assert!(!Path::new("/nowhere").exists());
}
