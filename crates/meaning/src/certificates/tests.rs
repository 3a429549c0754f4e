//! Bundles of two real certificates of the same name.

use super::*;

const ONE: &str = "\
-----BEGIN CERTIFICATE-----
MIIBuTCCAV+gAwIBAgIUebFWLIMSMWQJTWjSG3o6Oshr9scwCgYIKoZIzj0EAwIw
MjELMAkGA1UEBhMCREUxEDAOBgNVBAoMB0V4YW1wbGUxETAPBgNVBAMMCFJvb3Qg
T25lMB4XDTI2MTEyMjE0MDM0MFoXDTM2MTExOTE0MDM0MFowMjELMAkGA1UEBhMC
REUxEDAOBgNVBAoMB0V4YW1wbGUxETAPBgNVBAMMCFJvb3QgT25lMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAEpRd5R0wEvq6TG5bqt0ir3RxM02juWNxF9KcyfPR6
q/Sh2DrA1sPQqfqXs/3dYKOMTKcdWPm7gVFoIygoZREgPaNTMFEwHQYDVR0OBBYE
FH7oqfbX3x6fGkcjm4mNIR4m6CF2MB8GA1UdIwQYMBaAFH7oqfbX3x6fGkcjm4mN
IR4m6CF2MA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAJ74qne5
Tn5QY4kl5D6yOTzKPbXDfgrmzfaJJCtKo7VCAiAjQNsXSm9RlKtSSgi89O91zg+0
UOjDIHzDE2fVju3ozA==
-----END CERTIFICATE-----
";
const RENEWED: &str = "\
-----BEGIN CERTIFICATE-----
MIIBuTCCAV+gAwIBAgIUcH6rrT7IjM6GXWW7YmoqUR0JKs4wCgYIKoZIzj0EAwIw
MjELMAkGA1UEBhMCREUxEDAOBgNVBAoMB0V4YW1wbGUxETAPBgNVBAMMCFJvb3Qg
T25lMB4XDTI2MTEyMjE0MDM0MFoXDTM2MTExOTE0MDM0MFowMjELMAkGA1UEBhMC
REUxEDAOBgNVBAoMB0V4YW1wbGUxETAPBgNVBAMMCFJvb3QgT25lMFkwEwYHKoZI
zj0CAQYIKoZIzj0DAQcDQgAE4A7CSjBFSB81A9gqj9dJo5LkhwmDZm38ElT7DelV
nY+QhybFB+4b6Yzw2AS2Uwf8TSCo0BNmdYA/CFSZ3UZfWaNTMFEwHQYDVR0OBBYE
FI2UoDqoFb+rg+4oyvCc23ReEy8UMB8GA1UdIwQYMBaAFI2UoDqoFb+rg+4oyvCc
23ReEy8UMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAKHV0mH2
JmFDSPN7ck/kNTMMAGhjoLOJmilyMrVwRmsJAiAf3nNUjKbE1yLWSs7Dwak0pE60
CWGiHEvRmjIazyLqcw==
-----END CERTIFICATE-----
";

fn told(before: &str, after: &str) -> Vec<Finding> {
    let pair = Pair { path: "", before: before.as_bytes(), after: after.as_bytes() };
    certificates(&pair).unwrap()
}

#[test]
fn a_certificate_is_named_by_its_subject() {
    let found = told(ONE, "");
    assert_eq!(found[0].what, "certificate C=DE, O=Example, CN=Root One");
    let was = found[0].before.as_deref().unwrap();
    assert!(
        was.starts_with(
            "issued by C=DE, O=Example, CN=Root One, valid from 2026-11-22 to 2036-11-19"
        ),
        "{was}"
    );
}

#[test]
fn a_renewed_certificate_is_one_finding_and_the_order_says_nothing() {
    let found = told(ONE, RENEWED);
    assert_eq!((found.len(), found[0].note.as_deref()), (1, Some("renewed, or made anew")));
    let found = told(&format!("{ONE}{RENEWED}"), &format!("{RENEWED}# again\n{ONE}"));
    assert_eq!(found[0].kind, Kind::Encoding);
}

#[test]
fn private_keys_are_not_told() {
    let key =
        |text: &str| format!("-----BEGIN PRIVATE KEY-----\n{text}\n-----END PRIVATE KEY-----\n");
    let found = told(&key("c2VjcmV0"), &key("c2VjcmV1"));
    assert_eq!(found[0].after.as_deref(), Some("a private key"));
}

#[test]
fn every_cut_of_a_bundle_gives_an_answer() {
    for end in 0..ONE.len() {
        let pair = Pair { path: "", before: &ONE.as_bytes()[..end], after: b"" };
        let _ = certificates(&pair);
    }
    let bytes =
        base64(&ONE.lines().filter(|line| !line.starts_with('-')).collect::<String>()).unwrap();
    for end in 0..bytes.len() {
        assert_eq!(Certificate::read(&bytes[..end]), None);
    }
}
