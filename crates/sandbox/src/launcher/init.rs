//! Process 1 of a sandbox: builds it, gives everything up, starts the command, reaps.
//!
//! In two parts: what is the same for all runs of a kind, which may be done before there is a run, and
//! the rest once the launcher hands on the spec. It ends when the command ends, and the kernel then kills whatever is left. The command cannot
//! look into it or at its executable (the builder's program): it is not dumpable.

use std::ffi::CString;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, WaitOptions, getrlimit, set_dumpable_behavior,
    setrlimit,
};
use rustix::thread::{CapabilitySet, CapabilitySets, UnshareFlags};

use super::facts::DOMAIN;
use super::measure::{self, Precision};
use super::root::{self, Parts};
use super::{Kind, Streams};
use crate::wire::{self, Doing, Failure, Note};
use crate::{AddressSpace, LookUps, Network, Privilege, Spec, filter, sys};

/// The first process after the fork; its last word goes to the launcher.
pub(super) fn main(kind: &Kind, output: Option<OwnedFd>, launcher: &OwnedFd) -> ! {
    let failure = match start(kind, output, launcher) {
        Ok(Started { command, proc, counts }) => match reap(command) {
            Ok(status) => {
                // What a limit refused to the command may still be there to see.
                let count = counts.then(|| measure::count(&proc, Precision::Quick));
                let left = count.and_then(Result::ok).map_or(0, |count| count.threads);
                let _ = wire::send(launcher, &Note::Over { status, left }, &[]);
                sys::exit_now(0)
            }
            Err(error) => Failure::set_up("waiting for the command", &error),
        },
        Err(failure) => failure,
    };
    let _ = wire::send(launcher, &Note::Failed(failure), &[]);
    sys::exit_now(1)
}

/// A command that runs.
struct Started {
    command: rustix::process::Pid,
    proc: OwnedFd,
    /// Whether what it leaves is to be counted.
    counts: bool,
}

/// Waits for every process of the sandbox until the command is over.
fn reap(command: rustix::process::Pid) -> io::Result<i32> {
    loop {
        match rustix::process::wait(WaitOptions::empty()) {
            Ok(Some((pid, status))) if pid == command => return Ok(status.as_raw()),
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

fn start(kind: &Kind, output: Option<OwnedFd>, launcher: &OwnedFd) -> Result<Started, Failure> {
    let parts = prepare(kind, output, launcher)?;
    // Perhaps much later: the launcher may be one that waits for work.
    let order = wire::receive::<Spec>(launcher).doing(|| "hearing what to run".into())?;
    let Some((spec, members)) = order else { sys::exit_now(1) };
    // Into the cgroups of the run, opened by the builder. A process that moves itself, alone, needs no
    // grace period of the kernel's.
    for members in &members {
        rustix::io::write(members, b"0").doing(|| "entering the cgroup of the run".into())?;
    }
    drop(members);
    super::attempts::separate(UnshareFlags::NEWCGROUP)?;
    let proc = root::enter(&spec, parts)?;
    rustix::process::umask(Mode::from_raw_mode(0o022));
    rustix::system::sethostname(spec.hostname.as_bytes())
        .doing(|| format!("setting the host name {}", spec.hostname))?;
    limit(&spec)?;
    let root = match kind.owners {
        true => Some(super::mounts::open_directory(Path::new("/"))?),
        false => None,
    };
    let listener = give_up(kind, spec.look_ups)?;
    let mut fds = vec![proc.as_fd()];
    fds.extend(listener.as_ref().map(OwnedFd::as_fd));
    fds.extend(root.as_ref().map(OwnedFd::as_fd));
    wire::send(launcher, &Note::Ready, &fds).doing(|| "reporting to the launcher".into())?;
    drop((listener, root));
    match sys::fork().doing(|| "starting the command".into())? {
        Some(command) => Ok(Started { command, proc, counts: spec.limits.processes.is_some() }),
        None => {
            let failure = command(&spec, kind.streams);
            let _ = wire::send(launcher, &Note::Failed(failure), &[]);
            sys::exit_now(127)
        }
    }
}

/// All that does not depend on what is to be run.
fn prepare(kind: &Kind, output: Option<OwnedFd>, launcher: &OwnedFd) -> Result<Parts, Failure> {
    die_with_the_launcher(launcher)?;
    let _ = rustix::thread::set_name(c"init");
    if let Some(output) = output {
        let doing = || "setting the standard output".to_owned();
        rustix::stdio::dup2_stdout(&output).doing(doing)?;
        rustix::stdio::dup2_stderr(&output).doing(doing)?;
    }
    rustix::process::umask(Mode::empty());
    let parts = root::prepare(kind)?;
    rustix::system::setdomainname(DOMAIN.as_bytes()).doing(|| "setting the domain name".into())?;
    if kind.network == Network::None {
        loopback_up().doing(|| "bringing the loopback interface up".into())?;
    }
    match sys::join_new_keyring() {
        // A kernel without keys has none to protect.
        Err(error) if error.raw_os_error() == Some(libc::ENOSYS) => {}
        other => other.doing(|| "joining a new session keyring".into())?,
    }
    if kind.privilege == Privilege::None {
        for (resource, current, maximum) in RESOURCES {
            set_limit(resource, current, maximum)?;
        }
        if kind.owners {
            // Through the inheritable set they outlive the loss of all others.
            let kept = owners_capabilities();
            let sets = CapabilitySets { inheritable: kept, ..all_capabilities() };
            rustix::thread::set_capabilities(None, sets)
                .doing(|| "keeping capabilities over files".into())?;
        }
        drop_bounding_set()?;
    }
    rustix::thread::set_no_new_privs(true).doing(|| "forbidding new privileges".into())?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .doing(|| "hiding init from the command".into())?;
    Ok(parts)
}

fn die_with_the_launcher(launcher: &OwnedFd) -> Result<(), Failure> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))
        .doing(|| "binding init to the launcher".into())?;
    // It may have died before that.
    let mut fds = [PollFd::new(launcher, PollFlags::empty())];
    let _ = poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 }));
    if fds[0].revents().contains(PollFlags::HUP) {
        sys::exit_now(1);
    }
    Ok(())
}

