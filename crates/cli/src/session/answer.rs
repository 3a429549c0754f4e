//! The answer to a build that has nothing to do, without loading or planning anything.
//!
//! A complete build keeps its answer with all that it looked at: recipes, lock, files of the
//! repository, git's index. While none of it has changed, the answer is the same, if what it names
//! is still in the store; so the next build only looks. Anything else, down to another `groundup`,
//! is another question or no answer, and then the build goes the whole way.

use super::Session;
use crate::{context::Place, error::CliError};
use groundup_build::{Built, Report};
use groundup_digest::{ObjectId, Writer};
use groundup_plan::PlannedTarget;
use groundup_recipe::Platform;
use groundup_store::{Basis, Store};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, os::unix::ffi::OsStrExt, os::unix::fs::MetadataExt, path::Path};

/// What a complete build gave.
pub(crate) struct Answer {
    /// How many steps it had.
    pub(crate) steps: usize,
    /// Files of the repository that were left out.
    pub(crate) left_out: Vec<String>,
    /// The targets.
    pub(crate) targets: Vec<Built>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    steps: usize,
    left_out: Vec<String>,
    targets: Vec<KeptTarget>,
}

#[derive(Serialize, Deserialize)]
struct KeptTarget {
    name: String,
    platform: Option<String>,
    outputs: Vec<(String, ObjectId)>,
}

/// What is asked: these words, in this workspace, of this very program.
fn question(root: &Path, words: &[String]) -> Option<Vec<u8>> {
    let program = std::fs::metadata("/proc/self/exe").ok()?;
    let mut writer = Writer::new();
    writer.str(env!("CARGO_PKG_VERSION"));
    for number in [program.dev(), program.ino(), program.size()] {
        writer.u64(number);
    }
    for number in [program.mtime(), program.mtime_nsec(), program.ctime(), program.ctime_nsec()] {
        writer.u64(number.cast_unsigned());
    }
    writer.bytes(root.as_os_str().as_bytes());
    writer.seq(words, |writer, word| {
        writer.str(word);
    });
    Some(writer.finish())
}

/// The answer that an earlier build kept, if it still holds and all that it names is there.
pub(crate) fn recall(
    place: &Place,
    store: &Store,
    words: &[String],
) -> Result<Option<Answer>, CliError> {
    let Some(question) = question(&place.root, words) else { return Ok(None) };
    let bytes = store.recall_answer(&question);
    let kept = bytes.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok());
    let Some(Kept { steps, left_out, targets }) = kept else { return Ok(None) };
    let lease = store.lease()?;
    let named = targets.iter().flat_map(|target| &target.outputs);
    let objects: BTreeSet<ObjectId> = named.map(|(_, id)| *id).collect();
    let objects: Vec<ObjectId> = objects.into_iter().collect();
    // Leased before it is looked for: what is there stays while it is copied.
    lease.add_all(&objects)?;
    for id in objects {
        if !store.has_complete(id)? {
            return Ok(None);
        }
    }
    let built = targets.into_iter().map(|target| {
        let known = |name: &String| Platform::ALL.into_iter().find(|p| p.as_str() == name);
        let (name, platform) = (target.name.parse().ok()?, target.platform.as_ref().map(known));
        // A platform that is not known any more is no answer.
        let platform = platform.map_or(Some(None), |known| known.map(Some))?;
        let target_of_plan = PlannedTarget { name, platform, outputs: Vec::new() };
        Some(Built { target: target_of_plan, outputs: Some(target.outputs), executed: 0 })
    });
    let Some(targets) = built.collect::<Option<Vec<_>>>() else { return Ok(None) };
    Ok(Some(Answer { steps, left_out, targets }))
}

/// Keeps the answer of a build that is complete.
pub(crate) fn remember(
    session: &Session,
    basis: Basis,
    words: &[String],
    report: &Report,
) -> Result<(), CliError> {
    let Some(question) = question(&session.context.root, words) else { return Ok(()) };
    let targets = report.targets.iter().map(|built| {
        Some(KeptTarget {
            name: built.target.name.to_string(),
            platform: built.target.platform.map(|platform| platform.as_str().to_owned()),
            outputs: built.outputs.clone()?,
        })
    });
    let Some(targets) = targets.collect() else { return Ok(()) };
    let kept = Kept { steps: report.steps.len(), left_out: session.left_out.clone(), targets };
    let Ok(bytes) = serde_json::to_vec(&kept) else { return Ok(()) };
    Ok(session.store.remember_answer(&question, basis, &bytes)?)
}
