//! What causes are called: pins, recipe lines and files that moved between two states, in words.

use crate::{error::CliError, words};
use groundup_digest::ObjectId;
use groundup_plan::compare::{Cause, CauseKind, Place};
use groundup_recipe::{Sources, TargetName, lock::Change};
use groundup_store::Store;
use groundup_tree::Change as TreeChange;

/// The files of a state, and its name where it is not the present one.
type State<'a> = (&'a Sources, Option<&'a str>);

/// Puts causes into words.
pub(crate) struct CauseWords<'a> {
    pub(crate) store: &'a Store,
    pub(crate) old: State<'a>,
    pub(crate) new: State<'a>,
}

/// A cause in words.
pub(crate) struct ToldCause {
    pub(crate) kind: &'static str,
    /// What moved.
    pub(crate) what: String,
    /// From what to what.
    pub(crate) change: String,
    /// `file:line`.
    pub(crate) position: Option<String>,
    /// What it is made of: packages of a source, files of a tree.
    pub(crate) parts: Vec<String>,
}

impl CauseWords<'_> {
    /// A cause in words.
    pub(crate) fn told(&self, cause: &Cause) -> Result<ToldCause, CliError> {
        let (kind, what, change, parts) = self.words_of(&cause.kind)?;
        let position = cause.place.map(|place| self.position(place));
        Ok(ToldCause { kind, what, change, position, parts })
    }

    fn position(&self, place: Place) -> String {
        let ((sources, name), span) = match place {
            Place::New(span) => (self.new, span),
            Place::Old(span) => (self.old, span),
        };
        let behind = name.map_or_else(String::new, |name| format!(" at {name}"));
        format!("{}:{}{behind}", sources.path(span.file), sources.position(span).line)
    }

    fn words_of(
        &self,
        kind: &CauseKind,
    ) -> Result<(&'static str, String, String, Vec<String>), CliError> {
        Ok(match kind {
            CauseKind::Packages { source, names, change } => {
                let names: Vec<String> = names.iter().cloned().collect();
                let (what, said) = match change {
                    Change::Added(_) => (words::count(names.len(), "package"), "added".to_owned()),
                    Change::Removed(_) => {
                        (words::count(names.len(), "package"), "removed".to_owned())
                    }
                    Change::Moved { .. } => {
                        (source.clone().unwrap_or_else(|| names.join(", ")), change.to_string())
                    }
                };
                let parts = if names.len() == 1 && names[0] == what { Vec::new() } else { names };
                ("pin", what, said, parts)
            }
            CauseKind::Archive { name, change } => {
                ("pin", format!("archive {name}"), change.to_string(), Vec::new())
            }
            CauseKind::Source { target, change } => {
                ("pin", target.to_string(), change.to_string(), Vec::new())
            }
            CauseKind::File { label, old, new } => self.words_of_file(label, *old, *new)?,
            CauseKind::Recipe { targets, path, change } => {
                let whose = match (targets.len(), targets.first()) {
                    (0, _) => String::new(),
                    (1, Some(target)) => format!("{target} "),
                    (count, _) => format!("{} ", words::count(count, "target")),
                };
                let (what, said) = match (path.is_empty(), change) {
                    (true, Change::Added(name)) => (name.clone(), "added".to_owned()),
                    (true, Change::Removed(name)) => (name.clone(), "removed".to_owned()),
                    _ => (format!("{whose}{path}"), short(change)),
                };
                let parts = match targets.len() {
                    0 | 1 => Vec::new(),
                    _ => targets.iter().map(TargetName::to_string).collect(),
                };
                ("recipe", what, said, parts)
            }
            CauseKind::Unnamed { owner } => {
                let said = "groundup itself asks something else".to_owned();
                ("groundup", owner.clone(), said, Vec::new())
            }
        })
    }

    fn words_of_file(
        &self,
        label: &str,
        old: Option<ObjectId>,
        new: Option<ObjectId>,
    ) -> Result<(&'static str, String, String, Vec<String>), CliError> {
        let (Some(ObjectId::Tree(old)), Some(ObjectId::Tree(new))) = (old, new) else {
            let path = label.split_once(':').map_or(label, |(_, path)| path);
            let told = words_of_text(self.store, old, new)?;
            let (place, said) = told.unwrap_or((String::new(), "changed".to_owned()));
            return Ok(("file", format!("{path}{place}"), said, Vec::new()));
        };
        let differences = groundup_tree::compare(old, new, self.store)
            .map_err(|error| CliError::of(crate::error::Kind::Environment, &error))?;
        let parts: Vec<String> = differences
            .iter()
            .map(|difference| {
                let sign = match difference.change {
                    TreeChange::Added(_) => "+",
                    TreeChange::Removed(_) => "-",
                    TreeChange::Changed(..) => "",
                };
                format!("{sign}{}", difference.path.to_string().trim_start_matches('/'))
            })
            .collect();
        let said = match &parts[..] {
            [one] => format!("{one} differs"),
            parts => format!("{} differ", words::count(parts.len(), "path")),
        };
        let what = label.split_once(':').map_or(label, |(_, path)| path);
        Ok(("file", what.to_owned(), said, parts))
    }
}

