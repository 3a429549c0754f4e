//! Lowering: targets to steps, one room per kind.

mod archive;
mod build;
mod cluster;
mod image;
mod kernel;
mod node;
mod overlay;
mod rendered;
mod rootfs;
mod scripts;
mod source;

use crate::{
    Assemble, Assembler, From, Input, Leaves, Plan, PlanError, PlannedTarget, StepIndex, StepKind,
    StepLabel, leaf::with_needs, params::to_text,
};
use groundup_recipe::{
    Kind, Lock, Platform, Selected, Span, TargetBody, TargetName, TargetRef, Workspace,
};
use serde::Serialize;
use std::collections::BTreeSet;

/// What a plan depends on beside recipes, lock and leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanOptions {
    /// Version of the sandbox; enters the keys of commands.
    pub sandbox: u32,
    /// Version of ownership as data; enters the keys of commands that have it.
    pub ownership: u32,
    /// The platform of builds that name none and are asked for without one.
    pub host: Platform,
    /// What is asked of targets.
    pub goal: Goal,
}

/// What is asked of targets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal {
    /// Their outputs.
    Outputs,
    /// That their tests pass.
    Tests,
}

/// Lowers `targets`, and what they need, to a plan.
pub fn plan(
    workspace: &Workspace,
    lock: &Lock,
    leaves: &Leaves,
    targets: &[Selected],
    options: &PlanOptions,
) -> Result<Plan, PlanError> {
    let names: Vec<TargetName> = targets.iter().map(|asked| asked.target.clone()).collect();
    let needed = with_needs(workspace, &names);
    let mut lowering = Lowering { workspace, lock, leaves, options, needed, plan: Plan::default() };
    for asked in targets {
        lowering.ask(asked)?;
    }
    Ok(lowering.plan)
}

/// What a target's output is made by, and its origins if they are known.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) out: From,
    pub(crate) origins: Option<From>,
    pub(crate) shape: Shape,
}

/// Whether an output is a file or a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    File,
    Tree,
}

pub(crate) struct Lowering<'a> {
    pub(crate) workspace: &'a Workspace,
    pub(crate) lock: &'a Lock,
    pub(crate) leaves: &'a Leaves,
    pub(crate) options: &'a PlanOptions,
    /// Every target of this plan.
    pub(crate) needed: BTreeSet<TargetName>,
    pub(crate) plan: Plan,
}

impl Lowering<'_> {
    fn ask(&mut self, asked: &Selected) -> Result<(), PlanError> {
        let name = &asked.target;
        let Some(target) = self.workspace.target(name) else {
            return Err(PlanError::UnknownTarget(name.clone()));
        };
        let platforms = match target.kind() {
            // A source has no platform; an image joins its platforms in one layout.
            Kind::Source | Kind::Image | Kind::Cluster => vec![None],
            _ => self.workspace.platforms_of(name).into_iter().map(Some).collect(),
        };
        for platform in platforms {
            if self.options.goal == Goal::Tests {
                let platform = platform.unwrap_or(self.options.host);
                let span = target.name.span;
                let test = match &target.body {
                    TargetBody::Node(node) => node.test.as_ref().map(|test| (node, test)),
                    _ => None,
                };
                let (node, test) = test.ok_or_else(|| PlanError::NoTest(name.clone()))?;
                let from = self.boot_test(name, node, test, platform, span)?;
                let outputs = vec![("test".to_owned(), from)];
                self.plan.ask(PlannedTarget {
                    name: name.clone(),
                    platform: Some(platform),
                    outputs,
                });
                continue;
            }
            let mut outputs = Vec::new();
            for output in target.outputs().into_iter().filter(|output| asked.has(output)) {
                let of = TargetRef { target: name.clone(), output: output.to_owned() };
                let made = self.output(&of, platform.unwrap_or(self.options.host))?;
                outputs.push((output.to_owned(), made.out));
            }
            self.plan.ask(PlannedTarget { name: name.clone(), platform, outputs });
        }
        Ok(())
    }

    /// The maker of one output of a target, for a platform.
    pub(crate) fn output(&mut self, of: &TargetRef, platform: Platform) -> Result<Made, PlanError> {
        let platform = self.workspace.platform_for(&of.target, platform);
        let Some(target) = self.workspace.target(&of.target) else {
            return Err(PlanError::UnknownTarget(of.target.clone()));
        };
        let name = &of.target;
        match &target.body {
            TargetBody::Source(source) => self.source(name, source, platform, target.name.span),
            TargetBody::Rootfs(rootfs) => self.rootfs(name, rootfs, platform, target.name.span),
            TargetBody::Build(build) => {
                let step = self.build(name, build, platform, target.name.span)?;
                let out = From::Step { step, output: of.output.clone() };
                Ok(Made { out, origins: None, shape: Shape::Tree })
            }
            TargetBody::Kernel(kernel) => {
                self.kernel(name, kernel, &of.output, platform, target.name.span)
            }
            TargetBody::Node(node) => self.node(name, node, &of.output, platform, target.name.span),
            TargetBody::Image(image) => self.image(name, image, target.name.span),
            TargetBody::Cluster(cluster) => {
                self.cluster(name, cluster, &of.output, platform, target.name.span)
            }
        }
    }

    /// The maker of an output that is used as a tree.
    pub(crate) fn tree(
        &mut self,
        user: &TargetName,
        of: &TargetRef,
        platform: Platform,
        span: Span,
    ) -> Result<Made, PlanError> {
        let made = self.output(of, platform)?;
        match made.shape {
            Shape::Tree => Ok(made),
            Shape::File => Err(PlanError::NotTree {
                user: user.clone(),
                used: of.target.clone(),
                span: Some(span),
            }),
        }
    }

    pub(crate) fn leaf(&self, label: String) -> Result<From, PlanError> {
        match self.leaves.get(&label) {
            Some(id) => Ok(From::Leaf { label, id: *id }),
            None => Err(PlanError::MissingLeaf(label)),
        }
    }

    pub(crate) fn assemble(
        &mut self,
        label: StepLabel,
        assembler: Assembler,
        params: &impl Serialize,
        inputs: Vec<Input>,
        outputs: &[&str],
        span: Option<Span>,
    ) -> StepIndex {
        let outputs = outputs.iter().map(|output| (*output).to_owned()).collect();
        let kind = StepKind::Assemble(Assemble { assembler, params: to_text(params) });
        self.plan.add(label, || (kind, inputs, outputs), span)
    }
}

pub(crate) fn input(name: impl Into<String>, from: From) -> Input {
    Input { name: name.into(), from }
}

pub(crate) fn output(step: StepIndex, output: &str) -> From {
    From::Step { step, output: output.to_owned() }
}
