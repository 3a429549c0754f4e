//! The chain of trust with throwaway keys: what is good passes, and each way to be bad has its error.

use super::{
    Archive, ArchiveError, KeyringError, ReleaseError, SignatureError, VerifiedRelease,
    VerifyIndexError, check_keyring,
};
use groundup_digest::Sha256;
use pgp::{
    composed::{
        ArmorOptions, CleartextSignedMessage, KeyType, SecretKeyParamsBuilder, SignedKeyDetails,
        SignedPublicKey, SignedPublicSubKey, SignedSecretKey, SubkeyParamsBuilder,
    },
    crypto::hash::HashAlgorithm,
    packet::{
        KeyFlags, RevocationCode, Signature, SignatureConfig, SignatureType, Subpacket,
        SubpacketData,
    },
    ser::Serialize,
    types::{Duration, Fingerprint, KeyDetails, Password, SignedUser, SigningKey, Tag, Timestamp},
};
use proptest::prelude::*;
use rand::{SeedableRng, rngs::StdRng};

/// When the keys were made.
const BORN: u64 = 1_600_000_000;
/// When the releases were made: 2020-11-14 07:06:40.
const SIGNED: u64 = 1_605_337_600;
/// When they are judged.
const NOW: u64 = SIGNED + 86_400;
const YEAR: u32 = 365 * 86_400;

const PACKAGES: &[u8] = b"no packages\n";

/// A key pair whose certificate is put together by the test.
struct TestKey {
    secret: SignedSecretKey,
    lifetime: Option<u32>,
    sign_flag: bool,
    digest: HashAlgorithm,
    revocations: Vec<Signature>,
    back_signature: bool,
    subkey_revoked: bool,
}

fn time(seconds: u64) -> Timestamp {
    Timestamp::from_secs(seconds as u32)
}

fn config(
    typ: SignatureType,
    digest: HashAlgorithm,
    key: &impl SigningKey,
    made: u64,
    more: Vec<SubpacketData>,
) -> SignatureConfig {
    let mut config = SignatureConfig::v4(typ, key.algorithm(), digest);
    let fingerprint: Fingerprint = key.fingerprint();
    let mut data = vec![
        SubpacketData::SignatureCreationTime(time(made)),
        SubpacketData::IssuerFingerprint(fingerprint),
        SubpacketData::IssuerKeyId(key.legacy_key_id()),
    ];
    data.extend(more);
    config.hashed_subpackets =
        data.into_iter().map(|data| Subpacket::regular(data).unwrap()).collect();
    config
}

fn flags(sign: bool) -> KeyFlags {
    let mut flags = KeyFlags::default();
    flags.set_certify(true);
    flags.set_sign(sign);
    flags
}

impl TestKey {
    fn new(seed: u64) -> Self {
        Self::of_kind(KeyType::Ed25519Legacy, seed)
    }

    fn of_kind(kind: KeyType, seed: u64) -> Self {
        let subkey = SubkeyParamsBuilder::default()
            .key_type(kind.clone())
            .can_sign(true)
            .created_at(time(BORN))
            .build()
            .unwrap();
        let params = SecretKeyParamsBuilder::default()
            .key_type(kind)
            .can_certify(true)
            .can_sign(true)
            .primary_user_id(format!("Test {seed} <test@archive.invalid>"))
            .created_at(time(BORN))
            .subkey(subkey)
            .build()
            .unwrap();
        Self {
            secret: params.generate(StdRng::seed_from_u64(seed)).unwrap(),
            lifetime: None,
            sign_flag: true,
            digest: HashAlgorithm::Sha256,
            revocations: Vec::new(),
            back_signature: true,
            subkey_revoked: false,
        }
    }

