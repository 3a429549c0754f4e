//! Reads a `source`.

use super::{Defaults, View};
use crate::{
    At, Source, Span, Unpack,
    form::{parse_deb, parse_digest, parse_oci},
};

pub(super) fn read(view: View<'_>, defaults: &Defaults, header: Span) -> Option<Source> {
    if let Some(url) = view.text("url") {
        let unpack = unpack(view, &url);
        return Some(Source::Url { url, sha256: view.get("sha256"), unpack });
    }
    if let Some(url) = view.text("git") {
        let rev = view.text("rev").unwrap_or_else(|| url.with("HEAD".to_owned()));
        return Some(Source::Git { url, rev });
    }
    if let Some(package) = view.text("dsc") {
        // Without an archive to choose, the name stays empty and the reference check says so.
        let only = match defaults.archives.as_slice() {
            [only] => At::new(only.value.clone(), package.span),
            _ => At::new(String::new(), header),
        };
        let archive = view.text("archive").unwrap_or(only);
        return Some(Source::Dsc { package, archive, version: view.text("version") });
    }
    if let Some(deb) = view.by("deb", parse_deb) {
        return Some(Source::Deb(deb));
    }
    if let Some(location) = view.by("oci", parse_oci) {
        return Some(Source::Oci { location, digest: view.by("digest", parse_digest) });
    }
    let path = view.get("path")?;
    Some(Source::Path { path, include: view.texts("include"), exclude: view.texts("exclude") })
}

fn unpack(view: View<'_>, url: &str) -> Unpack {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let file = path.rsplit('/').next().unwrap_or(path);
    let is_tar = file.ends_with(".tar") || file.ends_with(".tgz") || file.contains(".tar.");
    match view.flag("unpack").unwrap_or(is_tar) {
        true => Unpack::Tree { strip: view.int("strip").map_or(0, |at| at.value) },
        false => Unpack::File,
    }
}
