//! Two contents that are compressed in different ways, or of which one is not: what they are unpacked.

use super::{Comparer, row};
use crate::{Change, Place, Row};
use groundup_digest::BlobId;
use groundup_meaning::{Finding, Kind as FindingKind};
use groundup_tree::{Kind, TreePath};
use groundup_unfold::Format;

/// What is compressed is one entry of this name.
const CONTENT: &str = "content";

impl Comparer<'_> {
    /// Rows of two contents of which at least one is a compressed stream and the other no such stream;
    /// nothing if there is none, or if one cannot be unpacked.
    pub(super) fn streams(
        &self,
        place: &Place,
        formats: [Option<Format>; 2],
        blobs: [BlobId; 2],
        depth: u32,
    ) -> Option<Vec<Row>> {
        let [one, two] = formats.map(|format| format.and_then(called));
        if one == two || depth >= self.options.depth {
            return None;
        }
        let mut contents = Vec::new();
        for (format, blob) in formats.into_iter().zip(blobs) {
            contents.push(match format.filter(|format| called(*format).is_some()) {
                Some(format) => self.content(format, blob)?,
                None => blob,
            });
        }
        let [before, after] = contents[..] else { return None };
        let names = [one, two].map(|name| name.unwrap_or("none"));
        let finding = Finding::changed(FindingKind::Encoding, "compression", names[0], names[1]);
        let mut rows = vec![row(place.last(), Change::Changed, place.clone(), vec![finding])];
        if before != after {
            rows.extend(self.blobs(&place.inside(CONTENT), before, after, depth + 1));
        }
        Some(rows)
    }

    /// What a stream is when it is unpacked, if all of it can be read.
    fn content(&self, format: Format, packed: BlobId) -> Option<BlobId> {
        let unfolded = self.unfolded(format, packed);
        let tree = self.world.load(unfolded.tree).ok().filter(|_| unfolded.unread.is_empty())?;
        // What stands behind the stream would be passed over.
        let entries = tree.iter().filter(|(path, _)| !path.is_root()).count();
        if entries != 1 {
            return None;
        }
        match tree.get(&TreePath::new(CONTENT.as_bytes()).ok()?)?.kind {
            Kind::File { blob, .. } => Some(blob),
            _ => None,
        }
    }
}

/// The name of a format that is a compressed stream.
fn called(format: Format) -> Option<&'static str> {
    Some(match format {
        Format::Gzip => "gzip",
        Format::Xz => "xz",
        Format::Zstd => "zstd",
        Format::Bzip2 => "bzip2",
        Format::Lz4 => "lz4",
        _ => return None,
    })
}
