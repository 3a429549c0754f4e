//! A failed step in words: what failed, the end of its log, and where to go from here.

use super::Session;
use crate::out::{self, BOLD, CYAN, DIM, RED};
use groundup_build::{Failure, FailureKind, Outcome, Report};
use groundup_plan::Step;

/// Tells why steps failed.
pub(crate) fn explain(session: &Session, report: &Report) {
    for (index, failure) in report.failures() {
        explain_one(session, &session.plan.steps()[index], failure);
    }
    let skipped = report.count(Outcome::Skipped);
    if skipped > 0 && !report.interrupted {
        out::say(format!("{DIM}{skipped} steps were not started because of this{DIM:#}"));
    }
}

fn explain_one(session: &Session, step: &Step, failure: &Failure) {
    let mut messages = failure.messages.iter();
    let first = messages.next().map_or("it failed", String::as_str);
    out::say(format!("\n{RED}error{RED:#}: {BOLD}{}{BOLD:#}: {first}", step.label));
    let mut last = first;
    for message in messages {
        // Some errors repeat the text of their cause.
        if !last.contains(message.as_str()) {
            out::say(format!("  because: {message}"));
        }
        last = message;
    }
    if let Some(position) = session.position(step) {
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
    if let FailureKind::Limit(limit) = &failure.kind {
        let key = limit.as_str();
        out::say(format!(
            "{CYAN}help{CYAN:#}: raise the limit of {key} in `limits` of `[{owner}]`, if it is needed"
        ));
    }
}
