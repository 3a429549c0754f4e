//! Values of symbols.

use std::fmt;

/// Off, a module, or built in. The order is Kconfig's: `&&` is the lesser, `||` the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tristate {
    /// `n`
    No,
    /// `m`
    Module,
    /// `y`
    Yes,
}

impl Tristate {
    /// What `!` makes of it.
    pub fn negated(self) -> Tristate {
        match self {
            Tristate::No => Tristate::Yes,
            Tristate::Module => Tristate::Module,
            Tristate::Yes => Tristate::No,
        }
    }

    /// Its letter.
    pub fn as_str(self) -> &'static str {
        match self {
            Tristate::No => "n",
            Tristate::Module => "m",
            Tristate::Yes => "y",
        }
    }
}

impl fmt::Display for Tristate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a configuration says of a symbol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// `y`, `m`, `n`, or `is not set`, which is `n`.
    Tristate(Tristate),
    /// A decimal number, as written.
    Number(String),
    /// A hexadecimal number, as written: with its `0x`, unless Kconfig wrote it.
    Hex(String),
    /// The characters between the quotes, without escapes.
    Text(String),
}

impl Value {
    /// `n`
    pub const NO: Value = Value::Tristate(Tristate::No);

    /// The value as Kconfig compares it: without quotes.
    pub fn raw(&self) -> &str {
        match self {
            Value::Tristate(value) => value.as_str(),
            Value::Number(text) | Value::Hex(text) | Value::Text(text) => text,
        }
    }

    /// The tristate, if it is one.
    pub fn tristate(&self) -> Option<Tristate> {
        match self {
            Value::Tristate(value) => Some(*value),
            _ => None,
        }
    }

    /// Whether both mean the same: digits of a hexadecimal number have no case.
    pub fn agrees(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Hex(a), Value::Hex(b)) => digits(a).eq_ignore_ascii_case(digits(b)),
            _ => self == other,
        }
    }
}

/// A hexadecimal number without what does not count.
fn digits(text: &str) -> &str {
    let digits = text.trim_start_matches("0x").trim_start_matches("0X").trim_start_matches('0');
    if digits.is_empty() { "0" } else { digits }
}

/// As it stands behind the `=` in a `.config`.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Value::Text(text) = self else { return f.write_str(self.raw()) };
        f.write_str("\"")?;
        for part in text.split_inclusive(['"', '\\']) {
            match part.strip_suffix(['"', '\\']) {
                Some(plain) => write!(f, "{plain}\\{}", &part[plain.len()..])?,
                None => f.write_str(part)?,
            }
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_numbers_agree_by_what_they_are() {
        let hex = |text: &str| Value::Hex(text.into());
        assert!(hex("0x0A").agrees(&hex("0xa")) && hex("0x0").agrees(&hex("0X00")));
        assert!(!hex("0x10").agrees(&hex("0x1")));
        assert!(!hex("0x10").agrees(&Value::Number("10".into())));
    }
}
