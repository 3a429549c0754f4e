//! Lets a real Kubernetes API server take the manifests of a cluster.
//!
//!     cargo run --release -p groundup-tests --example api_server -- [TARGET] [--store DIR]
//!
//! The server is `build.kube-apiserver`, built from Debian's source package with Debian's Go (minutes on
//! two cores), with Debian's etcd; all run in a sandbox with a network of their own. TARGET is
//! `cluster.demo` by default, whose node takes a kernel to build. Objects are validated and applied by
//! the server, applied again without a change, and asked for their images. Exit code 1 if not.

#![allow(clippy::print_stdout, reason = "a program for people")]

use groundup_tests::{groundup, repository, succeed, told};
use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let (mut target, mut store) = ("cluster.demo".to_owned(), None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--store" => store = words.next(),
            _ => target = word,
        }
    }
    let root = &repository();
    let program = || {
        let mut command = Command::new(groundup());
        command.current_dir(root);
        store.iter().for_each(|store| {
            command.arg("--store").arg(store);
        });
        command
    };
    println!("building {target} and the server");
    succeed(program().args(["build", &target, "rootfs.control-plane"]));
    let mut command = program();
    command.args(["run", "--env", "LC_ALL=C", "rootfs.control-plane", "--"]);
    command.args(["bash", "tests/examples/api_server.sh"]);
    command.arg(format!("out/{target}")).arg("recipes/cluster/crds/machines.yaml");
    let output = command.output().expect("the program starts");
    println!("{}", told(&output));
    match output.status.success() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
