//! A command in the sandbox: its specification, its run, and the intake of what it leaves.

use super::{Failure, FailureKind, Job, Made, Workshop, root};
use crate::{
    Event, Surroundings,
    reuse::{Desk, Served, Server},
    schedule::Message,
};
use groundup_digest::ObjectId;
use groundup_plan::{Run, RunLimits, RunRoot};
use groundup_provenance::Circumstances;
use groundup_recipe::{Permissions as RecipePermissions, Platform};
use groundup_sandbox::{
    Control, Ending, Enforcement, Limits, Mount, MountMode, Outcome, Spec, Stdio,
};
use groundup_store::{Checkout, Executable, GroupCommit, IngestOptions, Permissions, Store};
use std::{
    collections::BTreeMap,
    error::Error,
    fs::File,
    path::{Path, PathBuf},
    sync::mpsc::Sender,
    time::Duration,
};

/// Limits of commands whose recipe sets none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DefaultLimits {
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Processes and threads at once.
    pub processes: Option<u64>,
    /// Time in all.
    pub wall: Option<Duration>,
    /// Time without a line of output.
    pub idle: Option<Duration>,
    /// Bytes written to disk.
    pub output: Option<u64>,
    /// Bytes of log.
    pub log: Option<u64>,
}

impl DefaultLimits {
    fn with(&self, own: &RunLimits) -> Limits {
        Limits {
            memory: own.memory.or(self.memory),
            processes: own.processes.or(self.processes),
            wall: own.wall.or(self.wall),
            idle_output: own.idle.or(self.idle),
            output_bytes: own.output.or(self.output),
            log_bytes: self.log,
        }
    }
}

/// The check-outs that a specification names; they stay while this lives.
pub type Held = Vec<Checkout>;

/// The complete description of a command: its inputs checked out, its scratch in `scratch`.
///
/// Used for steps and for a shell inside a step that failed.
pub fn sandbox_spec(
    store: &Store,
    run: &Run,
    inputs: &BTreeMap<String, ObjectId>,
    scratch: PathBuf,
    limits: Limits,
    jobs_hint: usize,
) -> Result<(Spec, Held), Box<dyn Error + Send + Sync>> {
    let mut held = Vec::new();
    let mut lower = None;
    let mut changed = None;
    let mut mounts = Vec::new();
    for mount in &run.mounts {
        let source = match inputs[&mount.input] {
            ObjectId::Tree(tree) if mount.at == "/" && run.root != RunRoot::Discarded => {
                changed = Some(tree);
                continue;
            }
            ObjectId::Tree(tree) => {
                let checkout = store.checkout(tree)?;
                let path = checkout.path().to_owned();
                held.push(checkout);
                path
            }
            ObjectId::Blob(blob) => store.blob_path(blob, Executable::No)?,
        };
        match mount.at.as_str() {
            "/" => lower = Some(source),
            _ => {
                let target = mount.at.clone();
                mounts.push(Mount { source, target, mode: MountMode::ReadOnly });
            }
        }
    }
    let lowers = lower.into_iter().collect();
    let mut spec = Spec::new(lowers, scratch, run.argv.clone());
    if let Some(tree) = changed {
        root::prepare(store, tree, &mut spec)?;
    }
    spec.mounts = mounts;
    spec.env = run.env.clone();
    // How many jobs a command starts must not change its answer, so this enters no key.
    spec.env.insert("GROUNDUP_JOBS".to_owned(), jobs_hint.to_string());
    spec.cwd.clone_from(&run.cwd);
    spec.limits = limits;
    Ok((spec, held))
}

