//! `node`: root -> squashfs -> hash tree -> unified kernel image -> disk, and a boot of it.
//!
//! ```text
//!  rootfs, modules, units ── root ── check ── tar ── squashfs ── verity ─┬─────────╮
//!  initrd ── initramfs ── initrd (cpio) ── compress ─────────────────────┴── uki ── disk ── qcow2
//!  kernel ───────────────────────────────────────────────────────────────────╯       ╰── test
//! ```
//!
//! Owners, modes, devices and attributes go to the image by a tar stream of ours: what a sandbox
//! shows as the owner of a file is never read. Formats are written by Debian's tools.

mod root;
mod test;

use super::{Lowering, Made, Shape, input, output};
use crate::{
    Assembler, From, Mount, OutputPlace, PlanError, Run, RunLimits, RunRoot, StepKind, StepLabel,
    params,
};
use groundup_recipe::{
    At, DEFAULT_OUTPUT, Node, Permissions, Platform, Span, TargetName, TargetRef,
};
use std::collections::BTreeMap;

const SQUASHFS: &str = include_str!("squashfs.sh");
const VERITY: &str = include_str!("verity.sh");
const INITRD: &str = include_str!("initrd.sh");
const UKI: &str = include_str!("uki.sh");
const DISK: &str = include_str!("disk.sh");
const QCOW2: &str = include_str!("qcow2.sh");

/// The outputs of a node's steps, by the name of the step.
struct Parts {
    squashfs: From,
    verity: From,
    kernel: From,
    initrd: From,
    uki: From,
    disk: From,
}

