//! `groundup build`.

use crate::{
    args::Global,
    checks,
    context::{DiskLoader, Place, open_store},
    error::{CliError, Kind},
    out::{self, BOLD, DIM},
    session::{self, Artifact, Everything, Session, check_space, perform, publish},
    table, words,
};
use groundup_build::{
    BuildOptions, Event, Holder, KeepGoing, Order, Outcome, Report, Rerun, resolve,
};
use groundup_plan::{Goal, Plan, StepIndex};
use groundup_recipe::{Kind as TargetKind, load};
use groundup_store::{Create, Store};
use serde_json::json;
use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Instant,
};

/// Build targets: fetch, run and assemble what is not in the store yet
///
/// Without TARGET, the `default` of the workspace is built. Copies of images (OCI layouts) and of
/// outputs of builds are put below `out/`; root file systems stay in the store. On stdout stands
/// one line per output: target, id, place.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Targets or patterns, such as `image.web` or `image.*`; `kernel.edge:config` is one output
    pub(crate) targets: Vec<String>,
    #[command(flatten)]
    pub(crate) how: How,
    /// Put copies of outputs below DIR [default: `out` in the workspace]
    #[arg(long, value_name = "DIR", conflicts_with = "no_out")]
    out: Option<PathBuf>,
    /// Make no copies of outputs
    #[arg(long)]
    no_out: bool,
    /// Write the image to FILE as an OCI archive (one image target)
    #[arg(long, value_name = "FILE")]
    oci_archive: Option<PathBuf>,
    /// Write the image to FILE as `docker save` does (one image target)
    #[arg(long, value_name = "FILE")]
    docker_archive: Option<PathBuf>,
    /// Load the images into a local engine
    #[arg(long, value_name = "ENGINE", num_args = 0..=1, default_missing_value = "auto")]
    load: Option<Engine>,
}

/// How steps are performed; none of it changes what comes out.
#[derive(clap::Args, Clone, Default)]
pub(crate) struct How {
    /// Run at most N steps at once [default: the number of processors]
    #[arg(short, long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// After a failure, go on with all that does not need the failed step
    #[arg(short, long)]
    keep_going: bool,
    /// Execute a step again although its result is known, and compare: a target, or a step's label
    #[arg(long, value_name = "STEP")]
    rerun: Vec<String>,
    /// Run every compilation in place instead of using results of earlier ones
    #[arg(long)]
    no_reuse: bool,
    /// Start even if the disk seems too small
    #[arg(long)]
    no_space_check: bool,
    /// Start ready steps in an order drawn with SEED (to test that order changes nothing)
    #[arg(long, value_name = "SEED", hide = true)]
    shuffle: Option<u64>,
}

/// A local container engine.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Engine {
    /// Docker if it is there, else Podman
    Auto,
    /// Docker
    Docker,
    /// Podman
    Podman,
}

impl How {
    /// The options of the builder.
    pub(crate) fn options(&self, session: &Session) -> Result<BuildOptions, CliError> {
        let jobs = self
            .jobs
            .or_else(|| session.context.home.settings.jobs.and_then(|jobs| jobs.try_into().ok()))
            .or_else(|| std::thread::available_parallelism().ok())
            .unwrap_or(NonZeroUsize::MIN);
        let mut steps = BTreeSet::new();
        for word in &self.rerun {
            steps.extend(steps_called(&session.plan, word)?);
        }
        Ok(BuildOptions {
            jobs,
            fetches: NonZeroUsize::MIN.saturating_add(7),
            keep_going: if self.keep_going { KeepGoing::Yes } else { KeepGoing::No },
            order: self.shuffle.map_or(Order::LongestFirst, Order::Shuffled),
            rerun: Rerun { steps },
            reuse: if self.no_reuse {
                groundup_build::Reuse::No
            } else {
                groundup_build::Reuse::Yes
            },
        })
    }

    /// Refuses a build for which the disk is too small, unless told not to.
    pub(crate) fn check_space(&self, session: &Session) -> Result<(), CliError> {
        if self.no_space_check {
            return Ok(());
        }
        check_space(session, &resolve(&session.plan, &session.store)?)
    }
}

