//! Hiccups: what is retried, how a download goes on, and when we give up.

use crate::{Fixture, bytes, pin, server::Server, settings, told};
use groundup_fetch::{FetchError, Fetcher, HttpError, LocationError, Settings};
use std::{
    cell::RefCell,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

/// Half of the file at first, then what is asked for.
fn breaking_once(body: Vec<u8>, headers: &'static str) -> Server {
    Server::start(move |before, seen, reply| match (before, seen.from()) {
        (0, _) => {
            reply.head("200 OK", &format!("{headers}Content-Length: {}\r\n", body.len()));
            reply.body(&body[..body.len() / 2]);
        }
        (_, Some(from)) => {
            let range =
                format!("Content-Range: bytes {from}-{}/{}\r\n", body.len() - 1, body.len());
            reply.send("206 Partial Content", &range, &body[from..]);
        }
        (_, None) => reply.ok(&body),
    })
}

#[test]
fn half_a_file_is_resumed_and_progress_only_grows() {
    let (fixture, body) = (Fixture::new(), bytes(400_000));
    let server = breaking_once(body.clone(), "ETag: \"v1\"\r\n");
    let told = RefCell::new(vec![0]);
    let progress = |count| told.borrow_mut().push(count);
    let (fetcher, cancel) = (Fetcher::new(settings()), AtomicBool::new(false));
    let locations = [server.at("/a")];
    let blob = fetcher.fetch_pinned(&fixture.store, &pin(&body), &locations, &progress, &cancel);
    assert_eq!(fixture.content(blob.unwrap()), body);
    let seen = server.seen();
    assert_eq!(
        (seen[1].header("range"), seen[1].header("if-range")),
        (Some("bytes=200000-"), Some("\"v1\""))
    );
    let told = told.into_inner();
    assert!(told.is_sorted(), "{told:?}");
    assert_eq!(told.last(), Some(&400_000));
}

#[test]
fn weak_validators_are_not_used_to_resume() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let headers = "ETag: W/\"v1\"\r\nLast-Modified: Sat, 21 Nov 2026 10:00:00 GMT\r\n";
    let server = breaking_once(body.clone(), headers);
    fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap();
    assert_eq!(server.seen()[1].header("if-range"), Some("Sat, 21 Nov 2026 10:00:00 GMT"));
}

#[test]
fn a_server_that_ignores_ranges_gives_the_file_from_the_start() {
    let (fixture, body) = (Fixture::new(), bytes(400_000));
    let whole = body.clone();
    let server = Server::start(move |before, _, reply| {
        reply.head("200 OK", &format!("Content-Length: {}\r\n", whole.len()));
        reply.body(if before == 0 { &whole[..300_000] } else { &whole });
    });
    let blob = fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap();
    assert_eq!(fixture.content(blob), body);
    assert_eq!(server.seen().len(), 2);
}

#[test]
fn parts_of_two_files_are_not_mixed() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let (whole, other) = (body.clone(), bytes(3000)[2000..].to_vec());
    let server = Server::start(move |before, seen, reply| match (before, seen.from()) {
        (0, _) => {
            reply.head("200 OK", "Content-Length: 1000\r\n");
            reply.body(&other[..500]);
        }
        (1, Some(from)) => {
            let range = format!("Content-Range: bytes {from}-999/1000\r\n");
            reply.send("206 Partial Content", &range, &whole[from..]);
        }
        _ => reply.ok(&whole),
    });
    let blob = fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap();
    assert_eq!(fixture.content(blob), body);
    assert_eq!(server.seen()[2].from(), None);
}

#[test]
fn a_range_that_cannot_be_given_starts_over() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let whole = body.clone();
    let server = Server::start(move |before, _, reply| match before {
        0 => {
            reply.head("200 OK", "Content-Length: 1000\r\n");
            reply.body(&whole[..500]);
        }
        1 => reply.send("416 Range Not Satisfiable", "", b""),
        _ => reply.ok(&whole),
    });
    let blob = fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap();
    assert_eq!(fixture.content(blob), body);
}

#[test]
fn an_answer_without_length_that_ends_early_is_resumed() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let whole = body.clone();
    let server = Server::start(move |_, seen, reply| match seen.from() {
        None => {
            reply.head("200 OK", "");
            reply.body(&whole[..500]);
        }
        Some(from) => {
            reply.head("206 Partial Content", "Content-Range: bytes 500-999/1000\r\n");
            reply.body(&whole[from..]);
        }
    });
    let blob = fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap();
    assert_eq!(fixture.content(blob), body);
}

