//! apt as the oracle of dependency resolution: the apt of `rootfs.tools`, over the very indexes that
//! the lock pins.
//!
//! apt is given the indexes as a local repository, an empty dpkg status and one architecture, and
//! simulates an installation; the resolver is asked the same.

use crate::{copy_recipes, in_workspace, succeed};
use groundup_debian::{
    archive::{Index, unpack},
    resolve::{Request, Resolver, Wanted},
};
use groundup_recipe::{Lock, Sources, lock::IndexKey};
use groundup_store::{OpenOptions, Store};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// The architectures that are compared.
pub const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];

/// Package sets from small to large, of many kinds.
pub const SETS: [&str; 25] = [
    "libc6",
    "bash coreutils",
    "build-essential",
    "nginx",
    "python3",
    "systemd",
    "podman",
    "qemu-system-x86",
    "perl",
    "git",
    "curl",
    "openssh-server",
    "iptables",
    "nftables",
    "containerd",
    "default-jre-headless",
    "postgresql",
    "apache2",
    "golang",
    "rustc",
    "nodejs",
    "python3-pip",
    "ruby",
    "vim",
    "docker.io",
];

/// Name, version and architecture of packages.
type Packages = BTreeSet<(String, String, String)>;

/// A workspace with apt and both indexes.
pub struct Oracle {
    root: PathBuf,
    indexes: BTreeMap<&'static str, Index>,
}

impl Oracle {
    /// Prepares one below `root`, which is an empty directory.
    pub fn prepare(root: &Path) -> Self {
        copy_recipes(root);
        let both = "[rootfs.oracle]\narchive = \"debian\"\npackages = [\"libc6\"]\n\
                    platforms = [\"linux/amd64\", \"linux/arm64\"]\n";
        fs::write(root.join("recipes/oracle.toml"), both).expect("a file of the test");
        succeed(in_workspace(root).arg("lock"));
        succeed(in_workspace(root).args(["build", "--no-out", "rootfs.tools"]));
        let text = fs::read_to_string(root.join("groundup.lock")).expect("the lock is there");
        let lock = Lock::parse(&mut Sources::new(), "groundup.lock", &text).expect("a good lock");
        let store = Store::open(&root.join("store"), &OpenOptions::default()).expect("a store");
        let mut indexes = BTreeMap::new();
        for arch in ARCHITECTURES {
            let key = IndexKey { component: "main".into(), arch: arch.into() };
            let pin = &lock.archives["debian"].value.indexes[&key];
            let blob = store.blob_by_sha256(pin.sha256, pin.size).expect("the store answers");
            let blob = blob.expect("locking has fetched the index");
            let packed = store.read_blob(blob).expect("the index is whole");
            // By-hash paths do not say how they are compressed; Debian's indexes are xz.
            let text = unpack("Packages.xz", &packed, 1 << 30).expect("the index unpacks");
            let folder = root.join("apt").join(arch);
            for dir in ["repository", "lists/partial", "cache/archives/partial", "etc"] {
                fs::create_dir_all(folder.join(dir)).expect("a directory of the test");
            }
            fs::write(folder.join("repository/Packages"), &text).expect("a file of the test");
            fs::write(folder.join("status"), "").expect("a file of the test");
            let repository = folder.join("repository");
            let source = format!("deb [trusted=yes] file:{} ./\n", repository.display());
            fs::write(folder.join("sources.list"), source).expect("a file of the test");
            fs::write(folder.join("apt.conf"), configuration(&folder, arch))
                .expect("a file of the test");
            indexes.insert(arch, Index::parse(&text).expect("the index is well-formed"));
        }
        let oracle = Self { root: root.to_owned(), indexes };
        for arch in ARCHITECTURES {
            oracle.in_tools(&format!("{} apt-get update", oracle.with_configuration(arch)));
        }
        oracle
    }

    fn with_configuration(&self, arch: &str) -> String {
        format!("APT_CONFIG='{}'", self.root.join("apt").join(arch).join("apt.conf").display())
    }

    fn in_tools(&self, script: &str) -> String {
        let mut run = in_workspace(&self.root);
        succeed(run.args(["run", "rootfs.tools", "--", "/bin/sh", "-euc", script]))
    }

