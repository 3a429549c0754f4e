//! Every input of the corpus through its target, without a search: what once failed stays mended.

#![allow(clippy::unwrap_used, reason = "an error here is the finding")]

use groundup_fuzz::{TARGETS, corpus};
use std::{collections::BTreeSet, path::Path};

#[test]
fn no_input_of_the_corpus_breaks_its_target() {
    for target in TARGETS {
        for (name, input) in corpus(target.name).unwrap() {
            assert!(input.len() <= target.longest, "{}/{name} would not be tried", target.name);
            let run = std::panic::catch_unwind(|| (target.run)(&input));
            assert!(run.is_ok(), "corpus/{}/{name} breaks its target", target.name);
        }
    }
}

#[test]
fn every_target_has_a_corpus_and_every_corpus_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    #[allow(clippy::disallowed_methods, reason = "the names are put into a set")]
    let entries = std::fs::read_dir(folder).unwrap();
    let folders: BTreeSet<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(folders, TARGETS.iter().map(|target| target.name.to_owned()).collect());
    for target in TARGETS {
        assert!(!corpus(target.name).unwrap().is_empty(), "{} has no seeds", target.name);
    }
}

#[test]
fn seeds_of_archives_are_taken_not_only_refused() {
    // A search that starts from refused inputs alone would see little.
    let good = corpus("deb").unwrap().remove("seed-plain").unwrap();
    let parts = groundup_debian::package::read_deb(
        &good[1..],
        &groundup_debian::package::Forgotten,
        groundup_debian::package::Limits::default(),
    );
    assert_eq!(parts.unwrap().control.len(), 4);
    let signed = corpus("inrelease").unwrap().remove("seed-good").unwrap();
    let verified =
        groundup_debian::archive::Archive::verify(&signed, groundup_fuzz::KEYRING, None).unwrap();
    assert_eq!(verified.release().suite(), "seed");
    let fragment = corpus("kernel-config").unwrap().remove("seed-fragment").unwrap();
    let fragment = groundup_kernel::Config::parse("seed", &fragment[1..]).unwrap();
    assert_eq!(fragment.settings().len(), 6);
}
