//! A registry in memory, as the OCI distribution specification (1.1) has it: pulls, pushes, and
//! tokens if it wants some.
//!
//! It is as strict as real ones: a blob must be what its digest says, and a manifest may only name
//! what was pushed before.

use groundup_digest::Sha256;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

/// The registry.
#[derive(Debug)]
pub struct OciRegistry {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// (repository, digest) -> bytes.
    blobs: BTreeMap<(String, String), Vec<u8>>,
    /// (repository, tag or digest) -> bytes and media type.
    manifests: BTreeMap<(String, String), (Vec<u8>, String)>,
    uploads: BTreeMap<String, Vec<u8>>,
    /// How many uploads there were.
    started: u32,
    seen: Vec<String>,
    /// The value of `Authorization` with which its token service is asked, if it wants tokens.
    user: Option<String>,
    stopped: bool,
}

struct Request {
    method: String,
    path: String,
    query: String,
    host: String,
    authorization: Option<String>,
    media_type: String,
    body: Vec<u8>,
}

struct Answer {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

impl Answer {
    fn of(status: u16) -> Self {
        Self { status, headers: String::new(), body: Vec::new() }
    }

    fn with(self, name: &str, value: &str) -> Self {
        Self { headers: format!("{}{name}: {value}\r\n", self.headers), ..self }
    }
}

impl OciRegistry {
    /// An empty registry that asks nobody who it is.
    pub fn start() -> Self {
        Self::serve(None)
    }

    /// An empty registry whose token service wants this value of `Authorization`.
    pub fn with_tokens(authorization: &str) -> Self {
        Self::serve(Some(authorization.to_owned()))
    }

    fn serve(user: Option<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State { user, ..State::default() }));
        let shared = state.clone();
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                if lock(&shared).stopped {
                    return;
                }
                let shared = shared.clone();
                // A client that goes away in the middle is none of the registry's business.
                thread::spawn(move || answer(connection, &shared));
            }
        });
        Self { address, state }
    }

    /// `HOST:PORT`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Puts the images of a layout into a repository, under a tag.
    pub fn put_layout(&self, repository: &str, layout: &Path, tag: &str) {
        let read = |digest: &str| {
            let name = digest.strip_prefix("sha256:").unwrap();
            std::fs::read(layout.join("blobs/sha256").join(name)).unwrap()
        };
        let mut state = lock(&self.state);
        let index = std::fs::read(layout.join("index.json")).unwrap();
        let listed: Value = serde_json::from_slice(&index).unwrap();
        for one in listed["manifests"].as_array().unwrap() {
            let digest = one["digest"].as_str().unwrap();
            let bytes = read(digest);
            let manifest: Value = serde_json::from_slice(&bytes).unwrap();
            for part in parts(&manifest) {
                state.blobs.insert((repository.to_owned(), part.clone()), read(&part));
            }
            let media_type = one["mediaType"].as_str().unwrap().to_owned();
            state.manifests.insert((repository.to_owned(), digest.to_owned()), (bytes, media_type));
        }
        let media_type = "application/vnd.oci.image.index.v1+json".to_owned();
        for name in [tag.to_owned(), Sha256::of(&index).oci()] {
            let manifest = (index.clone(), media_type.clone());
            state.manifests.insert((repository.to_owned(), name), manifest);
        }
    }

    /// The manifest under a tag or digest.
    pub fn manifest(&self, repository: &str, name: &str) -> Option<Value> {
        let state = lock(&self.state);
        let (bytes, _) = state.manifests.get(&(repository.to_owned(), name.to_owned()))?;
        serde_json::from_slice(bytes).ok()
    }

    /// The tags of a repository.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        let state = lock(&self.state);
        let names = state.manifests.keys().filter(|(of, _)| of == repository);
        names.map(|(_, name)| name.clone()).filter(|name| !name.contains(':')).collect()
    }

    /// Changes the bytes of a blob behind its digest.
    pub fn damage(&self, repository: &str, digest: &str) {
        let mut state = lock(&self.state);
        let blob = state.blobs.get_mut(&(repository.to_owned(), digest.to_owned())).unwrap();
        blob[0] ^= 1;
    }

    /// The requests so far, as `METHOD PATH`.
    pub fn seen(&self) -> Vec<String> {
        lock(&self.state).seen.clone()
    }
}

impl Drop for OciRegistry {
    fn drop(&mut self) {
        lock(&self.state).stopped = true;
        // Wakes the thread that accepts, so that it sees the end.
        let _ = TcpStream::connect(self.address);
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(mut connection: TcpStream, state: &Mutex<State>) -> Option<()> {
    let request = read(&connection)?;
    let mut state = lock(state);
    state.seen.push(format!("{} {}", request.method, request.path));
    let Answer { status, headers, body } = state.respond(&request);
    drop(state);
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {status} Answer\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n"
    );
    connection.write_all(head.as_bytes()).ok()?;
    match request.method.as_str() {
        "HEAD" => Some(()),
        _ => connection.write_all(&body).ok(),
    }
}

fn read(connection: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(connection);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let length = headers.get("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.replace("%3A", ":").replace("%2F", "/").replace("%2C", ","),
        host: headers.remove("host").unwrap_or_default(),
        authorization: headers.remove("authorization"),
        media_type: headers.remove("content-type").unwrap_or_default(),
        body,
    })
}

