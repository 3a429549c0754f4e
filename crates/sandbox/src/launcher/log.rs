//! The way of a step's output into its log: a pipe, so that no step can reach the log itself.
//!
//! With the log as its standard error, a step's `> /dev/stderr` would cut the log to nothing.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::fs::OFlags;
use rustix::io::Errno;

/// The launcher's end of the pipe; its own standard output is the log.
pub(super) struct Log {
    pub(super) pipe: OwnedFd,
    /// Bytes copied so far.
    pub(super) bytes: u64,
    /// When the last ones came.
    pub(super) last: Instant,
    /// Nobody can write to it any more.
    pub(super) ended: bool,
    /// The most that may be copied.
    limit: u64,
}

/// What one look at the pipe gave.
#[derive(PartialEq, Eq)]
pub(super) enum Copied {
    /// Bytes, and there may be more.
    Some,
    /// Nothing for now, or never more.
    Nothing,
    /// More than the limit; what fits is in the log.
    TooMuch,
}

/// Makes the pipe: the log, and the end for the command.
pub(super) fn open() -> io::Result<(Option<Log>, Option<OwnedFd>)> {
    let (pipe, output) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    rustix::fs::fcntl_setfl(&pipe, OFlags::NONBLOCK)?;
    let log = Log { pipe, bytes: 0, last: Instant::now(), ended: false, limit: u64::MAX };
    Ok((Some(log), Some(output)))
}

impl Log {
    /// A run starts now, which may write no more than this in all.
    pub(super) fn start(&mut self, limit: Option<u64>, now: Instant) {
        self.limit = limit.unwrap_or(u64::MAX);
        self.last = now;
    }

    /// Copies what the pipe holds now, up to a buffer's length.
    pub(super) fn copy(&mut self) -> io::Result<Copied> {
        let mut buffer = vec![0; 1 << 16];
        let length = match rustix::io::read(&self.pipe, &mut buffer) {
            Ok(0) => {
                self.ended = true;
                return Ok(Copied::Nothing);
            }
            Err(Errno::AGAIN | Errno::INTR) => return Ok(Copied::Nothing),
            Ok(length) => length,
            Err(error) => return Err(error.into()),
        };
        self.last = Instant::now();
        let room = self.limit - self.bytes;
        let fits = length.min(usize::try_from(room).unwrap_or(usize::MAX));
        let mut rest = &buffer[..fits];
        while !rest.is_empty() {
            match rustix::io::write(rustix::stdio::stdout(), rest) {
                Ok(written) => rest = &rest[written..],
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.bytes += fits as u64;
        Ok(if fits < length { Copied::TooMuch } else { Copied::Some })
    }
}
