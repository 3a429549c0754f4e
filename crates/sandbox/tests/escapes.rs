//! Steps that try to get out. Each probe is shown to work outside first, where that makes sense, so
//! that a probe that tries nothing proves nothing.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, reason = "a test")]
#![allow(unsafe_code, reason = "the probes call the kernel as hostile code would")]
mod support;

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};
use std::path::Path;

use groundup_sandbox::{Ending, SandboxError};
use support::{Fixture, copy_program, write_script};

#[test]
fn these_claims_hold_for_an_ordinary_user_too() {
    support::again_as_an_ordinary_user("these_claims_hold_for_an_ordinary_user_too", &[]);
}

const REFUSED: i32 = 42;

/// Claims that a probe succeeds outside.
#[track_caller]
fn works_outside(name: &str, target: impl ToString) {
    let output = support::probe_outside(name, &[("TARGET", target.to_string())]);
    assert!(output.status.success(), "{name} outside: {output:?}");
}

/// Claims that a probe is refused inside; returns what it says.
#[track_caller]
fn refused_inside(name: &str, target: impl ToString) -> String {
    let fixture = Fixture::probe(name).env("TARGET", target);
    let outcome = fixture.run();
    assert_eq!(outcome.ending, Ending::Exited(REFUSED), "{name} inside: {}", fixture.log());
    fixture.log()
}

#[test]
fn to_the_loopback_of_the_host() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        // A host without IPv6 has nothing to reach there.
        let Ok(listener) = TcpListener::bind(address) else { continue };
        let target = listener.local_addr().unwrap();
        works_outside("connect", target);
        refused_inside("connect", target);
    }
}

#[test]
fn to_the_network_by_ipv4_and_ipv6() {
    // Addresses for documentation: a route is enough, nothing is sent.
    for target in ["192.0.2.1:9", "[2001:db8::1]:9"] {
        let said = refused_inside("route", target);
        assert!(said.contains("unreachable") || said.contains("assign"), "{said}");
    }
}

#[test]
fn to_an_abstract_socket_of_the_host() {
    let name = format!("groundup-test-{}", support::mark());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let _listener = UnixListener::bind_addr(&address).unwrap();
    works_outside("abstract", &name);
    refused_inside("abstract", &name);
}

#[test]
fn by_other_families_of_sockets() {
    // AF_PACKET, AF_ALG, AF_VSOCK: the last two know no network namespace.
    for family in [libc::AF_PACKET, libc::AF_ALG, libc::AF_VSOCK] {
        let said = refused_inside("socket", family);
        assert!(said.contains("Address family not supported"), "{said}");
    }
}

#[test]
fn to_files_of_the_host() {
    let top = tempfile::tempdir().unwrap();
    let file = top.path().join("secret");
    fs::write(&file, "secret").unwrap();
    let pid = std::process::id();
    for path in [file.display().to_string(), format!("/proc/{pid}/root{}", file.display())] {
        works_outside("read", &path);
        refused_inside("read", &path);
    }
    // Up from every place that is bound, and through what init has open.
    for path in ["/out/../../secret", "/proc/1/root/etc", "/proc/1/cwd", "/proc/1/fd/3"] {
        refused_inside("read", path);
    }
    works_outside("read", "/etc/hostname");
    refused_inside("read", "/etc/hostname");
}

#[test]
fn to_switches_in_proc_and_sys() {
    // Opening for writing is the whole attempt: nothing is written.
    if rustix::process::geteuid().is_root() {
        works_outside("write", "/proc/sys/kernel/core_pattern");
    }
    let fixture = Fixture::probe("write any switch");
    let log = fixture.succeed();
    assert!(log.contains("tried") && log.contains("opened: []"), "{log}");
}

#[test]
fn to_processes_of_the_host() {
    let mut victim = std::process::Command::new("sleep").arg("31536").spawn().unwrap();
    works_outside("signal", victim.id());
    refused_inside("signal", victim.id());
    refused_inside("trace", victim.id());
    refused_inside("read", format!("/proc/{}/environ", victim.id()));
    victim.kill().unwrap();
    victim.wait().unwrap();
}

