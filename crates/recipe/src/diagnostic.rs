//! What is wrong, where, and what to do: one type for every message about recipes and the lock.

use crate::{Sources, Span};
use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing can be built.
    Error,
    /// It can be built, but is likely not what is meant.
    Warning,
}

/// A place and what is to be said about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// The words.
    pub text: String,
}

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub title: String,
    /// The places; the first is the one to go to.
    pub labels: Vec<Label>,
    /// What to do about it, a sentence each.
    pub help: Vec<String>,
}

/// Whether escape sequences for colours are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColorChoice {
    /// Plain text.
    Plain,
    /// For a terminal.
    Colored,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(title: impl Into<String>) -> Self {
        let title = title.into();
        Self { severity: Severity::Error, title, labels: Vec::new(), help: Vec::new() }
    }

    /// A warning without a place yet.
    pub fn warning(title: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(title) }
    }

    /// Adds a place.
    pub fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// Adds advice.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help.push(text.into());
        self
    }

    /// Adds the advice to take `name`, if there is one.
    pub(crate) fn nearest(self, name: Option<&str>) -> Self {
        match name {
            Some(name) => self.help(format!("did you mean `{name}`?")),
            None => self,
        }
    }

    /// The message with file, line, column and the source line underlined; ends with a new line.
    pub fn render(&self, sources: &Sources, color: ColorChoice) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let mut files = Vec::new();
        for label in &self.labels {
            if !files.contains(&label.span.file) {
                files.push(label.span.file);
            }
        }
        let snippets = files.into_iter().map(|file| {
            let notes = self.labels.iter().enumerate().filter(|(_, l)| l.span.file == file);
            let notes = notes.map(|(index, label)| {
                let kind = match index {
                    0 => AnnotationKind::Primary,
                    _ => AnnotationKind::Context,
                };
                let text = sources.text(file);
                kind.span(clamp(label.span, text)).label(label.text.as_str())
            });
            Snippet::source(sources.text(file)).path(sources.path(file)).annotations(notes)
        });
        let help = self.help.iter().map(|text| Level::HELP.message(text.as_str()));
        let group = level.primary_title(self.title.as_str()).elements(snippets).elements(help);
        let renderer = match color {
            ColorChoice::Plain => Renderer::plain(),
            ColorChoice::Colored => Renderer::styled(),
        };
        let mut text = renderer.render(&[group]);
        text.push('\n');
        text
    }
}

/// The part of a span that is in the text, cut to its first line: a table is underlined where it
/// starts.
fn clamp(span: Span, text: &str) -> std::ops::Range<usize> {
    let boundary = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = boundary(span.start as usize);
    let end = boundary(span.end as usize).max(start);
    let line_end = text[start..end].find('\n').map_or(end, |at| start + at);
    start..line_end
}

/// Several messages as one text, an empty line between two.
pub fn render_all(diagnostics: &[Diagnostic], sources: &Sources, color: ColorChoice) -> String {
    let parts: Vec<String> = diagnostics.iter().map(|d| d.render(sources, color)).collect();
    parts.join("\n")
}
