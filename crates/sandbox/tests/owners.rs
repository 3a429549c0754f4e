//! Ownership as data: what a run says of files is what it is told of them, and what is found after it,
//! for root and an ordinary user alike.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::print_stdout, reason = "a test")]
mod support;

use std::ffi::CStr;
use std::fs;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::Path;

use groundup_sandbox::{
    DeviceKind, DeviceNode, Identity, OwnedPath, Owner, Ownership, SandboxError, collect,
};
use rustix::fs::{AtFlags, CWD, Mode, OFlags, StatxFlags, XattrFlags};
use support::Fixture;

#[test]
fn these_claims_hold_for_an_ordinary_user_too() {
    support::again_as_an_ordinary_user("these_claims_hold_for_an_ordinary_user_too", &[]);
}

/// A run of this kind over a root with these files.
fn owned(mut fixture: Fixture, seeds: &[(&str, Owner)]) -> Fixture {
    let upper = fixture.spec.scratch.join("upper");
    let lower = fixture.spec.lowers.pop().unwrap();
    for dir in ["etc", "data", "tmp"] {
        fs::create_dir_all(upper.join(dir)).unwrap();
    }
    for entry in fs::read_dir(&lower).unwrap().map(Result::unwrap) {
        if let Ok(target) = fs::read_link(entry.path()) {
            symlink(target, upper.join(entry.file_name())).unwrap();
        }
    }
    let seeds = seeds.iter().map(|(path, owner)| {
        let at = upper.join(path);
        if !at.exists() {
            fs::write(&at, "content").unwrap();
        }
        let mode = if owner.device.is_some() { 0 } else { owner.mode & 0o777 };
        fs::set_permissions(&at, fs::Permissions::from_mode(mode)).unwrap();
        OwnedPath { path: path.as_bytes().into(), owner: owner.clone() }
    });
    fixture.spec.ownership = Ownership::Data(seeds.collect());
    fixture.spec.identity = Identity { uid: 0, gid: 0 };
    fixture.spec.cwd = "/".into();
    fixture
}

/// What is data of the file at a path after the run: `uid:gid mode` and the rest.
#[track_caller]
fn after(fixture: &Fixture, path: &str) -> String {
    let all = collect(&fixture.spec.scratch).unwrap();
    let found = all.iter().find(|found| found.path == path.as_bytes()).expect(path);
    let Owner { uid, gid, mode, device, capability } = &found.owner;
    let device = device.map_or(String::new(), |device| {
        let kind = if device.kind == DeviceKind::Block { 'b' } else { 'c' };
        format!(" {kind}{}:{}", device.major, device.minor)
    });
    let capability = if capability.is_some() { " capability" } else { "" };
    format!("{uid}:{gid} {mode:04o}{device}{capability}")
}

fn owner(uid: u32, gid: u32, mode: u32) -> Owner {
    Owner { uid, gid, mode, ..Owner::default() }
}

#[test]
fn what_the_tree_says_is_what_programs_see() {
    let device = DeviceNode { kind: DeviceKind::Character, major: 1, minor: 3 };
    let seeds = [
        ("etc/shadow", owner(0, 42, 0o640)),
        ("data/su", owner(0, 0, 0o4755)),
        ("data/null", Owner { device: Some(device), ..owner(0, 0, 0o666) }),
        ("data", owner(8, 8, 0o2775)),
        // Covered by the sandbox's own; what it is in the tree stays.
        ("tmp", owner(0, 0, 0o1777)),
    ];
    let script = "stat -c '%n %u:%g %a %F %t,%T' etc/shadow data/su data/null data etc /usr/bin";
    let fixture = owned(Fixture::shell(script), &seeds);
    let said = fixture.succeed();
    assert_eq!(
        said,
        "etc/shadow 0:42 640 regular file 0,0\n\
         data/su 0:0 4755 regular file 0,0\n\
         data/null 0:0 666 character special file 1,3\n\
         data 8:8 2775 directory 0,0\n\
         etc 0:0 755 directory 0,0\n\
         /usr/bin 0:0 755 directory 0,0\n"
    );
    assert_eq!(after(&fixture, "etc/shadow"), "0:42 0640");
    assert_eq!(after(&fixture, "data/null"), "0:0 0666 c1:3");
    assert_eq!(after(&fixture, "data"), "8:8 2775");
    assert_eq!(after(&fixture, "tmp"), "0:0 1777");
}

