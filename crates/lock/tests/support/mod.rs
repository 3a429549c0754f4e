//! An archive in memory, a remote that counts what it is asked, and a workspace over both.

#![allow(dead_code, reason = "each test file uses a part")]

use groundup_debian::package::changelog::Newer;
use groundup_digest::{BlobId, Content, Sha256};
use groundup_fetch::{GitPin, ImagePin};
use groundup_lock::{BoxError, LockError, Locked, Locker, Moves, Remote, Scope};
use groundup_recipe::{
    ColorChoice, Loaded, Lock, MemoryLoader, Sources, Workspace, load, lock::LOCK_FILE, render_all,
};
use groundup_testkit::{Deb, SigningKey, TempStore};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::Mutex,
};

/// 2040-01-01: after the time at which test keys are made, and before any of them expires.
pub(crate) const NOW: i64 = 2_208_988_800;

/// The key file of third-party archives.
pub(crate) const KEYS: &str = "keys/test.gpg";

/// The archives, URLs, repositories and registries of a world without a network.
#[derive(Default)]
pub(crate) struct World {
    files: Mutex<BTreeMap<String, Vec<u8>>>,
    asked: Mutex<Vec<String>>,
}

/// One suite of an archive, before it is signed.
#[derive(Clone)]
pub(crate) struct Suite {
    pub(crate) name: &'static str,
    pub(crate) date: &'static str,
    pub(crate) more: &'static str,
    pub(crate) arches: Vec<&'static str>,
    pub(crate) debs: Vec<Deb>,
    /// Source packages: name, version.
    pub(crate) sources: Vec<(&'static str, &'static str)>,
}

impl Suite {
    pub(crate) fn new(debs: &[Deb]) -> Self {
        Self {
            name: "stable",
            date: "Sat, 01 Jan 2022 12:00:00 UTC",
            more: "",
            arches: vec!["amd64", "arm64"],
            debs: debs.to_vec(),
            sources: Vec::new(),
        }
    }

    pub(crate) fn dated(self, date: &'static str) -> Self {
        Self { date, ..self }
    }

    fn packages(&self, arch: &str) -> String {
        let here = self.debs.iter().filter(|deb| [arch, "all"].contains(&deb.get("Architecture")));
        here.map(|deb| deb.stanza(&format!("pool/{}", deb.file_name())) + "\n").collect()
    }

    fn source_files(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for (name, version) in &self.sources {
            for end in ["dsc", "tar.xz"] {
                let content = format!("{end} of {name} {version}").into_bytes();
                files.insert(format!("pool/{name}_{version}.{end}"), content);
            }
        }
        files
    }

    fn source_index(&self) -> String {
        let stanza = |(name, version): &(&str, &str)| {
            let mut text = format!(
                "Package: {name}\nVersion: {version}\nBinary: {name}\nDirectory: pool\nChecksums-Sha256:\n"
            );
            for (path, content) in self.source_files() {
                if path.starts_with(&format!("pool/{name}_{version}.")) {
                    let (digest, size) = (Sha256::of(&content), content.len());
                    text += &format!(" {digest} {size} {}\n", &path["pool/".len()..]);
                }
            }
            text + "\n"
        };
        self.sources.iter().map(stanza).collect()
    }
}

impl World {
    /// Puts a suite, signed, in place of the one that was there.
    pub(crate) fn publish(&self, archive: &str, suite: &Suite, key: &SigningKey) {
        let mut indexes = BTreeMap::new();
        for arch in &suite.arches {
            indexes.insert(format!("main/binary-{arch}/Packages"), suite.packages(arch));
        }
        indexes.insert("main/source/Sources".to_owned(), suite.source_index());
        let arches: BTreeSet<&str> = suite.arches.iter().copied().chain(["all"]).collect();
        let arches: Vec<&str> = arches.into_iter().collect();
        let mut release = format!(
            "Suite: {0}\nCodename: {0}\nDate: {1}\nAcquire-By-Hash: yes\nArchitectures: {2}\n\
             Components: main\nNo-Support-for-Architecture-all: Packages\n{3}SHA256:\n",
            suite.name,
            suite.date,
            arches.join(" "),
            suite.more
        );
        let dist = format!("{archive}/dists/{}", suite.name);
        let mut files = self.files.lock().unwrap();
        files
            .retain(|path, _| !path.starts_with(&format!("{dist}/")) || path.contains("/by-hash/"));
        for (path, text) in indexes {
            let digest = Sha256::of(text.as_bytes());
            release += &format!(" {digest} {} {path}\n", text.len());
            let (directory, _) = path.rsplit_once('/').unwrap();
            files
                .insert(format!("{dist}/{directory}/by-hash/SHA256/{digest}"), text.clone().into());
            files.insert(format!("{dist}/{path}"), text.into());
        }
        files.insert(format!("{dist}/InRelease"), key.clear_sign(&release).into());
        for deb in &suite.debs {
            files.insert(format!("{archive}/pool/{}", deb.file_name()), deb.build());
        }
        files.extend(suite.source_files().into_iter().map(|(p, c)| (format!("{archive}/{p}"), c)));
    }

