//! What people read when a recipe or the lock is wrong. Each case is a file in `tests/errors/`;
//! `cargo run -p groundup-recipe --example error_cases` writes the messages anew, for review.

mod support;

use support::{Case, case_files};

#[test]
fn messages_are_the_reviewed_ones() {
    let files = case_files();
    assert!(files.len() >= 20, "the cases are there");
    let mut failed = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a case can be read");
        let case = Case::parse(&text);
        let messages = case.messages();
        if messages != case.expected {
            failed.push(format!(
                "{}\n--- expected\n{}\n--- found\n{messages}",
                path.display(),
                case.expected
            ));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