    /// The sets about which apt and the resolver disagree, with the difference in words.
    pub fn disagreements(&self, arch: &str, sets: &[String]) -> Vec<String> {
        let index = &self.indexes[arch];
        let resolver = Resolver::new(&[index], arch);
        let theirs = self.simulate(arch, sets);
        let mut found = Vec::new();
        for (set, theirs) in sets.iter().zip(theirs) {
            let wanted: Vec<Wanted> =
                set.split(' ').map(|name| name.parse().expect("a package name")).collect();
            let ours = resolver.resolve(&Request::new(arch, wanted)).ok().map(|resolution| {
                let packages = resolution.packages.into_iter();
                packages
                    .map(|package| (package.name, package.version, package.architecture))
                    .collect::<Packages>()
            });
            if ours != theirs {
                found.push(format!("{arch}: {set}: {}", difference(ours, theirs)));
            }
        }
        found
    }

    /// What apt would install for each set; none where it refuses.
    fn simulate(&self, arch: &str, sets: &[String]) -> Vec<Option<Packages>> {
        let mut script = format!("export {} LC_ALL=C\n", self.with_configuration(arch));
        for set in sets {
            script.push_str(&format!(
                "echo '=== {set}'\napt-get -s install {set} 2>/dev/null || echo REFUSED\n"
            ));
        }
        let said = self.in_tools(&script);
        let answers = said.split("=== ").skip(1).map(|answer| {
            if answer.contains("\nREFUSED") {
                return None;
            }
            Some(
                answer
                    .lines()
                    .filter_map(|line| line.strip_prefix("Inst "))
                    .map(installed)
                    .collect(),
            )
        });
        answers.collect()
    }

    /// Names of packages drawn without repetition by a linear congruential generator (Knuth, MMIX).
    pub fn draw(&self, arch: &str, seed: u64, count: usize) -> Vec<String> {
        let names = self.indexes[arch].packages().map(|package| package.name().to_owned());
        let mut names: Vec<String> = names.collect::<BTreeSet<_>>().into_iter().collect();
        let mut state = seed;
        let mut drawn = Vec::new();
        while drawn.len() < count && !names.is_empty() {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let place = (state >> 33) as usize % names.len();
            drawn.push(names.swap_remove(place));
        }
        drawn
    }
}

/// The configuration of an apt that knows nothing of the host.
fn configuration(folder: &Path, arch: &str) -> String {
    let folder = folder.display();
    format!(
        "Dir::State::status \"{folder}/status\";\n\
         Dir::State::lists \"{folder}/lists\";\n\
         Dir::Cache \"{folder}/cache\";\n\
         Dir::Etc::sourcelist \"{folder}/sources.list\";\n\
         Dir::Etc::sourceparts \"/dev/null\";\n\
         Dir::Etc::preferencesparts \"/dev/null\";\n\
         APT::Architecture \"{arch}\";\n\
         APT::Architectures {{ \"{arch}\"; }};\n\
         APT::Install-Recommends \"false\";\n\
         APT::Sandbox::User \"root\";\n\
         Acquire::Languages \"none\";\n"
    )
}

/// `NAME (VERSION ORIGIN [ARCH])`, the rest of a line that starts with `Inst `.
fn installed(line: &str) -> (String, String, String) {
    let (name, rest) = line.split_once(" (").expect("apt names a version");
    let name = name.split_once(':').map_or(name, |(name, _)| name);
    let version = rest.split_whitespace().next().expect("apt names a version");
    let (origin, _) = rest.split_once("])").expect("apt names an architecture");
    let (_, arch) = origin.rsplit_once('[').expect("apt names an architecture");
    (name.to_owned(), version.to_owned(), arch.to_owned())
}

fn difference(ours: Option<Packages>, theirs: Option<Packages>) -> String {
    let (Some(ours), Some(theirs)) = (&ours, &theirs) else {
        let word =
            |packages: &Option<Packages>| if packages.is_some() { "installs" } else { "refuses" };
        return format!("groundup {}, apt {}", word(&ours), word(&theirs));
    };
    let shown = |packages: Vec<&(String, String, String)>| {
        let words = packages.iter().map(|(name, version, _)| format!("{name}={version}"));
        words.collect::<Vec<_>>().join(" ")
    };
    format!(
        "only apt: [{}], only groundup: [{}]",
        shown(theirs.difference(ours).collect()),
        shown(ours.difference(theirs).collect())
    )
}
