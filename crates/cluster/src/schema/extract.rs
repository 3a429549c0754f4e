//! Kubernetes' OpenAPI document (version 2, `swagger.json`) to a table: the kinds that can be
//! created, whether they stand in a namespace, and the schemas that they need. Words are left out.

use super::{KindSchema, Schema, Scope, Table, Type};
use serde_json::Value;
use std::collections::BTreeMap;

/// Where the document is in the source trees that people have: Kubernetes', and that of its clients.
pub const KNOWN_PLACES: [&str; 3] =
    ["api/openapi-spec/swagger.json", "kubernetes/swagger.json.unprocessed", "swagger.json"];

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub enum ExtractError {
    /// The document is not JSON.
    #[error("the OpenAPI document is not JSON")]
    Json(#[from] serde_json::Error),
    /// The document is another one.
    #[error("the document is no OpenAPI document of Kubernetes: it has no `{0}`")]
    Missing(&'static str),
    /// The document is of another version.
    #[error("the OpenAPI document is of Kubernetes {found}, the recipe says {wanted}")]
    Version {
        /// What the document says.
        found: String,
        /// What the recipe says.
        wanted: String,
    },
}

/// Makes the table of the document, which must be of `wanted` (`MAJOR.MINOR`) as far as it says.
pub fn extract(document: &[u8], wanted: &str) -> Result<Table, ExtractError> {
    let document: Value = serde_json::from_slice(document)?;
    let version = document.pointer("/info/version").and_then(Value::as_str).unwrap_or_default();
    if let Some(found) = minor(version).filter(|found| found != wanted) {
        return Err(ExtractError::Version { found, wanted: wanted.to_owned() });
    }
    let named = document.get("definitions").and_then(Value::as_object);
    let named = named.ok_or(ExtractError::Missing("definitions"))?;
    let paths = document.get("paths").and_then(Value::as_object);
    let paths = paths.ok_or(ExtractError::Missing("paths"))?;
    let scopes = scopes(paths);
    let mut table = Table::default();
    for (name, definition) in named {
        let schema = of_definition(name, definition);
        let kinds = definition.get("x-kubernetes-group-version-kind").and_then(Value::as_array);
        for kind in kinds.into_iter().flatten().filter_map(kind_of) {
            if let Some(scope) = scopes.get(&kind) {
                let schema = Schema { named: Some(name.clone()), ..Schema::default() };
                table.kinds.insert(kind, KindSchema { scope: *scope, schema });
            }
        }
        table.definitions.insert(name.clone(), schema);
    }
    if table.kinds.is_empty() {
        return Err(ExtractError::Missing("kinds that can be created"));
    }
    table.keep_needed();
    Ok(table)
}

/// `v1.30.2` and `release-1.30` say 1.30; `unversioned` says nothing.
fn minor(version: &str) -> Option<String> {
    let numbers = version.trim_start_matches("release-").trim_start_matches('v');
    let mut parts = numbers.split('.');
    let (major, minor) = (parts.next()?, parts.next()?);
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits(major) && digits(minor)).then(|| format!("{major}.{minor}"))
}

/// `apiVersion Kind` of an entry of `x-kubernetes-group-version-kind`.
fn kind_of(value: &Value) -> Option<String> {
    let part = |key: &str| value.get(key).and_then(Value::as_str);
    let (version, kind) = (part("version")?, part("kind")?);
    Some(match part("group").unwrap_or_default() {
        "" => format!("{version} {kind}"),
        group => format!("{group}/{version} {kind}"),
    })
}

/// The kinds that can be created, by the paths that create them.
fn scopes(paths: &serde_json::Map<String, Value>) -> BTreeMap<String, Scope> {
    let mut scopes = BTreeMap::new();
    for (path, operations) in paths {
        let Some(post) = operations.get("post") else { continue };
        // Evictions, bindings and tokens are made at an object, not as one.
        if path.matches('{').count() > usize::from(path.contains("/namespaces/{namespace}/")) {
            continue;
        }
        let kind = post.get("x-kubernetes-group-version-kind").and_then(kind_of);
        let scope = match path.contains("/namespaces/{namespace}/") {
            true => Scope::Namespaced,
            false => Scope::Cluster,
        };
        scopes.extend(kind.map(|kind| (kind, scope)));
    }
    scopes
}

fn of_definition(name: &str, definition: &Value) -> Schema {
    let mut schema = of_openapi(definition, Bare::Open);
    let last = |suffix: &str| name.ends_with(suffix);
    for (definition, field, choices) in super::known::CHOICES {
        if let (true, Some(field)) = (last(definition), schema.fields.get_mut(*field))
            && field.choices.is_empty()
        {
            let of = match &mut field.items {
                Some(items) => items.as_mut(),
                None => field,
            };
            of.choices = choices.iter().map(|choice| (*choice).to_owned()).collect();
        }
    }
    for (definition, field, least, most) in super::known::BOUNDS {
        if let (true, Some(field)) = (last(definition), schema.fields.get_mut(*field)) {
            (field.least, field.most) = (Some(*least), Some(*most));
        }
    }
    if last("resource.Quantity") {
        schema.format = Some("quantity".to_owned());
        // Whole numbers are quantities too.
        schema.ty = Some(Type::IntOrString);
    }
    if last("RawExtension") || last("meta.v1.FieldsV1") {
        schema.open = true;
    }
    if last("JSONSchemaProps") {
        // Schemas of custom resources hold themselves; their fields differ between versions.
        schema.open = true;
    }
    schema
}

/// What a table without fields may hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Bare {
    /// Anything, as in Kubernetes' own document.
    Open,
    /// Nothing: the API server drops what a structural schema does not name.
    Closed,
}

