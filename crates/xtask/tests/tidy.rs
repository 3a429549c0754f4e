//! The rules of structure as tests.

use xtask::{Workspace, tidy};

#[test]
fn the_repository_keeps_its_rules() {
    let workspace = Workspace::load().unwrap();
    let mut findings = Vec::new();
    for (name, check) in tidy::CHECKS {
        let found = check(&workspace).unwrap();
        findings.extend(found.into_iter().map(|finding| format!("{name}: {finding}")));
    }
    assert!(findings.is_empty(), "\n{}", findings.join("\n"));
}
