//! Reads the Kconfig files of a source tree and prints what is in them: `cargo run -p groundup-kernel
//! --example kconfig_of -- TREE SRCARCH [NAME=VALUE …]`. With `--symbols` last, a line for each symbol.
//! The variables are those that the kernel's build system would set; `ARCH` is `SRCARCH` unless given.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is what the example is for")]
#![allow(clippy::disallowed_methods, reason = "the words of the command line")]

use groundup_kernel::{
    Files, Kconfig,
    kconfig::{Limits, Type},
};
use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

struct Tree(PathBuf);

impl Files for Tree {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        std::fs::read(self.0.join(path)).ok()
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let (names, list) = match words.split_last() {
        Some((last, names)) if last == "--symbols" => (names, true),
        _ => (words.as_slice(), false),
    };
    let [tree, srcarch, more @ ..] = names else {
        eprintln!("kconfig_of TREE SRCARCH [NAME=VALUE …] [--symbols]");
        return ExitCode::from(2);
    };
    let mut variables = BTreeMap::from([("SRCARCH".to_owned(), srcarch.clone())]);
    variables.insert("ARCH".to_owned(), srcarch.clone());
    let more = more.iter().filter_map(|word| word.split_once('='));
    variables.extend(more.map(|(name, value)| (name.to_owned(), value.to_owned())));
    match Kconfig::parse(&Tree(tree.into()), "Kconfig", variables, Limits::default()) {
        Ok(kconfig) if list => symbols(&kconfig),
        Ok(kconfig) => counts(&kconfig),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

/// Name, type, and the numbers of definitions, prompts, selections by others, and choices.
fn symbols(kconfig: &Kconfig) {
    for (name, symbol) in kconfig.symbols() {
        let kind = symbol.kind.map_or("none".to_owned(), |kind| kind.to_string());
        let prompts = symbol.definitions.iter().filter(|one| one.prompt.is_some()).count();
        let chosen = symbol.definitions.iter().any(|one| kconfig.choice(one).is_some());
        let selectors = kconfig.selectors(name).count();
        let definitions = symbol.definitions.len();
        println!("{name} {kind} {definitions} {prompts} {selectors} {}", u8::from(chosen));
    }
}

fn counts(kconfig: &Kconfig) {
    let of = |kind: Option<Type>| kconfig.symbols().filter(|one| one.1.kind == kind).count();
    println!("files {}", kconfig.files());
    println!("symbols {}", kconfig.symbols().count());
    for kind in [Type::Bool, Type::Tristate, Type::Int, Type::Hex, Type::String] {
        println!("  {kind} {}", of(Some(kind)));
    }
    println!("  without a type {}", of(None));
    let definitions = || kconfig.symbols().flat_map(|one| &one.1.definitions);
    println!("definitions {}", definitions().count());
    println!("  with a prompt {}", definitions().filter(|one| one.prompt.is_some()).count());
    println!("selects {}", definitions().map(|one| one.selects.len()).sum::<usize>());
    println!("choices {}", kconfig.choices().len());
    println!("modules {}", kconfig.modules().unwrap_or("none"));
}