#[test]
fn to_init_and_the_builders_program() {
    for file in ["exe", "mem", "environ", "maps", "root", "cwd"] {
        refused_inside("read", format!("/proc/1/{file}"));
    }
    let open =
        "for n in $(seq 0 30); do readlink /proc/1/fd/$n || cat /proc/1/fd/$n; done 2>/dev/null";
    assert_eq!(Fixture::shell(&format!("{open} | wc -c")).succeed(), "0\n");
    refused_inside("trace", 1);
    // Init takes no signal that it did not ask for.
    Fixture::shell("kill -TERM 1; kill -KILL 1; sleep 0.1; kill -0 1").succeed();
    let linked = Fixture::new(vec!["/self".into()]);
    std::os::unix::fs::symlink("/proc/self/exe", linked.top.path().join("lower/self")).unwrap();
    for fixture in [Fixture::new(vec!["/proc/self/exe".into()]), linked] {
        let refused = fixture.try_run();
        let expected = matches!(refused, Err(SandboxError::CommandNotExecutable { .. }));
        assert!(expected, "{refused:?} {}", fixture.log());
    }
}

#[test]
fn by_an_interpreter_that_is_the_builders_program() {
    let fixture = Fixture::new(vec!["/script".into()]);
    let script = fixture.top.path().join("lower/script");
    write_script(&script, "#!/proc/self/exe --list\n");
    let builder = std::env::current_exe().unwrap();
    let refused = fixture.try_run();
    let expected = matches!(refused, Err(SandboxError::CommandNotExecutable { .. }));
    assert!(expected, "{refused:?} {}", fixture.log());
    // Were it reached after all, it could not be written to: it runs as long as any step.
    let opened = OpenOptions::new().write(true).open(&builder).unwrap_err().raw_os_error();
    assert!(matches!(opened, Some(libc::ETXTBSY | libc::EACCES)), "{opened:?}");
}

#[test]
fn by_device_nodes() {
    if rustix::process::geteuid().is_root() {
        let top = tempfile::tempdir().unwrap();
        works_outside("mknod", top.path().join("node").display());
        // A node that a tree brought along is there, but dead.
        let fixture = Fixture::probe("read").env("TARGET", "/zero");
        let lower = fixture.top.path().join("lower/zero");
        make_node(&lower, libc::S_IFCHR, libc::makedev(1, 5)).unwrap();
        fs::set_permissions(&lower, fs::Permissions::from_mode(0o666)).unwrap();
        works_outside("read", lower.display());
        assert_eq!(fixture.run().ending, Ending::Exited(REFUSED), "{}", fixture.log());
        assert!(fixture.log().contains("Permission denied"), "{}", fixture.log());
    }
    for place in ["/build/node", "/out/node", "/tmp/node", "/dev/shm/node", "/node"] {
        refused_inside("mknod", place);
    }
}

#[test]
fn to_keys_of_the_caller() {
    works_outside("key", "");
    let said = refused_inside("key", "");
    assert!(said.contains("Function not implemented"), "{said}");
}

#[test]
fn by_setuid_programs() {
    let status = Fixture::shell("cat /proc/self/status").succeed();
    assert!(status.contains("NoNewPrivs:\t1"), "{status}");
    for set in ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert!(status.contains(&format!("{set}:\t0000000000000000")), "{status}");
    }
    if rustix::process::geteuid().is_root() {
        let fixture = Fixture::shell("/setuid -u");
        let program = fixture.top.path().join("lower/setuid");
        copy_program(Path::new("/usr/bin/id"), &program);
        std::os::unix::fs::chown(&program, Some(12345), None).unwrap();
        fs::set_permissions(&program, fs::Permissions::from_mode(0o4755)).unwrap();
        let outside = std::process::Command::new(&program).arg("-u").output().unwrap();
        assert_eq!(String::from_utf8_lossy(&outside.stdout), "12345\n");
        assert_eq!(fixture.succeed(), "1000\n");
    }
}

