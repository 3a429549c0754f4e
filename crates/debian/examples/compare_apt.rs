//! Compares the resolver with apt's own simulation into an empty root.
//!
//!     compare_apt --packages FILE… --arch ARCH [--recommends] [--random SEED COUNT]
//!                 [--allow COUNT] [--set 'NAME NAME…']… -- APT…
//!
//! `APT…` is the command that simulates, without the package names: for example
//! `env APT_CONFIG=… apt-get -s install`. It must see the same indexes (uncompressed `Packages`
//! files) and an empty dpkg status. Prints each disagreement and a summary; ends with 1 if more
//! than `--allow` sets disagree (default: none), with 2 if it is called wrongly.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use groundup_debian::{
    archive::Index,
    resolve::{Recommends, Request, Resolver, Wanted},
};
use std::{
    collections::BTreeSet,
    env,
    error::Error,
    fs,
    process::{Command, ExitCode},
};

type Packages = BTreeSet<(String, String, String)>;

#[derive(Default)]
struct Arguments {
    indexes: Vec<String>,
    arch: String,
    recommends: Recommends,
    sets: Vec<Vec<String>>,
    random: Option<(u64, usize)>,
    allow: usize,
    apt: Vec<String>,
}

fn arguments(mut words: impl Iterator<Item = String>) -> Result<Arguments, Box<dyn Error>> {
    let mut read = Arguments::default();
    let mut into_indexes = false;
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        let was_packages = std::mem::replace(&mut into_indexes, word == "--packages");
        match word.as_str() {
            "--packages" => {}
            "--arch" => read.arch = value()?,
            "--recommends" => read.recommends = Recommends::Install,
            "--random" => read.random = Some((value()?.parse()?, value()?.parse()?)),
            "--allow" => read.allow = value()?.parse()?,
            "--set" => read.sets.push(value()?.split_whitespace().map(str::to_owned).collect()),
            "--" => read.apt = words.by_ref().collect(),
            file if was_packages => {
                read.indexes.push(file.to_owned());
                into_indexes = true;
            }
            other => return Err(format!("what is {other}?").into()),
        }
    }
    match read.indexes.is_empty() || read.arch.is_empty() || read.apt.is_empty() {
        true => Err("--packages, --arch and an apt command after -- are needed".into()),
        false => Ok(read),
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("compare_apt: {error}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool, Box<dyn Error>> {
    let mut arguments = arguments(env::args().skip(1))?;
    let mut indexes = Vec::new();
    for file in &arguments.indexes {
        indexes.push(Index::parse(&fs::read(file).map_err(|error| format!("{file}: {error}"))?)?);
    }
    let indexes: Vec<&Index> = indexes.iter().collect();
    if let Some((seed, count)) = arguments.random {
        arguments.sets.extend(draw(&indexes, seed, count));
    }
    let resolver = Resolver::new(&indexes, &arguments.arch);
    let mut disagreed = 0;
    for set in &arguments.sets {
        if let Some(difference) = compare(&resolver, &arguments, set)? {
            disagreed += 1;
            println!("{}: {difference}", set.join(" "));
        }
    }
    let all = arguments.sets.len();
    println!("{}: {} of {all} sets agree with apt", arguments.arch, all - disagreed);
    Ok(disagreed <= arguments.allow)
}

/// Package names drawn without repetition by a linear congruential generator (Knuth's MMIX).
fn draw(indexes: &[&Index], seed: u64, count: usize) -> Vec<Vec<String>> {
    let names = indexes.iter().flat_map(|index| index.packages().map(|package| package.name()));
    let mut names: Vec<&str> = names.collect::<BTreeSet<_>>().into_iter().collect();
    let mut state = seed;
    let mut drawn = Vec::new();
    while drawn.len() < count && !names.is_empty() {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let place = (state >> 33) as usize % names.len();
        drawn.push(vec![names.swap_remove(place).to_owned()]);
    }
    drawn
}

/// What is different, in words; none if both choose the same or both refuse.
fn compare(
    resolver: &Resolver<'_>,
    arguments: &Arguments,
    set: &[String],
) -> Result<Option<String>, Box<dyn Error>> {
    let wanted: Result<Vec<Wanted>, _> = set.iter().map(|name| name.parse()).collect();
    let mut request = Request::new(&arguments.arch, wanted?);
    request.recommends = arguments.recommends;
    let ours = resolver.resolve(&request);
    let theirs = simulate(arguments, set)?;
    Ok(match (ours, theirs) {
        (Err(_), Err(_)) => None,
        (Err(error), Ok(theirs)) => {
            Some(format!("apt installs {} packages, we say: {error}", theirs.len()))
        }
        (Ok(ours), Err(error)) => {
            Some(format!("we install {} packages, apt says: {error}", ours.packages.len()))
        }
        (Ok(ours), Ok(theirs)) => {
            let ours = ours.packages.into_iter();
            let ours: Packages =
                ours.map(|one| (one.name, one.version, one.architecture)).collect();
            let lines = |packages: &mut dyn Iterator<Item = &(String, String, String)>| {
                let words =
                    packages.map(|(name, version, arch)| format!("{name}:{arch}={version}"));
                words.collect::<Vec<_>>().join(" ")
            };
            let only_apt = lines(&mut theirs.difference(&ours));
            let only_we = lines(&mut ours.difference(&theirs));
            (ours != theirs).then(|| format!("only apt: [{only_apt}] only we: [{only_we}]"))
        }
    })
}

/// What apt would install: its lines `Inst NAME (VERSION ORIGIN [ARCH])`.
fn simulate(
    arguments: &Arguments,
    set: &[String],
) -> Result<Result<Packages, String>, Box<dyn Error>> {
    let (program, rest) = arguments.apt.split_first().ok_or("no apt command")?;
    let output = Command::new(program).args(rest).args(set).env("LC_ALL", "C").output()?;
    if !output.status.success() {
        let talk = String::from_utf8_lossy(&output.stderr);
        return Ok(Err(talk.lines().last().unwrap_or("nothing").to_owned()));
    }
    let mut packages = Packages::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let Some(line) = line.strip_prefix("Inst ") else { continue };
        let strange = || format!("apt printed a line of another form: {line}");
        let (name, rest) = line.split_once(" (").ok_or_else(strange)?;
        let name = name.split_once(':').map_or(name, |(name, _)| name);
        let (version, _) = rest.split_once(' ').ok_or_else(strange)?;
        let (origin, _) = rest.split_once("])").ok_or_else(strange)?;
        let (_, arch) = origin.rsplit_once('[').ok_or_else(strange)?;
        packages.insert((name.to_owned(), version.to_owned(), arch.to_owned()));
    }
    Ok(Ok(packages))
}
