//! Trees before and after maintainer scripts.

use super::make::{Package, Root, World, file, package, path};
use groundup_debian::rootfs::{Alternative, Configured, Group, RootfsError, User, configured};
use groundup_tree::{Node, TreePath};

/// What scripts cannot do without, as one package of the essential ones.
fn tools() -> Package {
    let paths = [
        "bin/sh",
        "bin/sed",
        "bin/grep",
        "bin/tar",
        "bin/rm",
        "sbin/ldconfig",
        "usr/bin/dpkg",
        "usr/bin/perl",
        "usr/bin/diff",
    ];
    let package = package("tools").field("Essential: yes");
    paths.into_iter().fold(package, |package, path| package.with(file(&format!("./{path}"), "x")))
}

fn batch(root: &Root, number: usize) -> Vec<String> {
    let text = root.text(&format!("/var/lib/groundup/batch.{number:03}/packages"));
    text.lines().map(|line| line.split(' ').nth(1).unwrap().to_owned()).collect()
}

#[test]
fn packages_are_unpacked_and_nothing_is_made_in_place_of_scripts() {
    let world = World::new();
    let package = package("a")
        .control("conffiles", "/etc/a.conf\n")
        .control("postinst", "#!/bin/sh\n")
        .with(file("./etc/a.conf", "abc"));
    let root = world.unpacked(&world.spec(&[tools(), package])).unwrap();
    let status = root.text("/var/lib/dpkg/status");
    assert_eq!(status.matches("Status: install ok unpacked\n").count(), 2, "{status}");
    assert!(status.contains("Conffiles:\n /etc/a.conf 900150983cd24fb0d6963f7d28e17f72\n"));
    for made in ["/etc/passwd", "/etc/shells", "/etc/ld.so.cache", "/var/mail"] {
        assert!(!root.has(made), "{made}");
    }
    assert!(root.text("/var/lib/groundup/driver").starts_with("# Runs the maintainer scripts"));
    assert_eq!(root.origin("/etc/a.conf"), "deb:a");
}

#[test]
fn essential_packages_come_first_and_what_is_pre_depended_on_before() {
    let world = World::new();
    let packages = [
        tools().field("Depends: lib"),
        package("base-passwd").field("Essential: yes"),
        package("lib"),
        package("aaa").field("Depends: zzz, bbb"),
        package("bbb"),
        package("early").field("Pre-Depends: virtual | nothing"),
        package("zzz").field("Provides: virtual"),
        package("needs-early").field("Depends: early"),
    ];
    let root = world.unpacked(&world.spec(&packages)).unwrap();
    assert_eq!(batch(&root, 0), ["base-passwd"]);
    assert_eq!(batch(&root, 1), ["lib", "tools"]);
    assert_eq!(batch(&root, 2), ["bbb", "zzz", "aaa"]);
    assert_eq!(batch(&root, 3), ["early", "needs-early"]);
    assert!(!root.has("/var/lib/groundup/batch.004"));
}

#[test]
fn triggers_that_unpacking_would_have_activated_are_noted() {
    let world = World::new();
    let packages = [
        tools().control("triggers", "interest-noawait /usr/share/man\ninterest update-x\n"),
        package("a").control("triggers", "activate-noawait update-x\n"),
        package("b").with(file("./usr/share/man/man1/b.1", "b")),
        package("c").with(file("./usr/share/mandrill", "c")),
    ];
    let root = world.unpacked(&world.spec(&packages)).unwrap();
    let noted = root.text("/var/lib/groundup/batch.001/triggers");
    assert_eq!(noted, "/usr/share/man -\nupdate-x -\n");
    assert_eq!(root.text("/var/lib/groundup/batch.000/triggers"), "");
}

#[test]
fn declared_accounts_and_alternatives_are_there_for_the_scripts() {
    let world = World::new();
    let mut spec = world.spec(&[tools()]);
    spec.groups.push(Group { name: "render".into(), gid: 930 });
    spec.users.push(User {
        name: "web".into(),
        uid: 931,
        gid: 931,
        home: "/srv".into(),
        shell: "/bin/sh".into(),
        comment: String::new(),
        groups: vec![],
    });
    spec.alternatives.push(Alternative {
        name: "editor".into(),
        link: "/usr/bin/editor".into(),
        path: "/usr/bin/vi".into(),
    });
    let root = world.unpacked(&spec).unwrap();
    let text = |name: &str| root.text(&format!("/var/lib/groundup/{name}"));
    assert_eq!(text("passwd"), "web:x:931:931::/srv:/bin/sh\n");
    assert_eq!(text("group"), "render:x:930:\nweb:x:931:\n");
    assert_eq!(text("alternatives"), "editor /usr/bin/editor /usr/bin/vi\n");
    spec.users[0].comment = "a:b".into();
    assert!(matches!(world.unpacked(&spec), Err(RootfsError::AccountField { .. })));
}

#[test]
fn without_the_tools_the_first_that_lacks_is_named() {
    let world = World::new();
    let error = world.unpacked(&world.spec(&[package("a")])).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("/bin/sh (dash)") && text.contains("essential = true"), "{text}");
}

#[test]
fn a_diversion_of_a_script_needs_no_declaration_where_scripts_run() {
    let world = World::new();
    let diverting = package("a").control("preinst", "dpkg-divert --add --rename /usr/bin/b\n");
    let spec = world.spec(&[tools(), diverting]);
    assert!(matches!(world.assemble(&spec), Err(RootfsError::UndeclaredDiversion { .. })));
    world.unpacked(&spec).unwrap();
}

#[test]
fn what_scripts_made_is_told_from_what_packages_brought() {
    let world = World::new();
    let spec = world.spec(&[tools(), package("a").with(file("./usr/share/a", "a"))]);
    let before = world.unpacked(&spec).unwrap();
    let mut tree = before.tree.clone();
    let blob = |text: &str| Node::file(world.blob(text.as_bytes()), text.len() as u64, 0o644);
    tree.insert(path("/usr/share/made"), blob("made")).unwrap();
    tree.insert(path("/bin"), Node::symlink("usr/bin")).unwrap();
    tree.insert(path("/usr/share/a"), blob("changed")).unwrap();
    tree.remove(&TreePath::parse(b"/var/lib/groundup").unwrap());
    let after = world.store.put_tree(&tree).unwrap();
    let base =
        Configured { before: before.assembled.tree, origins: before.assembled.origins, after };
    let mut top = world.spec(&[]);
    top.remove.push("/usr/share/doc/**".into());
    let root = world.root(configured(&world.store, &base, &top).unwrap()).unwrap();
    assert_eq!(root.origin("/usr/share/made"), "scripts");
    assert_eq!(root.origin("/usr/share/a"), "scripts");
    assert_eq!(root.origin("/usr/bin/dpkg"), "deb:tools");
}
