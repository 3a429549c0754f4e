//! `rootfs` with `scripts = "run"`: packages unpacked, their scripts run in the sandbox, the rest laid on
//! top of what they leave.

use super::{
    Lowering, Made, Shape, input, output,
    rootfs::{alternative, diversion, group, user},
};
use crate::{
    Assembler, Mount, OutputPlace, PlanError, Run, RunLimits, RunRoot, StepIndex, StepKind,
    StepLabel,
    params::{self, Overlay},
};
use groundup_recipe::{Permissions, Platform, Rootfs, Span, TargetName};
use std::collections::BTreeMap;

/// The script that the first step writes into its tree.
const COMMAND: [&str; 2] = ["/bin/sh", "/var/lib/groundup/driver"];

/// What scripts find in their environment beside what is fixed for all commands: as dpkg calls them
/// for somebody who answers no questions.
const ENVIRONMENT: [(&str, &str); 8] = [
    ("DEBCONF_NONINTERACTIVE_SEEN", "true"),
    ("DEBIAN_FRONTEND", "noninteractive"),
    ("HOME", "/root"),
    ("LOGNAME", "root"),
    ("PYTHONHASHSEED", "0"),
    ("SHELL", "/bin/sh"),
    ("SYSTEMD_OFFLINE", "1"),
    ("USER", "root"),
];

impl Lowering<'_> {
    pub(super) fn configured(
        &mut self,
        name: &TargetName,
        rootfs: &Rootfs,
        platform: Platform,
        span: Span,
    ) -> Result<Made, PlanError> {
        let label = StepLabel::new(name.to_string(), "finish").on(platform);
        let step = match self.plan.find(&label) {
            Some(step) => step,
            None => self.finish(label, name, rootfs, platform, span)?,
        };
        let origins = Some(output(step, "origins"));
        Ok(Made { out: output(step, "out"), origins, shape: Shape::Tree })
    }

    fn finish(
        &mut self,
        label: StepLabel,
        name: &TargetName,
        rootfs: &Rootfs,
        platform: Platform,
        span: Span,
    ) -> Result<StepIndex, PlanError> {
        let (overlay, mut inputs) = self.overlay(name, &rootfs.trees, &rootfs.overlay, platform)?;
        let unpacked = self.unpacked_set(name, rootfs, &overlay, platform, span)?;
        let scripts = self.scripts(name, unpacked, platform, span);
        inputs.push(input("before", output(unpacked, "out")));
        inputs.push(input("before.origins", output(unpacked, "origins")));
        inputs.push(input("after", output(scripts, "out")));
        let params = params::Rootfs {
            arch: platform.architecture().to_owned(),
            packages: Vec::new(),
            diversions: Vec::new(),
            alternatives: Vec::new(),
            users: rootfs.users.iter().map(user).collect(),
            groups: rootfs.groups.iter().map(group).collect(),
            overlay,
        };
        let outputs = ["out", "origins"];
        let assembler = Assembler::DebianConfigured;
        Ok(self.assemble(label, assembler, &params, inputs, &outputs, Some(span)))
    }

    /// The step that merges the packages as dpkg unpacks them.
    fn unpacked_set(
        &mut self,
        name: &TargetName,
        rootfs: &Rootfs,
        overlay: &Overlay,
        platform: Platform,
        span: Span,
    ) -> Result<StepIndex, PlanError> {
        let mut inputs = Vec::new();
        let packages = self.packages(name, rootfs, platform, &mut inputs)?;
        let params = params::Rootfs {
            arch: platform.architecture().to_owned(),
            packages,
            diversions: rootfs.diversions.iter().map(diversion).collect(),
            alternatives: rootfs.alternatives.iter().map(alternative).collect(),
            users: rootfs.users.iter().map(user).collect(),
            groups: rootfs.groups.iter().map(group).collect(),
            overlay: Overlay { dirs: overlay.dirs.clone(), ..Overlay::default() },
        };
        let label = StepLabel::new(name.to_string(), "merge").on(platform);
        let assembler = Assembler::DebianUnpacked;
        Ok(self.assemble(label, assembler, &params, inputs, &["out", "origins"], Some(span)))
    }

    /// The step that runs the scripts.
    fn scripts(
        &mut self,
        name: &TargetName,
        unpacked: StepIndex,
        platform: Platform,
        span: Span,
    ) -> StepIndex {
        let mut env = self.environment(&BTreeMap::new());
        env.extend(ENVIRONMENT.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let run = Run {
            argv: COMMAND.map(str::to_owned).into(),
            env,
            cwd: "/".into(),
            mounts: vec![Mount { at: "/".into(), input: "root".into() }],
            places: vec![OutputPlace { output: "out".into(), place: "/".into() }],
            permissions: Permissions::Keep,
            platform,
            sandbox: self.options.sandbox,
            reuse: None,
            root: RunRoot::Kept { ownership: self.options.ownership },
            limits: RunLimits::default(),
        };
        let label = StepLabel::new(name.to_string(), "scripts").on(platform);
        let inputs = vec![input("root", output(unpacked, "out"))];
        let outputs = vec!["out".to_owned()];
        self.plan.add(label, || (StepKind::Run(run), inputs, outputs), Some(span))
    }
}
