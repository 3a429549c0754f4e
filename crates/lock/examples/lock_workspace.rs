//! Locks a workspace against the mirrors of this host, as a check of the whole chain by hand.
//!
//!     lock_workspace WORKSPACE STORE [update [PACKAGE…]]
//!
//! Reads `groundup.lock` of the workspace if there is one, writes the new one, and prints what moved,
//! what was fetched and how long it took. Then verifies each pinned archive as a build would.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a command")]

use groundup_digest::{BlobId, Content, Sha256};
use groundup_fetch::{
    AptSource, ArchiveKind, ArchiveRef, Fetcher, GitPin, ImagePin, Location, Pin, Registry,
    Settings, apt_sources, mirrors_for,
};
use groundup_lock::{
    BoxError, Locker, Remote, Scope,
    verify::{self, Claim, Keys},
};
use groundup_recipe::{
    ColorChoice, Keyring, Loaded, Lock, MemoryLoader, Sources, Workspace, load,
    lock::{KeyringPin, LOCK_FILE, PackageOrigin},
    render_all,
};
use groundup_store::{OpenOptions, Store};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::{Instant, UNIX_EPOCH},
};

static CANCEL: AtomicBool = AtomicBool::new(false);

struct Mirrors<'a> {
    workspace: &'a Workspace,
    store: &'a Store,
    fetcher: Fetcher,
    host: Vec<AptSource>,
    bytes: AtomicU64,
}

impl Mirrors<'_> {
    fn locations(&self, name: &str, path: &str) -> Result<Vec<Location>, BoxError> {
        let archive = self.workspace.archives.get(name).ok_or("no such archive")?;
        let kind = match archive.keyring {
            Keyring::Debian => ArchiveKind::of_debian_suite(&archive.suite),
            Keyring::File(_) => ArchiveKind::ThirdParty,
        };
        let default_url = archive.url.as_ref().map(|url| url.as_str());
        let archive = ArchiveRef { name, suite: &archive.suite, kind, default_url };
        let mirrors = mirrors_for(&archive, self.fetcher.settings(), &self.host)?;
        Ok(mirrors.iter().map(|mirror| mirror.join(path)).collect::<Result<_, _>>()?)
    }
}

impl Remote for Mirrors<'_> {
    fn archive_file(
        &self,
        archive: &str,
        path: &str,
        what: &str,
        limit: u64,
    ) -> Result<Vec<u8>, BoxError> {
        let locations = self.locations(archive, path)?;
        let document = self.fetcher.fetch_unpinned(what, &locations, limit, &CANCEL)?;
        self.bytes.fetch_add(document.bytes.len() as u64, Ordering::Relaxed);
        Ok(document.bytes)
    }

    fn archive_pinned(
        &self,
        archive: &str,
        path: &str,
        what: &str,
        sha256: Sha256,
        size: u64,
    ) -> Result<BlobId, BoxError> {
        let locations = self.locations(archive, path)?;
        let pin = Pin { sha256, size, what: what.to_owned() };
        let blob = self.fetcher.fetch_pinned(self.store, &pin, &locations, &|_| (), &CANCEL)?;
        self.bytes.fetch_add(size, Ordering::Relaxed);
        Ok(blob)
    }

    fn url_new(&self, url: &str, limit: u64) -> Result<Content, BoxError> {
        let locations = [Location::parse(url)?];
        let fetched = self.fetcher.fetch_new(self.store, url, &locations, limit, &|_| (), &CANCEL);
        Ok(fetched?.0)
    }

    fn git_resolve(&self, url: &str, rev: &str) -> Result<GitPin, BoxError> {
        Ok(self.fetcher.resolve_git(self.store, url, rev, &CANCEL)?)
    }

    fn image_resolve(&self, reference: &str) -> Result<ImagePin, BoxError> {
        Ok(Registry::new(&self.fetcher).resolve(&reference.parse()?, &CANCEL)?)
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lock_workspace: {error}");
            let mut source = error.source();
            while let Some(cause) = source {
                eprintln!("  because: {cause}");
                source = cause.source();
            }
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), BoxError> {
    let mut words = env::args().skip(1);
    let root = PathBuf::from(words.next().ok_or("which workspace?")?);
    let store = words.next().ok_or("which store?")?;
    let scope = match (words.next().as_deref(), words.collect::<Vec<_>>()) {
        (None, _) => Scope::Lock,
        (Some("update"), names) if names.is_empty() => Scope::Update,
        (Some("update"), names) => Scope::Packages(names),
        (Some(other), _) => return Err(format!("what is {other}?").into()),
    };
    let root_file = fs::read_to_string(root.join("groundup.toml"))?;
    let mut files = vec![("groundup.toml".to_owned(), root_file)];
    for (path, text) in texts_in(&root.join("recipes")) {
        let name = path.strip_prefix(&root)?.to_str().ok_or("a name that is not UTF-8")?;
        files.push((name.to_owned(), text));
    }
    let Loaded { workspace, .. } = load(&MemoryLoader::new(files)).map_err(|e| e.to_string())?;
    let store = Store::open(Path::new(&store), &OpenOptions::default())?;
    let lock_file = root.join(LOCK_FILE);
    let mut sources = Sources::new();
    let old = match fs::read_to_string(&lock_file) {
        Ok(text) => Lock::parse(&mut sources, LOCK_FILE, &text)
            .map_err(|errors| render_all(&errors, &sources, ColorChoice::Plain))?,
        Err(_) => Lock::default(),
    };
    let mirrors = Mirrors {
        workspace: &workspace,
        store: &store,
        fetcher: Fetcher::new(Settings::default()),
        host: apt_sources(&host_apt_sources()),
        bytes: AtomicU64::new(0),
    };
    #[allow(clippy::disallowed_methods, reason = "locking judges signatures now")]
    let now = std::time::SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
    let started = Instant::now();
    let say = |words: &str| eprintln!("{:6.2}s {words}", started.elapsed().as_secs_f64());
    let locker = Locker {
        workspace: &workspace,
        store: &store,
        remote: &mirrors,
        root: &root,
        now: i64::try_from(now)?,
        progress: &say,
    };
    let lock = locker.lock(&old, &scope)?.lock;
    let elapsed = started.elapsed();
    for moved in Lock::changes(&old, &lock) {
        println!("{moved}");
    }
    let text = lock.to_text();
    fs::write(&lock_file, &text)?;
    let read = Lock::parse(&mut sources, LOCK_FILE, &text).map_err(|_| "it cannot be read back")?;
    let stale = read.check(&workspace).len();
    println!(
        "{:.1} s, {} bytes fetched, lock of {} bytes, {stale} stale lines",
        elapsed.as_secs_f64(),
        mirrors.bytes.load(Ordering::Relaxed),
        text.len()
    );
    check(&store, &root, &lock)
}

