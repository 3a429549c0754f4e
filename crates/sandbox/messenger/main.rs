//! The program that a command inside a sandbox calls to have another program run by the builder.
//!
//! ```text
//! reuse [-i] PROGRAM [ARGUMENT…]
//! ```
//!
//! It sends the command to the socket beside it and does what the answer says: end as the program
//! ended elsewhere, or become the program here. `-i` gives the program the environment that the whole
//! run began with instead of the caller's. It must start in whatever root file system there is, so it
//! is linked with nothing, not even a C library. `src/messenger.rs` is the other end and describes the
//! frames.
#![no_std]
#![no_main]

use core::arch::{asm, global_asm};

const SOCKET: &[u8] = b"/groundup/socket";

#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "mov rdi, rsp", "and rsp, -16", "call main", "ud2");
#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x0, sp", "bl main", "brk 0");

/// Numbers of the system calls (`asm/unistd.h`).
#[cfg(target_arch = "x86_64")]
mod call {
    pub const READ: usize = 0;
    pub const WRITE: usize = 1;
    pub const FSTAT: usize = 5;
    pub const MMAP: usize = 9;
    pub const SOCKET: usize = 41;
    pub const CONNECT: usize = 42;
    pub const EXECVE: usize = 59;
    pub const EXIT: usize = 231;
    pub const GETCWD: usize = 79;
    pub const UMASK: usize = 95;
    pub const PPOLL: usize = 271;
}
#[cfg(target_arch = "aarch64")]
mod call {
    pub const READ: usize = 63;
    pub const WRITE: usize = 64;
    pub const FSTAT: usize = 80;
    pub const MMAP: usize = 222;
    pub const SOCKET: usize = 198;
    pub const CONNECT: usize = 203;
    pub const EXECVE: usize = 221;
    pub const EXIT: usize = 94;
    pub const GETCWD: usize = 17;
    pub const UMASK: usize = 166;
    pub const PPOLL: usize = 73;
}

/// Makes a system call. The caller sees to it that the arguments are what the call expects.
unsafe fn syscall(number: usize, args: [usize; 6]) -> isize {
    let result;
    #[cfg(target_arch = "x86_64")]
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => result,
            in("rdi") args[0], in("rsi") args[1], in("rdx") args[2],
            in("r10") args[3], in("r8") args[4], in("r9") args[5],
            lateout("rcx") _, lateout("r11") _);
    }
    #[cfg(target_arch = "aarch64")]
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") args[0] as isize => result,
            in("x1") args[1], in("x2") args[2], in("x3") args[3], in("x4") args[4],
            in("x5") args[5]);
    }
    result
}

fn exit(code: u8) -> ! {
    // SAFETY: ends the process.
    unsafe { syscall(call::EXIT, [code.into(), 0, 0, 0, 0, 0]) };
    loop {}
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    fail(b"it panicked")
}

fn fail(why: &[u8]) -> ! {
    write_all(2, b"groundup: reuse: ");
    write_all(2, why);
    write_all(2, b"\n");
    exit(125)
}

fn write_all(fd: usize, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        let at = bytes.as_ptr() as usize;
        // SAFETY: the kernel reads `bytes`.
        let wrote = unsafe { syscall(call::WRITE, [fd, at, bytes.len(), 0, 0, 0]) };
        match wrote {
            -4 => {}
            1.. => bytes = &bytes[wrote as usize..],
            _ if fd == 2 => return,
            _ => fail(b"the builder does not listen"),
        }
    }
}

fn read_all(fd: usize, mut bytes: &mut [u8]) {
    while !bytes.is_empty() {
        let at = bytes.as_mut_ptr() as usize;
        // SAFETY: the kernel writes at most `bytes.len()` bytes into `bytes`.
        let got = unsafe { syscall(call::READ, [fd, at, bytes.len(), 0, 0, 0]) };
        match got {
            -4 => {}
            1.. => bytes = &mut bytes[got as usize..],
            _ => fail(b"the builder does not answer"),
        }
    }
}

/// Fresh memory that is never given back.
fn memory(length: usize) -> &'static mut [u8] {
    const READ_WRITE: usize = 3;
    const PRIVATE_ANONYMOUS: usize = 0x22;
    let length = length.max(1);
    // SAFETY: asks for memory that nothing else uses.
    let at = unsafe {
        syscall(call::MMAP, [0, length, READ_WRITE, PRIVATE_ANONYMOUS, usize::MAX, 0])
    };
    if at < 0 {
        fail(b"out of memory");
    }
    // SAFETY: the kernel just gave us so many zeroed bytes there.
    unsafe { core::slice::from_raw_parts_mut(at as *mut u8, length) }
}

