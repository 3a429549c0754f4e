//! Checks where every path of built targets comes from: `cargo run -p groundup-tests --example
//! histories -- node.worker image.web`, in a workspace whose store has them built.
#![allow(clippy::print_stdout, reason = "this is what the command prints")]

use groundup_tests::{history::every_path_ends, repository};
use std::path::PathBuf;

fn main() {
    let mut words: Vec<String> = std::env::args().skip(1).collect();
    let mut root = repository();
    if let Some(at) = words.iter().position(|word| word == "--root") {
        root = words.get(at + 1).map(PathBuf::from).expect("--root names a workspace");
        words.drain(at..at + 2);
    }
    if words.is_empty() {
        words = vec!["image.web".into(), "node.worker".into()];
    }
    for target in words {
        let ends = every_path_ends(&root, &target);
        println!(
            "{target}: {} paths end at a pin, {} at a recipe line, {} at a file; dpkg's lists agree on {}",
            ends.pins, ends.recipes, ends.files, ends.agreed
        );
    }
}
