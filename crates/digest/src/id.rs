//! The typed ids, made by one macro so that text, parsing and serde come with each.

use crate::{Domain, ParseHexError, hex};
use std::{fmt, str::FromStr};

macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Its text form is 64 lowercase hexadecimal digits.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps a digest that was computed or stored as this type before.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The digest itself.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }

            /// The first 12 digits, for people.
            pub fn short(&self) -> String {
                self.to_string()[..12].to_owned()
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                hex::write(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({})", stringify!($name), self.short())
            }
        }

        impl FromStr for $name {
            type Err = ParseHexError;

            fn from_str(text: &str) -> Result<Self, ParseHexError> {
                hex::parse(text).map(Self)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use typed_id;

typed_id! {
    /// The BLAKE3-256 of a blob's content.
    BlobId
}
typed_id! {
    /// The id of one directory of a tree: names, metadata and ids of what it holds.
    DirId
}
typed_id! {
    /// The id of a whole tree: the metadata of its root, its top directory and its hard links.
    TreeId
}
typed_id! {
    /// The hash of a question: everything that a step's result depends on.
    StepKey
}
typed_id! {
    /// The id of a step or build record.
    RecordId
}
typed_id! {
    /// The id of a resolved plan as a value.
    PlanId
}
typed_id! {
    /// The id of one build: commit, lock, target and resolved plan.
    BuildId
}

impl BlobId {
    /// The id of `content`.
    pub fn of(content: &[u8]) -> Self {
        Self(*blake3::hash(content).as_bytes())
    }
}

macro_rules! structured {
    ($($name:ident => $domain:ident),*) => {$(
        impl $name {
            /// The id of the canonical encoding `bytes`.
            pub fn of_encoded(bytes: &[u8]) -> Self {
                Self(Domain::$domain.hash(bytes))
            }
        }
    )*};
}
structured!(DirId => Directory, TreeId => Tree, StepKey => StepKey, RecordId => Record, PlanId => Plan, BuildId => Build);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blob_id_is_plain_blake3() {
        // The test vector of the BLAKE3 paper for the empty input.
        let empty = "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(BlobId::of(b"").to_string(), empty);
    }

    #[test]
    fn equal_bytes_of_two_types_have_different_ids() {
        assert_ne!(TreeId::of_encoded(b"x").as_bytes(), DirId::of_encoded(b"x").as_bytes());
        assert_ne!(TreeId::of_encoded(b"x").as_bytes(), BlobId::of(b"x").as_bytes());
    }

    #[test]
    fn domain_hashes_are_pinned() {
        assert_eq!(
            TreeId::of_encoded(b"").to_string(),
            "41f0e0adf8310cb8d151c5bcf79252884359bf9e3779dbff3bbcb080d213e21d"
        );
        assert_eq!(
            StepKey::of_encoded(b"").to_string(),
            "a599e29fe8c7f38b7f5673cbe5723cd2b46bfb2410e6f60f501b6b6f22fd35a6"
        );
    }

    #[test]
    fn text_form_round_trips_and_rejects_upper_case() {
        let id = BlobId::of(b"x");
        assert_eq!(id.to_string().parse::<BlobId>(), Ok(id));
        let upper = id.to_string().to_uppercase();
        assert!(matches!(upper.parse::<BlobId>(), Err(ParseHexError::Digit { .. })));
        assert_eq!("ab".parse::<BlobId>(), Err(ParseHexError::Length(2)));
    }
}
