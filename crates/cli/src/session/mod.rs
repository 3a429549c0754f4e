//! A workspace with store, lock and plan: what commands that build or look at builds share.

mod against;
mod answer;
mod artifacts;
mod failures;
mod perform;
mod space;

pub(crate) use against::Before;
pub(crate) use answer::{Answer, recall, remember};
pub(crate) use artifacts::{Artifact, Everything, publish};
pub(crate) use failures::{explain, kind};
pub(crate) use perform::{SystemClock, keep, perform};
pub(crate) use space::check_space;

use crate::{
    annotate,
    args::Global,
    context::{Context, Place, load_lock},
    error::{CliError, Kind},
    out, words,
};
use groundup_build::{Failure, Repository};
use groundup_digest::Sha256;
use groundup_plan::{Goal, Plan, PlanError, PlanOptions, Step, leaves_of, plan};
use groundup_recipe::{Diagnostic, Lock, Platform, Selected, Span, TargetBody, TargetName};
use groundup_store::Store;

/// Everything that is known before a build.
pub(crate) struct Session {
    pub(crate) context: Context,
    pub(crate) store: Store,
    pub(crate) lock: Lock,
    pub(crate) lock_digest: Option<Sha256>,
    pub(crate) repository: Repository,
    pub(crate) plan: Plan,
    /// Files of the repository that git does not track and that were left out.
    pub(crate) left_out: Vec<String>,
}

impl Session {
    /// Loads the workspace and its lock, takes in the repository files that `words` need, and plans.
    pub(crate) fn open(global: &Global, words: &[String]) -> Result<Self, CliError> {
        Self::open_at(Place::find(global)?, None, global, words, Goal::Outputs)
    }

    /// The same for the tests of targets.
    pub(crate) fn open_for_tests(global: &Global, words: &[String]) -> Result<Self, CliError> {
        Self::open_at(Place::find(global)?, None, global, words, Goal::Tests)
    }

    /// The same at a place, with its store if that is open already.
    pub(crate) fn open_at(
        place: Place,
        store: Option<Store>,
        global: &Global,
        words: &[String],
        goal: Goal,
    ) -> Result<Self, CliError> {
        let mut context = Context::load_at(place, global)?;
        let targets = context.select(words)?;
        if let (Goal::Tests, Some(part)) = (goal, targets.iter().find(|it| it.outputs.is_some())) {
            let hint = format!("`groundup test {}`", part.target);
            return Err(CliError::usage("a test is of a whole target").hint(hint));
        }
        let (lock, text) = load_lock(&mut context, global)?;
        let store = store.map_or_else(|| context.open_store(), Ok)?;
        let repository = Repository::open(&context.root);
        let (plan, left_out) =
            planned(&mut context, &lock, &store, &repository, &targets, global, goal)?;
        warn_of_left_out(&left_out);
        let lock_digest = text.map(|text| Sha256::of(text.as_bytes()));
        Ok(Self { context, store, lock, lock_digest, repository, plan, left_out })
    }

    /// `file:line` of the recipe or lock that a step comes from.
    pub(crate) fn position(&self, step: &groundup_plan::Step) -> Option<String> {
        step.span.map(|span| self.line(span))
    }

    fn line(&self, span: Span) -> String {
        let sources = &self.context.loaded.sources;
        format!("{}:{}", sources.path(span.file), sources.position(span).line)
    }

    /// Why a step failed. Keys know no lines of recipes, so what checks a kernel's options calls
    /// them by number; here they get their lines.
    pub(crate) fn messages(&self, step: &Step, failure: &Failure) -> Vec<String> {
        let owner: Option<TargetName> = step.label.owner.parse().ok();
        let target = owner.and_then(|owner| self.context.loaded.workspace.target(&owner));
        let Some(TargetBody::Kernel(kernel)) = target.map(|target| &target.body) else {
            return failure.messages.clone();
        };
        let spans: Vec<Span> = kernel.requests().iter().map(|option| option.span).collect();
        let line = |number: usize| spans.get(number.checked_sub(1)?).map(|span| self.line(*span));
        failure.messages.iter().map(|message| with_lines(message, OPTIONS, line)).collect()
    }
}

/// What the check of a kernel calls the options of a recipe; `:N` behind it is the Nth.
pub(crate) const OPTIONS: &str = "`options`";

/// `text` with what `line` gives for N in the place of each `NAME:N`.
fn with_lines(text: &str, name: &str, line: impl Fn(usize) -> Option<String>) -> String {
    let mark = format!("{name}:");
    let mut parts = text.split(mark.as_str());
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(end);
        match number.parse().ok().and_then(&line) {
            Some(place) => out.push_str(&place),
            None => out.push_str(&format!("{mark}{number}")),
        }
        out.push_str(rest);
    }
    out
}

/// Names files that git does not track and that no step sees.
pub(crate) fn warn_of_left_out(left_out: &[String]) {
    if left_out.is_empty() {
        return;
    }
    let shown: Vec<_> = left_out.iter().take(5).map(String::as_str).collect();
    out::warn(format!(
        "{} not tracked by git and left out: {}{}",
        words::count(left_out.len(), "file"),
        shown.join(", "),
        if left_out.len() > 5 { ", …" } else { "" }
    ));
}

fn planned(
    context: &mut Context,
    lock: &Lock,
    store: &Store,
    repository: &Repository,
    targets: &[Selected],
    global: &Global,
    goal: Goal,
) -> Result<(Plan, Vec<String>), CliError> {
    let workspace = &context.loaded.workspace;
    let names: Vec<TargetName> = targets.iter().map(|asked| asked.target.clone()).collect();
    let leaves = leaves_of(workspace, &names);
    let taken = repository.take(store, &leaves, &mut context.basis)?;
    let environment = &context.home.environment;
    let (home, config) = (environment.home.as_deref(), environment.config.as_deref());
    repository.observe_git(home, config, &mut context.basis);
    let options = plan_options(goal)?;
    let planned = plan(workspace, lock, &taken.leaves, targets, &options).map_err(|error| {
        let span = match &error {
            PlanError::Unpinned { span, .. } | PlanError::NotTree { span, .. } => *span,
            _ => None,
        };
        let Some(span) = span else { return CliError::of(Kind::Usage, &error) };
        let diagnostic = Diagnostic::error(error.to_string()).label(span, "asked for here");
        let color = crate::context::color_choice(global);
        annotate::diagnostics(std::slice::from_ref(&diagnostic), &context.loaded.sources);
        CliError::rendered(diagnostic.render(&context.loaded.sources, color))
    })?;
    Ok((planned, taken.left_out))
}

/// How targets are lowered here.
fn plan_options(goal: Goal) -> Result<PlanOptions, CliError> {
    Ok(PlanOptions {
        sandbox: groundup_sandbox::VERSION,
        ownership: groundup_sandbox::OWNERSHIP_VERSION,
        host: host_platform()?,
        goal,
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

#[cfg(test)]
mod tests {
    use super::with_lines;

    #[test]
    fn numbers_of_options_become_lines_where_there_are_some() {
        let line = |number: usize| (number == 2).then(|| "a.toml:7".to_owned());
        let text = "CONFIG_A at `options`:2, but y at `options`:3: see `options`";
        let told = "CONFIG_A at a.toml:7, but y at `options`:3: see `options`";
        assert_eq!(with_lines(text, "`options`", line), told);
    }
}
