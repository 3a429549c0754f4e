//! Reading everything that is there, and comparing it with the lock.

use super::{
    Job, Target, Trouble,
    meter::{Live, Meter},
};
use crate::{error::CliError, inputs::image_platform};
use groundup_digest::Sha256;
use groundup_fetch::{
    GitPin, ImagePin,
    vendor::{Found, VendorDirectory, VendorRegistry},
};
use groundup_recipe::lock::{Input, InputKind};
use std::sync::atomic::AtomicBool;

/// What was found.
#[derive(Default)]
pub(super) struct Checked {
    /// Bytes that are whole.
    pub(super) bytes: u64,
    /// Inputs that are not, in the order of the lock.
    pub(super) troubles: Vec<Trouble>,
}

/// Checks all inputs.
pub(super) fn check(job: &Job<'_>, live: Live) -> Result<Checked, CliError> {
    let meter = Meter::new("read", job.inputs.len(), live);
    let mut checked = Checked::default();
    let named = match &job.target {
        Target::Directory(_) => None,
        Target::Registry(registry) => {
            Some(registry.kept(job.lock)?.map(|named| of_images(&named, job.inputs)))
        }
    };
    for input in job.inputs {
        let (bytes, messages) = match (&job.target, &named) {
            (Target::Directory(directory), _) => job.look_at(directory, input)?,
            (Target::Registry(registry), Some(Some(named))) => ask(registry, input, named)?,
            (Target::Registry(registry), _) => {
                let tag = registry.image().tag().unwrap_or_default();
                (0, vec![format!("`{tag}` is not there, or names the files of another lock")])
            }
        };
        checked.bytes += bytes;
        if !messages.is_empty() {
            let (what, span) = (input.what.clone(), input.span);
            checked.troubles.push(Trouble { what, span, messages });
        }
        meter.done(bytes);
    }
    meter.finish();
    Ok(checked)
}

/// What a manifest names beside the files of `inputs`: the parts of images, and the lock.
fn of_images(named: &[(Sha256, u64)], inputs: &[Input]) -> Vec<Sha256> {
    let is_file = |sha256: &Sha256| {
        inputs.iter().any(|input| {
            matches!(&input.kind, InputKind::File { sha256: of_file, .. } if of_file == sha256)
        })
    };
    named.iter().map(|(sha256, _)| *sha256).filter(|sha256| !is_file(sha256)).collect()
}

/// Asks a registry whether it has an input; it has checked the bytes when they were pushed. `parts`
/// are those of images, by its manifest of this lock.
fn ask(
    registry: &VendorRegistry<'_>,
    input: &Input,
    parts: &[Sha256],
) -> Result<(u64, Vec<String>), CliError> {
    let (there, bytes) = match &input.kind {
        InputKind::File { sha256, size, .. } => (registry.has(*sha256)?, *size),
        InputKind::Git { commit, .. } => (registry.has_pack(commit)?, 0),
        InputKind::Image { digest, size, .. } => {
            let mut there = parts.contains(digest);
            for part in parts {
                there = there && registry.has(*part)?;
            }
            (there, *size)
        }
    };
    match there {
        true => Ok((bytes, Vec::new())),
        false => Ok((0, vec!["it is not there".to_owned()])),
    }
}

impl Job<'_> {
    /// The bytes of an input that are whole, and what is wrong with the rest.
    fn look_at(
        &self,
        directory: &VendorDirectory,
        input: &Input,
    ) -> Result<(u64, Vec<String>), CliError> {
        match &input.kind {
            InputKind::File { sha256, size, .. } => files(directory, &[(*sha256, *size)]),
            InputKind::Image { digest, size, media_type, platforms, .. } => {
                let (size, media_type) = (*size, media_type.clone());
                let pin = ImagePin { digest: *digest, size, media_type };
                let platforms: Vec<_> = platforms.iter().map(image_platform).collect();
                let parts = directory.image_parts(&pin, &platforms);
                let parts: Vec<_> = parts.iter().map(|part| (part.sha256, part.size)).collect();
                files(directory, &parts)
            }
            InputKind::Git { commit, tree, .. } => {
                let Some(path) = directory.pack_of(commit) else {
                    return Ok((0, vec![format!("there is no git/{commit}.pack")]));
                };
                let pin = GitPin { commit: commit.clone(), tree: tree.clone() };
                let never = AtomicBool::new(false);
                let read = self.remote.fetcher().check_pack(self.store, &path, &pin, &never);
                match read {
                    Ok(_) => Ok((std::fs::metadata(&path).map_or(0, |found| found.len()), vec![])),
                    Err(error) => {
                        let path = path.display();
                        Ok((0, vec![format!("{path} is damaged"), error.to_string()]))
                    }
                }
            }
        }
    }
}

fn files(
    directory: &VendorDirectory,
    files: &[(Sha256, u64)],
) -> Result<(u64, Vec<String>), CliError> {
    let (mut bytes, mut messages) = (0, Vec::new());
    for (sha256, size) in files {
        match directory.check(*sha256, *size)? {
            Found::Whole => bytes += size,
            Found::Missing => messages.push(format!("there is no sha256/{sha256}")),
            Found::Damaged(how) => {
                messages.push(format!("sha256/{sha256} is damaged: {how}"));
            }
        }
    }
    Ok((bytes, messages))
}
