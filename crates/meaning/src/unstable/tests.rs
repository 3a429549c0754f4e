//! By what two contents differ: one case for each form.

use super::*;
use Class::{Order, Path, Seed, Time, Unknown};

/// Two runs, one minute after the other, of 22 November 2026.
const WHEN: When =
    When([Some((1_795_366_396, 1_795_366_400)), Some((1_795_366_456, 1_795_366_460))]);

fn told(before: &str, after: &str) -> Vec<Class> {
    classes(before.as_bytes(), after.as_bytes(), &WHEN).into_iter().collect()
}

#[test]
fn what_is_the_same_has_no_class() {
    assert_eq!(told("a", "a"), []);
}

#[test]
fn times_are_known_in_the_forms_that_tools_write() {
    for (before, after) in [
        ("built 1795366397\n", "built 1795366457\n"),
        ("at 1795366397.25", "at 1795366457.5"),
        ("{\"ns\":1795366397000000001}", "{\"ns\":1795366457000000002}"),
        ("date: 2026-11-22T16:53:16Z x", "date: 2026-11-22T16:54:16Z x"),
        ("2026-11-22 16:53:16.123456 +0100", "2026-11-22 16:54:16.3 +0100"),
        ("2026-11-22 16:53:16+01:00.", "2026-11-22 16:54:17+01:00."),
        ("Sun Nov 22 16:53:16 UTC 2026", "Mon Nov 23 00:00:01 UTC 2026"),
        ("gcc 12, Nov 22 2026, 16:53:16", "gcc 12, Nov  3 2026, 16:54:16"),
        ("Sun, 22 Nov 2026 16:53:16 GMT", "Sun, 22 Nov 2026 16:54:16 GMT"),
        ("stamp-20261122T165316Z.log", "stamp-20261122T165416Z.log"),
        ("took 0.42s", "took 12 seconds"),
    ] {
        assert_eq!(told(before, after), [Time], "{before}");
    }
}

#[test]
fn numbers_far_from_the_runs_are_no_times() {
    assert_eq!(told("id 1295366397", "id 1295366399"), [Seed]);
    assert_eq!(told("port 80", "port 81"), [Unknown]);
    assert_eq!(told("version 1.2.3", "version 1.2.4"), [Unknown]);
}

#[test]
fn directories_of_the_builder_are_a_path() {
    assert_eq!(told("in /build/a-1/src/x.c:3", "in /build/b-2/src/x.c:3"), [Path]);
    assert_eq!(told("f=/tmp/tmp.Xa8/out\n", "f=/tmp/tmp.b2Y/out\n"), [Path]);
    assert_eq!(told("/usr/bin/a", "/usr/bin/b"), [Unknown]);
}

