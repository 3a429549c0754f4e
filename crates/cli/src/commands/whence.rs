//! `groundup whence`.

pub(crate) mod asked;
mod told;

use super::answer_is_no;
use crate::{
    args::Global,
    commands::why::Places,
    context::{Home, find_root, open_to_look, store_path},
    error::{CliError, Kind},
    out, words,
};
use groundup_build::history::{Answer, open_history, whence};
use serde_json::json;
use std::process::ExitCode;

/// Say what a digest is, and which builds made it
///
/// DIGEST is what you have at hand:
///
///   sha256:3f4a…                     of a manifest, index, configuration, layer or disk
///   name@sha256:3f4a…                an image reference, or a running pod's imageID
///   docker-pullable://name@sha256:…  the same as Kubernetes has it
///   tree:9b21…, blob:…, 9b21…        an id of groundup: an object, a step's key, a build
///   3f4a9                            its first digits; if several fit they are listed
///   ./disk.raw                       a file, which is hashed
///
/// Records outlive contents, so an image of last year is known after its layers were collected. A file
/// inside images and roots is found by its content: give the file itself, or its BLAKE3 id.
#[derive(clap::Args)]
#[command(verbatim_doc_comment)]
pub(crate) struct Args {
    /// A digest, an image reference, an id, or a file
    #[arg(value_name = "DIGEST")]
    digest: String,
    /// List everything that it is; without, long lists are cut
    #[arg(long)]
    full: bool,
}

pub(super) fn run(global: &Global, args: &Args) -> Result<ExitCode, CliError> {
    let root = find_root(global).ok();
    let asked = asked::parse(global, &args.digest)?;
    let home = Home::read(root.as_deref(), global)?;
    let store = open_to_look(&store_path(global, &home, root.as_deref()))?;
    let history = open_history(&store)?;
    let mut places = match &root {
        Some(root) => Places::new(root)?,
        None => Places::nowhere(),
    };
    match whence(&store, &history, &asked)? {
        Answer::Born { born } => {
            told::tell(&store, &args.digest, &born, &mut places, args.full, global)?;
            Ok(ExitCode::SUCCESS)
        }
        Answer::Ambiguous { candidates } => {
            if global.json {
                let known = "ambiguous";
                out::json(&json!({"version": 1, "known": known, "candidates": candidates}));
            } else {
                for candidate in &candidates {
                    out::line(format!("{}  {}", candidate.id, candidate.what));
                }
            }
            Err(CliError::usage(format!("several ids begin with `{}`", args.digest))
                .hint("give more digits of one of those"))
        }
        Answer::Nothing { builds, stored } => {
            if global.json {
                let searched = json!({"builds": builds, "store": store.path()});
                out::json(&json!({
                    "version": 1, "known": "nothing", "searched": searched, "stored": stored,
                }));
                return Ok(answer_is_no());
            }
            let store = store.path().display();
            let builds = usize::try_from(builds).unwrap_or(usize::MAX);
            let message = match stored {
                true => format!(
                    "the store has `{}`, but none of its {} names it",
                    args.digest,
                    words::count(builds, "build"),
                ),
                false => format!(
                    "nothing is known of `{}`: no build of the store `{store}` ({}) names it, and none \
                     of its trees holds it",
                    args.digest,
                    words::count(builds, "build"),
                ),
            };
            Err(CliError::new(Kind::No, message).hint(
                "if it was built with another store, name that with --store; if it was built by \
                 others, its image's labels may say by whom; a registry that packs layers anew gives \
                 them other digests, while the digests in the image's configuration (rootfs.diff_ids) \
                 stay: ask for one of those",
            ))
        }
    }
}
