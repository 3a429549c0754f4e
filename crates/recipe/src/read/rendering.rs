//! Reads the kustomizations and charts of a `cluster`.

use super::View;
use crate::{Chart, Kustomization, Place, RepoPath, node::Node};

pub(super) fn kustomizations(view: View<'_>) -> Option<Vec<Kustomization>> {
    view.items("kustomizations").iter().map(kustomization).collect()
}

pub(super) fn charts(view: View<'_>) -> Option<Vec<Chart>> {
    view.items("charts").iter().map(chart).collect()
}

fn kustomization(node: &Node) -> Option<Kustomization> {
    let view = View(node.as_table()?);
    Some(Kustomization {
        place: place(node, view)?,
        root: view.get("root"),
        trees: view.map("trees"),
        tool: view.get("tool")?,
        span: node.span,
    })
}

fn chart(node: &Node) -> Option<Chart> {
    let view = View(node.as_table()?);
    Some(Chart {
        release: view.text("release")?,
        place: place(node, view)?,
        namespace: view.text("namespace"),
        values: view.list("values"),
        set: view.map("set"),
        api_versions: view.texts("api_versions"),
        trees: view.map("trees"),
        tool: view.get("tool")?,
        span: node.span,
    })
}

/// Without `path` it is the top of `from`, or of the repository.
fn place(node: &Node, view: View<'_>) -> Option<Place> {
    let path = view.get::<RepoPath>("path");
    Some(match view.get("from") {
        Some(from) => {
            let path = path.map_or_else(|| ".".parse().ok(), |path| Some(path.value))?;
            Place::Target { from, path }
        }
        None => {
            let top = || Some(crate::At::new(".".parse().ok()?, node.span));
            Place::Repository(path.map_or_else(top, Some)?)
        }
    })
}