    pub(crate) fn put(&self, path: &str, content: &[u8]) {
        self.files.lock().unwrap().insert(path.to_owned(), content.to_vec());
    }

    /// Changes every file whose path fits.
    pub(crate) fn change(&self, part: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) {
        let mut files = self.files.lock().unwrap();
        let paths: Vec<String> = files.keys().filter(|path| path.contains(part)).cloned().collect();
        assert!(!paths.is_empty(), "there is no {part}");
        for path in paths {
            let old = files.remove(&path).unwrap();
            files.insert(path, change(old));
        }
    }

    pub(crate) fn file(&self, path: &str) -> Vec<u8> {
        self.files.lock().unwrap()[path].clone()
    }

    pub(crate) fn remove(&self, part: &str) {
        self.files.lock().unwrap().retain(|path, _| !path.contains(part));
    }

    /// What it was asked since the last call.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }

    fn get(&self, path: &str) -> Result<Vec<u8>, BoxError> {
        self.asked.lock().unwrap().push(path.to_owned());
        let found = self.files.lock().unwrap().get(path).cloned();
        found.ok_or_else(|| format!("404: {path}").into())
    }
}

/// A world as one workspace's store sees it.
struct Seen<'a> {
    world: &'a World,
    store: &'a TempStore,
}

impl Remote for Seen<'_> {
    fn archive_file(
        &self,
        archive: &str,
        path: &str,
        _: &str,
        _: u64,
    ) -> Result<Vec<u8>, BoxError> {
        self.world.get(&format!("{archive}/{path}"))
    }

    fn archive_pinned(
        &self,
        archive: &str,
        path: &str,
        _: &str,
        sha256: Sha256,
        size: u64,
    ) -> Result<BlobId, BoxError> {
        let bytes = self.world.get(&format!("{archive}/{path}"))?;
        if Sha256::of(&bytes) != sha256 || bytes.len() as u64 != size {
            return Err(format!("wrong content: {path}").into());
        }
        Ok(self.store.put_blob(&bytes)?.blob)
    }

    fn url_new(&self, url: &str, _: u64) -> Result<Content, BoxError> {
        Ok(self.store.put_blob(&self.world.get(url)?)?)
    }

    fn git_resolve(&self, url: &str, rev: &str) -> Result<GitPin, BoxError> {
        let commit = String::from_utf8(self.world.get(&format!("{url}#{rev}"))?)?;
        Ok(GitPin { tree: commit.clone(), commit })
    }

    fn image_resolve(&self, reference: &str) -> Result<ImagePin, BoxError> {
        let manifest = self.world.get(reference)?;
        let media_type = "application/vnd.oci.image.manifest.v1+json".to_owned();
        Ok(ImagePin { digest: Sha256::of(&manifest), size: manifest.len() as u64, media_type })
    }
}

/// A workspace with its store, and the world around it.
pub(crate) struct Place {
    pub(crate) world: World,
    pub(crate) store: TempStore,
    pub(crate) key: SigningKey,
    pub(crate) now: i64,
    /// What the archives say about their keys.
    pub(crate) signed_by: String,
    recipe: String,
    archives: Vec<(String, &'static str)>,
}

impl Place {
    /// One archive `test` with this state, and the recipe.
    pub(crate) fn new(suite: &Suite, recipe: &str) -> Self {
        let place = Self {
            world: World::default(),
            store: TempStore::new(),
            key: SigningKey::new(7),
            now: NOW,
            signed_by: format!("signed_by = '{KEYS}'\n"),
            recipe: recipe.to_owned(),
            archives: vec![("test".to_owned(), suite.name)],
        };
        place.put("keys/test.gpg", &place.key.keyring());
        place.world.publish("test", suite, &place.key);
        place
    }