const UNLIMITED: u64 = u64::MAX;

/// Each resource with its soft and hard limit; the hard one is the host's where it is lower.
const RESOURCES: [(Resource, u64, Option<u64>); 11] = [
    (Resource::As, UNLIMITED, None),
    (Resource::Core, 0, Some(0)),
    (Resource::Cpu, UNLIMITED, None),
    (Resource::Data, UNLIMITED, None),
    (Resource::Fsize, UNLIMITED, None),
    (Resource::Memlock, 64 << 10, Some(64 << 10)),
    (Resource::Msgqueue, 800 << 10, Some(800 << 10)),
    (Resource::Nofile, 1024, Some(16384)),
    (Resource::Nproc, 8192, Some(8192)),
    (Resource::Sigpending, 8192, Some(8192)),
    (Resource::Stack, 8 << 20, None),
];

/// Sets one resource limit, the same on every host as far as the host gives it.
fn set_limit(resource: Resource, current: u64, maximum: Option<u64>) -> Result<(), Failure> {
    let hard = match (getrlimit(resource).maximum, maximum) {
        (Some(host), Some(wanted)) => Some(host.min(wanted)),
        (host, wanted) => host.or(wanted),
    };
    let current = match hard {
        Some(hard) => Some(hard.min(current)),
        None => (current != UNLIMITED).then_some(current),
    };
    setrlimit(resource, Rlimit { current, maximum: hard })
        .doing(|| format!("setting the resource limit {resource:?}"))
}

/// Sets the resource limits that stand for limits of the run.
fn limit(spec: &Spec) -> Result<(), Failure> {
    if let Some(bytes) = spec.limits.output_bytes {
        // A little more: a file that was stopped here is then seen to have passed the limit.
        let bytes = bytes.saturating_add(4096);
        set_limit(Resource::Fsize, bytes, Some(bytes))?;
    }
    if let Some(count) = spec.limits.processes {
        // A backstop: between the limit and this the launcher sees that the limit is passed.
        // Counted in this user namespace, where the launcher and init are too.
        let count = count.saturating_mul(2).saturating_add(2);
        set_limit(Resource::Nproc, count, Some(count))?;
    }
    Ok(())
}

fn drop_bounding_set() -> Result<(), Failure> {
    for capability in CapabilitySet::all().iter() {
        match rustix::thread::remove_capability_from_bounding_set(capability) {
            // One that this kernel does not know.
            Ok(()) | Err(rustix::io::Errno::INVAL) => {}
            Err(error) => return Err(error).doing(|| "dropping a capability".into()),
        }
    }
    Ok(())
}

/// What root may do with files, in the sandbox's own user namespace: it reaches what is the caller's
/// outside, and what the launcher answers for.
fn owners_capabilities() -> CapabilitySet {
    CapabilitySet::CHOWN
        | CapabilitySet::DAC_OVERRIDE
        | CapabilitySet::DAC_READ_SEARCH
        | CapabilitySet::FOWNER
        | CapabilitySet::FSETID
        | CapabilitySet::KILL
        | CapabilitySet::MKNOD
        | CapabilitySet::SETFCAP
        | CapabilitySet::SETGID
        | CapabilitySet::SETPCAP
        | CapabilitySet::SETUID
}

fn all_capabilities() -> CapabilitySets {
    let none = CapabilitySet::empty();
    rustix::thread::capabilities(None).unwrap_or(CapabilitySets {
        effective: none,
        permitted: none,
        inheritable: none,
    })
}

