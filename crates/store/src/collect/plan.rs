//! Making the plan of a collection; nothing changes.

use crate::{
    Store, StoreError, Total,
    collect::{CollectPlan, Dropped, KeepCheckouts, KeepLogs, KeepOptions, mark::Marks},
    status,
};
use std::os::unix::fs::MetadataExt;

impl Store {
    /// What a collection would keep and drop now. An unreadable root is an error: what it keeps is
    /// not known.
    pub fn plan_collect(&self, options: &KeepOptions) -> Result<CollectPlan, StoreError> {
        let mut marks = Marks::default();
        marks.mark(self)?;
        if !options.facts.is_empty() {
            marks.mark_facts(&options.facts);
        }
        let mut kept = vec![Total::default(); marks.reasons.len()];
        let mut dropped = Vec::new();
        for file in self.blob_files()?.blobs {
            match marks.blobs.get(&file.id) {
                Some(reason) => kept[*reason as usize].add(file.size),
                None => dropped.push((Dropped::Blob(file.id, file.executable), file.size)),
            }
        }
        for (tree, path) in self.checkout_folders()? {
            let kept = marks.checkouts.contains(&tree)
                || options.checkouts == KeepCheckouts::OfKeptTrees && marks.trees.contains(&tree);
            if !kept {
                let own =
                    |metadata: &std::fs::Metadata| metadata.is_file() && metadata.nlink() == 1;
                dropped.push((Dropped::Checkout(tree), status::bytes_below(&path, own)));
            }
        }
        if let KeepLogs::Newest(count) = options.logs {
            for (name, _, size) in self.log_files()? {
                let newer = self.logs_of(name.key)?.into_iter().filter(|other| *other > name);
                if newer.count() >= count as usize {
                    dropped.push((Dropped::Log(name), size));
                }
            }
        }
        let kept = marks.reasons.into_iter().zip(kept).collect();
        Ok(CollectPlan { kept, dropped, options: options.clone() })
    }
}
