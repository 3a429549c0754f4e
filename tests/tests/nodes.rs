//! Kernels and nodes from the recipes of this repository: configured, built, booted.
//!
//! All tests share one workspace and its store. The longest is the boot of `node.micro`, whose kernel
//! is compiled on the way.
#![allow(clippy::unwrap_used, reason = "a test fails where it is surprised")]

use groundup_tests::{copy_recipes, in_workspace, succeed, told};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
    sync::OnceLock,
};

/// The recipes of this repository, and some that are wrong on purpose.
fn workspace() -> &'static Path {
    static ROOT: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, root) = ROOT.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("work");
        copy_recipes(&root);
        fs::write(root.join("recipes/wrong.toml"), WRONG).unwrap();
        fs::write(root.join("recipes/wrong.patch"), PATCH).unwrap();
        (folder, root)
    });
    root
}

const WRONG: &str = r#"
[kernel.dropped]
extends = "kernel.tiny"
options = { TMPFS = "y", NO_SUCH_THING = "y", CRC32 = "n", EXT4_FS = "y", BLOCK = "y" }

[kernel.unpatched]
extends = "kernel.tiny"
patches = ["recipes/wrong.patch"]

[node.blind]
extends = "node.micro"
kernel = "kernel.tiny"
rootfs = "rootfs.initrd"

[node.cramped]
extends = "node.micro"
disk_size = "16MiB"
"#;

const PATCH: &str = "--- a/MAINTAINERS\n+++ b/MAINTAINERS\n@@ -1,2 +1,2 @@\n no such line\n-nor this one\n+another\n";

fn groundup(arguments: &[&str]) -> Output {
    in_workspace(workspace()).args(arguments).output().unwrap()
}

/// What a command that must fail with exit code 1 said.
fn failure(arguments: &[&str]) -> String {
    let output = groundup(arguments);
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_node_boots_and_its_test_is_a_result_like_any_other() {
    let mut test = in_workspace(workspace());
    assert_eq!(succeed(test.args(["test", "node.micro"])), "node.micro  passed\n");
    let mut again = in_workspace(workspace());
    assert_eq!(succeed(again.args(["test", "node.micro"])), "node.micro  passed (before)\n");
    let mut log = in_workspace(workspace());
    let console = succeed(log.args(["log", "node.micro test linux/amd64"]));
    assert!(console.contains("micro: the root is read-only"), "{console}");

    // What is shipped is what programs that are not ours take.
    succeed(in_workspace(workspace()).args(["build", "node.micro"]));
    let look = "cd out/node.micro && sfdisk --verify disk.raw && unsquashfs -s root.squashfs && \
                veritysetup verify root.squashfs root.verity $(cat roothash) && \
                qemu-img compare -f raw -F qcow2 disk.raw disk.qcow2 && objdump -h uki.efi";
    let mut run = in_workspace(workspace());
    let said = succeed(run.args(["run", "rootfs.node-tools", "--", "sh", "-euc", look]));
    assert!(said.contains("No errors detected") && said.contains(".initrd"), "{said}");
}

#[test]
fn a_kernel_that_is_built_again_is_the_same() {
    succeed(in_workspace(workspace()).args(["build", "--jobs", "2", "kernel.tiny"]));
    let again = ["build", "--jobs", "3", "--rerun", "kernel.tiny build linux/amd64", "kernel.tiny"];
    let output = groundup(&again);
    assert!(output.status.success(), "{}", told(&output));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("1 step built") && !said.contains("unstable"), "{said}");
}

#[test]
fn an_option_that_does_not_hold_is_an_error_with_its_reason() {
    let said = failure(&["build", "kernel.dropped"]);
    for reason in [
        "CONFIG_TMPFS=y was asked for at `options`",
        "it depends on CONFIG_SHMEM, which is n (fs/Kconfig:",
        "CONFIG_NO_SUCH_THING=y was asked for",
        "recipes/wrong.toml:2",
    ] {
        assert!(said.contains(reason), "{reason}: {said}");
    }
}

#[test]
fn a_patch_that_does_not_fit_is_shown_with_its_hunk() {
    let said = failure(&["build", "kernel.unpatched"]);
    for part in
        ["recipes/wrong.patch", "/MAINTAINERS: hunk 1 of 1", "     no such line", "    +another"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_node_that_would_not_boot_is_refused_before_anything_is_written() {
    let said = failure(&["build", "node.blind"]);
    for part in [
        "the node would not boot",
        "CONFIG_DM_VERITY=y, which the hash tree of the root needs",
        "CONFIG_SQUASHFS=y, which the root needs",
        "no program at /sbin/init",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains("node.blind squashfs"), "{said}");
}

#[test]
fn a_disk_that_is_too_small_says_by_how_much() {
    let said = failure(&["build", "node.cramped"]);
    assert!(said.contains("a disk of 16777216 bytes is too small by "), "{said}");
}
