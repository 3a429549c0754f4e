//! The most memory that a process of a family has: a command, and all that it starts while it runs.
//!
//! What groundup starts in sandboxes ends without a trace in the accounts of whoever waits for it, so
//! it is looked at while it lives. The kernel keeps the most that each process ever had, so a look ten
//! times a second misses little of a process that lives for seconds.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

const OFTEN: Duration = Duration::from_millis(100);

/// Runs `job` and gives with its answer the most memory in bytes of a process that it started.
pub(crate) fn watched<T>(job: impl FnOnce() -> T) -> (T, u64) {
    let (over, most) = (AtomicBool::new(false), AtomicU64::new(0));
    let answer = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                most.fetch_max(look(), Ordering::Relaxed);
                std::thread::sleep(OFTEN);
            }
        });
        let answer = job();
        over.store(true, Ordering::Relaxed);
        answer
    });
    (answer, most.into_inner())
}

/// The most memory that one of this process's descendants has had so far.
fn look() -> u64 {
    let mut parents: BTreeMap<u32, u32> = BTreeMap::new();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    for id in entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()) {
        if let Some(parent) = field(id, "PPid:") {
            parents.insert(id, parent as u32);
        }
    }
    let mut family = BTreeSet::from([std::process::id()]);
    loop {
        let before = family.len();
        let young = parents.iter().filter(|(_, parent)| family.contains(parent));
        let young: Vec<u32> = young.map(|(id, _)| *id).collect();
        family.extend(young);
        if family.len() == before {
            break;
        }
    }
    family.remove(&std::process::id());
    let most = family.into_iter().filter_map(|id| field(id, "VmHWM:")).max();
    most.unwrap_or(0) * 1024
}

fn field(id: u32, name: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().trim_end_matches(" kB").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn the_memory_of_a_grandchild_counts() {
        let script = "sh -c 'x=$(head -c 30000000 /dev/zero | tr \\\\0 x); sleep 1'; true";
        let (status, most) = watched(|| Command::new("sh").args(["-c", script]).status());
        assert!(status.is_ok_and(|status| status.success()));
        assert!((30_000_000..300_000_000).contains(&most), "{most}");
    }
}
