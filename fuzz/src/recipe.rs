//! What people write: recipes, the lock, names.

use crate::input::sections;
use groundup_recipe::{
    ColorChoice, Kind, Loaded, Lock, MemoryLoader, PackageRequest, Platform, RepoPath, Sources,
    TargetBody, TargetName, TargetPattern, TargetRef, TreePath, load,
    lock::{IndexKey, LOCK_FILE, PackageId, request},
    render_all,
};
use std::{fmt::Display, str::FromStr};

/// A whole workspace: the files after lines `=== PATH`, the lock among them.
pub(crate) fn workspace(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let files: Vec<(&str, String)> = sections(text.as_bytes())
        .into_iter()
        .map(|(path, text)| (path, String::from_utf8_lossy(text).into_owned()))
        .collect();
    let loaded = match load(&MemoryLoader::new(files.clone())) {
        Ok(loaded) => loaded,
        Err(failure) => {
            assert!(!failure.diagnostics.is_empty(), "a failure says why");
            assert!(!failure.to_string().is_empty());
            return;
        }
    };
    let Loaded { workspace, mut sources, warnings, .. } = loaded;
    let mut found = warnings;
    for target in workspace.targets().values() {
        assert_eq!(target.name.value.to_string().parse(), Ok(target.name.value.clone()));
        if let TargetBody::Rootfs(rootfs) = &target.body {
            rootfs.platforms.iter().for_each(|platform| {
                request(&workspace, rootfs, platform.value);
            });
        }
    }
    let words: Vec<String> = workspace.targets().keys().map(ToString::to_string).collect();
    // No words mean the default.
    if !words.is_empty() {
        let selected = workspace.select(&words).expect("every target is selected by its name");
        assert_eq!(selected.len(), words.len(), "a name selects one target");
    }
    let _ = workspace.select(&["image.*", "nosuch"]);
    if let Some((_, text)) = files.iter().find(|(path, _)| *path == LOCK_FILE) {
        match Lock::parse(&mut sources, LOCK_FILE, text) {
            Ok(lock) => {
                found.extend(lock.check(&workspace).iter().map(|stale| stale.to_diagnostic()));
            }
            Err(errors) => found.extend(errors),
        }
    }
    render_all(&found, &sources, ColorChoice::Plain);
}

/// The lock alone: what is read is written and read again as it was.
pub(crate) fn lock(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut sources = Sources::new();
    match Lock::parse(&mut sources, LOCK_FILE, text) {
        Ok(lock) => {
            let text = lock.to_text();
            let again = Lock::parse(&mut sources, LOCK_FILE, &text);
            let again = again.unwrap_or_else(|errors| {
                let shown = render_all(&errors, &sources, ColorChoice::Plain);
                panic!("a lock that was written is not read:\n{text}\n{shown}")
            });
            assert_eq!(again.to_text(), text, "a lock is written as it was");
            assert!(Lock::changes(&lock, &again).is_empty(), "a lock is read as it was");
        }
        Err(errors) => {
            assert!(!errors.is_empty(), "a failure says why");
            render_all(&errors, &sources, ColorChoice::Plain);
        }
    }
}

/// Whatever is read of a text prints a text that is read as the same.
pub(crate) fn round_trip<T: FromStr<Err: std::fmt::Debug> + Display>(text: &str) {
    let Ok(value) = text.parse::<T>() else { return };
    let printed = value.to_string();
    let again: T = printed.parse().expect("what was printed is read");
    assert_eq!(again.to_string(), printed, "{text:?} is printed as it was read");
}

/// Names, references and the other words of recipes and of the command line.
pub(crate) fn words(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    round_trip::<Kind>(text);
    round_trip::<TargetName>(text);
    round_trip::<TargetRef>(text);
    round_trip::<Platform>(text);
    round_trip::<TreePath>(text);
    round_trip::<RepoPath>(text);
    round_trip::<PackageRequest>(text);
    round_trip::<IndexKey>(text);
    round_trip::<PackageId>(text);
    round_trip::<groundup_debian::resolve::Wanted>(text);
    round_trip::<groundup_image::Platform>(text);
    round_trip::<groundup_digest::ObjectId>(text);
    round_trip::<groundup_digest::BlobId>(text);
    round_trip::<groundup_store::LogName>(text);
    if let Ok(pattern) = text.parse::<TargetPattern>() {
        assert!(pattern.is_pattern() || pattern.as_str() == text);
        let name: TargetName = "image.web".parse().expect("a name");
        pattern.matches(&name);
    }
    if let (Some(pattern), Some(path)) = (text.split(' ').next(), text.split(' ').next_back()) {
        groundup_recipe::glob_matches(pattern, path);
    }
}
