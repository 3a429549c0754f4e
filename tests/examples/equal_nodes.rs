//! Builds kernels and nodes twice, with all changed that must not matter, and compares every file
//! that comes out, byte by byte.
//!
//!     cargo run --release -p groundup-tests --example equal_nodes -- [TARGET…]
//!
//! The default is `kernel.edge node.worker`, which takes two times seven minutes on two quiet cores and
//! 5 GB of disk. The second build is an ordinary user's if this runs as root, in another directory with a
//! store of its own, with another number of jobs, a shuffled order, a narrow umask, another locale
//! and another time zone. Exit code 1 if a file differs.

#![allow(clippy::print_stdout, reason = "a program for people")]

use groundup_tests::{copy_recipes, groundup};
use rustix::process::geteuid;
use sha2::{Digest, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::{Command, ExitCode},
    time::Instant,
};

/// An ordinary user who has no entry in any table of this host.
const USER: u32 = 54321;

/// The digest and the size of each file.
type Files = BTreeMap<String, (String, u64)>;

fn main() -> ExitCode {
    let mut targets: Vec<String> = std::env::args().skip(1).collect();
    if targets.is_empty() {
        targets = ["kernel.edge", "node.worker"].map(str::to_owned).to_vec();
    }
    let folder = tempfile::Builder::new().prefix("groundup-equal-").tempdir();
    let folder = folder.expect("a temporary directory");
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    let program = folder.path().join("groundup");
    fs::copy(groundup(), &program).expect("the program can be copied");

    // Both at once: who edits recipes meanwhile changes nothing.
    let one = folder.path().join("a");
    let other = folder.path().join("somebody else/in a directory with a longer name");
    [&one, &other].into_iter().for_each(|root| copy_recipes(root));

    let mut first = Command::new(&program);
    first.args(["build", "--jobs", "2"]);
    let first = build(&one, first, None, &targets);

    let mut second = Command::new("/bin/sh");
    second.args(["-c", "umask 077; exec \"$0\" \"$@\""]).arg(&program);
    second.args(["build", "--jobs", "3", "--shuffle", "20310304"]);
    second.env("LC_ALL", "tr_TR.UTF-8").env("TZ", "Pacific/Kiritimati");
    let user = geteuid().is_root().then_some(USER);
    let second = build(&other, second, user, &targets);

    let mut different = 0;
    for path in first.keys().chain(second.keys().filter(|path| !first.contains_key(*path))) {
        match (first.get(path), second.get(path)) {
            (Some(one), Some(other)) if one == other => {
                println!("equal      {} {:>12}  {path}", &one.0[..16], one.1);
            }
            (one, other) => {
                different += 1;
                println!("DIFFERENT  {path}: {one:?}, {other:?}");
            }
        }
    }
    println!("{} files, {different} of them different", first.len());
    if different == 0 && !first.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Builds in a workspace; gives what stands in `out/` then.
fn build(root: &Path, mut command: Command, user: Option<u32>, targets: &[String]) -> Files {
    if let Some(user) = user {
        // The directories above are those of the test, and open to all.
        for entry in walkdir::WalkDir::new(root.parent().expect("a directory of the test")) {
            let entry = entry.expect("a file of the test");
            chown(entry.path(), Some(user), Some(user)).expect("only root changes the user");
        }
        command.uid(user).gid(user);
    }
    command.args(targets).current_dir(root);
    command.env("HOME", root).env("CI", "true").env_remove("GROUNDUP_STORE");
    let since = Instant::now();
    let status = command.status().expect("the program starts");
    assert!(status.success(), "{command:?}: {status}");
    println!("{} s in {}", since.elapsed().as_secs(), root.display());
    let mut files = Files::new();
    let out = root.join("out");
    for entry in walkdir::WalkDir::new(&out).sort_by_file_name() {
        let entry = entry.expect("a file of the output");
        let path = entry.path().strip_prefix(&out).expect("below the output").to_owned();
        if entry.file_type().is_file() {
            let bytes = fs::read(entry.path()).expect("a file of the output");
            let digest = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            let size = bytes.len() as u64;
            files.insert(path.display().to_string(), (digest, size));
        } else if entry.path_is_symlink() {
            let target = fs::read_link(entry.path()).expect("a link of the output");
            files.insert(path.display().to_string(), (format!("-> {:<16}", target.display()), 0));
        }
    }
    // Each build starts from nothing, so the store is of no further use. Check-outs are read-only.
    let sweep = "rm -rf store 2> /dev/null || { chmod -R u+rwX store; rm -rf store; }";
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", sweep]).current_dir(root).status().expect("the shell starts");
    files
}