#[test]
fn every_form_of_stat_says_the_same() {
    let said = owned(Fixture::probe("stats"), &[("data/f", owner(101, 102, 0o4710))]).succeed();
    assert_eq!(said.matches("101:102 104710\n").count(), 8, "{said}");
}

fn stats() {
    let show = |what, uid: u32, gid: u32, mode: u32| println!("{what}\n{uid}:{gid} {mode:o}");
    let of = |what, stat: rustix::fs::Stat| show(what, stat.st_uid, stat.st_gid, stat.st_mode);
    std::env::set_current_dir("/data").unwrap();
    let dir = rustix::fs::open("/data", OFlags::PATH, Mode::empty()).unwrap();
    let file = rustix::fs::open("/data/f", OFlags::RDONLY, Mode::empty()).unwrap();
    of("stat", rustix::fs::stat("f").unwrap());
    of("absolute", rustix::fs::stat("/data/../data/f").unwrap());
    of("fstat", rustix::fs::fstat(&file).unwrap());
    of("at", rustix::fs::statat(&dir, "f", AtFlags::SYMLINK_NOFOLLOW).unwrap());
    of("empty", rustix::fs::statat(&file, "", AtFlags::EMPTY_PATH).unwrap());
    let statx = |dir: std::os::fd::BorrowedFd<'_>, path: &str, flags| {
        let x = rustix::fs::statx(dir, path, flags, StatxFlags::BASIC_STATS).unwrap();
        show("statx", x.stx_uid, x.stx_gid, x.stx_mode.into());
    };
    statx(CWD, "f", AtFlags::empty());
    statx(file.as_fd(), "", AtFlags::EMPTY_PATH);
    use std::os::fd::AsRawFd;
    of("proc", rustix::fs::stat(format!("/proc/self/fd/{}", file.as_raw_fd())).unwrap());
    assert_eq!(rustix::fs::stat("/data/none").unwrap_err(), rustix::io::Errno::NOENT);
    assert_eq!(rustix::fs::stat("f/f").unwrap_err(), rustix::io::Errno::NOTDIR);
}

#[test]
fn owners_follow_renames_links_and_copies_and_end_with_the_file() {
    let script = "cd data; touch a; chown 7:8 a; ln a b; mv a c; stat -c %u:%g b c
        touch d; chown 9 d; rm d; touch e; stat -c %u:%g e
        cp -p c f; ln -s c l; chown -h 5:6 l; stat -c %u:%g f l; chown 1:1 l; stat -c %u:%g c
        chgrp 11 e; mv e c; stat -c %u:%g c b; i=0
        while [ $i -lt 300 ]; do : > t; chown $i t; rm t; : > t; stat -c %u t; rm t; i=$((i+1)); done | sort -u";
    let fixture = owned(Fixture::shell(script), &[]);
    let said = fixture.succeed();
    assert_eq!(said, "7:8\n7:8\n0:0\n7:8\n5:6\n1:1\n0:11\n1:1\n0\n");
    assert_eq!(after(&fixture, "data/b"), "1:1 0644");
    assert_eq!(after(&fixture, "data/l"), "5:6 0777");
}

