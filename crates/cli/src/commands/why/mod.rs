//! `groundup why`.

mod list;
mod made;
mod places;
mod told;

pub(crate) use made::{leaves_json, summary};
pub(crate) use places::{Ending, Places};
pub(crate) use told::{chain_json, chain_rows};

use crate::{
    args::Global,
    context::{Place, open_to_look},
    error::{CliError, Kind},
    out, words,
};
use groundup_build::history::{
    HistoryError, Question, WhyError, load_build, open_history, why as explain,
};
use groundup_provenance::{BuildRecord, Lineage};
use groundup_store::Store;
use std::process::ExitCode;

/// Say what a target is made of, or where one of its files comes from
///
/// Without PATH: the pins, files and recipe lines that are in the target, and those that it was made
/// with. With PATH: the way back from the file, link or directory, step by step, to a line of
/// groundup.lock, a line of a recipe or a file of the repository.
///
///   groundup why image.web /usr/sbin/nginx
///   groundup why node.worker /lib/modules --blame
///   groundup why node.worker:initramfs /init
///   groundup why image.web --files
///
/// The answer is that of the latest build of the target in the store: nothing is built, and contents
/// may have been collected. Places are those of now; what is no longer there is said.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// A target; with `:PART` one output, or a tree on the way: `initramfs` of a node
    target: String,
    /// A path in it
    path: Option<String>,
    /// For which platform, where the target has several [default: all, in order]
    #[arg(long, value_name = "PLATFORM")]
    platform: Option<String>,
    /// Say which commit last moved the line or file that it comes from
    #[arg(long)]
    blame: bool,
    /// List every path of the target, or below PATH, each with the place that it comes from
    #[arg(long, conflicts_with = "blame")]
    files: bool,
    /// List everything; without, long lists are cut
    #[arg(long)]
    full: bool,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let Place { root, store_path, .. } = Place::find(global)?;
    let store = open_to_look(&store_path).map_err(|error| match error.kind {
        Kind::Usage => error,
        _ => error.hint(never_built(&args.target)),
    })?;
    let mut places = Places::new(&root)?;
    let (target, part) = match args.target.split_once(':') {
        Some((target, part)) => (target, Some(part)),
        None => (args.target.as_str(), None),
    };
    let record = latest(&store, &places, target)?;
    let Some(record) = record else {
        let message = format!("no build in this store has made `{target}`");
        return Err(CliError::new(Kind::No, message).hint(never_built(target)));
    };
    let platform = args.platform.as_deref();
    if args.files {
        let path = args.path.as_deref().unwrap_or("/");
        let question = Question { target, part, platform, path };
        list::tell(&store, &record, &question, &mut places, global).map_err(in_words)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Some(path) = &args.path else {
        made::tell(&record, target, &mut places, args, global);
        return Ok(ExitCode::SUCCESS);
    };
    let question = Question { target, part, platform, path };
    let why = explain(&store, &record, &question).map_err(in_words)?;
    told::tell(&record, target, &why, &mut places, args, global)?;
    Ok(ExitCode::SUCCESS)
}

fn never_built(target: &str) -> String {
    format!(
        "run `groundup build {target}` first, or name the store that it was built in with --store; \
         `groundup plan` lists the targets"
    )
}

/// The latest build of this workspace that has steps of a target.
fn latest(store: &Store, places: &Places, target: &str) -> Result<Option<BuildRecord>, CliError> {
    let history = open_history(store)?;
    for series in history.series()? {
        let workspace = series.name.lines().next().unwrap_or_default();
        if places.workspace().is_some_and(|own| own != workspace) {
            continue;
        }
        let record = load_build(store, series.latest)?;
        if Lineage::new(&record).steps_of(target).next().is_some() {
            return Ok(Some(record));
        }
    }
    Ok(None)
}

fn in_words(error: WhyError) -> CliError {
    match error {
        WhyError::History(error) => history_error(&error),
        WhyError::NoPart { ref parts, .. } => {
            let hint = format!("it has {}", words::some(parts, 12));
            CliError::of(Kind::Usage, &error).hint(hint)
        }
        WhyError::Nothing { ref looked, ref near, .. } => {
            let mut hint = format!("looked in what `{}` made", words::some(looked, 4));
            if let Some((directory, names)) = near {
                hint.push_str(&format!("; `{directory}` is there"));
                if !names.is_empty() {
                    hint.push_str(&format!(", with {}", words::some(names, 5)));
                }
            }
            CliError::of(Kind::No, &error).hint(hint)
        }
        WhyError::NoTarget(_) | WhyError::Path(_) => CliError::of(Kind::Usage, &error),
    }
}

pub(super) fn history_error(error: &HistoryError) -> CliError {
    CliError::of(Kind::Environment, error)
}

/// When and from what a build was made, in a line.
pub(crate) fn build_in_words(
    started_ms: u64,
    commit: Option<&str>,
    places: &Places,
    lock: Option<groundup_digest::Sha256>,
) -> String {
    let commit = match commit.map(|commit| (commit.strip_suffix("-dirty"), commit)) {
        None => "outside of git".to_owned(),
        Some((Some(commit), _)) => format!("commit {} with changes", short(commit)),
        Some((None, commit)) => format!("commit {}", short(commit)),
    };
    let lock = match places.is_lock(lock) {
        true => "",
        false => "; the lock has moved since",
    };
    format!("built {} from {commit}{lock}", time(started_ms))
}

pub(super) fn short(commit: &str) -> &str {
    commit.get(..12).unwrap_or(commit)
}

/// A time to the second.
pub(crate) fn time(ms: u64) -> String {
    let seconds = i64::try_from(ms / 1000).unwrap_or(0);
    jiff::Timestamp::from_second(seconds).map_or_else(|_| ms.to_string(), |time| time.to_string())
}

/// Prints rows whose last column is a place; rows without one do not widen the columns before.
pub(crate) fn print_rows(rows: &[Vec<String>]) {
    let cells = |column: usize| {
        let placed = rows.iter().filter(move |row| row.last().is_some_and(|cell| !cell.is_empty()));
        placed.filter_map(move |row| row.get(column)).map(|cell| cell.chars().count())
    };
    let first = rows.iter().filter_map(|row| row.first()).map(|cell| cell.chars().count());
    let (first, second) = (first.max().unwrap_or(0), cells(1).max().unwrap_or(0));
    for row in rows {
        let cell = |column: usize| row.get(column).map_or("", String::as_str);
        let line = format!("{:first$}  {:second$}  {}", cell(0), cell(1), cell(2));
        out::line(line.trim_end());
    }
}
