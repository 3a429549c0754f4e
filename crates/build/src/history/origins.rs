//! The labels of paths, from the origins that steps left.

use super::HistoryError;
use groundup_digest::BlobId;
use groundup_provenance::Origins;
use groundup_store::Store;
use groundup_tree::TreePath;
use std::{
    cell::RefCell,
    collections::{HashMap, hash_map::Entry},
};

/// Origins that were asked for; each is read once.
pub(super) struct KnownOrigins<'a> {
    store: &'a Store,
    known: RefCell<HashMap<BlobId, Asked>>,
}

enum Asked {
    /// Once.
    Bytes(Vec<u8>),
    /// More than once.
    All(Origins),
}

impl<'a> KnownOrigins<'a> {
    pub(super) fn new(store: &'a Store) -> Self {
        Self { store, known: RefCell::default() }
    }

    /// The label of a path; none if it has none, or if the origins are there no more.
    pub(super) fn label(
        &self,
        origins: BlobId,
        path: &TreePath,
    ) -> Result<Option<String>, HistoryError> {
        let mut known = self.known.borrow_mut();
        let asked = match known.entry(origins) {
            // A single path is looked up in the bytes; who asks for more is answered from all.
            Entry::Occupied(entry) => {
                let asked = entry.into_mut();
                if let Asked::Bytes(bytes) = asked {
                    *asked = Asked::All(Origins::from_bytes(bytes).unwrap_or_default());
                }
                asked
            }
            Entry::Vacant(entry) => {
                // Contents may have been collected, and then trees are all that is left to go by.
                let there = self.store.has_blob(origins)?;
                let bytes = if there { self.store.read_blob(origins)? } else { Vec::new() };
                entry.insert(Asked::Bytes(bytes))
            }
        };
        Ok(match asked {
            Asked::Bytes(bytes) => Origins::label_in(bytes, path).ok().flatten().map(str::to_owned),
            Asked::All(origins) => origins.get(path).map(str::to_owned),
        })
    }
}
