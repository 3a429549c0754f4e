//! The forms of texts that schemas name.

use super::Schema;

/// What is expected, if a text does not have the form that its schema names.
pub(super) fn misfit(schema: &Schema, text: &str) -> Option<&'static str> {
    match schema.format.as_deref() {
        Some("quantity") if !is_quantity(text) => {
            Some("a quantity such as `500m`, `2`, `1.5` or `128Mi`")
        }
        Some("date-time") if !is_time(text) => Some("a time such as `2026-01-31T12:00:00Z`"),
        Some("byte") if !is_base64(text) => Some("base64"),
        _ => None,
    }
}

/// apimachinery's `resource.Quantity`: a decimal number with a suffix.
fn is_quantity(text: &str) -> bool {
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = number.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(number.len());
    let (number, suffix) = number.split_at(end);
    let digits = number.bytes().any(|byte| byte.is_ascii_digit());
    let known =
        ["", "n", "u", "m", "k", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    let exponent = suffix.strip_prefix(['e', 'E']).is_some_and(|rest| {
        let rest = rest.strip_prefix(['+', '-']).unwrap_or(rest);
        !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit())
    });
    digits && number.matches('.').count() <= 1 && (known.contains(&suffix) || exponent)
}

/// The number that a quantity is.
pub(crate) fn quantity(text: &str) -> Option<f64> {
    if !is_quantity(text) {
        return None;
    }
    let end = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).len();
    let (number, suffix) = text.split_at(end);
    let factor: f64 = match suffix {
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "" => 1.0,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0f64.powi(4),
        "Pi" => 1024.0f64.powi(5),
        "Ei" => 1024.0f64.powi(6),
        _ => return text.parse().ok(),
    };
    Some(number.parse::<f64>().ok()? * factor)
}

/// RFC 3339, as far as digits and separators go.
fn is_time(text: &str) -> bool {
    let shape = |text: &str, form: &str| {
        text.len() == form.len()
            && text.bytes().zip(form.bytes()).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                wanted => byte == wanted,
            })
    };
    let Some((head, rest)) = text.split_at_checked(19) else { return false };
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            (end > 0, &rest[end..])
        }
        None => (true, rest),
    };
    shape(head, "0000-00-00T00:00:00")
        && fraction
        && (zone == "Z" || shape(zone, "+00:00") || shape(zone, "-00:00"))
}

/// RFC 4648 with padding; line breaks may stand in it.
fn is_base64(text: &str) -> bool {
    let bytes: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let body = &bytes[..bytes.len() - padding];
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    padding <= 2 && bytes.len().is_multiple_of(4) && body.iter().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_numbers_with_known_suffixes() {
        for good in ["1", "0.5", "500m", "128Mi", "1e3", "-2", "1E", "5.", ".5Gi"] {
            assert!(is_quantity(good), "{good}");
        }
        for bad in ["", "Mi", "128MB", "1 Gi", "1.2.3", "ten", "128mi", "1e"] {
            assert!(!is_quantity(bad), "{bad}");
        }
    }

    #[test]
    fn times_are_rfc_3339() {
        for good in ["2026-01-31T12:00:00Z", "2026-01-31T12:00:00.25+01:00"] {
            assert!(is_time(good), "{good}");
        }
        for bad in [
            "2026-01-31",
            "2026-01-31 12:00:00Z",
            "2026-01-31T12:00:00",
            "now",
            "2026-01-31T12:00:00.Z",
        ] {
            assert!(!is_time(bad), "{bad}");
        }
    }

    #[test]
    fn base64_is_padded() {
        for good in ["", "aGk=", "aGVsbG8=\n", "YWJj"] {
            assert!(is_base64(good), "{good}");
        }
        for bad in ["aGk", "a=Gk", "hello world!", "aGk_"] {
            assert!(!is_base64(bad), "{bad}");
        }
    }
}
