//! Tries the sandbox on cgroup version 2, whatever this host has: in a Debian guest with nothing
//! else, emulated without help of the hardware. Emulator and guest are groundup's own, from
//! `recipes/guest.toml`; their packages are fetched, so this needs an archive.
//!
//!     cargo run --release -p groundup-tests --example cgroup_v2
//!
//! Exit code 1, and all that the guest said, if it did not say what it should.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use groundup_tests::{copy_recipes, groundup, in_workspace, repository, succeed, told};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

/// What the guest says when version 2 is found and holds both limits.
const EXPECTED: [&str; 6] = [
    "cgroups  version 2",
    "memory limit  by cgroup version 2",
    "process limit  by cgroup version 2",
    "memory: Limit(Memory) by CgroupV2",
    "processes: Limit(Processes) by CgroupV2",
    "left: 0",
];

/// Makes the first file system of the guest: the root file system without kernel, and our files.
const PACK: &str = "\
pack() { busybox cpio -o -H newc; }
here=$PWD
{
    cd \"$here/out/rootfs.guest\"
    find . -path ./boot -prune -o -path ./usr/lib/modules -prune -o -print | pack
    cd \"$here/ours\"
    find . | pack
} > \"$here/initrd\"";

/// An emulated start takes seconds, on a busy machine a minute.
const PATIENCE: &str = "600";

fn main() -> ExitCode {
    let root = tempfile::tempdir().expect("a temporary directory");
    let root = root.path();
    copy_recipes(root);
    let mut build = in_workspace(root);
    succeed(build.args(["build", "rootfs.emulator", "rootfs.guest", "--out", "out"]));

    let guest = root.join("out/rootfs.guest");
    let ours = root.join("ours");
    fs::create_dir(&ours).expect("a directory of ours");
    let overlay = found(&guest.join("usr/lib/modules"), "*/kernel/fs/overlayfs/overlay.ko");
    let init = repository().join("tests/examples/cgroup_v2.init");
    let limits = hold_limits();
    let files = [
        (init.as_path(), "init"),
        (groundup(), "groundup"),
        (&limits, "hold_limits"),
        (&overlay, "overlay.ko"),
    ];
    for (source, name) in files {
        fs::copy(source, ours.join(name)).expect("a file of ours");
    }
    succeed(in_workspace(root).args(["run", "rootfs.guest", "--", "sh", "-c", PACK]));

    let kernel = found(&guest.join("boot"), "vmlinuz-*");
    let mut emulator = Command::new("timeout");
    emulator.arg(PATIENCE).arg(groundup()).current_dir(root);
    emulator.args(["run", "rootfs.emulator", "--", "qemu-system-x86_64", "-accel", "tcg"]);
    emulator.args(["-m", "1024", "-nodefaults", "-nographic", "-no-reboot", "-serial", "stdio"]);
    emulator.args(["-net", "none", "-initrd", "initrd", "-append", "console=ttyS0 panic=-1 quiet"]);
    let output = emulator.arg("-kernel").arg(kernel).output().expect("timeout(1) starts");
    let said = String::from_utf8_lossy(&output.stdout);
    let missing: Vec<&str> = EXPECTED.into_iter().filter(|line| !said.contains(line)).collect();
    if missing.is_empty() && output.status.success() {
        EXPECTED.iter().for_each(|line| println!("{line}"));
        return ExitCode::SUCCESS;
    }
    eprintln!("{}\nmissing: {missing:#?}", told(&output));
    ExitCode::FAILURE
}

/// The example of the sandbox that the guest runs, built here.
fn hold_limits() -> PathBuf {
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--release", "--locked", "--package", "groundup-sandbox"]);
    build.args(["--example", "hold_limits", "--message-format", "json"]);
    let said = succeed(build.current_dir(repository()));
    let found = said.lines().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message["executable"].as_str().map(PathBuf::from)
    });
    found.expect("cargo says where the example is")
}

/// The one file below `directory` that the pattern of the shell names.
fn found(directory: &Path, pattern: &str) -> PathBuf {
    let mut list = Command::new("sh");
    let said = succeed(list.args(["-c", &format!("ls {pattern}")]).current_dir(directory));
    directory.join(said.trim_end())
}
