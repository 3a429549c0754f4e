//! What a step is asked, field by field, as its record says it.
//!
//! The same that enters the key (`crates/plan/src/lib.rs` has the table), but for inputs: of these only
//! their names, where they are mounted. Parameters of assemblers are JSON and are taken apart by path;
//! of lists of things with names, the name stands for the number, so that one that came moves no other.

use groundup_plan::{Fetch, Run, RunRoot, Step, StepKind};
use groundup_provenance::Question;
use groundup_recipe::Permissions;
use serde_json::Value;
use std::collections::BTreeSet;

/// What things in lists are called by, if all of a list have it and no two the same.
const NAMES: [&str; 6] = ["name", "package", "path", "label", "symbol", "pointer"];

/// What a step is asked.
pub fn question_of(step: &Step) -> Question {
    let mut question = Question::new();
    match &step.kind {
        StepKind::Fetch(fetch) => of_fetch(fetch, &mut question),
        StepKind::Run(run) => of_run(run, &mut question),
        StepKind::Assemble(assemble) => {
            let (name, version) = (assemble.assembler.name(), assemble.assembler.version());
            question.insert("assembler", &format!("{name}@{version}"));
            match serde_json::from_str(&assemble.params) {
                Ok(params) => of_value("", &params, &mut question),
                Err(_) => question.insert("parameters", &assemble.params),
            }
        }
    }
    question.insert("outputs", &step.outputs.join(" "));
    question
}

fn of_fetch(fetch: &Fetch, question: &mut Question) {
    match fetch {
        Fetch::File { sha256, size, .. } => {
            question.insert("sha256", &sha256.to_string());
            question.insert("size", &size.to_string());
        }
        Fetch::Git { commit, .. } => question.insert("commit", commit),
        Fetch::Image { digest, platforms, .. } => {
            question.insert("digest", &digest.to_string());
            let platforms: Vec<&str> = platforms.iter().map(|it| it.as_str()).collect();
            question.insert("platforms", &platforms.join(" "));
        }
    }
}

fn of_run(run: &Run, question: &mut Question) {
    question.insert("sandbox", &run.sandbox.to_string());
    question.insert("platform", run.platform.as_str());
    question.insert("cwd", &run.cwd);
    for (number, word) in run.argv.iter().enumerate() {
        question.insert(format!("argv[{number}]"), word);
    }
    for (name, value) in &run.env {
        question.insert(format!("env.{name}"), value);
    }
    for mount in &run.mounts {
        question.insert(format!("mounts.{}", mount.at), &mount.input);
    }
    for place in &run.places {
        question.insert(format!("places.{}", place.output), &place.place);
    }
    match (run.root, run.permissions) {
        (RunRoot::Kept { ownership }, _) => question.insert("ownership", &ownership.to_string()),
        (RunRoot::Discarded, Permissions::Keep) => question.insert("permissions", "keep"),
        (RunRoot::Discarded, Permissions::Normal) => {}
    }
    if let Some(reuse) = &run.reuse {
        question.insert("reuse", reuse.symbols.as_deref().unwrap_or("yes"));
    }
}

/// A value and what is in it, by path. Nothing and empty lists are not said.
fn of_value(path: &str, value: &Value, question: &mut Question) {
    let below = |key: &str| match path {
        "" => key.to_owned(),
        path => format!("{path}.{key}"),
    };
    match value {
        Value::Null => {}
        Value::Object(fields) => {
            fields.iter().for_each(|(key, value)| of_value(&below(key), value, question));
        }
        Value::Array(items) if items.is_empty() => {}
        Value::Array(items) => {
            if let Some(named) = named(items) {
                for (name, key, value) in named {
                    of_value(&format!("{}.{key}", below(name)), value, question);
                }
            } else if let Some(pairs) = pairs_of(items) {
                for (name, value) in pairs {
                    question.insert(below(name), value);
                }
            } else if items.iter().any(|item| item.is_object() || item.is_array()) {
                for (number, item) in items.iter().enumerate() {
                    of_value(&format!("{path}[{number}]"), item, question);
                }
            } else {
                question.insert(path, &value.to_string());
            }
        }
        Value::String(text) => question.insert(path, text),
        Value::Bool(_) | Value::Number(_) => question.insert(path, &value.to_string()),
    }
}

/// What is said of the things of a list, by their names.
fn named(items: &[Value]) -> Option<Vec<(&str, &str, &Value)>> {
    let (by, names) = NAMES.iter().find_map(|by| {
        let names: Option<Vec<&str>> = items.iter().map(|item| item.get(by)?.as_str()).collect();
        names.filter(|names| is_each_once(names)).map(|names| (*by, names))
    })?;
    let fields = names.into_iter().zip(items).flat_map(|(name, item)| {
        let fields = item.as_object().into_iter().flatten();
        fields.filter(|(key, _)| *key != by).map(move |(key, value)| (name, key.as_str(), value))
    });
    Some(fields.collect())
}

/// A list of pairs of names and values.
fn pairs_of(items: &[Value]) -> Option<Vec<(&str, &str)>> {
    let pairs = items.iter().map(|item| match item.as_array().map(Vec::as_slice) {
        Some([Value::String(name), Value::String(value)]) => Some((name.as_str(), value.as_str())),
        _ => None,
    });
    let pairs: Vec<(&str, &str)> = pairs.collect::<Option<_>>()?;
    let names: Vec<&str> = pairs.iter().map(|(name, _)| *name).collect();
    is_each_once(&names).then_some(pairs)
}

fn is_each_once(names: &[&str]) -> bool {
    names.iter().collect::<BTreeSet<_>>().len() == names.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_plan::{Assemble, Assembler, StepLabel};

    fn asked(params: &str) -> Question {
        question_of(&Step {
            label: StepLabel::new("image.x", "manifest"),
            kind: StepKind::Assemble(Assemble {
                assembler: Assembler::ImageManifest,
                params: params.to_owned(),
            }),
            inputs: Vec::new(),
            outputs: vec!["out".into()],
            span: None,
        })
    }

    #[test]
    fn parameters_are_taken_apart_by_path_and_name() {
        let question = asked(
            r#"{"env":{"LIMIT":"1024"},"cmd":["a","b"],"options":[["NF_NAT","y"],["X","m"]],
                "packages":[{"name":"libc6","version":"2.36"},{"name":"nginx","version":"1"}],
                "user":null,"dirs":[],"layers":7,"odd":[{"name":"x"},{"name":"x"}]}"#,
        );
        let fields: Vec<(&str, &str)> =
            question.fields().filter(|(name, _)| *name != "assembler").collect();
        let expected = [
            ("cmd", r#"["a","b"]"#),
            ("env.LIMIT", "1024"),
            ("layers", "7"),
            ("odd[0].name", "x"),
            ("odd[1].name", "x"),
            ("options.NF_NAT", "y"),
            ("options.X", "m"),
            ("outputs", "out"),
            ("packages.libc6.version", "2.36"),
            ("packages.nginx.version", "1"),
        ];
        assert_eq!(fields, expected);
    }

    #[test]
    fn a_package_that_came_moves_no_other() {
        let [before, after] = [
            r#"{"packages":[{"name":"b","version":"1"}]}"#,
            r#"{"packages":[{"name":"a","version":"1"},{"name":"b","version":"1"}]}"#,
        ]
        .map(asked);
        let names: Vec<String> =
            before.changes(&after).into_iter().map(|change| change.name).collect();
        assert_eq!(names, ["packages.a.version"]);
    }
}