/// The steps that a word of the command line means: a whole label, or all steps of a target.
pub(crate) fn steps_called(plan: &Plan, word: &str) -> Result<Vec<StepIndex>, CliError> {
    let called = |exact: bool| {
        let steps = plan.indexed().filter(|(_, step)| match exact {
            true => step.label.to_string() == word,
            false => step.label.owner == word,
        });
        steps.map(|(index, _)| index).collect::<Vec<_>>()
    };
    let exact = called(true);
    let found = if exact.is_empty() { called(false) } else { exact };
    if found.is_empty() {
        return Err(CliError::usage(format!("no step of this build is called `{word}`"))
            .hint("`groundup plan` lists the labels of all steps"));
    }
    Ok(found)
}

impl Args {
    /// Whether nothing is asked for that needs more than an earlier build's answer.
    fn is_plain(&self) -> bool {
        let archives = self.oci_archive.is_some() || self.docker_archive.is_some();
        !archives && self.load.is_none() && self.how.rerun.is_empty()
    }

    /// The directory below which copies are put, and whether everything is copied.
    fn place(&self, root: &Path) -> (Option<PathBuf>, Everything) {
        let place = match self.no_out {
            true => None,
            false => Some(self.out.clone().unwrap_or_else(|| root.join("out"))),
        };
        (place, if self.out.is_some() { Everything::Yes } else { Everything::No })
    }
}

/// How a build ended, for the last line.
struct Summary {
    built: usize,
    reused: usize,
    failed: usize,
    skipped: usize,
    complete: bool,
    interrupted: bool,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let started = Instant::now();
    let place = Place::find(global)?;
    let mut store = None;
    if args.is_plain() && place.store_path.exists() {
        let opened = open_store(&place.store_path, Create::IfMissing)?;
        if let Some(answer) = session::recall(&place, &opened, &args.targets)? {
            return nothing_to_do(global, args, &place, &opened, &answer, started);
        }
        store = Some(opened);
    }
    let mut session = Session::open_at(place, store, global, &args.targets, Goal::Outputs)?;
    let options = args.how.options(&session)?;
    let images =
        session.plan.targets().iter().filter(|target| target.name.kind() == TargetKind::Image);
    if (args.oci_archive.is_some() || args.docker_archive.is_some()) && images.count() != 1 {
        return Err(CliError::usage("an archive is written for exactly one image target")
            .hint("name it: `groundup build image.NAME --oci-archive FILE`"));
    }
    args.how.check_space(&session)?;
    let performed = perform(&session, global, &options, |event| {
        if global.json {
            print_event(&session, event);
        }
    })?;
    let report = performed.report;
    let (place, everything) = args.place(&session.context.root);
    let artifacts = publish(&session.store, &report.targets, place.as_deref(), everything)?;
    let recipe = |target: &str| checks::recipe_of(&session.context.loaded, target);
    checks::tell(&session.store, &artifacts, &session.context.root, &recipe)?;
    super::export::images(
        &session,
        &artifacts,
        args.oci_archive.as_deref(),
        args.docker_archive.as_deref(),
    )?;
    if let Some(engine) = args.load {
        let name = match engine {
            Engine::Auto => None,
            Engine::Docker => Some("docker"),
            Engine::Podman => Some("podman"),
        };
        super::export::load(&session, &artifacts, name)?;
    }
    if report.is_complete() && !report.interrupted {
        let basis = session.context.basis.take();
        // The build is complete; that the next one looks at everything again is no failure of it.
        if let Err(error) = session::remember(&session, basis, &args.targets, &report) {
            out::warn(format!(
                "the answer is not kept, so the next build looks at everything again: {}",
                error.messages.join(": ")
            ));
        }
    }
    answer(global, &artifacts, &summary(&report), started)?;
    Ok(if report.is_complete() { ExitCode::SUCCESS } else { session::kind(&report).exit_code() })
}

/// Answers from an earlier build that still holds.
fn nothing_to_do(
    global: &Global,
    args: &Args,
    place: &Place,
    store: &Store,
    found: &session::Answer,
    started: Instant,
) -> Result<ExitCode, CliError> {
    session::warn_of_left_out(&found.left_out);
    if global.json {
        print_planned(found.steps, found.steps);
    }
    session::keep(store, &place.root, &found.targets)?;
    let (out, everything) = args.place(&place.root);
    let artifacts = publish(store, &found.targets, out.as_deref(), everything)?;
    let recipe = |target: &str| {
        let loaded = load(&DiskLoader::new(&place.root)).ok()?;
        checks::recipe_of(&loaded, target)
    };
    checks::tell(store, &artifacts, &place.root, &recipe)?;
    let (reused, complete, interrupted) = (found.steps, true, false);
    let summary = Summary { built: 0, reused, failed: 0, skipped: 0, complete, interrupted };
    answer(global, &artifacts, &summary, started)?;
    Ok(ExitCode::SUCCESS)
}

