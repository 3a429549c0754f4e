//! `Scope::Security`: fixes move, and nothing else does.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use groundup_lock::{BuiltFrom, Scope};
use groundup_recipe::Lock;
use support::{Place, Suite, deb, moved};

const LATER: &str = "Sun, 02 Jan 2022 12:00:00 UTC";
const RECIPE: &str = "[rootfs.web]\narchive = ['test', 'fixes']\npackages = ['web', 'tool']\n\
                      [rootfs.plain]\npackages = ['tool']\narchive = 'test'\n";

fn fixes() -> Scope {
    Scope::Security(Vec::new())
}

fn stable(version: &str) -> Suite {
    Suite::new(&[
        deb("web", version).field("Depends", "library"),
        deb("library", version).field("Source", &format!("lib-source ({version}.0)")),
        deb("tool", version),
        deb("helper", version),
    ])
}

/// A suite that only its label tells.
fn security(debs: &[groundup_testkit::Deb]) -> Suite {
    Suite { more: "Label: Demo-Security\n", ..Suite::new(debs) }
}

fn place(debs: &[groundup_testkit::Deb]) -> (Place, Lock) {
    let place = Place::new(&stable("1"), RECIPE).with_archive("fixes", &security(debs));
    let lock = place.first();
    (place, lock)
}

#[test]
fn a_fix_moves_and_everything_else_stays() {
    let (place, lock) = place(&[]);
    // Everything is newer in the main archive; one thing is fixed.
    place.publish(&stable("9").dated(LATER));
    let fixed = security(&[deb("library", "1+fix1"), deb("unused", "5")]).dated(LATER);
    place.world.publish("fixes", &fixed, &place.key);
    let new = place.lock(&lock, &fixes());
    assert_eq!(
        moved(&lock, &new),
        [
            "archive fixes: stable of Sat, 01 Jan 2022 12:00:00 UTC -> stable of Sun, 02 Jan 2022 12:00:00 UTC",
            "rootfs.web linux/amd64: library 1 -> 1+fix1",
        ]
    );
    assert_eq!(place.lock(&new, &fixes()).to_text(), new.to_text(), "and that was all");
    assert!(!place.world.asked().iter().any(|path| path.starts_with("test/")), "not looked at");
}

#[test]
fn without_a_fix_for_what_is_used_not_a_byte_moves() {
    let (place, lock) = place(&[deb("library", "0.9")]);
    let fixed = [deb("unused", "5"), deb("library", "0.9"), deb("tool", "0.1")];
    place.world.publish("fixes", &security(&fixed).dated(LATER), &place.key);
    place.publish(&stable("9").dated(LATER));
    assert_eq!(place.lock(&lock, &fixes()).to_text(), lock.to_text());
}

#[test]
fn named_fixes_move_alone() {
    let (place, lock) = place(&[]);
    let fixed = [deb("library", "1+fix1"), deb("web", "1+fix1").field("Depends", "library")];
    place.world.publish("fixes", &security(&fixed).dated(LATER), &place.key);
    let new = place.lock(&lock, &Scope::Security(vec!["web".into()]));
    assert_eq!(moved(&lock, &new)[1..], ["rootfs.web linux/amd64: web 1 -> 1+fix1"]);
}

#[test]
fn what_a_fix_cannot_do_without_comes_along() {
    let (place, lock) = place(&[]);
    let fixed = [
        deb("library", "1+fix1").field("Depends", "helper"),
        deb("web", "1+fix1").field("Depends", "library (= 1+fix1), tool (>= 1)"),
    ];
    place.world.publish("fixes", &security(&fixed).dated(LATER), &place.key);
    let new = place.lock(&lock, &fixes());
    assert_eq!(
        moved(&lock, &new)[1..],
        [
            "rootfs.web linux/amd64: helper added 1",
            "rootfs.web linux/amd64: library 1 -> 1+fix1",
            "rootfs.web linux/amd64: web 1 -> 1+fix1",
        ]
    );
}

