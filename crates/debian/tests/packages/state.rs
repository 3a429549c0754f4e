//! What is made in place of maintainer scripts, and what the recipe lays on top.

use super::make::{Package, World, dir, file, package, path, symlink};
use groundup_debian::rootfs::{
    Alternative, DirInput, FileInput, Group, LinkInput, RootfsError, TreeInput, User,
};
use groundup_tree::{FileTree, Mode, Node};

fn user(name: &str, uid: u32, gid: u32) -> User {
    User {
        name: name.to_owned(),
        uid,
        gid,
        home: "/nonexistent".to_owned(),
        shell: "/usr/sbin/nologin".to_owned(),
        comment: String::new(),
        groups: Vec::new(),
    }
}

fn file_input(world: &World, path: &str, text: &str) -> FileInput {
    FileInput {
        path: path.to_owned(),
        content: world.blob(text.as_bytes()),
        size: text.len() as u64,
        mode: 0o644,
        uid: 0,
        gid: 0,
        label: "files".to_owned(),
    }
}

#[test]
fn the_database_tells_of_every_package_in_dpkgs_way() {
    let world = World::new();
    let root = world
        .merge(&[package("x")
            .field("Depends: libc6 (>= 2)")
            .field("Section: misc")
            .control("conffiles", "/etc/x.conf\n")
            .control("postinst", "#!/bin/sh\n")
            .control("triggers", "interest-noawait /usr/share/x\ninterest update-x\n")
            .with(file("./etc/x.conf", "abc"))])
        .unwrap();
    assert_eq!(
        root.text("/var/lib/dpkg/status"),
        "Package: x\nStatus: install ok installed\nSection: misc\nMaintainer: M <m@x.invalid>\n\
         Architecture: amd64\nVersion: 1.0-1\nDepends: libc6 (>= 2)\n\
         Conffiles:\n /etc/x.conf 900150983cd24fb0d6963f7d28e17f72\n\
         Description: short\n long\nHomepage: https://x.invalid\n\n"
    );
    assert_eq!(root.text("/var/lib/dpkg/info/x.list"), "/.\n/etc\n/etc/x.conf\n");
    assert_eq!(root.text("/var/lib/dpkg/info/x.postinst"), "#!/bin/sh\n");
    assert_eq!(root.text("/var/lib/dpkg/triggers/File"), "/usr/share/x x/noawait\n");
    assert_eq!(root.text("/var/lib/dpkg/triggers/update-x"), "x\n");
    assert!(!root.has("/var/lib/dpkg/info/x.control"));
    assert_eq!(root.origin("/var/lib/dpkg/status"), "state");
}

#[test]
fn accounts_come_from_base_passwd_and_the_recipe() {
    let world = World::new();
    let master = package("base-passwd")
        .with(file("./usr/share/base-passwd/passwd.master", "root:*:0:0:root:/root:/bin/bash\n"))
        .with(file("./usr/share/base-passwd/group.master", "root:*:0:\nshadow:*:42:\n"));
    let mut spec = world.spec(&[master]);
    spec.groups = vec![Group { name: "web".to_owned(), gid: 900 }];
    spec.users = vec![User { groups: vec!["web".to_owned()], ..user("app", 901, 901) }];
    let root = world.assemble(&spec).unwrap();
    assert_eq!(
        root.text("/etc/passwd"),
        "root:x:0:0:root:/root:/bin/bash\napp:x:901:901::/nonexistent:/usr/sbin/nologin\n"
    );
    assert_eq!(root.text("/etc/group"), "root:x:0:\nshadow:x:42:\nweb:x:900:app\napp:x:901:\n");
    assert_eq!(root.text("/etc/shadow"), "root:*::0:99999:7:::\napp:*::0:99999:7:::\n");
    assert_eq!(root.node("/etc/shadow").meta.mode, Mode::from_bits(0o640));
    assert_eq!(root.node("/etc/shadow").meta.gid, 42);
    spec.users = vec![user("root", 5, 0)];
    assert!(matches!(world.assemble(&spec), Err(RootfsError::Account { what: "user", .. })));
    spec.users = vec![User { groups: vec!["none".to_owned()], ..user("app", 901, 901) }];
    assert!(matches!(world.assemble(&spec), Err(RootfsError::NoGroup { .. })));
    spec.users = vec![user("a:b", 1, 1)];
    assert!(matches!(world.assemble(&spec), Err(RootfsError::AccountField { .. })));
}

#[test]
fn without_base_passwd_there_are_root_and_nobody() {
    let world = World::new();
    let root = world.merge(&[package("x").with(file("./usr/x", ""))]).unwrap();
    assert!(root.text("/etc/passwd").starts_with("root:x:0:0:"));
    assert!(root.text("/etc/group").contains("nogroup:x:65534:"));
    assert_eq!(root.node("/etc/shadow").meta.mode, Mode::from_bits(0o600));
}

