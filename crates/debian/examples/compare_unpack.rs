//! Unpacks `.deb` files and compares each with what `dpkg-deb --fsys-tarfile` gives for it: names,
//! types, modes, owners, hard links and bytes. Prints differences; exit code 1 if there is one.
//!
//!     cargo run -p groundup-debian --example compare_unpack -- DEB…
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use groundup_debian::package::unpack;
use groundup_digest::BlobId;
use groundup_store::{OpenOptions, Store};
use groundup_tree::{FileTree, Kind, TreePath};
use std::{
    collections::BTreeMap,
    error::Error,
    io::{BufReader, Read},
    path::Path,
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

/// What is compared of each path; a hard link names the first path of its inode.
type Facts = BTreeMap<TreePath, String>;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let temp = tempfile::tempdir()?;
    let store = Store::open(&temp.path().join("store"), &OpenOptions::default())?;
    let (mut paths, mut differing, mut debs) = (0, 0, 0);
    let mut spent = Duration::ZERO;
    for deb in std::env::args_os().skip(1) {
        let deb = Path::new(&deb);
        let blob = store.put_blob(&std::fs::read(deb)?)?.blob;
        let start = Instant::now();
        let unpacked = unpack(&store, blob)?;
        spent += start.elapsed();
        let ours = facts_of(&store.load_tree(unpacked.data)?);
        let theirs = dpkg_facts(deb)?;
        debs += 1;
        paths += theirs.len();
        let all: std::collections::BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
        let none = String::from("(nothing)");
        for path in all {
            let (our, their) = (ours.get(path).unwrap_or(&none), theirs.get(path).unwrap_or(&none));
            if our != their {
                differing += 1;
                println!("{}: {path}\n  ours: {our}\n  dpkg: {their}", deb.display());
            }
        }
    }
    println!("{debs} packages, {paths} paths, {differing} differ; unpacking took {spent:.1?}");
    Ok(ExitCode::from(u8::from(differing > 0)))
}

fn facts_of(tree: &FileTree) -> Facts {
    let fact = |path: &TreePath| {
        let node = tree.get(path).expect("a path of the tree");
        let meta = &node.meta;
        let kind = match &node.kind {
            Kind::Directory => "directory".to_owned(),
            Kind::File { blob, size } => format!("file {blob} {size}"),
            Kind::Symlink { target } => format!("link {}", String::from_utf8_lossy(target)),
            Kind::CharDevice(device) => format!("char {}:{}", device.major, device.minor),
            Kind::BlockDevice(device) => format!("block {}:{}", device.major, device.minor),
            Kind::Fifo => "fifo".to_owned(),
        };
        let first = tree.links().first(path).map_or(String::new(), |first| format!(" = {first}"));
        format!("{kind} {} {}:{}{first}", meta.mode, meta.uid, meta.gid)
    };
    tree.iter().map(|(path, _)| (path.clone(), fact(path))).collect()
}

/// The same facts from dpkg's tar stream, by a reader that shares nothing with ours.
fn dpkg_facts(deb: &Path) -> Result<Facts, Box<dyn Error>> {
    let mut child =
        Command::new("dpkg-deb").arg("--fsys-tarfile").arg(deb).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or("no output of dpkg-deb")?;
    let mut archive = tar::Archive::new(BufReader::new(output));
    let mut facts: Facts = BTreeMap::new();
    let mut links: Vec<(TreePath, TreePath)> = Vec::new();
    for entry in archive.entries()? {
        let mut entry = entry?;
        let path = TreePath::parse(&entry.path_bytes())?;
        let header = entry.header().clone();
        let link = entry.link_name_bytes().map(|name| name.into_owned()).unwrap_or_default();
        let device = || -> std::io::Result<String> {
            let (major, minor) = (header.device_major()?, header.device_minor()?);
            Ok(format!("{}:{}", major.unwrap_or(0), minor.unwrap_or(0)))
        };
        let kind = match header.entry_type() {
            tar::EntryType::Directory => "directory".to_owned(),
            tar::EntryType::Regular => {
                let mut bytes = Vec::new();
                entry.read_to_end(&mut bytes)?;
                format!("file {} {}", BlobId::of(&bytes), bytes.len())
            }
            tar::EntryType::Symlink => format!("link {}", String::from_utf8_lossy(&link)),
            tar::EntryType::Link => {
                links.push((path, TreePath::parse(&link)?));
                continue;
            }
            tar::EntryType::Char => format!("char {}", device()?),
            tar::EntryType::Block => format!("block {}", device()?),
            tar::EntryType::Fifo => "fifo".to_owned(),
            other => return Err(format!("{path}: unexpected entry type {other:?}").into()),
        };
        let (mode, uid, gid) = (header.mode()? & 0o7777, header.uid()?, header.gid()?);
        facts.insert(path, format!("{kind} {mode:04o} {uid}:{gid}"));
    }
    if !child.wait()?.success() {
        return Err("dpkg-deb failed".into());
    }
    let mut sets: BTreeMap<TreePath, Vec<TreePath>> = BTreeMap::new();
    for (path, target) in links {
        sets.entry(target).or_default().push(path);
    }
    for (target, paths) in sets {
        let fact = facts[&target].clone();
        let mut all = paths;
        all.push(target);
        let first = all.iter().min().expect("a set is not empty").clone();
        for path in all {
            facts.insert(path, format!("{fact} = {first}"));
        }
    }
    Ok(facts)
}
