//! What is refused when locking, and that a build checks the same chain again.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use groundup_digest::{BlobId, Sha256};
use groundup_lock::{
    LockError, Scope,
    verify::{self, Claim, Keys, VerifyError},
};
use groundup_recipe::{Lock, lock::IndexKey};
use groundup_testkit::{Deb, SigningKey};
use support::{KEYS, Place, Suite, deb};

const WEB: &str = "[rootfs.web]\npackages = ['web']\n";

fn place() -> Place {
    let mut suite = Suite::new(&[deb("web", "1")]);
    suite.sources = vec![("web", "1")];
    Place::new(&suite, WEB)
}

fn from_nothing(place: &Place) -> String {
    place.failure(&Lock::default(), &Scope::Lock)
}

#[test]
fn a_tampered_index_is_refused() {
    let place = place();
    place.world.change("Packages", |bytes| [bytes, b"\n".to_vec()].concat());
    place.world.change("binary-amd64/by-hash", |bytes| [bytes, b"\n".to_vec()].concat());
    let failure = from_nothing(&place);
    assert!(failure.starts_with("cannot get the index `main amd64`"), "{failure}");
    assert!(
        failure.ends_with("wrong content: dists/stable/main/binary-amd64/Packages"),
        "{failure}"
    );
}

#[test]
fn a_release_file_that_was_changed_is_refused() {
    let place = place();
    place.world.change("InRelease", |bytes| {
        String::from_utf8(bytes)
            .unwrap()
            .replace("Components: main", "Components: more")
            .into_bytes()
    });
    let failure = from_nothing(&place);
    assert!(failure.starts_with("cannot trust the archive `test`"), "{failure}");
    assert!(failure.contains("is bad"), "{failure}");
}

#[test]
fn another_key_is_refused() {
    let place = place();
    place.put(KEYS, &SigningKey::new(8).keyring());
    let failure = from_nothing(&place);
    assert!(failure.contains("signed by keys that are not in the keyring"), "{failure}");
    assert!(failure.contains(&place.key.fingerprint()), "{failure}");
}

#[test]
fn a_key_file_that_changed_judges_the_archive_again() {
    let place = place();
    let lock = place.first();
    let both = [place.key.keyring(), SigningKey::new(8).keyring()].concat();
    place.put(KEYS, &both);
    let new = place.lock(&lock, &Scope::Lock);
    assert_ne!(new.archives["test"].keyring, lock.archives["test"].keyring);
    assert_eq!(new.rootfs, lock.rootfs);
}

#[test]
fn an_expired_release_file_is_refused() {
    let place = place();
    let mut suite = Suite::new(&[deb("web", "1")]);
    suite.more = "Valid-Until: Sat, 08 Jan 2022 12:00:00 UTC\n";
    place.publish(&suite);
    let failure = from_nothing(&place);
    assert!(failure.contains("was valid until"), "{failure}");
}

#[test]
fn going_back_in_time_is_refused_unless_the_suite_changes() {
    let place = place();
    let lock = place.first();
    place.publish(&Suite::new(&[deb("web", "0")]).dated("Fri, 31 Dec 2021 12:00:00 UTC"));
    let error = place.try_lock(&lock, &Scope::Update).unwrap_err();
    let LockError::RolledBack { found, pinned, .. } = error else { panic!("{error}") };
    assert_eq!(found, "Fri, 31 Dec 2021 12:00:00 UTC");
    assert_eq!(pinned, "Sat, 01 Jan 2022 12:00:00 UTC");
}

#[test]
fn another_suite_than_asked_for_is_refused() {
    let place = place();
    place.world.change("InRelease", |_| Vec::new());
    let suite = Suite { name: "testing", ..Suite::new(&[deb("web", "1")]) };
    place.world.publish("test", &suite, &place.key);
    let signed = place.world.file("test/dists/testing/InRelease");
    place.world.put("test/dists/stable/InRelease", &signed);
    let failure = from_nothing(&place);
    assert!(failure.contains("`stable` was asked for"), "{failure}");
}

#[test]
fn a_platform_that_the_archive_lacks_is_named() {
    let mut suite = Suite::new(&[deb("web", "1")]);
    suite.arches = vec!["amd64"];
    let recipe = "[rootfs.web]\npackages = ['web']\nplatforms = ['linux/arm64']\n";
    let failure = from_nothing(&Place::new(&suite, recipe));
    assert!(failure.contains("has no index `main arm64`; it has components main"), "{failure}");
}

#[test]
fn strangers_cannot_pass_for_debian() {
    let mut place = place();
    place.signed_by = String::new();
    let failure = from_nothing(&place);
    assert!(
        failure.starts_with("the keys of the archive `test` are nowhere to be found"),
        "{failure}"
    );
    // A package of the right name is no help without Debian's keys in it.
    let keys = place.key.keyring();
    let package = Deb::new("debian-archive-keyring", "1", "all").file(
        "usr/share/keyrings/debian-archive-keyring.gpg",
        &keys,
        0o644,
    );
    place.publish(&Suite::new(&[deb("web", "1"), package]));
    let failure = from_nothing(&place);
    let fingerprint = place.key.fingerprint();
    let expected =
        format!("no key of the keyring is one of Debian's that are built in: {fingerprint}");
    assert!(failure.ends_with(&expected), "{failure}");
}

struct Chain {
    place: Place,
    lock: Lock,
    keyring: BlobId,
    inrelease: BlobId,
    indexes: Vec<(IndexKey, BlobId)>,
}

