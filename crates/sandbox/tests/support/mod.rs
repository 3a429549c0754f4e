//! A root file system out of the host's `/usr`, this test program as the command, and both users.
#![allow(dead_code, reason = "each test program uses a part")]
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use groundup_sandbox::{Control, Mount, MountMode, Outcome, SandboxError, Spec, Stdio, run};

/// The variable that tells this program, run again, which probe to be.
pub(crate) const PROBE: &str = "PROBE";

/// A run in the making: lowers, scratch and log in a directory of its own.
pub(crate) struct Fixture {
    pub(crate) top: tempfile::TempDir,
    pub(crate) spec: Spec,
}

impl Fixture {
    /// A step that runs this shell command.
    pub(crate) fn shell(script: &str) -> Self {
        Self::new(vec!["/bin/sh".into(), "-c".into(), script.into()])
    }

    /// A step that is a probe of this test program.
    pub(crate) fn probe(name: &str) -> Self {
        let mut fixture =
            Self::new(["/probe", "probe", "--exact", "--nocapture"].map(Into::into).into());
        fixture.spec.mounts.push(Mount {
            source: std::env::current_exe().unwrap(),
            target: "/probe".into(),
            mode: MountMode::ReadOnly,
        });
        fixture.spec.env.insert(PROBE.into(), name.into());
        fixture
    }

    pub(crate) fn new(argv: Vec<String>) -> Self {
        let top = tempfile::tempdir().unwrap();
        let lower = top.path().join("lower");
        let scratch = top.path().join("scratch");
        fs::create_dir(&scratch).unwrap();
        fs::create_dir_all(lower.join("etc")).unwrap();
        let mut mounts = Vec::new();
        for name in ["usr", "bin", "sbin", "lib", "lib32", "lib64", "libx32"] {
            let host = Path::new("/").join(name);
            match fs::read_link(&host) {
                Ok(target) => symlink(target, lower.join(name)).unwrap(),
                Err(_) if host.is_dir() => mounts.push(Mount {
                    source: host,
                    target: format!("/{name}"),
                    mode: MountMode::ReadOnly,
                }),
                Err(_) => {}
            }
        }
        fs::write(lower.join("etc/passwd"), "step:x:1000:1000::/build:/bin/sh\n").unwrap();
        let mut spec = Spec::new(vec![lower], scratch, argv);
        spec.mounts = mounts;
        spec.stdio = Stdio::Log(
            OpenOptions::new().create(true).append(true).open(top.path().join("log")).unwrap(),
        );
        Self { top, spec }
    }

    pub(crate) fn env(mut self, name: &str, value: impl ToString) -> Self {
        self.spec.env.insert(name.into(), value.to_string());
        self
    }

    pub(crate) fn bind(
        mut self,
        source: impl Into<PathBuf>,
        target: &str,
        mode: MountMode,
    ) -> Self {
        self.spec.mounts.push(Mount { source: source.into(), target: target.into(), mode });
        self
    }

    pub(crate) fn try_run(&self) -> Result<Outcome, SandboxError> {
        run(&self.spec, &Control::new().unwrap())
    }

    #[track_caller]
    pub(crate) fn run(&self) -> Outcome {
        match self.try_run() {
            Ok(outcome) => outcome,
            Err(error) => panic!("{error}: {:?}", std::error::Error::source(&error)),
        }
    }

    /// Runs, and shows the log when the ending is not success.
    #[track_caller]
    pub(crate) fn succeed(&self) -> String {
        let outcome = self.run();
        assert!(outcome.ending.is_success(), "{outcome:?}\n{}", self.log());
        self.log()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.top.path().join("log")).unwrap()
    }

    pub(crate) fn log_file(&self) -> File {
        File::open(self.top.path().join("log")).unwrap()
    }

    pub(crate) fn out(&self, name: &str) -> PathBuf {
        self.spec.scratch.join("out").join(name)
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _ = groundup_sandbox::discard(&self.spec.scratch);
    }
}

/// The same probe, outside.
pub(crate) fn probe_outside(name: &str, env: &[(&str, String)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["probe", "--exact", "--nocapture"])
        .env(PROBE, name)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .output()
        .unwrap()
}

/// An id that no account has.
pub(crate) const SOMEBODY: u32 = 54321;

/// Copies a program that can be run at once. Were it written by this process, a fork of another test
/// might still hold it open, and a program that is being written cannot be run ("text file busy").
pub(crate) fn copy_program(from: &Path, to: &Path) {
    let copied = Command::new("cp").arg(from).arg(to).status().unwrap();
    assert!(copied.success(), "cp {} {}", from.display(), to.display());
    fs::set_permissions(to, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Writes a script that can be run at once.
pub(crate) fn write_script(to: &Path, text: &str) {
    let written = tempfile::NamedTempFile::new().unwrap();
    fs::write(written.path(), text).unwrap();
    copy_program(written.path(), to);
}

/// As root, runs all other tests of this program again as an ordinary user.
pub(crate) fn again_as_an_ordinary_user(this_test: &str, env: &[(&str, String)]) {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // The user may not be able to reach the build directory.
    let top = tempfile::tempdir_in("/tmp").unwrap();
    fs::set_permissions(top.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = top.path().join("tests");
    copy_program(&std::env::current_exe().unwrap(), &program);
    let home = top.path().join("tmp");
    fs::create_dir(&home).unwrap();
    std::os::unix::fs::chown(&home, Some(SOMEBODY), Some(SOMEBODY)).unwrap();
    let output = Command::new(program)
        .args(["--skip", this_test])
        .env("TMPDIR", &home)
        .env_remove(PROBE)
        .envs(env.iter().map(|(name, value)| (name, value)))
        .current_dir("/")
        .gid(SOMEBODY)
        .uid(SOMEBODY)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "as an ordinary user:\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// A value for the variable `MARK`, by which a run's processes are found from outside.
pub(crate) fn mark() -> String {
    static COUNT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    format!("mark-{}-{count}.", std::process::id())
}

/// How many processes of this host have the mark in their environment.
pub(crate) fn marked(mark: &str) -> usize {
    let wanted = format!("MARK={mark}\0");
    processes("environ").filter(|text| text.contains(&wanted)).count()
}

/// How many processes of this host see a mount of this directory.
pub(crate) fn mounted(path: &Path) -> usize {
    processes("mountinfo").filter(|text| text.contains(path.to_str().unwrap())).count()
}

fn processes(file: &str) -> impl Iterator<Item = String> {
    let entries = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.path());
    let pids = entries.filter(|path| path.join("stat").exists());
    pids.filter_map(move |path| {
        Some(String::from_utf8_lossy(&fs::read(path.join(file)).ok()?).into_owned())
    })
}

/// Waits for something that happens soon.
#[track_caller]
pub(crate) fn until(mut condition: impl FnMut() -> bool) {
    for _ in 0..3000 {
        if condition() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it never happened");
}
