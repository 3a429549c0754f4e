//! Decimal numbers, without losing digits.

/// The same text for the same number: `1.50`, `15e-1` and `+1.5` are `15e-1`; what is no decimal number
/// stays as it is.
pub(super) fn canonical(written: &str) -> String {
    decimal(written).unwrap_or_else(|| written.to_owned())
}

fn decimal(written: &str) -> Option<String> {
    let (sign, rest) = match written.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", written.strip_prefix('+').unwrap_or(written)),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], rest[at + 1..].parse::<i64>().ok()?),
        None => (rest, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() + part.len() == 0 || !digits(whole) || !digits(part) {
        return None;
    }
    let all = format!("{whole}{part}");
    let kept = all.trim_start_matches('0').trim_end_matches('0');
    if kept.is_empty() {
        return Some("0".to_owned());
    }
    let zeros = all.len() - all.trim_end_matches('0').len();
    let places = i64::try_from(part.len()).ok()?;
    let power = exponent.checked_sub(places)?.checked_add(i64::try_from(zeros).ok()?)?;
    Some(format!("{sign}{kept}e{power}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_number_has_one_text() {
        for same in [["1.50", "15e-1"], ["100", "1e2"], ["-0", "0.0"], ["+7", "7"], ["0.10", ".1"]]
        {
            assert_eq!(canonical(same[0]), canonical(same[1]), "{same:?}");
        }
        assert_ne!(canonical("10000000000000000000001"), canonical("10000000000000000000002"));
        assert_ne!(canonical("1"), canonical("10"));
        assert_eq!(canonical("1e99999999999999999999"), "1e99999999999999999999");
    }
}
