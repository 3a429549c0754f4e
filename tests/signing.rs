//! Keys and signatures for tests of signed modules. They are made when a test runs, by openssl from a
//! pinned package, and are of no use to anybody.

use crate::{in_workspace, succeed};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A workspace with a key, beside whose recipes it lies.
#[derive(Debug)]
pub struct Signer {
    root: PathBuf,
    store: PathBuf,
}

/// What the certificate says.
const REQUEST: &str = "\
[req]
distinguished_name = name
prompt = no
x509_extensions = of
[name]
CN = groundup test
[of]
basicConstraints = critical,CA:FALSE
keyUsage = digitalSignature
subjectKeyIdentifier = hash
";

impl Signer {
    /// Makes `key.pem`, and `keys/cert.pem` for recipes, in the workspace at `root`.
    pub fn new(root: &Path, store: &Path) -> Self {
        let signer = Self { root: root.to_owned(), store: store.to_owned() };
        std::fs::write(root.join("request"), REQUEST).expect("a file of the test");
        signer.tools(
            "mkdir keys && openssl req -x509 -new -nodes -sha256 -days 36500 -config request \
             -newkey rsa:2048 -keyout key.pem -out keys/cert.pem",
        );
        signer
    }

    /// The program in this workspace.
    pub fn groundup(&self) -> Command {
        let mut command = in_workspace(&self.root);
        command.arg("--store").arg(&self.store);
        command
    }

    /// A script beside openssl, kmod and a compiler; gives what it said.
    pub fn tools(&self, script: &str) -> String {
        let run = ["run", "rootfs.toolchain-kernel-signing", "--", "sh", "-euc", script];
        succeed(self.groundup().args(run))
    }

    /// Does what a build that lacks signatures in `signatures` says.
    pub fn sign_as_told(&self, said: &str, signatures: &str) {
        let lines = said.lines().map(|line| line.trim_start_matches([' ', '|']));
        let mut remedies = lines.filter(|line| line.starts_with("(cd "));
        let remedy = remedies.next().expect("a remedy").replace("KEY", "\"$OLDPWD/key.pem\"");
        self.tools(&format!("mkdir -p {signatures}\n{remedy}"));
    }
}
