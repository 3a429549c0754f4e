//! OpenPGP keyrings: which keys may sign, judged by a policy of ours over the parsed packets.
//!
//! A subkey counts only with a valid binding by its primary key and a valid back signature, key
//! flags must allow signing, only SHA-2 signatures count, and revocations and expiry are judged at
//! a time that the caller gives. A key with neither self-signature nor binding cannot sign.

use super::known_keys::known_key;
use pgp::{
    composed::{Deserializable, SignedPublicKey, SignedPublicSubKey},
    crypto::hash::HashAlgorithm,
    packet::{RevocationCode, Signature, SignatureType},
    types::{Fingerprint, KeyDetails, KeyId, Tag},
};

/// The keys that are trusted to sign an archive.
#[derive(Debug, Clone)]
pub struct Keyring {
    keys: Vec<SignedPublicKey>,
}

/// Why a keyring cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// The bytes are no sequence of OpenPGP keys, in binary or armoured form.
    #[error("the keyring is not in the OpenPGP format")]
    Form(#[source] Box<pgp::errors::Error>),
    /// No key of it can be read.
    #[error("the keyring has no key that can be read")]
    Empty,
    /// Keys that sign are not among the built-in ones.
    #[error("the keyring has keys that are not built in: {}", .0.join(", "))]
    Unknown(Vec<String>),
}

/// Why a key of the keyring may not sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unfit {
    Expired { since: u64 },
    Revoked,
    NotForSigning,
}

/// A key with the subkey that signs, if it is not the primary key itself.
pub(super) struct SigningKeys<'a> {
    pub certificate: &'a SignedPublicKey,
    pub subkey: Option<&'a SignedPublicSubKey>,
}

const ARMOUR: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";

impl Keyring {
    /// Reads a binary keyring, or one or more armoured blocks.
    pub fn parse(bytes: &[u8]) -> Result<Self, KeyringError> {
        let form = |error| KeyringError::Form(Box::new(error));
        let mut keys = Vec::new();
        match std::str::from_utf8(bytes).ok().and_then(|text| Some((text, text.find(ARMOUR)?))) {
            Some((text, first)) => {
                let mut rest = &text[first..];
                while !rest.is_empty() {
                    let after = rest[ARMOUR.len()..].find(ARMOUR);
                    let (block, next) =
                        rest.split_at(after.map_or(rest.len(), |at| at + ARMOUR.len()));
                    let (read, _) =
                        SignedPublicKey::from_armor_many(block.as_bytes()).map_err(form)?;
                    // A key of a kind that is not understood cannot sign; the others can.
                    keys.extend(read.flatten());
                    rest = next;
                }
            }
            None => keys.extend(SignedPublicKey::from_bytes_many(bytes).map_err(form)?.flatten()),
        }
        match keys.is_empty() {
            true => Err(KeyringError::Empty),
            false => Ok(Self { keys }),
        }
    }

    /// The fingerprints of all primary keys, in upper-case hexadecimal.
    pub fn fingerprints(&self) -> Vec<String> {
        self.keys.iter().map(|key| hex(&key.fingerprint())).collect()
    }

    /// The same keyring with only those primary keys.
    pub fn restricted_to(&self, fingerprints: &[String]) -> Result<Self, KeyringError> {
        let named = |key: &&SignedPublicKey| {
            let own = hex(&key.fingerprint());
            fingerprints.iter().any(|fingerprint| fingerprint.eq_ignore_ascii_case(&own))
        };
        let keys: Vec<_> = self.keys.iter().filter(named).cloned().collect();
        match keys.is_empty() {
            true => Err(KeyringError::Empty),
            false => Ok(Self { keys }),
        }
    }

    /// The primary key or signing subkey with this fingerprint or key id.
    pub(super) fn find(
        &self,
        fingerprints: &[&Fingerprint],
        ids: &[&KeyId],
    ) -> Option<SigningKeys<'_>> {
        let matches = |fingerprint: &Fingerprint, id: &KeyId| match fingerprints.is_empty() {
            true => ids.contains(&id),
            false => fingerprints.contains(&fingerprint),
        };
        self.keys.iter().find_map(|certificate| {
            let primary = &certificate.primary_key;
            if matches(&primary.fingerprint(), &primary.legacy_key_id()) {
                return Some(SigningKeys { certificate, subkey: None });
            }
            let own = |subkey: &&SignedPublicSubKey| {
                matches(&subkey.key.fingerprint(), &subkey.key.legacy_key_id())
            };
            let subkey = certificate.public_subkeys.iter().find(own)?;
            Some(SigningKeys { certificate, subkey: Some(subkey) })
        })
    }
}

/// A keyring whose keys are all built in, so that it can start the trust.
///
/// Keys of it that are not built in are an error unless they could not sign anything now
/// (`at`, seconds since 1970): archive keyrings keep expired keys of older releases.
pub fn check_keyring(bytes: &[u8], at: u64) -> Result<Keyring, KeyringError> {
    let keyring = Keyring::parse(bytes)?;
    let known = |key: &SignedPublicKey| known_key(&hex(&key.fingerprint())).is_some();
    let (known, others): (Vec<_>, Vec<_>) = keyring.keys.into_iter().partition(known);
    let signs = |key: &&SignedPublicKey| {
        let subkeys = key.public_subkeys.iter().map(Some);
        subkeys.chain([None]).any(|subkey| {
            let keys = SigningKeys { certificate: key, subkey };
            keys.check(at, at).is_ok()
        })
    };
    let unknown: Vec<_> = others.iter().filter(signs).map(|key| hex(&key.fingerprint())).collect();
    match (unknown.is_empty(), known.is_empty()) {
        (false, _) => Err(KeyringError::Unknown(unknown)),
        (true, true) => Err(KeyringError::Empty),
        (true, false) => Ok(Keyring { keys: known }),
    }
}