fn summary(report: &Report) -> Summary {
    Summary {
        built: report.count(Outcome::Built),
        reused: report.count(Outcome::Reused),
        failed: report.count(Outcome::Failed),
        skipped: report.count(Outcome::Skipped),
        complete: report.is_complete(),
        interrupted: report.interrupted,
    }
}

fn answer(
    global: &Global,
    artifacts: &[Artifact],
    summary: &Summary,
    started: Instant,
) -> Result<(), CliError> {
    if global.json {
        out::json(&json!({
            "event": "result",
            "version": 1,
            "complete": summary.complete,
            "interrupted": summary.interrupted,
            "steps": {
                "built": summary.built,
                "reused": summary.reused,
                "failed": summary.failed,
                "skipped": summary.skipped,
            },
            "targets": artifacts,
        }));
    } else {
        print_table(artifacts);
        out::say(format!(
            "{DIM}{} built, {} reused{}, {}{DIM:#}",
            words::count(summary.built, "step"),
            summary.reused,
            match summary.failed {
                0 => String::new(),
                failed => format!(", {failed} failed"),
            },
            words::duration(started.elapsed())
        ));
    }
    match summary.interrupted {
        true => Err(CliError::new(Kind::No, "interrupted; what was built so far is kept")),
        false => Ok(()),
    }
}

fn print_table(artifacts: &[Artifact]) {
    let here = std::env::current_dir().unwrap_or_default();
    let rows: Vec<Vec<String>> = artifacts
        .iter()
        .map(|artifact| {
            let mut target = artifact.target.clone();
            if artifact.output != groundup_recipe::DEFAULT_OUTPUT {
                target = format!("{target}:{}", artifact.output);
            }
            let of_target = |other: &&Artifact| {
                other.target == artifact.target && other.output == artifact.output
            };
            // A platform is worth a word only where there are several.
            let several = artifacts.iter().filter(of_target).count() > 1;
            let platform = artifact.platform.as_ref().filter(|_| several);
            let id = artifact.digest.clone().unwrap_or_else(|| artifact.id.to_string());
            let place = match &artifact.path {
                Some(path) => path.strip_prefix(&here).unwrap_or(path).display().to_string(),
                None => "in the store".to_owned(),
            };
            let name = match platform {
                Some(platform) => format!("{target} ({platform})"),
                None => target,
            };
            vec![name, id, place]
        })
        .collect();
    for line in table::layout(&rows) {
        let (name, rest) = line.split_once(' ').unwrap_or((&line, ""));
        out::line(format!("{BOLD}{name}{BOLD:#} {rest}"));
    }
}

fn print_planned(steps: usize, reused: usize) {
    out::json(&json!({"event": "planned", "steps": steps, "reused": reused}));
}

fn print_event(session: &Session, event: &Event) {
    let label = |step: &StepIndex| session.plan.step(*step).label.to_string();
    match event {
        Event::Planned { steps, reused } => {
            print_planned(*steps, *reused);
        }
        Event::Started { step, key, .. } => {
            out::json(&json!({"event": "started", "step": label(step), "key": key}));
        }
        Event::Waiting { step, holder } => {
            let holder = match holder {
                Holder::EqualStep => "equal-step",
                Holder::OtherProcess => "other-process",
            };
            out::json(&json!({"event": "waiting", "step": label(step), "holder": holder}));
        }
        Event::Finished { step, outcome, took, failure } => {
            let failure =
                failure.as_ref().map(|failure| session.messages(session.plan.step(*step), failure));
            out::json(&json!({
                "event": "finished",
                "step": label(step),
                "outcome": outcome,
                "milliseconds": took.as_millis() as u64,
                "failure": failure,
            }));
        }
        Event::Children { step, children, unkept } => {
            out::json(&json!({
                "event": "children", "step": label(step), "children": children, "unkept": unkept,
            }));
        }
        Event::Differs { step, key, outputs } => {
            let names: Vec<&str> = outputs.iter().map(|it| it.output.as_str()).collect();
            let answers = outputs
                .iter()
                .map(|it| json!({ "output": it.output, "first": it.first, "other": it.other }));
            out::json(&json!({
                "event": "unstable", "step": label(step), "key": key, "outputs": names,
                "answers": answers.collect::<Vec<_>>(),
            }));
        }
        // Bytes in flight are for eyes; a log would drown in them.
        Event::Progress { .. } => {}
    }
}