#[test]
fn by_namespaces_and_mounts_of_its_own() {
    let outside = std::process::Command::new("unshare").args(["-Ur", "true"]).status().unwrap();
    assert!(outside.success());
    for command in [
        "unshare -Ur true",
        "unshare -m true",
        "mount -t tmpfs none /tmp",
        "mount -o remount,bind,rw /dev",
        "umount -l /proc",
        "nsenter -t 1 -m true",
        "chroot / true",
    ] {
        let fixture = Fixture::shell(&format!("{command} && exit 0; exit {REFUSED}"));
        assert_eq!(fixture.run().ending, Ending::Exited(REFUSED), "{command}: {}", fixture.log());
    }
}

#[test]
fn by_calls_that_need_no_right() {
    let log = Fixture::probe("calls").succeed();
    assert!(log.contains("all refused"), "{log}");
}

#[cfg(target_arch = "x86_64")]
#[test]
fn by_the_32_bit_interface() {
    if !support::probe_outside("32-bit", &[]).status.success() {
        // This kernel has none.
        return;
    }
    let log = Fixture::probe("32-bit").succeed();
    // getpid is answered, mount is refused, the socket multiplexer and keyctl do not exist.
    assert!(log.contains("pid true mount -1 socketcall -38 keyctl -38"), "{log}");
}

#[test]
fn by_leaving_a_daemon_behind() {
    let mark = support::mark();
    let fixture = Fixture::shell(
        "for i in 1 2 3; do (trap '' HUP TERM; setsid sleep 31536 </dev/null >/dev/null 2>&1 &) ; done
         sleep 0.2; ls /proc | grep -c '^[0-9]'",
    )
    .env("MARK", &mark);
    let seen: u32 = fixture.succeed().trim().parse().unwrap();
    assert!(seen >= 5, "{seen}");
    assert_eq!(support::marked(&mark), 0);
}

#[test]
fn by_the_log() {
    let fixture = Fixture::shell(
        "echo first; : > /dev/stderr; truncate -s 0 /proc/self/fd/1; readlink /proc/self/fd/1",
    );
    let _ = fixture.run();
    assert!(fixture.log().starts_with("first\n"), "{}", fixture.log());
    assert!(fixture.log().contains("pipe:"), "{}", fixture.log());
}

/// Not a claim: the probe that this program is when run again.
#[test]
fn probe() {
    let Ok(name) = std::env::var(support::PROBE) else { return };
    let target = std::env::var("TARGET").unwrap_or_default();
    let code = match attempt(&name, &target) {
        Ok(()) => 0,
        Err(error) => {
            println!("{name} {target}: {error}");
            REFUSED
        }
    };
    io::stdout().flush().unwrap();
    std::process::exit(code);
}

fn attempt(name: &str, target: &str) -> io::Result<()> {
    match name {
        "connect" => TcpStream::connect(target).map(drop),
        "route" => {
            let any = if target.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
            UdpSocket::bind(any)?.connect(target)
        }
        "abstract" => UnixStream::connect_addr(&SocketAddr::from_abstract_name(target)?).map(drop),
        // SAFETY: plain integers.
        "socket" => check(
            unsafe { libc::socket(target.parse().unwrap(), libc::SOCK_RAW, 0) } as libc::c_long
        ),
        "read" if fs::metadata(target)?.is_dir() => fs::read_dir(target).map(drop),
        "read" => fs::File::open(target)?.read(&mut [0]).map(drop),
        "write" => OpenOptions::new().write(true).open(target).map(drop),
        "write any switch" => write_any_switch(),
        // SAFETY: no pointers; signal 0 only asks.
        "signal" => check(unsafe { libc::kill(target.parse().unwrap(), 0) }.into()),
        "trace" => {
            let nothing = 0_usize;
            // SAFETY: PTRACE_SEIZE takes no pointers.
            check(unsafe {
                libc::ptrace(libc::PTRACE_SEIZE, target.parse::<i32>().unwrap(), nothing, nothing)
            })
        }
        // The first partition of the first disk, as far as anyone knows.
        "mknod" => make_node(Path::new(target), libc::S_IFBLK, libc::makedev(8, 1)),
        "key" => {
            let session: libc::c_long = -3;
            // SAFETY: zero-terminated constants and a length within them.
            check(unsafe {
                libc::syscall(
                    libc::SYS_add_key,
                    c"user".as_ptr(),
                    c"groundup-test".as_ptr(),
                    c"x".as_ptr(),
                    1,
                    session,
                )
            })
        }
        "calls" => calls(),
        #[cfg(target_arch = "x86_64")]
        "32-bit" => {
            println!(
                "pid {} mount {} socketcall {} keyctl {}",
                int80(20) > 0,
                int80(21),
                int80(102),
                int80(288)
            );
            Ok(())
        }
        other => panic!("no probe {other}"),
    }
}

