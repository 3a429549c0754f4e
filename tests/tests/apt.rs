//! The resolver against apt's own simulation into an empty root.

use groundup_tests::oracle::{ARCHITECTURES, Oracle, SETS};

/// How many of the sets may differ; each that does is explained in `docs/limits.md`.
const ALLOWED: usize = 2;

#[test]
fn sets_and_drawn_packages_resolve_as_by_apt_for_both_architectures() {
    let root = tempfile::tempdir().expect("a temporary directory");
    let oracle = Oracle::prepare(root.path());
    for arch in ARCHITECTURES {
        let sets: Vec<String> = SETS.iter().map(|set| (*set).to_owned()).collect();
        let found = oracle.disagreements(arch, &sets);
        assert!(found.len() <= ALLOWED, "{}", found.join("\n"));
        // Ten of the two hundred that `cargo run -p groundup-tests --example compare_with_apt` draws.
        let drawn = oracle.draw(arch, 1, 10);
        let found = oracle.disagreements(arch, &drawn);
        assert!(found.is_empty(), "{}", found.join("\n"));
    }
}