    fn public(&self) -> SignedPublicKey {
        let primary = &self.secret.primary_key;
        let password = Password::empty();
        let mut more = vec![SubpacketData::KeyFlags(flags(self.sign_flag))];
        more.extend(
            self.lifetime
                .map(|seconds| SubpacketData::KeyExpirationTime(Duration::from_secs(seconds))),
        );
        let user = self.secret.details.users[0].id.clone();
        let own = config(SignatureType::CertPositive, self.digest, primary, BORN, more)
            .sign_certification(primary, primary.public_key(), &password, Tag::UserId, &user)
            .unwrap();
        let details = SignedKeyDetails::new(
            self.revocations.clone(),
            Vec::new(),
            vec![SignedUser::new(user, vec![own])],
            Vec::new(),
        );
        let subkey = &self.secret.secret_subkeys[0].key;
        let back = config(SignatureType::KeyBinding, self.digest, subkey, BORN, Vec::new())
            .sign_primary_key_binding(subkey, subkey.public_key(), &password, primary.public_key())
            .unwrap();
        let mut more = vec![SubpacketData::KeyFlags(flags(true))];
        if self.back_signature {
            more.push(SubpacketData::EmbeddedSignature(Box::new(back)));
        }
        let bind = |typ, made, more| {
            config(typ, self.digest, primary, made, more)
                .sign_subkey_binding(primary, primary.public_key(), &password, subkey.public_key())
                .unwrap()
        };
        let mut signatures = vec![bind(SignatureType::SubkeyBinding, BORN, more)];
        if self.subkey_revoked {
            signatures.push(bind(SignatureType::SubkeyRevocation, BORN + 1, Vec::new()));
        }
        let subkey = SignedPublicSubKey::new(subkey.public_key().clone(), signatures);
        SignedPublicKey::new(primary.public_key().clone(), details, vec![subkey])
    }

    fn keyring(&self) -> Vec<u8> {
        self.public().to_bytes().unwrap()
    }

    fn revoke(&mut self, reason: RevocationCode, made: u64) {
        let primary = &self.secret.primary_key;
        let more = vec![SubpacketData::RevocationReason(reason, Default::default())];
        let revocation =
            config(SignatureType::KeyRevocation, HashAlgorithm::Sha256, primary, made, more)
                .sign_key(primary, &Password::empty(), primary.public_key())
                .unwrap();
        self.revocations.push(revocation);
    }

    fn primary(&self) -> String {
        format!("{:X}", self.secret.primary_key.fingerprint())
    }

    fn signing(&self) -> String {
        format!("{:X}", self.secret.secret_subkeys[0].key.fingerprint())
    }

    /// An `InRelease` signed by the subkey.
    fn sign(&self) -> String {
        clearsign(&release(), vec![self.signature(&release(), HashAlgorithm::Sha512, Vec::new())])
    }

    fn signature(&self, text: &str, digest: HashAlgorithm, more: Vec<SubpacketData>) -> Signature {
        let key = &self.secret.secret_subkeys[0].key;
        signature(key, text, digest, more)
    }
}

fn signature(
    key: &impl SigningKey,
    text: &str,
    digest: HashAlgorithm,
    more: Vec<SubpacketData>,
) -> Signature {
    // The line break before the signature block is not part of the signed text.
    let text = text.trim_end_matches('\n').replace('\n', "\r\n");
    config(SignatureType::Text, digest, key, SIGNED, more)
        .sign(key, &Password::empty(), text.as_bytes())
        .unwrap()
}

fn clearsign(text: &str, signatures: Vec<Signature>) -> String {
    let text = text.trim_end_matches('\n');
    let message = CleartextSignedMessage::new_many(text, |_| Ok(signatures)).unwrap();
    message.to_armored_string(ArmorOptions::default()).unwrap()
}

fn release() -> String {
    format!(
        "Suite: stable\nCodename: test\nDate: Sat, 14 Nov 2020 07:06:40 UTC\n\
         Valid-Until: Sat, 21 Nov 2020 07:06:40 UTC\nAcquire-By-Hash: yes\n\
         Description: two\n lines\n -dash\nSHA256:\n {} {} main/binary-amd64/Packages\n",
        Sha256::of(PACKAGES),
        PACKAGES.len()
    )
}

fn refused(inrelease: &str, keyring: &[u8], at: Option<u64>) -> SignatureError {
    match Archive::verify(inrelease.as_bytes(), keyring, at) {
        Err(ArchiveError::Signature(error)) => error,
        other => panic!("not refused for its signature: {other:?}"),
    }
}

