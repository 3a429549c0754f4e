//! A search without coverage: `search TARGET SECONDS FOLDER SEED`. Inputs that break the target are
//! written into the folder. For machines without a C++ compiler, which libFuzzer needs.

#![allow(clippy::print_stderr, reason = "this is what the program says")]

use groundup_fuzz::{mutate::Mutator, target};
use std::{
    error::Error,
    fs,
    panic::catch_unwind,
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

fn main() -> ExitCode {
    match search() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn search() -> Result<ExitCode, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, seconds, folder, seed] = &arguments[..] else {
        return Err("usage: search TARGET SECONDS FOLDER SEED".into());
    };
    let target = target(name).ok_or_else(|| format!("there is no target `{name}`"))?;
    let (until, mut executions) = (Duration::from_secs(seconds.parse()?), 0u64);
    let corpus = groundup_fuzz::corpus(target.name)?;
    let corpus: Vec<Vec<u8>> = corpus.into_values().collect();
    let mut mutator = Mutator::new(&corpus, target.longest, seed.parse()?);
    let start = Instant::now();
    while start.elapsed() < until {
        let input = mutator.next_input();
        executions += 1;
        if catch_unwind(|| (target.run)(&input)).is_err() {
            let path = Path::new(folder).join(format!("crash-{seed}-{executions}"));
            fs::write(&path, &input)?;
            eprintln!(
                "stat::number_of_executed_units: {executions}\nthe input is in {}",
                path.display()
            );
            return Ok(ExitCode::FAILURE);
        }
    }
    eprintln!("stat::number_of_executed_units: {executions}");
    Ok(ExitCode::SUCCESS)
}