pub(super) fn run(
    surroundings: &Surroundings<'_>,
    workshop: &Workshop<'_>,
    job: &Job<'_>,
    run: &Run,
    group: &GroupCommit<'_>,
    messages: &Sender<Message>,
) -> Result<Made, Box<Failure>> {
    if run.platform != surroundings.host {
        return Err(Failure::new(
            job,
            FailureKind::Platform,
            vec![foreign(run, surroundings.host)],
        ));
    }
    let store = surroundings.store;
    let refuse = |error: &(dyn Error + 'static)| Failure::of(job, FailureKind::Sandbox, error);
    let scratch = workshop.scratch(store).map_err(|error| Failure::store(job, error))?;
    let log = store.log_writer(job.key).map_err(|error| Failure::store(job, error))?;
    let limits = surroundings.limits.with(&run.limits);
    let place = scratch.path().to_owned();
    let hint = surroundings.jobs_hint;
    let (mut spec, held) = sandbox_spec(store, run, &job.inputs, place, limits, hint)
        .map_err(|error| refuse(&*error))?;
    spec.stdio = Stdio::Log(log.handle().map_err(|error| Failure::store(job, error))?);
    let control = workshop.control().map_err(|error| refuse(&error))?;
    let control = report_progress(control, job, messages);
    let desk = Desk::open(surroundings, run, &mut spec).map_err(|error| refuse(&*error))?;
    let (ended, served) = match &desk {
        None => (groundup_sandbox::run(&spec, &control), Ok(Served::default())),
        Some(desk) => Server::new(surroundings, workshop, group, job, run, &spec, desk, messages)
            .map_err(|error| refuse(&error))?
            .during(|| groundup_sandbox::run(&spec, &control)),
    };
    drop(desk);
    drop(held);
    let tail = last_lines(log.handle());
    let log = log.finish().map_err(|error| Failure::store(job, error))?;
    let failed = |kind, message: String| {
        let mut failure = Failure::new(job, kind, vec![message]);
        failure.log = Some(log);
        failure.tail = tail.clone();
        failure
    };
    let outcome = ended.map_err(|error| {
        let mut failure = refuse(&error);
        if let groundup_sandbox::SandboxError::Ownership { .. } = error {
            (failure.log, failure.tail) = (Some(log), tail.clone());
        }
        failure
    })?;
    let Served { keys } = served.map_err(|error| refuse(&*error))?;
    match outcome.ending {
        Ending::Exited(0) => {}
        Ending::Exited(code) => {
            let said = match run.root {
                RunRoot::Kept { .. } => root::verdict(scratch.path()),
                RunRoot::Discarded => None,
            };
            let message = said.unwrap_or_else(|| format!("the command exited with code {code}"));
            return Err(failed(FailureKind::Exit(code), message));
        }
        Ending::Signalled(signal) => {
            let message = format!("the command was killed by signal {signal}");
            return Err(failed(FailureKind::Signal(signal), message));
        }
        Ending::Limit(limit) => {
            let message = format!("the command reached its limit of {}", limit.as_str());
            return Err(failed(FailureKind::Limit(limit), message));
        }
        Ending::Cancelled => return Err(failed(FailureKind::Signal(15), "interrupted".into())),
    }
    let outputs = take_in(store, job, run, scratch.path()).map_err(|refused| {
        let mut failure = failed(FailureKind::Output, String::new());
        (failure.messages, failure.trouble) = (refused.messages, refused.trouble);
        failure
    })?;
    workshop.put_back(scratch);
    let circumstances = circumstances(&outcome, hint);
    Ok(Made { outputs, log: Some(log), children: keys, circumstances })
}

fn foreign(run: &Run, host: Platform) -> String {
    format!(
        "this step executes on {}, but this machine is {host}; build it on such a machine, or set \
         `platform` in the recipe to one that is at hand",
        run.platform
    )
}

fn report_progress(control: Control, job: &Job<'_>, messages: &Sender<Message>) -> Control {
    let (messages, step) = (std::sync::Mutex::new(messages.clone()), job.index);
    control.on_progress(move |progress| {
        let (bytes, total) = (progress.log_bytes, None);
        if let Ok(messages) = messages.lock() {
            let _ = messages.send(Message::Event(Event::Progress { step, bytes, total }));
        }
    })
}

/// Takes in every output; the failure says what is wrong with the first that cannot be.
fn take_in(
    store: &Store,
    job: &Job<'_>,
    run: &Run,
    scratch: &Path,
) -> Result<BTreeMap<String, ObjectId>, Box<Failure>> {
    let permissions = match run.permissions {
        RecipePermissions::Normal => Permissions::Normal,
        RecipePermissions::Keep => Permissions::Keep,
    };
    let mut outputs = BTreeMap::new();
    if let (RunRoot::Kept { .. }, ObjectId::Tree(before)) = (run.root, job.inputs["root"]) {
        let taken = root::take_in(store, before, scratch)
            .map_err(|error| Failure::of(job, FailureKind::Output, &error))?;
        outputs.insert("out".to_owned(), ObjectId::Tree(taken));
        job.check_outputs(&outputs)?;
        return Ok(outputs);
    }
    for place in &run.places {
        let dir = scratch.join(place.place.trim_start_matches('/'));
        // Not through a link: it would lead to the host's directories.
        let found = std::fs::symlink_metadata(&dir).ok().map(|found| found.file_type());
        if !found.is_some_and(|found| found.is_dir()) {
            let left = match found {
                None => "nothing",
                Some(found) if found.is_symlink() => "a symbolic link",
                Some(_) => "something else",
            };
            let message = format!(
                "the command left {left} where the directory {} should be; every output that the \
                 recipe names must be a directory that the command makes",
                place.place
            );
            return Err(Failure::new(job, FailureKind::Output, vec![message]));
        }
        let taken = store.ingest(&dir, &IngestOptions { permissions }).map_err(|error| {
            let mut failure = Failure::of(job, FailureKind::Output, &error);
            let what = format!("the output {} cannot be taken in", place.place);
            failure.messages.insert(0, what);
            failure
        })?;
        outputs.insert(place.output.clone(), ObjectId::Tree(taken.id));
    }
    job.check_outputs(&outputs)?;
    Ok(outputs)
}

/// How many jobs a command was told to use, as records say it.
const JOBS: &str = "jobs: ";

/// How many jobs the command of a record was told to use, if it says so.
pub fn jobs_of(circumstances: &Circumstances) -> Option<u32> {
    circumstances.enforcement.iter().find_map(|it| it.strip_prefix(JOBS)?.parse().ok())
}

fn circumstances(outcome: &Outcome, jobs: usize) -> Circumstances {
    let enforced = &outcome.enforced;
    let sentence = |limit: &str, how: Enforcement| match how {
        Enforcement::NotAsked => None,
        how => Some(format!("{limit}: {how:?}")),
    };
    let sentences = [
        sentence("memory", enforced.memory),
        sentence("processes", enforced.processes),
        sentence("wall time", enforced.wall),
        sentence("idle output", enforced.idle_output),
        sentence("output bytes", enforced.output_bytes),
        sentence("log bytes", enforced.log_bytes),
        Some(format!("{JOBS}{jobs}")),
    ];
    Circumstances {
        cpu_ms: (outcome.usage.user + outcome.usage.system).as_millis() as u64,
        peak_memory: Some(outcome.usage.peak_memory),
        enforcement: sentences.into_iter().flatten().collect(),
        ..Circumstances::default()
    }
}

/// How many lines of a log a failure shows.
const TAIL_LINES: usize = 20;

fn last_lines(log: Result<File, groundup_store::StoreError>) -> Vec<String> {
    use std::io::{Read, Seek, SeekFrom};
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = log.map_err(std::io::Error::other)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(16 << 10)))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let text = read().map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].to_vec()
}