/// Gives up all privilege and the way back; returns the listener of the filter, if it asks.
fn give_up(kind: &Kind, look_ups: LookUps) -> Result<Option<OwnedFd>, Failure> {
    let privilege = kind.privilege;
    let flags = match privilege {
        Privilege::None => libc::SECCOMP_FILTER_FLAG_NEW_LISTENER,
        Privilege::NamespaceRoot => 0,
    };
    // Before the last capabilities go; `no_new_privs` makes either order good.
    let program = if kind.owners {
        filter::program_of_owners()
    } else {
        filter::program(privilege, look_ups)
    };
    let listener =
        sys::install_filter(&program, flags).doing(|| "installing the seccomp filter".into())?;
    if privilege == Privilege::None {
        rustix::thread::clear_ambient_capability_set()
            .doing(|| "dropping ambient capabilities".into())?;
        let kept = if kind.owners { owners_capabilities() } else { CapabilitySet::empty() };
        rustix::thread::set_capabilities(
            None,
            CapabilitySets { effective: kept, permitted: kept, inheritable: kept },
        )
        .doing(|| "dropping all capabilities".into())?;
    }
    Ok(listener)
}

/// Sets `IFF_UP` on interface 1, which is `lo` in a new namespace (rtnetlink(7)).
fn loopback_up() -> io::Result<()> {
    use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
    const RTM_NEWLINK: u16 = 16;
    const NLM_F_REQUEST_ACK: u16 = 1 | 4;
    const IFF_UP: u32 = 1;
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        SocketFlags::CLOEXEC,
        None,
    )?;
    let mut message = Vec::with_capacity(32);
    message.extend(32_u32.to_ne_bytes()); // nlmsghdr: length, type, flags, sequence, port
    message.extend(RTM_NEWLINK.to_ne_bytes());
    message.extend(NLM_F_REQUEST_ACK.to_ne_bytes());
    message.extend([0; 8]);
    message.extend([0; 4]); // ifinfomsg: family, type, index, flags, which flags change
    message.extend(1_u32.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes());
    rustix::net::send(&socket, &message, SendFlags::empty())?;
    let mut reply = [0_u8; 256];
    rustix::net::recv(&socket, &mut reply[..], RecvFlags::empty())?;
    // nlmsgerr: the header, then a negated errno or 0.
    let error = i32::from_ne_bytes([reply[16], reply[17], reply[18], reply[19]]);
    if error == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(-error)) }
}

/// Becomes the command; returns only why it could not.
fn command(spec: &Spec, streams: Streams) -> Failure {
    // A signal to its own process group must not reach the launcher, or other runs, which a group that
    // it only inherited would.
    if streams == Streams::Logged
        && let Err(error) = rustix::process::setsid()
    {
        return Failure::set_up("starting a session for the command", &error.into());
    }
    let command = spec.argv[0].clone();
    if let Err(error) = rustix::process::chdir(spec.cwd.as_str()) {
        return Failure::set_up(format!("entering {}", spec.cwd), &error.into());
    }
    if spec.address_space == AddressSpace::Fixed {
        const ADDR_NO_RANDOMIZE: libc::c_ulong = 0x0004_0000;
        if let Err(error) = sys::set_personality(ADDR_NO_RANDOMIZE) {
            return Failure::set_up("fixing the address space", &error);
        }
    }
    let c = |text: &str| CString::new(text).unwrap_or_default();
    let argv: Vec<_> = spec.argv.iter().map(|word| c(word)).collect();
    let env: Vec<_> = spec.env.iter().map(|(name, value)| c(&format!("{name}={value}"))).collect();
    sys::reset_signals(super::TERMINAL_KEYS, sys::Reaction::Default);
    sys::unblock_signals();

    let (mut errno, mut present) = (libc::ENOENT, false);
    for candidate in candidates(spec) {
        if is_magic(&candidate, 0) {
            (errno, present) = (libc::EACCES, true);
            break;
        }
        let error = sys::execute(&c(&candidate), &argv, &env).raw_os_error().unwrap_or(0);
        if Path::new(&candidate).exists() {
            (errno, present) = (error, true);
            if error != libc::EACCES {
                break;
            }
        }
    }
    Failure::Exec { command, errno, present }
}

/// Whether a program, or the interpreter that its first line names, lies behind one of the links of
/// `/proc` that are no paths: `/proc/self/exe` would be the builder's own program.
fn is_magic(program: &str, depth: u32) -> bool {
    use std::io::Read;
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let resolve = ResolveFlags::NO_MAGICLINKS;
    let file = match rustix::fs::openat2(CWD, program, flags, Mode::empty(), resolve) {
        Ok(file) => file,
        Err(error) => return error == rustix::io::Errno::LOOP,
    };
    // The kernel reads as much of a first line, and follows as many.
    let mut line = Vec::new();
    let _ = std::fs::File::from(file).take(256).read_to_end(&mut line);
    let Some(rest) = line.strip_prefix(b"#!") else { return false };
    let first = String::from_utf8_lossy(rest);
    let interpreter = first.lines().next().and_then(|line| line.split_whitespace().next());
    interpreter.is_some_and(|interpreter| depth > 4 || is_magic(interpreter, depth + 1))
}

/// Where the command may be: its path, or its name in each directory of `PATH`.
pub(super) fn candidates(spec: &Spec) -> Vec<String> {
    let command = &spec.argv[0];
    if command.contains('/') {
        return vec![command.clone()];
    }
    let path = spec.env.get("PATH").map_or("/bin:/usr/bin", String::as_str);
    path.split(':').filter(|dir| !dir.is_empty()).map(|dir| format!("{dir}/{command}")).collect()
}
