//! Merging packages: dpkg's rules, whatever the order.

use super::make::{World, dir, file, hard_link, package, path, symlink};
use groundup_debian::rootfs::{DirInput, Diversion, RootfsError};
use groundup_tree::Mode;

#[test]
fn packages_share_directories_and_keep_their_files() {
    let world = World::new();
    let root = world
        .merge(&[
            package("a").with(dir("./usr")).with(file("./usr/a", "a").mode(0o755)),
            package("b").with(dir("./usr").mode(0o2755)).with(file("./usr/b", "b")),
        ])
        .unwrap();
    assert_eq!(root.text("/usr/a"), "a");
    assert_eq!(root.origin("/usr/b"), "deb:b");
    // A directory that says more than root-owned 0755 wins.
    assert_eq!(root.node("/usr").meta.mode, Mode::from_bits(0o2755));
    let names: Vec<_> = root.assembled.packages.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn the_same_path_in_two_packages_names_both() {
    let world = World::new();
    let packages =
        [package("a").with(file("./usr/x", "same")), package("b").with(file("./usr/x", "same"))];
    let error = world.merge(&packages).unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, RootfsError::Clash { .. }), "{text}");
    assert!(text.contains("/usr/x") && text.contains("a 1.0-1") && text.contains("b 1.0-1"));
    let packages = [package("a").with(file("./x", "")), package("b").with(dir("./x"))];
    assert!(matches!(world.merge(&packages), Err(RootfsError::Clash { .. })));
}

#[test]
fn the_replacing_package_wins_if_the_version_fits() {
    let world = World::new();
    let old = package("old").with(file("./usr/x", "old")).with(file("./usr/y", "y"));
    let new = |field: &str| package("new").field(field).with(file("./usr/x", "new"));
    let root = world.merge(&[old.clone(), new("Replaces: old (<< 2)")]).unwrap();
    assert_eq!((root.text("/usr/x"), root.origin("/usr/x")), ("new".to_owned(), "deb:new"));
    assert!(!root.text("/var/lib/dpkg/info/old.list").contains("/usr/x\n"));
    assert!(root.text("/var/lib/dpkg/info/old.list").contains("/usr/y\n"));
    let early = world.merge(&[old, new("Replaces: old (<< 1.0-1), other")]);
    assert!(matches!(early, Err(RootfsError::Clash { .. })));
}

#[test]
fn instances_of_a_multi_arch_same_package_share_equal_files() {
    let world = World::new();
    let lib = |arch: &str, doc: &str| {
        package("libx")
            .arch(arch)
            .field("Multi-Arch: same")
            .with(file("./usr/share/doc/libx/copyright", doc))
            .with(file(&format!("./usr/lib/{arch}/libx.so"), arch))
    };
    let root = world.merge(&[lib("amd64", "c"), lib("i386", "c")]).unwrap();
    assert!(root.has("/usr/lib/amd64/libx.so") && root.has("/usr/lib/i386/libx.so"));
    assert!(root.has("/var/lib/dpkg/info/libx:i386.list"));
    let differ = world.merge(&[lib("amd64", "c"), lib("i386", "d")]);
    assert!(matches!(differ, Err(RootfsError::Clash { .. })));
}

#[test]
fn merged_usr_is_made_when_a_package_ships_into_what_it_replaces() {
    let world = World::new();
    let root = world
        .merge(&[
            package("dash").with(dir("./bin")).with(file("./bin/dash", "d").mode(0o755)),
            package("libc6")
                .with(file("./lib64/ld.so", "l"))
                .with(hard_link("./lib64/ld-2.so", "./lib64/ld.so"))
                .with(symlink("./lib/x/self", "/usr/lib/x/self"))
                .with(file("./usr/lib/x/self", "real")),
        ])
        .unwrap();
    assert_eq!(root.target("/bin"), "usr/bin");
    assert_eq!(root.target("/libx32"), "usr/libx32");
    assert_eq!(root.text("/usr/bin/dash"), "d");
    assert_eq!(root.origin("/usr/lib64/ld.so"), "deb:libc6");
    assert_eq!(root.tree.links().sets().len(), 1);
    // A compatibility link that would lead to itself gives way to the file.
    assert_eq!(root.text("/usr/lib/x/self"), "real");
    assert!(root.text("/var/lib/dpkg/info/dash.list").contains("/bin/dash\n"));
    let plain = world.merge(&[package("a").with(file("./usr/bin/a", ""))]).unwrap();
    assert!(!plain.has("/bin"));
}

