//! A mirror that is broken, slow, gone, or gives something else.

use crate::support::{Served, built};
use groundup_testkit::Behaviour::{self, Replace, Stall, Status, Truncate};
use groundup_tests::tiny::{RECIPES, Tiny, shell};

#[test]
fn a_package_that_the_mirror_does_not_give_as_pinned_is_refused() {
    let good = built(&Tiny::new(RECIPES));
    let served = Served::of(Tiny::new(RECIPES));
    let path = served.path("tiny-sh_1_");
    let whole = shell("1").build();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let rows: [(&str, Behaviour, &[&str]); 7] = [
        ("404", Status(404), &["status 404"]),
        ("a server in trouble", Status(503), &["status 503"]),
        ("a connection that breaks", Truncate(0), &["tiny-sh_1_"]),
        ("half a file", Replace(whole[..whole.len() / 2].to_vec()), &["bytes"]),
        ("nothing for the idle time", Stall(0), &["1 s", "idle-timeout"]),
        ("the wrong file", Replace(flipped), &["expected sha256"]),
        ("a longer file", Replace([&whole[..], b"more"].concat()), &["bytes"]),
    ];
    for (row, behaviour, words) in rows {
        served.server.set(&path, behaviour);
        let place = served.server.url("/pool/main/t/tiny-sh/tiny-sh_1_");
        let words = [&["cannot fetch package tiny-sh", place.as_str()], words].concat();
        served.refuses(row, &["build"], 3, &words);
    }
    served.server.clear(&path);
    assert_eq!(built(&served.tiny), good, "mended, the build gives what it gave");
}

#[test]
fn a_mirror_that_is_gone_is_named() {
    let Served { tiny, server } = Served::of(Tiny::new(RECIPES));
    let address = server.url("/pool/main/t/tiny-sh/");
    drop(server);
    crate::support::refuses(&tiny, "gone", &["build"], 3, &["package tiny-sh", &address]);
}

#[test]
fn what_a_lock_needs_and_does_not_get_is_refused_and_nothing_is_pinned() {
    let rows: [(&str, &str, Behaviour, &[&str]); 8] = [
        ("no release", "InRelease", Status(404), &["InRelease", "status 404"]),
        ("half a release", "InRelease", Truncate(0), &["InRelease"]),
        ("a release that does not come", "InRelease", Stall(10), &["InRelease", "idle-timeout"]),
        ("another file", "InRelease", Replace(b"<html>".to_vec()), &["tiny", "not signed"]),
        ("no index", "/by-hash/", Status(404), &["Packages", "status 404"]),
        ("half an index", "/by-hash/", Truncate(0), &["Packages"]),
        ("an index that does not come", "/by-hash/", Stall(5), &["Packages", "idle-timeout"]),
        ("another index", "/by-hash/", Replace(b"Package: x\n".to_vec()), &["Packages"]),
    ];
    for (row, part, behaviour, words) in rows {
        let served = Served::of(Tiny::unlocked(RECIPES));
        let arch = groundup_tests::tiny::ARCHITECTURE;
        let part = if part == "/by-hash/" { format!("binary-{arch}/by-hash") } else { part.into() };
        let path = served.path(&part);
        served.server.set(&path, behaviour.clone());
        if part.contains("by-hash") {
            // By its own name it is no better.
            served.server.set(&format!("/dists/test/main/binary-{arch}/Packages"), behaviour);
        }
        served.refuses(row, &["lock"], 3, words);
        assert!(!served.tiny.workspace.path("groundup.lock").exists(), "{row}");
    }
}
