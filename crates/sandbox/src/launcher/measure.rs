//! What the processes of a sandbox use, counted in its own `/proc`.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{Dir, Mode, OFlags};

use crate::sys;

/// Processes with their threads, and bytes of memory that are theirs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) threads: u64,
    pub(super) memory: u64,
}

/// How exactly memory is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Precision {
    /// Pages of their own; what a fork shares counts twice.
    Quick,
    /// Each page once, divided among those that share it. Walks page tables.
    Exact,
}

/// Counts all processes but init, which is not the step's.
pub(super) fn count(proc: &OwnedFd, precision: Precision) -> io::Result<Count> {
    let mut total = Count::default();
    for entry in Dir::read_from(proc)? {
        let entry = entry?;
        let Ok(pid) = entry.file_name().to_str() else { continue };
        if pid == "1" || !pid.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let read = |file: &str| read(proc, &format!("{pid}/{file}"));
        // A process that ends meanwhile counts nothing.
        total.threads += read("stat").and_then(|stat| threads(&stat)).unwrap_or(0);
        total.memory += match precision {
            Precision::Quick => read("statm").and_then(|statm| own_bytes(&statm)),
            Precision::Exact => read("smaps_rollup").map(|rollup| private_bytes(&rollup)),
        }
        .unwrap_or(0);
    }
    Ok(total)
}

fn read(proc: &OwnedFd, path: &str) -> Option<String> {
    let file = rustix::fs::openat(proc, path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    let file = file.ok()?;
    let mut text = vec![0; 4096];
    let length = rustix::io::read(&file, &mut text).ok()?;
    text.truncate(length);
    Some(String::from_utf8_lossy(&text).into_owned())
}

/// The 20th field of `stat`; the second, in brackets, may hold anything.
fn threads(stat: &str) -> Option<u64> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(17)?.parse().ok()
}

/// Resident less shared pages of `statm`.
fn own_bytes(statm: &str) -> Option<u64> {
    let mut fields = statm.split(' ').skip(1).map(|field| field.parse::<u64>().ok());
    let (resident, shared) = (fields.next()??, fields.next()??);
    Some(resident.saturating_sub(shared) * sys::page_size())
}

/// The proportional share of anonymous and shared memory.
fn private_bytes(rollup: &str) -> u64 {
    let rows = rollup.lines().filter_map(|line| {
        let value = line.strip_prefix("Pss_Anon:").or(line.strip_prefix("Pss_Shmem:"))?;
        value.trim().strip_suffix(" kB")?.parse::<u64>().ok()
    });
    rows.sum::<u64>() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_counts_of_odd_process_names() {
        let stat = "7 (a b) c) S 1 7 7 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 100";
        assert_eq!(threads(stat), Some(3));
    }

    #[test]
    fn reads_memory() {
        let page = sys::page_size();
        assert_eq!(own_bytes("100 50 20 1 0 9 0\n"), Some(30 * page));
        let rollup = "1-2 ---p [rollup]\nPss:  9 kB\nPss_Anon:  4 kB\nPss_Shmem:   2 kB\n";
        assert_eq!(private_bytes(rollup), 6 * 1024);
    }
}
