//! `ptrace` in the few forms that tracing needs, on x86-64. All that is unsafe here is in this file.
//!
//! The thread that starts a program is its tracer and has to make all calls; only threads of the
//! program are followed, never other programs that it starts.

#![allow(unsafe_code, reason = "libraries for ptrace are no dependency of this project")]

use std::{io, mem::offset_of, os::unix::process::CommandExt, process::Command, ptr};

/// A thread of the traced program.
pub(super) type Thread = libc::pid_t;

/// Why a traced thread stands still, or is gone.
#[derive(Debug, Clone, Copy)]
pub(super) enum Stop {
    /// It is about to make this system call.
    Entry {
        /// The number of the call.
        number: u64,
        /// Its arguments.
        arguments: [u64; 6],
    },
    /// A system call has ended with this value, an error as a negative number.
    Exit(i64),
    /// It is about to receive this signal.
    Signal(i32),
    /// It is a new thread, or something happened that needs no answer.
    Event,
    /// It has ended with this status, as `waitpid` gives it.
    Ended(i32),
}

/// Lets the program be traced by the thread that starts it, from its first instruction on.
pub(super) fn ask_for(command: &mut Command) {
    let ask = || {
        // SAFETY: this request takes no arguments and is one system call, which may be made after
        // `fork`.
        let done = unsafe { libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0) };
        if done == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: `ask` allocates nothing and takes no lock.
    unsafe { command.pre_exec(ask) };
}

/// Follows all threads of the program that has just stopped, and ends it if the tracer ends.
pub(super) fn follow_threads(program: Thread) {
    let options = libc::PTRACE_O_TRACESYSGOOD
        | libc::PTRACE_O_TRACECLONE
        | libc::PTRACE_O_TRACEEXEC
        | libc::PTRACE_O_EXITKILL;
    // SAFETY: this request takes a number and touches no memory of this process.
    let done =
        unsafe { libc::ptrace(libc::PTRACE_SETOPTIONS, program, 0, libc::c_long::from(options)) };
    assert_eq!(done, 0, "cannot follow: {}", io::Error::last_os_error());
}

/// Waits for a thread that this thread traces; none when there is none left.
pub(super) fn wait() -> Option<(Thread, Stop)> {
    let mut status = 0;
    // SAFETY: `status` is a place for a number, and outlives the call.
    let thread = unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
    if thread < 0 {
        return None;
    }
    if !libc::WIFSTOPPED(status) {
        return Some((thread, Stop::Ended(status)));
    }
    let stop = match libc::WSTOPSIG(status) {
        signal if signal == libc::SIGTRAP | 0x80 => look(thread),
        _ if status >> 16 != 0 => Stop::Event,
        signal => Stop::Signal(signal),
    };
    Some((thread, stop))
}

/// What a thread that stands at a system call is about.
fn look(thread: Thread) -> Stop {
    // SAFETY: the structure is made of numbers, for which zero is a value.
    let mut info: libc::ptrace_syscall_info = unsafe { std::mem::zeroed() };
    let size = size_of_val(&info);
    // SAFETY: the kernel writes at most `size` bytes to `info`, which has that many.
    let done = unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, thread, size, &raw mut info) };
    match (done, info.op) {
        (1.., libc::PTRACE_SYSCALL_INFO_ENTRY) => {
            // SAFETY: `op` says that this member was written.
            let entry = unsafe { info.u.entry };
            Stop::Entry { number: entry.nr, arguments: entry.args }
        }
        (1.., libc::PTRACE_SYSCALL_INFO_EXIT) => {
            // SAFETY: `op` says that this member was written.
            Stop::Exit(unsafe { info.u.exit }.sval)
        }
        // It was killed meanwhile.
        _ => Stop::Event,
    }
}

/// Lets a thread run to its next stop, with a signal if that is not 0.
pub(super) fn go_on(thread: Thread, signal: i32) {
    // SAFETY: this request takes a number and touches no memory of this process. It fails when the
    // thread was killed meanwhile; its end is reported next.
    unsafe { libc::ptrace(libc::PTRACE_SYSCALL, thread, 0, libc::c_long::from(signal)) };
}

/// The registers that change what a call does.
#[derive(Debug, Clone, Copy)]
pub(super) enum Register {
    /// Which call it is; none, the largest number, makes the kernel pass it over.
    Number,
    /// What it gives.
    Result,
    /// The argument at this place, from the third on.
    Argument(usize),
}

/// Changes a register of a thread that stands at a system call.
pub(super) fn set(thread: Thread, register: Register, value: u64) {
    let place = match register {
        Register::Number => offset_of!(libc::user_regs_struct, orig_rax),
        Register::Result => offset_of!(libc::user_regs_struct, rax),
        Register::Argument(2) => offset_of!(libc::user_regs_struct, rdx),
        Register::Argument(3) => offset_of!(libc::user_regs_struct, r10),
        Register::Argument(4) => offset_of!(libc::user_regs_struct, r8),
        Register::Argument(other) => panic!("argument {other} is never changed"),
    };
    let place = ptr::without_provenance_mut::<libc::c_void>(place);
    // SAFETY: this request changes a register of the other process only.
    unsafe { libc::ptrace(libc::PTRACE_POKEUSER, thread, place, value) };
}
