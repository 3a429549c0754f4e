//! Performing a plan with everything around it: progress, interruption, roots, the build record.

use super::{Session, explain};
use crate::{
    args::Global,
    assemblers::Registered,
    error::{CliError, Kind},
    inputs::Remote,
    interrupt,
    progress::Progress,
};
use groundup_build::{
    BuildOptions, Built, Clock, DefaultLimits, Event, RecordContext, Recorded, Report,
    Surroundings, build_record, history::open_history,
};
use groundup_digest::StepKey;
use groundup_provenance::{BuildRecord, Circumstances};
use groundup_store::{RecordKind, Store, StoreErrorKind};
use groundup_tree::Expansion;
use std::{collections::BTreeSet, path::Path, time::Duration};

/// A build that was done.
pub(crate) struct Performed {
    pub(crate) report: Report,
}

/// The clock of this machine.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the edge reads the clock, for records only")]
    fn now_ms(&self) -> u64 {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.map_or(0, |since| since.as_millis() as u64)
    }
}

/// Limits of commands whose recipe sets none: so wide that only a runaway meets them.
const LIMITS: DefaultLimits = DefaultLimits {
    memory: None,
    processes: Some(32 << 10),
    wall: Some(Duration::from_secs(24 * 3600)),
    idle: Some(Duration::from_secs(2 * 3600)),
    output: None,
    log: Some(1 << 30),
};

/// Performs the session's plan. Failures are told here; the caller decides the exit code.
pub(crate) fn perform(
    session: &Session,
    global: &Global,
    options: &BuildOptions,
    mut listen: impl FnMut(&Event),
) -> Result<Performed, CliError> {
    let cancel = interrupt::flag();
    let remote = Remote::new(&session.store, &session.context, &session.lock)?;
    let environment = &session.context.home.environment;
    let user = environment.user.clone().unwrap_or_else(|| "unknown".to_owned());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let expansion = session.context.home.settings.expansion;
    let expansion = expansion.map(|ratio| Expansion { ratio: ratio.get().into() });
    let assemblers = Registered { expansion: expansion.unwrap_or_default() };
    let surroundings = Surroundings {
        store: &session.store,
        inputs: &remote,
        assemblers: &assemblers,
        host: super::host_platform()?,
        limits: LIMITS,
        clock: &SystemClock,
        by: format!("{user}@{host}"),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        jobs_hint: options.jobs.get(),
    };
    let started_ms = SystemClock.now_ms();
    let mut progress = Progress::new(&session.plan, environment.ci || global.json);
    let report = surroundings.build(&session.plan, options, &cancel, |event| {
        progress.event(&event);
        listen(&event);
    });
    progress.finish();
    let report = report.map_err(|error| CliError::of(Kind::Environment, &error))?;
    if !report.is_complete() {
        explain(session, &report);
    }
    keep(&session.store, &session.context.root, &report.targets)?;
    let circumstances = Circumstances {
        started_ms,
        took_ms: SystemClock.now_ms().saturating_sub(started_ms),
        builder: surroundings.version.clone(),
        by: surroundings.by.clone(),
        ..Circumstances::default()
    };
    record(session, &report, circumstances)?;
    Ok(Performed { report })
}

/// Keeps the outputs of what was built: the last of each output of each target of each workspace.
pub(crate) fn keep(store: &Store, workspace: &Path, targets: &[Built]) -> Result<(), CliError> {
    for built in targets {
        let Some(outputs) = &built.outputs else { continue };
        let platform = built.target.platform.map_or(String::new(), |p| format!(" {p}"));
        for (output, id) in outputs {
            let part = match output.as_str() {
                groundup_recipe::DEFAULT_OUTPUT => String::new(),
                output => format!(":{output}"),
            };
            let name = format!("{} {}{part}{platform}", workspace.display(), built.target.name);
            let known = match store.root(&name) {
                // A damaged one is written anew.
                Err(error) if error.kind() == StoreErrorKind::Damaged => None,
                known => known?,
            };
            if known.is_none_or(|root| root.objects != BTreeSet::from([*id])) {
                store.set_root(&name, &[*id], &[])?;
            }
        }
    }
    Ok(())
}

/// Records a complete build; the same build again adds nothing.
fn record(
    session: &Session,
    report: &Report,
    circumstances: Circumstances,
) -> Result<(), CliError> {
    let position = |step: &groundup_plan::Step| session.position(step);
    let context = RecordContext {
        workspace: session.context.loaded.workspace.name.value.clone(),
        commit: session.repository.commit(),
        lock: session.lock_digest,
        position: &position,
        circumstances,
    };
    let Some(Recorded { build: record, questions }) =
        build_record(&session.plan, &report.steps, context)
    else {
        return Ok(());
    };
    if let Some(last) = session.store.build_records()?.first() {
        let bytes = session.store.get_record(*last)?;
        if BuildRecord::from_bytes(&bytes).is_ok_and(|last| last.id() == record.id()) {
            return Ok(());
        }
    }
    let questions = questions.iter();
    let questions =
        questions.map(|(id, bytes)| (Some(StepKey::from_bytes(*id.as_bytes())), &bytes[..]));
    session.store.put_records(RecordKind::Question, &questions.collect::<Vec<_>>())?;
    session.store.put_record(RecordKind::Build, None, &record.to_bytes())?;
    // So that who asks later finds an answer ready. It is a view: a full disk here fails no build.
    let _ = open_history(&session.store);
    Ok(())
}
