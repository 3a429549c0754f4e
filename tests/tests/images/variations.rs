//! The same bytes, whoever builds them, where, when and how.

use crate::tower::{IMAGES, Tower, plain, varied};
use groundup_tests::answer;
use std::collections::BTreeMap;

/// The digests of the images, which stand for every byte in them.
///
/// They move when a recipe or the lock does, and when an assembler or an encoder gets a new
/// version. If you meant to do that, copy the new ones from the message of the failed test.
/// If you did not, something got into the images that must not.
const EXPECTED: [(&str, &str); 2] = [
    ("image.netcheck", "sha256:741c3980f1010a620258e5c275a88bd9840f2e9bb4417008035e36ccceec9f3a"),
    ("image.web", "sha256:155b8226d74764fa2eae1f8466904c13cf12142be82dcae1f277f31b6615bf91"),
];

fn digests(tower: &Tower) -> BTreeMap<&'static str, String> {
    IMAGES.into_iter().map(|image| (image, tower.digest(image))).collect()
}

#[test]
fn digests_are_the_expected_ones() {
    let built = digests(plain());
    let expected: BTreeMap<_, _> =
        EXPECTED.into_iter().map(|(image, digest)| (image, digest.to_owned())).collect();
    assert_eq!(
        built,
        expected,
        "\nthe images (left) are not the expected ones (right). If a recipe, the lock or the \
         version of an assembler or encoder was changed on purpose, put the left digests into \
         EXPECTED in {}",
        file!()
    );
}

#[test]
fn digests_do_not_depend_on_user_directory_jobs_order_umask_locale_time_zone_and_clock() {
    assert_eq!(digests(plain()), digests(varied()));
}

#[test]
fn the_varied_build_believed_in_another_clock() {
    let tower = varied();
    for name in ["build.iptables run linux/amd64", "image.web index"] {
        let key = tower.step(name)["key"].as_str().expect("a built step has a key").to_owned();
        let record = answer(tower.groundup().args(["show", &key]));
        let started = record["started_ms"].as_u64().expect("a record says when");
        // 2031-01-01T00:00:00Z.
        assert!(started > 1_924_992_000_000, "{record}");
    }
}

#[test]
fn a_second_build_runs_nothing() {
    let again =
        answer(plain().groundup().args(["build", "--offline", "image.netcheck", "image.web"]));
    assert_eq!(again["steps"]["built"], 0, "{again}");
    assert_eq!(again["complete"], true, "{again}");
}