#[test]
fn a_server_in_trouble_is_asked_again() {
    for trouble in ["503 Service Unavailable", "500 Oops", "408 Request Timeout"] {
        let (fixture, body) = (Fixture::new(), bytes(1000));
        let whole = body.clone();
        let server = Server::start(move |before, _, reply| match before {
            0 => reply.send(trouble, "", b"later"),
            _ => reply.ok(&whole),
        });
        fixture.fetch(settings(), &pin(&body), &[server.at("/a")]).unwrap();
        assert_eq!(server.seen().len(), 2, "{trouble}");
    }
}

#[test]
fn retry_after_replaces_our_own_wait() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let whole = body.clone();
    let server = Server::start(move |before, _, reply| match before {
        0 => reply.send("429 Too Many Requests", "Retry-After: 0\r\n", b""),
        _ => reply.ok(&whole),
    });
    // With our own wait, this would take longer than anybody waits for a test.
    let settings = Settings { retry_wait: Duration::from_secs(3600), ..settings() };
    fixture.fetch(settings, &pin(&body), &[server.at("/a")]).unwrap();
}

#[test]
fn we_give_up_after_the_retries_and_say_why() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let server = Server::start(|_, _, reply| reply.send("503 Busy", "", b""));
    let settings = Settings { retries: 2, ..settings() };
    let error = fixture.fetch(settings, &pin(&body), &[server.at("/a")]).unwrap_err();
    assert_eq!(server.seen().len(), 3);
    assert!(told(&error).contains("status 503"), "{}", told(&error));
}

#[test]
fn a_server_that_dies_every_few_bytes_still_delivers() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let whole = body.clone();
    let server = Server::start(move |_, seen, reply| {
        let from = seen.from().unwrap_or(0);
        let (status, range) = match from {
            0 => ("200 OK", String::new()),
            _ => ("206 Partial Content", format!("Content-Range: bytes {from}-999/1000\r\n")),
        };
        reply.head(status, &format!("{range}Content-Length: {}\r\n", 1000 - from));
        reply.body(&whole[from..(from + 100).min(1000)]);
    });
    let settings = Settings { retries: 1, ..settings() };
    let blob = fixture.fetch(settings, &pin(&body), &[server.at("/a")]).unwrap();
    assert_eq!(fixture.content(blob), body);
    assert_eq!(server.seen().len(), 10);
}

#[test]
fn a_server_that_always_dies_at_the_same_place_is_given_up() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let server = Server::start(|_, _, reply| {
        reply.head("200 OK", "Content-Length: 1000\r\n");
        reply.body(&bytes(500));
    });
    let settings = Settings { retries: 3, ..settings() };
    fixture.fetch(settings, &pin(&body), &[server.at("/a")]).unwrap_err();
    // The first one made progress.
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn nothing_for_the_idle_time_is_an_error_of_its_own() {
    for head in [false, true] {
        let (fixture, body) = (Fixture::new(), bytes(1000));
        let server = Server::start(move |_, _, reply| {
            if head {
                reply.head("200 OK", "Content-Length: 1000\r\n");
            }
            reply.stall();
        });
        let settings = Settings { idle_timeout: Duration::from_millis(100), ..settings() };
        let error = fixture.fetch(settings, &pin(&body), &[server.at("/a")]).unwrap_err();
        let FetchError::Failed { failure, .. } = &error else { panic!("{error}") };
        let stalled = matches!(failure.error, LocationError::Http(HttpError::Stalled { .. }));
        assert!(stalled, "{}", told(&error));
        assert!(told(&error).contains("network.idle-timeout"), "{}", told(&error));
        assert_eq!(server.seen().len(), 2, "once more, not as often as a quick failure");
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}/a");
    let location = groundup_fetch::Location::parse(&url).unwrap();
    let error = fixture.fetch(settings(), &pin(&body), &[location]).unwrap_err();
    assert!(told(&error).contains("cannot connect"), "{}", told(&error));
}

#[test]
fn cancelling_ends_a_wait() {
    let (fixture, body) = (Fixture::new(), bytes(1000));
    let server = Server::start(|_, _, reply| reply.stall());
    let (fetcher, cancel) = (Fetcher::new(settings()), AtomicBool::new(false));
    let error = thread::scope(|scope| {
        let fetching = scope.spawn(|| {
            let locations = [server.at("/a")];
            fetcher.fetch_pinned(&fixture.store, &pin(&body), &locations, &|_| (), &cancel)
        });
        while server.seen().is_empty() {
            thread::yield_now();
        }
        cancel.store(true, Ordering::Relaxed);
        fetching.join().unwrap().unwrap_err()
    });
    assert!(matches!(error, FetchError::Cancelled { .. }), "{}", told(&error));
}