/// The digests that a manifest or index names.
fn parts(manifest: &Value) -> Vec<String> {
    let lists = ["layers", "manifests"].iter().filter_map(|name| manifest[name].as_array());
    let all = lists.flatten().chain(manifest.get("config"));
    all.filter_map(|one| one["digest"].as_str()).map(str::to_owned).collect()
}

impl State {
    fn respond(&mut self, request: &Request) -> Answer {
        if request.path == "/token" {
            return self.token(request);
        }
        if let Some(refused) = self.refused(request) {
            return refused;
        }
        let Some(rest) = request.path.strip_prefix("/v2/") else { return Answer::of(404) };
        if rest.is_empty() {
            return Answer::of(200);
        }
        if let Some((repository, upload)) = rest.split_once("/blobs/uploads/") {
            return self.upload(request, repository, upload);
        }
        if let Some((repository, digest)) = rest.split_once("/blobs/") {
            return match self.blobs.get(&(repository.to_owned(), digest.to_owned())) {
                Some(bytes) => Answer { body: bytes.clone(), ..Answer::of(200) },
                None => Answer::of(404),
            };
        }
        match rest.split_once("/manifests/") {
            Some((repository, name)) => self.manifest(request, repository, name),
            None => Answer::of(404),
        }
    }

    fn token(&self, request: &Request) -> Answer {
        if self.user.is_none() || request.authorization != self.user {
            return Answer::of(401);
        }
        let scope = request.query.split('&').find_map(|part| part.strip_prefix("scope="));
        let body = format!("{{\"token\":\"{}\"}}", scope.unwrap_or_default()).into_bytes();
        Answer { body, ..Answer::of(200) }
    }

    /// The refusal of a request whose token does not allow it.
    fn refused(&self, request: &Request) -> Option<Answer> {
        self.user.as_ref()?;
        let action = match request.method.as_str() {
            "GET" | "HEAD" => "pull",
            _ => "push",
        };
        let token = request.authorization.as_deref().and_then(|it| it.strip_prefix("Bearer "));
        let allowed = token.is_some_and(|token| {
            let mut words = token.split(':');
            let (kind, repository) = (words.next(), words.next().unwrap_or_default());
            let actions = words.next().unwrap_or_default();
            let of_it = format!("/v2/{repository}/");
            kind == Some("repository")
                && (request.path == "/v2/" || request.path.starts_with(&of_it))
                && actions.split(',').any(|one| one == action)
        });
        if allowed {
            return None;
        }
        let realm = format!("Bearer realm=\"http://{}/token\",service=\"test\"", request.host);
        Some(Answer::of(401).with("WWW-Authenticate", &realm))
    }

    fn upload(&mut self, request: &Request, repository: &str, upload: &str) -> Answer {
        match request.method.as_str() {
            "POST" => {
                self.started += 1;
                let name = format!("up-{}", self.started);
                self.uploads.insert(name.clone(), Vec::new());
                let place = format!("/v2/{repository}/blobs/uploads/{name}?state=kept");
                Answer::of(202).with("Location", &place)
            }
            "PUT" => {
                let Some(mut bytes) = self.uploads.remove(upload) else { return Answer::of(404) };
                bytes.extend_from_slice(&request.body);
                let digest = request.query.split('&').find_map(|it| it.strip_prefix("digest="));
                match digest {
                    Some(digest)
                        if request.query.contains("state=kept")
                            && Sha256::of(&bytes).oci() == digest =>
                    {
                        self.blobs.insert((repository.to_owned(), digest.to_owned()), bytes);
                        Answer::of(201)
                    }
                    _ => Answer::of(400),
                }
            }
            _ => Answer::of(405),
        }
    }

    fn manifest(&mut self, request: &Request, repository: &str, name: &str) -> Answer {
        let key = (repository.to_owned(), name.to_owned());
        if request.method != "PUT" {
            return match self.manifests.get(&key) {
                Some((bytes, media_type)) => Answer { body: bytes.clone(), ..Answer::of(200) }
                    .with("Content-Type", media_type),
                None => Answer::of(404),
            };
        }
        let Ok(manifest) = serde_json::from_slice::<Value>(&request.body) else {
            return Answer::of(400);
        };
        let there = |digest: &String| {
            let key = (repository.to_owned(), digest.clone());
            self.blobs.contains_key(&key) || self.manifests.contains_key(&key)
        };
        if manifest["mediaType"] != request.media_type || !parts(&manifest).iter().all(there) {
            return Answer::of(400);
        }
        let digest = Sha256::of(&request.body).oci();
        let kept = (request.body.clone(), request.media_type.clone());
        self.manifests.insert((repository.to_owned(), digest), kept.clone());
        self.manifests.insert(key, kept);
        Answer::of(201)
    }
}
