//! Unpacking the packages of a compiler, beside `dpkg-deb -x`.

use crate::{
    bench::{Bench, Contender, Fresh, Ready, once, output, remove, timed},
    error::{BenchError, Result, Tried},
    record::{Mark, Outcome},
    setup::STORE,
};
use groundup_digest::{BlobId, Sha256};
use groundup_store::{Create, OpenOptions, Store};
use rayon::prelude::*;
use std::{
    cmp::Reverse,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "rootfs.bench-compiler";
/// The store that is emptied before each run.
const FRESH: &str = "unpack-store";

/// From files of packages to trees of a store, for the peer to a folder; and the whole of a build
/// that has only the files.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Outcome>> {
    let folder = bench.folder("unpack");
    once(&folder, |folder| prepare(bench, folder))?;
    let pool = folder.join("mirror/pool");
    let count = debs(&pool)?.len();
    let me = std::env::current_exe().tried("find", "this program")?;
    let (out, store) = (folder.join("out"), bench.folder(FRESH));
    let (fresh_out, fresh_store) = (Fresh::at(out.clone())?, Fresh::at(store.clone())?);
    let one = "find ../mirror/pool -name '*.deb' -exec dpkg-deb -x {} . \\;";
    let two = "find ../mirror/pool -name '*.deb' -print0 | xargs -0 -P2 -I{} dpkg-deb -x {} .";
    let decode = "find ../mirror/pool -name '*.deb' -print0 \
                  | xargs -0 -P2 -I{} sh -c 'dpkg-deb --fsys-tarfile {} > /dev/null'";
    let empty = || {
        fresh_out.next()?;
        fs::create_dir_all(&out).tried("make", &out)
    };
    let peers = |all: bool| {
        let sequential =
            Contender::new("dpkg-deb", one, || bench.peer(&out, &["sh", "-c", one])).reset(empty);
        let parallel =
            Contender::new("dpkg-deb, two at a time", two, || bench.peer(&out, &["sh", "-c", two]));
        if all { vec![sequential, parallel.reset(empty)] } else { vec![parallel.reset(empty)] }
    };
    let library = || timed(Command::new(&me).arg("unpack").arg(&store).arg(&pool));
    let ours = Contender::new("groundup", "groundup's unpacking, on all processors", library);
    let seed = || {
        fresh_store.next()?;
        output(Command::new(&me).arg("seed").arg(&store).arg(&pool)).map(drop)
    };
    let mut contenders = vec![ours.reset(seed)];
    contenders.extend(peers(true));
    let decoder = || bench.peer(&out, &["sh", "-c", decode]);
    contenders.push(Contender::new("decoding alone, two at a time", decode, decoder).reset(empty));
    let unpack = bench.measure(Ready {
        workload: "unpack".into(),
        what: format!("the {count} packages of a compiler"),
        per: 1,
        contenders,
        marks: vec![Mark::Times { peer: "dpkg-deb".into(), most: 0.5 }],
        notes: vec![
            "groundup has the packages in its store, checks them against their ids while it reads \
             them, hashes every file, and stores each content once."
                .into(),
            "The mark is against `dpkg-deb -x` as people run it, one package after the other; two \
             at a time stand beside it for the sake of the comparison of cores. Decoding alone, with nothing hashed or written, shows what \
             is left to gain."
                .into(),
        ],
    })?;
    let build = || {
        let mut build = bench.groundup(&folder, FRESH);
        timed(build.args(["build", "--offline", "--no-out", TARGET]))
    };
    let build = Contender::new("groundup", format!("groundup build {TARGET}"), build);
    let mut contenders = vec![build.reset(|| fresh_store.next())];
    contenders.extend(peers(false));
    let rootfs = bench.measure(Ready {
        workload: "unpack-rootfs".into(),
        what: format!("a root file system of the same {count} packages, from an empty store"),
        per: 1,
        contenders,
        marks: Vec::new(),
        notes: vec![
            "Besides unpacking: the signature and digests of the archive, 9 MB of its index, the \
             merge to one tree and dpkg's own files. The peer only unpacks."
                .into(),
        ],
    })?;
    Ok(vec![unpack, rootfs])
}

