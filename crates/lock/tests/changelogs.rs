//! What changed, out of the packages that moved.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use flate2::{Compression, write::GzEncoder};
use groundup_lock::{Locked, Report, Scope};
use groundup_recipe::Lock;
use groundup_testkit::Deb;
use std::io::Write;
use support::{Place, Suite, deb};

const LATER: &str = "Sun, 02 Jan 2022 12:00:00 UTC";
const RECIPE: &str = "[rootfs.a]\npackages = ['tool', 'tool-doc']\n\
                      [rootfs.b]\npackages = ['tool']\n";

fn log(versions: &[&str]) -> Vec<u8> {
    let entry = |version: &&str| {
        format!(
            "tool-source ({version}) stable; urgency=low\n\n  * It is {version}.\n\n -- A <a@x>  x\n\n"
        )
    };
    let text: String = versions.iter().map(entry).collect();
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    gz.finish().unwrap()
}

/// Two packages of one source; the smaller one has its documentation in the other.
fn suite(version: &str, log: &[u8]) -> Suite {
    let of_source = |deb: Deb| deb.field("Source", "tool-source");
    Suite::new(&[
        of_source(deb("tool", version))
            .file("usr/share/doc/tool/changelog.Debian.gz", log, 0o644)
            .file("usr/share/big", vec![7; 100_000], 0o644),
        of_source(deb("tool-doc", version)).symlink("usr/share/doc/tool-doc", "tool"),
    ])
}

fn updated(place: &Place, old: &Lock) -> (Locked, Report) {
    let new = place.locked(old, &Scope::Update);
    let report = Report::of(old, &new);
    (new, report)
}

#[test]
fn packages_of_one_source_are_one_group_with_the_changelog_of_one_of_them() {
    let place = Place::new(&suite("1-1", &log(&["1-1"])), RECIPE);
    let old = place.first();
    place.publish(&suite("1-3", &log(&["1-3", "1-2", "1-1"])).dated(LATER));
    let (new, report) = updated(&place, &old);
    assert_eq!((report.pins, report.archives.len(), report.packages.len()), (4, 1, 1));
    let group = &report.packages[0];
    assert_eq!(group.source, "tool-source");
    assert_eq!(group.names.iter().collect::<Vec<_>>(), ["tool", "tool-doc"]);
    assert_eq!(group.targets.len(), 2);
    let found = place.changelogs(&new.lock, &[group.moves().unwrap()]).remove(0);
    let newer = found.unwrap().unwrap();
    let versions: Vec<_> = newer.entries.iter().map(|entry| entry.version.as_str()).collect();
    assert_eq!((versions, newer.complete), (vec!["1-3", "1-2"], true));
}

#[test]
fn a_damaged_changelog_and_a_missing_package_are_told_apart_from_none() {
    let place = Place::new(&suite("1", &log(&["1"])), RECIPE);
    let old = place.first();
    place.publish(&suite("2", b"no gzip").dated(LATER));
    let (new, report) = updated(&place, &old);
    let moves = [report.packages[0].moves().unwrap()];
    let error = place.changelogs(&new.lock, &moves).remove(0).unwrap_err().to_string();
    assert_eq!(error, "cannot read the changelog of tool 2 amd64 test");
    // Another one of that name, which was never fetched.
    let place = Place::new(&suite("1", &log(&["1"])), RECIPE);
    let old = place.first();
    place.publish(&suite("2", &log(&["2"])).dated(LATER));
    let (new, report) = updated(&place, &old);
    place.world.remove("pool/tool");
    let moves = [report.packages[0].moves().unwrap()];
    let error = place.changelogs(&new.lock, &moves).remove(0).unwrap_err().to_string();
    assert!(error.starts_with("cannot get package tool-doc 2 (pool/"), "{error}");
}

#[test]
fn what_is_new_or_gone_has_no_changelog() {
    let place = Place::new(&suite("1", &log(&["1"])), RECIPE);
    let first = place.locked(&Lock::default(), &Scope::Lock);
    let report = Report::of(&Lock::default(), &first);
    assert!(report.packages.iter().all(|group| group.moves().is_none()));
    assert!(Report::of(&first.lock, &first).is_empty());
}
