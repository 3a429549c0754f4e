//! Which inputs moved between two builds, as their records say.
//!
//! Steps are paired by label, and where that holds a version, by what stands before it. A leaf that
//! another id stands for has moved, a pin that is fetched otherwise too; a step whose inputs are the same
//! and whose key is another was asked something else; one whose key is the same and whose outputs are
//! others is not reproducible. What a step is asked is compared field by field where both records say it
//! ([`Question`]), so that a line that moved is told from an input that moved beside it. Each step rests
//! on the causes of its inputs that differ, by what it needs them for.

use groundup_digest::{ObjectId, RecordId};
use groundup_provenance::{
    BuildRecord, FieldChange, Lineage, Part, Question, RecordedStep, label_parts,
};
use std::collections::{BTreeMap, BTreeSet};

/// What moved between two builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// A file of the repository, by its label.
    Leaf {
        /// `file:recipes/x.conf`.
        label: String,
        /// What it was; nothing if it is new.
        before: Option<ObjectId>,
        /// What it is; nothing if it is gone.
        after: Option<ObjectId>,
        /// Where it is read.
        position: Option<String>,
    },
    /// Something that is pinned in the lock.
    Pin {
        /// `package libc6:amd64`, `source.iptables`.
        owner: String,
        /// The version, or what is fetched; nothing if it is new.
        before: Option<String>,
        /// The same of the second build; nothing if it is gone.
        after: Option<String>,
        /// Where it is pinned.
        position: Option<String>,
    },
    /// Something that steps are asked.
    Field {
        /// What it was and is.
        change: FieldChange,
        /// Whose steps are asked it.
        owners: BTreeSet<String>,
        /// Where the first of them is written.
        position: Option<String>,
    },
    /// A step is asked something else; the records do not say what.
    Question {
        /// The step.
        label: String,
        /// Where it is written.
        position: Option<String>,
    },
    /// A step was asked the same and gave something else.
    Nondeterminism {
        /// The step.
        label: String,
    },
}

/// The causes between two build records.
#[derive(Debug, Clone, Default)]
pub struct RecordCauses {
    /// What moved.
    pub moved: Vec<Moved>,
    /// The causes that each step of the second build rests on, by label, with what they reach it as.
    pub steps: BTreeMap<String, BTreeMap<usize, Part>>,
}

impl RecordCauses {
    /// Compares two builds. `ask` gives what a step was asked, if that is kept.
    pub fn new(
        before: &BuildRecord,
        after: &BuildRecord,
        ask: &dyn Fn(RecordId) -> Option<Question>,
    ) -> Self {
        let old: BTreeMap<&str, &RecordedStep> =
            before.steps.iter().map(|step| (step.label.as_str(), step)).collect();
        let mut stems: BTreeMap<String, Option<&RecordedStep>> = BTreeMap::new();
        for step in &before.steps {
            // A stem that several have pairs none.
            stems.entry(stem(&step.label)).and_modify(|it| *it = None).or_insert(Some(step));
        }
        let files = before.steps.iter().flat_map(|step| &step.inputs);
        let files = files.filter(|(_, from, _)| !old.contains_key(maker(from)));
        let leaves = files.map(|(_, from, id)| (from.as_str(), *id)).collect();
        let new = Lineage::new(after);
        let mut walk = Walk { old, stems, leaves, new, ask, causes: Self::default() };
        for step in &after.steps {
            walk.step(&step.label);
        }
        walk.causes
    }
}

struct Walk<'a> {
    old: BTreeMap<&'a str, &'a RecordedStep>,
    /// The steps of the first build by label without a version.
    stems: BTreeMap<String, Option<&'a RecordedStep>>,
    /// What the first build read of the repository.
    leaves: BTreeMap<&'a str, ObjectId>,
    new: Lineage<'a>,
    ask: &'a dyn Fn(RecordId) -> Option<Question>,
    causes: RecordCauses,
}

impl<'a> Walk<'a> {
    fn cause(&mut self, moved: Moved) -> usize {
        if let Moved::Field { change, owners, .. } = &moved {
            for (index, known) in self.causes.moved.iter_mut().enumerate() {
                if let Moved::Field { change: same, owners: all, .. } = known
                    && same == change
                {
                    all.extend(owners.iter().cloned());
                    return index;
                }
            }
        }
        let same = |known: &Moved| match (known, &moved) {
            // An archive is pinned by several files, which move together.
            (Moved::Pin { owner: a, .. }, Moved::Pin { owner: b, .. }) => {
                a == b && (a.starts_with("archive ") || *known == moved)
            }
            _ => *known == moved,
        };
        match self.causes.moved.iter().position(same) {
            Some(index) => index,
            None => {
                self.causes.moved.push(moved);
                self.causes.moved.len() - 1
            }
        }
    }

