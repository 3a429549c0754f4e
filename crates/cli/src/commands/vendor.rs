//! `groundup vendor`.

mod check;
mod fill;
mod meter;
mod prune;

use super::answer_is_no;
use crate::{
    args::Global,
    context::{Context, load_lock, start_dir},
    error::{CliError, Kind},
    inputs::Remote,
    out::{self, BOLD, CYAN, DIM, RED},
    words,
};
use groundup_fetch::{
    VendorPlace,
    vendor::{VendorDirectory, VendorError},
};
use groundup_recipe::{Lock, Span, lock::Input};
use groundup_store::Store;
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

/// Keep every pinned input in a place of your own, from which locked builds run without any archive
///
/// Puts packages, indexes, InRelease files, keyrings, sources and base images, for all platforms of
/// the lock, into DIR: each file under its SHA-256, checked, and only what is not there yet. It can
/// be interrupted at any time and goes on when it is run again. Builds look there before the
/// network once `vendor = "DIR"` stands below `[workspace]` in groundup.toml, in the settings, or in
/// GROUNDUP_VENDOR.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The directory [default: the one that groundup.toml, the settings or GROUNDUP_VENDOR name, or
    /// `vendor` in the workspace]
    dir: Option<PathBuf>,
    /// Fetch and write nothing: read what is there, and end with exit code 1 if something that the
    /// lock pins is missing or damaged
    #[arg(long, conflicts_with = "prune")]
    check: bool,
    /// Remove what no lock pins that the directory was filled for
    #[arg(long)]
    prune: bool,
    /// Note the lock under NAME; each name keeps its inputs until another lock is noted under it
    /// [default: the name of the workspace]
    #[arg(long, value_name = "NAME", conflicts_with = "check")]
    name: Option<String>,
}

/// All that the parts of the command share.
struct Job<'a> {
    store: &'a Store,
    remote: &'a Remote<'a>,
    directory: &'a VendorDirectory,
    inputs: &'a [Input],
}

/// An input that is not kept, and why.
struct Trouble {
    what: String,
    span: Span,
    messages: Vec<String>,
}