#[test]
fn lines_and_words_in_another_order_are_an_order() {
    assert_eq!(told("b\na\nc\n", "a\nb\nc\n"), [Order]);
    assert_eq!(told(r#"{"a":1,"b":2}"#, r#"{"b":2,"a":1}"#), [Order]);
    assert_eq!(told("a\nb\n", "a\nb\nb\n"), [Unknown]);
}

#[test]
fn random_words_are_a_seed() {
    let one = "id=6fa459ea-ee8a-3ca4-894e-db77e160355e";
    assert_eq!(told(one, "id=7d444840-9dc0-11d1-b245-5ffdce74fad2"), [Seed]);
    assert_eq!(told("seed 9f86d081884c7d65", "seed 60303ae22b998861"), [Seed]);
    assert_eq!(told("pid 4711", "pid 12007"), [Seed]);
    assert_eq!(told("work.XaYbZc", "work.qWeRtY"), [Seed]);
}

#[test]
fn several_classes_are_all_named() {
    let before = "at 16:53:16\nseed 9f86d081884c7d65\n";
    let after = "at 16:54:16\nseed 60303ae22b998861\n";
    assert_eq!(told(before, after), [Time, Seed]);
    assert_eq!(told("b 16:53:16\na\n", "a\nb 16:54:16\n"), [Time, Order]);
    assert_eq!(told("at 16:53:16\nx one\n", "at 16:54:16\nx two\n"), [Time, Unknown]);
}

fn bytes(numbers: &[u32]) -> Vec<u8> {
    let numbers = numbers.iter().flat_map(|number| number.to_le_bytes());
    [&b"\0\x01\x02\xff"[..], &numbers.collect::<Vec<u8>>()].concat()
}

fn told_bytes(before: &[u8], after: &[u8]) -> Vec<Class> {
    classes(before, after, &WHEN).into_iter().collect()
}

#[test]
fn numbers_near_the_runs_are_times_in_binaries() {
    let (before, after) = (bytes(&[7, 1_795_366_397, 9]), bytes(&[7, 1_795_366_457, 9]));
    assert_eq!(told_bytes(&before, &after), [Time]);
    // Nobody knows when it was: a number is a number.
    let unknown = classes(&before, &after, &When::default());
    assert_eq!(unknown, BTreeSet::from([Unknown]));
    let far = (bytes(&[7, 1_095_366_397, 9]), bytes(&[7, 1_095_366_457, 9]));
    assert_eq!(told_bytes(&far.0, &far.1), [Unknown]);
}

#[test]
fn texts_in_binaries_are_read() {
    let of = |text: &str| [b"\x7fELF\0\0\xff", text.as_bytes(), b"\0end\0"].concat();
    assert_eq!(told_bytes(&of("Nov 22 2026"), &of("Nov 23 2026")), [Time]);
    let (one, two) = (of("/build/a/src/x.c"), of("/build/abc/src/x.c"));
    assert_eq!(told_bytes(&one, &two), [Path]);
}

#[test]
fn records_in_another_order_are_an_order_in_binaries() {
    let one = bytes(&[0xfff0_0001, 2, 3, 4, 5, 6, 7]);
    let two = bytes(&[0xfff0_0001, 7, 6, 5, 4, 3, 2]);
    assert_eq!(told_bytes(&one, &two), [Order]);
}

#[test]
fn random_bytes_are_a_seed_and_small_numbers_are_not() {
    let id = |start: u8| {
        (0..20).map(|at: u8| start.wrapping_add(at.wrapping_mul(167))).collect::<Vec<u8>>()
    };
    let of = |id: &[u8]| [&b"\0\0GNU\0"[..], id, b"\0\0"].concat();
    assert_eq!(told_bytes(&of(&id(13)), &of(&id(200))), [Seed]);
    assert_eq!(told_bytes(b"\0\x01\x02\xff", b"\0\x01\x03\xff"), [Unknown]);
}

#[test]
fn names_are_alike_or_have_no_class() {
    let names = |a, b| classes_of_names(a, b, &WHEN).into_iter().collect::<Vec<_>>();
    assert_eq!(names("log-20261122.txt", "log-20261123.txt"), [Time]);
    assert_eq!(names("tmp.XaYbZc", "tmp.qWeRtY"), [Seed]);
    assert_eq!(names("one", "two"), []);
}

#[test]
fn nothing_that_is_given_is_too_odd() {
    for odd in
        ["µ", "1:", "22 ", "2026-", "2026-1-", "Nov ", "Nov 2", "/", "/tmp/", "1.", "99999999"]
    {
        for other in ["", "\0", "é", "2026-11-", "Nov 22, ", "2026-11-22T16:53:16+01:0é"] {
            told(odd, other);
            told(&format!("{odd}{other}"), &format!("{other}{odd}"));
        }
    }
}

#[test]
fn long_texts_in_programs_are_read_around_what_differs() {
    // Read whole for each of its places, this one takes minutes.
    let script = |time: &str| {
        let line = format!("{} at {time}\t", "function(){}".repeat(60));
        [line.repeat(4_000).into_bytes(), b"\0\xff".to_vec()].concat()
    };
    assert_eq!(told_bytes(&script("16:53:16"), &script("16:54:16")), [Time]);
}
