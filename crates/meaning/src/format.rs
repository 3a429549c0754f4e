//! What kind of file it is, by its name and its first bytes, and who compares it.

use crate::{
    Finding, Limits, Pair, Telling, elf, kernel,
    text::{self, Spelling},
    textual::{self, Textual},
};

/// As what two files are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// A program, library, kernel module or other ELF file.
    Elf,
    /// Options of a kernel, resolved or asked for.
    KernelConfig,
    /// What one of our kernels is: `kernel.json`.
    KernelFacts,
    /// A kernel to be booted: bzImage, or for AArch64.
    KernelImage,
    /// A program for UEFI: boot loaders, kernels with their command line and initramfs.
    Pe,
    /// Bytes that Python compiled.
    PythonCache,
    /// Symbols of a kernel with their addresses.
    SystemMap,
    /// A table that `depmod` or the build of a kernel writes.
    TableOfModules,
    /// Lines.
    Text,
    /// Translated messages of gettext.
    Translations,
    /// Text of a kind that is known.
    Textual(Textual),
    /// Nothing else is known of it.
    Bytes,
}

impl Format {
    /// What both versions are.
    pub(crate) fn of(pair: &Pair<'_>, limits: &Limits) -> Self {
        if pair.before.len().max(pair.after.len()) > limits.bytes {
            return Self::Bytes;
        }
        let is_named = Textual::is_named(pair.path);
        let both = |is_one: &dyn Fn(&[u8]) -> bool| is_one(pair.before) && is_one(pair.after);
        let is_text =
            |bytes: &[u8]| !bytes.contains(&0) && (is_named || std::str::from_utf8(bytes).is_ok());
        if both(&elf::is_elf) {
            Self::Elf
        } else if both(&kernel::image::is_image) {
            Self::KernelImage
        } else if both(&kernel::pe::is_pe) {
            Self::Pe
        } else if both(&|bytes| kernel::config::is_config(pair.path, bytes)) {
            Self::KernelConfig
        } else if both(&|bytes| kernel::facts::is_facts(pair.path, bytes)) {
            Self::KernelFacts
        } else if both(&|bytes| kernel::map::is_map(pair.path, bytes)) {
            Self::SystemMap
        } else if kernel::tables::is_table(pair.path) {
            Self::TableOfModules
        } else if pair.path.ends_with(".pyc") && both(&crate::compiled::is_python) {
            Self::PythonCache
        } else if both(&crate::compiled::is_translations) {
            Self::Translations
        } else if both(&is_text) {
            Textual::of(pair).map_or(Self::Text, Self::Textual)
        } else {
            Self::Bytes
        }
    }

    pub(crate) fn findings(self, pair: &Pair<'_>, limits: &Limits) -> Vec<Finding> {
        match self {
            Self::Elf => elf::compare(pair, limits),
            Self::KernelConfig => {
                let mut findings = or_text(kernel::config::compare(pair), pair, limits);
                if limits.spelling == Telling::Lines {
                    let spelling = Spelling::with_comments(&["#"]);
                    findings.extend(textual::of_comments(pair, spelling, limits));
                }
                findings
            }
            Self::KernelFacts => or_text(kernel::facts::compare(pair), pair, limits),
            Self::KernelImage => kernel::image::compare(pair),
            Self::Pe => kernel::pe::compare(pair),
            Self::PythonCache => crate::compiled::python(pair),
            Self::SystemMap => kernel::map::compare(pair),
            Self::TableOfModules => kernel::tables::compare(pair),
            Self::Text => text::compare(pair, limits),
            Self::Translations => crate::compiled::translations(pair),
            Self::Textual(kind) => textual::findings(kind, pair, limits),
            Self::Bytes => text::bytes(pair),
        }
    }

    /// What it is called: `systemd unit`, `text`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Elf => "ELF",
            Self::KernelConfig => "kernel configuration",
            Self::KernelFacts => "facts of a kernel",
            Self::KernelImage => "kernel image",
            Self::Pe => "UEFI program",
            Self::PythonCache => "compiled Python",
            Self::SystemMap => "symbols of a kernel",
            Self::TableOfModules => "table of kernel modules",
            Self::Text => "text",
            Self::Translations => "translations",
            Self::Textual(kind) => kind.name(),
            Self::Bytes => "bytes",
        }
    }
}

/// What a reader found; if it could not read the file, why, and how its lines differ.
fn or_text(found: Result<Vec<Finding>, Finding>, pair: &Pair<'_>, limits: &Limits) -> Vec<Finding> {
    found.unwrap_or_else(|why| {
        let mut findings = vec![why];
        findings.extend(text::compare(pair, limits));
        findings
    })
}