impl Trouble {
    fn new(input: &Input, error: &(dyn std::error::Error + 'static)) -> Self {
        let messages = CliError::of(Kind::Environment, error).messages;
        Self { what: input.what.clone(), span: input.span, messages }
    }
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let mut context = Context::load(global)?;
    let (lock, text) = load_lock(&mut context, global)?;
    let path = directory(global, args, &context)?;
    let name = args.name.clone().unwrap_or_else(|| context.loaded.workspace.name.value.clone());
    check_name(&name)?;
    let store = context.open_store()?;
    let remote = Remote::new(&store, &context, &lock)?;
    let inputs = lock.inputs(Some(&context.loaded.workspace));
    if args.check {
        let directory = VendorDirectory::look(&path);
        let job = Job { store: &store, remote: &remote, directory: &directory, inputs: &inputs };
        return checked(global, &context, &job, &lock);
    }
    let directory = VendorDirectory::open(&path)?;
    let job = Job { store: &store, remote: &remote, directory: &directory, inputs: &inputs };
    let filled = fill::fill(&job, live(&context, global))?;
    if filled.troubles.is_empty() {
        directory.keep_lock(&name, text.as_deref().unwrap_or_default())?;
    }
    let pruned = match args.prune && filled.troubles.is_empty() {
        true => prune::prune(&directory)?,
        false => prune::Pruned::default(),
    };
    tell_troubles(&context, &filled.troubles);
    if global.json {
        out::json(&json!({
            "version": 1,
            "place": path,
            "inputs": inputs.len(),
            "bytes": filled.bytes,
            "new": {"inputs": filled.new, "bytes": filled.new_bytes},
            "pruned": {"files": pruned.files, "bytes": pruned.bytes},
            "failed": listed(&context, &filled.troubles),
        }));
    } else {
        let mut line = format!(
            "{}  {}, {}; {} new, {}",
            path.display(),
            words::count(inputs.len() - filled.troubles.len(), "input"),
            words::bytes(filled.bytes),
            filled.new,
            words::bytes(filled.new_bytes),
        );
        if args.prune {
            let files = words::count(pruned.files, "file");
            line.push_str(&format!("; {files} pruned, {}", words::bytes(pruned.bytes)));
        }
        out::line(line);
    }
    if !filled.troubles.is_empty() {
        let failed = words::count(filled.troubles.len(), "input");
        let message = format!("{failed} of {} could not be kept", inputs.len());
        return Err(CliError::environment(message)
            .hint("what was kept stays; run the command again when the rest can be had"));
    }
    tell_how_to_use(&context, &path)?;
    Ok(ExitCode::SUCCESS)
}

fn checked(
    global: &Global,
    context: &Context,
    job: &Job<'_>,
    lock: &Lock,
) -> Result<ExitCode, CliError> {
    let checked = check::check(job, live(context, global))?;
    let extra = prune::extra(job.directory, Some(lock))?;
    let fits = checked.troubles.is_empty();
    let path = job.directory.path();
    tell_troubles(context, &checked.troubles);
    if global.json {
        out::json(&json!({
            "version": 1,
            "place": path,
            "fits": fits,
            "inputs": job.inputs.len(),
            "bytes": checked.bytes,
            "unpinned": {"files": extra.files, "bytes": extra.bytes},
            "failed": listed(context, &checked.troubles),
        }));
    } else {
        let whole = job.inputs.len() - checked.troubles.len();
        out::line(format!(
            "{}  {whole} of {} whole, {}",
            path.display(),
            words::count(job.inputs.len(), "input"),
            words::bytes(checked.bytes)
        ));
        if extra.files > 0 {
            let (files, bytes) = (words::count(extra.files, "file"), words::bytes(extra.bytes));
            out::say(format!(
                "{DIM}{files} more, {bytes}, that no lock pins; --prune removes them{DIM:#}"
            ));
        }
    }
    if !fits {
        out::say(format!(
            "{CYAN}help{CYAN:#}: remove what is damaged; `groundup vendor` gets what is missing"
        ));
    }
    Ok(if fits { ExitCode::SUCCESS } else { answer_is_no() })
}

/// The directory that the command is about.
fn directory(global: &Global, args: &Args, context: &Context) -> Result<PathBuf, CliError> {
    if let Some(dir) = &args.dir {
        return Ok(start_dir(global)?.join(dir));
    }
    let settings = context.settings()?;
    let named = settings.vendor.iter().find_map(VendorPlace::directory);
    Ok(named.map_or_else(|| context.root.join("vendor"), Path::to_owned))
}

fn check_name(name: &str) -> Result<(), CliError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    match !name.is_empty() && !name.starts_with('.') && name.chars().all(plain) {
        true => Ok(()),
        false => Err(CliError::usage(format!(
            "`{name}` is no name for a lock: use letters, digits, `.`, `_` and `-`"
        ))),
    }
}

fn live(context: &Context, global: &Global) -> meter::Live {
    match context.home.environment.ci || global.json {
        true => meter::Live::No,
        false => meter::Live::IfTerminal,
    }
}

fn position(context: &Context, span: Span) -> String {
    let sources = &context.loaded.sources;
    format!("{}:{}", sources.path(span.file), sources.position(span).line)
}

fn tell_troubles(context: &Context, troubles: &[Trouble]) {
    for Trouble { what, span, messages } in troubles {
        out::say(format!(
            "{RED}error{RED:#}: {BOLD}{what}{BOLD:#} at {}",
            position(context, *span)
        ));
        for message in messages {
            out::say(format!("  because: {message}"));
        }
    }
}

fn listed(context: &Context, troubles: &[Trouble]) -> Vec<serde_json::Value> {
    let one = |Trouble { what, span, messages }: &Trouble| json!({"what": what, "position": position(context, *span), "messages": messages});
    troubles.iter().map(one).collect()
}

fn tell_how_to_use(context: &Context, path: &Path) -> Result<(), CliError> {
    let place = VendorPlace::Directory(path.to_owned());
    if !context.settings()?.vendor.contains(&place) {
        let shown = path.strip_prefix(&context.root).unwrap_or(path).display().to_string();
        out::say(format!(
            "{CYAN}help{CYAN:#}: builds look there once `vendor = \"{shown}\"` stands below \
             `[workspace]` in groundup.toml, or GROUNDUP_VENDOR={} is set",
            path.display()
        ));
    }
    Ok(())
}

impl From<VendorError> for CliError {
    fn from(error: VendorError) -> Self {
        Self::of(Kind::Environment, &error)
    }
}