#[test]
fn a_change_of_owner_takes_set_id_bits_and_capabilities() {
    let script = "cd data; touch a b; mkdir d; chmod 6755 a; chmod 2644 b; chmod 3777 d
        stat -c %a a b d; chown 1 a b d; stat -c %a a b d; chmod 4711 a; chmod u+w a; stat -c %a a";
    let fixture = owned(Fixture::shell(script), &[]);
    assert_eq!(fixture.succeed(), "6755\n2644\n3777\n755\n2644\n3777\n4711\n");
    assert_eq!(after(&fixture, "data/a"), "1:0 4711");
    assert_eq!(after(&fixture, "data/d"), "1:0 3777");
    for path in ["data/a", "data/d"] {
        let mode = fs::metadata(fixture.spec.scratch.join("upper").join(path)).unwrap().mode();
        assert_eq!(mode & 0o7000, 0, "no privilege is ever on disk: {path}");
    }
}

#[test]
fn every_form_of_chown_and_chmod_works() {
    let fixture = owned(Fixture::probe("changes"), &[]);
    fixture.succeed();
    for (path, expected) in [
        ("a", "1:2 4755"),
        ("b", "3:4 2750"),
        ("c", "5:6 1777"),
        ("l", "7:8 0777"),
        ("d", "0:9 0700"),
    ] {
        assert_eq!(after(&fixture, &format!("data/{path}")), expected, "{path}");
    }
}

fn changes() {
    let (uid, gid) = (rustix::process::Uid::from_raw, rustix::process::Gid::from_raw);
    std::env::set_current_dir("/data").unwrap();
    fs::write("a", "").unwrap();
    chown("a", Some(1), Some(2)).unwrap();
    fs::set_permissions("a", fs::Permissions::from_mode(0o4755)).unwrap();
    let b = fs::File::create("b").unwrap();
    rustix::fs::fchown(&b, Some(uid(3)), Some(gid(4))).unwrap();
    rustix::fs::fchmod(&b, Mode::from_raw_mode(0o2750)).unwrap();
    let dir = rustix::fs::open("/data", OFlags::RDONLY, Mode::empty()).unwrap();
    rustix::fs::mkdirat(&dir, "c", Mode::RWXU).unwrap();
    rustix::fs::chownat(&dir, "c", Some(uid(5)), Some(gid(6)), AtFlags::empty()).unwrap();
    rustix::fs::chmodat(&dir, "c", Mode::from_raw_mode(0o1777), AtFlags::empty()).unwrap();
    symlink("a", "l").unwrap();
    lchown("l", Some(7), Some(8)).unwrap();
    fs::create_dir("d").unwrap();
    fs::set_permissions("d", fs::Permissions::from_mode(0o700)).unwrap();
    chown("d", None, Some(9)).unwrap();
    assert_eq!(chown("/usr", Some(1), None).unwrap_err().raw_os_error(), Some(libc::EROFS));
    let missing = chown("none", Some(1), None).unwrap_err();
    assert_eq!(missing.raw_os_error(), Some(libc::ENOENT));
}

#[test]
fn devices_are_data_and_other_nodes_are_nodes() {
    let script = "cd data; umask 027; mknod n c 1 3; mknod -m 660 b b 259 70000; mkfifo p
        stat -c '%n %F %a %t:%T' n b p; chown 0:6 b; cp -a n m; stat -c '%F %t:%T' m
        rm n; : > n; stat -c %F n";
    let fixture = owned(Fixture::shell(script), &[]);
    assert_eq!(
        fixture.succeed(),
        "n character special file 640 1:3\nb block special file 660 103:11170\np fifo 640 0:0\n\
         character special file 1:3\nregular empty file\n"
    );
    assert_eq!(after(&fixture, "data/b"), "0:6 0660 b259:70000");
    assert_eq!(after(&fixture, "data/m"), "0:0 0640 c1:3");
    assert!(fs::metadata(fixture.spec.scratch.join("upper/data/b")).unwrap().file_type().is_file());
    let fifo = fs::metadata(fixture.spec.scratch.join("upper/data/p")).unwrap();
    assert!(fifo.file_type().is_fifo());
}

