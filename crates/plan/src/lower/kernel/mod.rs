//! `kernel`: patched source -> resolved configuration -> check -> build.
//!
//! ```text
//!  source ── patch ─╮
//!  base, fragments, options ── fragments ──╮
//!                   ├── config (make) ─────┴── check ── build (make) ──▶ out vmlinux modules headers
//!  toolchain ───────╯
//! ```
//!
//! With `signing`, the modules go on as [`signing`] says.
//!
//! The build's key holds the id of the resolved configuration, so two sets of fragments that resolve
//! alike are built once. Whether the configuration is the one that was asked for is a step of its own:
//! it reads the kernel's `Kconfig` files and needs no compiler.

mod signing;

use super::{Lowering, Made, Shape, build::limits, input, output};
use crate::{
    Assembler, From, Input, Mount, OutputPlace, PlanError, Reuse, Run, RunRoot, StepIndex,
    StepKind, StepLabel, leaf::file_label, params,
};
use groundup_recipe::{
    At, DEFAULT_OUTPUT, Kernel, KernelBase, Permissions, Platform, RepoPath, Span, TargetName,
    TargetRef,
};
use std::collections::BTreeMap;

/// Resolves a configuration.
const CONFIGURE: &str = include_str!("configure.sh");
/// Builds what a resolved configuration says.
const BUILD: &str = include_str!("build.sh");

/// What has to be there before a kernel that trusts a certificate is built.
const TRUSTS: &str = include_str!("trusts.sh");

/// The header that every file of a kernel reads, and that changes with every option.
const SYMBOLS: &str = "/build/include/generated/autoconf.h";

/// What the kernel's own `Makefile` calls a platform.
struct Names {
    /// `ARCH` of `make`.
    arch: &'static str,
    /// The directory below `arch/`.
    directory: &'static str,
    /// The target that is booted, and where it is put.
    image: (&'static str, &'static str),
}

fn names(platform: Platform) -> Names {
    match platform {
        Platform::LinuxAmd64 => {
            Names { arch: "x86_64", directory: "x86", image: ("bzImage", "arch/x86/boot/bzImage") }
        }
        Platform::LinuxArm64 => {
            Names { arch: "arm64", directory: "arm64", image: ("Image", "arch/arm64/boot/Image") }
        }
    }
}

