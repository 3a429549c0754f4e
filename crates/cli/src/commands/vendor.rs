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
    interrupt,
    out::{self, BOLD, CYAN, DIM, RED},
    words,
};
use groundup_fetch::{
    VendorPlace,
    vendor::{VendorDirectory, VendorError, VendorRegistry, VendorRegistryError},
};
use groundup_recipe::{Span, lock::Input};
use groundup_store::Store;
use prune::Pruned;
use serde_json::json;
use std::{path::PathBuf, process::ExitCode, sync::atomic::AtomicBool};

/// Keep every pinned input in a place of your own, from which locked builds run without any archive
///
/// Puts packages, indexes, InRelease files, keyrings, sources and base images, for all platforms of
/// the lock, into DIR or a registry: each file under its SHA-256, checked, and only what is not there
/// yet. It can be interrupted at any time and goes on when it is run again. Builds look there before
/// the network once `vendor = "PLACE"` stands below `[workspace]` in groundup.toml, in the settings, or
/// in GROUNDUP_VENDOR.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The directory [default: the place that groundup.toml, the settings or GROUNDUP_VENDOR name, or
    /// `vendor` in the workspace]
    dir: Option<PathBuf>,
    /// Keep the inputs in a repository of a registry instead, under TAG [default: one for each lock]
    #[arg(long, value_name = "HOST/NAME[:TAG]", conflicts_with_all = ["dir", "prune", "name"])]
    registry: Option<String>,
    /// Fetch and write nothing: read what is there (of a registry: ask whether it is there), and end
    /// with exit code 1 if something that the lock pins is missing or damaged
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

/// Where the inputs are kept.
enum Target<'a> {
    Directory(&'a VendorDirectory),
    Registry(&'a VendorRegistry<'a>),
}

/// All that the parts of the command share.
struct Job<'a> {
    store: &'a Store,
    remote: &'a Remote<'a>,
    target: Target<'a>,
    inputs: &'a [Input],
    /// The text of the lock.
    lock: &'a str,
    cancel: &'a AtomicBool,
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
    let text = text.unwrap_or_default();
    let place = place(global, args, &context)?;
    let name = args.name.clone().unwrap_or_else(|| context.loaded.workspace.name.value.clone());
    check_name(&name)?;
    let store = context.open_store()?;
    let remote = Remote::new(&store, &context, &lock)?;
    let inputs = lock.inputs(Some(&context.loaded.workspace));
    let cancel = interrupt::flag();
    let job = |target| Job {
        store: &store,
        remote: &remote,
        target,
        inputs: &inputs,
        lock: &text,
        cancel: &cancel,
    };
    match &place {
        VendorPlace::Directory(path) if args.check => {
            let directory = VendorDirectory::look(path);
            let extra = prune::extra(&directory, Some(&lock))?;
            checked(global, &context, &job(Target::Directory(&directory)), &extra)
        }
        VendorPlace::Directory(path) => {
            let directory = VendorDirectory::open(path)?;
            let mut filled =
                fill::fill(&job(Target::Directory(&directory)), live(&context, global))?;
            if filled.troubles.is_empty() {
                directory.keep_lock(&name, &text)?;
                if args.prune {
                    filled.pruned = Some(prune::prune(&directory)?);
                }
            }
            told(global, &context, &place, &path.display().to_string(), &inputs, &filled)
        }
        VendorPlace::Registry(image) => {
            if args.prune || args.name.is_some() {
                return Err(CliError::usage(
                    "registries are not pruned, and lock names are tags there",
                )
                .hint("name a directory, or a tag with `--registry HOST/NAME:TAG`"));
            }
            let registry = VendorRegistry::new(remote.fetcher(), image, &text, &cancel);
            let job = job(Target::Registry(&registry));
            if args.check {
                return checked(global, &context, &job, &Pruned::default());
            }
            let filled = fill::fill(&job, live(&context, global))?;
            told(global, &context, &place, &registry.image().to_string(), &inputs, &filled)
        }
    }
}

