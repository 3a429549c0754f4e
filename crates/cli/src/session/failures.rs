//! A failed step in words: what failed, the end of its log, and where to go from here.

use super::Session;
use crate::{
    annotate,
    error::{Kind, remedy},
    out::{self, BOLD, CYAN, DIM, RED},
    words,
};
use groundup_build::{Failure, FailureKind, Outcome, Report};
use groundup_plan::Step;
use groundup_sandbox::LimitKind;

/// Tells why steps failed.
pub(crate) fn explain(session: &Session, report: &Report) {
    for (index, failure) in report.failures() {
        explain_one(session, &session.plan.steps()[index], failure);
    }
    let skipped = report.count(Outcome::Skipped);
    if skipped > 0 && !report.interrupted {
        let (steps, were) =
            (words::count(skipped, "step"), if skipped == 1 { "was" } else { "were" });
        out::say(format!("{DIM}{steps} {were} not started because of this{DIM:#}"));
    }
}

/// Who has to act on a build that is not complete: whoever cares for this machine and its mirrors
/// if only those failed, else the author of the recipes.
pub(crate) fn kind(report: &Report) -> Kind {
    let surroundings = |failure: &Failure| {
        use FailureKind::{Fetch, Platform, Sandbox, Store};
        matches!(failure.kind, Fetch | Platform | Sandbox | Store) || failure.trouble.is_some()
    };
    let mut failures = report.failures().map(|(_, failure)| failure).peekable();
    match failures.peek().is_some() && failures.all(surroundings) {
        true => Kind::Environment,
        false => Kind::No,
    }
}

/// The key of a limit in a recipe; nothing for what no recipe sets.
fn key_of(limit: LimitKind) -> Option<&'static str> {
    match limit {
        LimitKind::Memory => Some("memory"),
        LimitKind::Processes => Some("processes"),
        LimitKind::Wall => Some("wall"),
        LimitKind::IdleOutput => Some("idle"),
        LimitKind::OutputBytes => Some("output"),
        LimitKind::LogBytes => None,
    }
}

fn explain_one(session: &Session, step: &Step, failure: &Failure) {
    let messages = session.messages(step, failure);
    let mut messages = messages.iter();
    let first = messages.next().map_or("it failed", String::as_str);
    let label = step.label.to_string();
    out::say(match first.contains(&label) {
        true => format!("\n{RED}error{RED:#}: {first}"),
        false => format!("\n{RED}error{RED:#}: {BOLD}{label}{BOLD:#}: {first}"),
    });
    let mut last = first;
    let mut messages = messages.peekable();
    while let Some(message) = messages.next() {
        // Some errors repeat the text of their cause, and some causes where it happened.
        let said = last.contains(message.as_str());
        let said_next = messages.peek().is_some_and(|next| next.contains(message.as_str()));
        if !said && !said_next {
            out::say(format!("  because: {message}"));
        }
        last = message;
    }
    if let Some(position) = session.position(step) {
        annotate::failure(&position, &format!("{label}: {first}"));
        annotate::places(first);
        out::say(format!("  {DIM}at {position}{DIM:#}"));
    }
    if !failure.tail.is_empty() {
        out::say(format!("  {DIM}the last lines of its output:{DIM:#}"));
        for line in &failure.tail {
            out::say(format!("  {DIM}|{DIM:#} {line}"));
        }
    }
    let owner = &step.label.owner;
    if failure.log.is_some() {
        out::say(format!("{CYAN}help{CYAN:#}: the whole log:      groundup log {owner}"));
        out::say(format!("      a shell in its sandbox: groundup shell {owner}"));
    }
    if let Some(remedy) = failure.trouble.and_then(remedy) {
        out::say(format!("{CYAN}help{CYAN:#}: {remedy}"));
    }
    if let FailureKind::Limit(limit) = &failure.kind
        && let Some(key) = key_of(*limit)
    {
        let place = match owner.starts_with("node.") {
            true => format!("`timeout` in `[{owner}.test]`"),
            false => format!("`{key}` in the `limits` of `[{owner}]`"),
        };
        out::say(format!("{CYAN}help{CYAN:#}: if it needs more, raise {place}"));
    }
}
