//! What the change leaves dangling or skewed in parts that did not change themselves.

use super::{Comparer, root::Tree, row};
use crate::{Change, DiffError, Part, Place, Row, Subject, Thing};
use groundup_meaning::{SidewaysPart, sideways};
use groundup_tree::FileTree;

impl Comparer<'_> {
    /// Looks at all trees of both things together.
    pub(super) fn sideways(
        &self,
        before: &Subject,
        after: &Subject,
    ) -> Result<Vec<Row>, DiffError> {
        if before.parts == after.parts {
            return Ok(Vec::new());
        }
        let (old, new) = (self.trees_of(before)?, self.trees_of(after)?);
        let [old, new] = [&old, &new].map(|trees| {
            let trees = trees.iter();
            let trees = trees.map(|(name, tree)| (*name, Tree { world: self.world, tree }));
            trees.collect::<Vec<_>>()
        });
        let old: Vec<SidewaysPart<'_>> =
            old.iter().map(|(name, files)| SidewaysPart { name, files }).collect();
        let new: Vec<SidewaysPart<'_>> =
            new.iter().map(|(name, files)| SidewaysPart { name, files }).collect();
        let found = sideways(&old, &new, &self.options.meaning);
        let rows = found.into_iter().map(|found| {
            let path = found.path.unwrap_or_default();
            let place = Place::new(&found.part, &path);
            let mut new = row(&path, Change::Together, place, vec![found.finding]);
            new.thing = Thing::Sideways;
            new
        });
        Ok(rows.collect())
    }

    fn trees_of<'s>(&self, subject: &'s Subject) -> Result<Vec<(&'s str, FileTree)>, DiffError> {
        let trees = subject.parts.iter().filter_map(|(name, part)| match part {
            Part::Tree(id) => Some((name.as_str(), *id)),
            Part::Blob(_) => None,
        });
        trees
            .map(|(name, id)| Ok((name, self.world.load(id).map_err(super::trees::unread)?)))
            .collect()
    }
}
