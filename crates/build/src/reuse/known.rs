//! Finding a child step whose key is that of a command now, and putting its files in place.

use super::{
    Server, Trouble,
    reads::{Reads, State},
    symbols::{self, Value},
};
use groundup_digest::{BlobId, ObjectId, Reader, RecordId, StepKey, Writer};
use groundup_store::{Executable, StepResult};
use std::collections::BTreeMap;

/// How many results of one command are looked at, the newest first.
const MOST: usize = 16;

/// The output of a child that holds its [`Reads`].
pub(super) const READS: &str = "reads";
/// The output of a child that holds what it said.
pub(super) const SAID: &str = "said";

/// What a command's record leads to: the child step and its reads.
pub(super) fn link(child: StepKey, reads: BlobId) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.u32(1).digest(child.as_bytes()).digest(reads.as_bytes());
    writer.finish()
}

fn follow(bytes: &[u8]) -> Option<(StepKey, BlobId)> {
    let mut reader = Reader::new(bytes);
    if reader.u32().ok()? != 1 {
        return None;
    }
    let link = (reader.digest().ok()?, reader.digest().ok()?);
    reader.end().ok()?;
    Some((StepKey::from_bytes(link.0), BlobId::from_bytes(link.1)))
}

/// A child whose files are in place.
pub(super) struct Found {
    pub(super) child: StepKey,
    pub(super) said: Vec<u8>,
}

impl Server<'_> {
    /// Looks for a child whose key this command has now; its files are then in place.
    pub(super) fn find(&self, command: StepKey) -> Result<Option<Found>, Trouble> {
        let store = self.surroundings.store;
        let links: Vec<RecordId> = store.step_records(command)?;
        for link in links.into_iter().rev().take(MOST) {
            let Some((child, reads)) = follow(&store.get_record(link)?) else { continue };
            let Some(result) = store.get_result(child)? else { continue };
            let outputs: Vec<_> = result.outputs.values().copied().collect();
            store.rely_on(&outputs)?;
            let mut complete = true;
            for id in &outputs {
                complete &= store.has_complete(*id)?;
            }
            if !complete {
                continue;
            }
            let bytes = store.read_blob(reads)?;
            let Some(reads) = Reads::decompress(&bytes) else { continue };
            if reads.key(command) == child && self.still_holds(&reads)? && self.place(&result)? {
                let said = match result.outputs.get(SAID) {
                    Some(ObjectId::Blob(said)) => store.read_blob(*said)?,
                    _ => Vec::new(),
                };
                return Ok(Some(Found { child, said }));
            }
        }
        Ok(None)
    }

    /// Whether everything is as it was read.
    fn still_holds(&self, reads: &Reads) -> std::io::Result<bool> {
        if let Some((header, wanted)) = &reads.symbols {
            let Some(State::File(id)) = self.view.state(header)? else { return Ok(false) };
            let Some(definitions) = self.definitions(header, id)? else { return Ok(false) };
            let holds =
                |(name, value): (&String, &Value)| symbols::value(&definitions, name) == *value;
            if !wanted.iter().all(holds) {
                return Ok(false);
            }
        }
        for (path, state) in &reads.paths {
            if self.view.state(path)?.as_ref() != Some(state) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// What the header with this content defines.
    pub(super) fn definitions(
        &self,
        header: &str,
        id: BlobId,
    ) -> std::io::Result<Option<std::sync::Arc<BTreeMap<String, String>>>> {
        if let Some(known) = self.symbols.header(id) {
            return Ok(known);
        }
        let bytes = self.view.read(header)?;
        if BlobId::of(&bytes) != id {
            return Ok(None);
        }
        Ok(self.symbols.keep_header(id, symbols::definitions(&bytes)))
    }

    /// Puts the files of a result in place; false where the step has made that impossible.
    fn place(&self, result: &StepResult) -> Result<bool, Trouble> {
        for (path, id) in result.outputs.iter().filter(|(path, _)| path.starts_with('/')) {
            let ObjectId::Blob(blob) = id else { return Ok(false) };
            let from = self.surroundings.store.blob_path(*blob, Executable::No)?;
            match self.view.put(path, &from) {
                Ok(()) => {}
                // Its directory is not there: the program itself shall say so.
                Err(error) if is_of_the_step(&error) => return Ok(false),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(true)
    }
}

fn is_of_the_step(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound, PermissionDenied};
    let links = error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error());
    let directory = error.raw_os_error() == Some(rustix::io::Errno::ISDIR.raw_os_error());
    links || directory || matches!(error.kind(), NotADirectory | NotFound | PermissionDenied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_leads_where_it_was_made_for() {
        let (child, reads) = (StepKey::of_encoded(b"child"), BlobId::of(b"reads"));
        assert_eq!(follow(&link(child, reads)), Some((child, reads)));
        assert_eq!(follow(&link(child, reads)[1..]), None);
        assert_eq!(follow(&[&link(child, reads)[..], b"x"].concat()), None);
    }
}
