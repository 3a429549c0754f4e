//! What is told of two things of which more is known than their bytes: that one question gave both, and
//! what kernels were asked for.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use groundup_diff::{
    Attribution, CauseRow, NoCauses, Options, Part, Platforms, Reason, Report, Row, Runs, Subject,
    Thing, Verdict, World, compare, open_path,
};
use groundup_meaning::{Kind, unstable::Class};
use std::{collections::BTreeSet, fs, path::Path};
use tempfile::TempDir;

/// Two answers of one question, a minute after each other.
struct OneQuestion {
    jobs: [Option<u32>; 2],
}

impl Attribution for OneQuestion {
    fn causes(&self) -> Vec<CauseRow> {
        Vec::new()
    }

    fn of(&self, _row: &Row) -> BTreeSet<usize> {
        BTreeSet::new()
    }

    fn is_complete(&self) -> bool {
        true
    }

    fn runs(&self) -> Option<Runs> {
        let times = [START, START + 60].map(|start| Some((start * 1000, start * 1000 + 5)));
        Some(Runs { times, jobs: self.jobs })
    }
}

const START: u64 = 1_795_366_396;

fn subject(world: &World<'_>, path: &Path) -> Subject {
    let platforms = Platforms { platform: "linux/amd64".parse().unwrap() };
    open_path(world, path, "x", &platforms).unwrap()
}

/// Two directories with these files, as answers of one question.
fn answers(files: &[(&str, Vec<u8>, Vec<u8>)], jobs: [Option<u32>; 2]) -> Report {
    let (top, scratch) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for (path, before, after) in files {
        for (side, bytes) in [("a", before), ("b", after)] {
            let path = top.path().join(side).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
    }
    let world = World::new(None, scratch.path()).unwrap();
    let [a, b] = ["a", "b"].map(|side| subject(&world, &top.path().join(side)));
    compare(&world, &a, &b, &OneQuestion { jobs }, &Options::default()).unwrap()
}

/// The classes at a place.
fn classes(report: &Report, place: &str) -> Vec<Class> {
    let has = |row: &&Row| row.places.iter().any(|it| it.to_string() == place);
    let row = report.rows.iter().find(has).unwrap_or_else(|| panic!("{place}: {report:#?}"));
    row.classes.iter().copied().collect()
}

/// A tar file (POSIX ustar) of files with contents and times.
fn tar(entries: &[(&str, &str, u64)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content, time) in entries {
        let mut header = [0; 512];
        let mut put = |at: usize, text: &str| {
            header[at..at + text.len()].copy_from_slice(text.as_bytes());
        };
        put(0, name);
        put(100, "0000644\0");
        put(108, "0000000\0");
        put(116, "0000000\0");
        put(124, &format!("{:011o}\0", content.len()));
        put(136, &format!("{time:011o}\0"));
        put(148, "        ");
        put(156, "0");
        put(257, "ustar\x0000");
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        bytes.extend(header);
        bytes.extend(content.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(512), 0);
    }
    bytes.extend([0; 1024]);
    bytes
}

/// gzip (RFC 1952) with one stored block, and a time in its header.
fn gzip(content: &[u8], time: u64) -> Vec<u8> {
    let mut bytes = vec![0x1f, 0x8b, 8, 0];
    bytes.extend((time as u32).to_le_bytes());
    bytes.extend([0, 255, 1]);
    let length = content.len() as u16;
    bytes.extend(length.to_le_bytes());
    bytes.extend((!length).to_le_bytes());
    bytes.extend(content);
    let sum = content.iter().fold(!0u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    });
    bytes.extend((!sum).to_le_bytes());
    bytes.extend((content.len() as u32).to_le_bytes());
    bytes
}

