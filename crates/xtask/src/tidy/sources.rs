//! What every Rust file keeps to: a header, a length, no `unsafe`.

use crate::{Workspace, XtaskError, workspace::Source};
use std::path::Path;

/// The longest file without its tests, in lines.
const LONGEST: usize = 600;
/// Half of the files are shorter than this.
const MEDIAN: usize = 200;
/// Files that may be longer, since they are flat tables.
const TABLES: &[&str] = &[];
/// Where `unsafe` may be used: the sandbox, the tests that trace a program, and the one file of the
/// benchmarks that asks the kernel what a process took.
const UNSAFE: &[&str] = &["crates/sandbox", "tests/trace", "benches/src/process.rs"];

pub(super) fn check_headers(workspace: &Workspace) -> Result<Vec<String>, XtaskError> {
    let bad = workspace.sources.iter().filter(|source| {
        let first = source.text.lines().next().unwrap_or_default();
        !first.starts_with("//! ") || first == "//! Placeholder."
    });
    Ok(bad.map(|source| format!("{}: does not start with `//! …`", shown(source))).collect())
}

pub(super) fn check_lengths(workspace: &Workspace) -> Result<Vec<String>, XtaskError> {
    let measured = workspace.sources.iter().map(|source| (source.lines(), source));
    let measured: Vec<_> = measured.filter(|(lines, _)| *lines > 0).collect();
    let long = measured.iter().filter(|(lines, source)| {
        *lines > LONGEST && !TABLES.iter().any(|table| source.path == Path::new(table))
    });
    let mut findings: Vec<String> = long
        .map(|(lines, source)| format!("{}: {lines} lines without tests", shown(source)))
        .collect();
    let mut lengths: Vec<usize> = measured.iter().map(|(lines, _)| *lines).collect();
    lengths.sort_unstable();
    match lengths.get(lengths.len() / 2) {
        Some(median) if *median >= MEDIAN => {
            findings.push(format!("the median file has {median} lines, not under {MEDIAN}"));
        }
        _ => {}
    }
    Ok(findings)
}

pub(super) fn check_unsafe(workspace: &Workspace) -> Result<Vec<String>, XtaskError> {
    // The lint `unsafe_code` forbids the rest; what remains is to see who switches it off.
    let words = ["allow(unsafe_code", "expect(unsafe_code", "warn(unsafe_code"];
    let others = workspace.sources.iter().filter(|source| {
        !UNSAFE.iter().any(|place| source.path.starts_with(place))
            && !source.path.starts_with("crates/xtask")
            && words.iter().any(|word| source.text.contains(word))
    });
    Ok(others.map(|source| format!("{}: switches `unsafe_code` on", shown(source))).collect())
}

fn shown(source: &Source) -> std::path::Display<'_> {
    source.path.display()
}
