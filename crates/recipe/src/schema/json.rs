//! Writes the description as a JSON schema, draft 2020-12.

use super::{Key, Need, SchemaFile, Spec, Type, kinds};
use crate::form::Form;

/// A JSON value; objects keep the order in which they are made.
enum Json {
    Text(String),
    Int(i64),
    Bool(bool),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

/// Whether a string may be, or hold, `${name}`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Vars {
    Replaced,
    Plain,
}

pub(super) fn write(file: SchemaFile) -> String {
    let mut properties: Vec<(String, Json)> = Vec::new();
    if file == SchemaFile::Workspace {
        properties.push(("workspace".into(), ty(&super::WORKSPACE_TABLE, Vars::Plain)));
        properties.push(("archive".into(), ty(&super::ARCHIVES, Vars::Plain)));
    }
    properties.push(("vars".into(), ty(&super::VARS, Vars::Plain)));
    for (kind, spec) in kinds() {
        let named = object([
            ("description", text(spec.doc)),
            ("type", text("object")),
            (
                "propertyNames",
                object([("pattern", text(Form::Name.pattern().unwrap_or_default()))]),
            ),
            ("additionalProperties", target(spec)),
        ]);
        properties.push((kind.as_str().into(), named));
    }
    let title = match file {
        SchemaFile::Recipe => "groundup recipe",
        SchemaFile::Workspace => "groundup.toml",
    };
    let mut top = vec![
        ("$schema".into(), text("https://json-schema.org/draft/2020-12/schema")),
        ("title".into(), text(title)),
        ("type".into(), text("object")),
        ("properties".into(), Json::Object(properties)),
        ("additionalProperties".into(), Json::Bool(false)),
    ];
    if file == SchemaFile::Workspace {
        top.push(("required".into(), Json::List(vec![text("workspace")])));
    }
    let mut out = String::new();
    render(&Json::Object(top), 0, &mut out);
    out.push('\n');
    out
}

fn text(value: &str) -> Json {
    Json::Text(value.to_owned())
}

fn object<const N: usize>(fields: [(&str, Json); N]) -> Json {
    Json::Object(fields.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
}

/// A target: what it must have may also come from what it extends.
fn target(spec: &'static Spec) -> Json {
    let needed = |key: &&Key| key.need == Need::Required;
    let required: Vec<Json> = spec.keys.iter().filter(needed).map(|key| text(key.name)).collect();
    let one_of = spec.one_of.iter().map(|group| {
        let choices = group.iter().map(|name| object([("required", Json::List(vec![text(name)]))]));
        object([("oneOf", Json::List(choices.collect()))])
    });
    let mut all: Vec<Json> = one_of.collect();
    if !required.is_empty() {
        all.push(object([("required", Json::List(required))]));
    }
    let mut fields = table(spec, Vars::Replaced);
    if !all.is_empty() {
        let open = |name| object([("required", Json::List(vec![text(name)]))]);
        let whole = object([("allOf", Json::List(all))]);
        let ways = vec![whole, open("extends"), open("abstract")];
        fields.push(("anyOf".into(), Json::List(ways)));
    }
    Json::Object(fields)
}

fn table(spec: &'static Spec, vars: Vars) -> Vec<(String, Json)> {
    let properties = spec.keys.iter().map(|key| {
        let inner = if key.name == "vars" { Vars::Plain } else { vars };
        let mut json = ty(&key.ty, inner);
        if let Json::Object(fields) = &mut json {
            fields.insert(0, ("description".into(), text(&describe(key))));
        }
        (key.name.to_owned(), json)
    });
    vec![
        ("type".into(), text("object")),
        ("properties".into(), Json::Object(properties.collect())),
        ("additionalProperties".into(), Json::Bool(false)),
    ]
}

fn describe(key: &Key) -> String {
    match key.need {
        Need::Required => format!("{} Required.", key.doc),
        Need::Optional("") => key.doc.to_owned(),
        Need::Optional(default) => format!("{} Default: {default}.", key.doc),
        Need::With(other, default) => {
            format!("{} Only with `{other}`. Default: {default}.", key.doc)
        }
    }
}

fn ty(of: &'static Type, vars: Vars) -> Json {
    match of {
        Type::Text(form) => form_json(*form, vars),
        Type::Words(words) => {
            let listed = Json::List(words.iter().map(|word| text(word)).collect());
            let listed = object([("enum", listed)]);
            match vars {
                Vars::Plain => listed,
                Vars::Replaced => {
                    let variable = object([("type", text("string")), ("pattern", text("\\$\\{"))]);
                    object([("anyOf", Json::List(vec![listed, variable]))])
                }
            }
        }
        Type::Bool => object([("type", text("boolean"))]),
        Type::Int { min, max } => object([
            ("type", text("integer")),
            ("minimum", Json::Int(*min)),
            ("maximum", Json::Int(*max)),
        ]),
        Type::List(item, _) => object([("type", text("array")), ("items", ty(item, vars))]),
        Type::Map(form, item) => {
            let mut fields = vec![("type".to_owned(), text("object"))];
            if let Some(pattern) = form.pattern() {
                fields.push(("propertyNames".into(), object([("pattern", text(pattern))])));
            }
            fields.push(("additionalProperties".into(), ty(item, vars)));
            Json::Object(fields)
        }
        Type::Table(spec) => {
            let mut fields = table(spec, vars);
            let needed = |key: &&Key| key.need == Need::Required;
            let required: Vec<Json> =
                spec.keys.iter().filter(needed).map(|key| text(key.name)).collect();
            if !required.is_empty() {
                fields.push(("required".into(), Json::List(required)));
            }
            Json::Object(fields)
        }
        Type::Either(first, second) => {
            object([("anyOf", Json::List(vec![ty(first, vars), ty(second, vars)]))])
        }
    }
}

fn form_json(form: Form, vars: Vars) -> Json {
    let mut fields = vec![("type".to_owned(), text("string"))];
    if let Some(pattern) = form.pattern() {
        let pattern = match vars {
            Vars::Plain => pattern.to_owned(),
            Vars::Replaced => format!("{pattern}|\\$\\{{"),
        };
        fields.push(("pattern".into(), Json::Text(pattern)));
    }
    Json::Object(fields)
}

fn render(json: &Json, depth: usize, out: &mut String) {
    let indent = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth));
    };
    match json {
        Json::Text(value) => quote(value, out),
        Json::Int(value) => out.push_str(&value.to_string()),
        Json::Bool(value) => out.push_str(&value.to_string()),
        Json::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                indent(out, depth + 1);
                render(item, depth + 1, out);
            }
            indent(out, depth);
            out.push(']');
        }
        Json::Object(fields) => {
            out.push('{');
            for (index, (key, value)) in fields.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                indent(out, depth + 1);
                quote(key, out);
                out.push_str(": ");
                render(value, depth + 1, out);
            }
            indent(out, depth);
            out.push('}');
        }
    }
}

fn quote(value: &str, out: &mut String) {
    out.push('"');
    for c in value.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}
