//! `groundup store …`: care of the store.

use super::answer_is_no;
use crate::{
    args::Global,
    context::{Home, find_root, open_store, open_to_look, store_path},
    error::CliError,
    out::{self, BOLD, RED},
    session::SystemClock,
    table, words,
};
use groundup_build::{
    Clock,
    history::{Facts, FactsBudget, facts_of},
};
use groundup_store::{
    Create, KeepCheckouts, KeepLogs, KeepOptions, Report, Status, Store, Total, repair_format,
};
use serde_json::json;
use std::process::ExitCode;

/// Look after the store: status, verify, repair, collect
#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Say how much is in the store
    Status,
    /// Read everything and check it; exit code 1 if something is damaged
    Verify,
    /// Verify, then remove what is damaged; it is made again when a build needs it
    Repair,
    Collect(Collect),
}

/// Drop contents that no root and no running process needs
///
/// Roots are the last outputs of each target of each workspace.
///
/// What tells of builds outlives them. Always kept: records, results and trees (which path had which
/// content, mode and owner), so that an image of last year can be compared by its digest alone, and a
/// result whose content is gone still serves keys. Kept within a budget, for the newest builds first:
/// facts, which are origins of files, facts of kernels, nodes and layers, kernel configurations,
/// manifests of clusters and the JSON of images. `groundup store status` says what they take.
#[derive(clap::Args)]
pub(crate) struct Collect {
    /// Only print the plan
    #[arg(long)]
    dry_run: bool,
    /// Drop check-outs too; they are made again from blobs
    #[arg(long)]
    checkouts: bool,
    /// Keep only the last N logs of each step
    #[arg(long, value_name = "N")]
    logs: Option<u32>,
    /// Keep facts of builds of the last DAYS
    #[arg(long, value_name = "DAYS", default_value_t = FACTS_DAYS)]
    facts_days: u64,
    /// Keep at most so many bytes of facts
    #[arg(long, value_name = "BYTES", default_value_t = FACTS_SIZE)]
    facts_size: u64,
}

/// For how long facts of builds are kept, unless asked otherwise.
const FACTS_DAYS: u64 = 800;
/// How much room they may take.
const FACTS_SIZE: u64 = 1 << 30;

fn budget(days: u64, bytes: u64) -> FactsBudget {
    let age_ms = days.saturating_mul(24 * 3600 * 1000);
    FactsBudget { since_ms: SystemClock.now_ms().saturating_sub(age_ms), bytes }
}

pub(super) fn run(global: &Global, command: &Command) -> Result<ExitCode, CliError> {
    let root = find_root(global).ok();
    let home = Home::read(root.as_deref(), global)?;
    let path = store_path(global, &home, root.as_deref());
    let store = match command {
        Command::Status | Command::Verify => open_to_look(&path)?,
        Command::Repair => {
            if repair_format(&path)? {
                out::say(format!("mended   {}", path.join("format").display()));
            }
            open_store(&path, Create::Never)?
        }
        Command::Collect(_) => open_store(&path, Create::Never)?,
    };
    match command {
        Command::Status => status(&store, global),
        Command::Verify => Ok(verdict(&verified(&store)?, global)),
        Command::Repair => repair(&store, global),
        Command::Collect(options) => collect(&store, options, global),
    }
}

fn total(total: Total) -> serde_json::Value {
    json!({"count": total.count, "bytes": total.bytes})
}

fn status(store: &Store, global: &Global) -> Result<ExitCode, CliError> {
    let status = store.status()?;
    let free = store.free_space()?;
    let facts = facts_of(store, budget(FACTS_DAYS, FACTS_SIZE))?;
    let totals = [
        ("blobs", status.blobs),
        ("executable twins", status.twins),
        ("trees", status.trees),
        ("results", status.results),
        ("records", status.records),
        ("logs", status.logs),
        ("check-outs", status.checkouts),
        ("scratch in use", status.scratch),
    ];
    if global.json {
        let kinds: serde_json::Map<_, _> =
            totals.iter().map(|(name, sum)| ((*name).to_owned(), total(*sum))).collect();
        out::json(&json!({
            "version": 1,
            "path": store.path(),
            "kinds": kinds,
            "roots": status.roots,
            "leased": status.leased,
            "unstable": status.unstable,
            "index_bytes": status.index_bytes,
            "facts": json!({
                "bytes": facts.bytes,
                "count": facts.blobs.len(),
                "builds": facts.builds,
                "days": FACTS_DAYS,
                "budget_bytes": FACTS_SIZE,
            }),
            "free_bytes": free.available,
        }));
        return Ok(ExitCode::SUCCESS);
    }
    let mut rows: Vec<Vec<String>> = totals
        .iter()
        .map(|(name, sum)| vec![(*name).into(), sum.count.to_string(), words::bytes(sum.bytes)])
        .collect();
    rows.push(vec!["index".into(), String::new(), words::bytes(status.index_bytes)]);
    rows.push(vec!["roots".into(), status.roots.to_string()]);
    rows.push(vec!["objects in use".into(), status.leased.to_string()]);
    rows.push(vec!["unstable keys".into(), status.unstable.to_string()]);
    rows.push(vec!["free on its disk".into(), String::new(), words::bytes(free.available)]);
    out::line(format!("{BOLD}{}{BOLD:#}", store.path().display()));
    table::layout(&rows).into_iter().for_each(out::line);
    out::say(outlives(&status, &facts));
    Ok(ExitCode::SUCCESS)
}