impl Lowering<'_> {
    pub(super) fn kernel(
        &mut self,
        name: &TargetName,
        kernel: &Kernel,
        asked: &str,
        platform: Platform,
        span: Span,
    ) -> Result<Made, PlanError> {
        let made = |out| Made { out, origins: None, shape: Shape::Tree };
        let label = StepLabel::new(name.to_string(), "check").on(platform);
        let config = match self.plan.find(&label) {
            Some(step) => output(step, "out"),
            None => {
                let source = self.kernel_source(name, kernel, platform, span)?;
                let fragments = self.kernel_fragments(name, kernel, span)?;
                let resolved = self.configure(name, kernel, &source, fragments, platform, span)?;
                self.check(name, kernel, source, resolved, platform, span)?
            }
        };
        if asked == "config" {
            return Ok(made(config));
        }
        let step = self.kernel_build(name, kernel, config.clone(), platform, span)?;
        let out = match asked {
            "unsigned" => self.kernel_unsigned(name, kernel, step, platform, span)?,
            "modules" => self.kernel_modules(name, kernel, config, step, platform, span)?,
            "facts" => self.kernel_facts(name, kernel, config, step, platform, span)?,
            _ => output(step, asked),
        };
        Ok(made(out))
    }

    /// The source tree with the recipe's patches.
    fn kernel_source(
        &mut self,
        name: &TargetName,
        kernel: &Kernel,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let source = self.tree(name, &kernel.source.value, platform, kernel.source.span)?.out;
        let Some(first) = kernel.patches.first() else { return Ok(source) };
        let label = StepLabel::new(name.to_string(), "patch");
        let step = match self.plan.find(&label) {
            Some(step) => step,
            None => {
                let mut inputs = vec![input("tree", source)];
                let names = self.files("patch", &kernel.patches, &mut inputs)?;
                let params = params::Patches { names };
                let span = Some(first.span).filter(|_| kernel.patches.len() == 1).or(Some(span));
                self.assemble(label, Assembler::TreePatch, &params, inputs, &["out"], span)
            }
        };
        Ok(output(step, "out"))
    }

    /// Adds files of the repository as inputs `ROLE.NN`; gives their paths.
    fn files(
        &self,
        role: &str,
        files: &[At<RepoPath>],
        inputs: &mut Vec<Input>,
    ) -> Result<Vec<String>, PlanError> {
        let mut names = Vec::new();
        for (number, path) in files.iter().enumerate() {
            inputs.push(input(format!("{role}.{number:02}"), self.leaf(file_label(path))?));
            names.push(path.to_string());
        }
        Ok(names)
    }

    /// Base, fragments and options as one tree of files, in the order in which they count.
    fn kernel_fragments(
        &mut self,
        name: &TargetName,
        kernel: &Kernel,
        span: Span,
    ) -> Result<From, PlanError> {
        let label = StepLabel::new(name.to_string(), "fragments");
        if let Some(step) = self.plan.find(&label) {
            return Ok(output(step, "out"));
        }
        let mut params = params::Overlay::default();
        let mut inputs = Vec::new();
        let file = |path: String, text: Option<String>| params::File {
            path,
            text,
            mode: 0o644,
            uid: 0,
            gid: 0,
        };
        let base = match &kernel.base {
            KernelBase::Make(target) => file("/base.target".into(), Some(target.value.clone())),
            KernelBase::File(path) => {
                inputs.push(input("file.000", self.leaf(file_label(path))?));
                file("/base.config".into(), None)
            }
        };
        params.files.push(base);
        for (number, path) in kernel.fragments.iter().enumerate() {
            let role = format!("file.{:03}", number + 1);
            inputs.push(input(role, self.leaf(file_label(path))?));
            params.files.push(file(format!("/fragments/{number:02}.config"), None));
        }
        let requests = kernel.requests();
        if !requests.is_empty() {
            let lines = requests.iter().map(|option| match option.value.as_str() {
                "n" => format!("# CONFIG_{} is not set\n", option.symbol),
                value => format!("CONFIG_{}={value}\n", option.symbol),
            });
            params.files.push(file("/options.config".into(), Some(lines.collect())));
        }
        let outputs = ["out", "origins"];
        let assembler = Assembler::TreeCompose;
        let step = self.assemble(label, assembler, &params, inputs, &outputs, Some(span));
        Ok(output(step, "out"))
    }

    fn configure(
        &mut self,
        name: &TargetName,
        kernel: &Kernel,
        source: &From,
        fragments: From,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let inputs = [("/deps/fragments", "fragments", fragments)];
        let inputs = inputs.into_iter().chain([("/src/linux", "source", source.clone())]);
        let outputs = vec!["out".to_owned()];
        let label = StepLabel::new(name.to_string(), "config").on(platform);
        let command = Make {
            name,
            kernel,
            script: CONFIGURE.to_owned(),
            words: Vec::new(),
            platform,
            outputs,
            reuse: None,
        };
        let step = self.make(label, command, inputs, span)?;
        Ok(output(step, "out"))
    }

    fn check(
        &mut self,
        name: &TargetName,
        kernel: &Kernel,
        source: From,
        resolved: From,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let mut inputs = vec![input("config", resolved), input("source", source)];
        let fragments = self.files("fragment", &kernel.fragments, &mut inputs)?;
        let options = kernel.requests();
        let params = params::KernelCheck {
            arch: names(platform).arch.to_owned(),
            architecture: names(platform).directory.to_owned(),
            fragments,
            options: options.into_iter().map(|it| (it.symbol, it.value.value)).collect(),
            allow_dropped: kernel.allow_dropped.iter().map(|it| it.value.clone()).collect(),
        };
        let label = StepLabel::new(name.to_string(), "check").on(platform);
        let assembler = Assembler::KernelCheck;
        let step = self.assemble(label, assembler, &params, inputs, &["out"], Some(span));
        Ok(output(step, "out"))
    }

    /// What the kernel is, for comparisons.
    fn kernel_facts(
        &mut self,
        name: &TargetName,
        kernel: &Kernel,
        config: From,
        build: StepIndex,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let label = StepLabel::new(name.to_string(), "facts").on(platform);
        let mut inputs = vec![input("kernel", output(build, DEFAULT_OUTPUT))];
        if kernel.modules {
            let modules = self.kernel_modules(name, kernel, config, build, platform, span)?;
            inputs.push(input("modules", modules));
        }
        let (assembler, none) = (Assembler::KernelFacts, serde_json::json!({}));
        let step = self.assemble(label, assembler, &none, inputs, &["out"], Some(span));
        Ok(output(step, "out"))
    }

    fn kernel_build(
        &mut self,
        name: &TargetName,
        kernel: &Kernel,
        config: From,
        platform: Platform,
        span: Span,
    ) -> Result<StepIndex, PlanError> {
        let label = StepLabel::new(name.to_string(), "build").on(platform);
        if let Some(step) = self.plan.find(&label) {
            return Ok(step);
        }
        let source = self.kernel_source(name, kernel, platform, span)?;
        // Those of other steps.
        let others = ["config", "facts", "unsigned"];
        let outputs = kernel.outputs().into_iter().filter(|output| !others.contains(output));
        let outputs: Vec<String> = outputs.map(str::to_owned).collect();
        let (target, place) = names(platform).image;
        let words = vec![outputs.join(" "), target.to_owned(), place.to_owned()];
        let mut inputs = vec![("/deps/config", "config", config), ("/src/linux", "source", source)];
        let mut script = BUILD.to_owned();
        if let Some(signing) = &kernel.signing {
            inputs.push(("/deps/trusted", "trusted", self.trusted(name, signing)?));
            script.insert_str(0, TRUSTS);
        }
        let reuse = Some(Reuse { symbols: Some(SYMBOLS.to_owned()) });
        let command = Make { name, kernel, script, words, platform, outputs, reuse };
        self.make(label, command, inputs, span)
    }

    /// A step that runs a script of ours in the toolchain.
    fn make<'a>(
        &mut self,
        label: StepLabel,
        command: Make<'_>,
        mounted: impl IntoIterator<Item = (&'a str, &'a str, From)>,
        span: Span,
    ) -> Result<StepIndex, PlanError> {
        let Make { name, kernel, script, words, platform, outputs, reuse } = command;
        if let Some(step) = self.plan.find(&label) {
            return Ok(step);
        }
        let toolchain =
            TargetRef { target: kernel.toolchain.value.clone(), output: DEFAULT_OUTPUT.into() };
        let root = self.tree(name, &toolchain, platform, kernel.toolchain.span)?;
        let mut inputs = vec![input("root", root.out)];
        let mut mounts = vec![Mount { at: "/".into(), input: "root".into() }];
        for (at, role, from) in mounted {
            mounts.push(Mount { at: at.into(), input: role.into() });
            inputs.push(input(role, from));
        }
        let mut env = self.environment(&BTreeMap::new());
        let own = [("ARCH", names(platform).arch), ("SRCARCH", names(platform).directory)];
        env.extend(own.map(|(name, value)| (name.into(), value.into())));
        let place = |output: &String| match outputs.as_slice() {
            [_] => "/out".to_owned(),
            _ => format!("/out/{output}"),
        };
        let places = outputs.iter();
        let places =
            places.map(|output| OutputPlace { output: output.clone(), place: place(output) });
        let argv = ["/bin/sh", "-eu", "-c", &script, "sh"];
        let run = Run {
            argv: argv.map(str::to_owned).into_iter().chain(words).collect(),
            env,
            cwd: "/build".into(),
            mounts,
            places: places.collect(),
            permissions: Permissions::Normal,
            platform,
            sandbox: self.options.sandbox,
            reuse,
            root: RunRoot::Discarded,
            limits: limits(&kernel.limits),
        };
        Ok(self.plan.add(label, || (StepKind::Run(run), inputs, outputs), Some(span)))
    }
}

/// What a step in the toolchain is made of.
struct Make<'a> {
    name: &'a TargetName,
    kernel: &'a Kernel,
    script: String,
    /// What the script is given.
    words: Vec<String>,
    platform: Platform,
    outputs: Vec<String>,
    reuse: Option<Reuse>,
}
