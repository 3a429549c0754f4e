//! What a target of ours consists of: the trees and files that are compared, rather than the disks and
//! layers that are made from them.

use crate::error::CliError;
use groundup_diff::{Part, Platforms};
use groundup_digest::{ObjectId, TreeId};
use groundup_plan::{From, Plan, StepLabel};
use groundup_recipe::{DEFAULT_OUTPUT, Kind, Platform, TargetRef};
use std::collections::BTreeMap;

/// The outputs of the steps of a plan, as far as they are known.
pub(super) type Known<'a> = &'a [Option<BTreeMap<String, ObjectId>>];

/// Which image of an index is compared.
pub(super) fn platforms(
    asked: Option<&str>,
    first: Option<Platform>,
) -> Result<Platforms, CliError> {
    let text = match (asked, first) {
        (Some(asked), _) => asked.to_owned(),
        (None, Some(platform)) => platform.to_string(),
        (None, None) => Platform::LinuxAmd64.to_string(),
    };
    let platform = text.parse().map_err(|error| {
        CliError::usage(format!("cannot read the platform `{text}`: {error}"))
            .hint("platforms are written as in `linux/amd64`")
    })?;
    Ok(Platforms { platform })
}

/// A part that is not there, because the step that makes it never ran here.
pub(super) struct NotBuilt(pub(super) String);

/// What a kernel was asked for, if the target is one and the step ran.
pub(super) fn requested(
    plan: &Plan,
    known: Known<'_>,
    target: &TargetRef,
    platform: Platform,
) -> Option<TreeId> {
    let look = Look { plan, known, target, platform };
    match (target.target.kind(), look.output("fragments", DEFAULT_OUTPUT)) {
        (Kind::Kernel, Found::Id(ObjectId::Tree(tree))) => Some(tree),
        _ => None,
    }
}

/// The parts of a target in a plan.
pub(super) fn of_target(
    plan: &Plan,
    known: Known<'_>,
    target: &TargetRef,
    platform: Platform,
) -> Result<Vec<(String, Part)>, NotBuilt> {
    let look = Look { plan, known, target, platform };
    let whole = target.output == DEFAULT_OUTPUT;
    let named = |(name, id): (&str, Found)| (name.to_owned(), id);
    let parts: Vec<(String, Found)> = match target.target.kind() {
        Kind::Cluster if whole => return look.cluster(),
        Kind::Image if whole => {
            [("root", look.input("split", "tree")), ("layout", look.output("manifest", "out"))]
                .map(named)
                .into()
        }
        Kind::Node if whole => [
            ("root", look.output("root", "out")),
            ("initramfs", look.output("initramfs", "out")),
            ("kernel", look.input("uki", "kernel")),
            ("uki", look.output("uki", "out")),
        ]
        .map(named)
        .into(),
        Kind::Kernel if whole => [
            ("config", look.output("check", "out")),
            ("kernel", look.output("build", "out")),
            ("modules", look.output("build", "modules")),
        ]
        .map(named)
        .into(),
        _ => vec![(String::new(), look.asked())],
    };
    let found = built(parts)?;
    if found.is_empty() {
        return Err(NotBuilt(target.to_string()));
    }
    Ok(found)
}

/// The parts that are there, if all steps that make some ran.
fn built(parts: Vec<(String, Found)>) -> Result<Vec<(String, Part)>, NotBuilt> {
    let mut found = Vec::new();
    for (name, id) in parts {
        match id {
            Found::Id(id) => found.push((name, id.into())),
            Found::Unknown(step) => return Err(NotBuilt(step)),
            Found::NoStep => {}
        }
    }
    Ok(found)
}

/// What the root of an image or a node that a cluster names is called as a part of it.
pub(super) fn root_of(owner: &str) -> String {
    format!("{owner} root")
}

/// The steps that a root of a target goes into or comes from.
pub(super) const ROOTS: [&str; 2] = ["root", "split"];

struct Look<'a> {
    plan: &'a Plan,
    known: Known<'a>,
    target: &'a TargetRef,
    platform: Platform,
}

enum Found {
    Id(ObjectId),
    /// The step that never ran.
    Unknown(String),
    /// There is no such step.
    NoStep,
}

impl Look<'_> {
    fn step(&self, role: &str) -> Option<groundup_plan::StepIndex> {
        let label = StepLabel::new(self.target.target.to_string(), role);
        let plain = self.plan.find(&label);
        self.plan.find(&label.on(self.platform)).or(plain)
    }

    fn output(&self, role: &str, output: &str) -> Found {
        let Some(step) = self.step(role) else { return Found::NoStep };
        self.of(step, output)
    }

    fn of(&self, step: groundup_plan::StepIndex, output: &str) -> Found {
        match self.known.get(step.get()).and_then(Option::as_ref) {
            None => Found::Unknown(self.plan.step(step).label.to_string()),
            Some(outputs) => outputs.get(output).copied().map_or(Found::NoStep, Found::Id),
        }
    }

    fn input(&self, role: &str, name: &str) -> Found {
        let Some(step) = self.step(role) else { return Found::NoStep };
        match self.plan.step(step).input(name).map(|input| &input.from) {
            None => Found::NoStep,
            Some(from) => self.from(from),
        }
    }

    fn from(&self, from: &From) -> Found {
        match from {
            From::Leaf { id, .. } => Found::Id(*id),
            From::Step { step, output } => self.of(*step, output),
        }
    }

    /// The manifests of a cluster, and the roots of the images and nodes that they name.
    fn cluster(&self) -> Result<Vec<(String, Part)>, NotBuilt> {
        let mut parts = vec![("manifests".to_owned(), self.output("manifests", "out"))];
        let Some(step) = self.step("manifests") else { return built(parts) };
        let mut owners = std::collections::BTreeSet::new();
        for input in &self.plan.step(step).inputs {
            if let From::Step { step, .. } = &input.from {
                owners.insert(self.plan.step(*step).label.owner.clone());
            }
        }
        for owner in owners {
            let Ok(name) = owner.parse::<groundup_recipe::TargetName>() else { continue };
            let target = TargetRef { target: name, output: DEFAULT_OUTPUT.to_owned() };
            let look = Look {
                plan: self.plan,
                known: self.known,
                target: &target,
                platform: self.platform,
            };
            let root = match target.target.kind() {
                Kind::Image => look.input("split", "tree"),
                Kind::Node => look.output("root", "out"),
                _ => continue,
            };
            parts.push((root_of(&owner), root));
        }
        built(parts)
    }

    /// The output that was asked for, as a build gives it.
    fn asked(&self) -> Found {
        let asked = self.plan.targets().iter().find(|it| {
            it.name == self.target.target && it.platform.is_none_or(|it| it == self.platform)
        });
        let from = asked
            .and_then(|asked| asked.outputs.iter().find(|(name, _)| **name == self.target.output));
        from.map_or(Found::NoStep, |(_, from)| self.from(from))
    }
}
