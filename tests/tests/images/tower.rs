//! The two builds that the tests share.
//!
//! ```text
//! FOLDER/             a temporary directory that anybody may enter, swept when the tests end
//!   groundup          the program, where an ordinary user can run it too
//!   plain/            built by whoever runs the tests, one job, clock and umask as they are
//!   pins/             the pinned bytes that this build fetched, by their SHA-256
//!   libfaketime.so.1  from the tools that this build made
//!   somebody else/…   built by an ordinary user with everything varied, from `pins`, offline
//! ```
//!
//! The tests run as root in CI. As an ordinary user they hold as well, but for the owner.

use groundup_tests::{answer, copy_program, copy_recipes, succeed, told};
use rustix::process::geteuid;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::OnceLock,
};

/// What both builds make.
pub(crate) const IMAGES: [&str; 2] = ["image.netcheck", "image.web"];

/// An ordinary user who has no entry in any table of this host.
const USER: u32 = 54321;

/// When the varied build believes to run, for itself and for its step; a year that nobody is in.
pub(crate) const OTHER_CLOCK: &str = "@2031-03-04 05:06:07";

const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// A workspace with the recipes of this repository, and what the first build in it said.
pub(crate) struct Tower {
    pub(crate) root: PathBuf,
    owner: Option<u32>,
    first_build: Output,
}

/// The recipes, built by whoever runs the tests, one step at a time.
pub(crate) fn plain() -> &'static Tower {
    static TOWER: OnceLock<Tower> = OnceLock::new();
    let tower = TOWER.get_or_init(|| {
        let root = folder().join("plain");
        copy_recipes(&root);
        let mut build = program(&root, None);
        build.args(["build", "--jobs", "1"]).args(IMAGES).arg("rootfs.tools");
        let first_build = build.output().expect("the program starts");
        Tower { root, owner: None, first_build }
    });
    tower.checked()
}

/// The recipes, built with all at once that must not matter: another user, another directory and
/// store, eight jobs in a shuffled order, a narrow umask, another locale and time zone, another
/// clock for groundup and for the compilers, and pinned bytes from a directory instead of a mirror.
pub(crate) fn varied() -> &'static Tower {
    static TOWER: OnceLock<Tower> = OnceLock::new();
    let tower = TOWER.get_or_init(|| {
        let home = folder().join("somebody else");
        let root = home.join("a directory, with a longer name");
        let pins = folder().join("pins");
        copy_recipes(&root);
        turn_the_clock_of_the_step(&root.join("recipes/netcheck.toml"));
        save_pins(plain(), &pins);
        let settings = format!("vendor = [{pins:?}]\n");
        fs::write(root.join("groundup.local.toml"), settings).expect("a file of the test");
        let library = folder().join("libfaketime.so.1");
        plain().tools(&format!("cp {FAKETIME} libfaketime.so.1"));
        fs::copy(plain().root.join("libfaketime.so.1"), &library).expect("the library is there");
        open_to_all(&library);
        let owner = geteuid().is_root().then_some(USER);
        give(&home, owner);

        let mut build = Command::new("/bin/sh");
        build.args(["-c", "umask 077; exec \"$0\" \"$@\""]);
        build.arg(folder().join("groundup"));
        build.args(["build", "--offline", "--jobs", "8", "--shuffle", "20310304"]);
        build.args(IMAGES).arg("rootfs.tools");
        surroundings(&mut build, &root, owner);
        build.env("LC_ALL", "tr_TR.UTF-8").env("TZ", "Pacific/Kiritimati");
        build.env("LD_PRELOAD", &library).env("FAKETIME", OTHER_CLOCK);
        let first_build = build.output().expect("the shell starts");
        Tower { root, owner, first_build }
    });
    tower.checked()
}

impl Tower {
    /// Fails each test that needs a build which failed, without trying it again.
    fn checked(&self) -> &Self {
        assert!(self.first_build.status.success(), "{}", told(&self.first_build));
        self
    }

    /// groundup in this workspace, as its owner.
    pub(crate) fn groundup(&self) -> Command {
        program(&self.root, self.owner)
    }

    /// The digest of this image, as groundup tells it.
    pub(crate) fn digest(&self, image: &str) -> String {
        let built = answer(self.groundup().args(["build", "--no-out", image]));
        built["targets"][0]["digest"].as_str().expect("an image has a digest").to_owned()
    }

    /// What a shell script says that runs in `rootfs.tools` and in the directory of the workspace.
    pub(crate) fn tools(&self, script: &str) -> String {
        let mut run = self.groundup();
        run.args(["run", "rootfs.tools", "--", "/bin/sh", "-euc", script]);
        succeed(&mut run)
    }

