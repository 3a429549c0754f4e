//! A small project with a main branch and changes of it, as a service has it.

use crate::{
    copy_program, groundup, succeed,
    tiny::{RECIPES, Tiny},
};
use groundup_testkit::Server;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// The recipes and a lock on a branch `main`; the archive is served on the loopback.
#[derive(Debug)]
pub struct Project {
    /// The work tree of its people.
    pub tiny: Tiny,
    /// The mirror, which has the program too.
    pub mirror: Server,
    /// What the service keeps.
    pub service: PathBuf,
}

impl Default for Project {
    fn default() -> Self {
        Self::new()
    }
}

impl Project {
    /// It, with one commit on `main`.
    pub fn new() -> Self {
        let tiny = Tiny::unlocked(RECIPES);
        let mirror = Server::serve(&tiny.mirror());
        fs::copy(groundup(), tiny.mirror().join("groundup")).expect("the program is there");
        let settings = tiny.workspace.read("groundup.toml");
        let settings =
            settings.replace("name = \"tiny\"\n", "name = \"tiny\"\nepoch = 1700000000\n");
        tiny.workspace.write("groundup.toml", format!("{settings}url = \"{}\"\n", mirror.url("")));
        tiny.workspace.write(".gitignore", "/store\n/out\n/groundup.local.toml\n");
        tiny.says(&["lock"]);
        tiny.git(&["init", "-q", "-b", "main"]);
        tiny.commit("all");
        let service = tiny.workspace.folder().join("service");
        for folder in ["bin", "cache"] {
            fs::create_dir_all(service.join(folder)).expect("a directory of the test");
        }
        Self { tiny, mirror, service }
    }

    /// Commits a recipe file on a branch of its own, which starts at `main`.
    pub fn change(&self, branch: &str, recipes: &str) {
        self.tiny.git(&["checkout", "-q", "-B", branch, "main"]);
        self.tiny.workspace.write("recipes/tiny.toml", recipes);
        self.tiny.commit(branch);
    }

    /// Lets the service have the branches, and gives the commit that a reference names.
    pub fn push(&self) {
        let origin = self.service.join("origin.git");
        if origin.exists() {
            fs::remove_dir_all(&origin).expect("it is ours");
        }
        let origin = origin.to_string_lossy().into_owned();
        self.tiny.git(&["clone", "-q", "--mirror", "--no-hardlinks", ".", &origin]);
    }

    /// What git says.
    pub fn git(&self, arguments: &[&str]) -> String {
        let mut command = self.tiny.workspace.command("git");
        succeed(command.args(arguments)).trim().to_owned()
    }

    /// A program that jobs find on their path.
    pub fn stand_in(&self, name: &str, script: &str) {
        let path = self.service.join("bin").join(name);
        fs::write(&path, script).expect("the service is ours");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("the service is ours");
    }

    /// The program itself on the path of jobs, as in an image that has it.
    pub fn with_program(&self) {
        let place = self.service.join("bin/groundup");
        copy_program(&place);
    }

    /// The SHA-256 of the program in hexadecimal digits.
    pub fn program_sha256(&self) -> String {
        let mut command = Command::new("sha256sum");
        let said = succeed(command.arg(Path::new(groundup())));
        said.split(' ').next().unwrap_or_default().to_owned()
    }
}
