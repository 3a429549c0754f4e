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
    /// Whose signatures its modules carry.
    pub signing: Option<Signing>,
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

/// Signatures of modules, made outside: the private key is in no recipe, no step and no store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// The certificate that the kernel trusts, in PEM.
    pub certificate: At<RepoPath>,
    /// The directory with a detached signature of each module.
    pub signatures: At<RepoPath>,
    /// Where the table stands.
    pub span: Span,
}

impl Signing {
    /// Where the steps of a kernel see the certificate.
    pub const CERTIFICATE: &str = "/deps/trusted/certificate.pem";

    /// What the kernel has to be configured with: it trusts the certificate, signs nothing itself,
    /// and draws no key.
    pub fn options() -> [(&'static str, String); 4] {
        [
            ("MODULE_SIG", "y".into()),
            ("MODULE_SIG_ALL", "n".into()),
            ("MODULE_SIG_KEY", "\"\"".into()),
            ("SYSTEM_TRUSTED_KEYS", format!("\"{}\"", Self::CERTIFICATE)),
        ]
    }
}

/// The members of the choice between hashes that are called so, and the one that is chosen where the
/// recipe names none.
const HASHES: (&str, &str) = ("MODULE_SIG_SHA", "MODULE_SIG_SHA256");

impl Kernel {
    /// The options of the recipe with those that `signing` brings along, sorted by symbol.
    pub fn requests(&self) -> Vec<KernelOption> {
        let mut requests = self.options.clone();
        let Some(signing) = &self.signing else { return requests };
        let hash = self.options.iter().all(|option| !option.symbol.starts_with(HASHES.0));
        let hash = hash.then(|| (HASHES.1, "y".to_owned()));
        for (symbol, value) in Signing::options().into_iter().chain(hash) {
            if self.options.iter().any(|option| option.symbol == symbol) {
                continue;
            }
            let (symbol, value) = (symbol.to_owned(), At::new(value, signing.span));
            requests.push(KernelOption { symbol, value, span: signing.span });
        }
        requests.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        requests
    }

    /// The names of its outputs.
    pub fn outputs(&self) -> Vec<&'static str> {
        let mut outputs = vec![crate::DEFAULT_OUTPUT, "config", "facts", "vmlinux"];
        outputs.extend(self.modules.then_some("modules"));
        outputs.extend(self.signing.as_ref().map(|_| "unsigned"));
        outputs.extend(self.headers.then_some("headers"));
        outputs
    }
}
