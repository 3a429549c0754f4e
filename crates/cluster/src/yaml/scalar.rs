//! What a plain scalar says: the rules of Kubernetes' reader (YAML 1.1 with exceptions), and those
//! of YAML 1.2 where both agree. Where readers disagree, nothing is guessed.

use super::Value;

/// What a plain scalar is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Plain {
    /// The same for every reader that counts.
    Sure(Value),
    /// `yes`, `on`, `1_000` …: one thing for Kubernetes, another for others.
    Unsure(&'static str),
    /// Infinite, or not a number: no JSON can hold it.
    NotFinite,
}

/// Whether a reader of YAML 1.1 or 1.2 could take the text, written without quotes, for anything but
/// this text.
pub(super) fn needs_quotes(text: &str) -> bool {
    let first = text.chars().next();
    let odd_start = |c: char| !(c.is_ascii_alphabetic() || c == '/' || c == '_');
    let plain = |c: char| c.is_ascii_alphanumeric() || "/_.-+@%=(),;".contains(c) || c == ' ';
    let inner_colon = |text: &str| {
        // `a:b` is text for everyone; a colon before a blank or at the end is not.
        text.chars().zip(text.chars().skip(1).map(Some).chain([None])).all(|(c, next)| {
            c != ':' || next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '/')
        })
    };
    let good = text.chars().all(|c| plain(c) || c == ':') && inner_colon(text);
    first.is_none_or(odd_start)
        || !good
        || text.ends_with(' ')
        || text.contains("  ")
        || word(text).is_some()
        // A date or time starts with a digit, and so does every number.
        || matches!(text, "nan" | "inf" | "NaN" | "Inf" | "NAN" | "INF")
}

/// The words that mean something without quotes.
fn word(text: &str) -> Option<Plain> {
    Some(match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Sure(Value::Null),
        "true" | "True" | "TRUE" => Plain::Sure(Value::Bool(true)),
        "false" | "False" | "FALSE" => Plain::Sure(Value::Bool(false)),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => {
            Plain::Unsure("true for some readers, a text for others")
        }
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => {
            Plain::Unsure("false for some readers, a text for others")
        }
        ".nan" | ".NaN" | ".NAN" | ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF"
        | "-.inf" | "-.Inf" | "-.INF" => Plain::NotFinite,
        _ => return None,
    })
}

/// Reads a plain scalar.
pub(super) fn plain(text: &str) -> Plain {
    if let Some(word) = word(text) {
        return word;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Plain::Sure(Value::Text(text.to_owned()));
    }
    number(text, unsigned).unwrap_or_else(|| Plain::Sure(Value::Text(text.to_owned())))
}

fn number(text: &str, unsigned: &str) -> Option<Plain> {
    let negative = text.starts_with('-');
    let whole = |digits: &str, radix: u32| {
        let number = i128::from_str_radix(digits, radix).ok().filter(|n| *n < 1 << 70)?;
        Some(Plain::Sure(Value::Int(if negative { -number } else { number })))
    };
    let all = |digits: &str, fits: fn(&char) -> bool| {
        !digits.is_empty() && digits.chars().all(|c| fits(&c))
    };
    for (prefix, radix, fits) in [
        ("0x", 16, char::is_ascii_hexdigit as fn(&char) -> bool),
        ("0o", 8, |c| ('0'..='7').contains(c)),
        ("0b", 2, |c| matches!(c, '0' | '1')),
    ] {
        if let Some(digits) = unsigned.strip_prefix(prefix) {
            return if all(digits, fits) { whole(digits, radix) } else { None };
        }
    }
    if all(unsigned, char::is_ascii_digit) {
        return match unsigned.strip_prefix('0') {
            // What no whole number holds is a number still.
            None | Some("") => whole(unsigned, 10).or_else(|| floating(text)),
            // Modes are written so everywhere, and Kubernetes reads them so.
            Some(octal) if all(octal, |c| ('0'..='7').contains(c)) => whole(octal, 8),
            Some(_) => Some(Plain::Unsure("a number for some readers, a text for others")),
        };
    }
    if unsigned.contains('_')
        && unsigned.chars().all(|c| c.is_ascii_digit() || "_.eE+-".contains(c))
    {
        return Some(Plain::Unsure("a number for some readers, a text for others"));
    }
    let shaped = all(unsigned, |c| c.is_ascii_digit() || ".eE+-".contains(*c));
    let digits = unsigned.trim_start_matches('.').starts_with(|c: char| c.is_ascii_digit());
    if !shaped || !digits || unsigned.starts_with("..") {
        return None;
    }
    floating(text)
}

fn floating(text: &str) -> Option<Plain> {
    let number: f64 = text.parse().ok()?;
    if !number.is_finite() {
        return Some(Plain::NotFinite);
    }
    // JSON knows no difference, and Kubernetes takes `1e3` for a whole number.
    if number.fract() == 0.0 && number.abs() < 9.0e15 {
        return Some(Plain::Sure(Value::Int(number as i128)));
    }
    Some(Plain::Sure(Value::Float(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modes_are_octal_and_other_numbers_decimal() {
        for (text, number) in
            [("0644", 420), ("0o644", 420), ("0x1F", 31), ("-7", -7), ("1e3", 1000), ("0", 0)]
        {
            assert_eq!(plain(text), Plain::Sure(Value::Int(number)), "{text}");
        }
        assert_eq!(plain("0.25"), Plain::Sure(Value::Float(0.25)));
        let large = "9".repeat(40);
        assert_eq!(plain(&large), Plain::Sure(Value::Float(1e40)));
    }

    #[test]
    fn what_readers_disagree_on_is_not_guessed() {
        for text in ["yes", "No", "on", "OFF", "y", "1_000", "0899"] {
            assert!(matches!(plain(text), Plain::Unsure(_)), "{text}");
        }
        assert_eq!(plain(".inf"), Plain::NotFinite);
        assert_eq!(plain("1e999"), Plain::NotFinite);
    }

    #[test]
    fn versions_times_and_dates_are_text() {
        for text in
            ["1.2.3", "12:30:45", "2001-12-14", "1.20.2-1", "10.0.0.0/8", "...", "-x", "0xyz", "v1"]
        {
            assert_eq!(plain(text), Plain::Sure(Value::Text(text.into())), "{text}");
        }
    }
}