/// Takes every package below a folder into a store.
pub fn seed(store: &Path, pool: &Path) -> Result<()> {
    let store = open(store)?;
    for deb in debs(pool)? {
        let bytes = fs::read(&deb).tried("read", deb)?;
        store.put_blob(&bytes).map_err(|error| failed(error.into()))?;
    }
    Ok(())
}

/// Unpacks every package below a folder, which the store has, there, on all processors.
pub fn unpack_all(store: &Path, pool: &Path) -> Result<()> {
    let store = open(store)?;
    let mut packages = Vec::new();
    for deb in debs(pool)? {
        let bytes = fs::read(&deb).tried("read", deb)?;
        packages.push((bytes.len(), BlobId::of(&bytes)));
    }
    // The largest first, as a scheduler that knows them does.
    packages.sort_by_key(|(size, _)| Reverse(*size));
    packages.iter().par_bridge().try_for_each(|(_, deb)| {
        let unpacked = groundup_debian::package::unpack(&store, *deb);
        unpacked.map(drop).map_err(|error| failed(error.into()))
    })
}

fn open(store: &Path) -> Result<Store> {
    let options = OpenOptions { create: Create::IfMissing, ..OpenOptions::default() };
    Store::open(store, &options).map_err(|error| failed(error.into()))
}

fn failed(error: Box<dyn std::error::Error + Send + Sync>) -> BenchError {
    BenchError::Run { what: "unpacking".into(), source: io::Error::other(error) }
}

/// The recipes of this repository, with a folder as mirror that holds all that the target needs.
fn prepare(bench: &Bench, folder: &Path) -> Result<()> {
    for file in ["groundup.toml", "groundup.lock"] {
        let from = bench.repository.join(file);
        fs::copy(&from, folder.join(file)).tried("copy", from)?;
    }
    copy_folder(&bench.repository.join("recipes"), &folder.join("recipes"))?;
    let mirror = folder.join("mirror");
    let settings = format!("[mirrors]\ndebian = [{:?}]\n", mirror.display().to_string());
    let place = folder.join("groundup.local.toml");
    fs::write(&place, settings).tried("write", place)?;
    output(bench.groundup(&bench.repository, STORE).args(["build", "--no-out", TARGET]))?;
    copy_pins(bench, STORE, &mirror)?;
    remove(&bench.folder(FRESH))?;
    // That store has packages of other targets too: only what a build of an empty one asks for.
    output(bench.groundup(folder, FRESH).args(["build", "--offline", "--no-out", TARGET]))?;
    remove(&mirror)?;
    copy_pins(bench, FRESH, &mirror)
}

/// Copies every pinned file that a store has to the place where a mirror has it.
fn copy_pins(bench: &Bench, store: &str, mirror: &Path) -> Result<()> {
    let store = open(&bench.folder(store))?;
    let lock = bench.repository.join("groundup.lock");
    let lock = fs::read_to_string(&lock).tried("read", lock)?;
    for (path, size, sha256) in lock.lines().filter_map(pin) {
        let found = store.blob_by_sha256(sha256, size).map_err(|error| failed(error.into()))?;
        let Some(blob) = found else { continue };
        let bytes = store.read_blob(blob).map_err(|error| failed(error.into()))?;
        let place = mirror.join(path);
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).tried("make", parent)?;
        }
        fs::write(&place, bytes).tried("write", place)?;
    }
    Ok(())
}

/// `NAME = ["path", size, "sha256"]`, a pin of a file.
fn pin(line: &str) -> Option<(&str, u64, Sha256)> {
    let (path, rest) = line.split_once("[\"")?.1.split_once("\", ")?;
    let (size, sha256) = rest.split_once(", \"")?;
    Some((path, size.parse().ok()?, sha256.strip_suffix("\"]")?.parse().ok()?))
}

fn debs(pool: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    super::material::collect(pool, &mut files)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "deb"));
    Ok(files)
}

pub(super) fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    let mut files = Vec::new();
    super::material::collect(from, &mut files)?;
    for file in files {
        let target = to.join(file.strip_prefix(from).unwrap_or(&file));
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).tried("make", parent)?;
        }
        fs::copy(&file, &target).tried("copy", file)?;
    }
    Ok(())
}