/// A schema as OpenAPI writes it, in Kubernetes' document or in a definition of custom resources.
pub(super) fn of_openapi(value: &Value, tables: Bare) -> Schema {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let flag = |key: &str| value.get(key).and_then(Value::as_bool).unwrap_or(false);
    let count = |key: &str| value.get(key).and_then(Value::as_u64);
    let inner = |key: &str| {
        value.get(key).filter(|it| it.is_object()).map(|it| Box::new(of_openapi(it, tables)))
    };
    let texts = |key: &str| -> Vec<String> {
        let items = value.get(key).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let named = text("$ref").map(|name| name.trim_start_matches("#/definitions/").to_owned());
    let mut format = text("format").map(str::to_owned);
    let mut ty = match text("type") {
        Some("object") => Some(Type::Object),
        Some("array") => Some(Type::Array),
        Some("string") => Some(Type::String),
        Some("integer") => Some(Type::Integer),
        Some("number") => Some(Type::Number),
        Some("boolean") => Some(Type::Boolean),
        _ => None,
    };
    if flag("x-kubernetes-int-or-string") || format.as_deref() == Some("int-or-string") {
        (ty, format) = (Some(Type::IntOrString), None);
    }
    let fields = value.get("properties").and_then(Value::as_object).into_iter().flatten();
    let fields: BTreeMap<String, Schema> =
        fields.map(|(name, field)| (name.clone(), of_openapi(field, tables))).collect();
    let values = inner("additionalProperties");
    let free = value.get("additionalProperties").and_then(Value::as_bool) == Some(true);
    let bare = tables == Bare::Open && fields.is_empty() && values.is_none();
    Schema {
        named,
        ty,
        format,
        required: texts("required"),
        items: inner("items"),
        keys: match text("x-kubernetes-list-type") {
            Some("map") => texts("x-kubernetes-list-map-keys"),
            // Older documents say only how lists are merged, which is by the same key.
            None => text("x-kubernetes-patch-merge-key").map(str::to_owned).into_iter().collect(),
            _ => Vec::new(),
        },
        choices: texts("enum"),
        least: value.get("minimum").and_then(Value::as_f64),
        most: value.get("maximum").and_then(Value::as_f64),
        shortest: count("minLength").or(count("minItems")),
        longest: count("maxLength").or(count("maxItems")),
        open: free || flag("x-kubernetes-preserve-unknown-fields") || bare,
        nullable: flag("nullable"),
        fields,
        values,
    }
}

impl Table {
    /// Drops what no kind leads to.
    fn keep_needed(&mut self) {
        let mut needed = std::collections::BTreeSet::new();
        let mut todo: Vec<&Schema> = self.kinds.values().map(|kind| &kind.schema).collect();
        while let Some(schema) = todo.pop() {
            if let Some(name) = &schema.named
                && needed.insert(name.clone())
            {
                todo.extend(self.definitions.get(name));
            }
            todo.extend(schema.fields.values());
            todo.extend(schema.values.as_deref());
            todo.extend(schema.items.as_deref());
        }
        self.definitions.retain(|name, _| needed.contains(name));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_says_its_version_or_nothing() {
        assert_eq!(minor("v1.30.2"), Some("1.30".to_owned()));
        assert_eq!(minor("release-1.30"), Some("1.30".to_owned()));
        assert_eq!(minor("unversioned"), None);
        let document = br#"{"info": {"version": "v1.29.0"}, "definitions": {}, "paths": {}}"#;
        assert!(matches!(extract(document, "1.30"), Err(ExtractError::Version { .. })));
    }
}
