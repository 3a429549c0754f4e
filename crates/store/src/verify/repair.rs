//! Repairing: what is damaged goes, so that it is fetched or built again when it is needed.

use crate::{Problem, Report, Store, StoreError, disk, error::Tried, journal::Damage, recover};
use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
};

/// What repairing did about each problem.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Repaired {
    /// Damaged objects that were removed; they are made again when needed.
    pub removed: Vec<Problem>,
    /// What was put right.
    pub mended: Vec<Problem>,
    /// What only a person can decide, or what comes back with the next build.
    pub left: Vec<Problem>,
}

impl Store {
    /// Removes what the report names as damaged, and makes the index anew.
    ///
    /// What a root keeps and is gone is left to the next build, and so is a root in which more than
    /// one byte is wrong; files that are not the store's are left to the user.
    pub fn repair(&self, report: &Report) -> Result<Repaired, StoreError> {
        self.writable("repair")?;
        self.forget_answers()?;
        let mut repaired = Repaired::default();
        for problem in &report.problems {
            let list = match problem {
                Problem::DamagedBlob { path, .. } | Problem::UnreadableBlob { path, .. } => {
                    disk::remove_file(path)?;
                    &mut repaired.removed
                }
                Problem::DamagedLog { name } => {
                    disk::remove_file(&self.log_file(*name))?;
                    &mut repaired.removed
                }
                Problem::DamagedJournal { path, offset, length } => {
                    let journals = self.0.journals();
                    let journal = journals.iter().find(|journal| journal.path == *path);
                    let damage = Damage { offset: *offset, length: *length };
                    journal.map(|journal| journal.lock()?.blank(damage)).transpose()?;
                    &mut repaired.removed
                }
                Problem::WrongMode { path, expected, .. } => {
                    let mode = Permissions::from_mode(*expected);
                    fs::set_permissions(path, mode).tried("set the mode of", path)?;
                    &mut repaired.mended
                }
                Problem::DamagedCheckout { tree, .. } => match self.drop_checkout(*tree)? {
                    true => &mut repaired.removed,
                    false => &mut repaired.left,
                },
                Problem::DamagedFormat { .. } => match crate::repair_format(self.path()) {
                    Ok(true) => &mut repaired.mended,
                    _ => &mut repaired.left,
                },
                // It is made anew in any case.
                Problem::DamagedIndex { .. } => &mut repaired.mended,
                Problem::DamagedRoot { path, .. } => match self.mend_root(path)? {
                    true => &mut repaired.mended,
                    false => &mut repaired.left,
                },
                // What refers to it goes below.
                Problem::MissingDirectory { .. } => &mut repaired.removed,
                Problem::Strange { .. }
                | Problem::MissingRecord { .. }
                | Problem::Incomplete { .. } => &mut repaired.left,
            };
            list.push(problem.clone());
        }
        self.drop_broken_trees()?;
        self.rebuild_index()?;
        Ok(repaired)
    }

    /// Takes away directories and trees that refer to a directory that is not there: nobody could
    /// read them to their end, and where they are needed they come back whole.
    fn drop_broken_trees(&self) -> Result<(), StoreError> {
        let journal = &self.0.trees;
        recover::drop_incomplete_trees(journal, &journal.lock()?, 0)
    }

    /// Makes the index anew from the journals.
    pub fn rebuild_index(&self) -> Result<(), StoreError> {
        self.writable("make the index anew")?;
        crate::history::remove(&crate::index::history_path(self.path()))?;
        let journals = self.0.journals();
        let catch_up =
            |()| journals.into_iter().try_for_each(|journal| self.0.index.catch_up(journal));
        match self.0.index.clear().and_then(catch_up) {
            // It was removed: whoever opens the store next makes it anew.
            Err(StoreError::DamagedIndex { .. }) => Ok(()),
            rebuilt => rebuilt,
        }
    }
}
