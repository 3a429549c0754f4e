//! Trees, files, links and directories.

use super::View;
use crate::{
    At, Directory, FileContent, FileEntry, Link, Overlay, Placement, TreePath, form::parse_mode,
};

pub(super) fn placements(view: View<'_>) -> Option<Vec<Placement>> {
    let items = view.items("trees").iter().map(|node| {
        if let Some(table) = node.as_table().map(View) {
            let path = |key: &str| table.get(key).map_or_else(TreePath::root, |at| at.value);
            return Some(Placement {
                from: table.get("from")?,
                path: path("path"),
                to: path("to"),
            });
        }
        let from = At::new(node.as_text()?.parse().ok()?, node.span);
        Some(Placement { from, path: TreePath::root(), to: TreePath::root() })
    });
    items.collect()
}

pub(super) fn overlay(view: View<'_>) -> Option<Overlay> {
    let links = view.entries("links").map(|(path, node)| {
        let span = view.key_span("links", path)?;
        let target = At::new(node.as_text()?.to_owned(), node.span);
        Some(Link { path: At::new(path.parse().ok()?, span), target })
    });
    Some(Overlay {
        remove: view.texts("remove"),
        dirs: dirs(view)?,
        files: files(view)?,
        links: links.collect::<Option<_>>()?,
    })
}

fn mode(view: View<'_>, default: u32) -> u32 {
    view.by("mode", parse_mode).map_or(default, |at| at.value)
}

fn owner(view: View<'_>, key: &str) -> u32 {
    view.int(key).map_or(0, |at| at.value)
}

fn dirs(view: View<'_>) -> Option<Vec<Directory>> {
    let items = view.items("dirs").iter().map(|node| {
        if let Some(table) = node.as_table().map(View) {
            return Some(Directory {
                path: table.get("path")?,
                mode: mode(table, 0o755),
                uid: owner(table, "uid"),
                gid: owner(table, "gid"),
            });
        }
        let path = At::new(node.as_text()?.parse().ok()?, node.span);
        Some(Directory { path, mode: 0o755, uid: 0, gid: 0 })
    });
    items.collect()
}

fn files(view: View<'_>) -> Option<Vec<FileEntry>> {
    let items = view.items("files").iter().map(|node| {
        let table = View(node.as_table()?);
        let text = table.text("text").map(FileContent::Text);
        Some(FileEntry {
            path: table.get("path")?,
            content: text.or_else(|| table.get("source").map(FileContent::Repo))?,
            mode: mode(table, 0o644),
            uid: owner(table, "uid"),
            gid: owner(table, "gid"),
        })
    });
    items.collect()
}
