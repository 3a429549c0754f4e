//! Two directories, files or images on disk side by side: what is told of them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use groundup_diff::{
    Change, NoCauses, Options, Platforms, Report, Row, Thing, Verdict, World, compare, open_path,
};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};
use tempfile::TempDir;

fn write(top: &Path, path: &str, content: &str) {
    let path = top.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

/// Two directories that `fill` fills, compared.
fn compared(fill: impl Fn(&Path, &Path), options: &Options) -> Report {
    let top = TempDir::new().unwrap();
    let (a, b) = (top.path().join("a"), top.path().join("b"));
    fs::create_dir_all(&a).unwrap();
    fs::create_dir_all(&b).unwrap();
    fill(&a, &b);
    paths(&a, &b, options)
}

fn paths(a: &Path, b: &Path, options: &Options) -> Report {
    let scratch = TempDir::new().unwrap();
    let world = World::new(None, scratch.path()).unwrap();
    let platforms = Platforms { platform: "linux/amd64".parse().unwrap() };
    let open = |path: &Path| open_path(&world, path, "x", &platforms).unwrap();
    compare(&world, &open(a), &open(b), &NoCauses, options).unwrap()
}

fn row<'a>(report: &'a Report, path: &str) -> &'a Row {
    let has = |row: &&Row| row.places.iter().any(|place| place.to_string() == path);
    report.rows.iter().find(has).unwrap_or_else(|| panic!("{path}: {:#?}", report.rows))
}

#[test]
fn equal_directories_are_equal() {
    let report = compared(
        |a, b| [a, b].iter().for_each(|top| write(top, "etc/x", "same\n")),
        &Options::default(),
    );
    assert_eq!(report.verdict, Verdict::Equal);
    assert!(report.rows.is_empty());
}

#[test]
fn every_change_is_in_a_row_and_counted() {
    let report = compared(
        |a, b| {
            write(a, "etc/app.conf", "one\ntwo\n");
            write(b, "etc/app.conf", "one\nthree\n");
            write(a, "usr/bin/gone", "x");
            write(b, "usr/bin/new", "y");
            fs::set_permissions(b.join("usr/bin/new"), fs::Permissions::from_mode(0o4755)).unwrap();
            symlink("one", a.join("link")).unwrap();
            symlink("two", b.join("link")).unwrap();
        },
        &Options::default(),
    );
    assert_eq!(report.verdict, Verdict::Different);
    let counts = report.counts;
    assert_eq!((counts.added, counts.removed, counts.changed), (1, 1, 2));
    let text = row(&report, "etc/app.conf");
    assert_eq!((text.thing, text.change), (Thing::Config, Change::Changed));
    assert!(!text.findings.is_empty());
    let new = row(&report, "usr/bin/new");
    let told: Vec<_> = new.findings.iter().filter_map(|it| it.note.as_deref()).collect();
    assert!(told.iter().any(|note| note.contains("set-uid")), "{told:?}");
    assert!(new.rules.contains(&"privilege"), "{:?}", new.rules);
    let link = &row(&report, "link").findings[0];
    assert_eq!((link.before.as_deref(), link.after.as_deref()), (Some("one"), Some("two")));
}

#[test]
fn a_directory_that_came_is_one_row() {
    let report = compared(
        |_, b| (0..10).for_each(|number| write(b, &format!("opt/app/{number}"), "x")),
        &Options::default(),
    );
    assert_eq!(report.rows.len(), 1);
    let text = report.rows[0].findings[0].after.clone().unwrap();
    assert!(text.contains("11 entries, 10 bytes"), "{text}");
}

#[test]
fn what_differs_alike_is_one_row() {
    let report = compared(
        |a, b| {
            for number in 0..41 {
                write(a, &format!("etc/hosts.d/{number}"), &format!("{number}\nold line\n"));
                write(b, &format!("etc/hosts.d/{number}"), &format!("{number}\nnew line\n"));
            }
        },
        &Options::default(),
    );
    assert_eq!(report.rows.len(), 1);
    assert_eq!(report.rows[0].places.len(), 41);
    assert_eq!(report.counts.changed, 41);
}

