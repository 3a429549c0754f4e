//! Without the network: mirrors on disk, vendor directories, offline.

use crate::{Fixture, bytes, pin, server::Server, settings, told};
use groundup_fetch::{FetchError, Fetcher, Location, Offline, Settings, VendorPlace};
use std::fs;

fn offline() -> Settings {
    Settings { offline: Offline::Yes, ..settings() }
}

#[test]
fn a_directory_is_a_mirror_and_its_files_are_checked() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let mirror = fixture.dir.path().join("mirror");
    fs::create_dir(&mirror).unwrap();
    fs::write(mirror.join("a+b.deb"), &body).unwrap();
    fs::write(mirror.join("bad.deb"), &bytes(2000)[1000..]).unwrap();
    let mirror = Location::parse(mirror.to_str().unwrap()).unwrap();
    let bad = mirror.join("bad.deb").unwrap();
    let error = fixture.fetch(offline(), &pin(&body), std::slice::from_ref(&bad)).unwrap_err();
    assert!(told(&error).contains("the content is not the pinned one"), "{}", told(&error));
    let missing = mirror.join("missing.deb").unwrap();
    let locations = [missing, bad, mirror.join("a+b.deb").unwrap()];
    let blob = fixture.fetch(offline(), &pin(&body), &locations).unwrap();
    assert_eq!(fixture.content(blob), body);
}

#[test]
fn a_vendor_directory_comes_before_the_network() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let vendor = fixture.dir.path().join("vendor");
    fs::create_dir_all(vendor.join("sha256")).unwrap();
    fs::write(vendor.join("sha256").join(pin(&body).sha256.to_string()), &body).unwrap();
    let server = Server::of(body.clone());
    let settings = Settings { vendor: vec![VendorPlace::Directory(vendor)], ..settings() };
    let blob = fixture.fetch(settings, &pin(&body), &[server.at("/a")]).unwrap();
    assert_eq!(fixture.content(blob), body);
    assert!(server.seen().is_empty());
}

#[test]
fn a_damaged_vendor_file_does_not_count() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let vendor = fixture.dir.path().join("vendor");
    fs::create_dir(&vendor).unwrap();
    fs::write(vendor.join(pin(&body).sha256.to_string()), &bytes(2000)[1000..]).unwrap();
    let server = Server::of(body.clone());
    let settings = Settings { vendor: vec![VendorPlace::Directory(vendor)], ..settings() };
    let blob = fixture.fetch(settings, &pin(&body), &[server.at("/a")]).unwrap();
    assert_eq!(fixture.content(blob), body);
}

#[test]
fn offline_opens_no_socket_and_names_what_is_missing() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let server = Server::of(body.clone());
    let error = fixture.fetch(offline(), &pin(&body), &[server.at("/a")]).unwrap_err();
    let FetchError::Offline { missing } = &error else { panic!("{error}") };
    assert_eq!(missing, &["package hello 2.10-3"]);
    assert!(error.to_string().contains("`vendor`"), "{error}");
    assert!(server.seen().is_empty());
}

#[test]
fn all_that_is_missing_can_be_asked_for_at_once() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let server = Server::of(body.clone());
    fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap();
    let mut others = [pin(b"x"), pin(b"y")];
    others[0].what = "package x 1".into();
    others[1].what = "package y 2".into();
    let pins = [pin(&body), others[0].clone(), others[1].clone()];
    let error = Fetcher::new(offline()).check_offline(&fixture.store, &pins).unwrap_err();
    assert!(error.to_string().contains("package x 1, package y 2"), "{error}");
    assert!(!error.to_string().contains("hello"), "{error}");
    Fetcher::new(settings()).check_offline(&fixture.store, &pins).unwrap();
}