impl Lowering<'_> {
    pub(super) fn node(
        &mut self,
        name: &TargetName,
        node: &Node,
        asked: &str,
        platform: Platform,
        span: Span,
    ) -> Result<Made, PlanError> {
        let made = |out| Ok(Made { out, origins: None, shape: Shape::Tree });
        // What needs no more than the root makes no more.
        match asked {
            "facts" => return made(self.node_facts(name, node, platform, span)?),
            "root" => return made(self.squashfs(name, node, platform, span)?),
            _ => {}
        }
        let parts = self.node_parts(name, node, platform, span)?;
        made(match asked {
            "disk" => parts.disk,
            "uki" => parts.uki,
            "qcow2" => self.qcow2(name, node, &parts, platform, span)?,
            _ => self.together(name, node, &parts, platform, span)?,
        })
    }

    fn node_parts(
        &mut self,
        name: &TargetName,
        node: &Node,
        platform: Platform,
        span: Span,
    ) -> Result<Parts, PlanError> {
        let tool = |role, script| Tool { name, root: &node.tools, role, script, platform, span };
        let none: [(&str, String); 0] = [];
        let limits = RunLimits::default;
        let kernel = self.part(&node.kernel, DEFAULT_OUTPUT, platform)?;
        let squashfs = self.squashfs(name, node, platform, span)?;
        let mounted = [("/deps/squashfs", squashfs.clone())];
        let verity = self.tool(tool("verity", VERITY), mounted, none.clone(), limits())?;
        let initrd = self.initrd(name, node, platform, span)?;
        let mounted = [("/deps/initrd.cpio", initrd.clone())];
        let compressed = self.tool(tool("compress", INITRD), mounted, none, limits())?;
        let mounted = [
            ("/deps/kernel", kernel.clone()),
            ("/deps/initrd", compressed),
            ("/deps/verity", verity.clone()),
        ];
        let cmdline = node.cmdline.as_ref().map_or_else(String::new, |at| at.value.clone());
        let at = |written: Option<Span>| written.unwrap_or(span);
        let uki = Tool { span: at(node.cmdline.as_ref().map(|at| at.span)), ..tool("uki", UKI) };
        let uki = self.tool(uki, mounted, [("CMDLINE", cmdline)], limits())?;
        let mounted = [
            ("/deps/uki", uki.clone()),
            ("/deps/squashfs", squashfs.clone()),
            ("/deps/verity", verity.clone()),
        ];
        let size = node.disk_size.as_ref().map(|size| ("DISK_SIZE", size.value.to_string()));
        let disk =
            Tool { span: at(node.disk_size.as_ref().map(|at| at.span)), ..tool("disk", DISK) };
        let disk = self.tool(disk, mounted, size, limits())?;
        Ok(Parts { squashfs, verity, kernel, initrd, uki, disk })
    }

    /// The checked root as an image.
    fn squashfs(
        &mut self,
        name: &TargetName,
        node: &Node,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let tar = self.root_tar(name, node, platform, span)?;
        let (root, role, script) = (&node.tools, "squashfs", SQUASHFS);
        let tool = Tool { name, root, role, script, platform, span };
        let none: [(&str, String); 0] = [];
        self.tool(tool, [("/deps/root.tar", tar)], none, RunLimits::default())
    }

    /// The checked root as one stream.
    fn root_tar(
        &mut self,
        name: &TargetName,
        node: &Node,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let label = StepLabel::new(name.to_string(), "tar").on(platform);
        if let Some(step) = self.plan.find(&label) {
            return Ok(output(step, "out"));
        }
        let root = self.node_root(name, node, platform, span)?;
        let config = self.part(&node.kernel, "config", platform)?;
        let none = serde_json::json!({});
        let check = StepLabel::new(name.to_string(), "check").on(platform);
        let inputs = vec![input("config", config), input("root", root)];
        let span = Some(span);
        let check = self.assemble(check, Assembler::NodeCheck, &none, inputs, &["out"], span);
        let inputs = vec![input("tree", output(check, "out"))];
        let step = self.assemble(label, Assembler::TreeTar, &none, inputs, &["out"], span);
        Ok(output(step, "out"))
    }

    /// What the node is, for comparisons.
    fn node_facts(
        &mut self,
        name: &TargetName,
        node: &Node,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let label = StepLabel::new(name.to_string(), "facts").on(platform);
        let inputs = vec![input("root", self.node_root(name, node, platform, span)?)];
        let (assembler, none) = (Assembler::NodeFacts, serde_json::json!({}));
        let step = self.assemble(label, assembler, &none, inputs, &["out"], Some(span));
        Ok(output(step, "out"))
    }

    fn qcow2(
        &mut self,
        name: &TargetName,
        node: &Node,
        parts: &Parts,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let (root, role, script) = (&node.tools, "qcow2", QCOW2);
        let tool = Tool { name, root, role, script, platform, span };
        let none: [(&str, String); 0] = [];
        self.tool(tool, [("/deps/disk", parts.disk.clone())], none, RunLimits::default())
    }

    /// All that a node is, in one tree.
    fn together(
        &mut self,
        name: &TargetName,
        node: &Node,
        parts: &Parts,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let label = StepLabel::new(name.to_string(), "join").on(platform);
        if let Some(step) = self.plan.find(&label) {
            return Ok(output(step, "out"));
        }
        let qcow2 = self.qcow2(name, node, parts, platform, span)?;
        let parts = [
            ("kernel", &parts.kernel),
            ("squashfs", &parts.squashfs),
            ("verity", &parts.verity),
            ("uki", &parts.uki),
            ("disk", &parts.disk),
            ("qcow2", &qcow2),
        ];
        let (mut params, mut inputs) = (params::Overlay::default(), Vec::new());
        for (number, (role, part)) in parts.into_iter().enumerate() {
            inputs.push(input(format!("tree.{number:02}"), part.clone()));
            let (path, to) = ("/".to_owned(), "/".to_owned());
            params.trees.push(params::Tree { label: role.to_owned(), path, to });
        }
        let outputs = ["out", "origins"];
        let assembler = Assembler::TreeCompose;
        let step = self.assemble(label, assembler, &params, inputs, &outputs, Some(span));
        Ok(output(step, "out"))
    }

    fn part(
        &mut self,
        target: &At<TargetName>,
        output: &str,
        platform: Platform,
    ) -> Result<From, PlanError> {
        let of = TargetRef { target: target.value.clone(), output: output.to_owned() };
        Ok(self.output(&of, platform)?.out)
    }

    /// A step that runs a script of ours among tools; its output is `/out`.
    fn tool<'a>(
        &mut self,
        tool: Tool<'_>,
        mounted: impl IntoIterator<Item = (&'a str, From)>,
        words: impl IntoIterator<Item = (&'a str, String)>,
        limits: RunLimits,
    ) -> Result<From, PlanError> {
        let Tool { name, root, role, script, platform, span } = tool;
        let label = StepLabel::new(name.to_string(), role).on(platform);
        if let Some(step) = self.plan.find(&label) {
            return Ok(output(step, "out"));
        }
        let mut inputs = vec![input("root", self.part(root, DEFAULT_OUTPUT, platform)?)];
        let mut mounts = vec![Mount { at: "/".into(), input: "root".into() }];
        for (at, from) in mounted {
            let role = at.trim_start_matches("/deps/").to_owned();
            mounts.push(Mount { at: at.into(), input: role.clone() });
            inputs.push(input(role, from));
        }
        let mut env = self.environment(&BTreeMap::new());
        env.extend(words.into_iter().map(|(name, value)| (name.to_owned(), value)));
        let run = Run {
            argv: ["/bin/sh", "-eu", "-c", script].into_iter().map(str::to_owned).collect(),
            env,
            cwd: "/build".into(),
            mounts,
            places: vec![OutputPlace { output: "out".into(), place: "/out".into() }],
            permissions: Permissions::Normal,
            platform,
            sandbox: self.options.sandbox,
            reuse: None,
            root: RunRoot::Discarded,
            limits,
        };
        let outputs = vec!["out".to_owned()];
        let step = self.plan.add(label, || (StepKind::Run(run), inputs, outputs), Some(span));
        Ok(output(step, "out"))
    }
}

/// A script of ours and the tools that it runs among.
struct Tool<'a> {
    name: &'a TargetName,
    root: &'a At<TargetName>,
    role: &'a str,
    script: &'static str,
    platform: Platform,
    span: Span,
}
