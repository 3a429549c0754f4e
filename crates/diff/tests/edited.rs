//! Files that parted from their package, as its database has them, and files of formats that are not
//! read.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use groundup_diff::{NoCauses, Options, Platforms, Report, Row, Thing, World, compare, open_path};
use std::{fs, path::Path};
use tempfile::TempDir;

/// MD5 of `one` and of `two`, each with a line feed.
const ONE: &str = "5bbf5a52328e7439ae6e719dfe712200";
const TWO: &str = "c193497a1a06b2c72230e6146ff47080";

fn write(top: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = top.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn compared(fill: impl Fn(&Path, &Path)) -> Report {
    let (top, scratch) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let (a, b) = (top.path().join("a"), top.path().join("b"));
    [&a, &b].iter().for_each(|top| write(top, "etc/os-release", "ID=debian\n"));
    fill(&a, &b);
    let world = World::new(None, scratch.path()).unwrap();
    let platforms = Platforms { platform: "linux/amd64".parse().unwrap() };
    let open = |path: &Path| open_path(&world, path, "x", &platforms).unwrap();
    compare(&world, &open(&a), &open(&b), &NoCauses, &Options::default()).unwrap()
}

/// A package `web` with a file of configuration and two programs, of which the database has the MD5.
fn web(top: &Path, version: &str, conffile: &str, program: &str) {
    let status = format!(
        "Package: web\nStatus: install ok installed\nArchitecture: all\nVersion: {version}\n\
         Conffiles:\n /etc/web.conf {conffile}\n"
    );
    write(top, "var/lib/dpkg/status", status);
    let sums = format!("{program}  usr/bin/web\n{program}  usr/bin/web-2\n");
    write(top, "var/lib/dpkg/info/web.md5sums", sums);
}

fn files(top: &Path, configuration: &str, program: &str) {
    write(top, "etc/web.conf", configuration);
    write(top, "usr/bin/web", program);
    write(top, "usr/bin/web-2", program);
}

fn sideways(report: &Report) -> Vec<&Row> {
    report.rows.iter().filter(|row| row.thing == Thing::Sideways).collect()
}

#[test]
fn files_that_were_edited_away_from_their_package_are_one_row() {
    let report = compared(|a, b| {
        [a, b].iter().for_each(|top| web(top, "1.2", ONE, TWO));
        files(a, "one\n", "two\n");
        files(b, "one\n", "three\n");
    });
    let [row] = sideways(&report)[..] else { panic!("{:#?}", report.rows) };
    assert_eq!(row.findings[0].what, "edited away from its package");
    assert_eq!(row.findings[0].note.as_deref(), Some("web 1.2"));
    let places: Vec<String> = row.places.iter().map(ToString::to_string).collect();
    assert_eq!(places, ["usr/bin/web", "usr/bin/web-2"]);
    assert_eq!(report.rows[0].thing, Thing::Sideways);
    // The change itself is told and counted as before.
    assert_eq!(report.counts.changed, 2);
}

#[test]
fn an_edit_that_an_upgrade_lost_is_told_with_both_versions() {
    let report = compared(|a, b| {
        web(a, "1.2", ONE, TWO);
        web(b, "1.3", TWO, TWO);
        files(a, "edited by hand\n", "two\n");
        files(b, "two\n", "two\n");
    });
    let [row] = sideways(&report)[..] else { panic!("{:#?}", report.rows) };
    assert_eq!(row.findings[0].what, "its edit is lost, it is as its package has it");
    assert_eq!(row.findings[0].note.as_deref(), Some("web 1.2 -> 1.3"));
    assert_eq!(row.places[0].to_string(), "etc/web.conf");
}

#[test]
fn a_file_that_an_upgrade_left_as_it_was_is_told() {
    let report = compared(|a, b| {
        web(a, "1.2", ONE, ONE);
        web(b, "1.3", TWO, ONE);
        [a, b].iter().for_each(|top| files(top, "one\n", "one\n"));
    });
    let [row] = sideways(&report)[..] else { panic!("{:#?}", report.rows) };
    assert_eq!(row.findings[0].what, "stayed while its package has another one");
}

#[test]
fn an_upgrade_says_nothing_nor_does_an_edit_of_before_nor_one_of_comments() {
    let upgrade = compared(|a, b| {
        web(a, "1.2", ONE, ONE);
        web(b, "1.3", TWO, TWO);
        files(a, "one\n", "one\n");
        files(b, "two\n", "two\n");
    });
    assert!(sideways(&upgrade).is_empty(), "{:#?}", upgrade.rows);
    let edited = compared(|a, b| {
        [a, b].iter().for_each(|top| web(top, "1.2", ONE, ONE));
        files(a, "edited\n", "one\n");
        files(b, "edited again\n", "one\n");
    });
    assert!(sideways(&edited).is_empty(), "{:#?}", edited.rows);
    let comment = compared(|a, b| {
        [a, b].iter().for_each(|top| web(top, "1.2", ONE, ONE));
        files(a, "one\n", "one\n");
        files(b, "# ours\none\n", "one\n");
    });
    assert!(sideways(&comment).is_empty(), "{:#?}", comment.rows);
}

#[test]
fn a_file_of_apk_that_was_edited_is_told() {
    // SHA-1 of `one` and a line feed, as apk writes it.
    let database = "P:web\nV:1.2-r0\nA:x86_64\nF:lib/web\nR:x\nZ:Q1xwWbsZQzzDyrqmI2yD1WZoqEPdI=\n";
    let report = compared(|a, b| {
        for (top, content) in [(a, "one\n"), (b, "other\n")] {
            write(top, "lib/apk/db/installed", database);
            write(top, "usr/share/x", "x");
            write(top, "lib/web/x", content);
        }
    });
    let [row] = sideways(&report)[..] else { panic!("{:#?}", report.rows) };
    assert_eq!(row.findings[0].note.as_deref(), Some("web 1.2-r0"));
}

#[test]
fn what_is_known_and_not_read_is_told_with_its_sizes() {
    let disk = |size: usize, last: u8| {
        let mut bytes = b"XFSB\0\0\x10\0".to_vec();
        bytes.resize(size, 0);
        bytes.push(last);
        bytes
    };
    // Both look like squashfs and end after their first bytes.
    let broken = |last: u8| [b"hsqs".to_vec(), vec![0; 200], vec![last]].concat();
    let report = compared(|a, b| {
        write(a, "data.img", disk(1000, 1));
        write(b, "data.img", disk(2000, 2));
        write(a, "root.img", broken(1));
        write(b, "root.img", broken(2));
    });
    assert_eq!(report.counts.not_compared, 2, "{:#?}", report.rows);
    let told = |path: &str| {
        let row = report.rows.iter().find(|row| row.places[0].to_string() == path).unwrap();
        let [finding] = &row.findings[..] else { panic!("{row:#?}") };
        let [a, b] = [&finding.before, &finding.after].map(|it| it.clone().unwrap());
        (a, b, finding.note.clone().unwrap())
    };
    let (a, b, why) = told("data.img");
    assert_eq!((&*a, &*b, &*why), ("1001 bytes", "2001 bytes", "what is in XFS is not read"));
    let (a, b, why) = told("root.img");
    assert_eq!((&*a, &*b), ("205 bytes", "205 bytes"));
    assert!(why.contains("squashfs"), "{why}");
}

#[test]
fn what_came_with_a_package_is_one_row_for_each_kind_of_thing() {
    let report = compared(|a, b| {
        // The folders are there before, so that nothing comes as a folder.
        for top in [a, b] {
            write(top, "usr/lib/systemd/system/own.service", "[Service]\nExecStart=/bin/own\n");
            write(top, "usr/bin/own", "x");
            write(top, "var/lib/dpkg/status", "");
        }
        let status =
            "Package: many\nStatus: install ok installed\nArchitecture: all\nVersion: 252\n";
        write(b, "var/lib/dpkg/status", status);
        let mut list = String::new();
        for number in 0..20 {
            let unit = format!("usr/lib/systemd/system/u{number}.service");
            write(b, &unit, format!("[Service]\nExecStart=/usr/bin/u{number}\n"));
            let program = format!("usr/bin/u{number}");
            write(b, &program, "x");
            list.push_str(&format!("/{unit}\n/{program}\n"));
        }
        write(b, "usr/lib/systemd/system/other.service", "[Service]\nExecStart=/bin/other\n");
        write(b, "var/lib/dpkg/info/many.list", list);
    });
    let whole: Vec<(Thing, usize)> = report
        .rows
        .iter()
        .filter(|row| row.places.len() > 1)
        .map(|row| (row.thing, row.places.len()))
        .collect();
    assert_eq!(whole, [(Thing::Unit, 20), (Thing::Program, 20)], "{:#?}", report.rows);
    let units = report.rows.iter().find(|row| row.places.len() == 20).unwrap();
    assert_eq!(units.findings[0].what, "came with package many 252, 20 in all");
    assert_eq!(units.findings[0].inside.len(), 20);
    // What no package brought is told by itself, and everything is counted.
    assert!(report.rows.iter().any(|row| row.places[0].last().ends_with("other.service")));
    assert_eq!(report.counts.added, 20 + 20 + 1 + 1);
}
