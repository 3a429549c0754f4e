//! Maintainer scripts of real Debian packages, run as root and as an ordinary user: the same tree, with
//! the owners, modes, capabilities and accounts that dpkg itself leaves; and what is said when one fails.
//!
//! `cargo run --release -p groundup-tests --example compare_scripts` compares with dpkg, as root.
#![allow(clippy::unwrap_used, reason = "a test fails where it is surprised")]

use groundup_digest::TreeId;
use groundup_store::{OpenOptions, Store};
use groundup_testkit::Deb;
use groundup_tests::{copy_program, copy_recipes, succeed, told};
use sha2::{Digest, Sha256};
use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const TARGET: &str = "rootfs.configured";

/// An ordinary user who has no entry in any table of this host.
const USER: u32 = 54321;

/// Root file systems that cannot be.
const WRONG: &str = r#"
[source.broken]
deb = "broken.deb"
[source.early]
deb = "early.deb"
[rootfs.broken]
extends = "rootfs.configured"
debs = ["source.broken"]
[rootfs.early]
extends = "rootfs.configured"
debs = ["source.early"]
[rootfs.bare]
archive = "debian"
packages = ["less"]
scripts = "run"
"#;

/// A workspace with the recipes of this repository.
struct Place {
    root: PathBuf,
    owner: Option<u32>,
    tree: String,
}

impl Place {
    fn command(&self) -> Command {
        command(&self.root, self.owner)
    }

    /// What `groundup show` says of the path: type and mode, owner, group, size.
    fn shown(&self, path: &str) -> Option<[String; 4]> {
        static LISTING: OnceLock<String> = OnceLock::new();
        let listing = LISTING.get_or_init(|| succeed(self.command().args(["show", &self.tree])));
        let line = listing.lines().find(|line| {
            let words: Vec<_> = line.split_whitespace().collect();
            words.get(4) == Some(&path)
        })?;
        let mut words = line.split_whitespace().map(str::to_owned);
        Some([(); 4].map(|()| words.next().unwrap()))
    }

    #[track_caller]
    fn owner_and_mode(&self, path: &str) -> String {
        let [mode, uid, gid, _] = self.shown(path).unwrap_or_else(|| panic!("no {path}"));
        format!("{mode} {uid}:{gid}")
    }

    /// What a shell says inside the tree.
    fn inside(&self, script: &str) -> String {
        succeed(self.command().args(["run", TARGET, "--", "/bin/sh", "-euc", script]))
    }
}

fn command(root: &Path, owner: Option<u32>) -> Command {
    let mut command = Command::new(folder().join("groundup"));
    command.current_dir(root).env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("HOME", root).env("CI", "true");
    if let Some(owner) = owner {
        command.uid(owner).gid(owner);
    }
    command
}

/// The directory of this run of the tests, that anybody may enter.
fn folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("groundup-scripts-").tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let program = folder.path().join("groundup");
        copy_program(&program);
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        let folder = folder.keep();
        sweep_when_this_process_ends(&folder);
        folder
    })
}

/// Statics are never dropped, so a shell waits for the end of this process.
fn sweep_when_this_process_ends(folder: &Path) {
    let script = "read nothing; rm -rf \"$0\" || { chmod -R u+rwX \"$0\"; rm -rf \"$0\"; }";
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", script]).arg(folder).process_group(0);
    shell.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::null());
    std::mem::forget(shell.spawn().unwrap());
}

/// Builds the target with more arguments.
fn built(root: PathBuf, owner: Option<u32>, build: &mut Command, more: &[&str]) -> Place {
    let said = succeed(build.args(["build", "--no-out", "--json", TARGET]).args(more));
    let answer: serde_json::Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    let text = answer.to_string();
    let at = text.find("tree:").expect("the answer names the tree");
    let tree = text[at..].chars().take(5 + 64).collect();
    Place { root, owner, tree }
}

/// Built by whoever runs the tests.
fn plain() -> &'static Place {
    static PLACE: OnceLock<Place> = OnceLock::new();
    PLACE.get_or_init(|| {
        let root = folder().join("plain");
        copy_recipes(&root);
        let mut build = command(&root, None);
        built(root, None, &mut build, &["--jobs", "1"])
    })
}

/// Built by somebody else, elsewhere, with more jobs and other surroundings, from the same bytes.
fn varied() -> Place {
    let plain = plain();
    let root = folder().join("somebody else/a directory, with a longer name");
    let pins = folder().join("pins");
    copy_recipes(&root);
    fs::create_dir(&pins).unwrap();
    let plan = succeed(plain.command().args(["plan", "--json", TARGET]));
    let plan: serde_json::Value = serde_json::from_str(plan.lines().last().unwrap()).unwrap();
    for step in plan["steps"].as_array().unwrap().iter().filter(|step| step["action"] == "fetch") {
        let id = step["outputs"]["out"].as_str().unwrap();
        let (shard, name) = id.strip_prefix("blob:").unwrap().split_at(2);
        let bytes = fs::read(plain.root.join("store/blobs").join(shard).join(name)).unwrap();
        let name: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        fs::write(pins.join(name), bytes).unwrap();
    }
    fs::write(root.join("groundup.local.toml"), format!("vendor = [{pins:?}]\n")).unwrap();
    let owner = rustix::process::geteuid().is_root().then_some(USER);
    for entry in walkdir::WalkDir::new(folder().join("somebody else")) {
        chown(entry.unwrap().path(), owner, owner).unwrap();
    }
    let mut build = Command::new("/bin/sh");
    build.args(["-c", "umask 077; exec \"$0\" \"$@\""]);
    build.arg(folder().join("groundup")).current_dir(&root).env_clear();
    build.env("PATH", "/usr/bin:/bin").env("HOME", &root).env("CI", "true");
    build.env("LC_ALL", "tr_TR.UTF-8").env("TZ", "Pacific/Kiritimati");
    if let Some(owner) = owner {
        build.uid(owner).gid(owner);
    }
    built(root, owner, &mut build, &["--offline", "--jobs", "8", "--shuffle", "7"])
}

