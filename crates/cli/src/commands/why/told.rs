//! A way back in words and as JSON.

use super::{Args, Ending, Places, build_in_words, print_rows, short, time};
use crate::{
    args::Global,
    error::CliError,
    out::{self, BOLD},
    words,
};
use groundup_build::history::{Chain, Did, End, Hop, NodeFacts, Why};
use groundup_provenance::{BuildRecord, label_parts};
use serde_json::json;

/// How many origins of a directory's files are listed, and inputs of a command.
const FEW: usize = 5;

pub(super) fn tell(
    record: &BuildRecord,
    target: &str,
    why: &Why,
    places: &mut Places,
    args: &Args,
    global: &Global,
) -> Result<(), CliError> {
    let lead = why.leads_to.as_deref();
    let mut ending = places.ending(&why.chain.end);
    let mut lead_ending = lead.map(|lead| places.ending(&lead.chain.end));
    if args.blame {
        places.blame(&mut ending)?;
        if let Some(ending) = &mut lead_ending {
            places.blame(ending)?;
        }
    }
    if global.json {
        let mut answer = json!({
            "version": 1,
            "target": target,
            "build": record.id(),
            "commit": record.commit,
            "lock": record.lock,
            "lock_is_here": places.is_lock(record.lock),
            "started_ms": record.circumstances.started_ms,
            "found": why,
            "end": ending,
        });
        if let (Some(ending), Some(answer)) = (lead_ending, answer.as_object_mut()) {
            answer.insert("leads_to_end".into(), json!(ending));
        }
        out::json(&answer);
        return Ok(());
    }
    let full = if args.full { usize::MAX } else { FEW };
    tell_one(why, &ending, places, full);
    if let (Some(lead), Some(ending)) = (lead, &lead_ending) {
        out::line("");
        out::line(format!("it leads to {BOLD}{}{BOLD:#}", lead.path));
        tell_one(lead, ending, places, full);
    }
    let (started, commit) = (record.circumstances.started_ms, record.commit.as_deref());
    out::say(format!("{target}: {}", build_in_words(started, commit, places, record.lock)));
    Ok(())
}

fn tell_one(why: &Why, ending: &Ending, places: &mut Places, full: usize) {
    let mut rows = vec![vec![why.path.clone(), node(&why.node), String::new()]];
    for (path, target) in &why.via {
        rows.push(vec![format!("  {path}"), format!("is a link to {target}"), String::new()]);
    }
    if let Some(layer) = &why.layer {
        let digest = layer.digest.as_deref().unwrap_or("its digest is not kept");
        rows.push(vec![format!("  layer {}", layer.number), digest.to_owned(), String::new()]);
    }
    rows.extend(chain_rows(&why.chain, ending, places));
    print_rows(&rows);
    if !why.holds.is_empty() {
        let files: usize = why.holds.iter().map(|(_, count)| count).sum();
        let shown = why.holds.iter().take(full).map(|(label, count)| match label.as_str() {
            "state" => format!("{count} made by groundup"),
            "files" => format!("{count} of the recipe"),
            "scripts" => format!("{count} of maintainer scripts"),
            label => format!("{count} of {}", label.strip_prefix("deb:").unwrap_or(label)),
        });
        let shown: Vec<String> = shown.collect();
        let more = match why.holds.len().checked_sub(shown.len()) {
            None | Some(0) => String::new(),
            Some(more) => format!(" and {more} more (--full)"),
        };
        let files = words::count(files, "file");
        out::line(format!("  below it {files}: {}{more}", shown.join(", ")));
    }
    for step in &why.also {
        out::line(format!("  also in what `{step}` made"));
    }
}

/// What is at a path, in words.
fn node(node: &NodeFacts) -> String {
    let mut text = node.kind.to_owned();
    if let Some(target) = &node.target {
        text.push_str(&format!(" to {}", words::visible(target)));
    } else {
        text.push_str(&format!(", mode {}", node.mode));
    }
    text.push_str(&format!(", {}:{}", node.uid, node.gid));
    if let Some(size) = node.size {
        text.push_str(&format!(", {}", words::bytes(size)));
    }
    text
}

