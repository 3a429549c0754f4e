//! End-to-end tests of the built binary: what they share.
//!
//! The tests drive the release build of `groundup` as people do, in workspaces of their own. The
//! recipes of this repository are built in a copy of its tracked files, so that the work tree of
//! whoever runs the tests is left alone.

pub mod browser;
pub mod ci;
pub mod compared;
pub mod hands;
pub mod history;
pub mod manifests;
pub mod oracle;
#[cfg(target_arch = "x86_64")]
pub mod ordeal;
pub mod outage;
pub mod pages;
#[cfg(target_arch = "x86_64")]
pub mod power;
pub mod signing;
pub mod tiny;
#[cfg(target_arch = "x86_64")]
pub mod trace;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

/// The top of this repository.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().expect("tests/ lies in the repository").to_owned()
}

/// The release build of the program, built here if the test command has not built it yet; or what
/// `GROUNDUP_BIN` names, to test a program that is built already.
pub fn groundup() -> &'static Path {
    static BINARY: OnceLock<PathBuf> = OnceLock::new();
    BINARY.get_or_init(|| {
        #[allow(clippy::disallowed_methods, reason = "a setting of these tests")]
        if let Some(binary) = std::env::var_os("GROUNDUP_BIN") {
            return binary.into();
        }
        let mut build = Command::new(env!("CARGO"));
        build.args(["build", "--release", "--locked", "--package", "groundup-cli"]);
        build.args(["--message-format", "json"]).current_dir(repository());
        let output = build.output().expect("cargo runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let lines = String::from_utf8_lossy(&output.stdout).into_owned();
        let found = lines.lines().find_map(|line| {
            let message: serde_json::Value = serde_json::from_str(line).ok()?;
            message["executable"].as_str().map(PathBuf::from)
        });
        found.expect("cargo says where the program is")
    })
}

/// Copies what git tracks of this repository's recipes to `to`, as a workspace without git.
pub fn copy_recipes(to: &Path) {
    copy(&repository().join("recipes"), &to.join("recipes"));
    for file in ["groundup.toml", "groundup.lock"] {
        std::fs::copy(repository().join(file), to.join(file)).expect("a file of the repository");
    }
}

/// Copies a directory of files and directories.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a directory of the test");
    #[allow(clippy::disallowed_methods, reason = "the order of copying does not matter")]
    for entry in std::fs::read_dir(from).expect("a directory of the repository") {
        let entry = entry.expect("an entry of the repository");
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            std::fs::copy(&source, &target).expect("a file of the repository");
        }
    }
}

/// A copy of the program that can be run at once. Were it written by this process, a fork of another
/// test might still hold it open, and a program that is being written cannot be run ("text file busy").
pub fn copy_program(to: &Path) {
    succeed(Command::new("cp").arg(groundup()).arg(to));
}

/// What a command said, and that it succeeded.
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().expect("the program starts");
    assert!(output.status.success(), "{command:?}\n{}", told(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// All that a command said, for messages of tests.
pub fn told(output: &Output) -> String {
    format!(
        "{}\n--- stdout\n{}\n--- stderr\n{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// The program in a workspace, with a plain environment.
pub fn in_workspace(root: &Path) -> Command {
    let mut command = Command::new(groundup());
    command.current_dir(root).env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", root).env("CI", "true");
    command
}

/// The answer of a command with `--json`: its last line.
pub fn answer(command: &mut Command) -> serde_json::Value {
    let said = succeed(command.arg("--json"));
    let last = said.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"))
}
