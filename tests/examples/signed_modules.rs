//! A kernel that takes signed modules only, and a node that boots it: the module with a signature that
//! was made outside is loaded, the same module without it is refused. `--jobs N` for a part of a machine.
//!
//!     cargo run --release -p groundup-tests --example signed_modules
//!
//! The tests do the rest with a kernel that takes no time to compile.
#![allow(clippy::unwrap_used, reason = "what is surprising ends the trial")]
#![allow(clippy::print_stdout, reason = "a program for people")]

use groundup_tests::{copy_recipes, signing::Signer, succeed, told};
use std::fs;

const RECIPE: &str = r#"
[kernel.signed]
extends = "kernel.micro"
toolchain = "rootfs.toolchain-kernel-signing"
modules = true
headers = true
options = { MODULES = "y", CRC7 = "m", CRC_CCITT = "m", MODULE_SIG_FORCE = "y" }
signing = { certificate = "keys/cert.pem", signatures = "keys/signed" }

[rootfs.signed]
trees = ["rootfs.micro", { from = "kernel.signed:unsigned", path = "/usr/lib/modules", to = "/unsigned" }]
files = [{ path = "/etc/rc", mode = "0755", text = """
#!/bin/sh
load() { busybox insmod "$(busybox find "$1" -name crc7.ko)"; }
load /unsigned || busybox echo "signed: refused"
load /usr/lib/modules && busybox lsmod | busybox sed 's/^/signed: /'
busybox echo "signed: up"
""" }]

[node.signed]
rootfs = "rootfs.signed"
kernel = "kernel.signed"
initrd = "rootfs.initrd"
tools = "rootfs.node-tools"
cmdline = "console=ttyS0 panic=-1"

[node.signed.test]
emulator = "rootfs.emulator"
console = ["signed: refused", "signed: crc7", "signed: up"]
"#;

fn main() {
    let jobs: Vec<String> = std::env::args().skip(1).collect();
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("signing");
    copy_recipes(&root);
    let signer = Signer::new(&root, &folder.path().join("store"));
    fs::write(root.join("recipes/signed.toml"), RECIPE).unwrap();
    let output = signer.groundup().arg("build").args(&jobs).arg("kernel.signed").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    succeed(signer.groundup().args(["build", "kernel.signed:unsigned"]));
    signer.sign_as_told(&String::from_utf8_lossy(&output.stderr), "keys/signed");
    succeed(signer.groundup().args(["build", "kernel.signed"]));
    print!("{}", succeed(signer.groundup().args(["test", "node.signed"])));
    let console = succeed(signer.groundup().args(["log", "node.signed test linux/amd64"]));
    console.lines().filter(|line| line.contains("signed: ")).for_each(|line| println!("{line}"));
}