#[test]
fn a_good_release_says_who_signed_and_leads_to_its_indexes() {
    let key = TestKey::new(1);
    for at in [Some(NOW), None] {
        let verified = Archive::verify(key.sign().as_bytes(), &key.keyring(), at).unwrap();
        let [signer] = verified.signers() else { panic!("{:?}", verified.signers()) };
        assert_eq!(signer.primary, key.primary());
        assert_eq!(signer.signing, key.signing());
        assert_eq!(signer.signed, SIGNED);
        assert_eq!(verified.release().codename(), "test");
        assert_eq!(verified.release().valid_until(), Some(SIGNED + 7 * 86_400));
        let index = verified.check_index("main/binary-amd64/Packages", PACKAGES).unwrap();
        assert_eq!(index.text().unwrap(), PACKAGES);
    }
}

#[test]
fn an_index_with_other_bytes_is_refused() {
    let key = TestKey::new(1);
    let verified = Archive::verify(key.sign().as_bytes(), &key.keyring(), None).unwrap();
    let check = |path, bytes| verified.check_index(path, bytes).map(|_| ());
    let path = "main/binary-amd64/Packages";
    assert!(matches!(check("main/other", PACKAGES), Err(VerifyIndexError::NotListed { .. })));
    assert!(matches!(check(path, b"no packages"), Err(VerifyIndexError::Size { .. })));
    assert!(matches!(check(path, b"nO packages\n"), Err(VerifyIndexError::Digest { .. })));
}

#[test]
fn armoured_keyrings_with_several_keys_are_read() {
    let (key, other) = (TestKey::new(1), TestKey::new(2));
    let mut keyring = other.public().to_armored_string(ArmorOptions::default()).unwrap();
    keyring.push('\n');
    keyring.push_str(&key.public().to_armored_string(ArmorOptions::default()).unwrap());
    Archive::verify(key.sign().as_bytes(), keyring.as_bytes(), Some(NOW)).unwrap();
    let binary = [other.keyring(), key.keyring()].concat();
    Archive::verify(key.sign().as_bytes(), &binary, Some(NOW)).unwrap();
    assert!(matches!(
        Archive::verify(key.sign().as_bytes(), b"nothing", None),
        Err(ArchiveError::Keyring(KeyringError::Form(_) | KeyringError::Empty))
    ));
}

#[test]
fn a_changed_text_is_refused_and_what_is_not_hashed_may_change() {
    let key = TestKey::new(1);
    let tampered = key.sign().replace("Codename: test", "Codename: tost");
    let error = refused(&tampered, &key.keyring(), Some(NOW));
    assert!(matches!(error, SignatureError::Bad { key: named, .. } if named == key.signing()));
    let blanks = key.sign().replace("Codename: test", "Codename: test \t").replace('\n', "\r\n");
    Archive::verify(blanks.as_bytes(), &key.keyring(), Some(NOW)).unwrap();
}

#[test]
fn unsigned_text_and_text_outside_the_signature_are_refused() {
    let key = TestKey::new(1);
    let refused = |text: &str| refused(text, &key.keyring(), Some(NOW));
    let good = key.sign();
    assert!(matches!(refused(&release()), SignatureError::Missing));
    assert!(matches!(refused(""), SignatureError::Missing));
    let before = format!("Codename: evil\n{good}");
    assert!(matches!(refused(&before), SignatureError::TextOutside { line: 1 }));
    let after = format!("{good}Codename: evil\n");
    assert!(matches!(refused(&after), SignatureError::TextOutside { .. }));
    let twice = format!("{good}{good}");
    assert!(matches!(refused(&twice), SignatureError::TextOutside { .. }));
    let header = good.replacen("Hash: ", "Codename: evil\nHash: ", 1);
    assert!(matches!(refused(&header), SignatureError::Form { line: 2, .. }));
    let dash = good.replacen("\n\nSuite", "\n\n-Codename: evil\nSuite", 1);
    assert!(matches!(refused(&dash), SignatureError::Form { line: 4, .. }));
    let cut = &good[..good.len() / 2];
    assert!(matches!(refused(cut), SignatureError::Form { .. }));
    let cut = good.replace("-----END PGP SIGNATURE-----", "");
    assert!(matches!(refused(&cut), SignatureError::Form { .. }));
}

