//! The text of unit files to settings, and two sets of settings compared.

use super::keys::{Repeated, is_object, is_set_by_nothing, repeated};
use crate::{
    Finding, Kind,
    text::{cut, edits::edits},
    unread::Unread,
};
use std::collections::{BTreeMap, BTreeSet};

/// What the value of a key is called that an empty assignment sets.
const NOTHING: &str = "(nothing)";

/// A value and the file that sets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Set {
    pub(crate) value: String,
    pub(crate) file: String,
}

/// What a unit's files together say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Unit {
    /// By section and key, in the order in which they are first there; an empty list is a key that was
    /// set and reset.
    settings: BTreeMap<(String, String), Vec<Set>>,
}

impl Unit {
    /// Reads one file.
    pub(crate) fn read(text: &str, path: &str) -> Result<Self, Unread> {
        let mut unit = Self::default();
        unit.add(text, path)?;
        Ok(unit)
    }

    /// Reads one more file, whose settings come behind those that are there.
    pub(crate) fn add(&mut self, text: &str, path: &str) -> Result<(), Unread> {
        let mut section = String::new();
        let mut objects: BTreeMap<String, usize> = BTreeMap::new();
        for (number, line) in joined(text) {
            if let Some(name) = line.strip_prefix('[') {
                let name = name.strip_suffix(']');
                let name = name.ok_or_else(|| Unread::line(number, "a section does not end"))?;
                section = name.to_owned();
                if is_object(name, path) {
                    let count = objects.entry(name.to_owned()).or_default();
                    *count += 1;
                    section = if *count > 1 { format!("{name} {count}") } else { section };
                }
                continue;
            }
            let (key, value) = line
                .split_once('=')
                .ok_or_else(|| Unread::line(number, "neither a section nor a key with a value"))?;
            self.set(&section, key.trim(), value.trim(), path);
        }
        Ok(())
    }

    fn set(&mut self, section: &str, key: &str, value: &str, path: &str) {
        let values = self.settings.entry((section.to_owned(), key.to_owned())).or_default();
        let set = |value: &str| Set { value: value.to_owned(), file: path.to_owned() };
        match repeated(key) {
            // An empty assignment resets what was there.
            _ if value.is_empty() => {
                values.clear();
                values.extend(is_set_by_nothing(key).then(|| set(NOTHING)));
            }
            Repeated::Last => *values = vec![set(value)],
            Repeated::Lines => values.push(set(value)),
            Repeated::Words => {
                values.retain(|set| set.value != NOTHING);
                values.extend(value.split_whitespace().map(set));
            }
        }
    }

