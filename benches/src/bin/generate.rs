//! `generate SHAPE N DIR [--shell FILE]`: writes a workspace of a shape, for groundup and its peers.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use groundup_benches::shape::{self, Shape};
use std::{path::Path, process::ExitCode};

const USAGE: &str = "\
usage: generate SHAPE N DIR [--shell FILE]

  steps N        N builds, a binary tree of `deps`; build.top-steps needs all of them
  chain N        N builds, each with the one before it in `deps`
  independent N  N builds without `deps`; all of them are in `default`
  files N        a source of N small files that one build reads

DIR becomes a workspace; in one that is there already, the shape is added. `default.nix` and
`build.ninja` beside the recipes describe the same graph. FILE is a static busybox
[default: /bin/busybox].
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (words, shell) = match words[..] {
        [a, b, c, "--shell", file] => ([a, b, c], file),
        [a, b, c] => ([a, b, c], "/bin/busybox"),
        _ => return usage(),
    };
    let [shape, count, folder] = words;
    let (Some(shape), Ok(count)) = (Shape::named(shape), count.parse()) else { return usage() };
    match shape::write(shape, count, Path::new(folder), Path::new(shell)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(3)
        }
    }
}

fn usage() -> ExitCode {
    eprint!("{USAGE}");
    ExitCode::from(2)
}