#[test]
fn keys_outside_the_keyring_are_named_and_do_not_spoil_a_good_signature() {
    let (key, other) = (TestKey::new(1), TestKey::new(2));
    match refused(&key.sign(), &other.keyring(), Some(NOW)) {
        SignatureError::UnknownKey { issuers } => assert_eq!(issuers, [key.signing()]),
        error => panic!("{error:?}"),
    }
    let text = release();
    let signatures = || {
        let sign = |key: &TestKey| key.signature(&text, HashAlgorithm::Sha256, Vec::new());
        vec![sign(&other), sign(&key)]
    };
    let both = clearsign(&text, signatures());
    let verified = Archive::verify(both.as_bytes(), &key.keyring(), Some(NOW)).unwrap();
    assert_eq!(verified.signers().len(), 1);
}

#[test]
fn a_bad_signature_next_to_a_good_one_is_refused() {
    let (key, other) = (TestKey::new(1), TestKey::new(2));
    let text = release();
    let good = key.signature(&text, HashAlgorithm::Sha256, Vec::new());
    let bad = other.signature("another text", HashAlgorithm::Sha256, Vec::new());
    let both = clearsign(&text, vec![good, bad]);
    let keyring = [key.keyring(), other.keyring()].concat();
    assert!(matches!(refused(&both, &keyring, Some(NOW)), SignatureError::Bad { .. }));
}

#[test]
fn an_expired_key_is_refused_when_locking_but_not_in_a_build() {
    let mut key = TestKey::new(1);
    key.lifetime = Some(YEAR);
    let end = BORN + u64::from(YEAR);
    let error = refused(&key.sign(), &key.keyring(), Some(end));
    assert!(matches!(error, SignatureError::ExpiredKey { since, .. } if since == end));
    Archive::verify(key.sign().as_bytes(), &key.keyring(), Some(NOW)).unwrap();
    Archive::verify(key.sign().as_bytes(), &key.keyring(), None).unwrap();
}

#[test]
fn a_key_that_had_expired_before_it_signed_is_refused_without_a_clock_too() {
    let mut key = TestKey::new(1);
    key.lifetime = Some(86_400);
    for at in [Some(NOW), None] {
        assert!(matches!(
            refused(&key.sign(), &key.keyring(), at),
            SignatureError::ExpiredKey { .. }
        ));
    }
}

#[test]
fn revoked_keys_and_subkeys_are_refused() {
    for at in [Some(NOW), None] {
        let mut key = TestKey::new(1);
        key.revoke(RevocationCode::KeyCompromised, NOW + 86_400);
        let error = refused(&key.sign(), &key.keyring(), at);
        assert!(matches!(error, SignatureError::RevokedKey { .. }));
        let mut key = TestKey::new(1);
        key.subkey_revoked = true;
        let error = refused(&key.sign(), &key.keyring(), at);
        assert!(matches!(error, SignatureError::RevokedKey { .. }));
    }
}

#[test]
fn a_key_that_was_superseded_later_is_good_for_what_it_signed_before() {
    let mut key = TestKey::new(1);
    key.revoke(RevocationCode::KeySuperseded, NOW + 86_400);
    Archive::verify(key.sign().as_bytes(), &key.keyring(), Some(NOW)).unwrap();
    Archive::verify(key.sign().as_bytes(), &key.keyring(), None).unwrap();
    let error = refused(&key.sign(), &key.keyring(), Some(NOW + 2 * 86_400));
    assert!(matches!(error, SignatureError::RevokedKey { .. }));
}

#[test]
fn weak_digests_are_refused_in_signatures_and_in_bindings() {
    let mut key = TestKey::of_kind(KeyType::Rsa(2048), 1);
    let text = release();
    let weak = clearsign(&text, vec![key.signature(&text, HashAlgorithm::Sha1, Vec::new())]);
    match refused(&weak, &key.keyring(), Some(NOW)) {
        SignatureError::WeakDigest { digest, .. } => assert_eq!(digest, "SHA1"),
        error => panic!("{error:?}"),
    }
    key.digest = HashAlgorithm::Sha1;
    let error = refused(&key.sign(), &key.keyring(), Some(NOW));
    assert!(matches!(error, SignatureError::NotForSigning { .. }));
}