    /// The causes of a step; makers first, without recursion: a graph may be deep.
    fn step(&mut self, label: &str) {
        let mut stack = vec![(label.to_owned(), false)];
        let mut opened = BTreeSet::new();
        while let Some((label, ready)) = stack.pop() {
            // A record that goes round, as no build leaves one, is left where it was entered.
            let open = !ready && !opened.insert(label.clone());
            if open || self.causes.steps.contains_key(&label) {
                continue;
            }
            let Some(step) = self.new.step(&label) else { continue };
            if ready {
                let causes = self.of_step(step);
                self.causes.steps.insert(label, causes);
                continue;
            }
            stack.push((label, true));
            let makers = step.inputs.iter().map(|(_, from, _)| maker(from));
            let makers = makers.filter(|maker| self.new.step(maker).is_some());
            stack.extend(makers.map(|maker| (maker.to_owned(), false)));
        }
    }

    /// The step of the first build that a step stands for.
    fn before(&self, label: &str) -> Option<&'a RecordedStep> {
        let same = self.old.get(label).copied();
        same.or_else(|| self.stems.get(&stem(label)).copied().flatten())
    }

    fn of_step(&mut self, step: &'a RecordedStep) -> BTreeMap<usize, Part> {
        let old = self.before(&step.label);
        if let Some(old) = old
            && old.key == step.key
        {
            let one = |cause| BTreeMap::from([(cause, Part::Content)]);
            return match old.outputs == step.outputs {
                true => BTreeMap::new(),
                false => one(self.cause(Moved::Nondeterminism { label: step.label.clone() })),
            };
        }
        if step.is_pin() {
            let cause = self.pin(step, old);
            return BTreeMap::from([(cause, Part::Content)]);
        }
        let mut found = Found::default();
        self.inputs(step, old, &mut found);
        match old {
            Some(old) => self.question(step, old, &mut found),
            None if found.is_empty() => found.leaves.append(&mut found.came),
            None => {}
        }
        if found.is_empty() {
            let (label, position) = (step.label.clone(), step.position.clone());
            let cause = self.cause(Moved::Question { label, position });
            found.add(cause, Part::Content);
        }
        for leaf in std::mem::take(&mut found.leaves) {
            let cause = self.cause(leaf);
            found.add(cause, Part::Content);
        }
        found.causes
    }

    /// The causes that reach a step through its inputs.
    fn inputs(&mut self, step: &'a RecordedStep, old: Option<&'a RecordedStep>, found: &mut Found) {
        let leaf = |label: &str, before, after| {
            let (label, position) = (label.to_owned(), step.position.clone());
            Moved::Leaf { label, before, after, position }
        };
        for (name, from, id) in &step.inputs {
            let was = old.and_then(|old| {
                let named = |(other, _, _): &&(String, String, ObjectId)| other == name;
                old.inputs.iter().find(|it| it.1 == *from).or(old.inputs.iter().find(named))
            });
            let same = was.is_some_and(|(_, _, before)| before == id);
            found.differs |= !same;
            let Some(maker) = self.new.step(maker(from)) else {
                match was.filter(|(_, label, _)| label == from) {
                    Some(_) if same => {}
                    Some((_, _, before)) => found.leaves.push(leaf(from, Some(*before), Some(*id))),
                    // Read by others before, or not at all.
                    None => match self.leaves.get(from.as_str()) {
                        Some(before) if before == id => {}
                        Some(before) => found.leaves.push(leaf(from, Some(*before), Some(*id))),
                        None => found.came.push(leaf(from, None, Some(*id))),
                    },
                }
                continue;
            };
            if !same {
                let part = self.new.part(step, name, from);
                for (cause, of) in self.causes.steps.get(&maker.label).cloned().unwrap_or_default()
                {
                    let trust = part == Part::Trust || of == Part::Trust;
                    let part = if trust { Part::Trust } else { of.max(part) };
                    found.add(cause, part);
                }
            }
        }
        // Only steps have versions in their labels.
        let is_there = |from: &str, is_step: bool| {
            let gone = stem(maker(from));
            let same = |now: &str| now == from || (is_step && stem(maker(now)) == gone);
            step.inputs.iter().any(|(_, now, _)| same(now))
        };
        for (_, from, id) in old.into_iter().flat_map(|old| &old.inputs) {
            if is_there(from, self.old.contains_key(maker(from))) {
                continue;
            }
            found.differs = true;
            match self.old.get(maker(from)) {
                None => found.came.push(leaf(from, Some(*id), None)),
                Some(maker) => {
                    if let Some(cause) = self.gone(maker) {
                        found.add(cause, Part::Content);
                    }
                }
            }
        }
    }

    /// What a step's own question differs by.
    fn question(&mut self, step: &'a RecordedStep, old: &'a RecordedStep, found: &mut Found) {
        let asked = |step: &RecordedStep| step.question.and_then(|id| (self.ask)(id));
        let changes = match (asked(old), asked(step)) {
            (Some(before), Some(after)) => before.changes(&after),
            _ => Vec::new(),
        };
        if changes.is_empty() {
            found.leaves.append(&mut found.came);
        }
        for change in changes {
            let name = &change.name;
            let package = name.strip_prefix("packages.").or(name.strip_prefix("claims."));
            let cause = match package.and_then(|name| self.package(name)) {
                Some(cause) => cause,
                None => {
                    let owners = BTreeSet::from([step.parts().owner.to_owned()]);
                    let position = step.position.clone();
                    self.cause(Moved::Field { change, owners, position })
                }
            };
            found.add(cause, Part::Content);
        }
        // With the same inputs another key is another question, whatever the records lack.
        if !found.differs && found.causes.is_empty() {
            found.leaves.clear();
        }
    }

    /// The cause that a pin moved.
    fn pin(&mut self, step: &RecordedStep, old: Option<&RecordedStep>) -> usize {
        let version =
            |step: &RecordedStep| step.parts().role.strip_prefix("fetch ").map(str::to_owned);
        let (mut before, mut after) = (old.and_then(version), version(step));
        if before == after {
            // Not named by a version: what is fetched tells it.
            let fields = ["commit", "digest", "sha256"];
            let asked = |step: &RecordedStep| {
                let question = step.question.and_then(|id| (self.ask)(id))?;
                fields.iter().find_map(|name| question.get(name).map(str::to_owned))
            };
            let short = |text: String| text.chars().take(19).collect();
            after = Some(asked(step).map_or_else(|| step.key.to_string(), short));
            before = old.map(|old| asked(old).map_or_else(|| old.key.to_string(), short));
        }
        let (owner, position) = (step.parts().owner.to_owned(), step.position.clone());
        self.cause(Moved::Pin { owner, before, after, position })
    }

    /// The cause that something was read and is not, if it is pinned.
    fn gone(&mut self, maker: &RecordedStep) -> Option<usize> {
        let owner = maker.parts().owner;
        if self.new.steps_of(owner).next().is_some() {
            return None;
        }
        let pin = self.old.values().find(|step| step.is_pin() && step.parts().owner == owner)?;
        let before = pin.parts().role.strip_prefix("fetch ").unwrap_or("pinned").to_owned();
        let position = pin.position.clone();
        let (owner, before) = (owner.to_owned(), Some(before));
        Some(self.cause(Moved::Pin { owner, before, after: None, position }))
    }

    /// The cause that the pin of a package moved, by a name that begins with that of the package.
    fn package(&mut self, field: &str) -> Option<usize> {
        let is_of = |step: &&RecordedStep| {
            let name = step.parts().owner.strip_prefix("package ").unwrap_or_default();
            let name = name.split(':').next().unwrap_or_default();
            step.is_pin()
                && !name.is_empty()
                && field.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'))
        };
        let now: Vec<&'a RecordedStep> = self.new.record().steps.iter().filter(is_of).collect();
        for step in now {
            let old = self.before(&step.label);
            if old.is_none_or(|old| old.key != step.key) {
                return Some(self.pin(step, old));
            }
        }
        let was = self.old.values().copied().find(|step| is_of(step))?;
        self.gone(was)
    }
}