#[test]
fn one_file_by_two_names_of_merged_usr_is_a_clash() {
    let world = World::new();
    let packages =
        [package("a").with(file("./lib/x", "1")), package("b").with(file("./usr/lib/x", "2"))];
    assert!(matches!(world.merge(&packages), Err(RootfsError::Clash { .. })));
    let same = package("a").with(file("./lib/x", "1")).with(file("./usr/lib/x", "1"));
    assert_eq!(world.merge(&[same]).unwrap().text("/usr/lib/x"), "1");
}

#[test]
fn a_directory_that_another_package_has_as_a_link_goes_where_the_link_leads() {
    let world = World::new();
    let root = world
        .merge(&[
            package("a").with(dir("./srv/real")).with(symlink("./srv/link", "real")),
            package("b").with(dir("./srv/link")).with(file("./srv/link/f", "f")),
        ])
        .unwrap();
    assert_eq!(root.target("/srv/link"), "real");
    assert_eq!(root.text("/srv/real/f"), "f");
}

#[test]
fn directories_that_disagree_need_a_decision() {
    let world = World::new();
    let packages = [
        package("a").with(dir("./srv/d").mode(0o700)),
        package("b").with(dir("./srv/d").mode(0o770)),
    ];
    assert!(matches!(world.merge(&packages), Err(RootfsError::DirectoryClash { .. })));
    let mut spec = world.spec(&packages);
    spec.dirs = vec![DirInput { path: "/srv/d".to_owned(), mode: 0o750, uid: 1, gid: 2 }];
    let root = world.assemble(&spec).unwrap();
    assert_eq!(root.node("/srv/d").meta.mode, Mode::from_bits(0o750));
}

#[test]
fn a_declared_diversion_moves_the_files_of_the_other_packages() {
    let world = World::new();
    let script =
        "#!/bin/sh\ndpkg-divert --package wrapper --divert /usr/bin/x.real --add /usr/bin/x\n";
    let packages = [
        package("x").with(file("./usr/bin/x", "x").mode(0o755)),
        package("wrapper").control("preinst", script).with(file("./usr/bin/x", "wrapper")),
    ];
    let undeclared = world.merge(&packages).unwrap_err();
    assert!(
        matches!(&undeclared, RootfsError::UndeclaredDiversion { package, script: "preinst", path }
            if package == "wrapper" && path == "/usr/bin/x"),
        "{undeclared}"
    );
    let mut spec = world.spec(&packages);
    spec.diversions = vec![Diversion {
        path: "/usr/bin/x".to_owned(),
        to: "/usr/bin/x.real".to_owned(),
        by: Some("wrapper".to_owned()),
    }];
    let root = world.assemble(&spec).unwrap();
    assert_eq!(root.text("/usr/bin/x"), "wrapper");
    assert_eq!(root.text("/usr/bin/x.real"), "x");
    assert_eq!(root.text("/var/lib/dpkg/diversions"), "/usr/bin/x\n/usr/bin/x.real\nwrapper\n");
}

#[test]
fn a_set_that_is_not_what_it_says_is_refused() {
    let world = World::new();
    let mut spec = world.spec(&[package("a")]);
    spec.packages[0].version = "2".to_owned();
    assert!(matches!(world.assemble(&spec), Err(RootfsError::OtherPackage { .. })));
    let mut spec = world.spec(&[package("a")]);
    spec.packages.push(spec.packages[0].clone());
    assert!(matches!(world.assemble(&spec), Err(RootfsError::Twice(_))));
}

#[test]
fn hard_links_stay_within_what_a_package_keeps() {
    let world = World::new();
    let root = world
        .merge(&[
            package("a")
                .with(file("./usr/a", "same"))
                .with(hard_link("./usr/b", "usr/a"))
                .with(hard_link("./usr/c", "usr/a")),
            package("b").field("Replaces: a").with(file("./usr/b", "other")),
        ])
        .unwrap();
    let sets: Vec<_> = root.tree.links().sets().into_iter().flatten().cloned().collect();
    assert_eq!(sets, [path("usr/a"), path("usr/c")]);
}
