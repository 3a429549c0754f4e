//! The fingerprints of the keys that sign the Debian archive, so that trust can start from them.
//!
//! They are printed by `gpg --show-keys` for the files of the package `debian-archive-keyring` and
//! published at the Debian project's page on archive signing keys.

/// A primary key of the Debian archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KnownKey {
    /// The fingerprint of the primary key.
    pub fingerprint: &'static str,
    /// Which archive and release it signs.
    pub purpose: &'static str,
}

const fn key(fingerprint: &'static str, purpose: &'static str) -> KnownKey {
    KnownKey { fingerprint, purpose }
}

/// The keys of the releases from Debian 11 on.
pub const KNOWN_KEYS: &[KnownKey] = &[
    key("1F89983E0081FDE018F3CC9673A4F27B8DD47936", "Debian 11 (bullseye), archive"),
    key("AC530D520F2F3269F5E98313A48449044AAD5C5D", "Debian 11 (bullseye), security archive"),
    key("A4285295FC7B1A81600062A9605C66F00D6C9793", "Debian 11 (bullseye), stable release"),
    key("B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8", "Debian 12 (bookworm), archive"),
    key("05AB90340C0C5E797F44A8C8254CF3B5AEC0A8F0", "Debian 12 (bookworm), security archive"),
    key("4D64FEC119C2029067D6E791F8D2585B8783D481", "Debian 12 (bookworm), stable release"),
    key("04B54C3CDCA79751B16BC6B5225629DF75B188BD", "Debian 13 (trixie), archive"),
    key("5E04A1E3223A19A20706E20F9904613D4CCE68C6", "Debian 13 (trixie), security archive"),
    key("41587F7DB8C774BCCF131416762F67A0B2C39DE4", "Debian 13 (trixie), stable release"),
];

/// The known key with this fingerprint of a primary key, if it is one.
pub fn known_key(fingerprint: &str) -> Option<&'static KnownKey> {
    KNOWN_KEYS.iter().find(|key| key.fingerprint.eq_ignore_ascii_case(fingerprint))
}
