//! A workspace whose world is its own: a signed archive with one package, a shell of a few verbs.
//!
//! Nothing here needs a network, and a build takes a fraction of a second. The shell is
//! `tests/tiny/sh.c`, built with the C compiler that the README asks for.

use crate::{groundup, told};
use groundup_testkit::{Archive, Deb, Suite, TempWorkspace};
use serde_json::Value;
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

/// The architecture of this host in Debian's words.
pub const ARCHITECTURE: &str = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
/// The other architecture that groundup knows.
pub const FOREIGN: &str = if cfg!(target_arch = "aarch64") { "amd64" } else { "arm64" };

/// What most tests build: a source, a file system with the shell, a build and an image.
pub const RECIPES: &str = r#"[source.hello]
path = "hello"

[rootfs.base]
packages = ["tiny-sh"]

[build.hello]
rootfs = "rootfs.base"
sources = { hello = "source.hello" }
script = """
copy /src/hello/hello.txt /out/hello.txt
echo copied
"""

[image.hello]
trees = ["build.hello"]
entrypoint = ["/hello"]
"#;

/// A workspace with an archive beside it.
#[derive(Debug)]
pub struct Tiny {
    /// The workspace and the home of its user.
    pub workspace: TempWorkspace,
    archive: Archive,
    releases: u32,
}

/// The package with the shell.
pub fn shell(version: &str) -> Deb {
    Deb::new("tiny-sh", version, ARCHITECTURE).file("bin/sh", shell_program(), 0o755).file(
        "usr/share/tiny-sh/version",
        version,
        0o644,
    )
}

fn shell_program() -> &'static [u8] {
    static PROGRAM: OnceLock<Vec<u8>> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let program = folder.path().join("sh");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tiny/sh.c");
        let mut compiler = Command::new("cc");
        compiler.args(["-static", "-O1", "-s", "-o"]).arg(&program).arg(source);
        crate::succeed(&mut compiler);
        std::fs::read(program).expect("the compiler wrote a program")
    })
}

impl Tiny {
    /// An empty directory, and an archive that is not published.
    pub fn empty() -> Self {
        let mut suite = Suite::new("test");
        suite.architectures = vec![ARCHITECTURE.to_owned(), FOREIGN.to_owned()];
        Self { workspace: TempWorkspace::new(), archive: Archive::of(suite), releases: 0 }
    }

    /// A workspace with these recipes, not locked yet.
    pub fn unlocked(recipes: &str) -> Self {
        Self::with_packages(recipes, vec![shell("1")])
    }

    /// A workspace with these recipes and packages, not locked yet.
    pub fn with_packages(recipes: &str, packages: Vec<Deb>) -> Self {
        let mut tiny = Self::empty();
        tiny.workspace.write("keys/tiny.asc", tiny.archive.key.armoured());
        let mirror = tiny.mirror();
        let settings = format!("[mirrors]\ntiny = [\"{}\"]\n", mirror.display());
        tiny.workspace.write("groundup.local.toml", settings);
        tiny.publish(packages);
        let default = if recipes.contains("[image.") { "image.*" } else { "build.*" };
        tiny.workspace.write(
            "groundup.toml",
            format!(
                "[workspace]\nname = \"tiny\"\nplatforms = [\"linux/{ARCHITECTURE}\"]\n\
                 default = [\"{default}\"]\n\n\
                 [archive.tiny]\nsuite = \"test\"\nsigned_by = \"keys/tiny.asc\"\n"
            ),
        );
        tiny.workspace.write("recipes/tiny.toml", recipes);
        tiny.workspace.write("hello/hello.txt", "hello\n");
        tiny
    }

    /// A workspace with these recipes and a lock.
    pub fn new(recipes: &str) -> Self {
        let tiny = Self::unlocked(recipes);
        tiny.says(&["lock"]);
        tiny
    }

    /// A workspace with one build, `build.x`, of this script, and a lock.
    pub fn of_script(script: &str) -> Self {
        Self::new(&build("x", script, ""))
    }

    /// The folder of the archive.
    pub fn mirror(&self) -> PathBuf {
        self.workspace.folder().join("mirror")
    }

    /// Lets the archive have these packages, and a later release than before.
    pub fn publish(&mut self, packages: Vec<Deb>) {
        let suite = &mut self.archive.suites[0];
        suite.packages = packages.into_iter().map(|deb| ("main".to_owned(), deb)).collect();
        suite.date = format!("Sat, 01 Jan 2022 12:{:02}:00 UTC", self.releases);
        self.releases += 1;
        self.archive.write(&self.mirror());
    }

    /// The file of a package in the archive.
    pub fn package_file(&self, deb: &Deb) -> PathBuf {
        let name = deb.get("Package");
        self.mirror().join(format!("pool/main/{}/{name}/{}", &name[..1], deb.file_name()))
    }