    pub(crate) fn with_archive(mut self, name: &str, suite: &Suite) -> Self {
        self.archives.push((name.to_owned(), suite.name));
        self.world.publish(name, suite, &self.key);
        self
    }

    pub(crate) fn recipe(&mut self, recipe: &str) {
        self.recipe = recipe.to_owned();
    }

    pub(crate) fn publish(&self, suite: &Suite) {
        self.world.publish("test", suite, &self.key);
    }

    /// Writes a file of the repository.
    pub(crate) fn put(&self, path: &str, content: &[u8]) {
        let path = self.store.path("repository").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    pub(crate) fn workspace(&self) -> Workspace {
        let mut root = "[workspace]\nname = 'demo'\n".to_owned();
        for (name, suite) in &self.archives {
            let signed_by = &self.signed_by;
            root += &format!(
                "[archive.{name}]\nsuite = '{suite}'\nurl = 'https://mirror.invalid/{name}'\n{signed_by}"
            );
        }
        let files = [
            ("groundup.toml", root.as_str()),
            ("recipes/a.toml", &self.recipe),
            (KEYS, ""),
            ("debs/own.deb", ""),
        ];
        match load(&MemoryLoader::new(files)) {
            Ok(Loaded { workspace, .. }) => workspace,
            Err(failure) => panic!("{failure}"),
        }
    }

    pub(crate) fn try_lock(&self, old: &Lock, scope: &Scope) -> Result<Lock, LockError> {
        self.try_locked(old, scope).map(|locked| locked.lock)
    }

    pub(crate) fn locked(&self, old: &Lock, scope: &Scope) -> Locked {
        self.try_locked(old, scope).unwrap_or_else(|error| panic!("{}", chain(&error)))
    }

    /// What the changelogs of some moves say.
    pub(crate) fn changelogs(
        &self,
        lock: &Lock,
        moves: &[Moves],
    ) -> Vec<Result<Option<Newer>, LockError>> {
        self.with_locker(&self.workspace(), |locker| locker.changelogs(lock, moves))
    }

    fn with_locker<T>(&self, workspace: &Workspace, act: impl FnOnce(&Locker<'_>) -> T) -> T {
        let remote = Seen { world: &self.world, store: &self.store };
        let locker = Locker {
            workspace,
            store: &self.store,
            remote: &remote,
            root: &self.store.path("repository"),
            now: self.now,
            progress: &|_| (),
        };
        act(&locker)
    }

    fn try_locked(&self, old: &Lock, scope: &Scope) -> Result<Locked, LockError> {
        let workspace = self.workspace();
        let locked = self.with_locker(&workspace, |locker| locker.lock(old, scope))?;
        let lock = &locked.lock;
        let stale = lock.check(&workspace);
        assert_eq!(stale, [], "a new lock fits its workspace");
        // What is written is what is read back.
        let mut sources = Sources::new();
        let read = Lock::parse(&mut sources, LOCK_FILE, &lock.to_text()).unwrap_or_else(|errors| {
            panic!("{}", render_all(&errors, &sources, ColorChoice::Plain))
        });
        assert_eq!(read, *lock);
        Ok(locked)
    }

    pub(crate) fn lock(&self, old: &Lock, scope: &Scope) -> Lock {
        self.try_lock(old, scope).unwrap_or_else(|error| panic!("{}", chain(&error)))
    }

    /// The first lock, and the remote's list of what it was asked cleared.
    pub(crate) fn first(&self) -> Lock {
        let lock = self.lock(&Lock::default(), &Scope::Lock);
        self.world.asked();
        lock
    }

    /// The failure of a lock from nothing, with its causes.
    pub(crate) fn failure(&self, old: &Lock, scope: &Scope) -> String {
        match self.try_lock(old, scope) {
            Ok(lock) => panic!("it should fail, but locked\n{}", lock.to_text()),
            Err(error) => chain(&error),
        }
    }
}

/// An error with its causes, one a line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text += &format!("\n{cause}");
        source = cause.source();
    }
    text
}

pub(crate) fn moved(old: &Lock, new: &Lock) -> Vec<String> {
    Lock::changes(old, new).iter().map(ToString::to_string).collect()
}

pub(crate) fn deb(name: &str, version: &str) -> Deb {
    Deb::new(name, version, "amd64")
}

/// The lock's packages, in words.
pub(crate) fn packages(lock: &Lock) -> Vec<String> {
    lock.packages.keys().map(ToString::to_string).collect()
}