fn awk(name: &str) -> Package {
    package(name)
        .with(file(&format!("./usr/bin/{name}"), name).mode(0o755))
        .with(file(&format!("./usr/share/man/man1/{name}.1.gz"), "m"))
}

#[test]
fn alternatives_follow_priority_and_then_the_recipe() {
    let world = World::new();
    let mut spec = world.spec(&[awk("mawk"), awk("gawk")]);
    let root = world.assemble(&spec).unwrap();
    assert_eq!(root.target("/usr/bin/awk"), "/etc/alternatives/awk");
    assert_eq!(root.target("/etc/alternatives/awk"), "/usr/bin/gawk");
    assert_eq!(root.target("/etc/alternatives/nawk"), "/usr/bin/gawk");
    assert_eq!(root.target("/etc/alternatives/awk.1.gz"), "/usr/share/man/man1/gawk.1.gz");
    assert!(root.text("/var/lib/dpkg/alternatives/awk").starts_with("auto\n/usr/bin/awk\n"));
    let choice = |name: &str, link: &str, path: &str| Alternative {
        name: name.to_owned(),
        link: link.to_owned(),
        path: path.to_owned(),
    };
    spec.alternatives = vec![
        choice("awk", "/usr/bin/awk", "/usr/bin/mawk"),
        choice("own", "/usr/bin/own", "/usr/bin/gawk"),
    ];
    let root = world.assemble(&spec).unwrap();
    assert_eq!(root.target("/etc/alternatives/awk"), "/usr/bin/mawk");
    assert_eq!(root.target("/etc/alternatives/awk.1.gz"), "/usr/share/man/man1/mawk.1.gz");
    assert_eq!(root.target("/usr/bin/own"), "/etc/alternatives/own");
    spec.alternatives = vec![choice("awk", "/usr/bin/awk", "/usr/bin/none")];
    assert!(matches!(world.assemble(&spec), Err(RootfsError::NoCandidate { .. })));
    spec.alternatives = vec![choice("x", "/usr/bin/mawk", "/usr/bin/gawk")];
    assert!(matches!(world.assemble(&spec), Err(RootfsError::AlternativeTaken { .. })));
}

#[test]
fn base_files_leaves_the_state_of_its_script() {
    let world = World::new();
    let root = world
        .merge(&[package("base-files")
            .with(dir("./root").mode(0o700))
            .with(dir("./var/run"))
            .with(dir("./var/lock"))
            .with(file("./usr/share/base-files/profile", "profile"))
            .with(file("./etc/dpkg/origins/debian", ""))])
        .unwrap();
    assert_eq!(root.text("/etc/profile"), "profile");
    assert_eq!(root.target("/var/run"), "/run");
    assert_eq!(root.target("/etc/dpkg/origins/default"), "debian");
    assert_eq!(root.node("/run/lock").meta.mode, Mode::from_bits(0o1777));
    assert!(!root.has("/etc/machine-id"));
}

#[test]
fn trees_files_and_links_lie_on_top_in_the_order_of_the_stages() {
    let world = World::new();
    let mut upper = FileTree::new();
    let content = world.store.put_blob(b"new").unwrap();
    let node = Node::file(content.blob, content.size, 0o644);
    upper.insert_with_parents(path("lib/x/f"), node.clone()).unwrap();
    upper.insert_with_parents(path("lib/x/g"), node).unwrap();
    upper.link(path("lib/x/g"), &path("lib/x/f")).unwrap();
    let mut spec = world.spec(&[package("a")
        .with(file("./lib/x/f", "old"))
        .with(file("./usr/share/doc/a/copyright", ""))
        .with(symlink("./usr/share/doc/a/link", "copyright"))]);
    spec.trees = vec![TreeInput {
        tree: world.store.put_tree(&upper).unwrap(),
        label: "build.x".to_owned(),
        from: "/".to_owned(),
        to: "/".to_owned(),
        origins: None,
    }];
    spec.remove = vec!["/usr/share/doc/*/copy*".to_owned()];
    spec.dirs = vec![DirInput { path: "/srv/d".to_owned(), mode: 0o700, uid: 5, gid: 6 }];
    spec.files = vec![file_input(&world, "/lib/y", "y"), file_input(&world, "/srv/d/f", "f")];
    spec.links = vec![LinkInput {
        path: "/srv/l".to_owned(),
        target: "d".to_owned(),
        label: "files".to_owned(),
    }];
    let root = world.assemble(&spec).unwrap();
    // A tree with `lib/` does not undo merged /usr.
    assert_eq!(root.target("/lib"), "usr/lib");
    assert_eq!((root.text("/usr/lib/x/f"), root.origin("/usr/lib/x/f")), ("new".into(), "build.x"));
    assert_eq!(root.tree.links().first(&path("usr/lib/x/g")), Some(&path("usr/lib/x/f")));
    assert!(!root.has("/usr/share/doc/a/copyright") && root.has("/usr/share/doc/a/link"));
    assert_eq!(root.text("/usr/lib/y"), "y");
    assert_eq!(root.node("/srv/d").meta.uid, 5);
    assert_eq!((root.target("/srv/l"), root.origin("/srv/l")), ("d".into(), "files"));
    let nodes = root.tree.iter().filter(|(_, node)| !node.is_directory());
    let files: Vec<_> = nodes.map(|(path, _)| path).collect();
    let labelled: Vec<_> = root.origins.iter().map(|(path, _)| path).collect();
    assert_eq!(files, labelled);
}

