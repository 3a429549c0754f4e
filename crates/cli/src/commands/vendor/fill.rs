//! Getting what is not there yet, several inputs at a time.

use super::{
    Job, Target, Trouble,
    meter::{Live, Meter},
    prune::Pruned,
};
use crate::{error::CliError, inputs::image_platform};
use groundup_digest::{BlobId, Sha256};
use groundup_fetch::{
    GitPin, ImagePin, Pin,
    vendor::{Added, Layer},
};
use groundup_plan::Location;
use groundup_recipe::lock::{Input, InputKind, InputPlace};
use std::{
    error::Error,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// How many inputs are got at once; hosts have limits of their own in the settings.
const WORKERS: usize = 8;

/// What was done.
#[derive(Default)]
pub(super) struct Filled {
    /// All bytes that are there.
    pub(super) bytes: u64,
    /// Inputs that were not there.
    pub(super) new: usize,
    /// Bytes of those.
    pub(super) new_bytes: u64,
    /// Inputs that could not be had, in the order of the lock.
    pub(super) troubles: Vec<Trouble>,
    /// What was removed, if that was asked for.
    pub(super) pruned: Option<Pruned>,
}

/// What one input came to.
struct Got {
    added: Added,
    bytes: u64,
    /// Its files, as the manifest of a registry names them.
    layers: Vec<Layer>,
}

impl Got {
    fn there(bytes: u64) -> Self {
        Self { added: Added::There, bytes, layers: Vec::new() }
    }
}

type BoxError = Box<dyn Error + Send + Sync>;

/// Gets all inputs; those that cannot be had do not keep the others away.
pub(super) fn fill(job: &Job<'_>, live: Live) -> Result<Filled, CliError> {
    let cancel = job.cancel;
    // A registry that has named the files of this lock has all of them.
    let known = match &job.target {
        Target::Directory(_) => None,
        Target::Registry(registry) => registry.kept(job.lock)?,
    };
    let meter = Meter::new("kept", job.inputs.len(), live);
    let next = AtomicUsize::new(0);
    let filled = Mutex::new((Filled::default(), Vec::new(), Vec::new()));
    let work = || {
        while let Some((place, input)) = take(&next, job.inputs) {
            if cancel.load(Ordering::Relaxed) {
                return;
            }
            let got = job.get(input, known.is_some());
            let mut filled = filled.lock().unwrap_or_else(PoisonError::into_inner);
            let (filled, layers, troubles) = &mut *filled;
            match got {
                Ok(Got { added, bytes, layers: of_it }) => {
                    filled.bytes += bytes;
                    layers.extend(of_it);
                    if added == Added::New {
                        filled.new += 1;
                        filled.new_bytes += bytes;
                    }
                    meter.done(bytes);
                }
                Err(error) => troubles.push((place, Trouble::new(input, &*error))),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(work);
        }
    });
    meter.finish();
    if cancel.load(Ordering::Relaxed) {
        return Err(CliError::environment("interrupted")
            .hint("what was kept stays; run the command again to go on"));
    }
    let (mut filled, layers, mut troubles) =
        filled.into_inner().unwrap_or_else(PoisonError::into_inner);
    troubles.sort_by_key(|(place, _)| *place);
    filled.troubles = troubles.into_iter().map(|(_, trouble)| trouble).collect();
    if let (Target::Registry(registry), None, true) =
        (&job.target, &known, filled.troubles.is_empty())
    {
        registry.finish(job.lock, &layers)?;
    }
    Ok(filled)
}

fn take<'a>(next: &AtomicUsize, inputs: &'a [Input]) -> Option<(usize, &'a Input)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    inputs.get(place).map(|input| (place, input))
}

impl Job<'_> {
    fn get(&self, input: &Input, named: bool) -> Result<Got, BoxError> {
        match &input.kind {
            InputKind::File { sha256, size, from } => {
                let (sha256, size) = (*sha256, *size);
                let layer = Layer { sha256, size, title: input.what.clone() };
                if self.has(sha256, size)? {
                    return Ok(Got { layers: vec![layer], ..Got::there(size) });
                }
                let location = match from.clone() {
                    InputPlace::Archive { archive, path } => Location::Archive { archive, path },
                    InputPlace::Url(url) => Location::Url(url),
                };
                let pin = Pin { sha256, size, what: input.what.clone() };
                let blob = self.remote.file(&pin, &[location], &|_| {}, self.cancel)?;
                let added = self.add(blob, &layer)?;
                Ok(Got { added, bytes: size, layers: vec![layer] })
            }
            InputKind::Git { url, commit, tree } => {
                let there = match &self.target {
                    Target::Directory(directory) => match directory.pack_of(commit) {
                        Some(path) => Some(std::fs::metadata(path)?.len()),
                        None => None,
                    },
                    Target::Registry(registry) => registry.has_pack(commit)?.then_some(0),
                };
                if let Some(bytes) = there {
                    return Ok(Got::there(bytes));
                }
                let pin = GitPin { commit: commit.clone(), tree: tree.clone() };
                let pack = self.remote.fetcher().pack_git(self.store, url, &pin, self.cancel)?;
                match &self.target {
                    Target::Directory(directory) => directory.add_pack(commit, pack.path())?,
                    Target::Registry(registry) => registry.add_pack(commit, pack.path())?,
                }
                let bytes = std::fs::metadata(pack.path())?.len();
                Ok(Got { added: Added::New, bytes, layers: Vec::new() })
            }
            InputKind::Image { reference, digest, size, media_type, platforms } => {
                let (size, media_type) = (*size, media_type.clone());
                let pin = ImagePin { digest: *digest, size, media_type };
                if named {
                    return Ok(Got::there(size));
                }
                if let Target::Directory(directory) = &self.target {
                    let wanted: Vec<_> = platforms.iter().map(image_platform).collect();
                    let parts = directory.image_parts(&pin, &wanted);
                    if parts.iter().all(|part| directory.has(part.sha256, part.size)) {
                        return Ok(Got::there(parts.iter().map(|part| part.size).sum()));
                    }
                }
                let files = self.remote.image(reference, &pin, platforms, &|_| {}, self.cancel)?;
                let mut got = Got::there(0);
                for file in files {
                    // The rest of the layout is made of the pin.
                    let Some(sha256) = file.path.strip_prefix("blobs/sha256/") else { continue };
                    let size = self.store.content_of(file.blob)?.size;
                    let title = format!("{}, {}", input.what, file.path);
                    let layer = Layer { sha256: sha256.parse()?, size, title };
                    if !self.has(layer.sha256, size)? {
                        self.add(file.blob, &layer)?;
                        got.added = Added::New;
                    }
                    got.bytes += size;
                    got.layers.push(layer);
                }
                Ok(got)
            }
        }
    }

    fn has(&self, sha256: Sha256, size: u64) -> Result<bool, BoxError> {
        match &self.target {
            Target::Directory(directory) => Ok(directory.has(sha256, size)),
            Target::Registry(registry) => Ok(registry.has(sha256)?),
        }
    }

    fn add(&self, blob: BlobId, layer: &Layer) -> Result<Added, BoxError> {
        match &self.target {
            Target::Directory(directory) => Ok(directory.add(self.store, blob, layer.sha256)?),
            Target::Registry(registry) => {
                registry.add(self.store, blob, layer)?;
                Ok(Added::New)
            }
        }
    }
}
