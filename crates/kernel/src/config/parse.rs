//! Reads a fragment strictly: what Kconfig would skip with a warning, cut short or take for a comment
//! is an error that names the line and says what to write. A `.config` that Kconfig wrote is read the
//! same way, but for numbers, which Kconfig writes as its files spell them.

use super::{Tristate, Value};
use crate::Place;
use std::{collections::BTreeMap, sync::Arc};

/// What a file says of symbols. Names stand without their `CONFIG_`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    file: Arc<str>,
    settings: BTreeMap<String, Setting>,
}

/// What one line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    /// The value.
    pub value: Value,
    /// The line, from 1.
    pub line: usize,
}

/// A line that cannot stand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {fault}")]
pub struct ConfigError {
    /// The line.
    pub place: Place,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a line, and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes are no text.
    #[error("this is not UTF-8 text")]
    Encoding,
    /// Neither a setting nor a comment.
    #[error(
        "`{0}` is no setting: write `CONFIG_NAME=value`, `# CONFIG_NAME is not set` or a comment"
    )]
    NoSetting(String),
    /// Blanks before a setting or beside its `=`.
    #[error("a setting has no blanks before it or beside its `=`: write `{0}`")]
    Blanks(String),
    /// The name has no `CONFIG_`.
    #[error("the name lacks its prefix: write `CONFIG_{0}`")]
    NoPrefix(String),
    /// What follows `CONFIG_` is no name.
    #[error("`CONFIG_{0}` is no name of a symbol: letters, digits and `_` follow `CONFIG_`")]
    Name(String),
    /// Nothing behind the `=`.
    #[error(
        "`CONFIG_{0}=` has no value: write `# CONFIG_{0} is not set`, or `CONFIG_{0}=\"\"` for an empty string"
    )]
    NoValue(String),
    /// Not a value.
    #[error("`{found}` is no value: write {remedy}")]
    BadValue {
        /// What stands there.
        found: String,
        /// What to write.
        remedy: String,
    },
    /// A string that does not end.
    #[error("the string has no closing `\"`")]
    OpenString,
    /// Text behind a string; Kconfig would drop it.
    #[error("`{0}` stands behind the closing `\"`: a `\"` inside a string is written `\\\"`")]
    AfterString(String),
    /// An escape other than of a quote or a backslash; Kconfig would drop the backslash.
    #[error("`\\{0}` is no escape: a backslash inside a string is written `\\\\`")]
    Escape(char),
    /// A comment that is nearly `# CONFIG_X is not set`.
    #[error("to unset a symbol, the whole line is `# CONFIG_{0} is not set`")]
    NearlyNotSet(String),
    /// The symbol has another value already.
    #[error("CONFIG_{symbol} is {value} here, but {other} at {there}: keep one of the lines")]
    Contradiction {
        /// The symbol.
        symbol: String,
        /// Its value on this line.
        value: Value,
        /// Its value on the other.
        other: Value,
        /// The other line.
        there: Place,
    },
}

impl Config {
    /// Reads a fragment, which errors call `file`; gives all errors at once, at least one.
    pub fn parse(file: &str, text: &[u8]) -> Result<Config, Vec<ConfigError>> {
        Config::parse_with(file, text, parse_number)
    }

    /// Reads a `.config` that Kconfig wrote: a number may lack its `0x`, or be missing.
    pub fn parse_resolved(file: &str, text: &[u8]) -> Result<Config, Vec<ConfigError>> {
        Config::parse_with(file, text, parse_written_number)
    }

    fn parse_with(
        file: &str,
        text: &[u8],
        number: ParseNumber,
    ) -> Result<Config, Vec<ConfigError>> {
        let mut config = Config { file: file.into(), settings: BTreeMap::new() };
        let mut errors = Vec::new();
        for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if let Err(fault) = config.take(line, index + 1, number) {
                errors.push(ConfigError { place: config.place(index + 1), fault });
            }
        }
        if errors.is_empty() { Ok(config) } else { Err(errors) }
    }

    /// The name of the file.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// A line of this file.
    pub fn place(&self, line: usize) -> Place {
        Place::new(Arc::clone(&self.file), line)
    }

    /// All symbols that are named, sorted.
    pub fn settings(&self) -> &BTreeMap<String, Setting> {
        &self.settings
    }

    /// What is said of a symbol.
    pub fn get(&self, symbol: &str) -> Option<&Value> {
        self.settings.get(symbol).map(|setting| &setting.value)
    }

    fn take(&mut self, line: &[u8], at: usize, number: ParseNumber) -> Result<(), Fault> {
        let Some((symbol, value)) = parse_line(line, number)? else { return Ok(()) };
        match self.settings.get(&symbol) {
            Some(first) if !first.value.agrees(&value) => {
                let (other, there) = (first.value.clone(), self.place(first.line));
                Err(Fault::Contradiction { symbol, value, other, there })
            }
            Some(_) => Ok(()),
            None => {
                self.settings.insert(symbol, Setting { value, line: at });
                Ok(())
            }
        }
    }
}

