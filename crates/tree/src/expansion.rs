//! How far compressed bytes may unpack: what a bomb does and an honest archive does not.

/// The most that comes out of compressed bytes: a number of bytes for each that went in, above an
/// amount that is free.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Expansion {
    /// Bytes for each compressed byte.
    pub ratio: u64,
}

/// Why unpacking ended: more came out than honest archives hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "{packed} compressed bytes unpack to over {unpacked}, more than {ratio} for each, as only \
     archives made to fill a disk do; if this one is meant so, set `expansion` below `[unpack]` \
     in the settings higher"
)]
pub struct ExpansionError {
    /// What went in so far.
    pub packed: u64,
    /// What came out so far.
    pub unpacked: u64,
    /// What was allowed.
    pub ratio: u64,
}

impl Expansion {
    /// What may come out whatever went in, in bytes.
    pub const FREE: u64 = 256 << 20;

    /// Checks what came out of what went in.
    pub fn check(self, packed: u64, unpacked: u64) -> Result<(), ExpansionError> {
        let ratio = self.ratio;
        match unpacked > Self::FREE && unpacked > packed.saturating_mul(ratio) {
            true => Err(ExpansionError { packed, unpacked, ratio }),
            false => Ok(()),
        }
    }
}

impl Default for Expansion {
    /// A thousand for each: text and programs stay below 50, long runs of zeros below 1032 in gzip.
    fn default() -> Self {
        Self { ratio: 1000 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bomb_is_told_from_an_honest_archive_of_any_size() {
        let expansion = Expansion::default();
        let gib = 1 << 30;
        assert_eq!(expansion.check(1, Expansion::FREE), Ok(()));
        assert_eq!(expansion.check(10 * gib, 60 * gib), Ok(()));
        let error = expansion.check(10 << 10, gib).unwrap_err();
        assert!(error.to_string().starts_with("10240 compressed bytes unpack to over 1073741824"));
        assert_eq!(Expansion { ratio: 1 << 20 }.check(10 << 10, gib), Ok(()));
    }
}
