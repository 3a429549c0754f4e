//! What two files mean differently: `cargo run -p groundup-meaning --example compare BEFORE AFTER`.

#![allow(clippy::print_stdout, reason = "this is what it is for")]

use groundup_meaning::{Finding, Limits, Pair, compare};
use std::process::ExitCode;

fn main() -> ExitCode {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let [before, after] = &paths[..] else {
        println!("usage: compare BEFORE AFTER");
        return ExitCode::from(2);
    };
    let read = |path: &String| {
        std::fs::read(path).map_err(|error| println!("cannot read {path}: {error}"))
    };
    let (Ok(old), Ok(new)) = (read(before), read(after)) else { return ExitCode::from(2) };
    let path = after.trim_start_matches('/');
    let meaning = compare(&Pair { path, before: &old, after: &new }, &Limits::default());
    println!("as {}", meaning.format.name());
    meaning.findings.iter().for_each(|finding| print(finding, 0));
    if meaning.more > 0 {
        println!("and {} more", meaning.more);
    }
    ExitCode::from(u8::from(!meaning.findings.is_empty()))
}

fn print(finding: &Finding, depth: usize) {
    let values = match (&finding.before, &finding.after) {
        (Some(before), Some(after)) => format!(": {before} -> {after}"),
        (Some(before), None) => format!(": {before} -> gone"),
        (None, Some(after)) => format!(": new: {after}"),
        (None, None) => String::new(),
    };
    let note = finding.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    let indent = "  ".repeat(depth);
    println!("{indent}{:<12} {}{values}{note}", format!("{:?}", finding.kind), finding.what);
    finding.inside.iter().for_each(|inside| print(inside, depth + 1));
}
