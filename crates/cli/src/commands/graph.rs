//! `groundup graph`.

use super::plan::action;
use crate::{args::Global, error::CliError, out, session::Session};
use groundup_plan::{From, Plan};
use serde_json::json;
use std::{
    fmt::Write,
    io::Write as _,
    process::{Command, ExitCode, Stdio},
};

/// Draw the graph of steps: Graphviz text, SVG or JSON
///
/// SVG is drawn by `dot` of Graphviz, which has to be on the PATH.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Targets or patterns [default: the workspace's `default`]
    targets: Vec<String>,
    /// Form of the graph
    #[arg(long, value_name = "FORM", default_value = "dot")]
    format: Format,
    /// Show every step; without, the packages of a root file system are one node
    #[arg(long)]
    full: bool,
}

/// A form of the graph.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Text for Graphviz
    Dot,
    /// A picture
    Svg,
    /// Steps and edges
    Json,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let session = Session::open(global, &args.targets)?;
    let format = if global.json { Format::Json } else { args.format };
    match format {
        Format::Json => out::json(&as_json(&session)),
        Format::Dot => out::raw(as_dot(&session.plan, args.full).as_bytes()),
        Format::Svg => out::raw(&drawn(&as_dot(&session.plan, args.full))?),
    }
    Ok(ExitCode::SUCCESS)
}

fn as_json(session: &Session) -> serde_json::Value {
    let steps = session.plan.indexed().map(|(index, step)| {
        let inputs: Vec<_> = step
            .inputs
            .iter()
            .map(|input| match &input.from {
                From::Leaf { label, id } => json!({"name": input.name, "leaf": label, "id": id}),
                From::Step { step, output } => {
                    json!({"name": input.name, "step": step.get(), "output": output})
                }
            })
            .collect();
        json!({
            "index": index.get(),
            "label": step.label.to_string(),
            "action": action(step),
            "position": session.position(step),
            "inputs": inputs,
            "outputs": step.outputs,
        })
    });
    json!({ "version": 1, "steps": steps.collect::<Vec<_>>() })
}

/// The node that a step is drawn as; packages are one node per root file system unless all are
/// wanted.
fn node(plan: &Plan, index: usize, full: bool) -> String {
    let label = &plan.steps()[index].label;
    match label.owner.starts_with("package ") && !full {
        true => "packages".to_owned(),
        false => label.to_string(),
    }
}

fn as_dot(plan: &Plan, full: bool) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let mut edges = std::collections::BTreeSet::new();
    let mut nodes = std::collections::BTreeSet::new();
    for (index, step) in plan.indexed() {
        let to = node(plan, index.get(), full);
        nodes.insert((to.clone(), "box"));
        for input in &step.inputs {
            let from = match &input.from {
                From::Leaf { label, .. } => {
                    nodes.insert((label.clone(), "note"));
                    label.clone()
                }
                From::Step { step, .. } => node(plan, step.get(), full),
            };
            if from != to {
                edges.insert((from, to.clone()));
            }
        }
    }
    let mut dot = String::from("digraph groundup {\n  rankdir = LR;\n");
    for (name, shape) in nodes {
        let _ = writeln!(dot, "  {} [shape = {shape}];", quoted(&name));
    }
    for (from, to) in edges {
        let _ = writeln!(dot, "  {} -> {};", quoted(&from), quoted(&to));
    }
    dot.push_str("}\n");
    dot
}

fn drawn(dot: &str) -> Result<Vec<u8>, CliError> {
    let failed = |error: std::io::Error| {
        CliError::environment(format!("cannot run `dot`: {error}"))
            .hint("install Graphviz, or print the text with --format dot")
    };
    let mut child = Command::new("dot")
        .arg("-Tsvg")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    let mut stdin = child.stdin.take().expect("it was asked for");
    let text = dot.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let output = child.wait_with_output().map_err(failed)?;
    let _ = writer.join();
    if output.status.success() {
        return Ok(output.stdout);
    }
    Err(CliError::environment(format!("`dot` failed ({})", output.status)))
}
