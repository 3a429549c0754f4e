//! Reads `[workspace]` and `[archive.NAME]`.

use super::View;
use crate::{Archive, At, Keyring, Platform, Span, TargetPattern};

/// What `[workspace]` says.
pub(crate) struct Settings {
    pub(crate) name: At<String>,
    pub(crate) epoch: At<u64>,
    pub(crate) compat: u32,
    pub(crate) platforms: Vec<At<Platform>>,
    pub(crate) recipes: Vec<At<String>>,
    pub(crate) default: Vec<At<TargetPattern>>,
    pub(crate) vendor: Option<At<String>>,
}

/// The time that builds and images get where the workspace names none: 1980-01-02.
const EPOCH: u64 = 315_619_200;

pub(crate) fn settings(view: View<'_>, header: Span) -> Option<Settings> {
    let platforms = match view.node("platforms") {
        Some(_) => view.list("platforms"),
        None => vec![At::new(Platform::LinuxAmd64, header)],
    };
    let recipes = match view.node("recipes") {
        Some(_) => view.texts("recipes"),
        None => vec![At::new("recipes/**/*.toml".to_owned(), header)],
    };
    Some(Settings {
        name: view.text("name")?,
        epoch: view.int("epoch").unwrap_or(At::new(EPOCH, header)),
        compat: view.int("compat").map_or(1, |at| at.value),
        platforms,
        recipes,
        default: view.list("default"),
        vendor: view.text("vendor"),
    })
}

pub(crate) fn archive(name: At<String>, view: View<'_>) -> Option<Archive> {
    let components = match view.node("components") {
        Some(_) => view.texts("components"),
        None => vec![name.with("main".to_owned())],
    };
    Some(Archive {
        suite: view.text("suite")?,
        components,
        url: view.text("url"),
        keyring: view.get("signed_by").map_or(Keyring::Debian, Keyring::File),
        name,
    })
}