/// The chain as a build follows it.
fn check(store: &Store, root: &Path, lock: &Lock) -> Result<(), BoxError> {
    let blob = |sha256, size| -> Result<BlobId, BoxError> {
        Ok(store.blob_by_sha256(sha256, size)?.ok_or("not in the store")?)
    };
    for (name, pin) in &lock.archives {
        let started = Instant::now();
        let keyring = match &pin.keyring {
            KeyringPin::Package { package, member } => {
                let package = blob(package.sha256, package.size)?;
                verify::keyring(store, package, member, Keys::Known)?
            }
            KeyringPin::File { file, .. } => store.put_blob(&fs::read(root.join(file))?)?.blob,
        };
        let inrelease = blob(pin.inrelease.sha256, pin.inrelease.size)?;
        let indexes =
            pin.indexes.iter().map(|(key, file)| Ok((key.clone(), blob(file.sha256, file.size)?)));
        let indexes = indexes.collect::<Result<Vec<_>, BoxError>>()?;
        let table = verify::index(store, keyring, inrelease, &indexes, &pin.suite)?;
        let of_it =
            |origin: &PackageOrigin| matches!(origin, PackageOrigin::Archive(a) if a == name);
        let packages = lock.packages.iter().filter(|(id, _)| of_it(&id.origin));
        let claims: Vec<Claim> = packages
            .map(|(id, file)| Claim {
                package: id.name.clone(),
                version: id.version.clone(),
                arch: id.arch.clone(),
                path: file.path.clone(),
                size: file.size,
                sha256: file.sha256,
            })
            .collect();
        let rows = store.content_of(table)?.size;
        verify::select(store, table, &claims)?;
        println!(
            "archive {name}: {} claims hold, table of {rows} bytes, {:.1} s",
            claims.len(),
            started.elapsed().as_secs_f64()
        );
    }
    Ok(())
}

fn host_apt_sources() -> Vec<(PathBuf, String)> {
    let list = PathBuf::from("/etc/apt/sources.list");
    let mut texts = texts_in(Path::new("/etc/apt/sources.list.d"));
    texts.extend(fs::read_to_string(&list).ok().map(|text| (list, text)));
    texts
}

/// The files of a folder that are text, sorted by path.
fn texts_in(folder: &Path) -> Vec<(PathBuf, String)> {
    #[allow(clippy::disallowed_methods, reason = "sorted right below")]
    let entries = fs::read_dir(folder);
    let paths = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    let mut texts: Vec<_> =
        paths.filter_map(|path| Some((path.clone(), fs::read_to_string(path).ok()?))).collect();
    texts.sort();
    texts
}