#[test]
fn a_label_that_went_with_its_release_tells_nothing() {
    let (mut place, lock) = place(&[]);
    place.publish(&stable("9").dated(LATER));
    let fixed = security(&[deb("library", "1+fix1")]).dated(LATER);
    place.world.publish("fixes", &fixed, &place.key);
    place.store = groundup_testkit::TempStore::new();
    place.put(support::KEYS, &place.key.keyring());
    let failure = place.failure(&lock, &fixes());
    assert!(failure.contains("no archive in use is a suite of security fixes"), "{failure}");
}

#[test]
fn a_suite_is_known_by_its_name_too() {
    let suite = Suite { name: "stable-security", ..Suite::new(&[]) };
    let place = Place::new(&stable("1"), RECIPE).with_archive("fixes", &suite);
    let lock = place.first();
    let fixed = [deb("library", "1+fix1")];
    let suite = Suite { name: "stable-security", ..Suite::new(&fixed).dated(LATER) };
    place.world.publish("fixes", &suite, &place.key);
    let new = place.lock(&lock, &fixes());
    assert_eq!(moved(&lock, &new)[1..], ["rootfs.web linux/amd64: library 1 -> 1+fix1"]);
    // Nothing of the pinned state of the main archive is there any more.
    let mut place = place;
    place.publish(&stable("9").dated(LATER));
    place.store = groundup_testkit::TempStore::new();
    place.put(support::KEYS, &place.key.keyring());
    let failure = place.failure(&lock, &fixes());
    assert!(
        failure
            .starts_with("cannot hold the archive `test` while fixes move: the pinned InRelease"),
        "{failure}"
    );
}

#[test]
fn a_workspace_without_a_suite_of_fixes_is_told_to_add_one() {
    let place = Place::new(&stable("1"), "[rootfs.web]\npackages = ['web']\n");
    let lock = place.first();
    let failure = place.failure(&lock, &fixes());
    assert!(failure.contains("`…-security`): test; add one to groundup.toml"), "{failure}");
}

#[test]
fn source_packages_of_a_suite_of_fixes_move_and_other_sources_stay() {
    let recipe = format!(
        "{RECIPE}[source.fixed]\ndsc = 'zlib'\narchive = 'fixes'\n\
         [source.main]\ndsc = 'zlib'\narchive = 'test'\n\
         [source.url]\nurl = 'https://mirror.invalid/x.tar'\n"
    );
    let with =
        |suite: Suite, version: &'static str| Suite { sources: vec![("zlib", version)], ..suite };
    let place = Place::new(&with(stable("1"), "1-1"), &recipe)
        .with_archive("fixes", &with(security(&[]), "1-1+fix1"));
    place.world.put("https://mirror.invalid/x.tar", b"one");
    let lock = place.first();
    place.world.put("https://mirror.invalid/x.tar", b"two");
    place.world.publish("fixes", &with(security(&[]).dated(LATER), "1-1+fix2"), &place.key);
    place.publish(&with(stable("9").dated(LATER), "9-1"));
    let new = place.lock(&lock, &fixes());
    assert_eq!(moved(&lock, &new)[1..], ["source.fixed: zlib 1-1+fix1 -> zlib 1-1+fix2"]);
}

#[test]
fn what_was_resolved_is_told_with_its_source_package() {
    let (place, _) = place(&[]);
    let locked = place.locked(&Lock::default(), &Scope::Lock);
    let of = |name: &str| {
        let found = locked.built_from.iter().find(|(id, _)| id.name == name);
        found.map(|(_, from)| from.clone()).unwrap()
    };
    assert_eq!(of("library"), BuiltFrom { source: "lib-source".into(), version: "1.0".into() });
    assert_eq!(of("web"), BuiltFrom { source: "web".into(), version: "1".into() });
}