/// The zero-terminated texts of a list that ends with null, without their zeroes.
struct Texts(*const *const u8);

impl Texts {
    fn get(&self, index: usize) -> Option<&'static [u8]> {
        // SAFETY: the kernel puts such lists on the stack of a new process, and callers ask for indices
        // up to the first that gives none only.
        unsafe {
            let text = *self.0.add(index);
            if text.is_null() {
                return None;
            }
            let mut length = 0;
            while *text.add(length) != 0 {
                length += 1;
            }
            Some(core::slice::from_raw_parts(text, length))
        }
    }

    fn count(&self) -> usize {
        (0..).find(|index| self.get(*index).is_none()).unwrap_or(0)
    }

    fn bytes(&self) -> usize {
        (0..).map_while(|index| self.get(index)).map(|text| text.len() + 1).sum()
    }
}

/// Writes a frame into a buffer.
struct Frame {
    bytes: &'static mut [u8],
    length: usize,
}

impl Frame {
    fn put(&mut self, bytes: &[u8]) {
        self.bytes[self.length..][..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len();
    }

    fn number(&mut self, number: usize) {
        self.put(&(number as u32).to_le_bytes());
    }

    fn texts(&mut self, texts: &Texts) {
        let mut index = 0;
        while let Some(text) = texts.get(index) {
            self.put(text);
            self.put(b"\0");
            index += 1;
        }
    }
}

/// Whether the standard input has nothing to say: closed, `/dev/null`, or at its end.
fn input_is_empty() -> bool {
    let mut stat = [0_u64; 32];
    // SAFETY: the kernel writes a `struct stat`, which is smaller, into `stat`.
    let got = unsafe { syscall(call::FSTAT, [0, stat.as_mut_ptr() as usize, 0, 0, 0, 0]) };
    if got < 0 {
        return true;
    }
    // `st_rdev` stands after device, inode, links with mode, and owners, in either layout.
    #[cfg(target_arch = "x86_64")]
    let device = stat[5];
    #[cfg(target_arch = "aarch64")]
    let device = stat[4];
    const NULL: u64 = 0x103;
    if device == NULL {
        return true;
    }
    const IN: u16 = 1;
    const HANG_UP: u16 = 16;
    let mut poll = [0_u32, u32::from(IN)];
    let now = [0_u64; 2];
    let args = [poll.as_mut_ptr() as usize, 1, now.as_ptr() as usize, 0, 0, 0];
    // SAFETY: one `struct pollfd` (descriptor, events, returned events) and a time, both alive.
    if unsafe { syscall(call::PPOLL, args) } < 0 {
        return false;
    }
    let events = (poll[1] >> 16) as u16;
    events & HANG_UP != 0 && events & IN == 0
}

/// The mask for modes of new files.
fn mask() -> usize {
    // SAFETY: numbers only.
    unsafe {
        let mask = syscall(call::UMASK, [0o077, 0, 0, 0, 0, 0]) as usize;
        syscall(call::UMASK, [mask, 0, 0, 0, 0, 0]);
        mask
    }
}

fn connect() -> usize {
    const UNIX: u16 = 1;
    const STREAM_CLOSED_ON_EXEC: usize = 0x8_0001;
    // SAFETY: numbers only.
    let socket = unsafe { syscall(call::SOCKET, [UNIX.into(), STREAM_CLOSED_ON_EXEC, 0, 0, 0, 0]) };
    if socket < 0 {
        fail(b"no socket can be made");
    }
    let mut address = [0; 2 + SOCKET.len() + 1];
    address[..2].copy_from_slice(&UNIX.to_ne_bytes());
    address[2..2 + SOCKET.len()].copy_from_slice(SOCKET);
    let args = [socket as usize, address.as_ptr() as usize, address.len(), 0, 0, 0];
    // SAFETY: the kernel reads a `struct sockaddr_un` of this length.
    if unsafe { syscall(call::CONNECT, args) } < 0 {
        fail(b"the builder cannot be reached");
    }
    socket as usize
}

#[unsafe(no_mangle)]
extern "C" fn main(stack: *const usize) -> ! {
    // SAFETY: at the start of a process the stack holds the count of arguments, the arguments, null,
    // the environment, null (System V ABI, "Process Initialization").
    let (count, list) = unsafe { (*stack, stack.add(1) as *const *const u8) };
    let mut first = 1;
    let initial = count > 1 && Texts(list).get(1) == Some(b"-i");
    if initial {
        first = 2;
    }
    if first >= count {
        fail(b"usage: reuse [-i] PROGRAM [ARGUMENT...]");
    }
    // SAFETY: within the list, and just behind its null.
    let (args, env) = unsafe { (Texts(list.add(first)), Texts(list.add(count + 1))) };

    let cwd = memory(4097);
    // SAFETY: the kernel writes at most so many bytes.
    let got = unsafe { syscall(call::GETCWD, [cwd.as_mut_ptr() as usize, 4096, 0, 0, 0, 0]) };
    if got <= 0 {
        fail(b"the working directory has no path");
    }
    let length = 4 + 4 + got as usize + 8 + args.bytes() + env.bytes();
    let mut frame = Frame { bytes: memory(length), length: 0 };
    frame.number(length - 4);
    let flags = usize::from(initial) | usize::from(input_is_empty()) << 1;
    frame.number(flags | mask() << 8);
    frame.put(&cwd[..got as usize]);
    frame.number(args.count());
    frame.number(env.count());
    frame.texts(&args);
    frame.texts(&env);
    let socket = connect();
    write_all(socket, &frame.bytes[..frame.length]);

    let mut head = [0; 8];
    read_all(socket, &mut head);
    let number = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let rest = memory(number(4) as usize + 1);
    let rest_length = rest.len() - 1;
    read_all(socket, &mut rest[..rest_length]);
    if let code @ 0..256 = number(0) {
        write_all(2, &rest[..rest_length]);
        exit(code as u8);
    }
    become_program(&args, &rest[..rest_length])
}

/// Executes the program here, with the zero-terminated variables of `env`.
fn become_program(args: &Texts, env: &[u8]) -> ! {
    let count = env.iter().filter(|byte| **byte == 0).count();
    let list = memory((count + 1) * size_of::<usize>());
    let list = list.as_mut_ptr() as *mut *const u8;
    let mut index = 0;
    let mut start = 0;
    let mut path: &[u8] = b"/bin:/usr/bin";
    for (at, byte) in env.iter().enumerate() {
        if *byte != 0 {
            continue;
        }
        if let Some(value) = env[start..at].strip_prefix(b"PATH=") {
            path = value;
        }
        // SAFETY: the list has room for every variable and a null, which is there already.
        unsafe { *list.add(index) = env[start..].as_ptr() };
        index += 1;
        start = at + 1;
    }
    let program = args.get(0).unwrap_or(b"");
    let execute = |file: &[u8]| {
        let pointers = [file.as_ptr() as usize, args.0 as usize, list as usize, 0, 0, 0];
        // SAFETY: a zero-terminated path and two lists that end with null, all alive.
        unsafe { syscall(call::EXECVE, pointers) }
    };
    let buffer = memory(path.len() + program.len() + 2);
    if program.contains(&b'/') {
        buffer[..program.len()].copy_from_slice(program);
        execute(buffer);
    } else {
        for directory in path.split(|byte| *byte == b':').filter(|it| !it.is_empty()) {
            buffer[..directory.len()].copy_from_slice(directory);
            buffer[directory.len()] = b'/';
            buffer[directory.len() + 1..][..program.len()].copy_from_slice(program);
            buffer[directory.len() + 1 + program.len()] = 0;
            execute(buffer);
        }
    }
    write_all(2, b"groundup: reuse: cannot execute ");
    write_all(2, program);
    write_all(2, b"\n");
    exit(127)
}

/// What the compiler expects of a C library.
mod library {
    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, count: usize) -> *mut u8 {
        for index in 0..count {
            // SAFETY: the caller has so many bytes at both places. Volatile, or this loop would be
            // compiled to a call of itself.
            unsafe { to.add(index).write_volatile(from.add(index).read_volatile()) };
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memset(to: *mut u8, value: i32, count: usize) -> *mut u8 {
        for index in 0..count {
            // SAFETY: the caller has so many bytes there.
            unsafe { to.add(index).write_volatile(value as u8) };
        }
        to
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn memcmp(a: *const u8, b: *const u8, count: usize) -> i32 {
        for index in 0..count {
            // SAFETY: the caller has so many bytes at both places.
            let (a, b) = unsafe { (a.add(index).read_volatile(), b.add(index).read_volatile()) };
            if a != b {
                return i32::from(a) - i32::from(b);
            }
        }
        0
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn strlen(text: *const u8) -> usize {
        let mut length = 0;
        // SAFETY: the caller's text ends with a zero.
        while unsafe { text.add(length).read_volatile() } != 0 {
            length += 1;
        }
        length
    }

    #[unsafe(no_mangle)]
    unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, count: usize) -> i32 {
        // SAFETY: as the caller has it.
        unsafe { memcmp(a, b, count) }
    }
}
