//! Whole rounds of lock and update against an archive in memory: what stays, what moves, and what is
//! asked of the world.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use groundup_lock::Scope;
use groundup_recipe::Lock;
use support::{Place, Suite, deb, moved, packages};

const WEB: &str = "[rootfs.web]\npackages = ['web']\n";
const LATER: &str = "Sun, 02 Jan 2022 12:00:00 UTC";

fn named(names: &[&str]) -> Scope {
    Scope::Packages(names.iter().map(|name| (*name).to_owned()).collect())
}

/// `web` needs `library`; `tool` is alone.
fn debs(web: &str, library: &str, tool: &str) -> Suite {
    Suite::new(&[
        deb("web", web).field("Depends", "library"),
        deb("library", library),
        deb("tool", tool),
    ])
}

const ALL: &str = "[rootfs.web]\npackages = ['web', 'tool']\n";

#[test]
fn a_lock_from_nothing_pins_the_whole_chain() {
    let place = Place::new(&debs("1", "1", "1"), WEB);
    let lock = place.first();
    assert_eq!(packages(&lock), ["library 1 amd64 test", "web 1 amd64 test"]);
    let pin = &lock.archives["test"];
    assert_eq!(pin.date, "Sat, 01 Jan 2022 12:00:00 UTC");
    assert_eq!(pin.verified, "2040-01-01T00:00:00Z");
    assert_eq!(pin.signed_by, [place.key.fingerprint()]);
    let indexes: Vec<_> = pin.indexes.keys().map(ToString::to_string).collect();
    assert_eq!(indexes, ["main amd64"], "neither another platform nor sources are asked for");
    let (_, index) = pin.indexes.first_key_value().unwrap();
    assert!(index.path.contains("/by-hash/SHA256/"), "{}", index.path);
}

#[test]
fn locking_again_moves_nothing_and_asks_nothing() {
    let place = Place::new(&debs("1", "1", "1"), WEB);
    let lock = place.first();
    place.publish(&debs("2", "2", "2").dated(LATER));
    assert_eq!(place.lock(&lock, &Scope::Lock).to_text(), lock.to_text());
    assert_eq!(place.world.asked(), [""; 0]);
}

#[test]
fn update_moves_exactly_what_is_new() {
    let place = Place::new(&debs("1", "1", "1"), ALL);
    let lock = place.first();
    place.publish(&debs("1", "2", "1").dated(LATER));
    let new = place.lock(&lock, &Scope::Update);
    assert_eq!(
        moved(&lock, &new),
        [
            "archive test: stable of Sat, 01 Jan 2022 12:00:00 UTC -> stable of Sun, 02 Jan 2022 12:00:00 UTC",
            "rootfs.web linux/amd64: library 1 -> 2"
        ]
    );
    let again = place.lock(&new, &Scope::Update);
    assert_eq!(again.to_text(), new.to_text());
}

#[test]
fn judging_the_same_state_later_is_no_news() {
    let mut place = Place::new(&debs("1", "1", "1"), WEB);
    let lock = place.first();
    place.now += 86_400;
    assert_eq!(place.lock(&lock, &Scope::Update).to_text(), lock.to_text());
}

#[test]
fn updating_one_package_holds_the_others() {
    let place = Place::new(&debs("1", "1", "1"), ALL);
    let lock = place.first();
    // The archive still offers the old versions beside the new ones.
    let mut both = debs("2", "2", "2").dated(LATER);
    both.debs.extend(debs("1", "1", "1").debs);
    place.publish(&both);
    let new = place.lock(&lock, &named(&["tool"]));
    assert_eq!(moved(&lock, &new)[1..], ["rootfs.web linux/amd64: tool 1 -> 2"]);
    // Everything moves when nothing is held, though the archive did not.
    let all = place.lock(&new, &Scope::Update);
    assert_eq!(
        moved(&new, &all),
        ["rootfs.web linux/amd64: library 1 -> 2", "rootfs.web linux/amd64: web 1 -> 2"]
    );
}

#[test]
fn a_held_package_that_is_gone_moves_with_the_archive() {
    let place = Place::new(&debs("1", "1", "1"), ALL);
    let lock = place.first();
    place.publish(&debs("2", "2", "2").dated(LATER));
    let new = place.lock(&lock, &named(&["tool"]));
    assert_eq!(moved(&lock, &new).len(), 4, "the old versions are not offered any more");
}

#[test]
fn an_unknown_name_is_told_with_the_nearest() {
    let place = Place::new(&debs("1", "1", "1"), ALL);
    let lock = place.first();
    assert_eq!(
        place.failure(&lock, &named(&["libary"])),
        "`libary` is not in the lock; did you mean `library`?"
    );
    assert_eq!(place.world.asked(), [""; 0]);
}

