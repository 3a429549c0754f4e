//! Objects of Kubernetes: documents with an API version, a kind and a name.

use crate::{
    Finding, Location, Rule,
    yaml::{Budget, Node, Place, read},
};

/// A file with manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// What messages call it: its path in the repository.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// One object and where it was written.
#[derive(Debug, Clone)]
pub struct Object {
    /// What it says.
    pub root: Node,
    /// `v1`, `apps/v1` and so on.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// Its namespace, where it says one.
    pub namespace: Option<String>,
    file: String,
    document: u32,
}

impl Object {
    /// The group of its API; empty for the core.
    pub fn group(&self) -> &str {
        self.api_version.rsplit_once('/').map_or("", |(group, _)| group)
    }

    /// `Kind/name`, as messages call it.
    pub fn title(&self) -> String {
        format!("{}/{}", self.kind, self.name)
    }

    /// A place in it.
    pub fn location(&self, at: Place) -> Location {
        Location { file: self.file.clone(), document: self.document, at }
    }

    /// Something wrong with it.
    pub fn finding(&self, rule: Rule, at: Place, message: impl Into<String>) -> Finding {
        Finding {
            rule,
            location: Some(self.location(at)),
            object: Some(self.title()),
            message: message.into(),
            help: None,
        }
    }
}

/// Reads the objects of a file. A `List` stands for its items.
pub fn read_objects(file: &SourceFile, budget: Budget, out: &mut Vec<Finding>) -> Vec<Object> {
    let documents = match read(&file.bytes, budget) {
        Ok(documents) => documents,
        Err(error) => {
            let (document, at) = (error.document, error.at);
            out.push(Finding {
                rule: Rule::Yaml,
                location: Some(Location { file: file.name.clone(), document, at }),
                object: None,
                message: error.message,
                help: error.help,
            });
            return Vec::new();
        }
    };
    let mut objects = Vec::new();
    for document in documents {
        let list = document.root.text_at(&["kind"]) == Some("List")
            && document.root.text_at(&["apiVersion"]) == Some("v1");
        let roots = match list {
            true => document.root.items("items").to_vec(),
            false => vec![document.root],
        };
        for root in roots {
            match object(&file.name, document.number, root) {
                Ok(object) => objects.push(object),
                Err(finding) => out.push(finding),
            }
        }
    }
    objects
}

fn object(file: &str, document: u32, root: Node) -> Result<Object, Finding> {
    let problem = |at: Place, message: String, help: Option<&str>| Finding {
        rule: Rule::Object,
        location: Some(Location { file: file.to_owned(), document, at }),
        object: None,
        message,
        help: help.map(str::to_owned),
    };
    let Some(map) = root.as_map() else {
        let message =
            format!("a document is an object with `apiVersion` and `kind`, found {}", root.noun());
        return Err(problem(root.at, message, None));
    };
    let word = |key: &str| match map.get(key) {
        None => Err(problem(root.at, format!("the object has no `{key}`"), None)),
        Some(node) => match node.as_text() {
            Some(text) if !text.is_empty() => Ok(text.to_owned()),
            _ => {
                let message = format!("`{key}` must be a text, found {}", node.noun());
                Err(problem(node.at, message, None))
            }
        },
    };
    let (api_version, kind) = (word("apiVersion")?, word("kind")?);
    let Some(metadata) = root.get("metadata") else {
        let message = format!("the {kind} has no `metadata`");
        return Err(problem(root.at, message, Some("every object needs `metadata.name`")));
    };
    let name = match metadata.get("name") {
        Some(node) => node.as_text().filter(|name| !name.is_empty()).ok_or_else(|| {
            let help = "numbers and booleans stand in quotes as names";
            problem(
                node.at,
                format!("`metadata.name` must be a text, found {}", node.noun()),
                Some(help),
            )
        })?,
        None if metadata.get("generateName").is_some() => {
            let help = "a generated name is another at each apply: write `metadata.name`";
            let message = format!("the {kind} has a `generateName` and no name");
            return Err(problem(metadata.at, message, Some(help)));
        }
        None => {
            return Err(problem(metadata.at, format!("the {kind} has no `metadata.name`"), None));
        }
    };
    let namespace = metadata.text_at(&["namespace"]).map(str::to_owned);
    let (name, file) = (name.to_owned(), file.to_owned());
    Ok(Object { root, api_version, kind, name, namespace, file, document })
}
