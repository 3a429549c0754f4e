//! Every path of a target with the place that it comes from.

use super::Places;
use crate::{args::Global, out};
use groundup_build::history::{Question, WhyError, why_all};
use groundup_provenance::BuildRecord;
use groundup_store::Store;
use serde_json::json;

/// Prints a line for each path: the path, what it comes from, the place of that.
pub(super) fn tell(
    store: &Store,
    record: &BuildRecord,
    asked: &Question<'_>,
    places: &mut Places,
    global: &Global,
) -> Result<(), WhyError> {
    why_all(store, record, asked, |listed| {
        let end = places.ending(&listed.end);
        if global.json {
            out::json(&json!({"path": listed.path, "kind": listed.kind, "end": end}));
            return;
        }
        let place = end.place.as_deref().unwrap_or("unknown");
        out::line(format!("{}\t{} {}\t{place}", listed.path, end.kind, end.what));
    })
}