#[test]
fn a_subkey_without_back_signature_and_a_primary_without_flag_may_not_sign() {
    let mut key = TestKey::new(1);
    key.back_signature = false;
    let error = refused(&key.sign(), &key.keyring(), Some(NOW));
    assert!(matches!(error, SignatureError::NotForSigning { .. }));
    let mut key = TestKey::new(1);
    let text = release();
    let primary = &key.secret.primary_key;
    let signed = signature(primary, &text, HashAlgorithm::Sha256, Vec::new());
    let signed = clearsign(&text, vec![signed]);
    Archive::verify(signed.as_bytes(), &key.keyring(), Some(NOW)).unwrap();
    key.sign_flag = false;
    let error = refused(&signed, &key.keyring(), Some(NOW));
    assert!(matches!(error, SignatureError::NotForSigning { .. }));
}

#[test]
fn a_subkey_bound_by_another_key_may_not_sign() {
    let (key, thief) = (TestKey::new(1), TestKey::new(2));
    let mut stolen = thief.public();
    stolen.public_subkeys = key.public().public_subkeys;
    let keyring = stolen.to_bytes().unwrap();
    let error = refused(&key.sign(), &keyring, Some(NOW));
    assert!(matches!(error, SignatureError::NotForSigning { .. }));
}

#[test]
fn signatures_from_the_future_and_expired_ones_are_refused() {
    let key = TestKey::new(1);
    let error = refused(&key.sign(), &key.keyring(), Some(SIGNED - 86_400));
    assert!(matches!(error, SignatureError::FromTheFuture { .. }));
    let text = release();
    let lifetime = SubpacketData::SignatureExpirationTime(Duration::from_secs(60));
    let short = key.signature(&text, HashAlgorithm::Sha256, vec![lifetime]);
    let short = clearsign(&text, vec![short]);
    let error = refused(&short, &key.keyring(), Some(NOW));
    assert!(matches!(error, SignatureError::ExpiredSignature { .. }));
    Archive::verify(short.as_bytes(), &key.keyring(), None).unwrap();
}

#[test]
fn a_release_past_its_validity_is_refused_when_locking_only() {
    let key = TestKey::new(1);
    let late = SIGNED + 8 * 86_400;
    assert!(matches!(
        Archive::verify(key.sign().as_bytes(), &key.keyring(), Some(late)),
        Err(ArchiveError::Release(ReleaseError::Expired { .. }))
    ));
    Archive::verify(key.sign().as_bytes(), &key.keyring(), None).unwrap();
}

#[test]
fn a_keyring_whose_signing_keys_are_not_built_in_cannot_start_trust() {
    let mut key = TestKey::new(1);
    match check_keyring(&key.keyring(), NOW) {
        Err(KeyringError::Unknown(keys)) => assert_eq!(keys, [key.primary()]),
        other => panic!("{other:?}"),
    }
    key.lifetime = Some(1);
    assert!(matches!(check_keyring(&key.keyring(), NOW), Err(KeyringError::Empty)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_byte_never_changes_what_is_trusted(place in 0usize..2000, byte in any::<u8>()) {
        let key = TestKey::new(1);
        let good = key.sign().into_bytes();
        let mut changed = good.clone();
        let place = place % changed.len();
        changed[place] = byte;
        if let Ok(verified) = Archive::verify(&changed, &key.keyring(), None) {
            let before = Archive::verify(&good, &key.keyring(), None).unwrap();
            let files = |verified: &VerifiedRelease| {
                verified.release().files().map(|(path, file)| (path.to_owned(), file)).collect::<Vec<_>>()
            };
            prop_assert_eq!(files(&verified), files(&before));
            prop_assert_eq!(verified.release().codename(), "test");
            prop_assert_eq!(verified.release().date(), before.release().date());
        }
    }
}
