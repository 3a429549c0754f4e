//! What objects must look like: the schemas of one version of Kubernetes as a table, and those of
//! custom resources.

mod check;
mod custom;
mod extract;
mod format;
mod known;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub use extract::{ExtractError, KNOWN_PLACES, extract};
pub(crate) use format::quantity;

/// The schemas of the kinds of a cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// Kinds by `apiVersion Kind`.
    pub kinds: BTreeMap<String, KindSchema>,
    /// Schemas by the name that others call them.
    pub definitions: BTreeMap<String, Schema>,
}

/// A kind of object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KindSchema {
    /// Whether its objects stand in a namespace.
    pub scope: Scope,
    /// Its schema.
    pub schema: Schema,
}

/// Where objects of a kind stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster itself.
    Cluster,
}

/// What a value must be. What is not said is not asked for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Schema {
    /// The name of the schema that stands for this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub named: Option<String>,
    /// The type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ty: Option<Type>,
    /// `int32`, `date-time`, `quantity` …
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// The fields.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<String, Schema>,
    /// The fields that must be there.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
    /// The values of a table with free keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Box<Schema>>,
    /// The items of a list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub items: Option<Box<Schema>>,
    /// The keys that tell the items of a list from each other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// The only values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The least number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least: Option<f64>,
    /// The greatest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<f64>,
    /// The fewest characters or items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shortest: Option<u64>,
    /// The most characters or items.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest: Option<u64>,
    /// Whether fields that are not named may be there.
    #[serde(skip_serializing_if = "is_false")]
    pub open: bool,
    /// Whether null is a value of its own.
    #[serde(skip_serializing_if = "is_false")]
    pub nullable: bool,
}

/// The types of JSON, and Kubernetes' whole number or text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Type {
    /// A table.
    Object,
    /// A list.
    Array,
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A whole number or text.
    IntOrString,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
fn is_false(value: &bool) -> bool {
    !value
}

impl Table {
    /// Reads a table as [`Table::to_json`] writes it.
    pub fn from_json(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }

    /// The table as bytes, the same for the same table.
    pub fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    /// The kind of an object.
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<&KindSchema> {
        self.kinds.get(&format!("{api_version} {kind}"))
    }

    /// The schema that `schema` stands for.
    fn resolve<'a>(&'a self, schema: &'a Schema) -> &'a Schema {
        let mut schema = schema;
        // A name for a name for a name is nothing that Kubernetes has; a circle ends.
        for _ in 0..8 {
            match schema.named.as_ref().and_then(|name| self.definitions.get(name)) {
                Some(next) => schema = next,
                None => break,
            }
        }
        schema
    }
}
