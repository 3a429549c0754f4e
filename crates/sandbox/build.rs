//! Compiles the messenger, a program of its own that is linked with nothing, for the builder to hold.

#![allow(clippy::disallowed_methods, reason = "cargo speaks to build scripts by the environment")]

use std::env::var;
use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=messenger/main.rs");
    let (out, target) = (setting("OUT_DIR"), setting("TARGET"));
    let program = Path::new(&out).join("messenger");
    let mut rustc = Command::new(setting("RUSTC"));
    rustc.args([
        "messenger/main.rs",
        "--edition=2024",
        "--crate-type=bin",
        "--crate-name=messenger",
    ]);
    rustc.args(["-Cpanic=abort", "-Copt-level=s", "-Cstrip=symbols", "-Clto=fat"]);
    rustc.args(["-Crelocation-model=static", "-Ctarget-feature=+crt-static"]);
    rustc.args(["-Clink-args=-nostartfiles -nostdlib -static", "-Cforce-unwind-tables=no"]);
    rustc.arg(format!("--target={target}")).arg("-o").arg(&program);
    if let Ok(linker) = var("RUSTC_LINKER") {
        rustc.arg(format!("-Clinker={linker}"));
    }
    let built = rustc.status().expect("rustc can be executed: cargo just did");
    assert!(built.success(), "the messenger could not be compiled; the errors stand above");
}

fn setting(name: &str) -> String {
    var(name).unwrap_or_else(|_| panic!("cargo gives build scripts {name}"))
}
