//! Reads a `rootfs`.

use super::{
    Defaults, View,
    overlay::{overlay, placements},
};
use crate::{Alternative, At, Diversion, Group, Rootfs, Scripts, User};

pub(super) fn read(view: View<'_>, defaults: &Defaults) -> Option<Rootfs> {
    let archives = match view.text("archive") {
        Some(one) => vec![one],
        None if view.node("archive").is_some() => view.texts("archive"),
        None => defaults.archives.clone(),
    };
    let platforms = match view.node("platforms") {
        Some(_) => view.list("platforms"),
        None => defaults.platforms.clone(),
    };
    Some(Rootfs {
        archives,
        packages: view.list("packages"),
        debs: view.list("debs"),
        recommends: view.flag("recommends").unwrap_or(false),
        essential: view.flag("essential").unwrap_or(false),
        prefer: view.map("prefer"),
        platforms,
        diversions: diversions(view)?,
        alternatives: alternatives(view)?,
        users: users(view)?,
        groups: groups(view)?,
        scripts: match view.text("scripts").as_ref().map(|at| at.value.as_str()) {
            Some("run") => Scripts::Run,
            _ => Scripts::None,
        },
        trees: placements(view)?,
        overlay: overlay(view)?,
    })
}

fn diversions(view: View<'_>) -> Option<Vec<Diversion>> {
    let items = view.items("diversions").iter().map(|node| {
        let table = View(node.as_table()?);
        let path: At<crate::TreePath> = table.get("path")?;
        let to = match table.get("to") {
            Some(to) => to.value,
            None => format!("{}.distrib", path.value).parse().ok()?,
        };
        Some(Diversion { path, to, by: table.text("by").map(|at| at.value) })
    });
    items.collect()
}

fn alternatives(view: View<'_>) -> Option<Vec<Alternative>> {
    let entries = view.entries("alternatives").map(|(name, node)| {
        let usual = format!("/usr/bin/{name}").parse().ok()?;
        let (path, link) = match node.as_table().map(View) {
            Some(table) => (table.get("path")?, table.get("link").map_or(usual, |at| at.value)),
            None => (At::new(node.as_text()?.parse().ok()?, node.span), usual),
        };
        Some(Alternative { name: name.to_owned(), path, link })
    });
    entries.collect()
}

fn users(view: View<'_>) -> Option<Vec<User>> {
    let items = view.items("users").iter().map(|node| {
        let table = View(node.as_table()?);
        let text = |key: &str, default: &str| {
            table.text(key).map_or_else(|| default.to_owned(), |at| at.value)
        };
        let uid = table.int("uid")?.value;
        Some(User {
            name: table.text("name")?,
            uid,
            gid: table.int("gid").map_or(uid, |at| at.value),
            home: text("home", "/nonexistent"),
            shell: text("shell", "/usr/sbin/nologin"),
            comment: text("comment", ""),
            groups: table.texts("groups"),
        })
    });
    items.collect()
}

fn groups(view: View<'_>) -> Option<Vec<Group>> {
    let items = view.items("groups").iter().map(|node| {
        let table = View(node.as_table()?);
        Some(Group { name: table.text("name")?, gid: table.int("gid")?.value })
    });
    items.collect()
}
