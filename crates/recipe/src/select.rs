//! Which targets a word of the command line, or of `default`, means.

use crate::{Kind, NameError, Target, TargetName, Workspace, nearest::nearest};
use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fmt,
    str::FromStr,
};

/// A target, or a pattern with `*` for any run of characters: `image.web`, `image.*`, `*`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetPattern(String);

impl TargetPattern {
    /// Whether it can mean more than one target.
    pub fn is_pattern(&self) -> bool {
        self.0.contains('*')
    }

    /// Whether it means `name`.
    pub fn matches(&self, name: &TargetName) -> bool {
        wild(self.0.as_bytes(), name.to_string().as_bytes())
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether `text` fits; each star is first taken as short as may be, and only the last one is ever
/// taken longer, so that the time is at most the product of the two lengths.
fn wild(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut seen) = (0, 0);
    // Where the pattern goes on behind the last star, and where the text did.
    let mut star = None;
    while seen < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, seen));
            }
            Some(byte) if *byte == text[seen] => (at, seen) = (at + 1, seen + 1),
            _ => {
                let Some((behind, from)) = star else { return false };
                (at, seen) = (behind, from + 1);
                star = Some((at, seen));
            }
        }
    }
    pattern[at..].iter().all(|byte| *byte == b'*')
}

impl fmt::Display for TargetPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TargetPattern {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        if text.contains('*') {
            if let Some((kind, name)) = text.split_once('.') {
                if !kind.contains('*') {
                    kind.parse::<Kind>()?;
                }
                crate::name::check_name(&name.replace('*', "x"))?;
            } else {
                crate::name::check_name(&text.replace('*', "x"))?;
            }
        } else {
            text.parse::<TargetName>()?;
        }
        Ok(Self(text.to_owned()))
    }
}

/// A target that words mean, and how much of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selected {
    /// The target.
    pub target: TargetName,
    /// Those of its outputs that are asked for; all where none is named.
    pub outputs: Option<BTreeSet<String>>,
}

impl Selected {
    /// A target with all of its outputs.
    pub fn whole(target: TargetName) -> Self {
        Self { target, outputs: None }
    }

    /// Whether this output is asked for.
    pub fn has(&self, output: &str) -> bool {
        self.outputs.as_ref().is_none_or(|outputs| outputs.contains(output))
    }
}

/// Why words select no targets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SelectError {
    /// The word is neither a target nor a pattern.
    #[error("cannot read the target `{word}`")]
    Malformed {
        /// The word.
        word: String,
        /// What is wrong with it.
        source: NameError,
        /// The target that it may stand for.
        nearest: Option<String>,
    },
    /// There is no such target.
    #[error("there is no target `{word}`")]
    Unknown {
        /// The word.
        word: String,
        /// The target that it may stand for.
        nearest: Option<String>,
    },
    /// The target has no such output.
    #[error("`{target}` has no output `{output}`")]
    NoOutput {
        /// The target.
        target: TargetName,
        /// What was asked for.
        output: String,
        /// The outputs that it has.
        outputs: Vec<String>,
    },
    /// No target fits the pattern.
    #[error("no target fits the pattern `{0}`")]
    Empty(String),
    /// No word was given and the workspace names no default.
    #[error("no target is named, and `groundup.toml` has no `default`")]
    NoDefault,
}

impl Workspace {
    /// What `words` mean, sorted, each target once; the targets of `default` where there is no word.
    ///
    /// A word is a target or a pattern, with `:OUTPUT` behind it where one output is meant.
    pub fn select<S: AsRef<str>>(&self, words: &[S]) -> Result<Vec<Selected>, SelectError> {
        let mut found: BTreeMap<TargetName, Option<BTreeSet<String>>> = BTreeMap::new();
        if words.is_empty() {
            if self.default.is_empty() {
                return Err(SelectError::NoDefault);
            }
            for pattern in &self.default {
                found.extend(self.matching(pattern)?.into_iter().map(|name| (name, None)));
            }
        }
        for word in words {
            let word = word.as_ref();
            let (text, output) = match word.split_once(':') {
                Some((text, output)) => (text, Some(output)),
                None => (word, None),
            };
            let pattern = text.parse().map_err(|source| SelectError::Malformed {
                word: word.to_owned(),
                source,
                nearest: self.nearest_target(text),
            })?;
            for name in self.matching(&pattern)? {
                if let Some(output) = output {
                    self.has_output(&name, output)?;
                }
                match (found.entry(name), output) {
                    (Entry::Occupied(mut known), Some(output)) => {
                        known.get_mut().iter_mut().for_each(|known| {
                            known.insert(output.to_owned());
                        });
                    }
                    (Entry::Occupied(mut known), None) => *known.get_mut() = None,
                    (Entry::Vacant(new), output) => {
                        new.insert(output.map(|output| BTreeSet::from([output.to_owned()])));
                    }
                }
            }
        }
        Ok(found.into_iter().map(|(target, outputs)| Selected { target, outputs }).collect())
    }

    fn has_output(&self, name: &TargetName, output: &str) -> Result<(), SelectError> {
        let outputs = self.target(name).map(Target::outputs).unwrap_or_default();
        if outputs.contains(&output) {
            return Ok(());
        }
        Err(SelectError::NoOutput {
            target: name.clone(),
            output: output.to_owned(),
            outputs: outputs.into_iter().map(str::to_owned).collect(),
        })
    }

    fn matching(&self, pattern: &TargetPattern) -> Result<Vec<TargetName>, SelectError> {
        let names: Vec<_> =
            self.targets().keys().filter(|name| pattern.matches(name)).cloned().collect();
        match names.is_empty() {
            false => Ok(names),
            true if pattern.is_pattern() => Err(SelectError::Empty(pattern.0.clone())),
            true => Err(SelectError::Unknown {
                word: pattern.0.clone(),
                nearest: self.nearest_target(&pattern.0),
            }),
        }
    }

    fn nearest_target(&self, word: &str) -> Option<String> {
        let names: Vec<String> = self.targets().keys().map(TargetName::to_string).collect();
        let same_name =
            || names.iter().find(|name| name.split_once('.').is_some_and(|n| n.1 == word));
        nearest(word, names.iter().map(String::as_str))
            .map(str::to_owned)
            .or_else(|| same_name().cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_run() {
        let web: TargetName = "image.web".parse().unwrap();
        for (pattern, fits) in [
            ("image.*", true),
            ("*", true),
            ("*.web", true),
            ("image.w*b", true),
            ("build.*", false),
        ] {
            assert_eq!(pattern.parse::<TargetPattern>().unwrap().matches(&web), fits, "{pattern}");
        }
        assert!("imgae.*".parse::<TargetPattern>().is_err());
    }

    #[test]
    fn a_pattern_of_many_stars_is_answered_at_once() {
        // Trying every length of every star would take longer than the world is old.
        let pattern = "*".repeat(200) + "-.*x";
        assert!(!wild(pattern.as_bytes(), b"image.a-very-long-name-that-does-not-fit"));
        for (pattern, text, fits) in [
            ("*", "", true),
            ("a*", "a", true),
            ("a*c*e", "abcde", true),
            ("*ab", "aab", true),
            ("*a*b", "ba", false),
            ("a*a", "a", false),
            ("", "a", false),
        ] {
            assert_eq!(wild(pattern.as_bytes(), text.as_bytes()), fits, "{pattern} {text}");
        }
    }
}
