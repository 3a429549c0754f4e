//! Generated documents are what their generator writes now.

use crate::{Workspace, XtaskError, docs};

pub(super) fn check(workspace: &Workspace) -> Result<Vec<String>, XtaskError> {
    let mut findings = Vec::new();
    docs::generate(workspace, |file, text| {
        let file = file.display();
        match std::fs::read_to_string(workspace.root.join(file.to_string())) {
            Ok(old) if old == text => {}
            Ok(_) => findings.push(format!("{file} is stale: run `cargo xtask docs`")),
            Err(_) => findings.push(format!("{file} is missing: run `cargo xtask docs`")),
        }
        Ok(())
    })?;
    Ok(findings)
}