#[test]
fn a_new_package_is_resolved_in_the_pinned_state() {
    let mut place = Place::new(&debs("1", "1", "1"), WEB);
    let lock = place.first();
    place.publish(&debs("2", "2", "2").dated(LATER));
    place.recipe(ALL);
    let new = place.lock(&lock, &Scope::Lock);
    assert_eq!(moved(&lock, &new), ["rootfs.web linux/amd64: tool added 1"]);
    assert_eq!(place.world.asked(), [""; 0], "the store has the pinned state");
}

#[test]
fn a_state_that_is_gone_moves_the_archive_and_holds_what_it_can() {
    let mut place = Place::new(&debs("1", "1", "1"), WEB);
    let lock = place.first();
    let mut next = debs("1", "2", "2").dated(LATER);
    next.debs.push(deb("library", "1"));
    place.publish(&next);
    place.store = groundup_testkit::TempStore::new();
    place.put(support::KEYS, &place.key.keyring());
    place.recipe(ALL);
    let new = place.lock(&lock, &Scope::Lock);
    assert_eq!(moved(&lock, &new)[1..], ["rootfs.web linux/amd64: tool added 2"]);
    assert!(moved(&lock, &new)[0].starts_with("archive test:"));
}

#[test]
fn a_second_platform_is_resolved_in_the_same_state() {
    let mut suite = debs("1", "1", "1");
    suite.debs.push(groundup_testkit::Deb::new("web", "1", "arm64").field("Depends", "data"));
    suite.debs.push(groundup_testkit::Deb::new("data", "3", "all"));
    let mut place = Place::new(&suite, WEB);
    let lock = place.first();
    place.recipe("[rootfs.web]\npackages = ['web']\nplatforms = ['linux/amd64', 'linux/arm64']\n");
    let new = place.lock(&lock, &Scope::Lock);
    assert_eq!(
        moved(&lock, &new),
        ["rootfs.web linux/arm64: data added 3", "rootfs.web linux/arm64: web added 1"]
    );
    assert_eq!(new.archives["test"].inrelease, lock.archives["test"].inrelease);
    let indexes: Vec<_> = new.archives["test"].indexes.keys().map(ToString::to_string).collect();
    assert_eq!(indexes, ["main amd64", "main arm64"]);
    // And an index that nobody reads any more goes, without a look at the world.
    place.world.asked();
    place.recipe(WEB);
    assert_eq!(place.lock(&new, &Scope::Lock).to_text(), lock.to_text());
    assert_eq!(place.world.asked(), [""; 0]);
}

#[test]
fn what_nothing_asks_for_any_more_goes() {
    let mut place =
        Place::new(&debs("1", "1", "1"), &format!("{ALL}[rootfs.other]\npackages = ['tool']\n"));
    let lock = place.first();
    place.recipe("[rootfs.other]\npackages = ['tool']\n");
    let new = place.lock(&lock, &Scope::Lock);
    assert_eq!(packages(&new), ["tool 1 amd64 test"]);
    assert_eq!(new.rootfs.len(), 1);
}

#[test]
fn a_preferred_archive_wins_over_a_higher_version() {
    let recipe = "[rootfs.web]\npackages = ['web']\nprefer = { library = 'test' }\n";
    let other = Suite::new(&[deb("library", "9"), deb("web", "9").field("Depends", "library")]);
    let mut place = Place::new(&debs("1", "1", "1"), recipe).with_archive("other", &other);
    let lock = place.first();
    assert_eq!(packages(&lock), ["library 1 amd64 test", "web 9 amd64 other"]);
    place.recipe("[rootfs.web]\npackages = ['web']\nprefer = { libary = 'test' }\n");
    let failure = place.failure(&Lock::default(), &Scope::Lock);
    assert!(failure.ends_with("did you mean `library`?"), "{failure}");
}

#[test]
fn a_version_pattern_takes_the_highest_that_fits() {
    let mut suite = debs("1.2-1", "1", "1");
    suite.debs.extend([deb("web", "1.2-3"), deb("web", "1.3-1")]);
    let mut place = Place::new(&suite, "[rootfs.web]\npackages = ['web=1.2*']\n");
    assert_eq!(packages(&place.first()), ["web 1.2-3 amd64 test"]);
    place.recipe("[rootfs.web]\npackages = ['web=2*']\n");
    assert_eq!(
        place.failure(&Lock::default(), &Scope::Lock),
        "`rootfs.web` on linux/amd64 asks for `web=2*`, which is not offered; there is 1.3-1, 1.2-3, 1.2-1"
    );
}

#[test]
fn an_unsatisfiable_request_is_explained() {
    let suite =
        Suite::new(&[deb("web", "1").field("Depends", "library (>= 3)"), deb("library", "1")]);
    let place = Place::new(&suite, WEB);
    let failure = place.failure(&Lock::default(), &Scope::Lock);
    assert!(failure.starts_with("cannot resolve the packages of `rootfs.web` on linux/amd64\n"));
    assert!(failure.contains("library (>= 3)"), "{failure}");
}
