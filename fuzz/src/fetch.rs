//! What says where things are, and what servers answer.

use crate::{input::sections, recipe::round_trip};
use groundup_fetch::{Credentials, ImageReference, Location, Settings, fuzzing};

fn text(data: &[u8]) -> &str {
    std::str::from_utf8(data).unwrap_or("")
}

/// Manifests and indexes of registries.
pub(crate) fn manifest(data: &[u8]) {
    let _ = fuzzing::manifest(data);
}

/// Headers of answers, one a line: a challenge, a range, a redirect.
pub(crate) fn headers(data: &[u8]) {
    let mut lines = data.split(|byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    if let Some(realm) = fuzzing::challenge(text(line())) {
        assert!(realm.len() <= data.len());
    }
    fuzzing::content_range(text(line()));
    let from = "https://mirror.invalid/a/b";
    if let Some(to) = fuzzing::redirect(from, line()) {
        assert!(to.starts_with("https://"), "an encrypted redirect stays so: {to}");
        assert!(!to.contains('#'), "{to}");
    }
}

/// URLs, paths, names of images; a place below another stays below it and shows no secret.
pub(crate) fn locations(data: &[u8]) {
    let text = text(data);
    let (base, path) = text.split_once('\n').unwrap_or((text, "pool/a b"));
    round_trip::<ImageReference>(base);
    let Ok(location) = Location::parse(base) else { return };
    let shown = location.to_string();
    if let (Some(below), Some(joined)) = (location.join(path).ok(), location.local_path()) {
        let joined_path = below.local_path().expect("a place below a path is a path");
        assert!(joined_path.starts_with(joined), "{shown} {path:?}");
    }
    let mirror = Location::parse("https://mirror.invalid/debian").expect("a URL");
    if let Ok(below) = mirror.join(path) {
        let below = below.to_string();
        assert!(below.starts_with("https://mirror.invalid/debian/"), "{below}");
        assert!(!below.contains("/../") && !below.ends_with("/.."), "{below}");
    }
}

/// apt's sources: one-line files, and stanzas after `=== x.sources`.
pub(crate) fn apt_sources(data: &[u8]) {
    let text = String::from_utf8_lossy(data).into_owned();
    let mut files = vec![("sources.list", text.clone()), ("x.sources", text.clone())];
    let parts = sections(data);
    files.extend(parts.iter().map(|(path, text)| {
        let path = if path.ends_with(".sources") { "b.sources" } else { "b.list" };
        (path, String::from_utf8_lossy(text).into_owned())
    }));
    for source in groundup_fetch::apt_sources(&files) {
        assert!(!source.uri.is_empty() && !source.suite.is_empty());
    }
}

/// A settings file.
pub(crate) fn settings(data: &[u8]) {
    if let Err(error) = Settings::parse(text(data), "settings.toml") {
        assert!(error.to_string().contains("settings.toml"), "{error}");
    }
}

/// netrc, apt's `auth.conf` and Docker's configuration.
pub(crate) fn credentials(data: &[u8]) {
    let text = text(data);
    let mut credentials = Credentials::default();
    for result in [
        credentials.add_netrc(text, "netrc"),
        credentials.add_docker_config(text, "config.json").map(drop),
    ] {
        if let Err(error) = result {
            let shown = error.to_string();
            assert!(shown.contains("netrc") || shown.contains("config.json"), "{shown}");
        }
    }
}
