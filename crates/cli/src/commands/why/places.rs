//! Where pins, recipe lines and files stand now, as far as they still do.

use crate::{
    context::{DiskLoader, read_if_there},
    error::CliError,
};
use groundup_build::{
    Blame, blame,
    history::{End, PinLines, recipe_line},
};
use groundup_digest::Sha256;
use groundup_recipe::{Source, TargetBody, TargetName, WORKSPACE_FILE, load, lock::LOCK_FILE};
use serde::Serialize;
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// The files of a workspace, read when a place in them is asked for.
pub(crate) struct Places {
    root: PathBuf,
    workspace: Option<String>,
    lock: Option<String>,
    lock_digest: Option<Sha256>,
    recipes: BTreeMap<String, Option<String>>,
}

/// Where something comes from, with its place now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Ending {
    /// `pin`, `file`, `recipe` or `unknown`.
    pub(crate) kind: &'static str,
    /// What it is: the pinned package, the file, the target.
    pub(crate) what: String,
    /// `file:line` now, or a file.
    pub(crate) place: Option<String>,
    /// What is to be known of the place: that it is no longer there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) note: Option<String>,
    /// The commit that last moved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) blame: Option<Blame>,
}

impl Places {
    /// The places of the workspace at `root`.
    pub(crate) fn new(root: &Path) -> Result<Self, CliError> {
        let lock = read_if_there(&root.join(LOCK_FILE))?;
        let settings = read_if_there(&root.join(WORKSPACE_FILE))?;
        Ok(Self {
            root: root.to_owned(),
            workspace: settings.as_deref().and_then(workspace_name),
            lock_digest: lock.as_ref().map(|text| Sha256::of(text.as_bytes())),
            lock,
            recipes: BTreeMap::new(),
        })
    }

    /// No workspace: places are told as records have them.
    pub(crate) fn nowhere() -> Self {
        Self {
            root: PathBuf::new(),
            workspace: None,
            lock: None,
            lock_digest: None,
            recipes: BTreeMap::new(),
        }
    }

    /// The name of the workspace.
    pub(crate) fn workspace(&self) -> Option<&str> {
        self.workspace.as_deref()
    }

    /// Whether a lock is the one that is here now.
    pub(crate) fn is_lock(&self, lock: Option<Sha256>) -> bool {
        lock == self.lock_digest
    }

    /// The place of what a step fetches: what is pinned, `file:line`, and a remark.
    pub(crate) fn pin(
        &self,
        step: &str,
        then: Option<&str>,
    ) -> (String, Option<String>, Option<String>) {
        let lines = self.lock.as_deref().map(PinLines::new);
        match lines.and_then(|lines| lines.of_step(step)) {
            Some(line) => (line.subject(), Some(format!("{LOCK_FILE}:{}", line.line)), None),
            None => {
                let note = self.lock.is_some().then(|| "no longer pinned".to_owned());
                (step.to_owned(), then.map(str::to_owned), note)
            }
        }
    }

    /// The source package of what a step fetches.
    pub(crate) fn source_package(&self, step: &str) -> Option<String> {
        let line = PinLines::new(self.lock.as_deref()?).of_step(step)?;
        line.source_package().map(str::to_owned)
    }

    /// The line at which a target says something.
    pub(crate) fn recipe(
        &mut self,
        target: &str,
        about: Option<&str>,
        then: Option<&str>,
    ) -> (Option<String>, Option<String>) {
        let Some((path, line)) = then.and_then(|then| then.rsplit_once(':')) else {
            return (then.map(str::to_owned), None);
        };
        let line = line.parse().unwrap_or(0);
        let text = self.text(path);
        let Some(text) = text else { return (then.map(str::to_owned), None) };
        // What a node's recipe says by keys of their own becomes files with these paths.
        let words: Vec<&str> = about.map_or(Vec::new(), |about| {
            let name = about.rsplit('/').next().unwrap_or(about);
            [key_of(about), Some(about), Some(name)].into_iter().flatten().collect()
        });
        match recipe_line(text, target, line, &words) {
            Some(line) => (Some(format!("{path}:{line}")), None),
            None => (then.map(str::to_owned), Some("no longer there".to_owned())),
        }
    }

    fn text(&mut self, path: &str) -> Option<&str> {
        let root = &self.root;
        let read = || {
            let inside = !path.starts_with('/') && !path.split('/').any(|name| name == "..");
            let there = inside && !root.as_os_str().is_empty();
            there.then(|| std::fs::read_to_string(root.join(path)).ok()).flatten()
        };
        self.recipes.entry(path.to_owned()).or_insert_with(read).as_deref()
    }

