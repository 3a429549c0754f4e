//! A socket by which a command in a sandbox has programs run by its builder.
//!
//! The directory of a [`Messenger`] is mounted at [`Messenger::INSIDE`]. It holds a program, `reuse`,
//! and a socket. The command calls `/groundup/reuse PROGRAM ARGUMENT…`; each call is a [`Message`],
//! and the builder's [`Answer`] is what becomes of it. What comes in is the command's word and is
//! not to be trusted.
//!
//! Frames, all numbers 32 bits and little-endian. A message: the bytes that follow; flags (1: the
//! first environment is wanted, 2: the standard input is empty; from bit 8 the mask of modes); the
//! working directory, zero-terminated; the counts of arguments and of variables; they, each
//! zero-terminated. An answer: the exit code, or 256 for "become the program yourself"; the count of
//! bytes that follow; what to write to standard error, or the variables, each zero-terminated.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::{Mode, OFlags};

use crate::Control;

/// The program, compiled by `build.rs`.
const PROGRAM: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/messenger"));

/// No message is longer: the kernel's own limit on arguments and environment is below it.
const MOST: u32 = 8 << 20;

/// The builder's end.
#[derive(Debug)]
pub struct Messenger {
    directory: PathBuf,
    listener: UnixListener,
}

/// A program that a command wants run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The working directory inside.
    pub cwd: String,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// The caller's environment; none when the program shall have the one that the run began with.
    pub env: Option<Vec<(String, String)>>,
    /// Whether the standard input has nothing to say.
    pub input_is_empty: bool,
    /// The mask of modes for new files.
    pub mask: u32,
}

/// What becomes of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It ran elsewhere: its exit code, and what it wrote to its standard streams.
    Ended(u8, Vec<u8>),
    /// The caller becomes the program, with these variables.
    Become(Vec<(String, String)>),
}

impl Messenger {
    /// Where the directory is mounted.
    pub const INSIDE: &'static str = "/groundup";
    /// What the command calls.
    pub const PROGRAM: &'static str = "/groundup/reuse";

    /// Puts program and socket into an empty directory.
    pub fn open(directory: &Path) -> io::Result<Self> {
        let program = directory.join("reuse");
        fs::write(&program, PROGRAM)?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        // The name of a socket has at most 108 bytes, and the directory's may have more.
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let opened = rustix::fs::open(directory, flags, Mode::empty())?;
        let number = std::os::fd::AsRawFd::as_raw_fd(&opened);
        let listener = UnixListener::bind(format!("/proc/self/fd/{number}/socket"))?;
        listener.set_nonblocking(true)?;
        Ok(Self { directory: directory.to_owned(), listener })
    }

    /// The directory to mount, read-only.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Answers no call any more: those that wait fail.
    pub fn refuse(&self) {
        // It fails only for what is no socket.
        let _ = rustix::net::shutdown(&self.listener, rustix::net::Shutdown::Both);
    }

    /// Waits for the next call; none once the control is cancelled.
    pub fn next(&self, until: &Control) -> io::Result<Option<UnixStream>> {
        loop {
            let mut fds = [
                PollFd::new(&self.listener, PollFlags::IN),
                PollFd::from_borrowed_fd(until.stop_fd(), PollFlags::IN),
            ];
            match poll(&mut fds, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            if !fds[1].revents().is_empty() {
                return Ok(None);
            }
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false)?;
                    return Ok(Some(stream));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

impl Message {
    /// Reads a message from a call.
    pub fn read(stream: &mut impl Read) -> io::Result<Self> {
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > MOST {
            return Err(malformed());
        }
        let mut bytes = Vec::new();
        stream.take(length.into()).read_to_end(&mut bytes)?;
        if bytes.len() != length as usize {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Self::parse(&bytes).ok_or_else(malformed)
    }

    /// Reads the body of a frame.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let flags = number(&mut rest)?;
        let cwd = text(&mut rest)?;
        let (words, variables) = (number(&mut rest)?, number(&mut rest)?);
        let mut argv = Vec::new();
        for _ in 0..words {
            argv.push(text(&mut rest)?);
        }
        let mut env = Vec::new();
        for _ in 0..variables {
            let variable = text(&mut rest)?;
            // What is no variable is nothing that a program could look up.
            if let Some((name, value)) = variable.split_once('=')
                && !name.is_empty()
            {
                env.push((name.to_owned(), value.to_owned()));
            }
        }
        (rest.is_empty() && !argv.is_empty()).then(|| Self {
            cwd,
            argv,
            env: (flags & 1 == 0).then_some(env),
            input_is_empty: flags & 2 != 0,
            mask: flags >> 8,
        })
    }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "a malformed message from inside a sandbox")
}

fn number(rest: &mut &[u8]) -> Option<u32> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(u32::from_le_bytes(*bytes))
}

fn text(rest: &mut &[u8]) -> Option<String> {
    let end = rest.iter().position(|byte| *byte == 0)?;
    let text = String::from_utf8(rest[..end].to_vec()).ok()?;
    *rest = &rest[end + 1..];
    Some(text)
}

impl Answer {
    /// Sends the answer to a call.
    pub fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let (code, body) = match self {
            Self::Ended(code, said) => (u32::from(*code), said.clone()),
            Self::Become(env) => {
                let texts = env.iter().flat_map(|(name, value)| [name, "=", value, "\0"]);
                (256, texts.collect::<String>().into_bytes())
            }
        };
        let length = u32::try_from(body.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        let mut frame = [code.to_le_bytes(), length.to_le_bytes()].concat();
        frame.extend(body);
        stream.write_all(&frame)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(flags: u32, cwd: &str, argv: &[&str], env: &[&str]) -> Vec<u8> {
        let mut bytes = flags.to_le_bytes().to_vec();
        bytes.extend(cwd.bytes().chain([0]));
        bytes.extend((argv.len() as u32).to_le_bytes());
        bytes.extend((env.len() as u32).to_le_bytes());
        for text in argv.iter().chain(env) {
            bytes.extend(text.bytes().chain([0]));
        }
        bytes
    }

    #[test]
    fn a_message_is_read() {
        let bytes = frame(2 | 0o22 << 8, "/build", &["gcc", ""], &["A=1=2", "odd"]);
        let message = Message::parse(&bytes).unwrap();
        let env = Some(vec![("A".to_owned(), "1=2".to_owned())]);
        let argv = vec!["gcc".to_owned(), String::new()];
        let cwd = "/build".to_owned();
        assert_eq!(message, Message { cwd, argv, env, input_is_empty: true, mask: 0o22 });
        assert_eq!(Message::parse(&frame(1, "/", &["x"], &["A=1"])).unwrap().env, None);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let good = frame(0, "/", &["x"], &["A=1"]);
        for length in 0..good.len() {
            assert_eq!(Message::parse(&good[..length]), None);
        }
        assert_eq!(Message::parse(&[&good[..], b"x"].concat()), None);
        assert_eq!(Message::parse(&frame(0, "/", &[], &[])), None);
        let huge = [&(MOST + 1).to_le_bytes()[..], &good].concat();
        assert!(Message::read(&mut &huge[..]).is_err());
        let short = [&100_u32.to_le_bytes()[..], &good].concat();
        assert!(Message::read(&mut &short[..]).is_err());
    }
}
