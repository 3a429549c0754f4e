//! A workspace beside an archive that is served, and the check that nothing was left behind.

use groundup_testkit::Server;
use groundup_tests::tiny::{Said, Tiny};
use std::{collections::BTreeSet, fs};

/// A workspace whose mirror is a web server that misbehaves as told, and that is asked once only.
pub(crate) struct Served {
    pub(crate) tiny: Tiny,
    pub(crate) server: Server,
}

impl Served {
    pub(crate) fn of(tiny: Tiny) -> Self {
        let server = Server::serve(&tiny.mirror());
        let settings = format!(
            "[mirrors]\ntiny = [\"{}\"]\n\n[network]\nretries = 1\nretry-wait = \"1ms\"\n\
             connect-timeout = \"5s\"\nidle-timeout = \"1s\"\n",
            server.url("")
        );
        tiny.workspace.write("groundup.local.toml", settings);
        Self { tiny, server }
    }

    /// The path of a file of the archive on the server.
    pub(crate) fn path(&self, part: &str) -> String {
        let mirror = self.tiny.mirror();
        let mut found = Vec::new();
        files(&mirror, &mut found);
        let found = found.into_iter().find(|path| path.contains(part));
        let found = found.unwrap_or_else(|| panic!("the archive has no {part}"));
        format!("/{}", found.strip_prefix(&format!("{}/", mirror.display())).expect("it is in it"))
    }

    /// Runs a command that has to fail with this code and these words, and checks the store.
    #[track_caller]
    pub(crate) fn refuses(&self, row: &str, arguments: &[&str], code: i32, words: &[&str]) {
        refuses(&self.tiny, row, arguments, code, words);
    }
}

/// Runs a command that has to fail with this code and these words, and checks the store.
#[track_caller]
pub(crate) fn refuses(tiny: &Tiny, row: &str, arguments: &[&str], code: i32, words: &[&str]) {
    let (roots, lock) = (kept(tiny), lock(tiny));
    let said = tiny.run(arguments);
    assert_eq!(said.code, code, "{row}: {said}");
    for word in words {
        assert!(said.err.contains(word), "{row}: `{word}` is not in: {said}");
    }
    assert!(!said.err.contains("panicked") && said.out.is_empty(), "{row}: {said}");
    assert_eq!(kept(tiny), roots, "{row}: what is kept is what it was");
    assert_eq!(self::lock(tiny), lock, "{row}: the lock is what it was");
    untouched(tiny, row);
}

/// Checks that a store, if there is one, is whole and holds no scratch.
#[track_caller]
pub(crate) fn untouched(tiny: &Tiny, row: &str) {
    if !tiny.workspace.path("store/format").exists() {
        return;
    }
    let said: Said = tiny.run(&["store", "verify"]);
    assert_eq!(said.code, 0, "{row}: {said}");
    assert!(said.err.contains("all well"), "{row}: {said}");
    let mut scratch = Vec::new();
    files(&tiny.workspace.path("store/tmp"), &mut scratch);
    assert!(scratch.is_empty(), "{row}: {scratch:?}");
}

/// The roots of the store: what it keeps for good.
fn kept(tiny: &Tiny) -> BTreeSet<String> {
    let mut found = Vec::new();
    files(&tiny.workspace.path("store/roots"), &mut found);
    found.into_iter().collect()
}

fn lock(tiny: &Tiny) -> Option<Vec<u8>> {
    fs::read(tiny.workspace.path("groundup.lock")).ok()
}

fn files(folder: &std::path::Path, found: &mut Vec<String>) {
    #[allow(clippy::disallowed_methods, reason = "sorted below")]
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            files(&path, found);
        } else {
            found.push(path.to_string_lossy().into_owned());
        }
    }
}

/// The ids of what a build gives.
pub(crate) fn built(tiny: &Tiny) -> serde_json::Value {
    let answer = tiny.answer(&["build"]);
    answer["targets"].clone()
}
