//! Writes the expected messages of `tests/errors/` anew; review the difference before committing.

#[path = "../tests/support/mod.rs"]
mod support;

use support::{Case, MESSAGES, case_files};

fn main() -> std::io::Result<()> {
    for path in case_files() {
        let case = Case::parse(&std::fs::read_to_string(&path)?);
        if case.messages() != case.expected {
            std::fs::write(&path, renewed(&case))?;
        }
    }
    Ok(())
}

/// The text of a case with the messages that it gives now.
fn renewed(case: &Case) -> String {
    let mut out = String::new();
    for (path, text) in &case.files {
        out.push_str(&format!("=== {path}\n{text}"));
    }
    out + &format!("=== {MESSAGES}\n{}", case.messages())
}