/// What a step rests on, while it is found out.
#[derive(Default)]
struct Found {
    causes: BTreeMap<usize, Part>,
    /// Files that moved.
    leaves: Vec<Moved>,
    /// Files that it reads and did not, or the other way round: the recipe names them.
    came: Vec<Moved>,
    /// Whether an input is another.
    differs: bool,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.causes.is_empty() && self.leaves.is_empty()
    }

    /// A cause that reaches a step in two ways counts by the one that says more: what is a tool, and is
    /// vouched for as well, is a tool.
    fn add(&mut self, cause: usize, part: Part) {
        let telling = |part: Part| match part {
            Part::Content => 0,
            Part::Tool => 1,
            Part::Trust => 2,
        };
        let known = self.causes.entry(cause).or_insert(part);
        if telling(part) < telling(*known) {
            *known = part;
        }
    }
}

/// The label of the step in `LABEL:OUTPUT`.
fn maker(from: &str) -> &str {
    from.rsplit_once(':').map_or(from, |(label, _)| label)
}

/// A label without the version that those of packages end with.
fn stem(label: &str) -> String {
    let parts = label_parts(label);
    if !parts.owner.starts_with("package ") {
        return label.to_owned();
    }
    let role = parts.role.split(' ').next().unwrap_or_default();
    format!("{} {role} {}", parts.owner, parts.platform.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_digest::{BlobId, StepKey};
    use groundup_provenance::Circumstances;

    fn id(content: &str) -> ObjectId {
        ObjectId::Blob(BlobId::of(content.as_bytes()))
    }

    /// A step with a key, inputs (name, where from, content) and its output.
    fn step(label: &str, key: &str, inputs: &[(&str, &str, &str)], out: &str) -> RecordedStep {
        let inputs = inputs
            .iter()
            .map(|(name, from, content)| ((*name).to_owned(), (*from).to_owned(), id(content)));
        RecordedStep {
            label: label.to_owned(),
            key: StepKey::of_encoded(key.as_bytes()),
            position: Some("r.toml:1".into()),
            inputs: inputs.collect(),
            outputs: vec![("out".into(), id(out))],
            question: None,
        }
    }

    fn build(steps: Vec<RecordedStep>) -> BuildRecord {
        BuildRecord {
            workspace: "w".into(),
            commit: None,
            lock: None,
            targets: Vec::new(),
            steps,
            circumstances: Circumstances::default(),
        }
    }

    fn chain(leaf: &str, middle: &str, key: &str) -> BuildRecord {
        build(vec![
            step("a run", &format!("a {leaf}"), &[("x", "file:x", leaf)], middle),
            step("b run", &format!("{key} {middle}"), &[("in", "a run:out", middle)], "end"),
        ])
    }

    fn compared(before: &BuildRecord, after: &BuildRecord) -> RecordCauses {
        let questions = ["1024", "infinity"].map(limit);
        RecordCauses::new(before, after, &|id| questions.iter().find(|it| it.id() == id).cloned())
    }

    fn limit(value: &str) -> Question {
        let mut question = Question::new();
        question.insert("env.LIMIT", value);
        question.insert("packages.x.version", value);
        question
    }

    /// Causes that reach what is in a thing.
    fn content(causes: &[usize]) -> BTreeMap<usize, Part> {
        causes.iter().map(|cause| (*cause, Part::Content)).collect()
    }

    /// A build whose last step is asked for a limit.
    fn asked(leaf: &str, value: &str) -> BuildRecord {
        let mut build = chain(leaf, leaf, value);
        build.steps[1].question = Some(limit(value).id());
        build
    }

    #[test]
    fn a_line_that_moved_is_told_from_an_input_that_moved() {
        let line = |moved: &Moved| {
            matches!(moved, Moved::Field { change, owners, .. }
            if change.name == "env.LIMIT" && change.after.as_deref() == Some("infinity")
                && owners.contains("b"))
        };
        let leaf = |moved: &Moved| matches!(moved, Moved::Leaf { label, .. } if label == "file:x");
        let is_version = |moved: &Moved| matches!(moved, Moved::Field { change, .. } if change.name == "packages.x.version");
        let only_line = compared(&asked("1", "1024"), &asked("1", "infinity"));
        assert!(line(&only_line.moved[0]) && only_line.moved.len() == 2, "{only_line:?}");
        let only_leaf = compared(&asked("1", "1024"), &asked("2", "1024"));
        assert!(leaf(&only_leaf.moved[0]) && only_leaf.moved.len() == 1, "{only_leaf:?}");
        let both = compared(&asked("1", "1024"), &asked("2", "infinity"));
        assert_eq!(both.moved.len(), 3, "{both:?}");
        assert!(both.moved.iter().any(line) && both.moved.iter().any(leaf));
        assert!(both.moved.iter().any(is_version), "no pin of this name moved");
        // Records of an earlier groundup: the input is told, the line cannot be.
        let mut older = asked("1", "1024");
        older.steps[1].question = None;
        let unknown = compared(&older, &asked("2", "infinity"));
        assert!(leaf(&unknown.moved[0]) && unknown.moved.len() == 1, "{unknown:?}");
    }

    /// A root file system of a package, and what a command makes in another one.
    fn packaged(version: &str, tool: &str) -> BuildRecord {
        let package = |name: &str, version: &str| {
            let fetch = format!("package {name}:amd64 fetch {version}");
            let unpack = format!("package {name}:amd64 unpack {version}");
            [
                step(&fetch, &fetch, &[], version),
                step(&unpack, &unpack, &[("file", &format!("{fetch}:out"), version)], version),
            ]
        };
        let rootfs = |name: &str, package: &str, version: &str| {
            let from = format!("package {package}:amd64 unpack {version}:out");
            let (label, root) =
                (format!("rootfs.{name} merge linux/amd64"), format!("{name} {version}"));
            let mut made =
                step(&label, &format!("{name} {version}"), &[("data", &from, version)], &root);
            let mut question = Question::new();
            question.insert(format!("packages.{package}.version"), version);
            made.question = Some(question.id());
            made
        };
        let run = [
            ("root", "rootfs.tools merge linux/amd64:out", &*format!("tools {tool}")),
            ("src", "rootfs.base merge linux/amd64:out", &*format!("base {version}")),
        ];
        let [libc, gcc] = [package("libc6", version), package("gcc", tool)];
        let own = [
            rootfs("base", "libc6", version),
            rootfs("tools", "gcc", tool),
            step("build.x run linux/amd64", &format!("{version} {tool}"), &run, "x"),
        ];
        build(libc.into_iter().chain(gcc).chain(own).collect())
    }

    #[test]
    fn a_pin_that_moved_is_told_once_by_its_versions() {
        let causes = compared(&packaged("2.36", "12"), &packaged("2.37", "12"));
        assert!(
            matches!(&causes.moved[..], [Moved::Pin { owner, before, after, .. }]
            if owner == "package libc6:amd64" && before.as_deref() == Some("2.36")
                && after.as_deref() == Some("2.37")),
            "{causes:?}"
        );
        assert_eq!(causes.steps["build.x run linux/amd64"], content(&[0]));
    }

    #[test]
    fn a_pin_of_the_tools_alone_is_told_as_one() {
        let causes = compared(&packaged("2.36", "12"), &packaged("2.36", "13"));
        assert_eq!(causes.moved.len(), 1, "{causes:?}");
        assert_eq!(causes.steps["build.x run linux/amd64"], BTreeMap::from([(0, Part::Tool)]));
        assert_eq!(causes.steps["rootfs.tools merge linux/amd64"], content(&[0]));
    }

    #[test]
    fn a_record_that_goes_round_ends() {
        let round = |key: &str| {
            build(vec![
                step("a run", key, &[("x", "b run:out", key)], "1"),
                step("b run", key, &[("x", "a run:out", key)], "1"),
            ])
        };
        assert!(!compared(&round("1"), &round("2")).moved.is_empty());
    }

    #[test]
    fn a_leaf_that_moved_is_the_cause_of_all_that_follows() {
        let causes = compared(&chain("1", "m1", "b"), &chain("2", "m2", "b"));
        assert_eq!(causes.moved.len(), 1);
        assert!(matches!(&causes.moved[0], Moved::Leaf { label, before, after, .. }
            if label == "file:x" && *before == Some(id("1")) && *after == Some(id("2"))));
        assert_eq!(causes.steps["b run"], content(&[0]));
    }

    #[test]
    fn a_file_that_is_read_no_more_is_told_beside_one_that_still_is() {
        let reading = |files: &[&str]| {
            let inputs: Vec<_> = files.iter().map(|file| (*file, *file, *file)).collect();
            build(vec![step("a run", &files.concat(), &inputs, &files.concat())])
        };
        let causes = compared(&reading(&["file:x", "file:y"]), &reading(&["file:x"]));
        assert!(
            matches!(&causes.moved[..], [Moved::Leaf { label, before, after: None, .. }]
            if label == "file:y" && *before == Some(id("file:y"))),
            "{causes:?}"
        );
    }

    #[test]
    fn a_change_that_gives_the_same_ends_there() {
        let causes = compared(&chain("1", "m", "b"), &chain("2", "m", "b"));
        assert_eq!(causes.steps["a run"], content(&[0]));
        assert!(causes.steps["b run"].is_empty());
    }

    #[test]
    fn another_question_and_another_answer_are_told_apart() {
        let asked = compared(&chain("1", "m", "b"), &chain("1", "m", "c"));
        assert!(matches!(&asked.moved[..], [Moved::Question { label, .. }] if label == "b run"));
        let answered = compared(&chain("1", "m1", "b"), &chain("1", "m2", "b"));
        assert_eq!(answered.moved, [Moved::Nondeterminism { label: "a run".into() }]);
        assert_eq!(answered.steps["b run"], content(&[0]));
    }
}
