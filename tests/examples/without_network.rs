//! Keeps every input that the lock of this repository pins, and builds from those alone, in an empty
//! network namespace and an empty store, with mirrors that do not exist.
//!
//!     cargo run --release -p groundup-tests --example without_network -- [--pins DIR] [TARGET…]
//!
//! The default is `*`, all targets, which takes as long as building everything does (an hour on
//! two quiet cores, 10 GB of disk); `'image.*'` takes minutes. The inputs are 420 MB; with `--pins` they
//! go to DIR and stay there, so that another run fetches nothing. Exit code 1 if the build fails.

#![allow(clippy::print_stdout, reason = "a program for people")]

use groundup_tests::{copy_recipes, groundup, in_workspace, succeed, told};
use rustix::process::geteuid;
use std::{
    fs,
    path::PathBuf,
    process::{Command, ExitCode},
    time::Instant,
};

/// Nobody answers at these places, had there been a network.
const NOWHERE: &str = "[mirrors]\n\
    debian = [\"https://debian.invalid/debian\"]\n\
    debian-security = [\"https://debian.invalid/debian-security\"]\n\
    [network]\nretries = 0\nhost-apt-sources = false\n";

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1).peekable();
    let pins = words.next_if(|word| word == "--pins").and_then(|_| words.next()).map(PathBuf::from);
    let mut targets: Vec<String> = words.collect();
    if targets.is_empty() {
        targets.push("*".to_owned());
    }
    let folder = tempfile::Builder::new().prefix("groundup-alone-").tempdir();
    let folder = folder.expect("a temporary directory");
    let root = folder.path().join("work");
    copy_recipes(&root);
    let pins = pins.unwrap_or_else(|| folder.path().join("pins"));
    let pins = std::path::absolute(pins).expect("there is a current directory");

    let since = Instant::now();
    let filling = folder.path().join("filling");
    let kept = succeed(in_workspace(&root).arg("vendor").arg(&pins).arg("--store").arg(&filling));
    println!("kept in {:.1} s: {}", since.elapsed().as_secs_f64(), kept.trim_end());
    let since = Instant::now();
    let checked = succeed(
        in_workspace(&root).args(["vendor", "--check"]).arg(&pins).arg("--store").arg(&filling),
    );
    println!("checked in {:.1} s: {}", since.elapsed().as_secs_f64(), checked.trim_end());
    fs::remove_dir_all(filling).expect("it was made for this");

    fs::write(root.join("groundup.local.toml"), NOWHERE).expect("the workspace is ours");
    let mut build = Command::new("unshare");
    build.arg(if geteuid().is_root() { "-n" } else { "-rn" }).arg(groundup()).arg("build");
    build.args(&targets).current_dir(&root).env_clear();
    build.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", &root).env("CI", "true");
    build.env("GROUNDUP_VENDOR", &pins);
    let since = Instant::now();
    let output = build.output().expect("util-linux has unshare");
    println!("built in {:.0} s without a network", since.elapsed().as_secs_f64());
    if !output.status.success() {
        println!("{}", told(&output));
        return ExitCode::FAILURE;
    }
    print!("{}", String::from_utf8_lossy(&output.stdout));
    ExitCode::SUCCESS
}
