//! Which of two versions is newer: Debian Policy 5.6.12, which orders those of rpm and apk well enough
//! to say that something is older than it was.

use std::cmp::Ordering;

/// Compares two versions with their epochs.
pub(super) fn order(a: &str, b: &str) -> Ordering {
    let split = |version: &str| -> (u64, String) {
        let (epoch, rest) = version.split_once(':').unwrap_or(("0", version));
        (epoch.parse().unwrap_or(0), rest.to_owned())
    };
    let ((x, a), (y, b)) = (split(a), split(b));
    let parts = |version: &str| -> (String, String) {
        let (upstream, revision) = version.rsplit_once('-').unwrap_or((version, ""));
        (upstream.to_owned(), revision.to_owned())
    };
    let ((a, r), (b, s)) = (parts(&a), parts(&b));
    x.cmp(&y)
        .then_with(|| part(a.as_bytes(), b.as_bytes()))
        .then_with(|| part(r.as_bytes(), s.as_bytes()))
}

/// `~` sorts before the end, the end before letters, letters before the rest.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

fn part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        loop {
            let digit = |text: &[u8]| text.first().is_none_or(u8::is_ascii_digit);
            if digit(a) && digit(b) {
                break;
            }
            let order = weight(a.first()).cmp(&weight(b.first()));
            if order.is_ne() {
                return order;
            }
            (a, b) = (a.get(1..).unwrap_or_default(), b.get(1..).unwrap_or_default());
        }
        let digits = |text: &mut &[u8]| -> Vec<u8> {
            let count = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let (found, rest) = text.split_at(count);
            *text = rest;
            found.iter().copied().skip_while(|byte| *byte == b'0').collect()
        };
        let (x, y) = (digits(&mut a), digits(&mut b));
        let order = x.len().cmp(&y.len()).then_with(|| x.cmp(&y));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_policy_says() {
        for [older, newer] in [
            ["1.0~rc1-1", "1.0-1"],
            ["1.9-1", "1.10-1"],
            ["9.9-9", "1:0.1-1"],
            ["2.36-9", "2.36-9+deb12u1"],
            ["1.2-r0", "1.2-r10"],
            ["a", "b"],
            ["", "1"],
        ] {
            assert_eq!(order(older, newer), Ordering::Less, "{older} {newer}");
            assert_eq!(order(newer, older), Ordering::Greater, "{older} {newer}");
            assert_eq!(order(newer, newer), Ordering::Equal);
        }
    }
}
