//! Things of ours as records have them: what a digest was built from, and what is still known of it when
//! its contents are gone.

use super::{Side, failed, records::Made};
use crate::error::{CliError, Kind};
use groundup_build::history::{Answer, Asked, BornAs, load_build, open_history, whence};
use groundup_diff::{Part, Platforms, Subject, World, image_documents};
use groundup_digest::{ObjectId, Sha256, TreeId};
use groundup_provenance::{Lineage, Maker, RecordedStep};
use groundup_store::Store;
use groundup_tree::TreePath;

/// What a digest stands for: an image, a node or a kernel by its parts, anything else by itself.
pub(super) fn of_digest(
    world: &World<'_>,
    store: &Store,
    name: &str,
    asked: &Asked,
    platforms: &Platforms,
) -> Result<Side, CliError> {
    let history = open_history(store)?;
    let answer =
        whence(store, &history, asked).map_err(|error| CliError::of(Kind::Environment, &error))?;
    let born = match answer {
        Answer::Born { born } => born.into_iter().next(),
        Answer::Ambiguous { .. } => {
            let error = CliError::usage(format!("several ids begin as `{name}` does"));
            return Err(error.hint("`groundup whence` lists them"));
        }
        Answer::Nothing { .. } => None,
    };
    let Some(born) = born else {
        let error = CliError::usage(format!("no build in the store made `{name}`"));
        return Err(error.hint(
            "what others built is compared from a file or directory: fetch it first, as with \
             `skopeo copy docker://… oci:DIRECTORY`",
        ));
    };
    let record = load_build(store, born.build.record)
        .map_err(|error| CliError::of(Kind::Environment, &error))?;
    let mut made = Made { record, step: born.step };
    if let (BornAs::ImageManifest, Some(digest)) = (&born.what, born.sha256) {
        made.narrow(|layout| holds(store, layout, digest));
    }
    // Which image of an index is meant was asked; anything else is of one platform.
    let own = match born.what {
        BornAs::ImageIndex => None,
        _ => made.platform().and_then(|platform| platform.parse().ok()),
    };
    let own = own.map(|platform| Platforms { platform });
    let platforms = own.as_ref().unwrap_or(platforms);
    let whole = matches!(born.what, BornAs::ImageIndex | BornAs::ImageManifest);
    let mut found = Vec::new();
    if whole || made.step().is_some_and(is_whole) {
        for (part, id) in made.parts(&platforms.platform.to_string()) {
            match (part.as_str(), id) {
                // The layout is compressed layers; what is told of are its documents.
                ("layout", ObjectId::Tree(layout)) => {
                    found.extend(documents(world, layout, platforms));
                }
                _ => found.push((part, Part::from(id))),
            }
        }
    }
    let kind = born.owner.split('.').next().unwrap_or_default().to_owned();
    let subject = match (found.is_empty(), born.id) {
        (false, _) => Subject::of_parts(name, kind, found),
        (true, Some(id)) => Subject::of_object(world, name, id).map_err(|error| failed(&error))?,
        (true, None) => {
            let error = format!("`{name}` is known, and no object of the store is");
            return Err(CliError::new(Kind::Environment, error));
        }
    };
    Ok(Side { subject, made: Some(made) })
}

/// The documents of an image's layout, as far as their contents are there.
fn documents(world: &World<'_>, layout: TreeId, platforms: &Platforms) -> Vec<(String, Part)> {
    image_documents(world, layout, platforms).unwrap_or_default()
}

/// Whether a layout has a blob of this digest.
fn holds(store: &Store, layout: TreeId, digest: Sha256) -> bool {
    let path = TreePath::parse(format!("blobs/sha256/{digest}").as_bytes()).ok();
    // What was collected is no layout to choose.
    let tree = store.load_tree(layout).ok();
    path.zip(tree).is_some_and(|(path, tree)| tree.get(&path).is_some())
}

/// Whether a step gives a target as a whole.
fn is_whole(step: &RecordedStep) -> bool {
    let parts = step.parts();
    match parts.owner.split('.').next() {
        Some("image") => ["index", "manifest"].contains(&parts.role),
        Some("node") => ["disk", "qcow2", "join"].contains(&parts.role),
        _ => false,
    }
}

