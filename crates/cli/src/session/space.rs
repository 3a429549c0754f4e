//! Is there room for a build?

use super::Session;
use crate::{error::CliError, words};
use groundup_build::Resolved;
use groundup_plan::{Fetch, StepKind};

/// What a build needs beside its downloads: results, logs, the scratch of a step.
const ALWAYS: u64 = 256 << 20;
/// A package is there packed, unpacked, and in the scratch of the step that uses it.
const PER_FETCHED: u64 = 6;

/// Refuses a build for which the disk is clearly too small.
pub(crate) fn check_space(session: &Session, resolved: &[Resolved]) -> Result<(), CliError> {
    let to_fetch: u64 = session
        .plan
        .steps()
        .iter()
        .zip(resolved)
        .filter(|(_, resolved)| resolved.outputs.is_none())
        .map(|(step, _)| match step.kind {
            StepKind::Fetch(Fetch::File { size, .. }) => size,
            _ => 0,
        })
        .sum();
    if resolved.iter().all(|step| step.outputs.is_some()) {
        return Ok(());
    }
    let needed = ALWAYS + PER_FETCHED * to_fetch;
    let free = session.store.free_space()?.available;
    if free >= needed {
        return Ok(());
    }
    Err(CliError::environment(format!(
        "the disk of the store has {} free, and this build needs about {}",
        words::bytes(free),
        words::bytes(needed)
    ))
    .hint(format!(
        "run `groundup store collect`, free space below `{}`, or put the store elsewhere with \
         --store; --no-space-check builds all the same",
        session.store.path().display()
    )))
}