#[test]
fn what_decides_behaviour_stands_before_documentation() {
    let report = compared(
        |a, b| {
            for number in 0..50 {
                write(a, &format!("usr/share/doc/p{number}/README"), &format!("{number}\n"));
                write(b, &format!("usr/share/doc/p{number}/README"), &format!("x{number}\n"));
            }
            write(a, "etc/sysctl.d/net.conf", "net.core.somaxconn = 4096\n");
            write(b, "etc/sysctl.d/net.conf", "net.core.somaxconn = 409\n");
        },
        &Options::default(),
    );
    assert_eq!(report.rows[0].places[0].to_string(), "etc/sysctl.d/net.conf");
}

#[test]
fn what_follows_a_compressed_stream_is_not_passed_over() {
    let gzip = |text: &str| {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let told = |behind: &[u8]| {
        compared(
            |a, b| {
                fs::write(a.join("x"), [&gzip("the same text\n"), behind].concat()).unwrap();
                fs::write(b.join("x"), "the same text\n").unwrap();
            },
            &Options::default(),
        )
    };
    assert_eq!(told(b"").verdict, Verdict::SameMeaning);
    assert_eq!(told(b"a payload that runs").verdict, Verdict::Different);
}

#[test]
fn only_the_paths_that_are_asked_for_are_compared() {
    let options = Options { paths: vec!["etc/".into()], ..Options::default() };
    let report = compared(
        |a, b| {
            write(a, "etc/x", "1");
            write(b, "etc/x", "2");
            write(b, "usr/x", "2");
        },
        &options,
    );
    assert_eq!(report.rows.len(), 1);
    assert_eq!(report.verdict, Verdict::Different);
}

#[test]
fn bytes_that_no_text_is_are_still_told_of() {
    let report = compared(
        |a, b| {
            fs::write(a.join("x"), [0, 1, 2, 3]).unwrap();
            fs::write(b.join("x"), [0, 1, 9, 3]).unwrap();
        },
        &Options::default(),
    );
    assert_eq!(report.rows[0].findings[0].what, "byte 2");
}

#[test]
fn a_path_of_which_several_things_are_told_is_counted_once() {
    let unit = |limit: &str, restart: &str| {
        format!("[Service]\nExecStart=/bin/a\nLimitNOFILE={limit}\nRestart={restart}\n")
    };
    let report = compared(
        |a, b| {
            [a, b].iter().for_each(|top| write(top, "usr/bin/a", "x"));
            write(a, "etc/systemd/system/a.service", &unit("1024", "no"));
            write(b, "etc/systemd/system/a.service", &unit("infinity", "always"));
        },
        &Options::default(),
    );
    assert_eq!(report.counts.changed, 1);
    let unit = row(&report, "etc/systemd/system/a.service");
    assert_eq!((unit.thing, unit.findings.len()), (Thing::Unit, 2));
}

#[test]
fn a_directory_of_objects_is_told_by_them_and_one_of_other_json_is_one_row() {
    let object = |name: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{a: b}}\n")
    };
    let report = compared(
        |_, b| {
            write(b, "manifests/prod/one.yaml", &object("one"));
            write(b, "manifests/prod/two.yaml", &object("two"));
            (0..5).for_each(|number| write(b, &format!("words/{number}.json"), "{\"a\": 1}"));
        },
        &Options::default(),
    );
    let one = row(&report, "manifests/prod/one.yaml");
    assert_eq!(one.findings[0].what, "ConfigMap default/one");
    assert_eq!(one.findings[0].inside[0].what, "data.a");
    assert!(one.rules.contains(&"object"), "{:?}", one.rules);
    assert!(row(&report, "words").findings[0].after.as_deref().unwrap().contains("5 entries"));
    assert_eq!(report.rows.len(), 3, "{:#?}", report.rows);
}
