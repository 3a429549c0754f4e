//! `groundup diff`.

mod attribution;
mod budget;
mod causes;
mod html;
mod markdown;
mod parts;
mod recorded;
mod records;
mod registry;
mod roles;
mod sides;
mod text;

use crate::{
    args::Global,
    context::{Home, find_root, open_store, store_path},
    error::CliError,
    out,
};
use budget::{Budget, Explain};
use clap::builder::PossibleValuesParser;
use groundup_diff::{Attribution, NoCauses, Options, Report, Subject, Verdict, World, compare};
use groundup_store::{Create, Store};
use registry::Registries;
use sides::{Side, Word};
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Say what differs between two things, what that means, and why
///
/// A and B are any of: a target (`node.worker`, `kernel.edge:modules`), a target at a git revision
/// (`HEAD~1:node.worker`), an id (`tree:…`, `blob:…`), a directory, an image layout, an archive of an
/// image (`docker save`, `skopeo copy`; compressed or not), an image in a registry
/// (`docker://HOST/NAME:TAG`), a tar file, a disk image or any other file; ours, or built by others.
/// `./` in front of a word makes it a path.
///
/// Causes come first: the pins, recipe lines and files that moved. Then what they did, most telling
/// first; every difference is counted, and what could not be compared is said. Exit code 0: equal, or
/// equal in meaning; 1: different.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What it was
    before: String,
    /// What it is
    after: String,
    /// Only what lies below these paths, as in `etc/systemd`
    #[arg(long, value_name = "PATH")]
    path: Vec<String>,
    /// Only the verdict and the causes
    #[arg(long, conflicts_with = "all")]
    brief: bool,
    /// Everything: all rows, places and findings
    #[arg(long)]
    all: bool,
    /// Show at most this many rows
    #[arg(long, value_name = "N", default_value_t = 40, conflicts_with = "all")]
    max_rows: usize,
    /// Show at most this many findings of a row
    #[arg(long, value_name = "N", default_value_t = 8, conflicts_with = "all")]
    max_findings: usize,
    /// Show only rows with at least the points of this rule of ranking; `telling` leaves out what means
    /// the same. The others are counted
    #[arg(long, value_name = "RULE", conflicts_with = "all",
        value_parser = PossibleValuesParser::new(budget::levels().map(|(name, _)| name)))]
    level: Option<String>,
    /// Show the rules that ranked each row
    #[arg(long)]
    explain: bool,
    /// Write Markdown, as for a comment on a pull request
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
    /// Write the report to FILE as a page for a browser too, which needs nothing else; `-` puts out
    /// the page and nothing besides. All rows and findings are in it, whatever is shown here
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Which image of an index is meant [default: the first platform of the workspace]
    #[arg(long, value_name = "OS/ARCHITECTURE")]
    platform: Option<String>,
}

impl Args {
    fn budget(&self) -> Budget {
        let explain = if self.explain { Explain::Yes } else { Explain::No };
        let (rows, findings, places) = match (self.brief, self.all) {
            (true, _) => (0, 0, 0),
            (_, true) => (usize::MAX, usize::MAX, usize::MAX),
            _ => (self.max_rows, self.max_findings, 3),
        };
        let least = budget::least(self.level.as_deref());
        let characters = if self.all { usize::MAX } else { 160 };
        Budget { rows, findings, places, characters, least, explain }
    }
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let alone = args.html.as_deref().is_some_and(html::is_output);
    if alone && (global.json || args.markdown) {
        let text = "one form at a time can go to the output";
        return Err(CliError::usage(text).hint("name a file for the page: `--html FILE`"));
    }
    let words = [Word::parse(&args.before)?, Word::parse(&args.after)?];
    let report = if words.iter().any(Word::is_target) {
        sides::with_targets(global, args, words)?
    } else {
        let root = find_root(global).ok();
        let home = Home::read(root.as_deref(), global)?;
        let path = store_path(global, &home, root.as_deref());
        let kept = Kept::new(&words, &home, global, root.as_deref(), &path)?;
        let store = kept.store.as_ref();
        let world = world(store)?;
        let registries = Registries::new(home.settings.clone(), store);
        let platforms = parts::platforms(args.platform.as_deref(), None)?;
        let words: Vec<&Word> = words.iter().collect();
        let sides = sides::outside(&words, &world, store, &platforms, &registries)?;
        let [a, b] = &sides[..] else { return Err(CliError::usage("two words are needed")) };
        let recorded = store.map(|store| records::of_records(store, a, b)).transpose()?;
        let found = recorded.flatten();
        let attribution: &dyn Attribution =
            found.as_ref().map_or(&NoCauses, |found| found as &dyn Attribution);
        let report = made(&world, args, (&a.subject, &b.subject), attribution)?;
        match store.as_ref().filter(|_| report.counts.not_compared > 0) {
            Some(store) => with_facts(&world, store, args, [a, b], attribution, report)?,
            None => report,
        }
    };
    if let Some(path) = &args.html {
        html::write(&report, path)?;
    }
    match (global.json, args.markdown) {
        _ if alone => {}
        (true, _) => out::json(&report),
        (false, true) => markdown::lines(&report, args.budget()).into_iter().for_each(out::line),
        (false, false) => text::lines(&report, args.budget()).into_iter().for_each(out::line),
    }
    Ok(match report.verdict {
        Verdict::Equal | Verdict::SameMeaning => ExitCode::SUCCESS,
        Verdict::Different | Verdict::Nondeterministic => super::answer_is_no(),
    })
}