#[test]
fn a_part_of_a_tree_can_be_one_file() {
    let world = World::new();
    let mut upper = FileTree::new();
    let content = world.store.put_blob(b"bin").unwrap();
    upper.insert_with_parents(path("out/tool"), Node::file(content.blob, 3, 0o755)).unwrap();
    let mut spec = world.spec(&[]);
    spec.trees = vec![TreeInput {
        tree: world.store.put_tree(&upper).unwrap(),
        label: "build.tool".to_owned(),
        from: "/out/tool".to_owned(),
        to: "/usr/bin/tool".to_owned(),
        origins: None,
    }];
    let root = world.assemble(&spec).unwrap();
    assert_eq!((root.text("/usr/bin/tool"), root.tree.len()), ("bin".into(), 4));
    spec.trees[0].from = "/none".to_owned();
    assert!(matches!(world.assemble(&spec), Err(RootfsError::NoSuchPart { .. })));
}

/// A certificate of no use but to be found: a subject, and nothing that is checked.
fn certificate(common_name: &str) -> String {
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        [&[tag, u8::try_from(content.len()).unwrap()], content].concat()
    }
    let attribute = [der(6, &[0x55, 4, 3]), der(19, common_name.as_bytes())].concat();
    let subject = der(0x30, &der(0x31, &der(0x30, &attribute)));
    let fields = [der(2, &[1]), der(0x30, &[]), der(0x30, &[]), der(0x30, &[]), subject].concat();
    let bytes = der(0x30, &der(0x30, &fields));
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word = (0..3).fold(0u32, |w, i| (w << 8) | u32::from(*chunk.get(i).unwrap_or(&0)));
        for place in 0..=chunk.len() {
            text.push(char::from(DIGITS[(word >> (18 - 6 * place)) as usize & 63]));
        }
        text.push_str(&"=".repeat(3 - chunk.len()));
    }
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[test]
fn certificates_become_a_bundle_with_links() {
    let world = World::new();
    let (one, two) = (certificate("One CA"), certificate("Two"));
    let mut spec = world.spec(&[package("ca-certificates")
        .with(file("./usr/share/ca-certificates/m/Two.crt", &two))
        .with(file("./usr/share/ca-certificates/m/One_(CA).crt", one.trim_end()))]);
    spec.files = vec![file_input(&world, "/usr/local/share/ca-certificates/own.crt", &two)];
    let root = world.assemble(&spec).unwrap();
    assert_eq!(root.text("/etc/ssl/certs/ca-certificates.crt"), format!("{one}{two}{two}"));
    assert_eq!(
        root.target("/etc/ssl/certs/One_=CA=.pem"),
        "/usr/share/ca-certificates/m/One_(CA).crt"
    );
    assert_eq!(root.target("/etc/ssl/certs/own.pem"), "/usr/local/share/ca-certificates/own.crt");
    let is_hash = |name: &str| name.len() == 10 && name.ends_with(".0");
    let hashes = root.tree.iter().filter(|(path, _)| {
        path.is_within(&super::make::path("etc/ssl/certs"))
            && path.name().is_some_and(|name| is_hash(&name.to_string()))
    });
    assert_eq!(hashes.count(), 2, "equal certificates have one link");
    spec.remove = vec!["/etc/ssl/certs/**".to_owned()];
    assert!(!world.assemble(&spec).unwrap().has("/etc/ssl/certs/ca-certificates.crt"));
}

#[test]
fn bad_paths_and_globs_are_named() {
    let world = World::new();
    let mut spec = world.spec(&[]);
    spec.files = vec![file_input(&world, "relative", "")];
    assert!(matches!(world.assemble(&spec), Err(RootfsError::Path { what: "file", .. })));
    spec.files = vec![file_input(&world, "/a/../b", "")];
    assert!(matches!(world.assemble(&spec), Err(RootfsError::Path { .. })));
    spec.files.clear();
    spec.remove = vec!["/a[".to_owned()];
    assert!(matches!(world.assemble(&spec), Err(RootfsError::Glob { .. })));
}