/// Says what was done.
fn told(
    global: &Global,
    context: &Context,
    place: &VendorPlace,
    shown: &str,
    inputs: &[Input],
    filled: &fill::Filled,
) -> Result<ExitCode, CliError> {
    tell_troubles(context, &filled.troubles);
    let pruned = filled.pruned.as_ref();
    if global.json {
        out::json(&json!({
            "version": 1,
            "place": shown,
            "inputs": inputs.len(),
            "bytes": filled.bytes,
            "new": {"inputs": filled.new, "bytes": filled.new_bytes},
            "pruned": {
                "files": pruned.map_or(0, |it| it.files), "bytes": pruned.map_or(0, |it| it.bytes),
            },
            "failed": listed(context, &filled.troubles),
        }));
    } else {
        let mut line = format!(
            "{shown}  {}, {}; {} new, {}",
            words::count(inputs.len() - filled.troubles.len(), "input"),
            words::bytes(filled.bytes),
            filled.new,
            words::bytes(filled.new_bytes),
        );
        if let Some(Pruned { files, bytes }) = pruned {
            let files = words::count(*files, "file");
            line.push_str(&format!("; {files} pruned, {}", words::bytes(*bytes)));
        }
        out::line(line);
    }
    if !filled.troubles.is_empty() {
        let failed = words::count(filled.troubles.len(), "input");
        let message = format!("{failed} of {} could not be kept", inputs.len());
        return Err(CliError::environment(message)
            .hint("what was kept stays; run the command again when the rest can be had"));
    }
    tell_how_to_use(context, place)?;
    Ok(ExitCode::SUCCESS)
}

fn checked(
    global: &Global,
    context: &Context,
    job: &Job<'_>,
    extra: &Pruned,
) -> Result<ExitCode, CliError> {
    let checked = check::check(job, live(context, global))?;
    let fits = checked.troubles.is_empty();
    let shown = match &job.target {
        Target::Directory(directory) => directory.path().display().to_string(),
        Target::Registry(registry) => registry.image().to_string(),
    };
    tell_troubles(context, &checked.troubles);
    if global.json {
        out::json(&json!({
            "version": 1,
            "place": shown,
            "fits": fits,
            "inputs": job.inputs.len(),
            "bytes": checked.bytes,
            "unpinned": {"files": extra.files, "bytes": extra.bytes},
            "failed": listed(context, &checked.troubles),
        }));
    } else {
        let whole = job.inputs.len() - checked.troubles.len();
        out::line(format!(
            "{shown}  {whole} of {} whole, {}",
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

/// The place that the command is about.
fn place(global: &Global, args: &Args, context: &Context) -> Result<VendorPlace, CliError> {
    if let Some(text) = &args.registry {
        let text = format!("docker://{}", text.trim_start_matches("docker://"));
        return VendorPlace::parse(&text, &context.root)
            .map_err(|error| CliError::of(Kind::Usage, &error));
    }
    if let Some(dir) = &args.dir {
        return Ok(VendorPlace::Directory(start_dir(global)?.join(dir)));
    }
    let settings = context.settings()?;
    let named = settings.vendor.iter().find(|place| place.directory().is_some());
    let named = named.or(settings.vendor.first()).cloned();
    Ok(named.unwrap_or_else(|| VendorPlace::Directory(context.root.join("vendor"))))
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

fn tell_how_to_use(context: &Context, place: &VendorPlace) -> Result<(), CliError> {
    let known = context.settings()?.vendor.into_iter().any(|known| match (&known, place) {
        (VendorPlace::Registry(known), VendorPlace::Registry(place)) => {
            known.with_tag("any").to_string() == place.with_tag("any").to_string()
        }
        (known, place) => known == place,
    });
    if known {
        return Ok(());
    }
    let (short, long) = match place {
        VendorPlace::Directory(path) => {
            let short = path.strip_prefix(&context.root).unwrap_or(path);
            (short.display().to_string(), path.display().to_string())
        }
        VendorPlace::Registry(image) => (image.to_string(), image.to_string()),
    };
    out::say(format!(
        "{CYAN}help{CYAN:#}: builds look there once `vendor = \"{short}\"` stands below `[workspace]` \
         in groundup.toml, or GROUNDUP_VENDOR={long} is set"
    ));
    Ok(())
}

impl From<VendorError> for CliError {
    fn from(error: VendorError) -> Self {
        Self::of(Kind::Environment, &error)
    }
}

impl From<VendorRegistryError> for CliError {
    fn from(error: VendorRegistryError) -> Self {
        Self::of(Kind::Environment, &error)
    }
}
