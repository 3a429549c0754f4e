//! One process from start to end, as the kernel accounts for it; and a place for the peers.
//!
//! What a process leaves behind when it ends, such as groundup the process that keeps sandboxes ready,
//! becomes a child of the harness, which waits for it and counts what it took.
//!
//! The only `unsafe` outside of the sandbox: `wait4` gives the times and the largest memory of a
//! process and of all that it waited for, and `unshare` moves this process into a place of its own.
//! No safe library offers either.

#![allow(unsafe_code, reason = "wait4 and unshare have no safe form in the libraries that we use")]

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{self, Read},
    mem::MaybeUninit,
    path::Path,
    process::{Command, Stdio},
    time::Instant,
};

/// What one run took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// Seconds from before the start to after the end.
    pub wall: f64,
    /// Seconds of processors in programs, of the process and of all that it waited for.
    pub user: f64,
    /// Seconds of processors in the kernel, likewise.
    pub system: f64,
    /// The most memory that one of these processes had at a time, in bytes.
    pub memory: u64,
    /// Bytes that these processes caused to be written to storage.
    pub written: u64,
}

impl Taken {
    /// Processor seconds in all.
    pub fn cpu(&self) -> f64 {
        self.user + self.system
    }

    /// This and what came after it.
    #[must_use]
    pub fn and(&self, next: &Self) -> Self {
        Self {
            wall: self.wall + next.wall,
            user: self.user + next.user,
            system: self.system + next.system,
            memory: self.memory.max(next.memory),
            written: self.written + next.written,
        }
    }
}

/// Runs a command to its end, its stdout thrown away; it has to succeed. This process must have no
/// other child meanwhile.
pub fn run(command: &mut Command) -> io::Result<Taken> {
    let name = format!("{command:?}");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
    // What a command before this one left behind is not this one's.
    while let Some(pid) = any_ended()? {
        ended(pid)?;
    }
    let start = Instant::now();
    let mut child = command.spawn()?;
    // Read to the end first, or a talkative process would wait for us for ever.
    let mut said = Vec::new();
    if let Some(mut stderr) = child.stderr.take() {
        stderr.read_to_end(&mut said)?;
    }
    let (status, mut taken) = ended(Pid::from_child(&child))?;
    taken.wall = start.elapsed().as_secs_f64();
    if status != 0 {
        let said = String::from_utf8_lossy(&said);
        return Err(io::Error::other(format!("{name} failed ({status:#x}):\n{said}")));
    }
    while let Some(pid) = any_ended()? {
        taken = taken.and(&ended(pid)?.1);
    }
    Ok(taken)
}

/// Waits for a child: its status, and what it and all that it waited for took, but for `wall`.
fn ended(pid: Pid) -> io::Result<(i32, Taken)> {
    waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT)?;
    let id = pid.as_raw_nonzero().get() as u32;
    let written = written_bytes(id);
    let (status, usage) = wait(id)?;
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let taken = Taken {
        wall: 0.0,
        user: seconds(usage.ru_utime),
        system: seconds(usage.ru_stime),
        memory: usage.ru_maxrss as u64 * 1024,
        written,
    };
    Ok((status, taken))
}

/// Waits until any child has ended and names it; nothing when there is none left.
fn any_ended() -> io::Result<Option<Pid>> {
    let mut found = MaybeUninit::<libc::siginfo_t>::zeroed();
    loop {
        let how = libc::WEXITED | libc::WNOWAIT;
        // SAFETY: the pointer is to a live value of the right type.
        if unsafe { libc::waitid(libc::P_ALL, 0, found.as_mut_ptr(), how) } == 0 {
            // SAFETY: written by the kernel, of a child: the field that `si_pid` reads is set.
            return Ok(Pid::from_raw(unsafe { found.assume_init().si_pid() }));
        }
        match io::Error::last_os_error() {
            error if error.raw_os_error() == Some(libc::ECHILD) => return Ok(None),
            error if error.kind() == io::ErrorKind::Interrupted => {}
            error => return Err(error),
        }
    }
}

fn wait(id: u32) -> io::Result<(i32, libc::rusage)> {
    let (mut status, mut usage) = (0, MaybeUninit::<libc::rusage>::zeroed());
    loop {
        // SAFETY: both pointers are to live values of the right type, and all-zero bytes are a
        // valid `rusage` even where the kernel writes nothing.
        let found = unsafe { libc::wait4(id as libc::pid_t, &mut status, 0, usage.as_mut_ptr()) };
        if found >= 0 {
            // SAFETY: zeroed above, and written by the kernel since.
            return Ok((status, unsafe { usage.assume_init() }));
        }
        let error = io::Error::last_os_error();
        if error.kind() != io::ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

/// What the kernel says of an ended process that nobody has waited for yet.
fn written_bytes(id: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{id}/io")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: "));
    line.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// Moves this process, which must have one thread, into the root file system `root`, in namespaces
/// of its own: with `/proc`, `/dev` and the directories `shared` of the outside at their own places.
pub fn enter(root: &Path, shared: &[&Path]) -> io::Result<()> {
    use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind_recursive};
    // SAFETY: plain numbers are passed, and the process has one thread, which is for us to know.
    if unsafe { libc::unshare(libc::CLONE_NEWNS) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private)?;
    // A mount of its own, so that it can be pivoted to: in a mere chroot nobody may make user
    // namespaces, which the peers need.
    mount_bind_recursive(root, root)?;
    // First of all, since what is shared may lie below it.
    let tmp = root.join("tmp");
    fs::create_dir_all(&tmp)?;
    mount("tmpfs", &tmp, "tmpfs", MountFlags::empty(), None)?;
    for folder in ["/proc", "/dev", "/sys"].map(Path::new).iter().chain(shared) {
        let inside = root.join(folder.strip_prefix("/").unwrap_or(folder));
        fs::create_dir_all(&inside)?;
        mount_bind_recursive(*folder, &inside)?;
    }
    rustix::process::chdir(root)?;
    rustix::process::pivot_root(".", ".")?;
    rustix::mount::unmount(".", rustix::mount::UnmountFlags::DETACH)?;
    Ok(rustix::process::chdir("/")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_process_leaves_behind_counts() {
        let script =
            "(x=$(head -c 30000000 /dev/zero | tr '\\0' x); sleep 0.2) 2> /dev/null & exit 0";
        let taken = run(Command::new("sh").args(["-c", script])).unwrap();
        assert!((30_000_000..300_000_000).contains(&taken.memory), "{taken:?}");
    }
}
