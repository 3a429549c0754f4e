//! The jobs that `docs/ci.md` shows.

use crate::repository;
use groundup_cluster::yaml::{Budget, Node, read};

/// The file of this name that the document shows, as YAML.
pub fn job(file: &str) -> Node {
    let text = std::fs::read_to_string(repository().join("docs/ci.md")).expect("the document");
    let first = format!("    # {file}");
    let lines = text.lines().skip_while(|line| *line != first);
    let lines: Vec<&str> = lines
        .map_while(|line| line.strip_prefix("    ").or(line.is_empty().then_some("")))
        .collect();
    assert!(!lines.is_empty(), "docs/ci.md shows no {file}");
    // A key of GitHub's that readers of YAML 1.1 take for `true`; ours refuses it without quotes.
    let mut text = lines.join("\n");
    text = text.replace("\non:\n", "\n\"on\":\n");
    let mut found = read(text.as_bytes(), Budget::default())
        .unwrap_or_else(|error| panic!("{file} of docs/ci.md: {error} at line {}", error.at.line));
    found.remove(0).root
}

/// The texts of a table; numbers and booleans as they are written in an environment.
pub(super) fn texts(node: Option<&Node>) -> Vec<(String, String)> {
    let Some(map) = node.and_then(Node::as_map) else { return Vec::new() };
    map.iter().map(|entry| (entry.key.clone(), text(&entry.node))).collect()
}

/// A scalar as text.
pub(super) fn text(node: &Node) -> String {
    use groundup_cluster::yaml::Value;
    match &node.value {
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        other => panic!("line {}: no text: {other:?}", node.at.line),
    }
}
