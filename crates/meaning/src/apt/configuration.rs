//! apt.conf(5): `A::B "value";`, blocks in braces, lists with `A:: "value";`.

use crate::{
    Finding, Kind, Pair,
    rows::{Order, Record, compare},
    unread::Unread,
};
use std::collections::BTreeMap;

/// Blocks in blocks.
const DEEPEST: usize = 32;

/// The settings of one or several files, by their names in lower case, which apt does not tell apart.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Name as written, values: one, or those of a list.
    found: BTreeMap<String, (String, Vec<String>)>,
}

/// Compares two files.
pub(crate) fn configuration(pair: &Pair<'_>) -> Result<Vec<Finding>, Unread> {
    let read = |text: &[u8]| {
        let mut settings = Settings::default();
        settings.add(&String::from_utf8_lossy(text))?;
        Ok(settings.records())
    };
    Ok(compare(Kind::Setting, &read(pair.before)?, &read(pair.after)?, Order::Free))
}

impl Settings {
    /// The last value of a setting.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        let found = self.found.get(&name.to_lowercase())?;
        found.1.last().map(String::as_str)
    }

    /// All values of a list.
    pub(crate) fn list(&self, name: &str) -> &[String] {
        self.found.get(&name.to_lowercase()).map(|found| found.1.as_slice()).unwrap_or_default()
    }

    fn records(&self) -> Vec<Record> {
        let all = self.found.values();
        all.flat_map(|(name, values)| values.iter().map(move |value| Record::value(name, value)))
            .collect()
    }

    fn put(&mut self, name: &str, value: String) {
        let list = name.strip_suffix("::");
        let bare = list.unwrap_or(name);
        let slot = self.found.entry(bare.to_lowercase());
        let (_, values) = slot.or_insert_with(|| (bare.to_owned(), Vec::new()));
        if list.is_none() {
            values.clear();
        }
        values.push(value);
    }

    /// Reads one more file.
    pub(crate) fn add(&mut self, text: &str) -> Result<(), Unread> {
        let mut scope: Vec<String> = Vec::new();
        let mut pending: Vec<String> = Vec::new();
        for (line, token) in tokens(text) {
            match token {
                Token::Word(word) => pending.push(word),
                Token::Open => {
                    if scope.len() >= DEEPEST {
                        return Err(Unread::Deep(DEEPEST));
                    }
                    scope.push(pending.first().cloned().unwrap_or_default());
                    pending.clear();
                }
                Token::Close => {
                    pending.clear();
                    if scope.pop().is_none() {
                        return Err(Unread::line(line, "a brace closes nothing"));
                    }
                }
                Token::End => {
                    let prefix = scope.join("::");
                    match pending.as_slice() {
                        // `#clear A;` takes a setting away.
                        [clear, name] if clear == "#clear" => {
                            self.found.remove(&name.to_lowercase());
                        }
                        [value] if !scope.is_empty() => {
                            self.put(&format!("{prefix}::"), value.clone())
                        }
                        [name] => self.put(name, String::new()),
                        [name, value @ ..] => {
                            let space = if scope.is_empty() { "" } else { "::" };
                            self.put(&format!("{prefix}{space}{name}"), value.join(" "));
                        }
                        [] => {}
                    }
                    pending.clear();
                }
            }
        }
        Ok(())
    }
}

enum Token {
    Word(String),
    Open,
    Close,
    End,
}

fn tokens(text: &str) -> Vec<(usize, Token)> {
    let mut found = Vec::new();
    let mut inside = false;
    for (at, line) in text.lines().enumerate() {
        let mut rest = line.trim();
        loop {
            rest = rest.trim_start();
            if inside {
                match rest.split_once("*/") {
                    Some((_, behind)) => (rest, inside) = (behind, false),
                    None => break,
                }
                continue;
            }
            let is_comment = rest.starts_with("//")
                || rest.starts_with('#')
                    && !rest.starts_with("#clear")
                    && !rest.starts_with("#include");
            if rest.is_empty() || is_comment {
                break;
            }
            if let Some(behind) = rest.strip_prefix("/*") {
                (rest, inside) = (behind, true);
                continue;
            }
            let (token, behind) = next(rest);
            found.push((at + 1, token));
            rest = behind;
        }
    }
    // A last statement without a semicolon counts.
    found.push((0, Token::End));
    found
}

/// The first token of a text that is not empty, and what follows it.
fn next(rest: &str) -> (Token, &str) {
    let one = |token, rest: &'_ str| -> (Token, usize) { (token, rest.len().min(1)) };
    let (token, length) = match rest.as_bytes().first() {
        Some(b'{') => one(Token::Open, rest),
        Some(b'}') => one(Token::Close, rest),
        Some(b';') => one(Token::End, rest),
        Some(b'"') => {
            let body = rest.get(1..).unwrap_or_default();
            let end = body.find('"').unwrap_or(body.len());
            (Token::Word(body[..end].to_owned()), (end + 2).min(rest.len()))
        }
        _ => {
            let end = |c: char| c.is_whitespace() || "{};\"".contains(c);
            let length = rest.find(end).unwrap_or(rest.len()).max(1);
            (Token::Word(rest[..length].to_owned()), length)
        }
    };
    (token, &rest[length..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lists_and_lone_settings_are_one_tree() {
        let mut settings = Settings::default();
        let text = "APT::Periodic::Update-Package-Lists \"1\"; // daily\n/* x\n */Unattended-Upgrade {\n  \
            Allowed-Origins { \"a:b\"; \"c:d\"; };\n  Automatic-Reboot \"true\";\n};\n";
        settings.add(text).unwrap();
        assert_eq!(settings.get("apt::periodic::update-package-lists"), Some("1"));
        assert_eq!(settings.list("Unattended-Upgrade::Allowed-Origins"), ["a:b", "c:d"]);
        assert_eq!(settings.get("Unattended-Upgrade::Automatic-Reboot"), Some("true"));
        assert!(
            Settings::default().add("}").is_err()
                && Settings::default().add(&"a {".repeat(99)).is_err()
        );
    }
}