    /// The program in this workspace.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.workspace.command(groundup());
        command.args(arguments).env("CI", "true");
        command
    }

    /// What the program says, and how it ends.
    pub fn run(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output().expect("the program starts");
        self.said(&output)
    }

    /// What an ended program said, with neutral paths.
    pub fn said(&self, output: &Output) -> Said {
        let text = |bytes: &[u8]| self.workspace.neutral(&String::from_utf8_lossy(bytes));
        Said {
            code: output.status.code().unwrap_or(-1),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }

    /// What the program says on stdout; it has to succeed.
    pub fn says(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("the program starts");
        assert!(output.status.success(), "{arguments:?}: {}", told(&output));
        self.said(&output).out
    }

    /// The answer of the program with `--json`, its last line.
    pub fn answer(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat()).answer()
    }

    /// The answer of the program with `--json`; the answer has to be no.
    pub fn differs(&self, arguments: &[&str]) -> Value {
        let said = self.run(&[arguments, &["--json"]].concat());
        assert_eq!(said.code, 1, "{said}");
        said.answer()
    }

    /// Runs git in the workspace.
    pub fn git(&self, arguments: &[&str]) {
        let mut command = self.workspace.command("git");
        command.args(["-c", "user.name=a", "-c", "user.email=a@b.invalid"]).args(arguments);
        crate::succeed(&mut command);
    }

    /// Commits everything.
    pub fn commit(&self, message: &str) {
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "-m", message]);
    }

    /// Builds, and counts the steps that were run and those that were reused.
    pub fn build(&self, targets: &[&str]) -> Steps {
        let said = self.run(&[&["build", "--json"], targets].concat());
        assert_eq!(said.code, 0, "{said}");
        Steps::of(&said)
    }

    /// Starts the program; its output is kept for [`Running::end`].
    pub fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running { child: Some(command.spawn().expect("the program starts")) }
    }
}

/// A build target of a script, with more lines for its table.
pub fn build(name: &str, script: &str, more: &str) -> String {
    format!(
        "[build.{name}]\nrootfs = \"rootfs.base\"\nscript = \"\"\"\n{script}\n\"\"\"\n{more}\n\n{}",
        if name == "x" { "[rootfs.base]\npackages = [\"tiny-sh\"]\n\n" } else { "" }
    )
}

/// What a program said, with neutral paths, and its exit code.
#[derive(Debug, Clone)]
pub struct Said {
    /// The exit code, -1 for a signal.
    pub code: i32,
    /// Data.
    pub out: String,
    /// Talk.
    pub err: String,
}

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "exit code {}\n--- stdout\n{}--- stderr\n{}", self.code, self.out, self.err)
    }
}

impl Said {
    /// The last line of stdout as JSON.
    pub fn answer(&self) -> Value {
        let last = self.out.lines().last().unwrap_or_default();
        serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// Asserts the exit code and that stderr has all of these texts.
    #[track_caller]
    pub fn expect(&self, code: i32, texts: &[&str]) -> &Self {
        assert_eq!(self.code, code, "{self}");
        for text in texts {
            assert!(self.err.contains(text), "`{text}` is not in: {self}");
        }
        self
    }

    /// Asserts the exit code and the whole of stderr.
    #[track_caller]
    pub fn expect_exactly(&self, code: i32, text: &str) {
        assert_eq!((self.code, self.err.as_str()), (code, text), "{self}");
    }
}

/// How many steps of a build were run, and how many reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// Run.
    pub built: u64,
    /// Reused.
    pub reused: u64,
}

impl Steps {
    /// The counts of a build with `--json`.
    pub fn of(said: &Said) -> Self {
        let answer = said.answer();
        let count = |name: &str| answer["steps"][name].as_u64().unwrap_or_else(|| panic!("{said}"));
        Self { built: count("built"), reused: count("reused") }
    }
}

/// A program that runs; it is killed when this is dropped.
#[derive(Debug)]
pub struct Running {
    child: Option<Child>,
}

impl Running {
    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.as_ref().expect("it was not waited for").id()
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = rustix::process::Pid::from_raw(self.id() as i32).expect("a process");
        rustix::process::kill_process(id, signal).expect("it is there");
    }

    /// Waits for its end.
    pub fn end(mut self, tiny: &Tiny) -> Said {
        let child = self.child.take().expect("it was not waited for");
        tiny.said(&child.wait_with_output().expect("it ends"))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until something is so; it gives up after a minute, for a hang is a failure too.
#[track_caller]
pub fn wait_until(what: &str, mut is: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is() {
        assert!(since.elapsed() < Duration::from_secs(60), "never came: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// The processes of this machine with a text in their command line, but not those of groundup's
/// own caller.
pub fn processes_with(text: &str) -> Vec<u32> {
    #[allow(clippy::disallowed_methods, reason = "the order of processes does not matter")]
    let entries = std::fs::read_dir("/proc").expect("there is a /proc");
    let ids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let has = |id: &u32| {
        let words = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(text)
    };
    ids.filter(has).collect()
}
