//! What is to be rendered by tools of others, looked at before a tool runs: that all which a
//! kustomization or chart names is there, and that nothing would be fetched.
//!
//! A tool says such things too, but late, of paths in the sandbox, and without the remedy.

mod chart;
mod folder;
mod kustomization;
mod program;
mod remote;

pub use chart::check_chart;
pub use folder::{Entry, Folder, ReadFailure};
pub use kustomization::check_kustomization;
pub use program::check_programs;

use crate::{
    Finding, Location, Rule, finding,
    yaml::{Budget, Document, Place, read},
};

/// What is rendered and what messages call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// What messages call the top of the folder: a directory of the repository, where `.` is its
    /// top, or a target.
    pub top: String,
    /// Whether the top is a directory of the repository.
    pub origin: Origin,
    /// The directory in the folder; `.` is its top.
    pub path: String,
}

/// Where a folder is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The repository.
    Repository,
    /// The tree of a target.
    Target,
}

/// Why something is not rendered.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// Something is wrong with what was written.
    #[error("{}", finding::told(&format!("{what} cannot be rendered"), findings))]
    Unfit {
        /// What was to be rendered.
        what: String,
        /// What is wrong, in the order in which it was met.
        findings: Vec<Finding>,
    },
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: ReadFailure,
    },
}

impl Source {
    /// What messages call a path of the folder.
    fn shown(&self, path: &str) -> String {
        match (self.top.as_str(), path) {
            (".", path) => path.to_owned(),
            (top, "" | ".") => top.to_owned(),
            (top, path) => format!("{top}/{path}"),
        }
    }
}

/// A file of what is to be rendered.
struct File {
    /// What messages call it.
    name: String,
    document: u32,
}

impl File {
    fn finding(&self, rule: Rule, at: Place, message: String, help: Option<String>) -> Finding {
        let location = Location { file: self.name.clone(), document: self.document, at };
        Finding { rule, location: Some(location), object: None, message, help }
    }
}

/// The first document of a file; what is no YAML is a finding.
fn first_document(
    folder: &Folder<'_>,
    path: &str,
    name: String,
    out: &mut Vec<Finding>,
) -> Result<Option<(File, Document)>, RenderError> {
    let bytes =
        folder.read(path).map_err(|source| RenderError::Read { path: name.clone(), source })?;
    let file = |document| File { name: name.clone(), document };
    match read(&bytes, Budget::default()) {
        Ok(documents) => {
            let mut documents = documents.into_iter();
            Ok(documents.next().map(|document| (file(document.number), document)))
        }
        Err(error) => {
            let found =
                file(error.document).finding(Rule::Yaml, error.at, error.message, error.help);
            out.push(found);
            Ok(None)
        }
    }
}

/// Something wrong that has no place in a file.
fn of_recipe(message: String, help: Option<String>) -> Finding {
    Finding { rule: Rule::Recipe, location: None, object: None, message, help }
}
