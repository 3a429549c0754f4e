//! Tells which lines of fragments a resolved configuration does not keep, and why: `cargo run -p
//! groundup-kernel --example explain -- TREE SRCARCH RESOLVED FRAGMENT…`. The exit code is 1 if there
//! are any. With two files and no tree (`explain diff OLD NEW`), what differs between two
//! configurations.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is what the example is for")]
#![allow(clippy::disallowed_methods, reason = "the words of the command line")]

use groundup_kernel::{CheckError, Config, ConfigDiff, Files, Inputs, check};
use std::{error::Error, fs, path::PathBuf, process::ExitCode};

struct Tree(PathBuf);

impl Files for Tree {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        fs::read(self.0.join(path)).ok()
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["diff", old, new] => diff(old, new),
        [tree, srcarch, resolved, fragments @ ..] if !fragments.is_empty() => {
            verdict(tree, srcarch, resolved, fragments)
        }
        _ => {
            eprintln!("explain TREE SRCARCH RESOLVED FRAGMENT…\nexplain diff OLD NEW");
            Ok(ExitCode::from(2))
        }
    }
}

fn verdict(
    tree: &str,
    srcarch: &str,
    resolved: &str,
    fragments: &[&str],
) -> Result<ExitCode, Box<dyn Error>> {
    let texts: Result<Vec<(&str, Vec<u8>)>, std::io::Error> =
        fragments.iter().map(|path| Ok((*path, fs::read(path)?))).collect();
    let texts = texts?;
    let fragments: Vec<(&str, &[u8])> =
        texts.iter().map(|(path, text)| (*path, text.as_slice())).collect();
    let inputs = Inputs {
        files: &Tree(tree.into()),
        srcarch,
        variables: &[("ARCH", srcarch)],
        fragments: &fragments,
        resolved: &fs::read(resolved)?,
        allow_dropped: &[],
    };
    match check(inputs) {
        Ok(checked) => {
            print!("{}", checked.to_text());
            Ok(ExitCode::SUCCESS)
        }
        Err(error @ CheckError::Dropped(_)) => {
            println!("{error}");
            Ok(ExitCode::FAILURE)
        }
        Err(error) => Err(error.into()),
    }
}

fn diff(old: &str, new: &str) -> Result<ExitCode, Box<dyn Error>> {
    let read = |path: &str| -> Result<Config, Box<dyn Error>> {
        Config::parse_resolved(path, &fs::read(path)?).map_err(|errors| {
            let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
            errors.join("\n").into()
        })
    };
    print!("{}", ConfigDiff::new(&read(old)?, &read(new)?));
    Ok(ExitCode::SUCCESS)
}