fn check(result: libc::c_long) -> io::Result<()> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

fn make_node(path: &Path, kind: libc::mode_t, device: libc::dev_t) -> io::Result<()> {
    let path = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: a zero-terminated path.
    check(unsafe { libc::mknod(path.as_ptr(), kind | 0o666, device) }.into())
}

/// Opens every file of `/proc` outside of processes, and of `/sys`, for writing.
fn write_any_switch() -> io::Result<()> {
    let mut directories = vec![Path::new("/sys").to_path_buf(), "/proc".into()];
    let (mut tried, mut opened) = (0, Vec::new());
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let Ok(meta) = fs::symlink_metadata(&path) else { continue };
            let process = path.parent() == Some(Path::new("/proc"))
                && entry.file_name().as_encoded_bytes()[0].is_ascii_digit();
            if meta.is_dir() && !process {
                directories.push(path);
            } else if meta.is_file() {
                tried += 1;
                // Not even its mode can be changed.
                let mode = fs::Permissions::from_mode(meta.mode() & 0o7777);
                if OpenOptions::new().write(true).open(&path).is_ok()
                    || fs::set_permissions(&path, mode).is_ok()
                {
                    opened.push(path);
                }
            }
        }
    }
    assert!(tried > 100, "{tried}");
    println!("tried {tried}, opened: {opened:?}");
    Ok(())
}

/// Calls that an ordinary process may make on most hosts, or that had holes.
fn calls() -> io::Result<()> {
    let list = [
        ("bpf", libc::SYS_bpf),
        ("perf_event_open", libc::SYS_perf_event_open),
        ("userfaultfd", libc::SYS_userfaultfd),
        ("io_uring_setup", libc::SYS_io_uring_setup),
        ("keyctl", libc::SYS_keyctl),
        ("fsopen", libc::SYS_fsopen),
        ("open_tree", libc::SYS_open_tree),
        ("mount_setattr", libc::SYS_mount_setattr),
        ("open_by_handle_at", libc::SYS_open_by_handle_at),
        ("setns", libc::SYS_setns),
        ("clone3", libc::SYS_clone3),
        ("kexec_load", libc::SYS_kexec_load),
        ("init_module", libc::SYS_init_module),
        ("syslog", libc::SYS_syslog),
        ("swapon", libc::SYS_swapon),
        ("reboot", libc::SYS_reboot),
    ];
    for (name, call) in list {
        // SAFETY: all arguments are null or zero; were one of these allowed, it would fail.
        let result = unsafe { libc::syscall(call, 0, 0, 0, 0, 0, 0) };
        let errno = io::Error::last_os_error().raw_os_error();
        assert_eq!(result, -1, "{name}");
        assert!(matches!(errno, Some(libc::EPERM | libc::ENOSYS)), "{name}: {errno:?}");
    }
    println!("all refused");
    Ok(())
}

/// Calls the kernel by the 32-bit interface, with all arguments zero.
#[cfg(target_arch = "x86_64")]
fn int80(call: i64) -> i32 {
    let result: i64;
    // SAFETY: the calls that are made read no memory with null arguments; rbx, which the compiler
    // keeps for itself, is restored.
    unsafe {
        std::arch::asm!(
            "push rbx", "xor ebx, ebx", "int 0x80", "pop rbx",
            inlateout("rax") call => result,
            in("rcx") 0, in("rdx") 0, in("rsi") 0, in("rdi") 0,
            out("r8") _, out("r9") _, out("r10") _, out("r11") _,
        );
    }
    result as i32
}
