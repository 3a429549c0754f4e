//! `groundup show`.

use crate::{
    args::Global,
    context::{Home, find_root, open_store, store_path},
    error::{CliError, Kind},
    out::{self, BOLD, DIM},
    words,
};
use groundup_digest::{BlobId, ObjectId, RecordId, StepKey, TreeId};
use groundup_provenance::{BuildRecord, Circumstances, Ending, StepRecord};
use groundup_store::{Create, Store};
use groundup_tree::{FileTree, Kind as NodeKind};
use serde_json::json;
use std::process::ExitCode;

/// Show what an id is: a tree's files, a blob's content, a step's records, a build
///
/// An id is `tree:…`, `blob:…`, or 64 hexadecimal digits of a step key, record, tree or blob.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The id
    id: String,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let root = find_root(global).ok();
    let home = Home::read(root.as_deref(), global)?;
    let store = open_store(&store_path(global, &home, root.as_deref()), Create::Never)?;
    if let Ok(id) = args.id.parse::<ObjectId>() {
        match id {
            ObjectId::Tree(id) => tree(&store, id, global)?,
            ObjectId::Blob(id) => out::raw(&store.read_blob(id)?),
        }
        return Ok(ExitCode::SUCCESS);
    }
    let digits = args.id.strip_prefix("tree:").or_else(|| args.id.strip_prefix("blob:"));
    let digits = digits.unwrap_or(&args.id).parse::<BlobId>().map_err(|error| {
        CliError::usage(format!("`{}` is no id: {error}", args.id))
            .hint("`groundup build` prints ids of outputs, `groundup plan --json` keys of steps")
    })?;
    if shown(&store, *digits.as_bytes(), global)? {
        return Ok(ExitCode::SUCCESS);
    }
    Err(CliError::new(Kind::No, format!("this store knows nothing of {digits}")))
}

/// Shows whatever the 32 bytes are the id of; tells whether there was something.
fn shown(store: &Store, bytes: [u8; 32], global: &Global) -> Result<bool, CliError> {
    let records = store.step_records(StepKey::from_bytes(bytes))?;
    if !records.is_empty() {
        for id in records {
            record(store, id, global)?;
        }
        return Ok(true);
    }
    if store.get_record(RecordId::from_bytes(bytes)).is_ok() {
        record(store, RecordId::from_bytes(bytes), global)?;
        return Ok(true);
    }
    if store.has_tree(TreeId::from_bytes(bytes))? {
        tree(store, TreeId::from_bytes(bytes), global)?;
        return Ok(true);
    }
    if store.has_blob(BlobId::from_bytes(bytes))? {
        out::raw(&store.read_blob(BlobId::from_bytes(bytes))?);
        return Ok(true);
    }
    Ok(false)
}

fn tree(store: &Store, id: TreeId, global: &Global) -> Result<(), CliError> {
    let tree = store.load_tree(id)?;
    if global.json {
        out::json(&json!({"version": 1, "tree": id, "entries": entries(&tree)}));
        return Ok(());
    }
    for (path, node) in tree.iter() {
        let meta = &node.meta;
        let kind = match node.kind {
            NodeKind::Directory => 'd',
            NodeKind::File { .. } => '-',
            NodeKind::Symlink { .. } => 'l',
            NodeKind::CharDevice(_) => 'c',
            NodeKind::BlockDevice(_) => 'b',
            NodeKind::Fifo => 'p',
        };
        let size = if let NodeKind::File { size, .. } = node.kind { size } else { 0 };
        let mut line =
            format!("{kind}{} {:>5} {:>5} {size:>10} {path}", meta.mode, meta.uid, meta.gid);
        if let NodeKind::Symlink { target } = &node.kind {
            line.push_str(&format!(" -> {}", String::from_utf8_lossy(target)));
        }
        if let Some(first) = tree.links().first(path).filter(|first| *first != path) {
            line.push_str(&format!(" = {first}"));
        }
        out::line(line);
    }
    out::say(format!("{} entries, {}", tree.len(), words::bytes(tree.size())));
    Ok(())
}

