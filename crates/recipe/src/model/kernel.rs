//! `kernel`: a Linux kernel.

use crate::{At, Limits, Platform, RepoPath, Span, TargetName, TargetRef};

/// A Linux kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kernel {
    /// The source tree.
    pub source: At<TargetRef>,
    /// What it is configured and built in.
    pub toolchain: At<TargetName>,
    /// Patches, in order.
    pub patches: Vec<At<RepoPath>>,
    /// What fragments and options are laid on.
    pub base: KernelBase,
    /// Files with options.
    pub fragments: Vec<At<RepoPath>>,
    /// Options of the recipe itself, sorted by symbol.
    pub options: Vec<KernelOption>,
    /// Symbols that may be dropped or changed.
    pub allow_dropped: Vec<At<String>>,
    /// Whether modules are built.
    pub modules: bool,
    /// Whether there is an output `headers`.
    pub headers: bool,
    /// The platforms that it is made for.
    pub platforms: Vec<At<Platform>>,
    /// What ends a step of it.
    pub limits: Limits,
}

/// The configuration that fragments are laid on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelBase {
    /// A target of the kernel's own `Makefile`, such as `tinyconfig`.
    Make(At<String>),
    /// A file of the repository.
    File(At<RepoPath>),
}

/// An option of the recipe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelOption {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// Its value, as `.config` has it behind `=`; `n` for none.
    pub value: At<String>,
    /// Where the symbol stands.
    pub span: Span,
}

impl Kernel {
    /// The names of its outputs.
    pub fn outputs(&self) -> Vec<&'static str> {
        let mut outputs = vec![crate::DEFAULT_OUTPUT, "config", "facts", "vmlinux"];
        outputs.extend(self.modules.then_some("modules"));
        outputs.extend(self.headers.then_some("headers"));
        outputs
    }
}
