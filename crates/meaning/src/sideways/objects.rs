//! Kubernetes objects that ask for labels or names that are gone.

use super::{
    Part, Sideways,
    defaults::{self, Defaults},
};
use crate::{
    Finding, Kind, Limits,
    keyed::{Value, yaml},
};
use std::collections::{BTreeMap, BTreeSet};

/// Fields that name another object, and the kind that they name.
const REFERENCES: &[(&str, &str)] = &[
    ("configMapRef", "ConfigMap"),
    ("configMapKeyRef", "ConfigMap"),
    ("configMap", "ConfigMap"),
    ("secretRef", "Secret"),
    ("secretKeyRef", "Secret"),
    ("imagePullSecrets", "Secret"),
    ("service", "Service"),
    ("persistentVolumeClaim", "PersistentVolumeClaim"),
    ("infrastructureRef", ""),
    ("configRef", ""),
    ("bootstrap", ""),
];

/// Fields whose text names another object.
const NAMES: &[(&str, &str)] = &[
    ("secretName", "Secret"),
    ("serviceAccountName", "ServiceAccount"),
    ("serviceName", "Service"),
    ("claimName", "PersistentVolumeClaim"),
    ("storageClassName", "StorageClass"),
    ("priorityClassName", "PriorityClass"),
    ("runtimeClassName", "RuntimeClass"),
    ("ingressClassName", "IngressClass"),
];

/// What the objects of a side have, and what they ask for.
#[derive(Default)]
struct Side {
    /// `key=value` of each label, with who has it.
    labels: BTreeMap<(String, String), BTreeSet<String>>,
    /// Kind and name of each object.
    names: BTreeSet<(String, String)>,
    asked: Vec<Asked>,
    defaults: Defaults,
}

/// Something that an object asks for.
struct Asked {
    who: String,
    part: String,
    path: String,
    /// The field: `spec.selector`.
    field: String,
    what: What,
}

#[derive(PartialEq, Eq)]
enum What {
    /// Labels that all must be there; one without a value may have any.
    Labels(Vec<(String, Option<String>)>),
    /// An object of a kind; any kind if that is empty.
    Object(String, String),
}

/// Objects that ask for labels and names that were there before and are not now.
pub(super) fn dangling(before: &[Part<'_>], after: &[Part<'_>], limits: &Limits) -> Vec<Sideways> {
    let (old, new) = (side(before, limits), side(after, limits));
    let mut found = Vec::new();
    for asked in &new.asked {
        let finding = match &asked.what {
            What::Labels(labels) => {
                if old.holders(labels).is_empty() || !new.holders(labels).is_empty() {
                    continue;
                }
                let gone: Vec<String> = labels
                    .iter()
                    .filter(|label| new.holders(std::slice::from_ref(*label)).is_empty())
                    .map(shown)
                    .collect();
                let gone = if gone.is_empty() {
                    labels.iter().map(shown).collect::<Vec<_>>().join(", ")
                } else {
                    gone.join(", ")
                };
                let had: Vec<String> = old.holders(labels).into_iter().take(3).collect();
                Finding::removed(
                    Kind::Sideways,
                    format!("{}: {} matches nothing any more", asked.who, asked.field),
                    had.join(", "),
                )
                .note(format!("nothing has the label {gone} now"))
            }
            What::Object(kind, name) => {
                if !old.has(kind, name) || new.has(kind, name) {
                    continue;
                }
                let what = format!("{}: {} names what is gone", asked.who, asked.field);
                Finding::removed(Kind::Sideways, what, format!("{kind} {name}").trim())
            }
        };
        found.push(Sideways { part: asked.part.clone(), path: Some(asked.path.clone()), finding });
    }
    found.extend(defaults::moved(&old.defaults, &new.defaults));
    found
}

fn shown((key, value): &(String, Option<String>)) -> String {
    match value {
        Some(value) => format!("{key}={value}"),
        None => key.clone(),
    }
}

impl Side {
    /// Who has all of these labels.
    fn holders(&self, labels: &[(String, Option<String>)]) -> BTreeSet<String> {
        let mut all: Option<BTreeSet<String>> = None;
        for (key, value) in labels {
            let range = self.labels.iter().filter(|((has, of), _)| {
                has == key && value.as_ref().is_none_or(|value| value == of)
            });
            let holders: BTreeSet<String> = range.flat_map(|(_, who)| who.clone()).collect();
            all = Some(match all {
                None => holders,
                Some(all) => all.intersection(&holders).cloned().collect(),
            });
        }
        all.unwrap_or_default()
    }

    fn has(&self, kind: &str, name: &str) -> bool {
        self.names.iter().any(|(of, has)| has == name && (kind.is_empty() || of == kind))
    }
}

