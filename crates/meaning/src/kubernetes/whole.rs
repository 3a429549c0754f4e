//! What an object that came or went says: each field with its value.

use super::{looks_like, object::Object, read};
use crate::{Finding, Kind, Limits, Whole, keyed::Value};

/// Fields of one object that are told; of more, the number is.
const MOST: usize = 100;

/// Fields that name an object and do not describe it.
const NAMES: &[&str] = &["apiVersion", "kind", "metadata.name", "metadata.namespace", "status"];

/// The objects of a text; none if it is something else.
pub(crate) fn whole(text: &[u8], is: Whole, limits: &Limits) -> Vec<Finding> {
    if !std::str::from_utf8(text).is_ok_and(looks_like) {
        return Vec::new();
    }
    let objects = read(text, limits).unwrap_or_default();
    objects.iter().map(|object| of(object, is)).collect()
}

fn of(object: &Object, is: Whole) -> Finding {
    let mut fields = Vec::new();
    walk(&object.root, &mut String::new(), &mut |path, value| {
        if NAMES.iter().any(|name| path == *name || path.starts_with("status.")) {
            return;
        }
        let is_secret = object.kind == "Secret"
            && ["data", "stringData", "metadata.annotations"].iter().any(|it| path.starts_with(it));
        fields.push(match is_secret {
            true => one(is, path, "a secret".to_owned()),
            false => one(is, path, value.shown()),
        });
    });
    let more = fields.len().saturating_sub(MOST);
    fields.truncate(MOST);
    if more > 0 {
        fields.push(Finding::bare(Kind::Object, format!("{more} more fields")));
    }
    one(is, &object.title(), object.summary()).with(fields)
}

fn one(is: Whole, what: &str, value: String) -> Finding {
    match is {
        Whole::Came => Finding::added(Kind::Object, what, value),
        Whole::Went => Finding::removed(Kind::Object, what, value),
    }
}

/// Gives each value that is neither a table nor a list of tables, with its path.
fn walk(value: &Value, path: &mut String, take: &mut dyn FnMut(&str, &Value)) {
    let is_leaf =
        value.entries().is_empty() && value.items().iter().all(|it| it.entries().is_empty());
    if is_leaf {
        return take(path, value);
    }
    let length = path.len();
    for (key, inner) in value.entries() {
        if length > 0 {
            path.push('.');
        }
        path.push_str(key);
        walk(inner, path, take);
        path.truncate(length);
    }
    for (at, item) in value.items().iter().enumerate() {
        let name = item.text_at("name").map_or_else(|| at.to_string(), str::to_owned);
        path.push_str(&format!("[{name}]"));
        walk(item, path, take);
        path.truncate(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<Finding> {
        whole(text.as_bytes(), Whole::Came, &Limits::default())
    }

    #[test]
    fn an_object_that_came_is_told_by_its_fields() {
        let found = told(
            "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: medium}\n\
             value: 1000\nglobalDefault: true\n",
        );
        let fields: Vec<(&str, &str)> = found[0]
            .inside
            .iter()
            .map(|it| (it.what.as_str(), it.after.as_deref().unwrap()))
            .collect();
        assert_eq!(found[0].what, "PriorityClass medium");
        assert_eq!(fields, [("value", "1000"), ("globalDefault", "true")]);
    }

    #[test]
    fn items_of_lists_are_called_by_their_names_and_secrets_are_not_told() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n\
                   spec: {containers: [{name: web, image: x, args: [a, b]}]}\n";
        let what: Vec<String> = told(pod)[0].inside.iter().map(|it| it.what.clone()).collect();
        let container = "spec.containers[web]";
        assert_eq!(what, ["name", "image", "args"].map(|key| format!("{container}.{key}")));
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: aHVudGVyMg==}\n";
        assert!(!format!("{:?}", told(secret)).contains("aHVud"));
        assert!(told("just: yaml\n").is_empty());
    }
}
