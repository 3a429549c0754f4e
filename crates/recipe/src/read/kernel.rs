//! Reads a `kernel`.

use super::{Defaults, View, build::limits};
use crate::{At, Kernel, KernelBase, KernelOption, Signing, Span};

pub(super) fn read(view: View<'_>, defaults: &Defaults) -> Option<Kernel> {
    let platforms = match view.node("platforms") {
        Some(_) => view.list("platforms"),
        None => defaults.platforms.clone(),
    };
    let base = match view.get("base_file") {
        Some(file) => KernelBase::File(file),
        None => KernelBase::Make(view.text("base")?),
    };
    let options = view.entries("options").map(|(symbol, node)| {
        let span = view.key_span("options", symbol)?;
        let value = At::new(node.as_text()?.to_owned(), node.span);
        Some(KernelOption { symbol: symbol.to_owned(), value, span })
    });
    Some(Kernel {
        source: view.get("source")?,
        toolchain: view.get("toolchain")?,
        patches: view.list("patches"),
        base,
        fragments: view.list("fragments"),
        options: options.collect::<Option<_>>()?,
        allow_dropped: view.texts("allow_dropped"),
        modules: view.flag("modules").unwrap_or(true),
        headers: view.flag("headers").unwrap_or(false),
        signing: match view.node("signing") {
            Some(node) => Some(signing(View(node.as_table()?), node.span)?),
            None => None,
        },
        platforms,
        limits: view.table("limits").map(limits).unwrap_or_default(),
    })
}

fn signing(view: View<'_>, span: Span) -> Option<Signing> {
    Some(Signing {
        certificate: view.get("certificate")?,
        signatures: view.get("signatures")?,
        span,
    })
}