/// One line: nothing if it says nothing.
fn parse_line(line: &[u8], number: ParseNumber) -> Result<Option<(String, Value)>, Fault> {
    let line = std::str::from_utf8(line).map_err(|_| Fault::Encoding)?;
    let bare = line.trim();
    if bare.is_empty() {
        return Ok(None);
    }
    if let Some(comment) = bare.strip_prefix('#') {
        return Ok(unset(line, comment)?.map(|symbol| (symbol, Value::NO)));
    }
    let Some((name, value)) = line.split_once('=') else {
        return Err(Fault::NoSetting(shown(bare)));
    };
    if name.trim() != name || value.trim_start() != value {
        let (name, value) = (name.trim(), value.trim());
        let prefix = if name.starts_with("CONFIG_") { "" } else { "CONFIG_" };
        return Err(Fault::Blanks(shown(&format!("{prefix}{name}={value}"))));
    }
    let Some(symbol) = name.strip_prefix("CONFIG_") else {
        return Err(match is_name(name) {
            true => Fault::NoPrefix(shown(line)),
            false => Fault::NoSetting(shown(line)),
        });
    };
    if !is_name(symbol) {
        return Err(Fault::Name(shown(symbol)));
    }
    Ok(Some((symbol.to_owned(), parse_value(symbol, value, number)?)))
}

/// The symbol of `# CONFIG_X is not set`, nothing for another comment.
fn unset(line: &str, comment: &str) -> Result<Option<String>, Fault> {
    let Some((name, rest)) =
        comment.trim_start().strip_prefix("CONFIG_").and_then(|text| text.split_once(' '))
    else {
        return Ok(None);
    };
    if !is_name(name) || !rest.trim_start().starts_with("is not set") {
        return Ok(None);
    }
    match line == format!("# CONFIG_{name} is not set") {
        true => Ok(Some(name.to_owned())),
        false => Err(Fault::NearlyNotSet(name.to_owned())),
    }
}

fn parse_value(symbol: &str, text: &str, number: ParseNumber) -> Result<Value, Fault> {
    if let Some(inside) = text.strip_prefix('"') {
        return parse_text(inside).map(Value::Text);
    }
    match text {
        "y" => Ok(Value::Tristate(Tristate::Yes)),
        "m" => Ok(Value::Tristate(Tristate::Module)),
        "n" => Ok(Value::NO),
        _ => number(text).ok_or_else(|| bad_value(symbol, text)),
    }
}

/// A number, if the text is one.
type ParseNumber = fn(&str) -> Option<Value>;

/// A number that Kconfig takes for what it looks like: no zeros before it, and `0x` where it is
/// hexadecimal.
fn parse_number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if is_decimal(digits) && (digits == "0" || !digits.starts_with('0')) {
        return Some(Value::Number(text.to_owned()));
    }
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    is_hexadecimal(digits).then(|| Value::Hex(text.to_owned()))
}

/// A number as Kconfig writes it: as its default is spelt, or nothing where it has none.
fn parse_written_number(text: &str) -> Option<Value> {
    if text.is_empty() || is_decimal(text) {
        return Some(Value::Number(text.to_owned()));
    }
    let hexadecimal = || is_hexadecimal(text).then(|| Value::Hex(text.to_owned()));
    parse_number(text).or_else(hexadecimal)
}

fn is_decimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn bad_value(symbol: &str, text: &str) -> Fault {
    if text.is_empty() {
        return Fault::NoValue(symbol.to_owned());
    }
    let lower = text.to_ascii_lowercase();
    let remedy = match lower.as_str() {
        "y" | "yes" | "true" | "on" => format!("`CONFIG_{symbol}=y`"),
        "n" | "no" | "false" | "off" => format!("`# CONFIG_{symbol} is not set`"),
        "m" | "module" => format!("`CONFIG_{symbol}=m`"),
        _ if is_decimal(text) => {
            let digits = text.trim_start_matches('0');
            format!("`CONFIG_{symbol}={}`", if digits.is_empty() { "0" } else { digits })
        }
        _ if is_hexadecimal(text) && text.starts_with(|first: char| first.is_ascii_digit()) => {
            format!("`CONFIG_{symbol}=0x{text}`")
        }
        _ => match text.split_whitespace().next() {
            Some(first) if first != text && parse_value(symbol, first, parse_number).is_ok() => {
                format!("`CONFIG_{symbol}={first}` and nothing behind it")
            }
            _ => "`y`, `m`, `n`, a decimal number, a number with `0x`, or a string in `\"`".into(),
        },
    };
    Fault::BadValue { found: shown(text), remedy }
}

