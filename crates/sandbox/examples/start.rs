//! Times the start of a sandbox against bubblewrap's, in pairs on one machine: what a trivial step costs.
//!
//!     cargo run --release -p groundup-sandbox --example start -- [PROGRAM [PAIRS]]
//!
//! `PROGRAM` is a statically linked program that ends at once when called as `true` (by default
//! `/bin/busybox`). With limits are those that a build sets. Both run it from the same root directory with namespaces of every kind, a `/proc`,
//! a `/dev` and a place to write; `bwrap` is taken from the `PATH`, and left out where it is not there.
//! Prints the least and the median time of each, and the ratio of both, in milliseconds.

#![allow(clippy::print_stdout, reason = "a program for people")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use groundup_sandbox::{Control, Limits, Spec, Stdio, discard, run};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let program = PathBuf::from(arguments.next().unwrap_or_else(|| "/bin/busybox".into()));
    let pairs: usize = arguments.next().map_or(Ok(200), |count| count.parse())?;
    let top = tempfile::tempdir()?;
    let root = top.path().join("root");
    for name in ["bin", "proc", "dev", "tmp", "out"] {
        std::fs::create_dir_all(root.join(name))?;
    }
    std::fs::copy(&program, root.join("bin/true"))?;

    let limited = Limits {
        processes: Some(32 << 10),
        wall: Some(Duration::from_secs(3600)),
        log_bytes: Some(1 << 30),
        ..Limits::default()
    };
    let mut peer_here = true;
    let mut times: [Vec<Duration>; 4] = Default::default();
    for pair in 0..pairs + 5 {
        let with_limits = ours(&root, top.path(), &limited)?;
        let plain = ours(&root, top.path(), &Limits::default())?;
        let peer = if peer_here { peer(&root) } else { None };
        peer_here = peer.is_some();
        let bare = bare(&program)?;
        // The first few fill caches.
        if pair >= 5 {
            times[0].push(plain);
            times[1].push(with_limits);
            times[2].extend(peer);
            times[3].push(bare);
        }
    }
    let names = ["a sandbox", "with limits", "bwrap", "fork and exec alone"];
    let peer = least_and_median(&mut times[2]);
    for (name, times) in names.iter().zip(&mut times) {
        let Some((least, median)) = least_and_median(times) else {
            println!("{name:20} is not on this machine");
            continue;
        };
        let ratio = peer.map_or(String::new(), |peer| {
            format!("  {:.2} {:.2} of bwrap's", least / peer.0, median / peer.1)
        });
        println!("{name:20} least {least:6.3} ms, median {median:6.3} ms{ratio}");
    }
    Ok(())
}

/// One run with a fresh scratch: making and removing it counts.
fn ours(root: &Path, top: &Path, limits: &Limits) -> Result<Duration, Failure> {
    let scratch = top.join("scratch");
    let log = std::fs::File::create(top.join("log"))?;
    let control = Control::new()?;
    let start = Instant::now();
    std::fs::create_dir(&scratch)?;
    let mut spec = Spec::new(vec![root.to_owned()], scratch, vec!["/bin/true".into()]);
    spec.limits = limits.clone();
    spec.stdio = Stdio::Log(log);
    let outcome = run(&spec, &control)?;
    discard(&spec.scratch)?;
    let took = start.elapsed();
    if !outcome.ending.is_success() {
        return Err(format!("the step ended with {:?}", outcome.ending).into());
    }
    Ok(took)
}

fn peer(root: &Path) -> Option<Duration> {
    let mut command = Command::new("bwrap");
    command.args(["--unshare-all", "--die-with-parent", "--ro-bind"]).arg(root).args([
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--tmpfs",
        "/tmp",
        "--tmpfs",
        "/out",
        "/bin/true",
    ]);
    let start = Instant::now();
    let status = command.status().ok()?;
    status.success().then(|| start.elapsed())
}

fn bare(program: &Path) -> Result<Duration, Failure> {
    use std::os::unix::process::CommandExt;
    let start = Instant::now();
    Command::new(program).arg0("true").status()?;
    Ok(start.elapsed())
}

/// In milliseconds.
fn least_and_median(times: &mut [Duration]) -> Option<(f64, f64)> {
    times.sort_unstable();
    let in_ms = |time: &Duration| time.as_secs_f64() * 1e3;
    Some((in_ms(times.first()?), in_ms(&times[times.len() / 2])))
}
