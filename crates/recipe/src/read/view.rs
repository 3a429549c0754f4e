//! Typed access to the keys of a checked table.

use crate::{
    At,
    node::{Node, Table, Value},
};
use std::{collections::BTreeMap, str::FromStr};

/// A checked table.
#[derive(Clone, Copy)]
pub(crate) struct View<'a>(pub(crate) &'a Table);

/// The text of a node by `parse`.
fn parsed<T>(node: &Node, parse: impl Fn(&str) -> Option<T>) -> Option<At<T>> {
    Some(At::new(parse(node.as_text()?)?, node.span))
}

fn own(text: &str) -> Option<String> {
    Some(text.to_owned())
}

impl<'a> View<'a> {
    pub(crate) fn node(self, key: &str) -> Option<&'a Node> {
        self.0.get(key).map(|field| &field.node)
    }

    pub(crate) fn text(self, key: &str) -> Option<At<String>> {
        self.by(key, own)
    }

    pub(crate) fn get<T: FromStr>(self, key: &str) -> Option<At<T>> {
        self.by(key, |text| text.parse().ok())
    }

    pub(crate) fn by<T>(self, key: &str, parse: impl Fn(&str) -> Option<T>) -> Option<At<T>> {
        parsed(self.node(key)?, parse)
    }

    pub(crate) fn flag(self, key: &str) -> Option<bool> {
        match self.node(key)?.value {
            Value::Bool(value) => Some(value),
            _ => None,
        }
    }

    pub(crate) fn int<T: TryFrom<i64>>(self, key: &str) -> Option<At<T>> {
        let node = self.node(key)?;
        match node.value {
            Value::Int(number) => Some(At::new(T::try_from(number).ok()?, node.span)),
            _ => None,
        }
    }

    /// The items of a list; none where there is no list.
    pub(crate) fn items(self, key: &str) -> &'a [Node] {
        self.node(key).and_then(Node::as_list).unwrap_or_default()
    }

    pub(crate) fn list<T: FromStr>(self, key: &str) -> Vec<At<T>> {
        let items = self.items(key).iter();
        items.filter_map(|node| parsed(node, |text| text.parse().ok())).collect()
    }

    pub(crate) fn texts(self, key: &str) -> Vec<At<String>> {
        self.items(key).iter().filter_map(|node| parsed(node, own)).collect()
    }

    /// A list of words, where there is one.
    pub(crate) fn words(self, key: &str) -> Option<Vec<String>> {
        let list = self.node(key)?.as_list()?;
        Some(list.iter().filter_map(|node| node.as_text().map(str::to_owned)).collect())
    }

    pub(crate) fn table(self, key: &str) -> Option<View<'a>> {
        self.node(key)?.as_table().map(View)
    }

    /// The keys and values of a table, sorted; none where there is no table.
    pub(crate) fn entries(self, key: &str) -> impl Iterator<Item = (&'a str, &'a Node)> {
        let table = self.node(key).and_then(Node::as_table);
        table.into_iter().flatten().map(|(name, field)| (name.as_str(), &field.node))
    }

    /// Where a key of a table inside stands.
    pub(crate) fn key_span(self, table: &str, key: &str) -> Option<crate::Span> {
        Some(self.table(table)?.0.get(key)?.key)
    }

    pub(crate) fn map<T: FromStr>(self, key: &str) -> BTreeMap<String, At<T>> {
        let entries = self.entries(key);
        entries
            .filter_map(|(name, node)| {
                Some((name.to_owned(), parsed(node, |text| text.parse().ok())?))
            })
            .collect()
    }

    pub(crate) fn strings(self, key: &str) -> BTreeMap<String, String> {
        let entries = self.entries(key);
        entries
            .filter_map(|(name, node)| Some((name.to_owned(), node.as_text()?.to_owned())))
            .collect()
    }
}