#[test]
fn the_tree_does_not_depend_on_user_directory_jobs_umask_locale_and_time_zone() {
    assert_eq!(plain().tree, varied().tree);
}

#[test]
fn a_second_run_of_the_scripts_leaves_the_same() {
    let step = format!("{TARGET} scripts linux/amd64");
    let mut again = plain().command();
    let output = again.args(["build", "--no-out", TARGET, "--rerun", &step]).output().unwrap();
    let said = told(&output);
    assert!(output.status.success() && said.contains("again, as asked"), "{said}");
    assert!(!said.contains("unstable"), "{said}");
}

#[test]
fn owners_modes_and_capabilities_are_those_that_dpkg_leaves() {
    let place = plain();
    for (path, expected) in [
        ("/", "d0755 0:0"),
        ("/tmp", "d1777 0:0"),
        ("/etc/shadow", "-0640 0:42"),
        ("/etc/gshadow", "-0640 0:42"),
        ("/var/mail", "d2775 0:8"),
        ("/usr/bin/chage", "-2755 0:42"),
        ("/usr/bin/passwd", "-4755 0:0"),
        ("/usr/sbin/unix_chkpwd", "-2755 0:42"),
        ("/var/local", "d2775 0:50"),
        ("/var/log/btmp", "-0660 0:43"),
        // The script gives it to the user that the recipe numbers.
        ("/var/lib/libuuid", "d2775 931:931"),
        // Its script sets a capability, and no set-id bit where that works.
        ("/usr/bin/ping", "-0755 0:0"),
    ] {
        assert_eq!(place.owner_and_mode(path), expected, "{path}");
    }
}

#[test]
fn scripts_made_accounts_links_certificates_and_caches() {
    let said = plain().inside(
        "grep -c ^uuidd:x:931:931: /etc/passwd
         test \"$(readlink /etc/alternatives/pager)\" = /usr/bin/less
         test -L /usr/bin/pager
         test \"$(dpkg-divert --truename /bin/sh)\" = /bin/sh.distrib
         test -s /etc/ssl/certs/ca-certificates.crt && test -e /etc/ssl/certs/ISRG_Root_X1.pem
         test -s /etc/ld.so.cache && ldconfig -p | grep -q libcap.so.2
         test \"$(cut -d: -f3 /etc/shadow | sort -u)\" = ''
         test -z \"$(dpkg --audit)\"
         dpkg-query -W -f '${Status}\\n' | sort -u
         test ! -e /var/log/dpkg.log && test ! -e /etc/passwd- && test ! -e /var/lib/groundup
         test ! -e /usr/sbin/policy-rc.d && test ! -e /out/failed",
    );
    assert_eq!(said, "1\ninstall ok installed\n");
}

#[test]
fn the_capability_of_a_file_is_in_the_tree() {
    let place = plain();
    let store = Store::open(&place.root.join("store"), &OpenOptions::default()).unwrap();
    let id: TreeId = place.tree.strip_prefix("tree:").unwrap().parse().unwrap();
    let tree = store.load_tree(id).unwrap();
    let found = tree.iter().filter(|(_, node)| node.meta.xattrs.iter().next().is_some());
    let found: Vec<_> = found.map(|(path, node)| (path.to_string(), &node.meta.xattrs)).collect();
    let [(path, xattrs)] = &found[..] else { panic!("{found:?}") };
    assert_eq!(path, "/usr/bin/ping");
    // `cap_net_raw=ep`.
    let value = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let all: Vec<_> = xattrs.iter().collect();
    assert_eq!(all, [(&b"security.capability"[..], &value[..])]);
}

/// A workspace whose root file systems fail.
fn wrong() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        let root = folder().join("wrong");
        copy_recipes(&root);
        fs::write(root.join("recipes/wrong.toml"), WRONG).unwrap();
        let late = "#!/bin/sh\necho about to fail >&2\nexit 7\n";
        let broken = Deb::new("broken", "1", "all").control("postinst", late);
        fs::write(root.join("broken.deb"), broken.build()).unwrap();
        let early = Deb::new("early", "1", "all").control("preinst", "#!/bin/sh\nexit 3\n");
        fs::write(root.join("early.deb"), early.build()).unwrap();
        let store = plain().root.join("store");
        succeed(command(&root, None).arg("lock").arg("--store").arg(&store));
        root
    })
}

/// What the build of a root file system that fails says.
fn failure(target: &str) -> String {
    let store = plain().root.join("store");
    let mut build = command(wrong(), None);
    let output = build.args(["build", "--no-out", target, "--store"]).arg(store).output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", told(&output));
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_script_that_fails_is_named_with_its_code_and_last_words() {
    let said = failure("rootfs.broken");
    assert!(
        said.contains("scripts linux/amd64: the postinst of broken exited with code 7"),
        "{said}"
    );
    assert!(said.contains("| about to fail"), "{said}");
    let said = failure("rootfs.early");
    assert!(said.contains("the preinst of early exited with code 3"), "{said}");
}

#[test]
fn without_the_essential_packages_there_is_a_remedy() {
    let said = failure("rootfs.bare");
    assert!(said.contains("set `essential = true`"), "{said}");
}
