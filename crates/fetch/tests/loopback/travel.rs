//! Redirects, credentials and proxies: what is shown to whom.

use crate::{Fixture, bytes, pin, server::Server, settings, told};
use groundup_fetch::{Credential, Location};
use std::sync::Arc;

const BASIC_ANN_SECRET: &str = "Basic YW5uOnNlY3JldA==";

fn ann() -> Credential {
    Credential::Basic { user: "ann".into(), password: "secret".into() }
}

fn redirecting(to: String) -> Server {
    Server::start(move |_, _, reply| reply.send("302 Found", &format!("Location: {to}\r\n"), b""))
}

#[test]
fn a_redirect_to_another_host_shows_it_no_credential() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let second = Server::of(body.clone());
    let first = redirecting(second.url("/b"));
    let mut settings = settings();
    settings.credentials.add(&first.host(), ann());
    fixture.fetch(settings, &pin(&body), &[first.at("/a")]).unwrap();
    assert_eq!(first.seen()[0].header("authorization"), Some(BASIC_ANN_SECRET));
    assert_eq!(second.seen()[0].header("authorization"), None);
}

#[test]
fn credentials_in_a_url_are_for_its_host_only_and_never_told() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let second = Server::start(|_, _, reply| reply.send("404 Not Found", "", b""));
    let first = redirecting(second.url("/b"));
    let url = first.url("/a").replace("http://", "http://ann:secret@");
    let locations = [Location::parse(&url).unwrap()];
    let error = fixture.fetch(settings(), &pin(&body), &locations).unwrap_err();
    assert_eq!(first.seen()[0].header("authorization"), Some(BASIC_ANN_SECRET));
    assert_eq!(second.seen()[0].header("authorization"), None);
    assert!(!told(&error).contains("secret"), "{}", told(&error));
}

#[test]
fn a_host_on_the_way_gets_the_credential_that_the_settings_have_for_it() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let second = Server::of(body.clone());
    let first = redirecting(second.url("/b"));
    let mut settings = settings();
    settings.credentials.add(&second.host(), ann());
    fixture.fetch(settings, &pin(&body), &[first.at("/a")]).unwrap();
    assert_eq!(first.seen()[0].header("authorization"), None);
    assert_eq!(second.seen()[0].header("authorization"), Some(BASIC_ANN_SECRET));
}

#[test]
fn redirects_that_do_not_end_are_an_error() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let server = redirecting("/a".into());
    let error = fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap_err();
    assert!(told(&error).contains("more than 10 redirects"), "{}", told(&error));
    assert_eq!(server.seen().len(), 11);
}

#[test]
fn a_proxy_is_asked_for_the_whole_url() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let proxy = Server::of(body.clone());
    let mut settings = settings();
    settings.proxies.http = Some(format!("http://ann:secret@{}", proxy.host()));
    let locations = [Location::parse("http://mirror.invalid/debian/a").unwrap()];
    fixture.fetch(settings, &pin(&body), &locations).unwrap();
    let seen = proxy.seen();
    assert_eq!(seen[0].target, "http://mirror.invalid/debian/a");
    assert_eq!(seen[0].header("proxy-authorization"), Some(BASIC_ANN_SECRET));
}

#[test]
fn hosts_of_no_proxy_are_reached_directly() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let proxy = Server::start(|_, _, reply| reply.send("502 Bad Gateway", "", b""));
    let server = Server::of(body.clone());
    let mut settings = settings();
    settings.proxies.http = Some(proxy.url(""));
    settings.proxies.no_proxy = Some("example.invalid,127.0.0.1".into());
    fixture.fetch(settings, &pin(&body), &[server.at("/a")]).unwrap();
    assert!(proxy.seen().is_empty());
}

#[test]
fn a_proxy_that_is_no_url_is_an_error_that_names_the_setting() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let mut settings = settings();
    settings.proxies.https = Some("http://[".into());
    let locations = [Server::of(body.clone()).at("/a")];
    let error = fixture.fetch(settings, &pin(&body), &locations).unwrap_err();
    assert!(told(&error).contains("proxy.https"), "{}", told(&error));
}

#[test]
fn settings_without_authorities_still_speak_http() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let server = Arc::new(Server::of(body.clone()));
    let ca = fixture.dir.path().join("ca.pem");
    std::fs::write(&ca, "no certificate\n").unwrap();
    let mut bad = settings();
    bad.ca_files = vec![ca];
    let error = fixture.fetch(bad, &pin(&body), &[server.at("/a")]).unwrap_err();
    assert!(told(&error).contains("network.ca-files"), "{}", told(&error));
    fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap();
}
