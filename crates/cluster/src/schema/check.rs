//! An object against its schema: every unknown field, missing field and wrong value, at its place.

use super::{Schema, Scope, Table, Type, format};
use crate::{
    Finding, Object, Rule,
    yaml::{Map, Node, Place, Value},
};
use groundup_recipe::nearest;
use std::collections::BTreeMap;

impl Table {
    /// Checks an object; kinds in `unchecked` (`apiVersion Kind`) may have no schema.
    pub(crate) fn check(&self, object: &Object, unchecked: &[String], out: &mut Vec<Finding>) {
        let name = format!("{} {}", object.api_version, object.kind);
        let Some(kind) = self.kinds.get(&name) else {
            if !unchecked.contains(&name) {
                out.push(self.unknown_kind(object));
            }
            return;
        };
        if let (Scope::Cluster, Some(namespace)) = (kind.scope, &object.namespace) {
            let at =
                object.root.path(&["metadata", "namespace"]).map_or(object.root.at, |it| it.at);
            let message = format!("a {} stands in no namespace, found `{namespace}`", object.kind);
            out.push(object.finding(Rule::WrongValue, at, message));
        }
        let mut checker = Checker { table: self, object, out };
        checker.value(&object.root, &kind.schema, "");
    }

    fn unknown_kind(&self, object: &Object) -> Finding {
        let at = |key: &str| object.root.get(key).map_or(object.root.at, |node| node.at);
        let pairs = || self.kinds.keys().filter_map(|key| key.split_once(' '));
        let (wanted_version, wanted_kind) = (object.api_version.as_str(), object.kind.as_str());
        let versions: Vec<&str> =
            pairs().filter(|(_, kind)| *kind == wanted_kind).map(|(version, _)| version).collect();
        let problem = |key: &str, message: String, help: Option<String>| Finding {
            help,
            ..object.finding(Rule::UnknownKind, at(key), message)
        };
        if !versions.is_empty() {
            let near =
                nearest(wanted_version, versions.iter().copied()).or(versions.last().copied());
            let help = near.map(|near| match versions.len() {
                1 => format!("a {wanted_kind} is of `{near}`"),
                _ => format!("a {wanted_kind} is of `{}`", versions.join("` or `")),
            });
            let message =
                format!("there is no {wanted_kind} in the API version `{wanted_version}`");
            return problem("apiVersion", message, help);
        }
        let kinds = pairs().filter(|(version, _)| *version == wanted_version).map(|(_, kind)| kind);
        let near =
            nearest(wanted_kind, kinds).or_else(|| nearest(wanted_kind, pairs().map(|it| it.1)));
        let known_version = pairs().any(|(version, _)| version == wanted_version);
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!(
                "give its definition in `crds`, or name `{wanted_version} {wanted_kind}` in `unchecked`"
            ),
        };
        let message = match known_version {
            true => format!("the API version `{wanted_version}` has no kind `{wanted_kind}`"),
            false => format!("no kind `{wanted_kind}` of `{wanted_version}` is known"),
        };
        problem("kind", message, Some(help))
    }
}

struct Checker<'a> {
    table: &'a Table,
    object: &'a Object,
    out: &'a mut Vec<Finding>,
}

