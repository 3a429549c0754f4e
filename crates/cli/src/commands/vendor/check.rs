//! Reading everything that is there, and comparing it with the lock.

use super::{
    Job, Trouble,
    meter::{Live, Meter},
};
use crate::{error::CliError, inputs::image_platform};
use groundup_digest::Sha256;
use groundup_fetch::{GitPin, ImagePin, vendor::Found};
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
    for input in job.inputs {
        let (bytes, messages) = job.look_at(input)?;
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

impl Job<'_> {
    /// The bytes of an input that are whole, and what is wrong with the rest.
    fn look_at(&self, input: &Input) -> Result<(u64, Vec<String>), CliError> {
        match &input.kind {
            InputKind::File { sha256, size, .. } => self.files(&[(*sha256, *size)]),
            InputKind::Image { digest, size, media_type, platforms, .. } => {
                let (size, media_type) = (*size, media_type.clone());
                let pin = ImagePin { digest: *digest, size, media_type };
                let platforms: Vec<_> = platforms.iter().map(image_platform).collect();
                let parts = self.directory.image_parts(&pin, &platforms);
                let parts: Vec<_> = parts.iter().map(|part| (part.sha256, part.size)).collect();
                self.files(&parts)
            }
            InputKind::Git { commit, tree, .. } => {
                let Some(path) = self.directory.pack_of(commit) else {
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

    fn files(&self, files: &[(Sha256, u64)]) -> Result<(u64, Vec<String>), CliError> {
        let (mut bytes, mut messages) = (0, Vec::new());
        for (sha256, size) in files {
            match self.directory.check(*sha256, *size)? {
                Found::Whole => bytes += size,
                Found::Missing => messages.push(format!("there is no sha256/{sha256}")),
                Found::Damaged(how) => {
                    messages.push(format!("sha256/{sha256} is damaged: {how}"));
                }
            }
        }
        Ok((bytes, messages))
    }
}
