//! The place of the benchmarks: where groundup, the peers and the workspaces are, and how programs
//! are run by turns.

use crate::{
    error::{BenchError, Result, Tried},
    process::{self, Taken},
    record::{Mark, Outcome, Side, Size},
};
use std::{
    cell::Cell,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Where all is.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The top of this repository.
    pub repository: PathBuf,
    /// Scratch of the benchmarks; what is costly to make is kept in it.
    pub work: PathBuf,
    /// The program.
    pub groundup: PathBuf,
    /// How long the workloads are.
    pub size: Size,
    /// How many turns each program has.
    pub rounds: usize,
}

/// One program of a workload.
pub struct Contender<'a> {
    /// `groundup`, or a peer's name.
    pub name: &'static str,
    /// What is run, for people.
    pub command: String,
    /// Makes it so that the next run does the job anew; not measured.
    pub reset: Box<dyn FnMut() -> Result<()> + 'a>,
    /// Does the job.
    pub run: Box<dyn FnMut() -> Result<Taken> + 'a>,
}

impl<'a> Contender<'a> {
    /// A program that needs nothing between two runs.
    pub fn new(
        name: &'static str,
        command: impl Into<String>,
        run: impl FnMut() -> Result<Taken> + 'a,
    ) -> Self {
        Self { name, command: command.into(), reset: Box::new(|| Ok(())), run: Box::new(run) }
    }

    /// With something to do before each run.
    #[must_use]
    pub fn reset(mut self, reset: impl FnMut() -> Result<()> + 'a) -> Self {
        self.reset = Box::new(reset);
        self
    }
}

/// A workload that is ready to be measured.
pub struct Ready<'a> {
    /// Its name.
    pub workload: String,
    /// What one run does.
    pub what: String,
    /// How many equal things one run does.
    pub per: u32,
    /// Groundup first.
    pub contenders: Vec<Contender<'a>>,
    /// What it is held to.
    pub marks: Vec<Mark>,
    /// What has to be known to read the figures.
    pub notes: Vec<String>,
}

impl Bench {
    /// A folder of this name in the scratch.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.work.join(name)
    }

    /// One number or another.
    pub fn sized<T>(&self, full: T, quick: T) -> T {
        if self.size == Size::Full { full } else { quick }
    }

    /// The program in a workspace, with a store of the benchmarks.
    pub fn groundup(&self, workspace: &Path, store: &str) -> Command {
        let mut command = Command::new(&self.groundup);
        command.current_dir(workspace).arg("--store").arg(self.folder(store));
        command.env("CI", "true").env("NO_COLOR", "1");
        command
    }

    /// Where the root file system of the peers is.
    pub fn peers(&self) -> PathBuf {
        self.folder("peers/rootfs.bench-peers")
    }

    /// A peer's program in a folder; its times are taken inside, see decision 0009.
    pub fn peer(&self, folder: &Path, words: &[&str]) -> Result<Taken> {
        self.peer_times(1, folder, words)
    }

    /// A peer's program, so many times one after the other.
    pub fn peer_times(&self, times: u32, folder: &Path, words: &[&str]) -> Result<Taken> {
        self.peer_in(&self.peers(), times, folder, words)
    }

    /// The same in another root file system.
    pub fn peer_in(&self, root: &Path, times: u32, folder: &Path, words: &[&str]) -> Result<Taken> {
        let me = std::env::current_exe().tried("find", "this program")?;
        let mut command = Command::new(me);
        command.arg("enter").arg(root).arg(&self.work).arg(folder).arg(times.to_string());
        let output = command.args(words).stdin(Stdio::null()).output();
        let run = |source| BenchError::Run { what: words.join(" "), source };
        let output = output.map_err(run)?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(run(std::io::Error::other(said)));
        }
        serde_json::from_slice(&output.stdout)
            .map_err(|_| BenchError::Answer(format!("{} gave no times", words.join(" "))))
    }

    /// Runs the contenders by turns, so that what else goes on in the machine meets all of them.
    pub fn measure(&self, mut ready: Ready<'_>) -> Result<Outcome> {
        let load = load();
        let mut sides: Vec<Side> = ready
            .contenders
            .iter()
            .map(|it| Side { name: it.name.into(), command: it.command.clone(), runs: Vec::new() })
            .collect();
        for _ in 0..self.rounds {
            for (contender, side) in ready.contenders.iter_mut().zip(&mut sides) {
                (contender.reset)()?;
                // What earlier runs left to write is not this one's.
                rustix::fs::sync();
                side.runs.push((contender.run)()?);
            }
        }
        let Ready { workload, what, per, marks, notes, .. } = ready;
        Ok(Outcome { workload, what, per, load, sides, marks, notes })
    }
}

/// Runs a command and gives what it took.
pub fn timed(command: &mut Command) -> Result<Taken> {
    let what = shown(command);
    process::run(command).map_err(|source| BenchError::Run { what, source })
}

/// Runs a command that is not measured, and gives its stdout.
pub fn output(command: &mut Command) -> Result<String> {
    let what = shown(command);
    let run = |source| BenchError::Run { what: what.clone(), source };
    let output = command.stdin(Stdio::null()).output().map_err(run)?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        return Err(run(std::io::Error::other(said)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// Removes a folder, if it is there.
pub fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.tried("remove", folder),
    }
}

/// Places that are empty at each turn. What was used is moved away and removed at the end only: a
/// file system that has just freed many inodes is slow to give new ones out.
pub struct Fresh {
    place: PathBuf,
    used: Cell<u32>,
}

impl Fresh {
    /// A place that is empty at each [`next`](Self::next). What is there now comes back when this
    /// is dropped.
    pub fn at(place: PathBuf) -> Result<Self> {
        let kept = place.with_extension("kept");
        if kept.exists() {
            // An earlier run was interrupted.
            remove(&place)?;
        } else if place.exists() {
            fs::rename(&place, &kept).tried("move away", &place)?;
        }
        Ok(Self { place, used: Cell::new(0) })
    }

    /// Moves away what is there.
    pub fn next(&self) -> Result<()> {
        let used = self.old(self.used.get());
        if !self.place.exists() {
            return Ok(());
        }
        remove(&used)?;
        fs::rename(&self.place, &used).tried("move away", &self.place)?;
        self.used.set(self.used.get() + 1);
        Ok(())
    }

    fn old(&self, number: u32) -> PathBuf {
        self.place.with_extension(format!("old-{number}"))
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // What stays is scratch, and goes the next time.
        let _ = remove(&self.place);
        (0..self.used.get()).for_each(|number| drop(remove(&self.old(number))));
        let _ = fs::rename(self.place.with_extension("kept"), &self.place);
    }
}

/// Makes something costly once: `make` is given a folder that is kept if it succeeds.
pub fn once(folder: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let done = folder.with_extension("done");
    if done.exists() {
        return Ok(());
    }
    remove(folder)?;
    fs::create_dir_all(folder).tried("make", folder)?;
    make(folder)?;
    fs::write(&done, "").tried("write", done)
}

/// The load average of the last minute.
fn load() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(0.0)
}