    /// What a program in `rootfs.tools` says as JSON.
    pub(crate) fn tool_json(&self, script: &str) -> Value {
        let said = self.tools(script);
        serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// The step of this name in the plan for both images and the tools.
    pub(crate) fn step(&self, name: &str) -> Value {
        let steps = self.steps();
        let found = steps.iter().find(|step| step["step"] == name);
        found.unwrap_or_else(|| panic!("the plan has no step `{name}`")).clone()
    }

    fn steps(&self) -> Vec<Value> {
        let plan = answer(self.groundup().arg("plan").args(IMAGES).arg("rootfs.tools"));
        plan["steps"].as_array().expect("a plan has steps").clone()
    }
}

/// The directory of this run of the tests.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<(PathBuf, Child)> = OnceLock::new();
    let (folder, _sweeper) = FOLDER.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("groundup-images-").tempdir();
        let folder = folder.expect("a temporary directory").keep();
        let sweeper = sweep_when_this_process_ends(&folder);
        let program = folder.join("groundup");
        copy_program(&program);
        open_to_all(&folder);
        (folder, sweeper)
    });
    folder
}

/// Statics are never dropped, so a shell waits for the end of this process, whatever its end is:
/// its input, which nobody writes to, is closed then. Check-outs are read-only but to root.
fn sweep_when_this_process_ends(folder: &Path) -> Child {
    let mut shell = Command::new("/bin/sh");
    shell
        .args(["-c", "read nothing; rm -rf \"$0\" || { chmod -R u+rwX \"$0\"; rm -rf \"$0\"; }"])
        .arg(folder);
    shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    // Ctrl-C on a terminal ends the tests, not the sweeping.
    shell.process_group(0).spawn().expect("the shell starts")
}

fn program(root: &Path, owner: Option<u32>) -> Command {
    let mut command = Command::new(folder().join("groundup"));
    surroundings(&mut command, root, owner);
    command
}

fn surroundings(command: &mut Command, root: &Path, owner: Option<u32>) {
    command.current_dir(root).env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", root).env("CI", "true");
    if let Some(owner) = owner {
        command.uid(owner).gid(owner);
    }
}

/// Copies all that a build has fetched to `pins`, under the names that `vendor` wants.
fn save_pins(tower: &Tower, pins: &Path) {
    fs::create_dir(pins).expect("a directory of the test");
    for step in tower.steps().iter().filter(|step| step["action"] == "fetch") {
        let id = step["outputs"]["out"].as_str().expect("a fetched blob");
        let (shard, name) = id.strip_prefix("blob:").expect("a blob").split_at(2);
        let blob = tower.root.join("store/blobs").join(shard).join(name);
        let bytes = fs::read(&blob).unwrap_or_else(|error| panic!("{}: {error}", blob.display()));
        let name: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        fs::write(pins.join(name), bytes).expect("a file of the test");
    }
    open_to_all(pins);
}

/// Lets the compilers run under another clock. The step has another key then, and must leave the
/// same files: no time of day may get into them.
fn turn_the_clock_of_the_step(recipe: &Path) {
    let text = fs::read_to_string(recipe).expect("a recipe");
    let script = format!(
        "deps = {{ tools = \"rootfs.tools\" }}\nscript = \"\"\"\n\
         export LD_PRELOAD=/deps/tools{FAKETIME} FAKETIME=\"{OTHER_CLOCK}\"\n\
         test \"$(date +%Y)\" = 2031\n"
    );
    let turned = text.replacen("script = \"\"\"\n", &script, 1);
    assert_ne!(turned, text, "the recipe has a script");
    fs::write(recipe, turned).expect("a recipe of the test");
}

/// Makes a directory and all below it this user's.
fn give(path: &Path, owner: Option<u32>) {
    chown(path, owner, owner).expect("root may");
    if path.is_dir() {
        entries(path).iter().for_each(|entry| give(entry, owner));
    }
}

/// Lets everybody read and enter, whatever the umask is.
fn open_to_all(path: &Path) {
    fs::set_permissions(path, Permissions::from_mode(0o755)).expect("our own file");
    if path.is_dir() {
        entries(path).iter().for_each(|entry| open_to_all(entry));
    }
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    #[allow(clippy::disallowed_methods, reason = "the order does not matter")]
    let entries = fs::read_dir(folder).expect("a directory of the test");
    entries.map(|entry| entry.expect("an entry").path()).collect()
}
