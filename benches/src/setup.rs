//! What is measured on, and the peers, which come as a target of this repository.

use crate::{
    bench::{Bench, once, output},
    error::{Result, Tried},
    record::Setup,
};
use std::{collections::BTreeMap, fs, process::Command};

/// The store that the peers, the demo and what is packed come from.
pub(crate) const STORE: &str = "store";

/// Programs of the peers, and the package whose version is theirs.
const PACKAGES: [&str; 12] = [
    "b3sum",
    "bubblewrap",
    "buildah",
    "busybox-static",
    "cryptsetup-bin",
    "dpkg",
    "ninja-build",
    "nix-bin",
    "qemu-utils",
    "squashfs-tools",
    "umoci",
    "zstd",
];

impl Bench {
    /// Builds what the peers and the material of several workloads are, once.
    pub fn prepare(&self) -> Result<()> {
        for target in ["rootfs.bench-peers", "rootfs.bench-compiler"] {
            let folder = self.folder("peers");
            fs::create_dir_all(&folder).tried("make", &folder)?;
            let mut build = self.groundup(&self.repository, STORE);
            output(build.args(["build", target, "--out"]).arg(&folder))?;
        }
        self.configure_nix()
    }

    /// Nix with its sandbox, no caches, and as root without users for builds.
    fn configure_nix(&self) -> Result<()> {
        let folder = self.peers().join("etc/nix");
        once(&folder, |folder| {
            let text = "sandbox = true\nbuild-users-group =\nsubstituters =\nmax-jobs = 2\n";
            fs::write(folder.join("nix.conf"), text).tried("write", folder)?;
            // Nix finds its helper programs by argv[0]; a package's alternatives are not made.
            Ok(())
        })
    }

    /// What is measured on.
    pub fn setup(&self) -> Result<Setup> {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| Some(line.split_once(':')?.1.trim().to_owned()))
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal").unwrap_or_default();
        let kibibytes: u64 = memory.trim_end_matches(" kB").parse().unwrap_or(0);
        let lock = read(&self.repository.join("groundup.lock").to_string_lossy());
        let version = |name: &&str| {
            let start = format!("\"{name} ");
            let line = lock.lines().find_map(|line| line.strip_prefix(&start))?;
            Some((name.to_string(), line.split(' ').next()?.to_owned()))
        };
        let mut git = Command::new("git");
        git.current_dir(&self.repository).args(["rev-parse", "--short=12", "HEAD"]);
        Ok(Setup {
            date: jiff::Zoned::now().date().to_string(),
            size: self.size,
            cpu: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: kibibytes * 1024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            file_system: self.file_system(),
            commit: output(&mut git).unwrap_or_default().trim().to_owned(),
            peers: PACKAGES.iter().filter_map(version).collect::<BTreeMap<_, _>>(),
        })
    }

    /// The kind of file system that the work folder is on: the longest mount point above it.
    fn file_system(&self) -> String {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let fields = mounts.lines().filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            Some((words.next()?, words.next()?))
        });
        let above = fields.filter(|(place, _)| self.work.starts_with(place));
        above.max_by_key(|(place, _)| place.len()).map_or("unknown", |(_, kind)| kind).to_owned()
    }
}
