//! A small HTTP server for tests: one request a connection, answered by a closure.

use groundup_fetch::Location;
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// The second word of the first line: a path, or a URL if we are a proxy.
    pub(crate) target: String,
    headers: Vec<(String, String)>,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The first byte asked for.
    pub(crate) fn from(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

/// The connection of a request.
pub(crate) struct Reply(TcpStream);

impl Reply {
    /// A whole answer.
    pub(crate) fn send(&mut self, status: &str, headers: &str, body: &[u8]) {
        self.head(status, &format!("{headers}Content-Length: {}\r\n", body.len()));
        self.body(body);
    }

    pub(crate) fn ok(&mut self, body: &[u8]) {
        self.send("200 OK", "", body);
    }

    pub(crate) fn head(&mut self, status: &str, headers: &str) {
        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\n{headers}\r\n");
        self.body(head.as_bytes());
    }

    /// The client may have gone, which is its right.
    pub(crate) fn body(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).is_ok()
    }

    /// Sends nothing until the client gives up.
    pub(crate) fn stall(&mut self) {
        let _ = self.0.read(&mut [0; 1]);
    }
}

pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Server {
    /// Answers each request with `answer`, which is told how many came before it.
    pub(crate) fn start(answer: impl Fn(usize, &Seen, &mut Reply) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (all, answer) = (seen.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (all, answer) = (all.clone(), answer.clone());
                thread::spawn(move || {
                    let Some(request) = read(&stream) else { return };
                    let before = {
                        let mut all = all.lock().unwrap();
                        all.push(request.clone());
                        all.len() - 1
                    };
                    answer(before, &request, &mut Reply(stream));
                });
            }
        });
        Self { address, seen }
    }

    /// A server that answers every request with `body`.
    pub(crate) fn of(body: Vec<u8>) -> Self {
        Self::start(move |_, _, reply| reply.ok(&body))
    }

    pub(crate) fn host(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn at(&self, path: &str) -> Location {
        Location::parse(&self.url(path)).unwrap()
    }

    /// All requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }
}

fn read(stream: &TcpStream) -> Option<Seen> {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let first = lines.next()?;
    let target = first.split(' ').nth(1)?.to_owned();
    let headers = lines.take_while(|line| !line.is_empty());
    let headers = headers.filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        Some((key.to_owned(), value.trim().to_owned()))
    });
    Some(Seen { target, headers: headers.collect() })
}
