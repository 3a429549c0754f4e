//! Some leading digits of an id, as the range of ids that begin with them.

use std::{fmt, str::FromStr};

/// The leading digits of an id, or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdPrefix {
    low: [u8; 32],
    high: [u8; 32],
    digits: u8,
}

/// Why a text is no beginning of an id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParsePrefixError {
    /// A character is no hexadecimal digit.
    #[error("`{0}` is no hexadecimal digit")]
    Digit(char),
    /// Too many digits or none.
    #[error("it has {0} digits; an id has 64, and a beginning of one at least 1")]
    Length(usize),
}

impl IdPrefix {
    /// A whole id.
    pub fn whole(id: [u8; 32]) -> Self {
        Self { low: id, high: id, digits: 64 }
    }

    /// Whether this is a whole id.
    pub fn is_whole(&self) -> bool {
        self.digits == 64
    }

    /// How many digits are known.
    pub fn digits(&self) -> usize {
        self.digits.into()
    }

    /// The lowest id that begins so.
    pub fn low(&self) -> &[u8; 32] {
        &self.low
    }

    /// The highest one.
    pub fn high(&self) -> &[u8; 32] {
        &self.high
    }

    /// Whether an id begins so.
    pub fn has(&self, id: &[u8; 32]) -> bool {
        (&self.low..=&self.high).contains(&id)
    }
}

impl FromStr for IdPrefix {
    type Err = ParsePrefixError;

    fn from_str(text: &str) -> Result<Self, ParsePrefixError> {
        let count = text.chars().count();
        if !(1..=64).contains(&count) {
            return Err(ParsePrefixError::Length(count));
        }
        let (mut low, mut high) = ([0; 32], [0xff; 32]);
        for (place, character) in text.chars().enumerate() {
            let value = character.to_digit(16).ok_or(ParsePrefixError::Digit(character))? as u8;
            let shift = if place % 2 == 0 { 4 } else { 0 };
            low[place / 2] |= value << shift;
            high[place / 2] &= !(0xf << shift) | value << shift;
        }
        Ok(Self { low, high, digits: count as u8 })
    }
}

impl fmt::Display for IdPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for place in 0..self.digits() {
            let byte = self.low[place / 2];
            let digit = if place % 2 == 0 { byte >> 4 } else { byte & 0xf };
            write!(f, "{digit:x}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_mean_all_ids_that_begin_with_them() {
        let prefix: IdPrefix = "aB3".parse().unwrap();
        assert_eq!(prefix.to_string(), "ab3");
        let id = |start: [u8; 2]| {
            let mut id = [0x55; 32];
            id[..2].copy_from_slice(&start);
            id
        };
        assert!(prefix.has(&id([0xab, 0x30])) && prefix.has(&id([0xab, 0x3f])));
        assert!(!prefix.has(&id([0xab, 0x40])) && !prefix.has(&id([0xab, 0x2f])));
        assert!(!prefix.is_whole());
    }

    #[test]
    fn a_whole_id_means_itself() {
        let text = "0123456789abcdef".repeat(4);
        let prefix: IdPrefix = text.parse().unwrap();
        assert!(prefix.is_whole());
        assert_eq!(prefix.low(), prefix.high());
        assert_eq!(prefix.to_string(), text);
        assert_eq!(IdPrefix::whole(*prefix.low()), prefix);
    }

    #[test]
    fn what_is_no_beginning_of_an_id_is_refused() {
        assert_eq!("".parse::<IdPrefix>(), Err(ParsePrefixError::Length(0)));
        assert_eq!("0".repeat(65).parse::<IdPrefix>(), Err(ParsePrefixError::Length(65)));
        assert_eq!("12x".parse::<IdPrefix>(), Err(ParsePrefixError::Digit('x')));
        assert_eq!("1é".parse::<IdPrefix>(), Err(ParsePrefixError::Digit('é')));
    }
}
