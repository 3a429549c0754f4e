//! Performing a plan, in short batches; what came into use since the plan was made stays.

use crate::{
    Store, StoreError, Total, below, checkout,
    collect::{CollectPlan, Dropped, KeepCheckouts, mark::Marks},
    disk,
    error::Tried,
    leases,
};
use groundup_digest::TreeId;
use std::{fs, io, path::PathBuf};

/// How many things are dropped while others wait for leases.
const BATCH: usize = 256;

/// What a collection did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    /// What went.
    pub dropped: Total,
    /// What the plan would have dropped and came into use since.
    pub spared: Total,
}

impl Store {
    /// Drops what the plan names, except what has come into use since it was made.
    pub fn perform_collect(&self, plan: &CollectPlan) -> Result<Collected, StoreError> {
        self.writable("collect")?;
        self.forget_answers()?;
        let mut collected = Collected::default();
        let mut marks = Marks::default();
        // The bulk is marked without making others wait; each batch looks at what is new only.
        marks.mark(self)?;
        // Check-outs go first: their files are links of blobs.
        let mut order: Vec<_> = plan.dropped.iter().collect();
        order.sort_by_key(|(item, _)| !matches!(item, Dropped::Checkout(_)));
        for batch in order.chunks(BATCH) {
            let mut moved = Vec::new();
            let lock = leases::lock_sweep(self.path())?;
            marks.mark(self)?;
            for (item, bytes) in batch {
                let goes = match item {
                    Dropped::Blob(id, executable) => {
                        !marks.blobs.contains_key(id) && {
                            disk::remove_file(&self.blob_file(*id, *executable))?;
                            true
                        }
                    }
                    Dropped::Checkout(tree) => {
                        !keeps_checkout(&marks, plan, tree) && {
                            moved.extend(self.move_checkout_away(tree)?);
                            true
                        }
                    }
                    Dropped::Log(name) => {
                        disk::remove_file(&self.log_file(*name))?;
                        true
                    }
                };
                if goes { &mut collected.dropped } else { &mut collected.spared }.add(*bytes);
            }
            drop(lock);
            moved.iter().try_for_each(|path| below::remove_all(path))?;
        }
        Ok(collected)
    }

    /// Takes a check-out out of its place; removing it takes longer than others should wait.
    pub(crate) fn move_checkout_away(&self, tree: &TreeId) -> Result<Option<PathBuf>, StoreError> {
        let from = self.path().join("checkouts").join(tree.to_string());
        let to = self.scratch()?.fresh_path();
        match checkout::make_movable(&from).and_then(|()| fs::rename(&from, &to)) {
            Ok(()) => Ok(Some(to)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).tried("move away", from),
        }
    }
}

fn keeps_checkout(marks: &Marks, plan: &CollectPlan, tree: &TreeId) -> bool {
    marks.checkouts.contains(tree)
        || plan.options.checkouts == KeepCheckouts::OfKeptTrees && marks.trees.contains(tree)
}
