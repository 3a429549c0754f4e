//! What is wrong with manifests: the rule, the place, the words, and what to do.

use crate::yaml::Place;
use std::fmt;

/// A rule that manifests are held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// A file is not YAML, or not YAML that means one thing.
    Yaml,
    /// A document is no object of Kubernetes.
    Object,
    /// An object is there twice.
    Duplicate,
    /// What the recipe asks for meets nothing.
    Recipe,
    /// A kustomization names what is not there, or what would be fetched.
    Kustomization,
    /// A chart lacks what it needs.
    Chart,
    /// The API version or the kind is not known.
    UnknownKind,
    /// A field is not known.
    UnknownField,
    /// A field lacks.
    MissingField,
    /// A value is of the wrong type or form.
    WrongValue,
    /// An image has no digest.
    UnpinnedImage,
    /// An image has no digest, and a tag that is meant to move.
    MutableTag,
    /// An image has a digest that this graph did not build.
    UnknownDigest,
    /// A selector matches nothing in the set.
    Selector,
    /// A service has no workload behind it.
    Service,
    /// Something that is named is not there.
    Reference,
    /// A node or a container can change itself.
    SelfChanging,
}

impl Rule {
    /// Every rule.
    pub const ALL: [Rule; 17] = [
        Rule::Yaml,
        Rule::Object,
        Rule::Duplicate,
        Rule::Recipe,
        Rule::Kustomization,
        Rule::Chart,
        Rule::UnknownKind,
        Rule::UnknownField,
        Rule::MissingField,
        Rule::WrongValue,
        Rule::UnpinnedImage,
        Rule::MutableTag,
        Rule::UnknownDigest,
        Rule::Selector,
        Rule::Service,
        Rule::Reference,
        Rule::SelfChanging,
    ];

    /// Its name in messages and in `allow`.
    pub const fn name(self) -> &'static str {
        match self {
            Rule::Yaml => "yaml",
            Rule::Object => "object",
            Rule::Duplicate => "duplicate",
            Rule::Recipe => "recipe",
            Rule::Kustomization => "kustomization",
            Rule::Chart => "chart",
            Rule::UnknownKind => "unknown-kind",
            Rule::UnknownField => "unknown-field",
            Rule::MissingField => "missing-field",
            Rule::WrongValue => "wrong-value",
            Rule::UnpinnedImage => "unpinned-image",
            Rule::MutableTag => "mutable-tag",
            Rule::UnknownDigest => "unknown-digest",
            Rule::Selector => "selector",
            Rule::Service => "service",
            Rule::Reference => "reference",
            Rule::SelfChanging => "self-changing",
        }
    }

    /// Whether `allow` can name it: what cannot be an object at all is never allowed.
    pub const fn can_be_allowed(self) -> bool {
        use Rule::{Chart, Duplicate, Kustomization, Object, Recipe, Yaml};
        !matches!(self, Yaml | Object | Duplicate | Recipe | Kustomization | Chart)
    }
}

/// Where a finding is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file, as messages call it.
    pub file: String,
    /// The document in it, from 1.
    pub document: u32,
    /// The place.
    pub at: Place,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.at)
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// Where; what the recipe says has no place here.
    pub location: Option<Location>,
    /// The object, `Kind/name`, as far as it is known.
    pub object: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.location {
            Some(location) => {
                write!(f, "{location}: document {}", location.document)?;
                self.object.iter().try_for_each(|object| write!(f, ", {object}"))?;
            }
            None => match &self.object {
                Some(object) => f.write_str(object)?,
                None => f.write_str("recipe")?,
            },
        }
        write!(f, ": {} [{}]", self.message, self.rule.name())?;
        self.help.iter().try_for_each(|help| write!(f, "\n    help: {help}"))
    }
}

/// Why there are no manifests: everything that was found, in the order of files and lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", told(&title(.0), .0))]
pub struct Findings(pub Vec<Finding>);

fn title(findings: &[Finding]) -> String {
    match findings.len() {
        1 => "the manifests have an error".to_owned(),
        number => format!("the manifests have {number} errors"),
    }
}

/// `title` with what was found below it.
pub(crate) fn told(title: &str, findings: &[Finding]) -> String {
    const SHOWN: usize = 50;
    let mut text = title.to_owned();
    for finding in findings.iter().take(SHOWN) {
        text.push_str(&format!("\n  {finding}"));
    }
    if findings.len() > SHOWN {
        text.push_str(&format!("\n  and {} more", findings.len() - SHOWN));
    }
    text
}
