//! Unpacking the packages of a compiler, beside `dpkg-deb -x`.

use crate::{
    bench::{Bench, Contender, Ready, once, output, remove, timed},
    error::{BenchError, Result, Tried},
    record::{Mark, Outcome},
    setup::STORE,
};
use groundup_digest::Sha256;
use groundup_store::{OpenOptions, Store};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

const TARGET: &str = "rootfs.bench-compiler";
/// The store that is emptied before each run.
const FRESH: &str = "unpack-store";

/// From files of packages to a root file system in the store; for the peer, to a folder.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Outcome>> {
    let folder = bench.folder("unpack");
    once(&folder, |folder| prepare(bench, folder))?;
    let (mirror, out) = (folder.join("mirror"), folder.join("out"));
    let count = debs(&mirror)?.len();
    let store = bench.folder(FRESH);
    let ours = || {
        let mut build = bench.groundup(&folder, FRESH);
        timed(build.args(["build", "--offline", "--no-out", TARGET]))
    };
    let one = "find ../mirror/pool -name '*.deb' -exec dpkg-deb -x {} . \\;";
    let two = "find ../mirror/pool -name '*.deb' -print0 | xargs -0 -P2 -I{} dpkg-deb -x {} .";
    let empty = || {
        remove(&out)?;
        fs::create_dir_all(&out).tried("make", &out)
    };
    let outcome = bench.measure(Ready {
        workload: "unpack".into(),
        what: format!("the {count} packages of a compiler"),
        per: 1,
        contenders: vec![
            Contender::new("groundup", format!("groundup build {TARGET}"), ours)
                .reset(|| remove(&store)),
            Contender::new("dpkg-deb", one, || bench.peer(&out, &["sh", "-c", one])).reset(empty),
            Contender::new("dpkg-deb, two at a time", two, || bench.peer(&out, &["sh", "-c", two]))
                .reset(empty),
        ],
        marks: vec![Mark::Times { peer: "dpkg-deb".into(), most: 0.5 }],
        notes: vec![
            "groundup also copies the packages and indexes from a folder, checks their digests, \
             hashes each file twice and merges all packages to one tree; the files are in its \
             store at the end."
                .into(),
            "The mark is against `dpkg-deb -x` as people run it, one package after the other; two \
             at a time stand beside it for the sake of the comparison of cores."
                .into(),
        ],
    })?;
    Ok(vec![outcome])
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
    // That store has packages of other targets too: only what a build of an empty one asks for.
    output(bench.groundup(folder, FRESH).args(["build", "--offline", "--no-out", TARGET]))?;
    remove(&mirror)?;
    copy_pins(bench, FRESH, &mirror)
}

/// Copies every pinned file that a store has to the place where a mirror has it.
fn copy_pins(bench: &Bench, store: &str, mirror: &Path) -> Result<()> {
    let wrong =
        |error| BenchError::Run { what: "the store".into(), source: io::Error::other(error) };
    let store = Store::open(&bench.folder(store), &OpenOptions::default())
        .map_err(|error| wrong(Box::new(error) as Box<dyn std::error::Error + Send + Sync>))?;
    let lock = bench.repository.join("groundup.lock");
    let lock = fs::read_to_string(&lock).tried("read", lock)?;
    for (path, size, sha256) in lock.lines().filter_map(pin) {
        let found = store.blob_by_sha256(sha256, size).map_err(|error| wrong(error.into()))?;
        let Some(blob) = found else { continue };
        let bytes = store.read_blob(blob).map_err(|error| wrong(error.into()))?;
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

fn debs(mirror: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    super::material::collect(&mirror.join("pool"), &mut files)?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "deb"));
    Ok(files)
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
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