fn entries(tree: &FileTree) -> Vec<serde_json::Value> {
    let entries = tree.iter().map(|(path, node)| {
        let content = match &node.kind {
            NodeKind::File { blob, size } => json!({"blob": blob, "size": size}),
            NodeKind::Symlink { target } => json!({"target": String::from_utf8_lossy(target)}),
            NodeKind::CharDevice(device) | NodeKind::BlockDevice(device) => {
                json!({"major": device.major, "minor": device.minor})
            }
            NodeKind::Directory | NodeKind::Fifo => json!({}),
        };
        json!({
            "path": path.to_string(),
            "kind": node.kind.noun(),
            "mode": node.meta.mode.to_string(),
            "uid": node.meta.uid,
            "gid": node.meta.gid,
            "content": content,
        })
    });
    entries.collect()
}

fn record(store: &Store, id: RecordId, global: &Global) -> Result<(), CliError> {
    let bytes = store.get_record(id)?;
    if let Ok(step) = StepRecord::from_bytes(&bytes) {
        show_step(&step, global);
        return Ok(());
    }
    let build =
        BuildRecord::from_bytes(&bytes).map_err(|error| CliError::of(Kind::Environment, &error))?;
    if global.json {
        let targets: Vec<_> = build
            .targets
            .iter()
            .map(|target| json!({"target": target.name, "outputs": target.outputs}))
            .collect();
        out::json(&json!({
            "version": 1,
            "build": build.id(),
            "workspace": build.workspace,
            "commit": build.commit,
            "lock": build.lock,
            "targets": targets,
            "steps": build.steps.len(),
            "started_ms": build.circumstances.started_ms,
        }));
        return Ok(());
    }
    out::line(format!("{BOLD}build{BOLD:#}      {}", build.id()));
    out::line(format!("workspace  {}", build.workspace));
    out::line(format!("commit     {}", build.commit.as_deref().unwrap_or("none")));
    for target in &build.targets {
        for (name, id) in &target.outputs {
            out::line(format!("target     {}:{name}  {id}", target.name));
        }
    }
    out::line(format!("steps      {}", build.steps.len()));
    circumstances(&build.circumstances);
    Ok(())
}

fn show_step(step: &StepRecord, global: &Global) {
    let failed = match &step.ending {
        Ending::Done => None,
        Ending::Failed(why) => Some(why),
    };
    if global.json {
        out::json(&json!({
            "version": 1,
            "step": step.label,
            "key": step.key,
            "action": step.action,
            "inputs": step.inputs,
            "outputs": step.outputs,
            "failed": failed,
            "started_ms": step.circumstances.started_ms,
            "took_ms": step.circumstances.took_ms,
        }));
        return;
    }
    out::line(format!("{BOLD}step{BOLD:#}       {}", step.label));
    out::line(format!("key        {}", step.key));
    out::line(format!("action     {}", step.action));
    for (name, id) in &step.inputs {
        out::line(format!("input      {name}  {DIM}{id}{DIM:#}"));
    }
    for (name, id) in &step.outputs {
        out::line(format!("output     {name}  {id}"));
    }
    if let Some(why) = failed {
        out::line(format!("failed     {why}"));
    }
    circumstances(&step.circumstances);
}

fn circumstances(circumstances: &Circumstances) {
    let started = i64::try_from(circumstances.started_ms).unwrap_or(0);
    if let Ok(time) = jiff::Timestamp::from_millisecond(started) {
        out::line(format!("started    {time}"));
    }
    let took = std::time::Duration::from_millis(circumstances.took_ms);
    out::line(format!("took       {}", words::duration(took)));
    out::line(format!("by         {} with groundup {}", circumstances.by, circumstances.builder));
    for sentence in &circumstances.enforcement {
        out::line(format!("limit      {sentence}"));
    }
}