fn side(parts: &[Part<'_>], limits: &Limits) -> Side {
    let mut side = Side::default();
    // A tree of manifests may hold one object in several files: one by one, and all as one stream.
    let mut seen = BTreeSet::new();
    for part in parts {
        for path in part.files.below("") {
            let is_yaml = [".yaml", ".yml"].iter().any(|end| path.ends_with(end));
            if !is_yaml || path.starts_with("usr/") {
                continue;
            }
            let Some(text) = part.files.read(&path).filter(|text| text.len() < limits.bytes) else {
                continue;
            };
            if !crate::kubernetes::looks_like(&String::from_utf8_lossy(&text)) {
                continue;
            }
            for document in yaml::read(&text, limits).unwrap_or_default() {
                let Some(who) = title(&document) else { continue };
                if seen.insert(who.clone()) {
                    side.take(&document, &who, part.name, &path);
                }
            }
        }
    }
    side
}

fn title(document: &Value) -> Option<String> {
    let kind = document.text_at("kind")?;
    let meta = document.get("metadata")?;
    let name = meta.text_at("name")?;
    Some(match meta.text_at("namespace") {
        Some(namespace) => format!("{kind} {namespace}/{name}"),
        None => format!("{kind} {name}"),
    })
}

impl Side {
    fn take(&mut self, document: &Value, who: &str, part: &str, path: &str) {
        if let (Some(kind), Some(name)) =
            (document.text_at("kind"), document.get("metadata").and_then(|it| it.text_at("name")))
        {
            self.names.insert((kind.to_owned(), name.to_owned()));
        }
        self.defaults.take(document, who, part, path);
        let at = Walk { who, part, path };
        self.walk(document, &mut Vec::new(), &at);
    }

    fn walk(&mut self, value: &Value, field: &mut Vec<String>, at: &Walk<'_>) {
        for (key, inner) in value.entries() {
            field.push(key.clone());
            match key.as_str() {
                "labels" if field.iter().any(|name| name == "metadata") => {
                    for (label, value) in inner.entries() {
                        let value = value.text().unwrap_or_default().to_owned();
                        self.label(label, &value, at.who);
                    }
                }
                "node-labels" => self.node_labels(inner, at.who),
                key if is_selector(key) => self.selector(inner, field, at),
                _ => self.reference(key, inner, field, at),
            }
            self.walk(inner, field, at);
            field.pop();
        }
        for item in value.items() {
            self.walk(item, field, at);
        }
    }

    fn label(&mut self, key: &str, value: &str, who: &str) {
        let label = (key.to_owned(), value.to_owned());
        self.labels.entry(label).or_default().insert(who.to_owned());
    }

    /// `a=b,c=d`, as kubelet takes them.
    fn node_labels(&mut self, value: &Value, who: &str) {
        for pair in value.text().unwrap_or_default().split(',') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.label(key.trim(), value.trim(), who);
        }
    }

    fn ask(&mut self, what: What, field: &[String], at: &Walk<'_>) {
        self.asked.push(Asked {
            who: at.who.to_owned(),
            part: at.part.to_owned(),
            path: at.path.to_owned(),
            field: field.join("."),
            what,
        });
    }

    /// A selector as a map, as `matchLabels` with expressions, or as a text such as `has(key)`.
    fn selector(&mut self, value: &Value, field: &[String], at: &Walk<'_>) {
        let mut labels = Vec::new();
        if let Some(text) = value.text() {
            labels.extend(in_text(text));
        }
        for (key, inner) in value.entries() {
            match (key.as_str(), inner.text()) {
                ("matchLabels", _) => {
                    labels.extend(inner.entries().iter().filter_map(|(key, value)| {
                        Some((key.clone(), Some(value.text()?.to_owned())))
                    }));
                }
                ("matchExpressions", _) => {
                    for item in inner.items() {
                        let wants = matches!(item.text_at("operator"), Some("In" | "Exists"));
                        let values = item.get("values").map(Value::items).unwrap_or_default();
                        if let (true, Some(key)) = (wants, item.text_at("key")) {
                            let value = match values {
                                [one] => one.text().map(str::to_owned),
                                _ => None,
                            };
                            labels.push((key.to_owned(), value));
                        }
                    }
                }
                (_, Some(text)) => labels.push((key.clone(), Some(text.to_owned()))),
                _ => {}
            }
        }
        if !labels.is_empty() {
            self.ask(What::Labels(labels), field, at);
        }
    }

    fn reference(&mut self, key: &str, value: &Value, field: &[String], at: &Walk<'_>) {
        if let Some((_, kind)) = NAMES.iter().find(|(name, _)| *name == key)
            && let Some(name) = value.text()
        {
            self.ask(What::Object((*kind).to_owned(), name.to_owned()), field, at);
        }
        if let Some((_, kind)) = REFERENCES.iter().find(|(name, _)| *name == key)
            && let Some(name) = value.text_at("name")
        {
            let kind = value.text_at("kind").unwrap_or(kind).to_owned();
            self.ask(What::Object(kind, name.to_owned()), field, at);
        }
    }
}

struct Walk<'a> {
    who: &'a str,
    part: &'a str,
    path: &'a str,
}

fn is_selector(key: &str) -> bool {
    key == "selector" || key == "labelSelector" || key.ends_with("Selector")
}

/// The labels of a selector that is text: `has(a/b)`, `a == 'b'`, `a=b,c=d`.
fn in_text(text: &str) -> Vec<(String, Option<String>)> {
    // What is asked not to be there, or one of several, is no one label that must be.
    if text.contains(['!', '|']) || text.contains(" in ") || text.contains("all()") {
        return Vec::new();
    }
    let parts = text.split("&&").flat_map(|part| part.split(','));
    let label = |part: &str| {
        let part = part.trim();
        if let Some(key) = part.strip_prefix("has(").and_then(|rest| rest.strip_suffix(')')) {
            return Some((key.trim().to_owned(), None));
        }
        let (key, value) = part.split_once("==").or_else(|| part.split_once('='))?;
        let value = value.trim().trim_matches(['\'', '"']);
        Some((key.trim().to_owned(), Some(value.to_owned())))
    };
    parts.filter_map(label).collect()
}