    /// The values of a key.
    pub(crate) fn get(&self, section: &str, key: &str) -> &[Set] {
        let found = self.settings.get(&(section.to_owned(), key.to_owned()));
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// The values that are set, by section and key.
    fn values(&self) -> impl Iterator<Item = (&(String, String), &Vec<Set>)> {
        self.settings.iter().filter(|(_, values)| !values.is_empty())
    }
}

/// The lines of a unit file with their numbers: continued ones joined by a blank (comments between
/// them are passed over), without comments and empty lines.
fn joined(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (at, raw) in text.lines().enumerate() {
        let line = raw.trim();
        if line.starts_with(['#', ';']) || (line.is_empty() && !open) {
            continue;
        }
        let (part, more) = match line.strip_suffix('\\') {
            Some(part) => (part.trim_end(), true),
            None => (line, false),
        };
        match lines.last_mut() {
            Some((_, last)) if open => {
                last.push(' ');
                last.push_str(part);
            }
            _ => lines.push((at + 1, part.to_owned())),
        }
        open = more;
    }
    lines
}

/// What differs between two units; `name` stands before each key.
pub(crate) fn compare(kind: Kind, name: &str, before: &Unit, after: &Unit) -> Vec<Finding> {
    let keys: BTreeSet<&(String, String)> =
        before.values().chain(after.values()).map(|(key, _)| key).collect();
    let space = if name.is_empty() { "" } else { " " };
    let mut findings = Vec::new();
    for (section, key) in keys {
        let what = format!("{name}{space}[{section}] {key}");
        let (a, b) = (before.get(section, key), after.get(section, key));
        findings.extend(match repeated(key) {
            Repeated::Words => words(kind, &what, a, b),
            _ => values(kind, &what, a, b),
        });
    }
    findings
}

fn words(kind: Kind, what: &str, a: &[Set], b: &[Set]) -> Vec<Finding> {
    let names = |sets: &[Set]| sets.iter().map(|set| set.value.clone()).collect::<BTreeSet<_>>();
    let (x, y) = (names(a), names(b));
    let gone: Vec<&Set> = a.iter().filter(|set| !y.contains(&set.value)).collect();
    let new: Vec<&Set> = b.iter().filter(|set| !x.contains(&set.value)).collect();
    if let ([gone], [new]) = (gone.as_slice(), new.as_slice()) {
        return vec![by(Finding::changed(kind, what, &*gone.value, &*new.value), new)];
    }
    let gone = gone.into_iter().map(|set| by(Finding::removed(kind, what, &*set.value), set));
    let new = new.into_iter().map(|set| by(Finding::added(kind, what, &*set.value), set));
    gone.chain(new).collect()
}

fn values(kind: Kind, what: &str, a: &[Set], b: &[Set]) -> Vec<Finding> {
    let texts = |sets: &[Set]| sets.iter().map(|set| set.value.clone()).collect::<Vec<_>>();
    let (x, y) = (texts(a), texts(b));
    let mut findings = Vec::new();
    for edit in edits(&x, &y) {
        let (gone, new) =
            (a.get(edit.before).unwrap_or_default(), b.get(edit.after).unwrap_or_default());
        for at in 0..gone.len().max(new.len()) {
            findings.extend(match (gone.get(at), new.get(at)) {
                (Some(a), Some(b)) => {
                    Some(by(Finding::changed(kind, what, cut(&a.value), cut(&b.value)), b))
                }
                (Some(a), None) => Some(by(Finding::removed(kind, what, cut(&a.value)), a)),
                (None, Some(b)) => Some(by(Finding::added(kind, what, cut(&b.value)), b)),
                (None, None) => None,
            });
        }
    }
    findings
}

/// Notes the file, where it is not the one that is compared.
fn by(finding: Finding, set: &Set) -> Finding {
    match set.file.is_empty() {
        true => finding,
        false => finding.note(format!("set by {}", set.file)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> Vec<(String, Option<String>, Option<String>)> {
        let read = |text| Unit::read(text, "").unwrap();
        let found = compare(Kind::Setting, "", &read(before), &read(after));
        found.into_iter().map(|one| (one.what, one.before, one.after)).collect()
    }

    #[test]
    fn a_limit_that_moved_is_told_by_section_and_key() {
        let before = "[Unit]\nAfter=network.target\n\n[Service]\nLimitNOFILE=1048576\n";
        let found = told(before, &before.replace("1048576", "infinity"));
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(
            found,
            [("[Service] LimitNOFILE".to_owned(), text("1048576"), text("infinity"))]
        );
    }

    #[test]
    fn an_empty_assignment_resets_and_repeated_lines_accumulate() {
        let before = "[Service]\nExecStart=/a\n";
        assert_eq!(told(before, "[Service]\nExecStart=/x\nExecStart=\nExecStart=/a\n"), []);
        assert_eq!(told(before, "[Service]\nExecStart=/a\nExecStart=/b\n").len(), 1);
        assert_eq!(told("[Service]\nUser=a\nUser=b\n", "[Service]\nUser=b\n"), []);
    }

    #[test]
    fn no_capabilities_at_all_are_not_the_default() {
        let bare = "[Service]\nUser=a\n";
        let found = told(&format!("{bare}CapabilityBoundingSet=\n"), bare);
        let what = "[Service] CapabilityBoundingSet".to_owned();
        assert_eq!(found, [(what, Some(NOTHING.to_owned()), None)]);
        let one = "[Service]\nCapabilityBoundingSet=CAP_KILL\n";
        let after_reset = "[Service]\nCapabilityBoundingSet=\nCapabilityBoundingSet=CAP_KILL\n";
        assert_eq!(told(one, after_reset), []);
    }

    #[test]
    fn dependencies_are_sets_of_words_and_lines_are_continued() {
        let before = "[Unit]\nAfter=a.service b.service\n";
        assert_eq!(told(before, "[Unit]\nAfter=b.service \\\n# why\n  a.service\n"), []);
        let found = told(before, "[Unit]\nAfter=b.service\n");
        assert_eq!(found, [("[Unit] After".to_owned(), Some("a.service".to_owned()), None)]);
    }

    #[test]
    fn text_that_is_no_unit_is_refused_with_its_line() {
        assert_eq!(
            Unit::read("[Unit]\nnonsense\n", "").unwrap_err().to_string(),
            "line 2: neither a section nor a key with a value"
        );
    }
}
