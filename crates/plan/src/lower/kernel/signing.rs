//! `signing` of a kernel: modules -> what is to be signed -> modules with the signatures of others.
//!
//! ```text
//!  trusted ────── build ── modules ── unsigned ──╮
//!      ╰──────────────────────────────────────── sign ──▶ modules
//!  signatures of the repository ─────────────────╯
//! ```
//!
//! The private key has no part in it: the signatures are inputs like any other.

use super::{Make, input, output};
use crate::{
    Assembler, From, PlanError, StepIndex, StepLabel,
    leaf::{file_label, signatures_label},
    lower::Lowering,
    params,
};
use groundup_recipe::{Kernel, Platform, Signing, Span, TargetName};

/// Lists what is to be signed.
const UNSIGNED: &str = include_str!("unsigned.sh");
/// Appends signatures.
const SIGN: &str = include_str!("sign.sh");

impl Lowering<'_> {
    /// The certificate under a name of ours, [`Signing::CERTIFICATE`].
    pub(super) fn trusted(
        &mut self,
        name: &TargetName,
        signing: &Signing,
    ) -> Result<From, PlanError> {
        let label = StepLabel::new(name.to_string(), "trusted");
        if let Some(step) = self.plan.find(&label) {
            return Ok(output(step, "out"));
        }
        let path = Signing::CERTIFICATE.trim_start_matches("/deps/trusted").to_owned();
        let file = params::File { path, text: None, mode: 0o644, uid: 0, gid: 0 };
        let params = params::Overlay { files: vec![file], ..params::Overlay::default() };
        let inputs = vec![input("file.000", self.leaf(file_label(&signing.certificate))?)];
        let (assembler, outputs) = (Assembler::TreeCompose, ["out", "origins"]);
        let span = Some(signing.certificate.span);
        let step = self.assemble(label, assembler, &params, inputs, &outputs, span);
        Ok(output(step, "out"))
    }

    /// The modules before they are signed.
    pub(super) fn kernel_unsigned(
        &mut self,
        name: &TargetName,
        kernel: &Kernel,
        build: StepIndex,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let label = StepLabel::new(name.to_string(), "unsigned").on(platform);
        let inputs = [("/deps/modules", "modules", output(build, "modules"))];
        let command = command(name, kernel, UNSIGNED, Vec::new(), platform);
        let step = self.make(label, command, inputs, span)?;
        Ok(output(step, "out"))
    }

    /// The modules as a node has them: with signatures where the recipe asks for them.
    pub(super) fn kernel_modules(
        &mut self,
        name: &TargetName,
        kernel: &Kernel,
        config: From,
        build: StepIndex,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let Some(signing) = &kernel.signing else { return Ok(output(build, "modules")) };
        let unsigned = self.kernel_unsigned(name, kernel, build, platform, span)?;
        let inputs = [
            ("/deps/unsigned", "unsigned", unsigned),
            ("/deps/signatures", "signatures", self.leaf(signatures_label(name))?),
            ("/deps/config", "config", config),
            ("/deps/trusted", "trusted", self.trusted(name, signing)?),
        ];
        let words =
            [name.to_string(), signing.signatures.to_string(), signing.certificate.to_string()];
        let label = StepLabel::new(name.to_string(), "sign").on(platform);
        let command = command(name, kernel, SIGN, words.into(), platform);
        let step = self.make(label, command, inputs, signing.signatures.span)?;
        Ok(output(step, "out"))
    }
}

fn command<'a>(
    name: &'a TargetName,
    kernel: &'a Kernel,
    script: &str,
    words: Vec<String>,
    platform: Platform,
) -> Make<'a> {
    let outputs = vec!["out".to_owned()];
    Make { name, kernel, script: script.to_owned(), words, platform, outputs, reuse: None }
}