#[test]
fn times_and_order_in_archives_have_their_class() {
    let (one, two) = (START + 1, START + 61);
    let files = [
        ("times.tar", tar(&[("a", "1", one)]), tar(&[("a", "1", two)])),
        (
            "order.tar",
            tar(&[("a", "1", one), ("b", "2", one)]),
            tar(&[("b", "2", one), ("a", "1", one)]),
        ),
        ("header.gz", gzip(b"the same", one), gzip(b"the same", two)),
        (
            "inside.tar",
            tar(&[("seed", "9f86d081884c7d65", one)]),
            tar(&[("seed", "60303ae22b998861", one)]),
        ),
    ];
    let report = answers(&files, [None, None]);
    assert_eq!(report.verdict, Verdict::Nondeterministic);
    assert_eq!(report.reason, Some(Reason::Nondeterminism));
    assert_eq!(classes(&report, "times.tar"), [Class::Time]);
    assert_eq!(classes(&report, "order.tar"), [Class::Order]);
    assert_eq!(classes(&report, "header.gz"), [Class::Time]);
    assert_eq!(classes(&report, "inside.tar > seed"), [Class::Seed]);
    let cause = &report.causes[0];
    assert_eq!(cause.classes[&Class::Time], 2, "{cause:?}");
    assert!(
        cause.change.ends_with("time in 2 paths, order in 1 path, seed in 1 path"),
        "{cause:?}"
    );
}

#[test]
fn names_that_chance_made_are_paired() {
    let (top, scratch) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for (side, name) in [("a", "tmp.XaYbZc"), ("b", "tmp.qWeRtY")] {
        fs::create_dir_all(top.path().join(side)).unwrap();
        fs::write(top.path().join(side).join(name), side).unwrap();
        fs::write(top.path().join(side).join("log"), format!("{side}{side}\n")).unwrap();
    }
    let world = World::new(None, scratch.path()).unwrap();
    let [a, b] = ["a", "b"].map(|side| subject(&world, &top.path().join(side)));
    let told = OneQuestion { jobs: [Some(1), Some(4)] };
    let report = compare(&world, &a, &b, &told, &Options::default()).unwrap();
    assert_eq!(classes(&report, "tmp.qWeRtY"), [Class::Seed]);
    // Nothing explains the letters, and the jobs were others.
    assert_eq!(classes(&report, "log"), [Class::Parallelism]);
}

#[test]
fn a_request_that_does_not_hold_is_told_beside_what_the_kernel_is() {
    let (top, scratch) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let world = World::new(None, scratch.path()).unwrap();
    let kernel = |name: &str, asked: &str, resolved: &str| {
        let file = |path: &str, text: &str| {
            let path = top.path().join(name).join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        file("config/config", resolved);
        file("asked/fragments/00.config", asked);
        file("asked/base.config", "CONFIG_BASE=y\n");
        let part = |name: &str, of: &str| -> Part {
            let subject = subject(&world, &top.path().join(name).join(of));
            *subject.parts.values().next().unwrap()
        };
        let Part::Tree(requested) = part(name, "asked") else { panic!("a directory is a tree") };
        let config = ("config".to_owned(), part(name, "config"));
        let mut kernel = Subject::of_parts(name, "kernel", [config]);
        kernel.requested = Some(requested);
        kernel
    };
    let told = |a: &Subject, b: &Subject| -> Report {
        compare(&world, a, b, &NoCauses, &Options::default()).unwrap()
    };
    let first = kernel("first", "CONFIG_X=m\n", "CONFIG_X=m\nCONFIG_Y=y\n");
    let dropped = kernel("dropped", "CONFIG_X=y\n", "CONFIG_X=m\nCONFIG_Y=y\n");
    let report = told(&first, &dropped);
    assert_eq!(report.verdict, Verdict::Equal, "what it is has not moved");
    let [row] = &report.rows[..] else { panic!("{report:#?}") };
    assert_eq!((row.thing, row.findings[0].kind), (Thing::KernelConfig, Kind::KernelOption));
    assert_eq!(row.findings[0].note.as_deref(), Some("it does not hold: it is m as before"));

    let elsewhere = kernel("elsewhere", "CONFIG_X=y\n", "# CONFIG_X is not set\nCONFIG_Y=y\n");
    let report = told(&first, &elsewhere);
    let notes = report.rows.iter().flat_map(|row| &row.findings);
    let notes: Vec<_> = notes.filter_map(|finding| finding.note.as_deref()).collect();
    assert!(notes.contains(&"it does not hold: it was m and is n"), "{notes:?}");
    assert_eq!(report.verdict, Verdict::Different);
}
