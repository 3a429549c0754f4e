//! Names, labels and their forms (RFC 1123, and Kubernetes' rules for labels).

use crate::{
    Finding, Object, Rule,
    yaml::{Node, Value},
};

/// Checks the name, the namespace, labels and annotations of an object and of its pods.
pub(crate) fn names(object: &Object, out: &mut Vec<Finding>) {
    let Some(metadata) = object.root.get("metadata") else { return };
    let wrong = |node: &Node, message: String| object.finding(Rule::WrongValue, node.at, message);
    // Roles are named by paths, and objects of others by rules of their own.
    let strict = object.group() != "rbac.authorization.k8s.io";
    if let Some(name) = metadata.get("name").filter(|_| strict)
        && !is_subdomain(&object.name)
    {
        let message = format!(
            "`{}` is no name: lower-case letters, digits, `-` and `.`, at most 253, letters or digits at both ends",
            object.name
        );
        out.push(wrong(name, message));
    }
    if let (Some(node), Some(namespace)) = (metadata.get("namespace"), &object.namespace)
        && !is_label(namespace)
    {
        out.push(wrong(node, format!("`{namespace}` is no name of a namespace")));
    }
    labels(object, metadata, out);
    if let Some(pods) = super::pods::of(object)
        && let Some(template) = pods.metadata.filter(|it| it.at != metadata.at)
    {
        labels(object, template, out);
    }
}

fn labels(object: &Object, metadata: &Node, out: &mut Vec<Finding>) {
    for field in ["labels", "annotations"] {
        let map = metadata.get(field).and_then(Node::as_map);
        for entry in map.into_iter().flat_map(|map| map.iter()) {
            let key = entry.key.as_str();
            if !is_key(key) {
                let message = format!(
                    "`{key}` is no key of {field}: an optional domain and `/`, then at most 63 letters, digits, `-`, `_` and `.`"
                );
                out.push(object.finding(Rule::WrongValue, entry.at, message));
            }
            let Value::Text(value) = &entry.node.value else { continue };
            if field == "labels" && !is_value(value) {
                let message = format!(
                    "`{value}` is no value of a label: at most 63 letters, digits, `-`, `_` and `.`"
                );
                out.push(object.finding(Rule::WrongValue, entry.node.at, message));
            }
        }
    }
}

fn ends(text: &str, fits: fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|byte| fits(*byte)) && bytes.last().is_some_and(|byte| fits(*byte))
}

fn low(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

fn any(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// A label of RFC 1123.
pub(super) fn is_label(text: &str) -> bool {
    text.len() <= 63 && ends(text, low) && text.bytes().all(|byte| low(byte) || byte == b'-')
}

fn is_subdomain(text: &str) -> bool {
    text.len() <= 253
        && text
            .split('.')
            .all(|part| ends(part, low) && part.bytes().all(|byte| low(byte) || byte == b'-'))
}

fn is_value(text: &str) -> bool {
    let inner = |byte: u8| any(byte) || b"-_.".contains(&byte);
    text.is_empty() || (text.len() <= 63 && ends(text, any) && text.bytes().all(inner))
}

fn is_key(text: &str) -> bool {
    let (domain, name) = match text.split_once('/') {
        Some((domain, name)) => (Some(domain), name),
        None => (None, text),
    };
    domain.is_none_or(is_subdomain) && !name.is_empty() && is_value(name)
}
