//! Two contents: of archives and images what they hold, of all else what they mean.

use super::{Comparer, row};
use crate::{Change, Place, Row};
use groundup_digest::BlobId;
use groundup_meaning::{Finding, Kind, Pair};
use groundup_unfold::Format;
use std::io;

impl Comparer<'_> {
    /// What differs between two contents at a place. What cannot be compared is a row as well.
    pub(super) fn blobs(&self, place: &Place, a: BlobId, b: BlobId, depth: u32) -> Vec<Row> {
        match self.try_blobs(place, a, b, depth) {
            Ok(rows) => rows,
            Err(error) => vec![self.not_compared(place, &missing(&error))],
        }
    }

    fn not_compared(&self, place: &Place, why: &str) -> Row {
        let finding = Finding::not_compared("content", why);
        row(place.last(), Change::Changed, place.clone(), vec![finding])
    }

    fn try_blobs(&self, place: &Place, a: BlobId, b: BlobId, depth: u32) -> io::Result<Vec<Row>> {
        let (before, after) = (self.world.bytes(a)?, self.world.bytes(b)?);
        let formats = [&before, &after].map(|bytes| groundup_unfold::recognise(bytes.as_ref()));
        if let Some(Format::Unread(name)) = formats.into_iter().flatten().find(is_unread) {
            let finding = sizes(before.len(), after.len());
            let finding = finding.note(format!("what is in {name} is not read"));
            return Ok(vec![row(place.last(), Change::Changed, place.clone(), vec![finding])]);
        }
        if let [Some(one), Some(two)] = formats
            && one == two
        {
            if depth >= self.options.depth {
                let why = format!("archives stand in each other over {depth} deep");
                return Ok(vec![self.not_compared(place, &why)]);
            }
            let contents = [(a, before.len()), (b, after.len())];
            return Ok(self.inside(place, one, contents, depth));
        }
        if let Some(rows) = self.streams(place, formats, [a, b], depth) {
            return Ok(rows);
        }
        let limit = self.options.meaning.bytes as u64;
        if before.len() > limit || after.len() > limit {
            let why = format!("files of over {limit} bytes are compared by their hash alone");
            let finding = sizes(before.len(), after.len()).note(why);
            return Ok(vec![row(place.last(), Change::Changed, place.clone(), vec![finding])]);
        }
        drop((before, after));
        let (before, after) = (self.world.read(a)?, self.world.read(b)?);
        let pair = Pair { path: place.last(), before: &before, after: &after };
        let meaning = groundup_meaning::compare(&pair, &self.options.meaning);
        let mut found = row(place.last(), Change::Changed, place.clone(), meaning.findings);
        if found.findings.is_empty() {
            let what = format!("equal as {}", meaning.format.name());
            found.findings.push(Finding::bare(Kind::Encoding, what));
        }
        found.more = meaning.more;
        Ok(vec![found])
    }
}

/// That contents of these sizes were not compared.
pub(super) fn sizes(before: u64, after: u64) -> Finding {
    let [before, after] = [before, after].map(|size| format!("{size} bytes"));
    Finding::changed(Kind::NotCompared, "content", before, after)
}

fn is_unread(format: &Format) -> bool {
    matches!(format, Format::Unread(_))
}

/// Why a content could not be read, in words.
fn missing(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "its content is no longer in the store".to_owned(),
        _ => error.to_string(),
    }
}
