//! Pins of sources: what is asked of the world, what stays, and what the recipe insists on.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use groundup_digest::Sha256;
use groundup_lock::Scope;
use groundup_recipe::{Lock, lock::SourcePin};
use support::{Place, Suite, deb, moved};

const URL: &str = "https://mirror.invalid/a-1.tar.gz";

fn named(name: &str) -> Scope {
    Scope::Packages(vec![name.to_owned()])
}

fn sources() -> Suite {
    let mut suite = Suite::new(&[deb("web", "1").field("Depends", "own")]);
    suite.sources = vec![("iptables", "1.8-1"), ("iptables", "1.8-2")];
    suite
}

#[test]
fn every_kind_is_pinned_and_stays_without_a_question() {
    let recipe = "[source.a]\nurl = 'https://mirror.invalid/a-1.tar.gz'\nstrip = 1
        [source.g]\ngit = 'https://git.invalid/x'\nrev = 'main'
        [source.i]\noci = 'docker://registry.invalid/x:1'\n[source.d]\ndsc = 'iptables'\narchive = 'test'\n";
    let place = Place::new(&sources(), recipe);
    place.world.put(URL, b"a");
    place.world.put("https://git.invalid/x#main", "1".repeat(40).as_bytes());
    place.world.put("registry.invalid/x:1", b"manifest");
    let lock = place.first();
    assert!(matches!(&lock.sources["a"].value, SourcePin::Url { size: 1, .. }));
    assert!(
        matches!(&lock.sources["g"].value, SourcePin::Git { commit, .. } if commit.len() == 40)
    );
    assert!(
        matches!(&lock.sources["i"].value, SourcePin::Oci { digest, .. } if *digest == Sha256::of(b"manifest"))
    );
    let SourcePin::Dsc { version, files, .. } = &lock.sources["d"].value else { panic!("a dsc") };
    assert_eq!(version, "1.8-2");
    assert_eq!(files[0].path, "pool/iptables_1.8-2.dsc");
    assert_eq!(files.len(), 2);
    let indexes: Vec<_> = lock.archives["test"].indexes.keys().map(ToString::to_string).collect();
    assert_eq!(indexes, ["main source"], "no package is asked for");

    place.world.put(URL, b"b");
    place.world.put("registry.invalid/x:1", b"manifest 2");
    assert_eq!(place.lock(&lock, &Scope::Lock).to_text(), lock.to_text());
    assert_eq!(place.world.asked(), [""; 0]);
    assert_eq!(moved(&lock, &place.lock(&lock, &named("source.a"))).len(), 1);
    assert_eq!(moved(&lock, &place.lock(&lock, &Scope::Update)).len(), 2);
}

#[test]
fn a_digest_of_the_recipe_is_insisted_on() {
    let digest = Sha256::of(b"a");
    let place = Place::new(
        &sources(),
        &format!("[source.a]\nurl = '{URL}'\nstrip = 1\nsha256 = '{digest}'\n"),
    );
    place.world.put(URL, b"b");
    let failure = place.failure(&Lock::default(), &Scope::Lock);
    assert!(failure.contains("the recipe says"), "{failure}");
    place.world.put(URL, b"a");
    let lock = place.first();
    // What the recipe fixes has nowhere to go.
    place.lock(&lock, &Scope::Update);
    assert_eq!(place.world.asked(), [""; 0]);
}

#[test]
fn source_packages_are_held_or_named_by_version() {
    let recipe = |more: &str| format!("[source.d]\ndsc = 'iptables'\narchive = 'test'\n{more}");
    let mut place = Place::new(&sources(), &recipe(""));
    let lock = place.first();
    let mut next = sources().dated("Sun, 02 Jan 2022 12:00:00 UTC");
    next.sources.push(("iptables", "1.9-1"));
    place.publish(&next);
    let new = place.lock(&lock, &named("iptables"));
    assert_eq!(moved(&lock, &new)[1..], ["source.d: iptables 1.8-2 -> iptables 1.9-1"]);
    place.recipe(&recipe("version = '1.8-1'\n"));
    let older = place.lock(&new, &Scope::Lock);
    assert_eq!(moved(&new, &older), ["source.d: iptables 1.9-1 -> iptables 1.8-1"]);
    place.recipe(&recipe("version = '2'\n"));
    assert_eq!(
        place.failure(&new, &Scope::Lock),
        "`source.d`: the archive `test` has no version 2 of the source package `iptables`; it has \
         1.9-1, 1.8-2, 1.8-1"
    );
}

#[test]
fn a_missing_source_package_is_told_with_the_nearest() {
    let place = Place::new(&sources(), "[source.d]\ndsc = 'iptable'\narchive = 'test'\n");
    assert_eq!(
        place.failure(&Lock::default(), &Scope::Lock),
        "`source.d`: the archive `test` has no source package `iptable`; did you mean `iptables`?"
    );
}

#[test]
fn a_single_deb_is_one_more_candidate_and_is_read_anew() {
    let recipe = "[rootfs.web]\npackages = ['web']\ndebs = ['source.own']\n
        [source.own]\ndeb = 'debs/own.deb'\n";
    let place = Place::new(&sources(), recipe);
    place.put("debs/own.deb", &deb("own", "1").build());
    let lock = place.first();
    let ids: Vec<_> = lock.rootfs.values().flat_map(|pin| &pin.packages).collect();
    assert_eq!(
        ids.iter().map(|id| id.to_string()).collect::<Vec<_>>(),
        ["own 1 amd64 source.own", "web 1 amd64 test"]
    );
    place.put("debs/own.deb", &deb("own", "2").build());
    let new = place.lock(&lock, &Scope::Lock);
    assert_eq!(moved(&lock, &new)[..1], ["rootfs.web linux/amd64: own 1 -> 2"]);
    assert_eq!(place.world.asked(), [""; 0], "the archive's state is in the store");
    place.put("debs/own.deb", &groundup_testkit::Deb::new("own", "2", "arm64").build());
    let failure = place.failure(&lock, &Scope::Lock);
    assert!(failure.contains("`source.own` is a package for arm64"), "{failure}");
}