/// What `collect` never drops, and what it keeps of old builds.
fn outlives(status: &Status, facts: &Facts) -> String {
    let always = status.trees.bytes + status.results.bytes + status.records.bytes;
    format!(
        "`groundup store collect` never drops trees, results and records ({}); of facts of builds it \
         keeps the newest up to {} and {FACTS_DAYS} days: now {} of {}",
        words::bytes(always),
        words::bytes(FACTS_SIZE),
        words::bytes(facts.bytes),
        words::count(facts.builds, "build"),
    )
}

fn verified(store: &Store) -> Result<Report, CliError> {
    Ok(store.verify(&mut |_| {})?)
}

fn verdict(report: &Report, global: &Global) -> ExitCode {
    if global.json {
        let problems: Vec<_> = report.problems.iter().map(ToString::to_string).collect();
        out::json(&json!({
            "version": 1,
            "clean": report.is_clean(),
            "blobs": report.blobs,
            "bytes": report.bytes,
            "trees": report.trees,
            "results": report.results,
            "records": report.records,
            "logs": report.logs,
            "problems": problems,
        }));
    } else {
        for problem in &report.problems {
            out::line(format!("{RED}damaged{RED:#}  {problem}"));
        }
        out::say(format!(
            "checked {} blobs ({}), {} trees, {} results, {} records, {} logs: {}",
            report.blobs,
            words::bytes(report.bytes),
            report.trees,
            report.results,
            report.records,
            report.logs,
            if report.is_clean() {
                "all well".to_owned()
            } else {
                format!(
                    "{}; `groundup store repair` removes what is damaged",
                    words::count(report.problems.len(), "problem")
                )
            }
        ));
    }
    if report.is_clean() { ExitCode::SUCCESS } else { answer_is_no() }
}

fn repair(store: &Store, global: &Global) -> Result<ExitCode, CliError> {
    let report = verified(store)?;
    let repaired = store.repair(&report)?;
    let texts = |problems: &[groundup_store::Problem]| -> Vec<String> {
        problems.iter().map(ToString::to_string).collect()
    };
    if global.json {
        out::json(&json!({
            "version": 1,
            "removed": texts(&repaired.removed),
            "mended": texts(&repaired.mended),
            "left": texts(&repaired.left),
        }));
    } else {
        texts(&repaired.removed).iter().for_each(|text| out::line(format!("removed  {text}")));
        texts(&repaired.mended).iter().for_each(|text| out::line(format!("mended   {text}")));
        texts(&repaired.left).iter().for_each(|text| out::line(format!("left     {text}")));
        out::say("what was removed is fetched or built again by the next `groundup build`");
    }
    Ok(if repaired.left.is_empty() { ExitCode::SUCCESS } else { answer_is_no() })
}

fn collect(store: &Store, options: &Collect, global: &Global) -> Result<ExitCode, CliError> {
    let facts = facts_of(store, budget(options.facts_days, options.facts_size))?;
    let keep = KeepOptions {
        checkouts: match options.checkouts {
            true => KeepCheckouts::None,
            false => KeepCheckouts::OfKeptTrees,
        },
        logs: options.logs.map_or(KeepLogs::All, KeepLogs::Newest),
        facts: facts.blobs.clone(),
    };
    let plan = store.plan_collect(&keep)?;
    if !global.json {
        for (reason, sum) in &plan.kept {
            out::line(format!(
                "keep  {:>8} objects  {:>10}  {reason}",
                sum.count,
                words::bytes(sum.bytes)
            ));
        }
        let dropped = plan.dropped_total();
        out::line(format!(
            "drop  {:>8} objects  {:>10}",
            dropped.count,
            words::bytes(dropped.bytes)
        ));
    }
    let mut collected = None;
    if !options.dry_run {
        collected = Some(store.perform_collect(&plan)?);
    }
    if global.json {
        let kept: Vec<_> = plan
            .kept
            .iter()
            .map(|(reason, sum)| json!({"reason": reason.to_string(), "total": total(*sum)}))
            .collect();
        out::json(&json!({
            "version": 1,
            "dry_run": options.dry_run,
            "kept": kept,
            "dropped": total(plan.dropped_total()),
            "freed": collected.map(|collected| total(collected.dropped)),
        }));
    } else if let Some(collected) = collected {
        out::say(format!("freed {}", words::bytes(collected.dropped.bytes)));
    }
    Ok(ExitCode::SUCCESS)
}
