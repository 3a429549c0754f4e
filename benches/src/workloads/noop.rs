//! Builds that have nothing to do: what a look at everything costs.

use crate::{
    bench::{Bench, Contender, Ready, once, output, timed},
    error::{BenchError, Result, Tried},
    record::{Mark, Outcome},
    setup::STORE,
    shape::{self, Shape},
};
use rayon::prelude::*;
use rustix::fs::{AtFlags, Dir, Mode, OFlags, StatxFlags};
use std::{
    ffi::CString,
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::Command,
};

/// For more derivations Nix would take too long to build them: minutes for 10,000, an hour for more.
const MOST_FOR_NIX: usize = 1_000;

/// The workspace of this repository, and generated ones of many steps.
pub(super) fn steps(bench: &Bench) -> Result<Vec<Outcome>> {
    let mut outcomes = vec![demo(bench)?];
    let sizes = bench.sized::<&[(usize, Option<f64>)]>(
        &[(1_000, None), (10_000, Some(0.050)), (100_000, Some(0.500))],
        &[(1_000, None), (10_000, Some(0.050))],
    );
    for (count, seconds) in sizes.iter().copied() {
        outcomes.push(generated(bench, count, seconds)?);
    }
    Ok(outcomes)
}

fn demo(bench: &Bench) -> Result<Outcome> {
    let out = bench.folder("out");
    let build = || {
        let mut build = bench.groundup(&bench.repository, STORE);
        build.args(["build", "image.netcheck", "image.web"]).arg("--out").arg(&out);
        build
    };
    // Twice: the second time nothing is done, so the count is that of all steps.
    output(&mut build())?;
    let answer = output(build().arg("--json"))?;
    let count = reused(&answer)?;
    let workspace = workspace(bench, "steps-demo", &[(Shape::Steps, count)])?;
    make_all(bench, &workspace, count)?;
    let ours = Contender::new("groundup", "groundup build", move || timed(&mut build()));
    let mut contenders = vec![ours];
    contenders.extend(peers(bench, &workspace, count));
    bench.measure(Ready {
        workload: "noop-demo".into(),
        what: format!("the images of this repository, {count} steps, all known"),
        per: 1,
        contenders,
        marks: vec![Mark::Within(0.020)],
        notes: vec![format!("The peers look at a generated graph of {count} steps.")],
    })
}

fn reused(answer: &str) -> Result<usize> {
    let wrong = || BenchError::Answer(format!("groundup answered {answer}"));
    let last = answer.lines().last().ok_or_else(wrong)?;
    let value: serde_json::Value = serde_json::from_str(last).map_err(|_| wrong())?;
    if value["steps"]["built"].as_u64() != Some(0) {
        return Err(wrong());
    }
    value["steps"]["reused"].as_u64().map(|count| count as usize).ok_or_else(wrong)
}

fn generated(bench: &Bench, count: usize, seconds: Option<f64>) -> Result<Outcome> {
    let folder = workspace(bench, &format!("steps-{count}"), &[(Shape::Steps, count)])?;
    make_all(bench, &folder, count)?;
    let mut contenders = vec![ours(bench, &folder)];
    contenders.extend(peers(bench, &folder, count));
    let mut notes = Vec::new();
    if count > MOST_FOR_NIX {
        notes.push("Without Nix, which would take minutes to get there.".into());
    }
    bench.measure(Ready {
        workload: format!("noop-{count}"),
        what: format!("{count} generated steps, all known"),
        per: 1,
        contenders,
        marks: seconds.map(Mark::Within).into_iter().collect(),
        notes,
    })
}

