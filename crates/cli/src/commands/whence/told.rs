//! What something is, in words and as JSON.

use crate::{
    args::Global,
    commands::why::{
        Places, build_in_words, chain_json, chain_rows, leaves_json, print_rows, summary, time,
    },
    error::CliError,
    out::{self, BOLD},
    words,
};
use groundup_build::history::{Born, BornAs, load_build};
use groundup_provenance::Lineage;
use groundup_store::Store;
use serde_json::json;

/// How many other things that it is are listed.
const FEW: usize = 5;

pub(super) fn tell(
    store: &Store,
    word: &str,
    born: &[Born],
    places: &mut Places,
    full: bool,
    global: &Global,
) -> Result<(), CliError> {
    let Some(first) = born.first() else { return Ok(()) };
    let record = load_build(store, first.build.record)?;
    let lineage = Lineage::new(&record);
    let step = lineage.step(&first.step);
    let made = step.map(|step| lineage.made_of(&[step]));
    if global.json {
        let ending = first.chain.as_ref().map(|chain| (chain, places.ending(&chain.end)));
        let mut answer = json!({
            "version": 1,
            "known": "born",
            "asked": word,
            "born": born,
            "position": position(places, first),
            "lock_is_here": places.is_lock(first.build.lock),
            "made_of": made.as_ref().map(|made| leaves_json(made, places)),
        });
        if let (Some((chain, ending)), Some(answer)) = (ending, answer.as_object_mut()) {
            answer.insert("chain".into(), chain_json(chain, &ending));
        }
        out::json(&answer);
        return Ok(());
    }
    out::line(format!("{word}: {BOLD}{}{BOLD:#}", what(first)));
    let mut rows = vec![vec![
        "  step".to_owned(),
        first.step.clone(),
        position(places, first).unwrap_or_default(),
    ]];
    if let Some(id) = first.id {
        rows.push(vec!["  id".into(), id.to_string()]);
    }
    if let Some(sha256) = first.sha256 {
        rows.push(vec!["  digest".into(), sha256.oci()]);
    }
    rows.push(vec!["  key".into(), first.key.to_string()]);
    let build = &first.build;
    let built = build_in_words(build.started_ms, build.commit.as_deref(), places, build.lock);
    rows.push(vec!["  latest".into(), built]);
    rows.push(vec!["  by".into(), format!("{} with groundup {}", build.by, build.builder)]);
    let of = format!("{} ({})", words::some(&first.targets, FEW), build.workspace);
    rows.push(vec!["  for".into(), of]);
    if let Some(commit) = &build.commit {
        rows.push(vec!["  commit".into(), commit.clone()]);
    }
    if let Some(lock) = build.lock {
        rows.push(vec!["  lock".into(), lock.oci()]);
    }
    if first.builds > 1 {
        let since = time(first.first.started_ms);
        let commit = first.first.commit.as_deref().unwrap_or("no commit");
        rows.push(vec![
            "  builds".into(),
            format!("{}, the first {since} from {commit}", first.builds),
        ]);
    }
    if let Some(made) = &made {
        rows.push(vec!["  made of".into(), summary(made)]);
    }
    if let Some(chain) = &first.chain {
        let ending = places.ending(&chain.end);
        rows.extend(chain_rows(chain, &ending, places));
    }
    print_rows(&rows);
    let most = if full { usize::MAX } else { FEW };
    for born in born.iter().skip(1).take(most) {
        out::line(format!("  also {} ({})", what(born), born.step));
    }
    if let Some(more) = born.len().checked_sub(most.saturating_add(1)).filter(|more| *more > 0) {
        out::line(format!("  and {more} more (--full)"));
    }
    if !first.owner.starts_with("package ") && !first.owner.starts_with("archive ") {
        out::say(format!("`groundup why {}` says what it is made of", first.owner));
    }
    Ok(())
}

/// The place of a step now.
fn position(places: &mut Places, born: &Born) -> Option<String> {
    let then = born.position.as_deref();
    match born.step.contains(" fetch") {
        true => places.pin(&born.step, then).1,
        false => places.recipe(&born.owner, None, then).0,
    }
}

fn what(born: &Born) -> String {
    let owner = &born.owner;
    match &born.what {
        BornAs::ImageIndex => format!("the index of {owner}"),
        BornAs::ImageManifest => format!("the manifest of {owner}{}", platform(born)),
        BornAs::ImageConfig => format!("the configuration of {owner}{}", platform(born)),
        BornAs::Layer { number } => format!("layer {number} of {owner}{}", platform(born)),
        BornAs::DiffId { number } => {
            format!("layer {number} of {owner}{}, by its uncompressed bytes", platform(born))
        }
        BornAs::Output { output } => match output.as_str() {
            "out" => format!("what `{}` made", born.step),
            output => format!("{output} of `{}`", born.step),
        },
        BornAs::Source { label } => {
            let name = label.split_once(':').map_or(label.as_str(), |(_, name)| name);
            format!("{name} of the repository")
        }
        BornAs::File { path, elsewhere, .. } => {
            let more = match elsewhere {
                0 => String::new(),
                more => format!(", and at {} more", words::count(*more, "place")),
            };
            format!("{path} in {owner}{}{more}", platform(born))
        }
        BornAs::Key => format!("the key of `{}`", born.step),
        BornAs::Build => format!("a build of {}", words::some(&born.targets, FEW)),
    }
}

fn platform(born: &Born) -> String {
    let parts = groundup_provenance::label_parts(&born.step);
    parts.platform.map_or(String::new(), |platform| format!(" for {platform}"))
}
