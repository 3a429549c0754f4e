//! `InRelease`: a cleartext-signed `Release` file (RFC 9580, section 7), split and verified.
//!
//! Exactly one signed text from the first byte to the last is accepted, so that nothing outside
//! the signature can be mistaken for signed. What is returned is what was hashed.

use super::{
    keyring::{Keyring, Unfit, is_strong},
    release::CLOCK_TOLERANCE,
};
use pgp::{
    composed::{Deserializable, DetachedSignature},
    packet::{Signature, SignatureType},
};

/// A good signature.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signer {
    /// The fingerprint of the primary key, in upper-case hexadecimal.
    pub primary: String,
    /// The fingerprint of the key that made the signature (a subkey, or the same).
    pub signing: String,
    /// When the signature was made, in seconds since 1970.
    pub signed: u64,
}

/// Why an `InRelease` file is not trusted.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// There is no signature.
    #[error("the file is not signed")]
    Missing,
    /// Something stands before or after the signed text.
    #[error("line {line}: there is text outside the signature")]
    TextOutside {
        /// The line, from 1.
        line: usize,
    },
    /// The signed text or its signature is malformed.
    #[error("line {line}: expected {expected}")]
    Form {
        /// The line, from 1.
        line: usize,
        /// What should stand there.
        expected: &'static str,
    },
    /// The signature block cannot be read.
    #[error("the signature block cannot be read")]
    Block(#[source] Box<pgp::errors::Error>),
    /// None of the keys that signed is in the keyring.
    #[error("it is signed by keys that are not in the keyring: {}", issuers.join(", "))]
    UnknownKey {
        /// The fingerprints or ids of the keys.
        issuers: Vec<String>,
    },
    /// The signature of a key of the keyring does not fit the text.
    #[error("the signature by key {key} is bad: the text or the signature was changed")]
    Bad {
        /// The fingerprint of the signing key.
        key: String,
        /// What the verification says.
        #[source]
        source: Box<pgp::errors::Error>,
    },
    /// The signature rests on a digest that can be forged.
    #[error("the signature by key {key} uses {digest}; only SHA-2 is trusted")]
    WeakDigest {
        /// The fingerprint of the signing key.
        key: String,
        /// The digest algorithm.
        digest: String,
    },
    /// The key has expired.
    #[error("the signing key {key} expired at {}", super::date::show_date(*.since))]
    ExpiredKey {
        /// The fingerprint of the signing key.
        key: String,
        /// Since when.
        since: u64,
    },
    /// The signature itself has expired.
    #[error("the signature by key {key} expired at {}", super::date::show_date(*.since))]
    ExpiredSignature {
        /// The fingerprint of the signing key.
        key: String,
        /// Since when.
        since: u64,
    },
    /// The key was revoked.
    #[error("the signing key {key} is revoked")]
    RevokedKey {
        /// The fingerprint of the signing key.
        key: String,
    },
    /// The key is not bound to its primary key, or may not sign.
    #[error("the key {key} may not sign (by its flags, its binding or its age)")]
    NotForSigning {
        /// The fingerprint of the signing key.
        key: String,
    },
    /// The signature lies ahead of the clock.
    #[error("the signature by key {key} is of {signed}, it is only {now} (seconds since 1970)")]
    FromTheFuture {
        /// The fingerprint of the signing key.
        key: String,
        /// When the signature says that it was made.
        signed: u64,
        /// The time that it was judged at.
        now: u64,
    },
}

const BEGIN_MESSAGE: &str = "-----BEGIN PGP SIGNED MESSAGE-----";
const BEGIN_SIGNATURE: &str = "-----BEGIN PGP SIGNATURE-----";
const END_SIGNATURE: &str = "-----END PGP SIGNATURE-----";

/// The parts of a cleartext-signed file.
struct Parts<'a> {
    /// The signed lines as they are hashed: unescaped, without blanks at their ends.
    lines: Vec<&'a str>,
    /// The armoured signature.
    armour: &'a str,
}

/// The signed text and who signed it; at least one key of `keyring` did.
///
/// Times are judged at `at` (seconds since 1970); without it, each signature is judged at the
/// moment at which it was made. A bad signature by a key of the keyring is an error even next to a
/// good one; signatures of unknown, expired or revoked keys are not, as long as one is good.
pub(super) fn verify(
    bytes: &[u8],
    keyring: &Keyring,
    at: Option<u64>,
) -> Result<(String, Vec<Signer>), SignatureError> {
    let text = std::str::from_utf8(bytes).map_err(|error| SignatureError::Form {
        line: 1 + bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count(),
        expected: "text in UTF-8",
    })?;
    let parts = split(text)?;
    let (signatures, _) = DetachedSignature::from_armor_many(parts.armour.as_bytes())
        .map_err(|error| SignatureError::Block(Box::new(error)))?;
    let hashed = parts.lines.join("\r\n");
    let (mut signers, mut unknown, mut unfit) = (Vec::new(), Vec::new(), None);
    for signature in signatures {
        let signature =
            signature.map_err(|error| SignatureError::Block(Box::new(error)))?.signature;
        match judge(&signature, &hashed, keyring, at) {
            Ok(signer) => signers.push(signer),
            Err(SignatureError::UnknownKey { issuers }) => unknown.extend(issuers),
            Err(error @ SignatureError::Bad { .. }) => return Err(error),
            Err(error) => unfit = unfit.or(Some(error)),
        }
    }
    match (signers.is_empty(), unfit) {
        (false, _) => Ok((parts.lines.join("\n") + "\n", signers)),
        (true, Some(error)) => Err(error),
        (true, None) if unknown.is_empty() => Err(SignatureError::Missing),
        (true, None) => Err(SignatureError::UnknownKey { issuers: unknown }),
    }
}

