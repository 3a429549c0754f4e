//! Compares `rootfs.configured` with what real dpkg makes of the same packages, as root in a chroot.
//!
//! `cargo run --release -p groundup-tests --example compare_scripts [TARGET [WORKSPACE]]` builds the
//! target in a copy of this repository's recipes (or in the given workspace), lets the host's `tar` and
//! `dpkg-deb` unpack its packages, has the `dpkg` among them install them in a chroot with namespaces of
//! its own, and lists every path whose type, mode, owner, link target, capability or content differs
//! without a documented reason.
//! It needs root, `dpkg-deb`, `tar`, `unshare` and `chroot`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program of the test suite")]

use groundup_digest::{BlobId, TreeId};
use groundup_store::{OpenOptions, Store};
use groundup_tests::{copy_recipes, in_workspace, succeed};
use groundup_tree::{FileTree, Kind};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::{FileTypeExt, MetadataExt},
    path::{Path, PathBuf},
    process::Command,
};

/// Everything of a path that is compared.
#[derive(Debug, PartialEq, Eq)]
struct Facts {
    kind: &'static str,
    mode: u32,
    owner: (u32, u32),
    target: Vec<u8>,
    capability: Vec<u8>,
    content: String,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let target = arguments.next().unwrap_or_else(|| "rootfs.configured".to_owned());
    let folder = tempfile::tempdir().unwrap();
    let root = arguments.next().map_or_else(
        || {
            let root = folder.path().join("work");
            copy_recipes(&root);
            root
        },
        PathBuf::from,
    );
    let said = succeed(in_workspace(&root).args(["build", "--no-out", "--json", &target]));
    let at = said.rfind("tree:").expect("the answer names the tree") + 5;
    let id: TreeId = said[at..at + 64].parse().unwrap();
    let store = Store::open(&root.join("store"), &OpenOptions::default()).unwrap();
    let ours = of_tree(&store, &store.load_tree(id).unwrap());
    let place = folder.path().join("chroot");
    install(&root, &target, &place);
    let theirs = of_directory(&place);
    let paths: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let volatile = volatile();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut unexplained = 0;
    for path in paths {
        let pair = (ours.get(path), theirs.get(path));
        if pair.0 == pair.1 {
            continue;
        }
        match explained(path, pair, &volatile) {
            Some(reason) => *counts.entry(reason).or_default() += 1,
            None => {
                unexplained += 1;
                println!("{path}\n  groundup {:?}\n  dpkg     {:?}", pair.0, pair.1);
            }
        }
    }
    for (reason, count) in counts {
        println!("{count:6} differ: {reason}");
    }
    println!("{} paths, {unexplained} differ without a reason", ours.len().max(theirs.len()));
    drop(folder);
    std::process::exit(i32::from(unexplained > 0));
}

/// The volatile paths of the documentation, with why they are.
fn volatile() -> Vec<(String, String)> {
    let text = fs::read_to_string(groundup_tests::repository().join("docs/debian.md")).unwrap();
    let rows = text.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let [_, path, fate, why, _] = cells[..] else { return None };
        let known = ["removed", "files below removed", "emptied"].contains(&fate);
        let path = path.strip_prefix('`')?.strip_suffix('`')?;
        (known && path.starts_with('/')).then(|| (path.to_owned(), why.to_owned()))
    });
    rows.collect()
}

/// Why a difference is as it should be.
fn explained(
    path: &str,
    (ours, theirs): (Option<&Facts>, Option<&Facts>),
    volatile: &[(String, String)],
) -> Option<String> {
    let fits = |pattern: &str| match pattern.split_once('*') {
        Some((start, end)) => {
            path.len() >= start.len() + end.len() && path.starts_with(start) && path.ends_with(end)
        }
        None => path == pattern || path.strip_prefix(pattern).is_some_and(|r| r.starts_with('/')),
    };
    if let Some((_, why)) = volatile.iter().find(|(pattern, _)| fits(pattern)) {
        return Some(format!("volatile: {why}"));
    }
    let (Some(ours), Some(theirs)) = (ours, theirs) else { return None };
    // Numbers that scripts choose lie in 100-999.
    let chosen = |a: u32, b: u32| a == b || (100..1000).contains(&a) && (100..1000).contains(&b);
    let same = ours.kind == theirs.kind
        && (ours.mode, &ours.target) == (theirs.mode, &theirs.target)
        && ours.capability == theirs.capability;
    let same_content = ours.content == theirs.content;
    let accounts = ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"];
    let reason = match () {
        () if !same => return None,
        () if same_content
            && chosen(ours.owner.0, theirs.owner.0)
            && chosen(ours.owner.1, theirs.owner.1) =>
        {
            "numbers of users by the order of configuration"
        }
        () if ours.owner != theirs.owner => return None,
        () if accounts.contains(&path) => "accounts: their order, and days in the shadow file",
        () if path.ends_with(".pyc") => "byte code notes the time of its source",
        () => return None,
    };
    Some(reason.to_owned())
}

