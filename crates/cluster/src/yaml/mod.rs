//! YAML as Kubernetes reads it: text to values with places, and values to text that every reader
//! takes for the same value.

mod build;
mod node;
mod read;
mod scalar;
mod write;

pub use node::{Entry, Map, Node, Place, Value};
pub use read::{Budget, Document, ReadError, read};
pub use write::{write_document, write_json};