/// The characters of a string, from behind its opening quote.
fn parse_text(inside: &str) -> Result<String, Fault> {
    let mut text = String::new();
    let mut rest = inside.chars();
    while let Some(next) = rest.next() {
        match next {
            '"' if rest.as_str().trim().is_empty() => return Ok(text),
            '"' => return Err(Fault::AfterString(shown(rest.as_str()))),
            '\\' => match rest.next() {
                Some(escaped @ ('"' | '\\')) => text.push(escaped),
                Some(other) => return Err(Fault::Escape(other)),
                None => return Err(Fault::OpenString),
            },
            '\0' => return Err(Fault::Encoding),
            other => text.push(other),
        }
    }
    Err(Fault::OpenString)
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// What stands on a line, short enough for a message and without control characters.
fn shown(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = text.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    shown = shown.replace("\\\"", "\"").replace("\\'", "'").replace("\\\\", "\\");
    if text.chars().nth(LONGEST).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let errors = Config::parse("a.config", text.as_bytes()).err().unwrap_or_default();
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_form_of_value_is_read_with_its_line() {
        let text = "# a comment\n\nCONFIG_A=y\nCONFIG_B=m\r\nCONFIG_C=n\n# CONFIG_D is not set\n\
                    CONFIG_E=-12\nCONFIG_F=0xFf\nCONFIG_G=\"a \\\"b\\\" \\\\ # c\"\n# CONFIG_H=y";
        let config = Config::parse("a.config", text.as_bytes()).unwrap();
        let found: Vec<String> = config
            .settings()
            .iter()
            .map(|(name, setting)| format!("{name}={} {}", setting.value, setting.line))
            .collect();
        let expected = [
            "A=y 3",
            "B=m 4",
            "C=n 5",
            "D=n 6",
            "E=-12 7",
            "F=0xFf 8",
            "G=\"a \\\"b\\\" \\\\ # c\" 9",
        ];
        assert_eq!(found, expected);
        assert_eq!(config.get("G").map(Value::raw), Some("a \"b\" \\ # c"));
    }

    #[test]
    fn what_kconfig_would_skip_or_cut_is_refused_with_a_remedy() {
        let cases = [
            ("CONFIG_X = y", "write `CONFIG_X=y`"),
            (" CONFIG_X=y", "write `CONFIG_X=y`"),
            ("X=y", "write `CONFIG_X=y`"),
            ("X = y", "write `CONFIG_X=y`"),
            ("CONFIG_X", "`CONFIG_X` is no setting"),
            ("CONFIG_=y", "is no name of a symbol"),
            ("CONFIG_A-B=y", "is no name of a symbol"),
            ("CONFIG_X=", "write `# CONFIG_X is not set`"),
            ("CONFIG_X=Y", "write `CONFIG_X=y`"),
            ("CONFIG_X=no", "write `# CONFIG_X is not set`"),
            ("CONFIG_X=y # why", "write `CONFIG_X=y` and nothing behind it"),
            ("CONFIG_X=007", "write `CONFIG_X=7`"),
            ("CONFIG_X=1f", "write `CONFIG_X=0x1f`"),
            ("CONFIG_X=abc", "a string in `\"`"),
            ("CONFIG_X=\"abc", "no closing `\"`"),
            ("CONFIG_X=\"a\"b\"", "`b\"` stands behind the closing `\"`"),
            ("CONFIG_X=\"a\\nb\"", "`\\n` is no escape"),
            ("#CONFIG_X is not set", "the whole line is `# CONFIG_X is not set`"),
            ("# CONFIG_X is not set any more", "the whole line is `# CONFIG_X is not set`"),
        ];
        for (line, words) in cases {
            let found = faults(&format!("# first\n{line}\n"));
            assert_eq!(found.len(), 1, "{line}: {found:?}");
            assert!(found[0].starts_with("a.config:2: "), "{}", found[0]);
            assert!(found[0].contains(words), "{line}: {}", found[0]);
        }
    }

    #[test]
    fn numbers_that_kconfig_writes_are_read_where_a_fragment_may_not_have_them() {
        let text = b"CONFIG_A=34c\nCONFIG_B=007\nCONFIG_C=\nCONFIG_D=0x1f\n";
        let config = Config::parse_resolved(".config", text).unwrap();
        assert_eq!(config.get("A"), Some(&Value::Hex("34c".into())));
        assert_eq!(config.get("B"), Some(&Value::Number("007".into())));
        assert_eq!(config.get("C"), Some(&Value::Number(String::new())));
        assert_eq!(Config::parse("a.config", text).unwrap_err().len(), 3);
        assert!(Config::parse_resolved(".config", b"CONFIG_A = y\n").is_err());
    }

    #[test]
    fn a_file_that_contradicts_itself_is_refused_and_one_that_repeats_itself_is_not() {
        assert!(
            faults("CONFIG_X=n\n# CONFIG_X is not set\nCONFIG_Y=0x0A\nCONFIG_Y=0xa\n").is_empty()
        );
        let found = faults("CONFIG_X=y\nCONFIG_X=m\n");
        let message = "a.config:2: CONFIG_X is m here, but y at a.config:1: keep one of the lines";
        assert_eq!(found, [message]);
    }

    #[test]
    fn all_wrong_lines_are_found_at_once() {
        assert_eq!(faults("X=y\nCONFIG_Y=y\nwhat\n\u{1}\n").len(), 3);
    }
}
