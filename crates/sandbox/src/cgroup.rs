//! The cgroups of a run, where this user may make them: version 2, version 1, or both on one host.
//!
//! Only limits that need one make one. A cgroup is made beside or below the caller's own, in a place
//! whose controllers are switched on already; groundup moves no process but its own and changes no
//! cgroup that it did not make. Init enters the groups, so the launcher outside survives what
//! happens in them. Left-overs of killed builders are removed by the next.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Once};
use std::time::Duration;

use rustix::fs::Access;

use crate::wire::{Group, GroupKind};
use crate::{Enforcement, Limits};

/// The groups of one run; dropping removes them.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    pub(crate) groups: Vec<Group>,
    /// The files by which a process enters, opened as the builder: rights are checked at opening.
    pub(crate) members: Vec<File>,
    pub(crate) memory: Enforcement,
    pub(crate) processes: Enforcement,
}

impl Groups {
    /// Makes what this host allows for these limits.
    pub(crate) fn create(limits: &Limits) -> Self {
        let mut made = Self::default();
        if limits.memory.is_none() && limits.processes.is_none() {
            return made;
        }
        // Where a process stands is not expected to change while it builds; reading it takes a while.
        static HIERARCHIES: LazyLock<Vec<Hierarchy>> = LazyLock::new(hierarchies);
        let hierarchies = &*HIERARCHIES;
        if let Some(place) = hierarchies.iter().find_map(|found| found.unified_place(limits))
            && let Some(group) = make(&place, GroupKind::Unified, |dir| {
                if let Some(bytes) = limits.memory {
                    fs::write(dir.join("memory.max"), bytes.to_string())?;
                    // Swap counts as memory; a kernel without it has no such file.
                    optional(fs::write(dir.join("memory.swap.max"), "0"))?;
                }
                if let Some(count) = limits.processes {
                    fs::write(dir.join("pids.max"), with_init(count).to_string())?;
                }
                Ok(())
            })
        {
            made.add(group);
            made.memory = asked(limits.memory, Enforcement::CgroupV2);
            made.processes = asked(limits.processes, Enforcement::CgroupV2);
            return made;
        }
        if let Some(bytes) = limits.memory
            && let Some(place) = hierarchies.iter().find_map(|found| found.v1_place("memory"))
            && let Some(group) = make(place, GroupKind::MemoryV1, |dir| {
                fs::write(dir.join("memory.limit_in_bytes"), bytes.to_string())?;
                optional(fs::write(dir.join("memory.memsw.limit_in_bytes"), bytes.to_string()))
            })
        {
            made.add(group);
            made.memory = Enforcement::CgroupV1;
        }
        if let Some(count) = limits.processes
            && let Some(place) = hierarchies.iter().find_map(|found| found.v1_place("pids"))
            && let Some(group) = make(place, GroupKind::PidsV1, |dir| {
                fs::write(dir.join("pids.max"), with_init(count).to_string())
            })
        {
            made.add(group);
            made.processes = Enforcement::CgroupV1;
        }
        made
    }

    fn add(&mut self, (group, members): (Group, File)) {
        self.groups.push(group);
        self.members.push(members);
    }

    /// The most memory that was in use, where a cgroup counted.
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let read = |path: PathBuf| fs::read_to_string(path).ok()?.trim().parse().ok();
        self.groups.iter().find_map(|group| match group.kind {
            GroupKind::Unified => read(group.path.join("memory.peak")),
            GroupKind::MemoryV1 => read(group.path.join("memory.max_usage_in_bytes")),
            GroupKind::PidsV1 => None,
        })
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        for group in &self.groups {
            // A process that is dead already leaves its cgroup a moment later.
            for _ in 0..200 {
                match fs::remove_dir(&group.path) {
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                        std::thread::sleep(Duration::from_millis(2));
                    }
                    _ => break,
                }
            }
        }
    }
}

fn asked(limit: Option<u64>, how: Enforcement) -> Enforcement {
    if limit.is_some() { how } else { Enforcement::NotAsked }
}

/// Init is one process more than the caller counts.
fn with_init(count: u64) -> u64 {
    count.saturating_add(1)
}

fn optional(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Makes a group in `place` with its limits, or nothing.
fn make(
    place: &Path,
    kind: GroupKind,
    configure: impl FnOnce(&Path) -> io::Result<()>,
) -> Option<(Group, File)> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    sweep(place);
    let path = place.join(format!("{PREFIX}{}-{count}", std::process::id()));
    fs::create_dir(&path).ok()?;
    // Version 1 takes a thread that moves itself without stopping the whole machine's forks for a grace
    // period, which entering by `cgroup.procs` costs. Init has one thread.
    let entrance = match kind {
        GroupKind::Unified => "cgroup.procs",
        GroupKind::MemoryV1 | GroupKind::PidsV1 => "tasks",
    };
    let members = configure(&path)
        .ok()
        .and_then(|()| OpenOptions::new().write(true).open(path.join(entrance)).ok());
    match members {
        Some(members) => Some((Group { path, kind }, members)),
        None => {
            let _ = fs::remove_dir(&path);
            None
        }
    }
}

const PREFIX: &str = "groundup-";

/// Removes, once, the empty groups of builders that are gone.
#[allow(clippy::disallowed_methods, reason = "the order of removals is not seen")]
fn sweep(place: &Path) {
    static SWEPT: Once = Once::new();
    SWEPT.call_once(|| {
        for entry in fs::read_dir(place).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let pid = name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next());
            if let Some(pid) = pid
                && pid.parse::<u32>().is_ok()
                && !Path::new("/proc").join(pid).exists()
            {
                // Fails, as it should, while it has processes.
                let _ = fs::remove_dir(entry.path());
            }
        }
    });
}

