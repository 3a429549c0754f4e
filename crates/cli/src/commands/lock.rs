//! `groundup lock`, and what it shares with `update`.

mod relock;
mod report;

use super::answer_is_no;
use crate::{
    annotate,
    args::Global,
    context::{Context, color_choice, read_lock},
    error::CliError,
    out::{self, BOLD},
    words,
};
use groundup_lock::Scope;
use groundup_recipe::{Span, lock::Stale, render_all};
use serde_json::json;
use std::process::ExitCode;

pub(super) use relock::{Changelogs, Order, Write, relock};

/// Pin what recipes ask for and the lock lacks; what fits stays as it is
///
/// Resolves packages against one state of each archive, verifies signatures, and writes
/// groundup.lock. Commit it: builds read pins from there and nowhere else.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Change nothing and open no socket: say which lines of recipes and lock disagree, with exit
    /// code 1 if some do
    #[arg(long)]
    check: bool,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let context = Context::load(global)?;
    if args.check {
        return check(global, context);
    }
    let order = Order { scope: Scope::Lock, write: Write::Yes, changelogs: Changelogs::None };
    relock(global, context, &order)
}

fn check(global: &Global, mut context: Context) -> Result<ExitCode, CliError> {
    let (lock, _) = read_lock(&context.root, &mut context.loaded.sources, global)?;
    let stale = lock.check(&context.loaded.workspace);
    let fits = stale.is_empty();
    if global.json {
        let one = |stale: &Stale| {
            json!({
                "title": stale.to_diagnostic().title,
                "recipe": stale.recipe.map(|span| position(&context, span)),
                "lock": stale.lock.map(|span| position(&context, span)),
            })
        };
        let stale: Vec<_> = stale.iter().map(one).collect();
        out::json(&json!({
            "version": 2, "fits": fits, "stale": stale,
            "remedy": if fits { None } else { Some("groundup lock") },
        }));
    } else if !fits {
        let texts: Vec<_> = stale.iter().map(|stale| stale.to_diagnostic()).collect();
        annotate::diagnostics(&texts, &context.loaded.sources);
        out::say(render_all(&texts, &context.loaded.sources, color_choice(global)));
        let places = words::count(stale.len(), "place");
        out::say(format!(
            "groundup.lock does not fit the recipes in {places}: run {BOLD}groundup lock{BOLD:#} \
             and commit groundup.lock"
        ));
    }
    Ok(if fits { ExitCode::SUCCESS } else { answer_is_no() })
}

/// `file:line:column`.
fn position(context: &Context, span: Span) -> String {
    let sources = &context.loaded.sources;
    let place = sources.position(span);
    format!("{}:{}:{}", sources.path(span.file), place.line, place.column)
}
