//! A throwaway OpenPGP key, to sign what only tests trust.

use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, EncryptionCaps, KeyType, SecretKeyParamsBuilder,
    SignedPublicKey, SignedSecretKey,
};
use pgp::crypto::hash::HashAlgorithm;
use pgp::packet::{
    KeyFlags, RevocationCode, SignatureConfig, SignatureType, Subpacket, SubpacketData,
};
use pgp::ser::Serialize;
use pgp::types::{Duration, KeyDetails, Password, Tag, Timestamp};
use rand::{SeedableRng, rngs::StdRng};

/// A key that signs (Ed25519, without subkeys). Another `seed` is another key.
#[derive(Debug)]
pub struct SigningKey {
    key: SignedSecretKey,
    public: SignedPublicKey,
    seed: u64,
}

/// What is wrong with a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Trouble {
    /// It was good for a year, long ago.
    Expired,
    /// Its owner says that it is in other hands.
    Revoked,
}

/// When a key in trouble was made, in seconds since 1970.
const BORN: u32 = 1_400_000_000;
const YEAR: u32 = 365 * 86_400;

impl SigningKey {
    /// Makes a key of this seed; its times are those of the clock, so its bytes differ each time.
    pub fn new(seed: u64) -> Self {
        let mut parameters = SecretKeyParamsBuilder::default();
        parameters
            .key_type(KeyType::Ed25519Legacy)
            .can_certify(true)
            .can_sign(true)
            .can_encrypt(EncryptionCaps::None)
            .primary_user_id(format!("Test Archive {seed} <archive@example.invalid>"));
        let parameters = parameters.build().unwrap();
        let key = parameters.generate(StdRng::seed_from_u64(seed)).unwrap();
        Self { public: key.to_public_key(), key, seed }
    }

    /// A key of this seed whose public part says that it may not be relied on any more.
    pub fn in_trouble(seed: u64, trouble: Trouble) -> Self {
        let mut parameters = SecretKeyParamsBuilder::default();
        parameters
            .key_type(KeyType::Ed25519Legacy)
            .can_certify(true)
            .can_sign(true)
            .can_encrypt(EncryptionCaps::None)
            .created_at(Timestamp::from_secs(BORN))
            .primary_user_id(format!("Test Archive {seed} <archive@example.invalid>"));
        let parameters = parameters.build().unwrap();
        let key = parameters.generate(StdRng::seed_from_u64(seed)).unwrap();
        let (primary, password) = (&key.primary_key, Password::empty());
        let config = |kind, more: Vec<SubpacketData>| {
            let mut config = SignatureConfig::v4(kind, primary.algorithm(), HashAlgorithm::Sha256);
            let mut data = vec![
                SubpacketData::SignatureCreationTime(Timestamp::from_secs(BORN)),
                SubpacketData::IssuerFingerprint(primary.fingerprint()),
                SubpacketData::IssuerKeyId(primary.legacy_key_id()),
            ];
            data.extend(more);
            config.hashed_subpackets =
                data.into_iter().map(|data| Subpacket::regular(data).unwrap()).collect();
            config
        };
        let mut public = key.to_public_key();
        match trouble {
            Trouble::Expired => {
                let mut flags = KeyFlags::default();
                flags.set_certify(true);
                flags.set_sign(true);
                let lifetime = SubpacketData::KeyExpirationTime(Duration::from_secs(YEAR));
                let more = vec![SubpacketData::KeyFlags(flags), lifetime];
                let user = public.details.users[0].id.clone();
                let own = config(SignatureType::CertPositive, more);
                let own = own.sign_certification(
                    primary,
                    primary.public_key(),
                    &password,
                    Tag::UserId,
                    &user,
                );
                public.details.users[0].signatures = vec![own.unwrap()];
            }
            Trouble::Revoked => {
                let reason = RevocationCode::KeyCompromised;
                let more = vec![SubpacketData::RevocationReason(reason, Default::default())];
                let revocation = config(SignatureType::KeyRevocation, more);
                let revocation = revocation.sign_key(primary, &password, primary.public_key());
                public.details.revocation_signatures.push(revocation.unwrap());
            }
        }
        Self { key, public, seed }
    }

    /// The fingerprint, in upper-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        format!("{:X}", self.key.fingerprint())
    }

    /// The public key as a binary keyring.
    pub fn keyring(&self) -> Vec<u8> {
        self.public.to_bytes().unwrap()
    }

    /// The public key as armoured text.
    pub fn armoured(&self) -> String {
        self.public.to_armored_string(ArmorOptions::default()).unwrap()
    }

    /// The text with a signature around it, as `InRelease` has it.
    pub fn clear_sign(&self, text: &str) -> String {
        let random = StdRng::seed_from_u64(self.seed);
        let signed =
            CleartextSignedMessage::sign(random, text, &self.key.primary_key, &Password::empty());
        signed.unwrap().to_armored_string(ArmorOptions::default()).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_of_its_key_and_text_only() {
        let (key, other) = (SigningKey::new(1), SigningKey::new(2));
        let signed = key.clear_sign("Origin: test\n- dashes\n");
        let (message, _) = CleartextSignedMessage::from_string(&signed).unwrap();
        message.verify(&key.key.to_public_key()).unwrap();
        message.verify(&other.key.to_public_key()).unwrap_err();
        let forged = signed.replace("Origin: test", "Origin: toast");
        let (message, _) = CleartextSignedMessage::from_string(&forged).unwrap();
        message.verify(&key.key.to_public_key()).unwrap_err();
        assert_eq!(key.fingerprint().len(), 40);
        assert!(key.armoured().contains("BEGIN PGP PUBLIC KEY BLOCK"));
    }
}
