//! What of a vendor directory no lock pins any more.

use crate::error::CliError;
use groundup_fetch::{
    ImagePin,
    vendor::{Keep, Prunable, VendorDirectory},
};
use groundup_recipe::{Lock, Sources, lock::InputKind};

/// How much was removed, or could be.
#[derive(Default)]
pub(super) struct Pruned {
    pub(super) files: usize,
    pub(super) bytes: u64,
}

impl Pruned {
    fn of(plan: &[Prunable]) -> Self {
        Self { files: plan.len(), bytes: plan.iter().map(|one| one.size).sum() }
    }
}

/// Removes what none of the locks pins that the directory was filled for.
pub(super) fn prune(directory: &VendorDirectory) -> Result<Pruned, CliError> {
    let plan = plan(directory, None)?;
    directory.prune(&plan)?;
    Ok(Pruned::of(&plan))
}

/// What could be removed, were the directory filled for `lock` too.
pub(super) fn extra(directory: &VendorDirectory, lock: Option<&Lock>) -> Result<Pruned, CliError> {
    Ok(Pruned::of(&plan(directory, lock)?))
}

fn plan(directory: &VendorDirectory, lock: Option<&Lock>) -> Result<Vec<Prunable>, CliError> {
    let mut keep = Keep::default();
    for (name, text) in directory.locks()? {
        let path = format!("{}/locks/{name}.lock", directory.path().display());
        let read = Lock::parse(&mut Sources::new(), &path, &text).map_err(|_| {
            CliError::environment(format!("cannot tell what to keep: {path} is no lock"))
                .hint("remove that file if what it pins may go")
        })?;
        add(directory, &read, &mut keep);
    }
    lock.into_iter().for_each(|lock| add(directory, lock, &mut keep));
    Ok(directory.plan_prune(&keep)?)
}

fn add(directory: &VendorDirectory, lock: &Lock, keep: &mut Keep) {
    for input in lock.inputs(None) {
        match input.kind {
            InputKind::File { sha256, .. } => drop(keep.files.insert(sha256)),
            InputKind::Git { commit, .. } => drop(keep.commits.insert(commit)),
            InputKind::Image { digest, size, media_type, .. } => {
                let pin = ImagePin { digest, size, media_type };
                let parts = directory.image_parts(&pin, &[]);
                keep.files.extend(parts.into_iter().map(|part| part.sha256));
            }
        }
    }
}