impl Checker<'_> {
    fn say(&mut self, rule: Rule, at: Place, message: String, help: Option<String>) {
        self.out.push(Finding { help, ..self.object.finding(rule, at, message) });
    }

    fn value(&mut self, node: &Node, schema: &Schema, path: &str) {
        // Kubernetes takes null for nothing.
        if node.value == Value::Null {
            return;
        }
        let schema = self.table.resolve(schema);
        let Some(ty) = schema.ty else {
            if let (Value::Map(map), false) = (&node.value, schema.fields.is_empty()) {
                self.fields(map, node.at, schema, path);
            }
            return;
        };
        match (ty, &node.value) {
            (Type::Object, Value::Map(map)) => self.fields(map, node.at, schema, path),
            (Type::Array, Value::List(items)) => self.items(items, node, schema, path),
            (Type::String | Type::IntOrString, Value::Text(text)) => {
                self.text(text, node, schema, path);
            }
            (Type::Integer | Type::Number | Type::IntOrString, Value::Int(number)) => {
                self.number(*number, node, schema, path);
            }
            (Type::IntOrString, Value::Float(_))
                if schema.format.as_deref() == Some("quantity") => {}
            (Type::Number, Value::Float(number)) => self.bounds(*number, node, schema, path),
            (Type::Boolean, Value::Bool(_)) => {}
            _ => {
                let (wanted, found) = (noun(ty), node.noun());
                let help = match (ty, &node.value) {
                    (Type::String, Value::Bool(_) | Value::Int(_) | Value::Float(_)) => {
                        Some("put it in quotes".to_owned())
                    }
                    (Type::Integer | Type::Number, Value::Text(text))
                        if text.parse::<f64>().is_ok() =>
                    {
                        Some("write it without quotes".to_owned())
                    }
                    (Type::Boolean, Value::Text(text)) if text == "true" || text == "false" => {
                        Some("write it without quotes".to_owned())
                    }
                    (Type::Array, _) => Some("put a `-` before each item".to_owned()),
                    _ => None,
                };
                let message = format!("`{}` must be {wanted}, found {found}", shown(path));
                self.say(Rule::WrongValue, node.at, message, help);
            }
        }
    }

    fn fields(&mut self, map: &Map, at: Place, schema: &Schema, path: &str) {
        for entry in map.iter() {
            let inner = join(path, &entry.key);
            match (schema.fields.get(&entry.key), &schema.values) {
                (Some(field), _) => self.value(&entry.node, field, &inner),
                (None, Some(values)) => self.value(&entry.node, values, &inner),
                (None, None) if schema.open => {}
                (None, None) => {
                    let near = nearest(&entry.key, schema.fields.keys().map(String::as_str));
                    let help = match (near, self.deeper(schema, &entry.key)) {
                        (Some(near), _) => Some(format!("did you mean `{near}`?")),
                        (None, Some(inside)) => {
                            Some(format!("`{}` stands in `{inside}`", entry.key))
                        }
                        (None, None) => None,
                    };
                    let message = format!("unknown field `{inner}`");
                    self.say(Rule::UnknownField, entry.at, message, help);
                }
            }
        }
        for name in &schema.required {
            if map.get(name).is_none_or(|node| node.value == Value::Null) {
                let message = format!("the field `{}` is missing", join(path, name));
                self.say(Rule::MissingField, at, message, None);
            }
        }
    }

    /// The field of a table that has a field of this name in it.
    fn deeper<'a>(&self, schema: &'a Schema, key: &str) -> Option<&'a str> {
        let found = schema
            .fields
            .iter()
            .find(|(_, field)| self.table.resolve(field).fields.contains_key(key));
        found.map(|(name, _)| name.as_str())
    }

    fn items(&mut self, items: &[Node], node: &Node, schema: &Schema, path: &str) {
        self.length(items.len() as u64, "items", node, schema, path);
        if let Some(of_item) = &schema.items {
            for (index, item) in items.iter().enumerate() {
                self.value(item, of_item, &format!("{path}[{index}]"));
            }
        }
        if schema.keys.is_empty() {
            return;
        }
        let mut seen: BTreeMap<Vec<String>, Place> = BTreeMap::new();
        for item in items {
            let parts = schema.keys.iter().map(|key| item.get(key).map(crate::yaml::write_json));
            // A key that is left out has a default, and equal ones may still be meant to differ.
            let Some(parts) = parts.collect::<Option<Vec<String>>>() else { continue };
            if let Some(first) = seen.get(&parts) {
                let what: Vec<String> = schema
                    .keys
                    .iter()
                    .zip(&parts)
                    .map(|(key, part)| format!("{key} {part}"))
                    .collect();
                let message = format!(
                    "`{}` has two items with {}, the first in line {}",
                    shown(path),
                    what.join(" and "),
                    first.line
                );
                self.say(Rule::WrongValue, item.at, message, None);
            } else {
                seen.insert(parts, item.at);
            }
        }
    }

    fn text(&mut self, text: &str, node: &Node, schema: &Schema, path: &str) {
        if !schema.choices.is_empty() && !schema.choices.iter().any(|choice| choice == text) {
            let near = nearest(text, schema.choices.iter().map(String::as_str));
            let help = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("expected `{}`", schema.choices.join("`, `")),
            };
            let message = format!("`{text}` is no value of `{}`", shown(path));
            self.say(Rule::WrongValue, node.at, message, Some(help));
        }
        if let Some(expected) = format::misfit(schema, text) {
            let message = format!("`{}` must be {expected}, found `{text}`", shown(path));
            self.say(Rule::WrongValue, node.at, message, None);
        }
        self.length(text.chars().count() as u64, "characters", node, schema, path);
    }

    fn number(&mut self, number: i128, node: &Node, schema: &Schema, path: &str) {
        let (least, most) = match schema.format.as_deref() {
            Some("int32") => (i128::from(i32::MIN), i128::from(i32::MAX)),
            _ => (i128::from(i64::MIN), i128::from(i64::MAX)),
        };
        if !(least..=most).contains(&number) {
            let message = format!("`{}` must be at least {least} and at most {most}", shown(path));
            return self.say(Rule::WrongValue, node.at, message, None);
        }
        #[allow(clippy::cast_precision_loss, reason = "bounds of schemas are floating too")]
        self.bounds(number as f64, node, schema, path);
    }

    fn bounds(&mut self, number: f64, node: &Node, schema: &Schema, path: &str) {
        let low = schema.least.filter(|least| number < *least).map(|it| format!("at least {it}"));
        let high = schema.most.filter(|most| number > *most).map(|it| format!("at most {it}"));
        for bound in low.into_iter().chain(high) {
            let message = format!("`{}` must be {bound}, found {number}", shown(path));
            self.say(Rule::WrongValue, node.at, message, None);
        }
    }

    fn length(&mut self, length: u64, what: &str, node: &Node, schema: &Schema, path: &str) {
        let short = schema.shortest.filter(|least| length < *least);
        let long = schema.longest.filter(|most| length > *most);
        let short = short.map(|it| format!("at least {it}"));
        for bound in short.into_iter().chain(long.map(|it| format!("at most {it}"))) {
            let message = format!("`{}` must have {bound} {what}, found {length}", shown(path));
            self.say(Rule::WrongValue, node.at, message, None);
        }
    }
}

/// A path as people write it; keys with dots stand in brackets.
fn join(path: &str, key: &str) -> String {
    match (path, key.contains(['.', '/'])) {
        ("", _) => key.to_owned(),
        (path, true) => format!("{path}[\"{key}\"]"),
        (path, false) => format!("{path}.{key}"),
    }
}

fn shown(path: &str) -> &str {
    if path.is_empty() { "the object" } else { path }
}

fn noun(ty: Type) -> &'static str {
    match ty {
        Type::Object => "a table",
        Type::Array => "a list",
        Type::String => "a text",
        Type::Integer => "a whole number",
        Type::Number => "a number",
        Type::Boolean => "true or false",
        Type::IntOrString => "a whole number or a text",
    }
}