impl SigningKeys<'_> {
    /// The fingerprint of the primary key.
    pub(super) fn primary(&self) -> String {
        hex(&self.certificate.fingerprint())
    }

    /// The fingerprint of the key that signs.
    pub(super) fn signing(&self) -> String {
        self.subkey.map_or_else(|| self.primary(), |subkey| hex(&subkey.key.fingerprint()))
    }

    /// Whether the key could sign at `signed` and is still good at `now`.
    pub(super) fn check(&self, signed: u64, now: u64) -> Result<(), Unfit> {
        let primary = &self.certificate.primary_key;
        let details = &self.certificate.details;
        let revoked = |signature: &&Signature| revokes(signature, now);
        let mut revocations = details.revocation_signatures.iter().filter(revoked);
        if revocations.any(|signature| signature.verify_key(primary).is_ok()) {
            return Err(Unfit::Revoked);
        }
        let own = self.self_signature(now).ok_or(Unfit::NotForSigning)?;
        let created = u64::from(primary.created_at().as_secs());
        check_lifetime(own, created, signed, now)?;
        let Some(subkey) = self.subkey else {
            return match own.key_flags().sign() {
                true => Ok(()),
                false => Err(Unfit::NotForSigning),
            };
        };
        let of_type = |kind| {
            let all = subkey.signatures.iter();
            all.filter(move |signature| signature.typ() == Some(kind) && is_strong(signature))
        };
        let bound =
            |signature: &&Signature| signature.verify_subkey_binding(primary, &subkey.key).is_ok();
        let mut revocations = of_type(SignatureType::SubkeyRevocation).filter(revoked);
        if revocations.any(|signature| bound(&signature)) {
            return Err(Unfit::Revoked);
        }
        let bindings = of_type(SignatureType::SubkeyBinding).filter(bound);
        let binding = latest(bindings, now).ok_or(Unfit::NotForSigning)?;
        let back = |signature: &Signature| {
            is_strong(signature)
                && signature.verify_primary_key_binding(&subkey.key, primary).is_ok()
        };
        if !binding.key_flags().sign() || !binding.embedded_signature().is_some_and(back) {
            return Err(Unfit::NotForSigning);
        }
        check_lifetime(binding, u64::from(subkey.key.created_at().as_secs()), signed, now)
    }

    /// The newest valid signature of the primary key over itself or one of its user ids.
    fn self_signature(&self, now: u64) -> Option<&Signature> {
        let primary = &self.certificate.primary_key;
        let details = &self.certificate.details;
        let direct = details.direct_signatures.iter();
        let direct = direct
            .filter(|signature| is_strong(signature) && signature.verify_key(primary).is_ok());
        let own_id = primary.legacy_key_id();
        let users = details.users.iter().flat_map(|user| {
            user.signatures.iter().filter(|signature| {
                is_strong(signature)
                    && signature.typ() != Some(SignatureType::CertRevocation)
                    && signature.issuer_key_id().contains(&&own_id)
                    && signature.verify_certification(primary, Tag::UserId, &user.id).is_ok()
            })
        });
        latest(direct.chain(users), now)
    }
}

/// The newest of the signatures that were made by `now`.
fn latest<'a>(signatures: impl Iterator<Item = &'a Signature>, now: u64) -> Option<&'a Signature> {
    let made = |signature: &Signature| signature.created().map(|time| u64::from(time.as_secs()));
    let past = signatures.filter(|signature| made(signature).is_some_and(|time| time <= now));
    past.max_by_key(|signature| made(signature))
}

/// Only SHA-2 of at least 256 bits counts.
pub(super) fn is_strong(signature: &Signature) -> bool {
    use HashAlgorithm::{Sha256, Sha384, Sha512};
    matches!(signature.hash_alg(), Some(Sha256 | Sha384 | Sha512))
}

/// A key that was given up for no bad reason is revoked from then on, any other always.
fn revokes(signature: &Signature, now: u64) -> bool {
    let harmless = matches!(
        signature.revocation_reason_code(),
        Some(RevocationCode::KeySuperseded | RevocationCode::KeyRetired)
    );
    let made = signature.created().map_or(0, |time| u64::from(time.as_secs()));
    !harmless || made <= now
}

fn check_lifetime(own: &Signature, created: u64, signed: u64, now: u64) -> Result<(), Unfit> {
    let lifetime = own.key_expiration_time().map(|time| u64::from(time.as_secs()));
    let end = lifetime.filter(|seconds| *seconds > 0).map(|seconds| created + seconds);
    match end {
        Some(since) if since <= now.max(signed) => Err(Unfit::Expired { since }),
        _ if signed < created => Err(Unfit::NotForSigning),
        _ => Ok(()),
    }
}

pub(super) fn hex(fingerprint: &Fingerprint) -> String {
    format!("{fingerprint:X}")
}