/// The hops of a way back and its end, as rows: step, what it did, place.
pub(crate) fn chain_rows(chain: &Chain, ending: &Ending, places: &mut Places) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (index, hop) in chain.hops.iter().enumerate() {
        // What only hands on, and the fetch that the pin is about, say nothing new.
        if hop.did == Did::PassedOn || hop.did == Did::Fetched {
            continue;
        }
        let next = chain.hops.get(index + 1..).unwrap_or_default();
        let after = next.iter().find(|hop| hop.did != Did::PassedOn);
        let owner = label_parts(&hop.step).owner;
        let place = match owner.starts_with("package ") {
            true => None,
            false => places.recipe(owner, None, hop.position.as_deref()).0,
        };
        rows.push(vec![
            format!("  {}", hop.step),
            did(hop, after, &chain.end, ending),
            place.unwrap_or_default(),
        ]);
        if !hop.beside.is_empty() {
            let followed = next.first().map(|next| label_parts(&next.step).owner);
            let beside = hop.beside.iter().filter_map(|beside| {
                let owner = label_parts(&beside.from).owner;
                let name = owner.strip_prefix("package ").unwrap_or(owner);
                let tools = if beside.tool { " (tools)" } else { "" };
                (Some(owner) != followed).then(|| format!("{name}{tools}"))
            });
            let mut beside: Vec<String> = beside.collect();
            beside.dedup();
            if !beside.is_empty() {
                let with = format!("and from {}", words::some(&beside, FEW));
                rows.push(vec![String::new(), with, String::new()]);
            }
        }
    }
    let mut what = ending.what.clone();
    if let Some(note) = &ending.note {
        what.push_str(&format!(" ({note})"));
    }
    let place = ending.place.clone().unwrap_or_default();
    rows.push(vec![format!("  {}", ending.kind), what, place]);
    if let Some(blame) = &ending.blame {
        let seconds = u64::try_from(blame.time).unwrap_or(0);
        let (who, when) = match &blame.commit {
            Some(commit) => (short(commit).to_owned(), time(seconds.saturating_mul(1000))),
            None => ("not committed".to_owned(), String::new()),
        };
        let said = words::visible(&format!("{who} {}", blame.summary));
        let author = words::visible(&format!("{} {when}", blame.author));
        rows.push(vec!["  last moved by".into(), said, author]);
    }
    rows
}

/// What a step did, in words.
fn did(hop: &Hop, next: Option<&Hop>, end: &End, ending: &Ending) -> String {
    let from = || match (next, end) {
        (Some(next), _) => {
            let (own, next) = (label_parts(&hop.step), label_parts(&next.step));
            match own.owner == next.owner {
                // Steps of one target are told apart by what they do.
                true => format!("what `{} {}` made", next.owner, next.role),
                false => next.owner.to_owned(),
            }
        }
        (None, End::File { .. }) => ending.what.clone(),
        (None, _) => "what the recipe says".to_owned(),
    };
    // Only where the path changes is it worth its room.
    let place = match (&hop.path, next.and_then(|next| next.path.as_ref())) {
        (Some(here), Some(there)) if here != there => format!(" ({there})"),
        _ => String::new(),
    };
    match &hop.did {
        Did::LaidDown => format!("laid it down from {}{place}", from()),
        Did::FromPackage(package) => format!("laid it down from the package {package}{place}"),
        Did::Wrote => format!("{} wrote what the recipe says", by(hop)),
        Did::Generated => format!("{} made it for this set of packages", by(hop)),
        Did::Scripts => "maintainer scripts made or changed it".to_owned(),
        Did::PassedOn => "passed it on".to_owned(),
        Did::Copied => format!("copied it from {}{place}", from()),
        Did::Made => format!("its command made it, from {}", from()),
        Did::Unpacked => format!("unpacked it from {}", packed(hop, next, end, ending)),
        Did::Packed => format!("packed it from {}", from()),
        Did::Composed => {
            let owner = label_parts(&hop.step).owner;
            format!("put it together from all that `groundup why {owner}` lists")
        }
        Did::Fetched => "fetched it".to_owned(),
    }
}

/// Who wrote something: the assembler with its version.
fn by(hop: &Hop) -> &str {
    hop.by.as_deref().unwrap_or("groundup")
}

/// The archive that something was unpacked from: what the step of the same owner fetched.
fn packed(hop: &Hop, next: Option<&Hop>, end: &End, ending: &Ending) -> String {
    let own = label_parts(&hop.step).owner;
    match (next, end) {
        (Some(next), _) => {
            let parts = label_parts(&next.step);
            let file = parts.role.strip_prefix("fetch ");
            match file {
                Some(file) if parts.owner == own && !own.starts_with("package ") => file.to_owned(),
                _ if parts.owner == own => "the file that is pinned".to_owned(),
                _ => parts.owner.to_owned(),
            }
        }
        (None, End::File { .. }) => ending.what.clone(),
        (None, _) => own.to_owned(),
    }
}

/// A way back as JSON.
pub(crate) fn chain_json(chain: &Chain, ending: &Ending) -> serde_json::Value {
    json!({"hops": chain.hops, "end": ending})
}
