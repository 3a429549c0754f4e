//! Reads a `cluster`.

use super::{View, rendering};
use crate::{
    ArtifactForm, At, Cluster, ImageField, MappedImage, Setting, Weight,
    node::{Node, Value},
};

pub(super) fn read(view: View<'_>) -> Option<Cluster> {
    let images = view.entries("images").map(|(name, node)| Some((name.to_owned(), mapped(node)?)));
    Some(Cluster {
        kubernetes: view.text("kubernetes")?,
        schemas: view.get("schemas")?,
        schemas_path: view.get("schemas_path"),
        manifests: view.texts("manifests"),
        kustomizations: rendering::kustomizations(view)?,
        charts: rendering::charts(view)?,
        rendered: view.list("rendered"),
        crds: view.texts("crds"),
        images: images.collect::<Option<_>>()?,
        set: settings(view)?,
        image_fields: image_fields(view)?,
        outside: view.texts("outside"),
        external: view.texts("external"),
        unchecked: view.texts("unchecked"),
        allow: view.texts("allow"),
        severity: view.entries("severity").map(weight).collect::<Option<_>>()?,
        artifact: match view.text("artifact") {
            Some(word) if word.as_str() == "standard" => ArtifactForm::Standard,
            _ => ArtifactForm::Flux,
        },
        tag: view.text("tag"),
    })
}

fn weight((rule, node): (&str, &Node)) -> Option<(String, Weight)> {
    let Value::Text(word) = &node.value else { return None };
    let weight = if word == "warn" { Weight::Warn } else { Weight::Error };
    Some((rule.to_owned(), weight))
}

fn mapped(node: &Node) -> Option<MappedImage> {
    match &node.value {
        Value::Text(text) => {
            Some(MappedImage { target: At::new(text.parse().ok()?, node.span), name: None })
        }
        Value::Table(table) => {
            let view = View(table);
            Some(MappedImage { target: view.get("from")?, name: view.text("name") })
        }
        _ => None,
    }
}

fn settings(view: View<'_>) -> Option<Vec<Setting>> {
    let items = view.items("set").iter().map(|node| {
        let table = View(node.as_table()?);
        Some(Setting {
            kind: table.text("kind")?,
            name: table.text("name")?,
            namespace: table.text("namespace"),
            pointer: table.text("pointer")?,
            value: table.text("value")?,
            from: table.get("from")?,
            platform: table.get("platform"),
            file: table.text("file"),
        })
    });
    items.collect()
}

fn image_fields(view: View<'_>) -> Option<Vec<ImageField>> {
    let items = view.items("image_fields").iter().map(|node| {
        let table = View(node.as_table()?);
        Some(ImageField { kind: table.text("kind")?, pointer: table.text("pointer")? })
    });
    items.collect()
}