impl Made {
    /// The step that made it.
    pub(super) fn step(&self) -> Option<&RecordedStep> {
        self.record.steps.iter().find(|step| step.label == self.step)
    }

    /// Whose step that is.
    pub(super) fn owner(&self) -> &str {
        groundup_provenance::label_parts(&self.step).owner
    }

    /// What it was made for, where its step says it.
    fn platform(&self) -> Option<&str> {
        groundup_provenance::label_parts(&self.step).platform
    }

    /// From a step of all platforms to the one that made the image whose layout `is_meant`.
    fn narrow(&mut self, is_meant: impl Fn(TreeId) -> bool) {
        if self.platform().is_some() {
            return;
        }
        let own = self.record.steps.iter().filter(|step| {
            let parts = step.parts();
            parts.owner == self.owner() && parts.role == "manifest"
        });
        let found = own.into_iter().find(
            |step| matches!(step.output("out"), Some(ObjectId::Tree(layout)) if is_meant(layout)),
        );
        if let Some(label) = found.map(|step| step.label.clone()) {
            self.step = label;
        }
    }

    fn of_role(&self, owner: &str, role: &str, platform: &str) -> Option<&RecordedStep> {
        let steps = self.record.steps.iter().filter(|step| {
            let parts = step.parts();
            parts.owner == owner && parts.role == role
        });
        let fits = |step: &&RecordedStep| step.parts().platform.is_none_or(|it| it == platform);
        steps.clone().find(fits)
    }

    /// What it was asked for, if it is a kernel.
    pub(super) fn requested(&self) -> Option<TreeId> {
        let platform = self.platform().unwrap_or_default();
        let is_kernel = self.owner().starts_with("kernel.");
        let fragments = self.of_role(self.owner(), "fragments", platform).filter(|_| is_kernel)?;
        match fragments.output("out")? {
            ObjectId::Tree(tree) => Some(tree),
            ObjectId::Blob(_) => None,
        }
    }

    /// Where the paths of it came from, as the step that made it says, or that of its root.
    pub(super) fn origins(&self) -> Option<(&'static str, ObjectId)> {
        if let Some(id) = self.step()?.output("origins") {
            return Some(("", id));
        }
        let platform = self.platform().unwrap_or("linux/amd64");
        let own = self.of_role(self.owner(), "root", platform);
        if let Some(id) = own.and_then(|step| step.output("origins")) {
            return Some(("root", id));
        }
        let split = self.of_role(self.owner(), "split", platform)?;
        let (.., id) = split.inputs.iter().find(|(name, ..)| name == "origins")?;
        Some(("root", *id))
    }

    /// What the target consists of, as a comparison of targets has it.
    fn parts(&self, platform: &str) -> Vec<(String, ObjectId)> {
        let owner = self.owner();
        let input = |role: &str, name: &str| {
            let step = self.of_role(owner, role, platform)?;
            step.inputs.iter().find(|(input, ..)| input == name).map(|(.., id)| *id)
        };
        let output = |role: &str| self.of_role(owner, role, platform)?.output("out");
        let named = match owner.split('.').next().unwrap_or_default() {
            "image" => vec![("root", input("split", "tree")), ("layout", output("manifest"))],
            "node" => vec![
                ("root", output("root")),
                ("initramfs", output("initramfs")),
                ("kernel", input("uki", "kernel")),
                ("uki", output("uki")),
            ],
            _ => Vec::new(),
        };
        named.into_iter().filter_map(|(name, id)| Some((name.to_owned(), id?))).collect()
    }

    /// What tells of the thing beside its contents: configurations of its kernel, and facts.
    pub(super) fn telling(&self) -> Vec<(String, ObjectId)> {
        let lineage = Lineage::new(&self.record);
        let platform = self.platform().unwrap_or("linux/amd64");
        let mut owners = vec![self.owner().to_owned()];
        let uki = self.of_role(self.owner(), "uki", platform);
        let inputs = uki.into_iter().flat_map(|step| &step.inputs);
        for (_, label, _) in inputs.filter(|(name, ..)| name == "kernel") {
            if let Maker::Step { step, .. } = lineage.maker(label) {
                owners.push(step.parts().owner.to_owned());
            }
        }
        let mut found = Vec::new();
        for owner in owners {
            let own = owner == self.owner();
            let part = |name: &str| if own { name.to_owned() } else { format!("{owner} {name}") };
            for (name, role) in [("config", "check"), ("facts", "facts")] {
                let is_of_kernel = owner.starts_with("kernel.");
                if name == "config" && !is_of_kernel {
                    continue;
                }
                let id = self.of_role(&owner, role, platform).and_then(|step| step.output("out"));
                found.extend(id.map(|id| (part(name), id)));
            }
        }
        found
    }