fn made(
    world: &World<'_>,
    args: &Args,
    (before, after): (&Subject, &Subject),
    causes: &dyn Attribution,
) -> Result<Report, CliError> {
    let paths = args.path.iter().map(|path| path.trim_start_matches('/').to_owned()).collect();
    let mut options = Options { paths, ..Options::default() };
    if args.all {
        options.meaning = options.meaning.telling_all();
    }
    compare(world, before, after, causes, &options).map_err(|error| failed(&error))
}

/// Where contents were collected, what is still known of them, and how they come back.
fn with_facts(
    world: &World<'_>,
    store: &Store,
    args: &Args,
    sides: [&Side; 2],
    causes: &dyn Attribution,
    mut report: Report,
) -> Result<Report, CliError> {
    let mut hints = Vec::new();
    for side in sides {
        let mut whole = true;
        for part in side.subject.parts.values() {
            whole &= store.has_complete(part.id())?;
        }
        let again = side.made.as_ref().filter(|_| !whole);
        hints.extend(again.map(|made| made.again(&side.subject.name)));
    }
    if hints.is_empty() {
        return Ok(report);
    }
    if let [Some(before), Some(after)] = sides.map(recorded::with_telling) {
        report = made(world, args, (&before, &after), causes)?;
    }
    report.hints = hints;
    Ok(report)
}

/// The store, if a word needs it or one is there.
struct Kept {
    store: Option<Store>,
    /// Where it is, if it goes with this command.
    _passing: Option<tempfile::TempDir>,
}

impl Kept {
    fn new(
        words: &[Word],
        home: &Home,
        global: &Global,
        root: Option<&Path>,
        path: &Path,
    ) -> Result<Self, CliError> {
        if words.iter().any(Word::is_registry) && !path.exists() {
            let is_named = global.store.is_some() || home.settings.store.is_some();
            if root.is_some() || is_named {
                let store = Some(open_store(path, Create::IfMissing)?);
                return Ok(Self { store, _passing: None });
            }
            // Nobody asked for a store here: what is fetched goes with this command.
            let passing = tempfile::tempdir();
            let passing = passing.map_err(|error| {
                CliError::io("make a directory in", &std::env::temp_dir(), &error)
            })?;
            let store = Some(open_store(&passing.path().join("store"), Create::IfMissing)?);
            return Ok(Self { store, _passing: Some(passing) });
        }
        let needed = words.iter().any(|word| word.is_stored() || word.is_registry());
        if !needed && !path.exists() {
            return Ok(Self { store: None, _passing: None });
        }
        let store = match open_store(path, Create::Never) {
            Ok(store) => Some(store),
            // What stands on disk can be compared without it.
            Err(_) if !needed => None,
            Err(error) => return Err(error),
        };
        Ok(Self { store, _passing: None })
    }
}

/// Where contents from outside are written down, if they must be.
fn world(store: Option<&Store>) -> Result<World<'_>, CliError> {
    let scratch = std::env::temp_dir();
    World::new(store, &scratch)
        .map_err(|error| CliError::io("make a scratch file in", &scratch, &error))
}

fn failed(error: &(dyn std::error::Error + 'static)) -> CliError {
    CliError::of(crate::error::Kind::Environment, error)
}