/// Where two files begin to differ, as `:line`, and how, if both are short texts that are there.
pub(crate) fn words_of_text(
    store: &Store,
    old: Option<ObjectId>,
    new: Option<ObjectId>,
) -> Result<Option<(String, String)>, CliError> {
    const MOST: u64 = 1 << 20;
    let text = |id| -> Result<Option<String>, CliError> {
        let Some(ObjectId::Blob(id)) = id else { return Ok(None) };
        if !store.has_blob(id)? || store.open_blob(id)?.size()? > MOST {
            return Ok(None);
        }
        Ok(String::from_utf8(store.read_blob(id)?).ok().filter(|text| !text.contains('\0')))
    };
    let (Some(from), Some(to)) = (text(old)?, text(new)?) else { return Ok(None) };
    let same = from.lines().zip(to.lines()).take_while(|(a, b)| a == b).count();
    Ok(Some((format!(":{}", same + 1), short(&Change::Moved { from, to }))))
}

/// A change of texts that may be long or have lines.
pub(crate) fn short(change: &Change) -> String {
    const MOST: usize = 60;
    let cut = |text: &str| {
        let line = words::visible(&text.trim().replace('\n', "⏎"));
        match line.char_indices().nth(MOST) {
            Some((at, _)) => format!("{}…", &line[..at]),
            None => line,
        }
    };
    match change {
        Change::Added(text) => format!("added {}", cut(text)),
        Change::Removed(text) => format!("removed {}", cut(text)),
        Change::Moved { from, to } => {
            let (from, to) = (differing(from, to), differing(to, from));
            // What both begin with says nothing.
            let same = from.chars().zip(to.chars()).take_while(|(a, b)| a == b).count();
            let skip = if same > MOST / 2 { same - 10 } else { 0 };
            let tail = |text: &str| {
                let rest: String = text.chars().skip(skip).collect();
                if skip > 0 { format!("…{rest}") } else { rest }
            };
            format!("{} -> {}", cut(&tail(from)), cut(&tail(to)))
        }
    }
}

/// The lines of `text` between those that it begins and ends with alike as `other` does.
fn differing<'a>(text: &'a str, other: &str) -> &'a str {
    let common = |a: &mut dyn Iterator<Item = &'a str>, b: &mut dyn Iterator<Item = &str>| {
        a.zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a.len()).sum::<usize>()
    };
    let start = common(&mut text.split_inclusive('\n'), &mut other.split_inclusive('\n'));
    let (text, other) = (&text[start..], &other[start..]);
    let end = common(&mut text.split_inclusive('\n').rev(), &mut other.split_inclusive('\n').rev());
    &text[..text.len() - end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(from: &str, to: &str) -> String {
        short(&Change::Moved { from: from.to_owned(), to: to.to_owned() })
    }

    #[test]
    fn of_long_texts_what_differs_is_shown() {
        assert_eq!(moved("n", "y"), "n -> y");
        assert_eq!(moved("a\nb\nc\n", "a\nx\nc\n"), "b -> x");
        assert_eq!(moved("a\nc\n", "a\nb\nc\n"), " -> b");
        assert_eq!(moved("a", "\u{1b}[2J"), "a -> \\u{1b}[2J");
        let long = "x".repeat(50);
        assert_eq!(moved(&format!("{long}1"), &format!("{long}2")), "…xxxxxxxxxx1 -> …xxxxxxxxxx2");
    }
}
