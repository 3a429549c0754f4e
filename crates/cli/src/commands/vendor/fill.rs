//! Getting what is not there yet, several inputs at a time.

use super::{
    Job, Trouble,
    meter::{Live, Meter},
};
use crate::{error::CliError, inputs::image_platform, interrupt};
use groundup_fetch::{GitPin, ImagePin, Pin, vendor::Added};
use groundup_plan::Location;
use groundup_recipe::lock::{Input, InputKind, InputPlace};
use std::{
    error::Error,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
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
}

/// Gets all inputs; those that cannot be had do not keep the others away.
pub(super) fn fill(job: &Job<'_>, live: Live) -> Result<Filled, CliError> {
    let cancel = interrupt::flag();
    let meter = Meter::new("kept", job.inputs.len(), live);
    let next = AtomicUsize::new(0);
    let filled = Mutex::new((Filled::default(), Vec::new()));
    let work = || {
        while let Some((place, input)) = take(&next, job.inputs) {
            if cancel.load(Ordering::Relaxed) {
                return;
            }
            let got = job.get(input, &cancel);
            let mut filled = filled.lock().unwrap_or_else(PoisonError::into_inner);
            let (filled, troubles) = &mut *filled;
            match got {
                Ok((added, bytes)) => {
                    filled.bytes += bytes;
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
    let (mut filled, mut troubles) = filled.into_inner().unwrap_or_else(PoisonError::into_inner);
    troubles.sort_by_key(|(place, _)| *place);
    filled.troubles = troubles.into_iter().map(|(_, trouble)| trouble).collect();
    Ok(filled)
}

fn take<'a>(next: &AtomicUsize, inputs: &'a [Input]) -> Option<(usize, &'a Input)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    inputs.get(place).map(|input| (place, input))
}

impl Job<'_> {
    fn get(
        &self,
        input: &Input,
        cancel: &AtomicBool,
    ) -> Result<(Added, u64), Box<dyn Error + Send + Sync>> {
        let directory = self.directory;
        match &input.kind {
            InputKind::File { sha256, size, from } => {
                if directory.has(*sha256, *size) {
                    return Ok((Added::There, *size));
                }
                let location = match from.clone() {
                    InputPlace::Archive { archive, path } => Location::Archive { archive, path },
                    InputPlace::Url(url) => Location::Url(url),
                };
                let pin = Pin { sha256: *sha256, size: *size, what: input.what.clone() };
                let blob = self.remote.file(&pin, &[location], &|_| {}, cancel)?;
                Ok((directory.add(self.store, blob, *sha256)?, *size))
            }
            InputKind::Git { url, commit, tree } => {
                if let Some(path) = directory.pack_of(commit) {
                    return Ok((Added::There, std::fs::metadata(path)?.len()));
                }
                let pin = GitPin { commit: commit.clone(), tree: tree.clone() };
                let pack = self.remote.fetcher().pack_git(self.store, url, &pin, cancel)?;
                directory.add_pack(commit, pack.path())?;
                Ok((Added::New, std::fs::metadata(pack.path())?.len()))
            }
            InputKind::Image { reference, digest, size, media_type, platforms } => {
                let (size, media_type) = (*size, media_type.clone());
                let pin = ImagePin { digest: *digest, size, media_type };
                let wanted: Vec<_> = platforms.iter().map(image_platform).collect();
                let parts = directory.image_parts(&pin, &wanted);
                if parts.iter().all(|part| directory.has(part.sha256, part.size)) {
                    return Ok((Added::There, parts.iter().map(|part| part.size).sum()));
                }
                let files = self.remote.image(reference, &pin, platforms, &|_| {}, cancel)?;
                let mut bytes = 0;
                for file in files {
                    // The rest of the layout is made of the pin.
                    if let Some(sha256) = file.path.strip_prefix("blobs/sha256/") {
                        directory.add(self.store, file.blob, sha256.parse()?)?;
                        bytes += self.store.content_of(file.blob)?.size;
                    }
                }
                Ok((Added::New, bytes))
            }
        }
    }
}