/// One mounted hierarchy and the caller's place in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    /// Empty for version 2.
    pub(crate) controllers: Vec<String>,
    mount: PathBuf,
    own: PathBuf,
}

impl Hierarchy {
    /// Version 2: the nearest group from the caller's own upwards that hands on the controllers.
    fn unified_place(&self, limits: &Limits) -> Option<PathBuf> {
        if !self.controllers.is_empty() {
            return None;
        }
        let mut needed = Vec::new();
        needed.extend(limits.memory.map(|_| "memory"));
        needed.extend(limits.processes.map(|_| "pids"));
        let hands_on = |dir: &Path| {
            let text = fs::read_to_string(dir.join("cgroup.subtree_control")).unwrap_or_default();
            needed.iter().all(|name| text.split_whitespace().any(|word| word == *name))
        };
        let may_move = |dir: &Path| {
            rustix::fs::access(dir, Access::WRITE_OK).is_ok()
                && rustix::fs::access(dir.join("cgroup.procs"), Access::WRITE_OK).is_ok()
        };
        let places = self.own.ancestors().take_while(|dir| dir.starts_with(&self.mount));
        places.filter(|dir| may_move(dir)).find(|dir| hands_on(dir)).map(Path::to_path_buf)
    }

    /// Version 1: the caller's own group, when this hierarchy has the controller.
    fn v1_place(&self, controller: &str) -> Option<&Path> {
        let found = self.controllers.iter().any(|name| name == controller);
        (found && rustix::fs::access(&self.own, Access::WRITE_OK).is_ok()).then_some(&self.own)
    }
}

/// What is mounted, read from `/proc/self`.
pub(crate) fn hierarchies() -> Vec<Hierarchy> {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    parse(&read("/proc/self/mountinfo"), &read("/proc/self/cgroup"))
}

/// Joins the mounts of cgroup file systems with the caller's place in each (proc(5), cgroups(7)).
fn parse(mountinfo: &str, cgroup: &str) -> Vec<Hierarchy> {
    let mut found = Vec::new();
    for line in mountinfo.lines() {
        let Some((place, kind)) = line.split_once(" - ") else { continue };
        let fields: Vec<&str> = place.split(' ').collect();
        let kind: Vec<&str> = kind.split(' ').collect();
        let ([_, _, _, root, mount, ..], [fs_type, _, options]) = (&fields[..], &kind[..]) else {
            continue;
        };
        let options: Vec<&str> = options.split(',').collect();
        let own = cgroup.lines().find_map(|line| {
            let mut parts = line.splitn(3, ':');
            let (_, names, path) = (parts.next()?, parts.next()?, parts.next()?);
            let same = match *fs_type {
                "cgroup2" => names.is_empty(),
                "cgroup" => !names.is_empty() && names.split(',').all(|n| options.contains(&n)),
                _ => false,
            };
            same.then_some((names, path))
        });
        let Some((names, path)) = own else { continue };
        // A bind mount of a part of the hierarchy shows paths below that part.
        let below = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
        found.push(Hierarchy {
            controllers: names.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect(),
            mount: PathBuf::from(mount),
            own: Path::new(mount).join(below),
        });
    }
    found
}

/// How memory and process limits would be held for this user, without a run.
pub(crate) fn expected() -> (Enforcement, Enforcement) {
    let limits = Limits { memory: Some(1 << 30), processes: Some(1000), ..Limits::default() };
    let groups = Groups::create(&limits);
    (groups.memory, groups.processes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_callers_place_in_both_versions() {
        let mountinfo = "\
30 20 0:26 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
31 20 0:27 / /sys/fs/cgroup/unified rw shared:3 - cgroup2 cgroup2 rw,nsdelegate
32 20 0:28 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct
33 20 8:1 / / rw - ext4 /dev/sda rw";
        let cgroup = "4:memory:/jobs/a\n2:cpu,cpuacct:/\n0::/user.slice/x\n1:name=systemd:/";
        let found = parse(mountinfo, cgroup);
        let own: Vec<_> = found.iter().map(|found| found.own.to_str().unwrap()).collect();
        assert_eq!(
            own,
            [
                "/sys/fs/cgroup/memory/jobs/a",
                "/sys/fs/cgroup/unified/user.slice/x",
                "/sys/fs/cgroup/cpu/"
            ]
        );
        assert_eq!(found[2].controllers, ["cpu", "cpuacct"]);
        assert!(found[1].controllers.is_empty());
    }

    #[test]
    fn a_place_must_hand_on_its_controllers() {
        let top = tempfile::tempdir().unwrap();
        let own = top.path().join("slice/scope");
        fs::create_dir_all(&own).unwrap();
        for dir in own.ancestors().take(3) {
            fs::write(dir.join("cgroup.procs"), "").unwrap();
            fs::write(dir.join("cgroup.subtree_control"), "").unwrap();
        }
        let found = Hierarchy { controllers: vec![], mount: top.path().into(), own: own.clone() };
        let limits = Limits { memory: Some(1), ..Limits::default() };
        assert_eq!(found.unified_place(&limits), None);
        fs::write(top.path().join("slice/cgroup.subtree_control"), "memory pids\n").unwrap();
        assert_eq!(found.unified_place(&limits), Some(top.path().join("slice")));
    }
}
