//! Answers to the calls that the filter passes to the launcher: a fixed machine for `uname` and
//! `sysinfo`; what looks at paths is noted and goes on.

use std::os::fd::{AsFd, OwnedFd};

use super::facts;
use super::tracer::Tracer;
use crate::sys::{self, Question};

/// Answers the next question of a listener; false when there will be none any more.
pub(super) fn next(listener: &OwnedFd, hostname: &str, tracer: Option<&mut Tracer>) -> bool {
    let listener = listener.as_fd();
    let question = match sys::next_question(listener) {
        Ok(question) => question,
        // The asker died, or a signal came: there may be another question.
        Err(error) => {
            return matches!(error.raw_os_error(), Some(libc::ENOENT | libc::EINTR));
        }
    };
    if let Some(tracer) = tracer
        && tracer.note(&question)
    {
        let _ = sys::let_happen(listener, question.id);
        return true;
    }
    let bytes = bytes(&question, hostname);
    let errno = match sys::still_asking(listener, question.id) {
        Ok(()) => match sys::write_memory(question.pid, question.args[0], &bytes) {
            Ok(()) => 0,
            Err(_) => libc::EFAULT,
        },
        Err(_) => return true,
    };
    let _ = sys::answer(listener, question.id, errno);
    true
}

/// What is written at the first argument.
pub(super) fn bytes(question: &Question, hostname: &str) -> Vec<u8> {
    if i64::from(question.call) == libc::SYS_sysinfo { sysinfo() } else { uname(hostname) }
}

/// `struct new_utsname`: six fields of 65 bytes, in every interface.
fn uname(hostname: &str) -> Vec<u8> {
    let host = rustix::system::uname();
    let machine = host.machine().to_string_lossy();
    ["Linux", hostname, facts::RELEASE, facts::BUILD, &machine, facts::DOMAIN]
        .into_iter()
        .flat_map(|text| {
            let mut field = [0_u8; 65];
            let length = text.len().min(64);
            field[..length].copy_from_slice(&text.as_bytes()[..length]);
            field
        })
        .collect()
}

/// `struct sysinfo` of the 64-bit interfaces (sysinfo(2)).
fn sysinfo() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(112);
    bytes.extend(facts::UPTIME.to_ne_bytes());
    bytes.extend([0; 24]); // load averages
    bytes.extend(facts::MEMORY.to_ne_bytes());
    bytes.extend(facts::MEMORY.to_ne_bytes()); // free
    bytes.extend([0; 32]); // shared, buffers, total and free swap
    bytes.extend(2_u16.to_ne_bytes()); // processes
    bytes.extend([0; 6]); // padding
    bytes.extend([0; 16]); // high memory, total and free
    bytes.extend(1_u32.to_ne_bytes()); // the unit: a byte
    bytes.extend([0; 4]);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn structures_have_the_kernels_sizes() {
        assert_eq!(uname("host").len(), size_of::<libc::utsname>());
        assert_eq!(sysinfo().len(), size_of::<libc::sysinfo>());
    }
}
