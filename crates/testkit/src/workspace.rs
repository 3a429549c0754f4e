//! A workspace that vanishes, and commands run in it that see nothing of the host's user.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with a workspace in `work/` and a private home; it vanishes when this is dropped.
#[derive(Debug)]
pub struct TempWorkspace {
    folder: tempfile::TempDir,
}

impl Default for TempWorkspace {
    fn default() -> Self {
        Self::new()
    }
}

impl TempWorkspace {
    /// An empty workspace.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["work", "home", "run", "tmp"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder }
    }

    /// The folder that holds the workspace and the home.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The workspace.
    pub fn root(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// The home of the user that commands see.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// A path in the workspace.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes a file of the workspace, with the directories above it.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// Reads a text file of the workspace.
    pub fn read(&self, name: &str) -> String {
        let path = self.path(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// A command that runs in the workspace: a fixed environment, a private home, no colours, no
    /// proxies.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let home = self.home();
        command.current_dir(self.root()).env_clear();
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("HOME", &home);
        command.env("XDG_CONFIG_HOME", home.join(".config"));
        command.env("XDG_CACHE_HOME", home.join(".cache"));
        command.env("XDG_DATA_HOME", home.join(".local/share"));
        command.env("XDG_STATE_HOME", home.join(".local/state"));
        command.env("XDG_RUNTIME_DIR", self.folder.path().join("run"));
        command.env("TMPDIR", self.folder.path().join("tmp"));
        command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC0").env("NO_COLOR", "1");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for (name, value) in [("NAME", "Test"), ("EMAIL", "test@example.invalid")] {
            command.env(format!("GIT_AUTHOR_{name}"), value);
            command.env(format!("GIT_COMMITTER_{name}"), value);
        }
        command
    }

    /// Replaces what differs between runs, this folder's path, by `[FOLDER]`.
    pub fn neutral(&self, text: &str) -> String {
        text.replace(&*self.folder.path().to_string_lossy(), "[FOLDER]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_sees_its_own_home_and_nothing_of_the_caller() {
        let workspace = TempWorkspace::new();
        let output = workspace.command("/usr/bin/env").output().unwrap();
        let text = workspace.neutral(&String::from_utf8(output.stdout).unwrap());
        assert!(text.contains("HOME=[FOLDER]/home\n"), "{text}");
        assert!(!text.contains("CARGO"), "{text}");
    }
}
