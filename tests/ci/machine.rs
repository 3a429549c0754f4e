//! Machines for jobs: one root file system, and for each job a home of its own.

use crate::{copy_recipes, in_workspace, succeed};
use rustix::process::geteuid;
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::atomic::{AtomicU32, Ordering},
};

const ENTER: &str = include_str!("enter.sh");
/// The number of the ordinary user of `rootfs.ci`, which is that of GitHub's machines.
const NUMBER: &str = "1001";

/// Who a job is in its machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// An ordinary user, as on a virtual machine.
    Runner,
    /// Root of a container, who has no rights outside of it.
    Root,
    /// The same where user namespaces are forbidden.
    RootWithoutNamespaces,
}

/// The root file system of all machines.
#[derive(Debug)]
pub struct Machine {
    root: PathBuf,
}

/// A machine of one job: what is in its home goes with it.
#[derive(Debug)]
pub struct Room<'a> {
    machine: &'a Machine,
    user: User,
    home: PathBuf,
    /// What the service keeps beside its machines; jobs see it as `/run/service`.
    service: PathBuf,
    scripts: AtomicU32,
}

impl Machine {
    /// Makes it below `folder`, of which nothing stays.
    pub fn prepare(folder: &Path) -> Self {
        let _ = Command::new("chmod").args(["-R", "u+w"]).arg(folder).output();
        let _ = fs::remove_dir_all(folder);
        let (workspace, out) = (folder.join("workspace"), folder.join("out"));
        copy_recipes(&workspace);
        succeed(in_workspace(&workspace).args(["build", "rootfs.ci", "--out"]).arg(&out));
        Self { root: out.join("rootfs.ci") }
    }

    /// A fresh machine beside the things of a service.
    pub fn room(&self, user: User, service: &Path) -> Room<'_> {
        let home = tempfile::Builder::new().prefix("home-").tempdir_in(service.join(".."));
        let home = home.expect("a directory of the test").keep();
        let service = service.to_owned();
        Room { machine: self, user, home, service, scripts: AtomicU32::new(0) }
    }
}

impl Room<'_> {
    /// Runs a script by a shell, with an environment and nothing more, in a folder of the home.
    pub fn run(
        &self,
        shell: &[&str],
        environment: &[(String, String)],
        folder: &str,
        script: &str,
    ) -> Output {
        let number = self.scripts.fetch_add(1, Ordering::Relaxed);
        let name = format!(".script-{number}.sh");
        fs::write(self.home.join(&name), script).expect("the home is ours");
        let root = geteuid().is_root();
        let mut command = Command::new("unshare");
        if !root || self.user != User::Runner {
            command.args(["--user", "--map-root-user"]);
        }
        command.args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", ENTER, "enter"]);
        command.arg(&self.machine.root).arg(&self.home).arg(&self.service);
        command.arg(if self.user == User::RootWithoutNamespaces { "no-namespaces" } else { "-" });
        match self.user {
            User::Runner if root => {
                let (user, group) = (format!("--reuid={NUMBER}"), format!("--regid={NUMBER}"));
                command.args(["/usr/bin/setpriv", &user, &group, "--clear-groups"]);
                for place in [&self.home, &self.service] {
                    let mut own = Command::new("chown");
                    succeed(own.args(["-R", &format!("{NUMBER}:{NUMBER}")]).arg(place));
                }
            }
            User::Runner => {
                let (user, group) =
                    (format!("--map-user={NUMBER}"), format!("--map-group={NUMBER}"));
                command.args(["/usr/bin/unshare", "--user", &user, &group]);
            }
            User::Root | User::RootWithoutNamespaces => {}
        }
        command.args(["/usr/bin/env", "-i", "-C"]).arg(Path::new("/home/runner").join(folder));
        command.args(environment.iter().map(|(name, value)| format!("{name}={value}")));
        command.args(shell).arg(format!("/home/runner/{name}"));
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        command.output().expect("util-linux has unshare")
    }

    /// A file of the home.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.home.join(name)).unwrap_or_default()
    }

    /// A file of the service.
    pub fn service(&self, name: &str) -> PathBuf {
        self.service.join(name)
    }
}
