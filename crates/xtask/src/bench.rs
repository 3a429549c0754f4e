//! `cargo xtask bench`: builds groundup and the harness, and measures groundup beside its peers.

use crate::{Workspace, XtaskError, workspace::output};
use std::process::Command;

/// Runs the workloads that are named, or all; the arguments go to the harness as they are.
pub fn run(workspace: &Workspace, arguments: &[String]) -> Result<bool, XtaskError> {
    let mut build = workspace.cargo();
    build.args(["build", "--release", "--locked", "-p", "groundup-cli", "-p", "groundup-benches"]);
    output(&mut build)?;
    let built = workspace.target.join("release");
    let mut bench = Command::new(built.join("groundup-bench"));
    bench.arg(built.join("groundup")).arg(&workspace.root).arg(workspace.target.join("bench"));
    bench.arg(workspace.root.join("benches/runs")).args(arguments);
    let name = format!("{bench:?}");
    let status = bench.status().map_err(|error| XtaskError::Run(name, error))?;
    Ok(status.success())
}