    /// The end of a way back, with its place now.
    pub(crate) fn ending(&mut self, end: &End) -> Ending {
        match end {
            End::Pin { step, position } => {
                let (what, place, note) = self.pin(step, position.as_deref());
                Ending { kind: "pin", what, place, note, blame: None }
            }
            End::Recipe { target, about, position } => {
                let (place, note) = self.recipe(target, about.as_deref(), position.as_deref());
                Ending { kind: "recipe", what: target.clone(), place, note, blame: None }
            }
            End::File { leaf, path, id } => {
                let path = match leaf.split_once(':') {
                    Some(("path" | "signatures" | "glob", of)) => self.below(of, path),
                    // A directory of the repository, by its own path.
                    Some(("rendered", of)) => match (of, path.trim_start_matches('/')) {
                        (".", path) => path.to_owned(),
                        (of, "") => of.to_owned(),
                        (of, path) => format!("{of}/{path}"),
                    },
                    _ => path.clone(),
                };
                let note = self.file_note(&path, id);
                let (what, place) = (path.clone(), Some(path));
                Ending { kind: "file", what, place, note, blame: None }
            }
            End::Unknown { why } => {
                let (kind, what) = ("unknown", why.clone());
                Ending { kind, what, place: None, note: None, blame: None }
            }
        }
    }

    /// The path of a file of a leaf that has several: what a record calls by its target stands where
    /// the recipe says.
    fn below(&self, of: &str, path: &str) -> String {
        if self.root.as_os_str().is_empty() {
            return format!("{of}{path}");
        }
        let loaded = load(&DiskLoader::new(&self.root)).ok();
        let target = of.parse::<TargetName>().ok();
        let body = loaded.as_ref().zip(target.as_ref());
        let body = body.and_then(|(loaded, target)| Some(&loaded.workspace.target(target)?.body));
        let top = match body {
            Some(TargetBody::Source(Source::Path { path, .. })) => path.value.to_string(),
            Some(TargetBody::Kernel(kernel)) => match &kernel.signing {
                Some(signing) => signing.signatures.value.to_string(),
                None => of.to_owned(),
            },
            // A pattern: what stands before its first wildcard.
            _ => {
                of.split(['*', '?', '[', '{']).next().unwrap_or(of).trim_end_matches('/').to_owned()
            }
        };
        let path = format!("{top}{path}");
        path.strip_prefix("./").unwrap_or(&path).to_owned()
    }

    /// Whether a file of the repository is another one now.
    fn file_note(&self, path: &str, then: &groundup_digest::ObjectId) -> Option<String> {
        let then = then.blob()?;
        if self.root.as_os_str().is_empty() {
            return None;
        }
        match std::fs::read(self.root.join(path)) {
            Ok(bytes) if groundup_digest::BlobId::of(&bytes) == then => None,
            Ok(_) => Some("changed since".to_owned()),
            Err(_) => Some("no longer there".to_owned()),
        }
    }

    /// Adds the commit that last moved the place.
    pub(crate) fn blame(&self, ending: &mut Ending) -> Result<(), CliError> {
        let Some(place) = &ending.place else { return Ok(()) };
        if self.root.as_os_str().is_empty() || ending.note.as_deref() == Some("no longer pinned") {
            return Ok(());
        }
        let (path, line) = match place.rsplit_once(':') {
            Some((path, line)) => match line.parse() {
                Ok(line) => (path, Some(line)),
                Err(_) => (place.as_str(), None),
            },
            None => (place.as_str(), None),
        };
        ending.blame = blame(&self.root, path, line)?;
        Ok(())
    }
}

/// The key of a node's recipe that becomes a file of this path.
fn key_of(path: &str) -> Option<&'static str> {
    Some(match path {
        "/etc/hostname" => "hostname",
        "/etc/machine-id" => "machine_id",
        "/etc/sysctl.d/90-groundup.conf" => "sysctl",
        "/etc/modules-load.d/groundup.conf" => "modules_load",
        _ => return None,
    })
}

/// `name` of `[workspace]`.
fn workspace_name(text: &str) -> Option<String> {
    let own = text.lines().skip_while(|line| line.trim() != "[workspace]").skip(1);
    let mut own = own.take_while(|line| !line.starts_with('['));
    own.find_map(|line| {
        let value = line.strip_prefix("name")?.trim_start().strip_prefix('=')?.trim();
        Some(value.split('"').nth(1)?.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::workspace_name;

    #[test]
    fn the_name_of_the_workspace_is_found_without_loading_it() {
        let text = "# x\n[archive.a]\nname = \"no\"\n[workspace]\nepoch = 1\nname = \"w\" # x\n";
        assert_eq!(workspace_name(text).as_deref(), Some("w"));
        assert_eq!(workspace_name("[workspace]\n[x]\nname = \"y\"\n"), None);
    }
}
