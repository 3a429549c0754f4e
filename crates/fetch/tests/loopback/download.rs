//! What is fetched, and what is refused.

use crate::{Fixture, bytes, pin, server::Server, settings, told};
use groundup_fetch::{FetchError, Fetcher, LocationError, Validators};
use std::{
    num::NonZeroU32,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

#[test]
fn what_the_store_has_opens_no_socket() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let server = Server::of(body.clone());
    let blob = fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap();
    assert_eq!(fixture.content(blob), body);
    assert_eq!(fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap(), blob);
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_mirror_that_lacks_the_file_is_followed_by_the_next() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let lacking = Server::start(|_, _, reply| reply.send("404 Not Found", "", b"no"));
    let having = Server::of(body.clone());
    let locations = [lacking.at("/x/a"), having.at("/y/a")];
    fixture.fetch(settings(), &pin(&body), &locations).unwrap();
    assert_eq!(lacking.seen().len(), 1, "a missing file is not asked for again");
    assert_eq!(having.seen()[0].target, "/y/a");
}

#[test]
fn a_mirror_with_another_file_is_followed_by_the_next() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let bad = Server::of(bytes(2000)[1000..].to_vec());
    let good = Server::of(body.clone());
    let blob = fixture.fetch(settings(), &pin(&body), &[bad.at("/a"), good.at("/a")]).unwrap();
    assert_eq!(fixture.content(blob), body);
}

#[test]
fn a_wrong_digest_is_told_with_both_digests_the_place_and_the_remedy() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let other = bytes(2000)[1000..].to_vec();
    let server = Server::of(other.clone());
    let error = fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap_err();
    let text = told(&error);
    let (expected, got) = (pin(&body).sha256.to_string(), pin(&other).sha256.to_string());
    let place = server.url("/a");
    for part in ["package hello 2.10-3", &place, &expected, &got, "groundup update"] {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
    assert_eq!(fixture.store.blob_by_sha256(pin(&body).sha256, 1000).unwrap(), None);
}

#[test]
fn another_size_is_refused_before_the_body_comes() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let server = Server::start(|_, _, reply| {
        reply.head("200 OK", "Content-Length: 99999999\r\n");
        reply.stall();
    });
    let error = fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap_err();
    let FetchError::Failed { failure, .. } = error else { panic!("{error}") };
    let size = LocationError::WrongSize { expected: 1000, got: 99_999_999 };
    assert_eq!(failure.error.to_string(), size.to_string());
}

#[test]
fn no_more_than_the_pinned_size_is_ever_taken() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    // Endless, and without a length.
    let server = Server::start(|_, _, reply| {
        reply.head("200 OK", "");
        while reply.body(&[7; 4096]) {}
    });
    let error = fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap_err();
    assert!(told(&error).contains("expected 1000 bytes, got more"), "{}", told(&error));
}

#[test]
fn all_places_that_failed_are_listed() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let lacking = Server::start(|_, _, reply| reply.send("404 Not Found", "", b""));
    let refusing = Server::start(|_, _, reply| reply.send("403 Forbidden", "", b""));
    let locations = [lacking.at("/a"), refusing.at("/a")];
    let error = fixture.fetch(settings(), &pin(&body), &locations).unwrap_err().to_string();
    assert!(error.contains("any of 2 places"), "{error}");
    assert!(error.contains("not found (status 404)"), "{error}");
    assert!(error.contains(&format!("credentials.\"{}\"", refusing.host())), "{error}");
    let error = fixture.fetch(settings(), &pin(&body), &[]).unwrap_err();
    assert!(matches!(error, FetchError::NoLocation { .. }));
}

#[test]
fn one_content_is_fetched_once_at_a_time() {
    let (fixture, body) = (Fixture::new(), bytes(100_000));
    let server = Server::of(body.clone());
    let (fetcher, cancel) = (Fetcher::new(settings()), AtomicBool::new(false));
    thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| {
                let locations = [server.at("/a")];
                fetcher
                    .fetch_pinned(&fixture.store, &pin(&body), &locations, &|_| (), &cancel)
                    .unwrap()
            });
        }
    });
    assert_eq!(server.seen().len(), 1);
}

#[test]
fn a_host_gets_no_more_connections_than_the_setting_allows() {
    let fixture = Fixture::new();
    let (open, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let counted = most.clone();
    let server = Server::start(move |_, seen, reply| {
        counted.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let count = seen.target[1..].parse().unwrap();
        let body = bytes(count);
        let (first, last) = body.split_at(count / 2);
        reply.head("200 OK", &format!("Content-Length: {count}\r\n"));
        reply.body(first);
        thread::yield_now();
        open.fetch_sub(1, Ordering::SeqCst);
        reply.body(last);
    });
    let one = NonZeroU32::new(1).unwrap();
    let settings = groundup_fetch::Settings { connections_per_host: one, ..settings() };
    let (fetcher, cancel) = (Fetcher::new(settings), AtomicBool::new(false));
    thread::scope(|scope| {
        for count in 50_000..50_006 {
            let (fetcher, server, fixture, cancel) = (&fetcher, &server, &fixture, &cancel);
            scope.spawn(move || {
                let locations = [server.at(&format!("/{count}"))];
                let pin = pin(&bytes(count));
                fetcher.fetch_pinned(&fixture.store, &pin, &locations, &|_| (), cancel).unwrap()
            });
        }
    });
    assert_eq!((server.seen().len(), most.load(Ordering::SeqCst)), (6, 1));
}

#[test]
fn unpinned_files_have_a_limit_and_can_be_asked_for_again() {
    let server = Server::start(|_, seen, reply| match seen.header("if-none-match") {
        Some("\"v1\"") => reply.send("304 Not Modified", "", b""),
        _ => reply.send("200 OK", "ETag: \"v1\"\r\n", &bytes(1000)),
    });
    let (fetcher, cancel) = (Fetcher::new(settings()), AtomicBool::new(false));
    let locations = [server.at("/InRelease")];
    let fetch = |limit| fetcher.fetch_unpinned("the release file", &locations, limit, &cancel);
    let found = fetch(1000).unwrap();
    assert_eq!((&found.bytes, &found.location), (&bytes(1000), &locations[0]));
    assert_eq!(found.validators, Validators { etag: Some("\"v1\"".into()), last_modified: None });
    let error = fetch(999).unwrap_err();
    assert!(told(&error).contains("999 bytes"), "{}", told(&error));
    let again = fetcher.fetch_if_changed("it", &locations, 1000, &found.validators, &cancel);
    assert_eq!(again.unwrap(), None);
}

#[test]
fn new_files_go_into_the_store_with_their_digests() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let server = Server::of(body.clone());
    let (fetcher, cancel) = (Fetcher::new(settings()), AtomicBool::new(false));
    let locations = [server.at("/a.tar")];
    let found = fetcher.fetch_new(&fixture.store, "a", &locations, 5000, &|_| (), &cancel).unwrap();
    assert_eq!((found.0.sha256, found.0.size), (pin(&body).sha256, 1000));
    assert_eq!(fixture.content(found.0.blob), body);
}
