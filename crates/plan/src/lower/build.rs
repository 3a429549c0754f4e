//! `build`: one command in a sandbox.

use super::{Lowering, input};
use crate::{
    Mount, OutputPlace, PlanError, Run, RunLimits, RunRoot, StepIndex, StepKind, StepLabel,
};
use groundup_recipe::{At, Build, Limits, Platform, Span, TargetName, TargetRef};
use std::collections::BTreeMap;

impl Lowering<'_> {
    pub(super) fn build(
        &mut self,
        name: &TargetName,
        build: &Build,
        platform: Platform,
        span: Span,
    ) -> Result<StepIndex, PlanError> {
        let label = StepLabel::new(name.to_string(), "run").on(platform);
        if let Some(step) = self.plan.find(&label) {
            return Ok(step);
        }
        let mut inputs = Vec::new();
        let mut mounts = Vec::new();
        let rootfs = TargetRef {
            target: build.rootfs.value.clone(),
            output: groundup_recipe::DEFAULT_OUTPUT.into(),
        };
        let root = self.tree(name, &rootfs, platform, build.rootfs.span)?;
        inputs.push(input("root", root.out));
        mounts.push(Mount { at: "/".into(), input: "root".into() });
        for (below, used) in [("src", &build.sources), ("deps", &build.deps)] {
            for (mount, from) in used {
                // Sources may be single files; they are mounted as files.
                let made = self.output(&from.value, platform)?;
                let role = format!("{below}.{mount}");
                inputs.push(input(&role, made.out));
                mounts.push(Mount { at: format!("/{below}/{mount}"), input: role });
            }
        }
        let places = build.output_paths().into_iter();
        let places: Vec<_> =
            places.map(|(output, place)| OutputPlace { output: output.into(), place }).collect();
        let outputs = places.iter().map(|place| place.output.clone()).collect();
        let run = Run {
            argv: build.command.argv(),
            env: self.environment(&build.env),
            cwd: build.cwd.to_string(),
            mounts,
            places,
            permissions: build.permissions,
            platform,
            sandbox: self.options.sandbox,
            reuse: (build.reuse == groundup_recipe::Reuse::Yes).then(crate::Reuse::default),
            root: RunRoot::Discarded,
            limits: limits(&build.limits),
        };
        Ok(self.plan.add(label, || (StepKind::Run(run), inputs, outputs), Some(span)))
    }

    /// The whole environment of a command: what is fixed for all, and the recipe's on top.
    pub(super) fn environment(
        &self,
        own: &BTreeMap<String, At<String>>,
    ) -> BTreeMap<String, String> {
        let epoch = self.workspace.epoch.value.to_string();
        let fixed = [
            ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
            ("HOME", "/build"),
            ("TMPDIR", "/tmp"),
            ("LANG", "C.UTF-8"),
            ("LC_ALL", "C.UTF-8"),
            ("TZ", "UTC"),
            ("SHELL", "/bin/sh"),
            ("USER", "build"),
            ("LOGNAME", "build"),
            ("SOURCE_DATE_EPOCH", epoch.as_str()),
        ];
        let mut env: BTreeMap<String, String> =
            fixed.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        env.extend(own.iter().map(|(name, value)| (name.clone(), value.value.clone())));
        env
    }
}

pub(super) fn limits(limits: &Limits) -> RunLimits {
    RunLimits {
        memory: limits.memory.as_ref().map(|limit| limit.value),
        processes: limits.processes.as_ref().map(|limit| limit.value),
        wall: limits.wall.as_ref().map(|limit| limit.value),
        idle: limits.idle.as_ref().map(|limit| limit.value),
        output: limits.output.as_ref().map(|limit| limit.value),
    }
}
