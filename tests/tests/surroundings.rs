//! A full disk, a disk that may only be read, a store of a newer release, a byte that flipped, and
//! two interrupts: each is named with a remedy, and the store is what it was.

use groundup_testkit::TempStore;
use groundup_tests::{
    copy_program,
    ordeal::{copy_all, flip, names},
    succeed,
    tiny::{RECIPES, Said, Tiny, build, processes_with, wait_until},
};
use rustix::process::Signal;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A script in mounts of its own: as root, or as root of a user namespace.
fn in_mounts(tiny: &Tiny, script: &str) -> Said {
    let mut command = tiny.workspace.command("unshare");
    if !rustix::process::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command.args(["--mount", "sh", "-c", script]).env("CI", "true");
    command.env("GROUNDUP", groundup_tests::groundup());
    tiny.said(&command.output().expect("`unshare` is there"))
}

/// All files below a folder.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let (mut found, mut todo) = (BTreeMap::new(), vec![folder.to_owned()]);
    while let Some(at) = todo.pop() {
        match at.is_dir() && !at.is_symlink() {
            true => todo.extend(names(&at)),
            false => drop(found.insert(at.clone(), fs::read(&at).unwrap_or_default())),
        }
    }
    found
}

/// What a build says when nothing is in its way.
fn undisturbed(tiny: &Tiny) -> String {
    let said = tiny.says(&["--store", "../other-store", "build"]);
    fs::remove_dir_all(tiny.workspace.path("out")).expect("it was built");
    said
}

#[test]
fn a_full_disk_is_named_and_with_room_the_build_goes_on() {
    let tiny = Tiny::new(RECIPES);
    let expected = undisturbed(&tiny);
    fs::remove_dir_all(tiny.workspace.path("store")).expect("locking made it");
    let mut refused = 0;
    for kib in [60, 300, 800, 1200, 1700, 2300] {
        let script = format!(
            "mkdir -p store && mount -t tmpfs -o size={kib}k,mode=755 tmpfs store || exit 99
             $GROUNDUP build --no-space-check; echo ended $?
             mount -o remount,size=64m store || exit 99
             if test -e store/format; then $GROUNDUP store verify || exit 98; fi
             $GROUNDUP build --no-space-check"
        );
        let said = in_mounts(&tiny, &script);
        assert_eq!(said.code, 0, "{kib} KiB: {said}");
        assert!(said.out.ends_with(&expected), "{kib} KiB: {said}");
        assert!(!said.out.contains("damaged"), "{kib} KiB: {said}");
        if said.out.contains("ended 3\n") {
            refused += 1;
            assert!(said.err.contains("help: the disk is full"), "{kib} KiB: {said}");
            assert!(said.err.contains("store collect"), "{kib} KiB: {said}");
        } else {
            assert!(said.out.contains("ended 0\n"), "{kib} KiB: {said}");
        }
        fs::remove_dir_all(tiny.workspace.path("out")).expect("it was built");
    }
    assert!(refused >= 3, "{refused} of the disks were too small");
}

#[test]
fn a_disk_that_turns_read_only_is_named_and_the_store_can_still_be_looked_at() {
    let tiny = Tiny::new(RECIPES);
    tiny.build(&[]);
    tiny.workspace.write("hello/hello.txt", "other\n");
    let before = files(&tiny.workspace.path("store"));
    let script = "mount --bind store store && mount -o remount,bind,ro store || exit 99
         $GROUNDUP build; echo build $?
         $GROUNDUP lock; echo lock $?
         $GROUNDUP store collect; echo collect $?
         $GROUNDUP store repair; echo repair $?
         $GROUNDUP store verify; echo verify $?
         $GROUNDUP store status >status; echo status $?";
    let said = in_mounts(&tiny, script);
    let ended = "build 3\nlock 3\ncollect 3\nrepair 3\nverify 0\nstatus 0\n";
    assert_eq!((said.code, said.out.as_str()), (0, ended), "{said}");
    assert_eq!(said.err.matches("help: its file system is mounted read-only").count(), 4, "{said}");
    assert!(said.err.contains("all well"), "{said}");
    assert!(files(&tiny.workspace.path("store")) == before, "the store is untouched");
    tiny.build(&[]);
}

#[test]
fn a_store_of_a_newer_release_is_left_alone() {
    let tiny = Tiny::new(RECIPES);
    tiny.build(&[]);
    let store = tiny.workspace.path("store");
    let format = tiny.workspace.read("store/format");
    let (lines, _) = format.split_once("check = ").expect("it has a check");
    let cases = [
        ("version = 1", "version = 2", 3, 3, "layout version 2"),
        ("\nincompatible =", "\nincompatible = packs", 3, 3, "`packs`"),
        ("read-only-compatible =", "read-only-compatible = packs", 3, 0, "can only be read"),
        ("\ncompatible =", "\ncompatible = packs", 0, 0, ""),
    ];
    for (from, to, built, verified, text) in cases {
        let newer = lines.replace(from, to);
        let check = &groundup_digest::BlobId::of(newer.as_bytes()).to_string()[..16];
        tiny.workspace.write("store/format", format!("{newer}check = {check}\n"));
        let before = files(&store);
        let said = tiny.run(&["build"]);
        said.expect(built, &[text]);
        if built != 0 {
            assert!(said.err.contains("--store"), "{said}");
            assert!(files(&store) == before, "`{to}`: the store is untouched");
        }
        tiny.run(&["store", "verify"]).expect(verified, &[]);
    }
}

