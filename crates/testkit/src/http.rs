//! A web server on the loopback that serves a folder and misbehaves as told.
//!
//! One thread per connection, one request per connection (`Connection: close`). It stops when it is
//! dropped. What it does wrong is chosen by path, so a test says what happens where.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// What the server does with a request for one path.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Behaviour {
    /// Answers with this status and an empty body.
    Status(u16),
    /// Announces the whole file and closes the connection after that many bytes.
    Truncate(usize),
    /// Sends that many bytes of the file and then nothing, until the client or the server ends.
    Stall(usize),
    /// Answers with these bytes in place of the file's.
    Replace(Vec<u8>),
    /// Sends the client elsewhere.
    Redirect(String),
    /// Answers a request for a part with the whole.
    IgnoreRange,
    /// Asks for this value of `Authorization`, and serves the file to who gives it.
    Authorize(String),
}

/// A request that came in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// `GET`, `HEAD` ...
    pub method: String,
    /// The path, with its query.
    pub path: String,
    /// The headers, names in lower case.
    pub headers: HashMap<String, String>,
}

#[derive(Debug, Default)]
struct State {
    behaviours: HashMap<String, (Behaviour, usize)>,
    requests: Vec<Request>,
    /// Those that are open, by number, to be cut off at the end.
    connections: HashMap<usize, TcpStream>,
    stopped: bool,
}

/// The server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// Serves the files of `folder` on a free port.
    pub fn serve(folder: &Path) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let (folder, shared) = (folder.to_owned(), state.clone());
        thread::spawn(move || {
            for (number, connection) in listener.incoming().enumerate() {
                let Ok(connection) = connection else { continue };
                let mut state = lock(&shared);
                if state.stopped {
                    return;
                }
                let Ok(second) = connection.try_clone() else { continue };
                state.connections.insert(number, second);
                drop(state);
                let (folder, shared) = (folder.clone(), shared.clone());
                thread::spawn(move || {
                    // A client that goes away in the middle is none of the server's business.
                    let _ = answer(connection, &folder, &shared);
                    lock(&shared).connections.remove(&number);
                });
            }
        });
        Self { address, state }
    }

    /// The address of a path, which starts with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// From now on does `behaviour` for this path.
    pub fn set(&self, path: &str, behaviour: Behaviour) {
        self.set_times(path, behaviour, usize::MAX);
    }

    /// Does `behaviour` for this path that many times, and serves it well from then on.
    pub fn set_times(&self, path: &str, behaviour: Behaviour, times: usize) {
        lock(&self.state).behaviours.insert(path.to_owned(), (behaviour, times));
    }

    /// From now on serves this path well.
    pub fn clear(&self, path: &str) {
        lock(&self.state).behaviours.remove(path);
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.state).requests.clone()
    }

    /// How many requests there were for a path so far.
    pub fn count(&self, path: &str) -> usize {
        lock(&self.state).requests.iter().filter(|request| request.path == path).count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        state.stopped = true;
        for (_, connection) in state.connections.drain() {
            // Who is served or stalled is cut off; who is gone already does not mind.
            let _ = connection.shutdown(std::net::Shutdown::Both);
        }
        drop(state);
        // Wakes the thread that accepts, so that it sees the end.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(connection: TcpStream, folder: &Path, state: &Mutex<State>) -> std::io::Result<()> {
    let mut reader = BufReader::new(connection.try_clone()?);
    let Some(request) = read_request(&mut reader)? else { return Ok(()) };
    let behaviour = {
        let mut state = lock(state);
        state.requests.push(request.clone());
        match state.behaviours.get_mut(&request.path) {
            Some((behaviour, times)) if *times > 0 => {
                *times -= 1;
                Some(behaviour.clone())
            }
            _ => None,
        }
    };
    respond(connection, folder, &request, behaviour)
}

fn respond(
    mut connection: TcpStream,
    folder: &Path,
    request: &Request,
    behaviour: Option<Behaviour>,
) -> std::io::Result<()> {
    let authorization = request.headers.get("authorization");
    match &behaviour {
        Some(Behaviour::Status(status)) => return head(&mut connection, *status, 0, ""),
        Some(Behaviour::Redirect(to)) => {
            return head(&mut connection, 302, 0, &format!("Location: {to}\r\n"));
        }
        Some(Behaviour::Authorize(wanted)) if authorization != Some(wanted) => {
            let realm = "WWW-Authenticate: Basic realm=\"test\"\r\n";
            return head(&mut connection, 401, 0, realm);
        }
        _ => {}
    }
    let file = local(folder, &request.path).and_then(|path| fs::read(path).ok());
    let body = match (&behaviour, file) {
        (Some(Behaviour::Replace(bytes)), _) => bytes.clone(),
        (_, Some(bytes)) => bytes,
        (_, None) => return head(&mut connection, 404, 0, ""),
    };
    let range = request.headers.get("range").filter(|_| behaviour != Some(Behaviour::IgnoreRange));
    let (status, extra, body) = match range.map(|range| part(range, body.len())) {
        None => (200, String::new(), &body[..]),
        Some(Some((from, to))) => {
            let extra = format!("Content-Range: bytes {from}-{}/{}\r\n", to - 1, body.len());
            (206, extra, &body[from..to])
        }
        Some(None) => {
            let extra = format!("Content-Range: bytes */{}\r\n", body.len());
            return head(&mut connection, 416, 0, &extra);
        }
    };
    head(&mut connection, status, body.len(), &format!("Accept-Ranges: bytes\r\n{extra}"))?;
    if request.method == "HEAD" {
        return Ok(());
    }
    match behaviour {
        Some(Behaviour::Truncate(count)) => connection.write_all(&body[..count.min(body.len())]),
        Some(Behaviour::Stall(count)) => {
            connection.write_all(&body[..count.min(body.len())])?;
            // Until the client hangs up, or the server is dropped.
            std::io::copy(&mut connection, &mut std::io::sink()).map(drop)
        }
        _ => connection.write_all(body),
    }
}

