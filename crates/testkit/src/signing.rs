//! A throwaway OpenPGP key, to sign what only tests trust.

use pgp::composed::{
    ArmorOptions, CleartextSignedMessage, EncryptionCaps, KeyType, SecretKeyParamsBuilder,
    SignedSecretKey,
};
use pgp::ser::Serialize;
use pgp::types::{KeyDetails, Password};
use rand::{SeedableRng, rngs::StdRng};

/// A key that signs (Ed25519, without subkeys). Another `seed` is another key.
#[derive(Debug)]
pub struct SigningKey {
    key: SignedSecretKey,
    seed: u64,
}

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
        Self { key, seed }
    }

    /// The fingerprint, in upper-case hexadecimal.
    pub fn fingerprint(&self) -> String {
        format!("{:X}", self.key.fingerprint())
    }

    /// The public key as a binary keyring.
    pub fn keyring(&self) -> Vec<u8> {
        self.key.to_public_key().to_bytes().unwrap()
    }

    /// The public key as armoured text.
    pub fn armoured(&self) -> String {
        self.key.to_public_key().to_armored_string(ArmorOptions::default()).unwrap()
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
