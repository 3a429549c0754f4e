//! Signatures that are missing, expired, revoked or by another key.

use crate::support::Served;
use groundup_testkit::{SigningKey, Trouble};
use groundup_tests::tiny::{RECIPES, Tiny};
use std::fs;

fn release(served: &Served) -> String {
    let path = served.tiny.mirror().join("dists/test/Release");
    fs::read_to_string(path).expect("it is published")
}

fn publish(served: &Served, inrelease: &str) {
    let path = served.tiny.mirror().join("dists/test/InRelease");
    fs::write(path, inrelease).expect("the mirror is ours");
}

#[test]
fn a_release_that_is_not_signed_well_is_not_locked() {
    let other = SigningKey::new(77);
    let rows: [(&str, &dyn Fn(&Served) -> String, &[&str]); 5] = [
        ("no signature", &release, &["tiny", "not signed"]),
        ("another key", &|served| other.clear_sign(&release(served)), &["tiny", "keyring"]),
        (
            "another text",
            &|served| {
                let path = served.tiny.mirror().join("dists/test/InRelease");
                let signed = fs::read_to_string(path).expect("it is published");
                signed.replace("Origin: Test", "Origin: Tost")
            },
            &["tiny", "bad"],
        ),
        (
            "text before the signature",
            &|served| {
                let path = served.tiny.mirror().join("dists/test/InRelease");
                format!("Origin: x\n{}", fs::read_to_string(path).expect("it is published"))
            },
            &["tiny", "outside the signature"],
        ),
        (
            "half a signature",
            &|served| {
                let path = served.tiny.mirror().join("dists/test/InRelease");
                let signed = fs::read_to_string(path).expect("it is published");
                signed[..signed.len() - 60].to_owned()
            },
            &["tiny"],
        ),
    ];
    for (row, broken, words) in rows {
        let served = Served::of(Tiny::unlocked(RECIPES));
        let text = broken(&served);
        publish(&served, &text);
        served.refuses(row, &["lock"], 3, words);
        assert!(!served.tiny.workspace.path("groundup.lock").exists(), "{row}");
    }
}

#[test]
fn a_key_that_is_expired_or_revoked_signs_nothing_and_an_old_release_is_refused() {
    for (trouble, word) in [(Trouble::Expired, "expired"), (Trouble::Revoked, "revoked")] {
        let served = Served::of(Tiny::unlocked(RECIPES));
        let key = SigningKey::in_trouble(5, trouble);
        served.tiny.workspace.write("keys/tiny.asc", key.armoured());
        publish(&served, &key.clear_sign(&release(&served)));
        let words = ["tiny", word, &key.fingerprint()];
        served.refuses(word, &["lock"], 3, &words);
        assert!(!served.tiny.workspace.path("groundup.lock").exists(), "{word}");
    }
    let served = Served::of(Tiny::unlocked(RECIPES));
    let key = SigningKey::new(6);
    served.tiny.workspace.write("keys/tiny.asc", key.armoured());
    let old = format!("Valid-Until: Sun, 02 Jan 2022 12:00:00 UTC\n{}", release(&served));
    publish(&served, &key.clear_sign(&old));
    served.refuses("past its validity", &["lock"], 3, &["tiny", "was valid until", "out of date"]);
}
