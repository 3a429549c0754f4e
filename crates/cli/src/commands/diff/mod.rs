//! `groundup diff`.

mod causes;
mod html;
mod markdown;
mod parts;
mod sides;
mod text;

use crate::{
    args::Global,
    context::{Home, find_root, open_store, store_path},
    error::CliError,
    out,
};
use groundup_diff::{Attribution, NoCauses, Options, Report, Subject, Verdict, World, compare};
use groundup_store::{Create, Store};
use sides::{Side, Word};
use std::{path::PathBuf, process::ExitCode};

/// Say what differs between two things, what that means, and why
///
/// A and B are any of: a target (`node.worker`, `kernel.edge:modules`), a target at a git revision
/// (`HEAD~1:node.worker`), an id (`tree:…`, `blob:…`), a directory, an image layout, an archive of an
/// image (`docker save`, `skopeo copy`), a tar file, a disk image or any other file; ours, or built
/// by others. `./` in front of a word makes it a path.
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

/// How much of a report is shown.
#[derive(Clone, Copy)]
struct Budget {
    rows: usize,
    findings: usize,
    places: usize,
    explain: Explain,
}

/// Whether the rules of ranking are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Explain {
    Yes,
    No,
}

impl Args {
    fn budget(&self) -> Budget {
        let explain = if self.explain { Explain::Yes } else { Explain::No };
        let (rows, findings, places) = match (self.brief, self.all) {
            (true, _) => (0, 0, 0),
            (_, true) => (usize::MAX, usize::MAX, usize::MAX),
            _ => (self.max_rows, self.max_findings, 3),
        };
        Budget { rows, findings, places, explain }
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
        let store = store(global, &words)?;
        let world = world(store.as_ref())?;
        let platforms = parts::platforms(args.platform.as_deref(), None)?;
        let [a, b] = words.map(|word| word.outside(&world, &platforms));
        let (a, b) = (a?, b?);
        let recorded = store.as_ref().map(|store| causes::of_records(store, &a, &b)).transpose()?;
        let found = recorded.flatten();
        let attribution: &dyn Attribution =
            found.as_ref().map_or(&NoCauses, |found| found as &dyn Attribution);
        made(&world, args, (&a.subject, &b.subject), attribution)?
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
    let options = Options { paths, ..Options::default() };
    compare(world, before, after, causes, &options).map_err(|error| failed(&error))
}

/// The store, if a word needs it or one is there.
fn store(global: &Global, words: &[Word]) -> Result<Option<Store>, CliError> {
    let root = find_root(global).ok();
    let home = Home::read(root.as_deref(), global)?;
    let path = store_path(global, &home, root.as_deref());
    let needed = words.iter().any(Word::is_id);
    if !needed && !path.exists() {
        return Ok(None);
    }
    match open_store(&path, Create::Never) {
        Ok(store) => Ok(Some(store)),
        // What stands on disk can be compared without it.
        Err(_) if !needed => Ok(None),
        Err(error) => Err(error),
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

impl Side {
    fn new(subject: Subject) -> Self {
        Self { subject }
    }
}