/// Many files of the repository on top, beside a bare walk of them.
pub(super) fn files(bench: &Bench) -> Result<Vec<Outcome>> {
    let count = bench.sized(1_000_000, 100_000);
    let shapes = [(Shape::Steps, 1_000), (Shape::Files, count)];
    let folder = workspace(bench, &format!("files-{count}"), &shapes)?;
    once(&folder.join("built"), |_| output(store_of(bench, &folder).arg("build")).map(drop))?;
    let tree = folder.join("files");
    let me = std::env::current_exe().tried("find", "this program")?;
    let walk = move || timed(Command::new(&me).arg("walk").arg(&tree));
    let outcome = bench.measure(Ready {
        workload: "noop-files".into(),
        what: format!("1,000 steps, and one that reads {count} files of the repository, all known"),
        per: 1,
        contenders: vec![
            ours(bench, &folder),
            Contender::new("statx", "a parallel walk with one statx for each file", walk),
        ],
        marks: vec![Mark::Times { peer: "statx".into(), most: 1.3 }],
        notes: Vec::new(),
    })?;
    Ok(vec![outcome])
}

/// A generated workspace, written once.
pub(super) fn workspace(bench: &Bench, name: &str, shapes: &[(Shape, usize)]) -> Result<PathBuf> {
    let folder = bench.folder(name);
    let shell = bench.peers().join("usr/bin/busybox");
    once(&folder, |folder| {
        for (shape, count) in shapes {
            shape::write(*shape, *count, folder, &shell)?;
        }
        Ok(())
    })?;
    Ok(folder)
}

/// Groundup in a generated workspace, whose store is its own.
fn store_of(bench: &Bench, folder: &Path) -> Command {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    bench.groundup(folder, &format!("{name}-store"))
}

fn ours<'a>(bench: &'a Bench, folder: &Path) -> Contender<'a> {
    let folder = folder.to_owned();
    let run = move || timed(store_of(bench, &folder).arg("build"));
    Contender::new("groundup", "groundup build", run)
}

/// Builds a generated workspace. The second time everything is known, and old enough to be trusted.
fn settle(bench: &Bench, folder: &Path) -> Result<()> {
    for _ in 0..2 {
        output(store_of(bench, folder).arg("build"))?;
    }
    Ok(())
}

/// Lets everybody build a generated workspace; the peers once.
fn make_all(bench: &Bench, folder: &Path, count: usize) -> Result<()> {
    settle(bench, folder)?;
    once(&folder.join("built"), |_| {
        for mut peer in peers(bench, folder, count) {
            (peer.run)()?;
        }
        Ok(())
    })
}

fn peers<'a>(bench: &'a Bench, folder: &Path, count: usize) -> Vec<Contender<'a>> {
    let (ninja, nix) = (folder.to_owned(), folder.to_owned());
    let mut peers = vec![Contender::new("ninja", "ninja", move || bench.peer(&ninja, &["ninja"]))];
    if count <= MOST_FOR_NIX {
        let words = ["nix-build", "--no-out-link", "-A", "top-steps"];
        peers.push(Contender::new("nix", words.join(" "), move || bench.peer(&nix, &words)));
    }
    peers
}

/// Looks at every file below a folder, as fast as the kernel lets two or more threads; gives their
/// number.
pub fn walk(folder: &Path) -> Result<u64> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let open = rustix::fs::open(folder, flags, Mode::empty()).tried("open", folder)?;
    walk_below(&open, folder)
}

fn walk_below(open: &OwnedFd, shown: &Path) -> Result<u64> {
    let (mut folders, mut files): (Vec<CString>, u64) = (Vec::new(), 0);
    for entry in Dir::read_from(open).tried("list", shown)? {
        let entry = entry.tried("list", shown)?;
        if matches!(entry.file_name().to_bytes(), b"." | b"..") {
            continue;
        }
        if entry.file_type() == rustix::fs::FileType::Directory {
            folders.push(entry.file_name().to_owned());
            continue;
        }
        let wanted = StatxFlags::BASIC_STATS;
        rustix::fs::statx(open, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW, wanted)
            .tried("look at", shown)?;
        files += 1;
    }
    let below = folders.par_iter().map(|name| {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let inner = rustix::fs::openat(open, name, flags, Mode::empty()).tried("open", shown)?;
        walk_below(&inner, shown)
    });
    Ok(files + below.sum::<Result<u64>>()?)
}
