//! The same workspace as a revision of git has it, planned.

use super::{Session, plan_options};
use crate::{
    args::Global,
    context::{RevisionLoader, color_choice},
    error::{CliError, Kind},
};
use groundup_build::{Revision, resolve};
use groundup_digest::ObjectId;
use groundup_plan::{Goal, Plan, compare::Side, leaves_of, plan};
use groundup_recipe::{Diagnostic, Loaded, Lock, Selected, load, lock::LOCK_FILE, render_all};
use std::collections::BTreeMap;

/// The outputs of the steps of a plan, as far as the store knows them.
pub(crate) type Known = Vec<Option<BTreeMap<String, ObjectId>>>;

/// What was planned at a revision.
pub(crate) struct Before {
    pub(crate) revision: Revision,
    pub(crate) loaded: Loaded,
    pub(crate) lock: Lock,
    pub(crate) plan: Plan,
    pub(crate) known: Known,
}

impl Before {
    /// Loads and plans the workspace of a session at a revision: what `words` mean there, and what
    /// the session's own targets were.
    pub(crate) fn open(
        session: &Session,
        global: &Global,
        name: &str,
        words: &[String],
    ) -> Result<Self, CliError> {
        let revision = Revision::open(&session.context.root, name)
            .map_err(|error| CliError::of(Kind::Usage, &error))?;
        let color = color_choice(global);
        let failed = |diagnostics: &[Diagnostic], sources: &_| {
            let text = render_all(diagnostics, sources, color);
            CliError::rendered(format!("the workspace at {name} cannot be planned:\n{text}"))
        };
        let loader = RevisionLoader::new(&revision);
        let mut loaded =
            load(&loader).map_err(|failure| failed(&failure.diagnostics, &failure.sources))?;
        let text = revision.read(LOCK_FILE).map_err(|error| CliError::of(Kind::Usage, &error))?;
        let lock = match text.map(String::from_utf8) {
            None => Lock::default(),
            Some(Ok(text)) => Lock::parse(&mut loaded.sources, LOCK_FILE, &text)
                .map_err(|diagnostics| failed(&diagnostics, &loaded.sources))?,
            Some(Err(error)) => return Err(CliError::of(Kind::Usage, &error)),
        };
        let stale: Vec<Diagnostic> =
            lock.check(&loaded.workspace).iter().map(|stale| stale.to_diagnostic()).collect();
        if !stale.is_empty() {
            return Err(failed(&stale, &loaded.sources));
        }
        // A target that was not there is no error: it is new.
        let select = |words: &[String]| loaded.workspace.select(words).unwrap_or_default();
        let mut selected: Vec<Selected> = match words {
            [] => select(&[]),
            words => words.iter().flat_map(|word| select(std::slice::from_ref(word))).collect(),
        };
        for asked in session.plan.targets() {
            let known = selected.iter().any(|selected| selected.target == asked.name);
            if !known && loaded.workspace.target(&asked.name).is_some() {
                selected.push(Selected::whole(asked.name.clone()));
            }
        }
        let targets: Vec<_> = selected.iter().map(|selected| selected.target.clone()).collect();
        let leaves = revision
            .take(&session.store, &leaves_of(&loaded.workspace, &targets))
            .map_err(|error| CliError::of(Kind::Usage, &error))
            .map_err(|error| error.while_trying(format!("reading the files of {name}")))?;
        let options = plan_options(Goal::Outputs)?;
        let plan = plan(&loaded.workspace, &lock, &leaves, &selected, &options)
            .map_err(|error| CliError::of(Kind::Usage, &error))
            .map_err(|error| error.while_trying(format!("planning the workspace at {name}")))?;
        let known = resolve(&plan, &session.store)?.into_iter().map(|it| it.outputs).collect();
        Ok(Self { revision, loaded, lock, plan, known })
    }

    /// It as a side of a comparison.
    pub(crate) fn side(&self) -> Side<'_> {
        Side { recipes: &self.loaded, lock: &self.lock, plan: &self.plan, known: &self.known }
    }
}
