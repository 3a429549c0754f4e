//! A build record as a graph: who made what, from what.
//!
//! Steps are found by label, makers by the label that an input names, and everything below a step can
//! be summed up ([`Lineage::made_of`]). Nothing but the record is looked at.

use crate::{BuildRecord, RecordedStep};
use groundup_digest::ObjectId;
use std::collections::{BTreeMap, BTreeSet};

/// A build record that can be walked.
#[derive(Debug, Clone)]
pub struct Lineage<'a> {
    record: &'a BuildRecord,
    steps: BTreeMap<&'a str, &'a RecordedStep>,
}

/// Where an input came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maker<'a> {
    /// A file or files of the repository, by label: `file:web/index.html`.
    Leaf(&'a str),
    /// An output of a step.
    Step {
        /// The step.
        step: &'a RecordedStep,
        /// The output.
        output: &'a str,
    },
}

/// The parts of a step's label: `rootfs.web merge linux/amd64`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LabelParts<'a> {
    /// A target, `package NAME:ARCH` or `archive NAME`.
    pub owner: &'a str,
    /// What the step does there; empty for a label of another form.
    pub role: &'a str,
    /// The platform, where it has one.
    pub platform: Option<&'a str>,
}

/// All that something is made of, by kind.
#[derive(Debug, Clone, Default)]
pub struct MadeOf<'a> {
    /// Steps that fetch what is pinned, with what each is needed for.
    pub pins: BTreeMap<&'a str, (&'a RecordedStep, Part)>,
    /// Leaves of the repository by label.
    pub files: BTreeMap<&'a str, (ObjectId, Part)>,
    /// Owners of steps by the recipe position that they come from.
    pub recipes: BTreeMap<&'a str, (BTreeSet<&'a str>, Part)>,
    /// How many steps there are.
    pub steps: usize,
}

/// What something is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// It, or what is made of it, is in what is asked about.
    Content,
    /// It vouches for other inputs: indexes and keys of archives.
    Trust,
    /// What is asked about was made with its help: compilers, tools.
    Tool,
}

/// The parts of a step's label.
pub fn label_parts(label: &str) -> LabelParts<'_> {
    // The owner of a package or an archive has two words.
    let two = label.starts_with("package ") || label.starts_with("archive ");
    let after = label.match_indices(' ').nth(usize::from(two)).map(|(at, _)| at);
    let Some(at) = after else { return LabelParts { owner: label, role: "", platform: None } };
    let (owner, rest) = (&label[..at], &label[at + 1..]);
    match rest.rsplit_once(' ') {
        Some((role, platform)) if platform.starts_with("linux/") => {
            LabelParts { owner, role, platform: Some(platform) }
        }
        _ => LabelParts { owner, role: rest, platform: None },
    }
}

impl RecordedStep {
    /// The parts of its label.
    pub fn parts(&self) -> LabelParts<'_> {
        label_parts(&self.label)
    }

    /// Its output of this name.
    pub fn output(&self, name: &str) -> Option<ObjectId> {
        self.outputs.iter().find(|(output, _)| output == name).map(|(_, id)| *id)
    }

    /// Whether it fetches something that is pinned.
    pub fn is_pin(&self) -> bool {
        let role = self.parts().role;
        self.inputs.is_empty() && (role == "fetch" || role.starts_with("fetch "))
    }
}

impl<'a> Lineage<'a> {
    /// The graph of a record.
    pub fn new(record: &'a BuildRecord) -> Self {
        let steps = record.steps.iter().map(|step| (step.label.as_str(), step)).collect();
        Self { record, steps }
    }

