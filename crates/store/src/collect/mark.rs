//! Marking: all blobs that are kept, and for each the reason that came first.

use crate::{
    Root, Store, StoreError,
    collect::KeepReason,
    leases::{self, Entry},
};
use groundup_digest::{BlobId, ObjectId, TreeId};
use std::collections::{BTreeSet, HashMap, HashSet};

/// What is kept. Marks are only added: looking again at roots and leases that are known is cheap.
#[derive(Default)]
pub(super) struct Marks {
    seen: HashSet<[u8; 32]>,
    pub(super) reasons: Vec<KeepReason>,
    /// Kept blobs, with the number of the reason.
    pub(super) blobs: HashMap<BlobId, u32>,
    /// Trees that are kept as a whole.
    pub(super) trees: BTreeSet<TreeId>,
    /// Trees whose check-outs are in use.
    pub(super) checkouts: BTreeSet<TreeId>,
    /// Roots that were followed as they are.
    roots: HashMap<String, Root>,
}

impl Marks {
    /// Marks what roots and leases keep now.
    pub(super) fn mark(&mut self, store: &Store) -> Result<(), StoreError> {
        for root in store.roots()? {
            self.mark_root(store, root)?;
        }
        for entry in leases::leased(store.path())? {
            let object = match entry {
                Entry::Object(object) => object,
                Entry::Checkout(tree) => {
                    self.checkouts.insert(tree);
                    ObjectId::Tree(tree)
                }
            };
            self.mark_object(store, object, KeepReason::Lease)?;
        }
        Ok(())
    }

    /// Marks contents that tell of builds, and that nothing else keeps.
    pub(super) fn mark_facts(&mut self, facts: &BTreeSet<BlobId>) {
        let number = self.reasons.len() as u32;
        self.reasons.push(KeepReason::Facts);
        for blob in facts {
            self.blobs.entry(*blob).or_insert(number);
        }
    }

    fn mark_root(&mut self, store: &Store, root: Root) -> Result<(), StoreError> {
        if self.roots.get(&root.name) == Some(&root) {
            return Ok(());
        }
        for object in &root.objects {
            self.mark_object(store, *object, KeepReason::Root(root.name.clone()))?;
        }
        for key in &root.keys {
            let Some(result) = store.get_result(*key)? else { continue };
            for object in result.outputs.values() {
                let reason = KeepReason::Result { root: root.name.clone(), key: *key };
                self.mark_object(store, *object, reason)?;
            }
        }
        self.roots.insert(root.name.clone(), root);
        Ok(())
    }

    fn mark_object(
        &mut self,
        store: &Store,
        object: ObjectId,
        reason: KeepReason,
    ) -> Result<(), StoreError> {
        if let ObjectId::Tree(tree) = object {
            self.trees.insert(tree);
        }
        let number = match self.reasons.iter().rposition(|known| *known == reason) {
            Some(number) => number as u32,
            None => {
                self.reasons.push(reason);
                self.reasons.len() as u32 - 1
            }
        };
        let blobs = &mut self.blobs;
        let walked = store.walk_blobs(object, &mut self.seen, |blob| {
            blobs.entry(blob).or_insert(number);
            Ok(())
        });
        match walked {
            // Somebody leased what is not there (yet), or names what was never here.
            Err(StoreError::MissingTree(_) | StoreError::MissingDirectory(_)) => Ok(()),
            walked => walked,
        }
    }
}
