//! Checks the `signing` of a kernel: its certificate, and options that would undo it.

use crate::{Diagnostic, Kernel, LoadError, Loader, Signing};

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";

/// Checks what can be told without running anything.
pub(crate) fn check(
    kernel: &Kernel,
    signing: &Signing,
    loader: &dyn Loader,
    out: &mut Vec<Diagnostic>,
) {
    certificate(signing, loader, out);
    if !kernel.modules {
        let diagnostic = Diagnostic::error("there are no modules to sign")
            .label(signing.span, "goes with `modules = true` only")
            .help("leave `modules = false` or this table out");
        out.push(diagnostic);
    }
    for (symbol, value) in Signing::options() {
        let Some(option) = kernel.options.iter().find(|option| option.symbol == symbol) else {
            continue;
        };
        if option.value.value != value {
            let diagnostic = Diagnostic::error(format!("`{symbol}` contradicts `signing`"))
                .label(option.value.span, format!("expected `{value}`"))
                .label(signing.span, "signatures come from outside")
                .help("leave the option out: `signing` brings it along");
            out.push(diagnostic);
        }
    }
}

fn certificate(signing: &Signing, loader: &dyn Loader, out: &mut Vec<Diagnostic>) {
    let (path, span) = (&signing.certificate.value, signing.certificate.span);
    let text = match loader.load(path.as_str()) {
        Ok(text) => text,
        Err(LoadError::NotFound(_)) => {
            let diagnostic = Diagnostic::error(format!("there is no file `{path}`"))
                .label(span, "no such file or directory in the repository")
                .help("paths are relative to the directory of `groundup.toml`");
            return out.push(diagnostic);
        }
        // DER is no text.
        Err(LoadError::Unreadable { .. }) => String::new(),
    };
    if text.contains("PRIVATE KEY-----") {
        let diagnostic = Diagnostic::error(format!("`{path}` holds a private key"))
            .label(span, "expected nothing but a certificate")
            .help(format!(
                "a private key stays outside of the repository; the certificate alone is written \
                 by `openssl x509 -in {path} -out CERTIFICATE`"
            ));
        out.push(diagnostic);
    } else if !text.contains(BEGIN) {
        let diagnostic = Diagnostic::error(format!("`{path}` is no certificate in PEM"))
            .label(span, format!("expected a file with `{BEGIN}`"))
            .help(format!("DER becomes PEM by `openssl x509 -inform DER -in {path} -out PEM`"));
        out.push(diagnostic);
    }
}