#[test]
fn file_capabilities_are_data_and_other_attributes_are_the_disks() {
    let fixture = owned(Fixture::probe("attributes"), &[]);
    fixture.succeed();
    assert_eq!(after(&fixture, "data/ping"), "0:0 0755 capability");
    assert_eq!(after(&fixture, "data/gone"), "1:0 0755");
    let all = collect(&fixture.spec.scratch).unwrap();
    let found = all.iter().find(|found| found.path == b"data/ping").unwrap();
    assert_eq!(found.owner.capability.as_deref(), Some(&CAPABILITY[..]));
}

/// `cap_net_raw=ep`, of revision 2.
const CAPABILITY: [u8; 20] = [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

fn attributes() {
    use rustix::fs::{fgetxattr, getxattr, listxattr, lsetxattr, removexattr, setxattr};
    use rustix::io::Errno;
    const NAME: &str = "security.capability";
    std::env::set_current_dir("/data").unwrap();
    let mut buffer = [0_u8; 64];
    for file in ["ping", "gone"] {
        fs::write(file, "").unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        setxattr(file, NAME, &CAPABILITY, XattrFlags::CREATE).unwrap();
    }
    assert_eq!(setxattr("ping", NAME, &CAPABILITY, XattrFlags::CREATE), Err(Errno::EXIST));
    assert_eq!(getxattr("ping", NAME, &mut buffer), Ok(20));
    assert_eq!(buffer[..20], CAPABILITY);
    assert_eq!(getxattr("ping", NAME, &mut [0_u8; 4]), Err(Errno::RANGE));
    let file = fs::File::open("ping").unwrap();
    assert_eq!(fgetxattr(&file, NAME, &mut buffer), Ok(20));
    if setxattr("ping", "user.a", b"b", XattrFlags::empty()).is_ok() {
        assert_eq!(getxattr("ping", "user.a", &mut buffer), Ok(1));
        removexattr("ping", "user.a").unwrap();
    }
    let length = listxattr("ping", &mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"security.capability\0");
    chown("gone", Some(1), None).unwrap();
    assert_eq!(getxattr("gone", NAME, &mut buffer), Err(Errno::NODATA));
    assert_eq!(removexattr("gone", NAME), Err(Errno::NODATA));
    setxattr("gone", NAME, &CAPABILITY, XattrFlags::empty()).unwrap();
    removexattr("gone", NAME).unwrap();
    for other in ["trusted.x", "security.selinux", "system.posix_acl_access"] {
        assert_eq!(
            lsetxattr("ping", other, b"x", XattrFlags::empty()),
            Err(Errno::OPNOTSUPP),
            "{other}"
        );
    }
}

#[test]
fn who_becomes_somebody_else_makes_files_of_that_user() {
    let fixture = owned(Fixture::probe("person"), &[]);
    let said = fixture.succeed();
    assert!(said.contains("inside 6:12\n"), "{said}");
    // Sets the user first, and keeps the right to set the group until then.
    let setpriv = "setpriv --reuid 7 --regid 8 --clear-groups sh -c 'id -u; id -g; : > /data/x'";
    let fixture = owned(Fixture::shell(setpriv), &[]);
    assert_eq!(fixture.succeed(), "7\n8\n");
    assert_eq!(after(&fixture, "data/x"), "7:8 0644");
    let fixture = owned(Fixture::probe("person"), &[]);
    fixture.succeed();
    for path in ["file", "dir", "link", "child", "new"] {
        assert!(after(&fixture, &format!("data/{path}")).starts_with("6:12 "), "{path}");
    }
    assert!(after(&fixture, "data/root").starts_with("0:0 "));
}

fn person() {
    use std::os::unix::process::CommandExt;
    std::env::set_current_dir("/data").unwrap();
    fs::write("root", "").unwrap();
    let script = "echo inside $(id -u):$(id -g); : > file; mkdir dir; ln -s a link; (: > child)
        set -C; : > new; chown 0 file 2> /data/said || exit 0; exit 7";
    let mut command = std::process::Command::new("/bin/sh");
    command.args(["-c", script]).gid(12).uid(6);
    assert!(command.status().unwrap().success());
    assert!(fs::read_to_string("said").unwrap().contains("Operation not permitted"));
    assert_eq!(rustix::process::getuid().as_raw(), 0);
}

#[test]
fn a_directory_hands_on_its_group() {
    let script = "cd data; mkdir d; chown 0:50 d; chmod 2775 d; cd d; : > f; mkdir e; : > e/g
        ln -s x l; set -C; : > n; stat -c '%n %u:%g %a' f e e/g n; stat -c '%g' l
        cd ..; : > out; mv out d; stat -c %g d/out";
    let fixture = owned(Fixture::shell(script), &[]);
    let said = fixture.succeed();
    assert_eq!(said, "f 0:50 644\ne 0:50 2755\ne/g 0:50 644\nn 0:50 644\n50\n0\n");
    assert_eq!(after(&fixture, "data/d/e"), "0:50 2755");
}

#[test]
fn root_reads_and_writes_whatever_the_modes_say() {
    let script = "cd data; echo a > f; chmod 0 f; echo b >> f; cat f; mkdir d; chmod 0 d; : > d/x
        ls d; chmod 444 f; echo c >> f; : > s; chmod 0 s";
    let fixture = owned(Fixture::shell(script), &[]);
    assert_eq!(fixture.succeed(), "a\nb\nx\n");
    assert_eq!(after(&fixture, "data/s"), "0:0 0000");
    // `collect` has made everything readable meanwhile.
    assert!(fs::read_dir(fixture.spec.scratch.join("upper/data/d")).is_ok());
}

#[test]
fn syncing_costs_nothing_and_namespaces_stay_shut() {
    let fixture = owned(Fixture::shell("sync && sync -f /data && ! unshare -m true 2>&1"), &[]);
    fixture.succeed();
    let fixture =
        owned(Fixture::shell("mount -t tmpfs none /data 2>&1 || chroot / true 2>&1"), &[]);
    assert!(!fixture.run().ending.is_success());
}

#[test]
fn what_has_no_answer_ends_the_run_by_name() {
    let fixture = owned(Fixture::probe("unanswerable"), &[]);
    match fixture.try_run().unwrap_err() {
        SandboxError::Ownership { program, why } => {
            assert!(program.starts_with("/probe probe"), "{program}");
            assert!(why.contains("24 bytes"), "{why}");
        }
        other => panic!("{other}"),
    }
}

fn unanswerable() {
    fs::write("/data/f", "").unwrap();
    // Revision 3 names a user namespace, which no tree can.
    let name: &CStr = c"security.capability";
    rustix::fs::setxattr("/data/f", name, &[3; 24], XattrFlags::empty()).unwrap();
}

#[test]
fn a_run_that_shares_its_root_is_no_spec() {
    let mut fixture = owned(Fixture::shell("true"), &[]);
    fixture.spec.identity = Identity { uid: 1000, gid: 1000 };
    assert!(matches!(fixture.try_run().unwrap_err(), SandboxError::Spec { .. }));
    let mut fixture = owned(Fixture::shell("true"), &[]);
    fixture.spec.lowers.push("/usr".into());
    assert!(matches!(fixture.try_run().unwrap_err(), SandboxError::Spec { .. }));
}

/// Not a claim: what runs inside.
#[test]
fn probe() {
    let Ok(name) = std::env::var(support::PROBE) else { return };
    assert!(Path::new("/data").is_dir());
    match name.as_str() {
        "stats" => stats(),
        "changes" => changes(),
        "attributes" => attributes(),
        "person" => person(),
        "unanswerable" => unanswerable(),
        other => panic!("no probe {other}"),
    }
}