    /// How its contents come back.
    pub(super) fn again(&self, name: &str) -> String {
        let target = self.owner();
        let target = match target.parse::<groundup_recipe::TargetName>() {
            Ok(target) => target.to_string(),
            Err(_) => match self.record.targets.first() {
                Some(asked) => asked.name.split(' ').next().unwrap_or_default().to_owned(),
                None => String::new(),
            },
        };
        let commit = self.record.commit.as_deref().unwrap_or_default();
        let plain = commit.strip_suffix("-dirty").unwrap_or(commit);
        let build = format!("groundup --store STORE build {target}");
        let before = match (plain.is_empty(), plain == commit) {
            (true, _) => format!("`{build}` in the repository as it was then"),
            (false, true) => format!("`git worktree add ../before {plain}`, and in it `{build}`"),
            (false, false) => format!(
                "`git worktree add ../before {plain}`, what was not committed then, and in it `{build}`"
            ),
        };
        format!("contents of {name} were collected; they come back with {before}")
    }
}

/// A subject with what tells of it beside its contents.
pub(super) fn with_telling(side: &Side) -> Option<Subject> {
    let made = side.made.as_ref()?;
    let mut parts = side.subject.parts.clone();
    for (name, id) in made.telling() {
        parts.entry(name).or_insert(id.into());
    }
    Some(Subject { parts, ..side.subject.clone() })
}

#[cfg(test)]
mod tests {
    use super::{Made, ObjectId, RecordedStep, TreeId};
    use groundup_digest::StepKey;
    use groundup_provenance::{BuildRecord, Circumstances};

    fn tree(content: &str) -> ObjectId {
        ObjectId::Tree(TreeId::of_encoded(content.as_bytes()))
    }

    /// An image of two platforms, and the index of both.
    fn image() -> Made {
        let step = |label: &str, inputs: &[(&str, &str)], out: &str| RecordedStep {
            label: label.to_owned(),
            key: StepKey::of_encoded(label.as_bytes()),
            position: None,
            inputs: inputs
                .iter()
                .map(|(name, id)| (name.to_string(), "x".into(), tree(id)))
                .collect(),
            outputs: vec![("out".to_owned(), tree(out))],
            question: None,
        };
        let platforms = ["amd64", "arm64"].map(|of| {
            [
                step(&format!("image.x split linux/{of}"), &[("tree", &format!("root {of}"))], ""),
                step(&format!("image.x manifest linux/{of}"), &[], &format!("layout {of}")),
            ]
        });
        let mut steps = platforms.concat();
        steps.push(step("image.x index", &[], "index"));
        let record = BuildRecord {
            workspace: "w".into(),
            commit: None,
            lock: None,
            targets: Vec::new(),
            steps,
            circumstances: Circumstances::default(),
        };
        Made { record, step: "image.x index".into() }
    }

    #[test]
    fn a_manifest_of_an_index_has_the_parts_of_its_own_platform() {
        for of in ["amd64", "arm64"] {
            let mut made = image();
            made.narrow(|layout| ObjectId::Tree(layout) == tree(&format!("layout {of}")));
            let platform = made.platform().unwrap().to_owned();
            assert_eq!(platform, format!("linux/{of}"));
            let parts = made.parts(&platform);
            let expected = [("root", format!("root {of}")), ("layout", format!("layout {of}"))];
            assert_eq!(parts, expected.map(|(name, id)| (name.to_owned(), tree(&id))));
        }
        let mut made = image();
        made.narrow(|_| false);
        assert_eq!(made.platform(), None, "an index whose images are gone stays one");
    }
}