    /// The record.
    pub fn record(&self) -> &'a BuildRecord {
        self.record
    }

    /// The step of this label.
    pub fn step(&self, label: &str) -> Option<&'a RecordedStep> {
        self.steps.get(label).copied()
    }

    /// The steps of a target, a package or an archive.
    pub fn steps_of(&self, owner: &str) -> impl Iterator<Item = &'a RecordedStep> {
        self.record.steps.iter().filter(move |step| step.parts().owner == owner)
    }

    /// The maker that an input's label means.
    pub fn maker(&self, label: &'a str) -> Maker<'a> {
        let step = label.rsplit_once(':').and_then(|(of, output)| Some((self.step(of)?, output)));
        step.map_or(Maker::Leaf(label), |(step, output)| Maker::Step { step, output })
    }

    /// The steps that put out an object, and the output, those of the target's own steps first.
    pub fn makers_of(&self, id: ObjectId) -> Vec<(&'a RecordedStep, &'a str)> {
        let steps = self.record.steps.iter();
        let made =
            steps.flat_map(|step| step.outputs.iter().map(move |(name, id)| (step, name, id)));
        made.filter(|(.., made)| **made == id)
            .map(|(step, name, _)| (step, name.as_str()))
            .collect()
    }

    /// The steps that read an object of the repository: step, name of the input, label of the leaf.
    pub fn readers_of(&self, id: ObjectId) -> Vec<(&'a RecordedStep, &'a str, &'a str)> {
        let steps = self.record.steps.iter();
        let read = steps.flat_map(|step| step.inputs.iter().map(move |input| (step, input)));
        read.filter(|(_, (.., read))| *read == id)
            .filter(|(_, (_, label, _))| matches!(self.maker(label), Maker::Leaf(_)))
            .map(|(step, (name, label, _))| (step, name.as_str(), label.as_str()))
            .collect()
    }

    /// Steps of a target whose outputs nobody else of the target reads, the results of its steps.
    pub fn ends_of(&self, target: &str) -> Vec<&'a RecordedStep> {
        let own: Vec<&RecordedStep> = self.steps_of(target).collect();
        let inner: BTreeSet<&str> = own
            .iter()
            .flat_map(|step| &step.inputs)
            .filter_map(|(_, label, _)| match self.maker(label) {
                Maker::Step { step, .. } => Some(step.label.as_str()),
                Maker::Leaf(_) => None,
            })
            .collect();
        own.into_iter().filter(|step| !inner.contains(step.label.as_str())).collect()
    }

    /// All that some steps are made of, themselves counted.
    pub fn made_of(&self, ends: &[&'a RecordedStep]) -> MadeOf<'a> {
        let mut made = MadeOf::default();
        // The best part that a step was reached for; a step is gone through again for a better one.
        let mut reached: BTreeMap<&str, Part> = BTreeMap::new();
        let mut todo: Vec<(&RecordedStep, Part)> =
            ends.iter().map(|step| (*step, Part::Content)).collect();
        while let Some((step, part)) = todo.pop() {
            if reached.get(step.label.as_str()).is_some_and(|known| *known <= part) {
                continue;
            }
            reached.insert(&step.label, part);
            if step.is_pin() {
                made.pins.insert(&step.label, (step, part));
                continue;
            }
            if let Some(position) = &step.position
                && !position.starts_with("groundup.lock:")
            {
                let place = made.recipes.entry(position).or_insert((BTreeSet::new(), part));
                place.0.insert(step.parts().owner);
                place.1 = place.1.min(part);
            }
            for (name, label, id) in &step.inputs {
                let part = match self.part(step, name, label) {
                    Part::Trust => Part::Trust,
                    other => part.max(other),
                };
                match self.maker(label) {
                    Maker::Leaf(leaf) => {
                        let known = made.files.entry(leaf).or_insert((*id, part));
                        known.1 = known.1.min(part);
                    }
                    Maker::Step { step, .. } => todo.push((step, part)),
                }
            }
        }
        made.steps = reached.len();
        made
    }

    /// What a step needs an input for.
    pub fn part(&self, step: &RecordedStep, name: &str, label: &'a str) -> Part {
        if name.starts_with("verified.") || step.parts().owner.starts_with("archive ") {
            return Part::Trust;
        }
        let Maker::Step { step: maker, .. } = self.maker(label) else { return Part::Content };
        let (own, of) = (step.parts(), maker.parts());
        // The root that a command runs in; that of maintainer scripts is what they change.
        let tools = name == "root" && of.owner.starts_with("rootfs.") && of.owner != own.owner;
        let looks_only = ["check", "facts", "test check"].contains(&own.role);
        if tools && !looks_only { Part::Tool } else { Part::Content }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Circumstances, RecordedTarget};
    use groundup_digest::{BlobId, StepKey};

    fn id(text: &str) -> ObjectId {
        ObjectId::Blob(BlobId::of(text.as_bytes()))
    }

    fn step(
        label: &str,
        position: &str,
        inputs: &[(&str, &str)],
        outputs: &[&str],
    ) -> RecordedStep {
        let inputs = inputs.iter().map(|(name, from)| ((*name).into(), (*from).into(), id(from)));
        let made = |output: &&str| ((*output).into(), id(&format!("{label}:{output}")));
        RecordedStep {
            label: label.into(),
            key: StepKey::of_encoded(label.as_bytes()),
            position: Some(position.into()),
            inputs: inputs.collect(),
            outputs: outputs.iter().map(made).collect(),
            question: None,
        }
    }

    fn record() -> BuildRecord {
        let data = [
            ("data.0000", "package libc6:amd64 unpack 2.36:data"),
            ("file.000", "file:motd"),
            ("verified.debian", "rootfs.base verify debian linux/amd64:out"),
        ];
        let run =
            [("root", "rootfs.tools merge linux/amd64:out"), ("src.x", "source.x unpack:out")];
        let trees = [
            ("tree.00", "rootfs.base merge linux/amd64:out"),
            ("tree.01", "build.x run linux/amd64:out"),
        ];
        let steps = vec![
            step("archive debian fetch InRelease", "groundup.lock:5", &[], &["out"]),
            step(
                "archive debian verify",
                "groundup.lock:5",
                &[("inrelease", "archive debian fetch InRelease:out")],
                &["out"],
            ),
            step("build.x run linux/amd64", "recipes/x.toml:9", &run, &["out"]),
            step("image.x compose linux/amd64", "recipes/x.toml:20", &trees, &["origins", "out"]),
            step(
                "image.x index",
                "recipes/x.toml:20",
                &[("t", "image.x compose linux/amd64:out")],
                &["out"],
            ),
            step("package gcc:amd64 fetch 12", "groundup.lock:31", &[], &["out"]),
            step(
                "package gcc:amd64 unpack 12",
                "groundup.lock:40",
                &[("package", "package gcc:amd64 fetch 12:out")],
                &["data"],
            ),
            step("package libc6:amd64 fetch 2.36", "groundup.lock:30", &[], &["out"]),
            step(
                "package libc6:amd64 unpack 2.36",
                "groundup.lock:41",
                &[("package", "package libc6:amd64 fetch 2.36:out")],
                &["control", "data"],
            ),
            step("rootfs.base merge linux/amd64", "recipes/x.toml:1", &data, &["origins", "out"]),
            step(
                "rootfs.base verify debian linux/amd64",
                "groundup.lock:60",
                &[("index", "archive debian verify:out")],
                &["out"],
            ),
            step(
                "rootfs.tools merge linux/amd64",
                "recipes/x.toml:5",
                &[
                    ("data.0000", "package gcc:amd64 unpack 12:data"),
                    ("data.0001", "package libc6:amd64 unpack 2.36:data"),
                ],
                &["origins", "out"],
            ),
            step("source.x fetch", "groundup.lock:90", &[], &["out"]),
            step(
                "source.x unpack",
                "recipes/x.toml:3",
                &[("file", "source.x fetch:out")],
                &["out"],
            ),
        ];
        BuildRecord {
            workspace: "demo".into(),
            commit: None,
            lock: None,
            targets: vec![RecordedTarget {
                name: "image.x".into(),
                outputs: vec![("out".into(), id("image.x index:out"))],
            }],
            steps,
            circumstances: Circumstances::default(),
        }
    }

    #[test]
    fn labels_are_taken_apart() {
        let parts = label_parts("package libc6:amd64 unpack 2.36");
        assert_eq!(
            (parts.owner, parts.role, parts.platform),
            ("package libc6:amd64", "unpack 2.36", None)
        );
        let parts = label_parts("rootfs.base verify debian linux/amd64");
        assert_eq!(
            (parts.owner, parts.role, parts.platform),
            ("rootfs.base", "verify debian", Some("linux/amd64"))
        );
        let parts = label_parts("odd");
        assert_eq!((parts.owner, parts.role), ("odd", ""));
    }

    #[test]
    fn makers_are_found_by_the_label_of_an_input_and_by_what_they_made() {
        let record = record();
        let lineage = Lineage::new(&record);
        assert_eq!(lineage.maker("file:motd"), Maker::Leaf("file:motd"));
        let Maker::Step { step, output } = lineage.maker("package libc6:amd64 unpack 2.36:data")
        else {
            panic!("it is a step");
        };
        assert_eq!((step.parts().owner, output), ("package libc6:amd64", "data"));
        let made = lineage.makers_of(id("source.x unpack:out"));
        assert_eq!(made.len(), 1);
        assert_eq!((made[0].0.label.as_str(), made[0].1), ("source.x unpack", "out"));
        let readers = lineage.readers_of(id("file:motd"));
        assert_eq!(readers.len(), 1);
        assert_eq!((readers[0].1, readers[0].2), ("file.000", "file:motd"));
        let ends: Vec<_> = lineage.ends_of("image.x").iter().map(|step| &step.label).collect();
        assert_eq!(ends, ["image.x index"]);
    }

    #[test]
    fn what_is_inside_is_told_from_what_it_was_made_with() {
        let record = record();
        let lineage = Lineage::new(&record);
        let made = lineage.made_of(&lineage.ends_of("image.x"));
        let part = |label: &str| made.pins[label].1;
        assert_eq!(part("source.x fetch"), Part::Content);
        assert_eq!(part("package gcc:amd64 fetch 12"), Part::Tool);
        assert_eq!(part("archive debian fetch InRelease"), Part::Trust);
        // A package that is a tool too is in the image all the same.
        assert_eq!(part("package libc6:amd64 fetch 2.36"), Part::Content);
        assert_eq!(made.files["file:motd"].1, Part::Content);
        assert_eq!(made.steps, record.steps.len());
        assert!(made.recipes["recipes/x.toml:20"].0.contains("image.x"));
        assert_eq!(made.recipes["recipes/x.toml:5"].1, Part::Tool);
    }
}