/// What a build has of a lock: pinned blobs.
fn chain() -> Chain {
    let mut place = place();
    place.recipe(&format!("{WEB}[source.web]\ndsc = 'web'\narchive = 'test'\n"));
    let lock = place.first();
    let pin = &lock.archives["test"];
    let blob = |file: &groundup_recipe::lock::FilePin| {
        place.store.blob_by_sha256(file.sha256, file.size).unwrap().unwrap()
    };
    let keyring = place.store.put_blob(&place.key.keyring()).unwrap().blob;
    let inrelease = blob(&pin.inrelease);
    let indexes = pin.indexes.iter().map(|(key, file)| (key.clone(), blob(file))).collect();
    Chain { keyring, inrelease, indexes, lock, place }
}

impl Chain {
    fn table(&self) -> Result<BlobId, VerifyError> {
        let store = &self.place.store;
        verify::index(store, self.keyring, self.inrelease, &self.indexes, "stable")
    }

    fn claim(&self) -> Claim {
        let (id, file) = self.lock.packages.first_key_value().unwrap();
        Claim {
            package: id.name.clone(),
            version: id.version.clone(),
            arch: id.arch.clone(),
            path: file.path.clone(),
            size: file.size,
            sha256: file.sha256,
        }
    }
}

#[test]
fn a_build_finds_what_was_locked_in_the_table() {
    let chain = chain();
    let table = chain.table().unwrap();
    let text = String::from_utf8(chain.place.store.read_blob(table).unwrap()).unwrap();
    let deb = deb("web", "1").build();
    let row = |arch: &str, path: &str, content: &[u8]| {
        format!("web\t1\t{arch}\tpool/{path}\t{}\t{}\n", content.len(), Sha256::of(content))
    };
    let expected = [
        row("amd64", "web_1_amd64.deb", &deb),
        row("source", "web_1.dsc", b"dsc of web 1"),
        row("source", "web_1.tar.xz", b"tar.xz of web 1"),
    ];
    assert_eq!(text, expected.concat());
    let selected = verify::select(&chain.place.store, table, &[chain.claim()]).unwrap();
    let row = chain.place.store.read_blob(selected).unwrap();
    assert_eq!(row, expected[0].as_bytes());
}

#[test]
fn select_refuses_what_is_not_in_the_table_and_says_what_is() {
    let chain = chain();
    let table = chain.table().unwrap();
    let refused =
        |claim: Claim| verify::select(&chain.place.store, table, &[claim]).unwrap_err().to_string();
    let other = refused(Claim { sha256: Sha256::of(b"other"), ..chain.claim() });
    assert!(other.contains("\n  it offers 1 amd64 as pool/web_1_amd64.deb"), "{other}");
    let newer = refused(Claim { version: "2".into(), ..chain.claim() });
    assert!(newer.ends_with("it offers 1 amd64, 1 source"), "{newer}");
    let unknown = refused(Claim { package: "we".into(), ..chain.claim() });
    assert!(unknown.ends_with("it has no package of that name"), "{unknown}");
    // A claim cannot smuggle a second field in.
    let tab = refused(Claim { package: "web\t1".into(), version: "amd64".into(), ..chain.claim() });
    assert!(tab.contains("does not offer"), "{tab}");
}

#[test]
fn a_build_refuses_an_index_or_a_signature_that_does_not_hold() {
    let mut chain = chain();
    let store = &chain.place.store;
    let good = chain.indexes[0].1;
    chain.indexes[0].1 = store.put_blob(b"Package: evil\n").unwrap().blob;
    assert!(
        matches!(chain.table().unwrap_err(), VerifyError::NotListed { key, .. } if key.arch == "amd64")
    );
    chain.indexes[0].1 = good;
    let keyring = chain.keyring;
    chain.keyring = chain.place.store.put_blob(&SigningKey::new(8).keyring()).unwrap().blob;
    assert!(matches!(chain.table().unwrap_err(), VerifyError::Release(_)));
    chain.keyring = keyring;
    let suite = verify::index(&chain.place.store, keyring, chain.inrelease, &chain.indexes, "sid");
    assert!(matches!(suite.unwrap_err(), VerifyError::Suite(_)));
}

#[test]
fn a_keyring_comes_out_of_its_package_and_strangers_are_left_out() {
    let place = place();
    let keys = SigningKey::new(8).keyring();
    let package = Deb::new("debian-archive-keyring", "1", "all")
        .file("usr/share/keyrings/k.pgp", &keys, 0o644)
        .symlink("usr/share/keyrings/k.gpg", "k.pgp");
    let package = place.store.put_blob(&package.build()).unwrap().blob;
    let get = |member: &str, keys| verify::keyring(&place.store, package, member, keys);
    let all = get("usr/share/keyrings/k.gpg", Keys::All).unwrap();
    assert_eq!(place.store.read_blob(all).unwrap(), keys);
    let known = get("usr/share/keyrings/k.gpg", Keys::Known).unwrap_err();
    assert!(matches!(known, VerifyError::NoKnownKey { found } if found.len() == 1));
    let VerifyError::NoMember { found, .. } = get("k.gpg", Keys::All).unwrap_err() else {
        panic!("there is no such file")
    };
    assert_eq!(found, ["usr/share/keyrings/k.gpg", "usr/share/keyrings/k.pgp"]);
}