fn read_request(reader: &mut impl BufRead) -> std::io::Result<Option<Request>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut words = line.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return Ok(None) };
    let mut headers = HashMap::new();
    for line in reader.take(64 * 1024).lines() {
        let line = line?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    Ok(Some(Request { method, path, headers }))
}

fn head(out: &mut impl Write, status: u16, length: usize, extra: &str) -> std::io::Result<()> {
    let head = format!(
        "HTTP/1.1 {status} Answer\r\nContent-Length: {length}\r\nConnection: close\r\n{extra}\r\n"
    );
    out.write_all(head.as_bytes())
}

/// The bytes that `bytes=a-b`, `bytes=a-` or `bytes=-n` asks for; none if there are no such.
fn part(range: &str, length: usize) -> Option<(usize, usize)> {
    let (from, to) = range.strip_prefix("bytes=")?.split_once('-')?;
    let (from, to) = match (from.parse::<usize>(), to.parse::<usize>()) {
        (Ok(from), Ok(to)) => (from, to.saturating_add(1).min(length)),
        (Ok(from), Err(_)) => (from, length),
        (Err(_), Ok(count)) => (length.saturating_sub(count), length),
        _ => return None,
    };
    (from < to).then_some((from, to))
}

/// The file of a path; none if the path leaves the folder.
fn local(folder: &Path, path: &str) -> Option<PathBuf> {
    let path = path.split('?').next()?;
    let decoded = decode(path)?;
    let inner = Path::new(decoded.strip_prefix('/')?);
    let inside = inner.components().all(|part| matches!(part, Component::Normal(_)));
    inside.then(|| folder.join(inner))
}

/// Takes `%41` for `A`.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = path.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        if *byte == b'%' {
            let (digits, after) = rest.split_at_checked(2)?;
            bytes.push(u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?);
            rest = after;
        } else {
            bytes.push(*byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(server: &Server, path: &str, header: &str) -> (String, Vec<u8>) {
        let mut connection = TcpStream::connect(server.address).unwrap();
        write!(connection, "GET {path} HTTP/1.1\r\nHost: x\r\n{header}\r\n").unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
        let body = answer.split_off(end + 4);
        (String::from_utf8(answer).unwrap(), body)
    }

    #[test]
    fn it_serves_files_and_parts_and_remembers_requests() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a b"), "0123456789").unwrap();
        let server = Server::serve(folder.path());
        assert_eq!(get(&server, "/a%20b", "").1, b"0123456789");
        let (head, body) = get(&server, "/a%20b", "Range: bytes=7-\r\n");
        assert!(head.starts_with("HTTP/1.1 206") && head.contains("bytes 7-9/10"), "{head}");
        assert_eq!(body, b"789");
        assert!(get(&server, "/a%20b", "Range: bytes=10-\r\n").0.contains(" 416 "));
        assert!(get(&server, "/none", "").0.contains(" 404 "));
        assert!(get(&server, "/../etc/passwd", "").0.contains(" 404 "));
        assert_eq!(server.count("/a%20b"), 3);
        assert_eq!(server.requests()[1].headers["range"], "bytes=7-");
    }

    #[test]
    fn it_misbehaves_where_it_is_told_to() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f"), "0123456789").unwrap();
        let server = Server::serve(folder.path());
        server.set_times("/f", Behaviour::Status(503), 1);
        assert!(get(&server, "/f", "").0.contains(" 503 "));
        assert!(get(&server, "/f", "").0.contains(" 200 "));
        server.set("/f", Behaviour::Truncate(4));
        let (head, body) = get(&server, "/f", "");
        assert!(head.contains("Content-Length: 10"));
        assert_eq!(body, b"0123");
        server.set("/f", Behaviour::Replace(b"other".to_vec()));
        assert_eq!(get(&server, "/f", "").1, b"other");
        server.set("/f", Behaviour::Redirect("/g".into()));
        assert!(get(&server, "/f", "").0.contains("Location: /g"));
        server.set("/f", Behaviour::Authorize("Basic eA==".into()));
        assert!(get(&server, "/f", "").0.contains(" 401 "));
        assert!(get(&server, "/f", "Authorization: Basic eA==\r\n").0.contains(" 200 "));
        server.clear("/f");
        assert_eq!(get(&server, "/f", "").1, b"0123456789");
    }

    #[test]
    fn who_is_stalled_is_let_go_when_the_server_ends() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("f"), "0123456789").unwrap();
        let server = Server::serve(folder.path());
        server.set("/f", Behaviour::Stall(3));
        let mut connection = TcpStream::connect(server.address).unwrap();
        write!(connection, "GET /f HTTP/1.1\r\n\r\n").unwrap();
        let mut said = Vec::new();
        while !said.ends_with(b"\r\n\r\n012") {
            let mut byte = [0];
            connection.read_exact(&mut byte).unwrap();
            said.push(byte[0]);
        }
        drop(server);
        assert_eq!(connection.read(&mut [0]).unwrap(), 0, "the connection has ended");
    }
}
