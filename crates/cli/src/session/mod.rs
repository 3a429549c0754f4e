//! A workspace with store, lock and plan: what commands that build or look at builds share.

mod artifacts;
mod failures;
mod perform;
mod space;

pub(crate) use artifacts::{Artifact, Everything, publish};
pub(crate) use failures::{explain, kind};
pub(crate) use perform::{SystemClock, perform};
pub(crate) use space::check_space;

use crate::{
    args::Global,
    context::{Context, load_lock},
    error::{CliError, Kind},
    out, words,
};
use groundup_build::Repository;
use groundup_digest::Sha256;
use groundup_plan::{Plan, PlanError, PlanOptions, leaves_of, plan};
use groundup_recipe::{Diagnostic, Lock, Platform, TargetName};
use groundup_store::Store;

/// Everything that is known before a build.
pub(crate) struct Session {
    pub(crate) context: Context,
    pub(crate) store: Store,
    pub(crate) lock_digest: Option<Sha256>,
    pub(crate) repository: Repository,
    pub(crate) plan: Plan,
}

impl Session {
    /// Loads the workspace and its lock, takes in the repository files that `words` need, and plans.
    pub(crate) fn open(global: &Global, words: &[String]) -> Result<Self, CliError> {
        let mut context = Context::load(global)?;
        let targets = context.select(words)?;
        let (lock, text) = load_lock(&mut context, global)?;
        let store = context.open_store()?;
        let repository = Repository::open(&context.root);
        let plan = planned(&context, &lock, &store, &repository, &targets, global)?;
        let lock_digest = text.map(|text| Sha256::of(text.as_bytes()));
        Ok(Self { context, store, lock_digest, repository, plan })
    }

    /// `file:line` of the recipe or lock that a step comes from.
    pub(crate) fn position(&self, step: &groundup_plan::Step) -> Option<String> {
        let span = step.span?;
        let sources = &self.context.loaded.sources;
        Some(format!("{}:{}", sources.path(span.file), sources.position(span).line))
    }
}

fn planned(
    context: &Context,
    lock: &Lock,
    store: &Store,
    repository: &Repository,
    targets: &[TargetName],
    global: &Global,
) -> Result<Plan, CliError> {
    let workspace = &context.loaded.workspace;
    let leaves = leaves_of(workspace, targets);
    let taken = repository.take(store, &leaves)?;
    if !taken.left_out.is_empty() {
        let (count, shown) = (taken.left_out.len(), taken.left_out.iter().take(5));
        let shown: Vec<_> = shown.map(String::as_str).collect();
        out::warn(format!(
            "{} not tracked by git and left out: {}{}",
            words::count(count, "file"),
            shown.join(", "),
            if count > 5 { ", …" } else { "" }
        ));
    }
    let options = PlanOptions { sandbox: groundup_sandbox::VERSION, host: host_platform()? };
    plan(workspace, lock, &taken.leaves, targets, &options).map_err(|error| {
        let span = match &error {
            PlanError::Unpinned { span, .. } | PlanError::NotTree { span, .. } => *span,
            _ => None,
        };
        let Some(span) = span else { return CliError::of(Kind::Usage, &error) };
        let diagnostic = Diagnostic::error(error.to_string()).label(span, "asked for here");
        let color = crate::context::color_choice(global);
        CliError::rendered(diagnostic.render(&context.loaded.sources, color))
    })
}

/// What this machine can execute.
pub(crate) fn host_platform() -> Result<Platform, CliError> {
    let machine = rustix::system::uname().machine().to_string_lossy().into_owned();
    let found = Platform::ALL.into_iter().find(|platform| platform.machine() == machine);
    found.ok_or_else(|| {
        CliError::environment(format!(
            "groundup does not run on {machine}: it knows x86_64 and aarch64"
        ))
    })
}
