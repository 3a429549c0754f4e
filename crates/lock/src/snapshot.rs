//! One state of one archive in memory: its pin, and its indexes parsed once for all who ask.

use crate::{
    LockError, Locker,
    need::{ArchiveNeed, IndexOfAll},
    verify::index_path,
};
use groundup_debian::archive::{Compression, Index, Release, ReleaseFile, Sources, unpack};
use groundup_digest::BlobId;
use groundup_recipe::lock::{ArchivePin, FilePin, IndexKey};
use rayon::prelude::*;
use std::collections::BTreeMap;

/// No index unpacks to more than this many bytes.
const LARGEST_INDEX: u64 = 2 << 30;

/// One state of one archive.
pub(crate) struct Snapshot {
    pub(crate) pin: ArchivePin,
    pub(crate) indexes: Indexes,
}

/// The indexes of one state.
pub(crate) struct Indexes {
    pub(crate) files: BTreeMap<IndexKey, IndexFile>,
    pub(crate) packages: BTreeMap<IndexKey, Index>,
    pub(crate) sources: BTreeMap<IndexKey, Sources>,
}

/// One index file that was read.
#[derive(Debug, Clone)]
pub(crate) struct IndexFile {
    /// Where it was fetched from, with its digest.
    pub(crate) pin: FilePin,
    /// Its path in the release file.
    pub(crate) listed: String,
    /// Its bytes.
    pub(crate) blob: BlobId,
}

enum Parsed {
    Packages(Index),
    Sources(Sources),
}

impl Indexes {
    /// The pins of the files.
    pub(crate) fn pins(&self) -> BTreeMap<IndexKey, FilePin> {
        self.files.iter().map(|(key, file)| (key.clone(), file.pin.clone())).collect()
    }

    /// The binary indexes of a component for an architecture, that of the architecture first.
    pub(crate) fn binaries(&self, component: &str, arch: &str) -> Vec<(&IndexKey, &Index)> {
        let key = |arch: &str| IndexKey { component: component.to_owned(), arch: arch.to_owned() };
        let keys = [key(arch), key("all")];
        keys.iter().filter_map(|key| self.packages.get_key_value(key)).collect()
    }
}

impl Locker<'_> {
    /// Fetches and reads what `need` asks of the state that `release` describes; indexes that
    /// `known` has are fetched from where it says.
    pub(crate) fn indexes(
        &self,
        need: &ArchiveNeed<'_>,
        release: &Release,
        known: &BTreeMap<IndexKey, FilePin>,
    ) -> Result<Indexes, LockError> {
        let all = match release.repeats_all() {
            true => IndexOfAll::Repeated,
            false => IndexOfAll::Apart,
        };
        let mut files = BTreeMap::new();
        for key in need.keys(all) {
            if let Some(file) = self.index_file(need, release, &key, known.get(&key))? {
                files.insert(key, file);
            }
        }
        let archive = need.archive.name.as_str();
        let parsed: Result<Vec<(IndexKey, Parsed)>, LockError> = files
            .par_iter()
            .map(|(key, file)| Ok((key.clone(), self.parsed(archive, release, key, file)?)))
            .collect();
        let (mut packages, mut sources) = (BTreeMap::new(), BTreeMap::new());
        for (key, parsed) in parsed? {
            match parsed {
                Parsed::Packages(index) => drop(packages.insert(key, index)),
                Parsed::Sources(index) => drop(sources.insert(key, index)),
            }
        }
        Ok(Indexes { files, packages, sources })
    }

    fn index_file(
        &self,
        need: &ArchiveNeed<'_>,
        release: &Release,
        key: &IndexKey,
        known: Option<&FilePin>,
    ) -> Result<Option<IndexFile>, LockError> {
        let archive = need.archive.name.as_str();
        let path = index_path(key);
        let forms = Compression::ALL.map(|form| format!("{path}{}", form.suffix()));
        if let Some(pin) = known {
            let is_it = |form: &String| {
                release.file(form).is_some_and(|f| f.sha256 == pin.sha256 && f.size == pin.size)
            };
            if let Some(listed) = forms.into_iter().find(is_it) {
                let blob = self.pinned(archive, pin, &format!("the index `{key}`"))?;
                return Ok(Some(IndexFile { pin: pin.clone(), listed, blob }));
            }
        }
        let Some((listed, file)) = release.best_form(&path) else {
            // A component may have nothing for all architectures.
            return match key.arch == "all" {
                true => Ok(None),
                false => Err(LockError::NoIndex {
                    archive: archive.to_owned(),
                    suite: need.archive.suite.value.clone(),
                    key: key.clone(),
                    components: release.components().to_vec(),
                    arches: release.architectures().to_vec(),
                }),
            };
        };
        self.listed_file(need, release, key, listed, file).map(Some)
    }

    /// Fetches an index by its digest's path where the archive offers that: the other path rots.
    fn listed_file(
        &self,
        need: &ArchiveNeed<'_>,
        release: &Release,
        key: &IndexKey,
        listed: String,
        ReleaseFile { sha256, size }: ReleaseFile,
    ) -> Result<IndexFile, LockError> {
        let archive = need.archive.name.as_str();
        let below = |path: &str| FilePin {
            path: format!("dists/{}/{path}", need.archive.suite.value),
            size,
            sha256,
        };
        let what = format!("the index `{key}`");
        let plain = below(&listed);
        if let Some(path) = release.by_hash(&listed) {
            let pin = below(&path);
            if let Ok(blob) = self.pinned(archive, &pin, &what) {
                return Ok(IndexFile { pin, listed, blob });
            }
        }
        let blob = self.pinned(archive, &plain, &what)?;
        Ok(IndexFile { pin: plain, listed, blob })
    }

    /// The text of an index.
    pub(crate) fn index_text(
        &self,
        archive: &str,
        key: &IndexKey,
        file: &IndexFile,
    ) -> Result<Vec<u8>, LockError> {
        let bytes = self.store.read_blob(file.blob);
        let bytes = bytes.map_err(LockError::store(format!("the index `{key}`")))?;
        unpack(&file.listed, &bytes, LARGEST_INDEX).map_err(|source| LockError::Unpack {
            archive: archive.to_owned(),
            key: key.clone(),
            source,
        })
    }

    fn parsed(
        &self,
        archive: &str,
        release: &Release,
        key: &IndexKey,
        file: &IndexFile,
    ) -> Result<Parsed, LockError> {
        let text = self.index_text(archive, key, file)?;
        let parsed = match key.arch == "source" {
            true => Sources::parse(&text).map(Parsed::Sources).map_err(Into::into),
            false => Index::parse(&text)
                .map(|index| Parsed::Packages(index.with_preference(release.preference())))
                .map_err(Into::into),
        };
        parsed.map_err(|source| {
            let (archive, key) = (archive.to_owned(), key.clone());
            LockError::Index { archive, key, source }
        })
    }
}