/// A file by its content; a file list of dpkg's in one order, since ours is sorted.
fn content_of(path: &str, bytes: &[u8]) -> String {
    let mut lines: Vec<&[u8]> = bytes.split_inclusive(|byte| *byte == b'\n').collect();
    if path.ends_with(".list") {
        lines.sort_unstable();
    }
    BlobId::of(&lines.concat()).to_string()
}

/// Has dpkg install the packages of the target in an empty directory.
fn install(root: &Path, target: &str, place: &Path) {
    let plan = succeed(in_workspace(root).args(["plan", "--json", target]));
    let plan: serde_json::Value = serde_json::from_str(plan.lines().last().unwrap()).unwrap();
    let debs = place.join("debs");
    fs::create_dir_all(&debs).unwrap();
    for step in plan["steps"].as_array().unwrap() {
        let name = step["step"].as_str().unwrap();
        let Some(package) = name.strip_prefix("package ").filter(|n| n.contains(" fetch ")) else {
            continue;
        };
        let id = step["outputs"]["out"].as_str().unwrap().strip_prefix("blob:").unwrap();
        let blob = root.join("store/blobs").join(&id[..2]).join(&id[2..]);
        let package = package.split(':').next().unwrap();
        fs::copy(blob, debs.join(format!("{package}.deb"))).unwrap();
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-euc", SCRIPT]).arg(place).env_clear();
    command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    for (name, value) in [
        ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("HOME", "/root"),
        ("LC_ALL", "C.UTF-8"),
        ("PYTHONHASHSEED", "0"),
        ("SYSTEMD_OFFLINE", "1"),
        ("TZ", "UTC"),
    ] {
        command.env(name, value);
    }
    succeed(&mut command);
}

const SCRIPT: &str = r#"
cd "$0"
for dir in bin lib lib32 lib64 libx32 sbin; do mkdir -p usr/$dir; ln -s usr/$dir $dir; done
for deb in debs/*.deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x -p --keep-directory-symlink --numeric-owner
done
mkdir -p var/lib/dpkg
: > var/lib/dpkg/status
: > var/lib/dpkg/available
printf '#!/bin/sh\nexit 101\n' > usr/sbin/policy-rc.d
chmod 755 usr/sbin/policy-rc.d
test -e usr/bin/awk || ln -s mawk usr/bin/awk
inside() {
    unshare -m -u -i -n -p -f --mount-proc="$PWD/proc" \
        /bin/sh -euc 'mount --bind /dev dev; exec chroot . /bin/sh -euc "$1"' sh "$1"
}
inside 'dpkg --force-unsafe-io,depends --install /debs/base-passwd.deb /debs/base-files.deb'
inside 'dpkg --force-unsafe-io,depends --unpack $(ls /debs/*.deb | grep -v -e /base-passwd.deb -e /base-files.deb)
    dpkg --configure -a'
rm -r debs usr/sbin/policy-rc.d
"#;

fn of_tree(store: &Store, tree: &FileTree) -> BTreeMap<String, Facts> {
    let facts = tree.iter().map(|(path, node)| {
        let capability = node.meta.xattrs.iter().find(|(name, _)| name.starts_with(b"security."));
        let facts = Facts {
            kind: node.kind.noun(),
            mode: u32::from(node.meta.mode.bits()),
            owner: (node.meta.uid, node.meta.gid),
            target: match &node.kind {
                Kind::Symlink { target } => target.to_vec(),
                _ => Vec::new(),
            },
            capability: capability.map(|(_, value)| value.to_vec()).unwrap_or_default(),
            content: match &node.kind {
                Kind::File { blob, .. } => {
                    content_of(&path.to_string(), &store.read_blob(*blob).unwrap())
                }
                _ => String::new(),
            },
        };
        (path.to_string(), facts)
    });
    facts.collect()
}

fn of_directory(place: &Path) -> BTreeMap<String, Facts> {
    let mut all = BTreeMap::new();
    for entry in walkdir::WalkDir::new(place) {
        let entry = entry.unwrap();
        let found = entry.path().symlink_metadata().unwrap();
        let kind = found.file_type();
        let kind = match () {
            () if kind.is_dir() => "directory",
            () if kind.is_symlink() => "symbolic link",
            () if kind.is_fifo() => "fifo",
            () if kind.is_char_device() => "character device",
            () if kind.is_block_device() => "block device",
            () => "file",
        };
        let mut value = [0_u8; 64];
        let capability = rustix::fs::lgetxattr(entry.path(), "security.capability", &mut value);
        let facts = Facts {
            kind,
            mode: found.mode() & 0o7777,
            owner: (found.uid(), found.gid()),
            target: match fs::read_link(entry.path()) {
                Ok(target) => target.into_os_string().into_encoded_bytes(),
                Err(_) => Vec::new(),
            },
            capability: capability.map_or_else(|_| Vec::new(), |length| value[..length].to_vec()),
            content: match kind {
                "file" => {
                    content_of(&entry.path().to_string_lossy(), &fs::read(entry.path()).unwrap())
                }
                _ => String::new(),
            },
        };
        let path = entry.path().strip_prefix(place).unwrap();
        all.insert(format!("/{}", path.display()), facts);
    }
    all
}
