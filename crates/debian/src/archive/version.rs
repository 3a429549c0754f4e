//! Debian version numbers and their order (Debian Policy 5.6.12).
//!
//! `[epoch:]upstream[-revision]`: epochs compare as numbers, the other two by alternating runs of
//! non-digits and digits, in which `~` sorts before the end and letters before other characters.

use std::{cmp::Ordering, fmt, str::FromStr};

/// A version as it was written; equality and order are dpkg's, so that `1.0` equals `0:1.00`.
#[derive(Debug, Clone)]
pub struct Version(String);

/// Why a text is not a version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VersionError {
    /// There is nothing.
    #[error("a version may not be empty")]
    Empty,
    /// The part before the first colon is not a number.
    #[error("`{0}`: the epoch (before the first colon) must be a number below 2147483648")]
    Epoch(String),
    /// The upstream part is empty.
    #[error("`{0}`: there is no version besides the epoch or the revision")]
    NoUpstream(String),
    /// A character that versions may not have.
    #[error("`{0}`: `{1}` may not stand in a version")]
    Character(String, char),
}

impl Version {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The text without its epoch, as file names have it.
    pub fn without_epoch(&self) -> &str {
        split(&self.0).1
    }
}

impl FromStr for Version {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, VersionError> {
        if text.is_empty() {
            return Err(VersionError::Empty);
        }
        let rest = match text.split_once(':') {
            None => text,
            Some((epoch, rest)) => {
                let digits = !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit());
                if !digits || epoch.parse::<u32>().map_or(true, |epoch| epoch > i32::MAX as u32) {
                    return Err(VersionError::Epoch(text.to_owned()));
                }
                rest
            }
        };
        let upstream = rest.rsplit_once('-').map_or(rest, |(upstream, _)| upstream);
        if upstream.is_empty() || rest.ends_with('-') {
            return Err(VersionError::NoUpstream(text.to_owned()));
        }
        let allowed = |c: char| c.is_ascii_alphanumeric() || ".+-~:".contains(c);
        match rest.chars().find(|c| !allowed(*c)) {
            Some(c) => Err(VersionError::Character(text.to_owned(), c)),
            None => Ok(Self(text.to_owned())),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(&self.0, &other.0)
    }
}

/// Compares two versions as dpkg does, without checking their form.
pub fn compare(a: &str, b: &str) -> Ordering {
    if a == b {
        return Ordering::Equal;
    }
    let ((epoch_a, a), (epoch_b, b)) = (split(a), split(b));
    let (upstream_a, revision_a) = a.rsplit_once('-').unwrap_or((a, ""));
    let (upstream_b, revision_b) = b.rsplit_once('-').unwrap_or((b, ""));
    compare_numbers(epoch_a.as_bytes(), epoch_b.as_bytes())
        .then_with(|| compare_parts(upstream_a.as_bytes(), upstream_b.as_bytes()))
        .then_with(|| compare_parts(revision_a.as_bytes(), revision_b.as_bytes()))
}

/// The epoch (maybe empty) and the rest.
fn split(version: &str) -> (&str, &str) {
    version.split_once(':').unwrap_or(("", version))
}

fn compare_parts(mut a: &[u8], mut b: &[u8]) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (words_a, words_b) = (run(&mut a, is_word), run(&mut b, is_word));
        for place in 0..words_a.len().max(words_b.len()) {
            let order = weight(words_a.get(place)).cmp(&weight(words_b.get(place)));
            if order.is_ne() {
                return order;
            }
        }
        let (digits_a, digits_b) = (run(&mut a, is_digit), run(&mut b, is_digit));
        let order = compare_numbers(digits_a, digits_b);
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

fn is_digit(byte: &u8) -> bool {
    byte.is_ascii_digit()
}

fn is_word(byte: &u8) -> bool {
    !byte.is_ascii_digit()
}

/// Cuts the longest prefix of bytes that are all of `kind` off `rest`.
fn run<'a>(rest: &mut &'a [u8], kind: fn(&u8) -> bool) -> &'a [u8] {
    let length = rest.iter().take_while(|byte| kind(byte)).count();
    let (run, after) = rest.split_at(length);
    *rest = after;
    run
}

/// The end of a part (and the digits after it) weigh nothing, `~` less than nothing.
fn weight(byte: Option<&u8>) -> i32 {
    match byte {
        None => 0,
        Some(b'~') => -1,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    }
}

/// Numbers of any length: without leading zeros, the longer is the larger.
fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let significant = |digits: &[u8]| digits.iter().take_while(|digit| **digit == b'0').count();
    let (a, b) = (&a[significant(a)..], &b[significant(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_order_as_policy_says() {
        let ascending = [
            "1.0~~",
            "1.0~~a",
            "1.0~",
            "1.0-0~1",
            "1.0",
            "1.0-1",
            "1.0-1+b1",
            "1.0-1.1",
            "1.0a~",
            "1.0a",
            "1.0aa",
            "1.0+dfsg-1",
            "1.0.1",
            "1.2",
            "1.10",
            "2",
            "1:0.1",
            "10:0",
        ];
        for pair in ascending.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
    }

    #[test]
    fn epoch_zero_leading_zeros_and_revision_zero_make_no_difference() {
        for (a, b) in [("0:1", "1"), ("1.001", "1.1"), ("1-0", "1"), ("1.0", "1."), ("01:2", "1:2")]
        {
            assert_eq!(compare(a, b), Ordering::Equal, "{a} {b}");
        }
    }

    #[test]
    fn malformed_versions_are_refused() {
        let parse = |text: &str| text.parse::<Version>().unwrap_err();
        assert_eq!(parse(""), VersionError::Empty);
        assert_eq!(parse("a:1"), VersionError::Epoch("a:1".to_owned()));
        assert_eq!(parse("99999999999:1"), VersionError::Epoch("99999999999:1".to_owned()));
        assert_eq!(parse("1:"), VersionError::NoUpstream("1:".to_owned()));
        assert_eq!(parse("1-"), VersionError::NoUpstream("1-".to_owned()));
        assert_eq!(parse("1_2"), VersionError::Character("1_2".to_owned(), '_'));
        assert_eq!("1:2.3-4".parse::<Version>().unwrap().without_epoch(), "2.3-4");
    }

    /// Versions in which epochs, tildes, letters and long numbers come up often.
    fn version() -> impl Strategy<Value = String> {
        "([0-2]:)?[0-9]{1,2}([.+~a-c0-3]{0,5})(-[0-9][.+~a0-2]{0,3})?"
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in version(), b in version(), c in version()) {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&a, &a), Ordering::Equal);
            if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
                prop_assert!(compare(&a, &c).is_le());
            }
        }

        #[test]
        fn a_tilde_sorts_before_and_a_suffix_after(a in version()) {
            prop_assert_eq!(compare(&format!("{a}~"), &a), Ordering::Less);
            prop_assert_eq!(compare(&format!("{a}z"), &a), Ordering::Greater);
        }

        #[test]
        fn any_text_is_parsed_or_refused_without_panic(text in ".{0,20}") {
            let _ = text.parse::<Version>();
            compare(&text, "1:2-3");
        }
    }
}