#[test]
fn a_store_that_the_user_may_not_write_is_named() {
    let tiny = Tiny::new(RECIPES);
    fs::remove_dir_all(tiny.workspace.path("store")).expect("locking made it");
    let root = tiny.workspace.folder().to_owned();
    let program = root.join("groundup");
    copy_program(&program);
    let mut command = tiny.workspace.command("sh");
    // As an ordinary user: root may write anywhere.
    if rustix::process::geteuid().is_root() {
        succeed(Command::new("chown").args(["-R", "65534:65534"]).arg(&root));
        std::os::unix::process::CommandExt::uid(&mut command, 65534);
        std::os::unix::process::CommandExt::gid(&mut command, 65534);
    }
    let script = "../groundup build --no-out >/dev/null || exit 97
         chmod -R a-w store; ../groundup build; echo build $?
         ../groundup store verify; echo verify $?; chmod -R u+w store; ../groundup build --no-out";
    let said = tiny.said(&command.args(["-c", script]).output().expect("there is a shell"));
    // Modes that do not fit are named as well.
    assert!(said.out.starts_with("build 3\n") && said.out.contains("\nverify 1\n"), "{said}");
    assert!(said.err.contains("help: this user may not do that"), "{said}");
    assert!(said.out.contains("image.hello"), "{said}");
    assert_eq!(said.code, 0, "{said}");
}

#[test]
fn a_flipped_byte_of_an_image_is_refused_by_exports_and_mended() {
    let tiny = Tiny::new(RECIPES);
    let first = tiny.says(&["build"]);
    // A copy of the content that the image's layer holds, as the store has it.
    let layer = names(&tiny.workspace.path("out/image.hello/blobs/sha256"))
        .into_iter()
        .map(|path| fs::read(path).expect("it was exported"))
        .max_by_key(Vec::len)
        .expect("an image has blobs");
    let id = groundup_digest::BlobId::of(&layer).to_string();
    let blob = tiny.workspace.path("store/blobs").join(&id[..2]).join(&id[2..]);
    fs::remove_dir_all(tiny.workspace.path("out")).expect("it was built");
    for at in [0, layer.len() / 2, layer.len() - 1] {
        let text = format!("blob {id}");
        flip(&blob, at);
        tiny.run(&["build"]).expect(3, &[&text, "damaged", "groundup store repair"]);
        assert!(!tiny.workspace.path("out/image.hello").exists());
        let archive = ["build", "--no-out", "--oci-archive", "image.tar"];
        tiny.run(&archive).expect(3, &["damaged", "groundup store repair"]);
        assert!(!tiny.workspace.path("image.tar").exists(), "no half archive is left");
        let said = tiny.run(&["store", "verify"]);
        assert!(said.code == 1 && said.out.contains(&id), "{said}");
        tiny.run(&["store", "repair"]);
        assert_eq!(tiny.says(&["build"]), first);
        tiny.run(&["store", "verify"]).expect(0, &["all well"]);
        fs::remove_dir_all(tiny.workspace.path("out")).expect("it was built");
    }
}

#[test]
fn two_interrupts_end_a_build_at_once_and_leave_nothing() {
    let marker = format!("marker-{}-interrupts", std::process::id());
    let tiny = Tiny::of_script(&format!("start 2 3600\necho {marker}\nsleep 3600"));
    let running = tiny.start(&["build", "build.x"]);
    wait_until("the step runs", || processes_with(&marker).len() >= 3);
    running.signal(Signal::INT);
    running.signal(Signal::INT);
    let said = running.end(&tiny);
    // The first may have ended it before the second came.
    assert!([1, 130].contains(&said.code), "{said}");
    wait_until("all its processes end", || processes_with(&marker).is_empty());
    tiny.run(&["store", "verify"]).expect(0, &["all well"]);
    tiny.workspace.write("recipes/tiny.toml", build("x", "echo done", ""));
    tiny.build(&["build.x"]);
}

#[test]
fn an_interrupted_lock_leaves_the_lock_as_it_was() {
    let tiny = Tiny::new(RECIPES);
    let lock = tiny.workspace.read("groundup.lock");
    for millis in [0, 5, 10, 20, 40] {
        let running = tiny.start(&["update"]);
        std::thread::sleep(std::time::Duration::from_millis(millis));
        if Path::new(&format!("/proc/{}", running.id())).exists() {
            running.signal(Signal::INT);
        }
        running.end(&tiny);
        assert_eq!(tiny.workspace.read("groundup.lock").lines().count(), lock.lines().count());
    }
    tiny.run(&["store", "verify"]).expect(0, &["all well"]);
    tiny.build(&[]);
}

#[test]
fn a_store_copied_without_its_index_says_the_same() {
    let store = TempStore::new();
    let content = store.put_blob(b"content").expect("a store of ours");
    let copy = store.path("copy");
    copy_all(store.store().path(), &copy);
    fs::remove_dir_all(copy.join("index")).expect("it is ours");
    let copied = groundup_store::Store::open(&copy, &groundup_store::OpenOptions::default());
    let copied = copied.expect("an index is made anew");
    assert_eq!(copied.read_blob(content.blob).expect("it was copied"), b"content");
}