fn judge(
    signature: &Signature,
    hashed: &str,
    keyring: &Keyring,
    at: Option<u64>,
) -> Result<Signer, SignatureError> {
    let (fingerprints, ids) = (signature.issuer_fingerprint(), signature.issuer_key_id());
    let Some(keys) = keyring.find(&fingerprints, &ids) else {
        let issuers = match fingerprints.is_empty() {
            true => ids.iter().map(|id| id.to_string().to_uppercase()).collect(),
            false => fingerprints.iter().map(|one| format!("{one:X}")).collect(),
        };
        return Err(SignatureError::UnknownKey { issuers });
    };
    let key = keys.signing();
    if !is_strong(signature) {
        let digest = signature.hash_alg().map_or_else(String::new, |digest| digest.to_string());
        return Err(SignatureError::WeakDigest { key, digest });
    }
    let verified = match keys.subkey {
        Some(subkey) => signature.verify(&subkey.key, hashed.as_bytes()),
        None => signature.verify(&keys.certificate.primary_key, hashed.as_bytes()),
    };
    verified.map_err(|error| SignatureError::Bad { key: key.clone(), source: Box::new(error) })?;
    let of_text = matches!(signature.typ(), Some(SignatureType::Text | SignatureType::Binary));
    let signed = signature.created().map(|time| u64::from(time.as_secs()));
    let (true, Some(signed)) = (of_text, signed) else {
        return Err(SignatureError::NotForSigning { key });
    };
    let now = at.unwrap_or(signed);
    if signed > now.saturating_add(CLOCK_TOLERANCE) {
        return Err(SignatureError::FromTheFuture { key, signed, now });
    }
    let lifetime = signature.signature_expiration_time().map(|time| u64::from(time.as_secs()));
    if let Some(since) = lifetime.filter(|seconds| *seconds > 0).map(|seconds| signed + seconds)
        && since <= now
    {
        return Err(SignatureError::ExpiredSignature { key, since });
    }
    match keys.check(signed, now) {
        Ok(()) => Ok(Signer { primary: keys.primary(), signing: key, signed }),
        Err(Unfit::Expired { since }) => Err(SignatureError::ExpiredKey { key, since }),
        Err(Unfit::Revoked) => Err(SignatureError::RevokedKey { key }),
        Err(Unfit::NotForSigning) => Err(SignatureError::NotForSigning { key }),
    }
}

fn split(text: &str) -> Result<Parts<'_>, SignatureError> {
    let mut lines = text.split_inclusive('\n').enumerate().map(|(at, line)| (at + 1, line));
    let bare = |line: &str| line.trim_end_matches(['\n', '\r', ' ', '\t']).len();
    let cut = |line| &(line as &str)[..bare(line)];
    match lines.next() {
        Some((_, first)) if cut(first) == BEGIN_MESSAGE => {}
        _ if text.lines().any(|line| cut(line) == BEGIN_MESSAGE) => {
            return Err(SignatureError::TextOutside { line: 1 });
        }
        _ => return Err(SignatureError::Missing),
    }
    loop {
        match lines.next().map(|(line, text)| (line, cut(text))) {
            Some((_, "")) => break,
            Some((_, header)) if header.starts_with("Hash: ") => {}
            Some((line, _)) => {
                return Err(SignatureError::Form { line, expected: "`Hash:` or an empty line" });
            }
            None => return Err(SignatureError::Form { line: 2, expected: "the signed text" }),
        }
    }
    let mut signed = Vec::new();
    let armour = loop {
        let end = || SignatureError::Form { line: signed.len() + 3, expected: BEGIN_SIGNATURE };
        let (line, whole) = lines.next().ok_or_else(end)?;
        let shown = cut(whole);
        if shown == BEGIN_SIGNATURE {
            break &text[whole.as_ptr() as usize - text.as_ptr() as usize..];
        }
        match shown.strip_prefix('-') {
            None => signed.push(shown),
            // A line that is `- ` and blanks is an escaped empty line.
            Some(rest) if whole.starts_with("- ") => {
                signed.push(rest.strip_prefix(' ').unwrap_or(""))
            }
            Some(_) => {
                return Err(SignatureError::Form {
                    line,
                    expected: "`- ` before a line with a dash",
                });
            }
        }
    };
    let mut ended = false;
    for (line, whole) in lines {
        match (ended, cut(whole)) {
            (false, END_SIGNATURE) => ended = true,
            (false, shown) if shown.starts_with("-----") => {
                return Err(SignatureError::Form { line, expected: END_SIGNATURE });
            }
            (false, _) | (true, "") => {}
            (true, _) => return Err(SignatureError::TextOutside { line }),
        }
    }
    match ended {
        true => Ok(Parts { lines: signed, armour }),
        false => Err(SignatureError::Form { line: text.lines().count(), expected: END_SIGNATURE }),
    }
}
