//! Custom resource definitions (`apiextensions.k8s.io/v1`) to kinds of the table.

use super::{
    KindSchema, Schema, Scope, Table,
    extract::{Bare, of_openapi},
};
use crate::{Finding, Object, Rule, yaml::write_json};

/// The definition of metadata in Kubernetes' document.
const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

impl Table {
    /// Adds the kinds that a definition serves; other objects add nothing.
    pub(crate) fn add_custom(&mut self, object: &Object, out: &mut Vec<Finding>) {
        if object.kind != "CustomResourceDefinition" || object.group() != "apiextensions.k8s.io" {
            return;
        }
        let text = |keys: &[&str]| object.root.text_at(keys);
        let (Some(group), Some(kind)) =
            (text(&["spec", "group"]), text(&["spec", "names", "kind"]))
        else {
            return;
        };
        let scope = match text(&["spec", "scope"]) {
            Some("Cluster") => Scope::Cluster,
            _ => Scope::Namespaced,
        };
        let Some(spec) = object.root.get("spec") else { return };
        for version in spec.items("versions") {
            let Some(name) = version.text_at(&["name"]) else { continue };
            if version.get("served").is_some_and(|it| it.value == crate::yaml::Value::Bool(false)) {
                continue;
            }
            let Some(schema) = version.path(&["schema", "openAPIV3Schema"]) else {
                let message = format!("the version `{name}` has no `schema.openAPIV3Schema`");
                out.push(object.finding(Rule::MissingField, version.at, message));
                continue;
            };
            let Ok(value) = serde_json::from_str(&write_json(schema)) else { continue };
            let mut schema = of_openapi(&value, Bare::Closed);
            // What every object has, and structural schemas leave out.
            for field in ["apiVersion", "kind"] {
                let text = Schema { ty: Some(super::Type::String), ..Schema::default() };
                schema.fields.entry(field.to_owned()).or_insert(text);
            }
            let metadata = match self.definitions.contains_key(METADATA) {
                true => Schema { named: Some(METADATA.to_owned()), ..Schema::default() },
                false => Schema { open: true, ..Schema::default() },
            };
            schema.fields.insert("metadata".to_owned(), metadata);
            let key = format!("{group}/{name} {kind}");
            self.kinds.insert(key, KindSchema { scope, schema });
        }
    }
}
