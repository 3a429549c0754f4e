//! The only place that prints: data to stdout, talk to stderr.

use crate::error::CliError;
use anstyle::{AnsiColor, Style};
use serde::Serialize;
use std::io::Write;

pub(crate) const RED: Style = AnsiColor::Red.on_default().bold();
pub(crate) const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const GREEN: Style = AnsiColor::Green.on_default();
pub(crate) const CYAN: Style = AnsiColor::Cyan.on_default();
pub(crate) const BOLD: Style = Style::new().bold();
pub(crate) const DIM: Style = Style::new().dimmed();

/// Writes a line of data. A reader that has gone away is no error: it has had enough.
pub(crate) fn line(text: impl AsRef<str>) {
    let _ = writeln!(anstream::stdout(), "{}", text.as_ref());
}

/// Writes data as it is.
pub(crate) fn raw(bytes: &[u8]) {
    let mut stdout = std::io::stdout();
    let _ = stdout.write_all(bytes);
    let _ = stdout.flush();
}

/// Writes one JSON value on one line.
pub(crate) fn json(value: &impl Serialize) {
    if let Ok(text) = serde_json::to_string(value) {
        line(text);
    }
}

/// Writes a line of talk.
pub(crate) fn say(text: impl AsRef<str>) {
    let _ = writeln!(anstream::stderr(), "{}", text.as_ref());
}

/// Writes a warning.
pub(crate) fn warn(text: impl AsRef<str>) {
    say(format!("{YELLOW}warning{YELLOW:#}: {}", text.as_ref()));
}

/// Writes an error with its causes and remedy.
pub(crate) fn error(error: &CliError) {
    if let Some(rendered) = &error.rendered {
        let _ = write!(anstream::stderr(), "{rendered}");
        if !rendered.ends_with('\n') {
            say("");
        }
    }
    if let Some((first, causes)) = error.messages.split_first() {
        say(format!("{RED}error{RED:#}: {first}"));
        let mut last = first;
        for cause in causes.iter().filter(|cause| !first.ends_with(cause.as_str())) {
            if cause != last {
                say(format!("  because: {cause}"));
            }
            last = cause;
        }
    }
    if let Some(hint) = &error.hint {
        say(format!("{CYAN}help{CYAN:#}: {hint}"));
    }
}
