//! What was found in the manifests of a cluster and did not end the build: written by the step that
//! makes them, and told again by every build that hands them out.

use crate::{annotate, out, session::Artifact, words};
use groundup_digest::ObjectId;
use groundup_recipe::Loaded;
use groundup_store::{Store, StoreError};
use groundup_tree::Kind;
use serde::{Deserialize, Serialize};
use std::{cell::LazyCell, path::Path};

/// The file in the output `checks`.
pub(crate) const FILE: &str = "checks.json";
/// The most that is told of one cluster; the file has all.
const SHOWN: usize = 50;

/// A finding, as the file has it.
#[derive(Serialize, Deserialize)]
pub(crate) struct Said {
    /// Whether it is told; what is allowed is not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) warning: bool,
    pub(crate) rule: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) object: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u32>,
    pub(crate) message: String,
}

/// Tells the warnings of the clusters among the outputs of a build, with their places.
/// `recipe` gives `file:line` of a target.
pub(crate) fn tell(
    store: &Store,
    artifacts: &[Artifact],
    root: &Path,
    recipe: &dyn Fn(&str) -> Option<String>,
) -> Result<(), StoreError> {
    let clusters = artifacts.iter().filter(|it| it.target.starts_with("cluster."));
    for artifact in clusters.filter(|it| it.output == "checks") {
        let said = load(store, artifact.id)?;
        let warnings: Vec<&Said> = said.iter().filter(|it| it.warning).collect();
        let recipe = LazyCell::new(|| recipe(&artifact.target));
        for warning in warnings.iter().take(SHOWN) {
            let text = format!("{} [{}]", warning.message, warning.rule);
            let object = warning.object.as_deref().unwrap_or(&artifact.target);
            match (&warning.file, warning.line) {
                (Some(file), Some(line)) => {
                    let place = format!("{file}:{line}");
                    out::warn(format!("{place}: {object}: {text}"));
                    if annotate::are_read() {
                        let text = format!("{object}: {text}");
                        let (place, text) = annotation(root, file, line, text, || recipe.clone());
                        annotate::warning(&place, &text);
                    }
                }
                _ => out::warn(format!("{object}: {text}")),
            }
        }
        if let Some(more) = warnings.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            let more = words::count(more, "more warning");
            out::say(format!("{more} of {}: see {FILE} of its output `checks`", artifact.target));
        }
    }
    Ok(())
}

/// `file:line` of the recipe of a target.
pub(crate) fn recipe_of(loaded: &Loaded, target: &str) -> Option<String> {
    let span = loaded.workspace.target(&target.parse().ok()?)?.name.span;
    let sources = &loaded.sources;
    Some(format!("{}:{}", sources.path(span.file), sources.position(span).line))
}

/// Where a finding is annotated: at its file, or at the recipe if that is none of the repository, as
/// one of a chart or of a target.
fn annotation(
    root: &Path,
    file: &str,
    line: u32,
    text: String,
    recipe: impl FnOnce() -> Option<String>,
) -> (String, String) {
    let place = format!("{file}:{line}");
    if root.join(file).is_file() {
        return (place, text);
    }
    match recipe() {
        Some(recipe) => (recipe, format!("{place}: {text}")),
        None => (place, text),
    }
}

/// What the output has; nothing where its content was collected.
fn load(store: &Store, id: ObjectId) -> Result<Vec<Said>, StoreError> {
    let ObjectId::Tree(tree) = id else { return Ok(Vec::new()) };
    let tree = store.load_tree(tree)?;
    let file = tree.iter().find(|(path, _)| path.as_bytes() == FILE.as_bytes());
    let Some(Kind::File { blob, .. }) = file.map(|(_, node)| &node.kind) else {
        return Ok(Vec::new());
    };
    Ok(serde_json::from_slice(&store.read_blob(*blob)?).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::annotation;

    #[test]
    fn a_finding_in_no_file_of_the_repository_is_annotated_at_the_recipe() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("deploy")).unwrap();
        std::fs::write(root.path().join("deploy/web.yaml"), "").unwrap();
        let at = |file: &str, recipe: Option<&str>| {
            let recipe = recipe.map(str::to_owned);
            annotation(root.path(), file, 3, "Pod/x: no".to_owned(), || recipe)
        };
        let recipe = Some("recipes/shop.toml:7");
        let told = |place: &str, text: &str| (place.to_owned(), text.to_owned());
        assert_eq!(at("deploy/web.yaml", recipe), told("deploy/web.yaml:3", "Pod/x: no"));
        for file in ["chart web: web/templates/x.yaml", "source.app/deploy/web.yaml", "deploy"] {
            let expected = told("recipes/shop.toml:7", &format!("{file}:3: Pod/x: no"));
            assert_eq!(at(file, recipe), expected);
        }
        assert_eq!(at("gone.yaml", None), told("gone.yaml:3", "Pod/x: no"));
    }
}
