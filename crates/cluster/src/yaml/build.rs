//! Events of the parser to values.

use super::{
    Budget, Entry, Map, Node, Place, ReadError, Value,
    scalar::{Plain, plain},
};
use granit_parser::{Event, ScalarStyle, Tag};
use std::{borrow::Cow, collections::BTreeMap};

/// What becomes of a scalar or collection with a tag.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tagged {
    No,
    Text,
}

/// Something that is not finished.
enum Open {
    List { items: Vec<Node>, at: Place, anchor: usize },
    Map { map: Map, key: Option<Key>, merges: Vec<Node>, at: Place, anchor: usize },
}

/// A key whose value is still to come.
enum Key {
    /// An ordinary one.
    Named(String, Place),
    /// `<<` without quotes.
    Merge,
}

/// Puts the values of one document together.
pub(super) struct Builder {
    budget: Budget,
    document: u32,
    nodes: usize,
    open: Vec<Open>,
    root: Option<Node>,
    /// Finished anchors, with the number of values in them.
    anchors: BTreeMap<usize, (Node, usize)>,
}

impl Builder {
    pub(super) fn new(budget: Budget) -> Self {
        let (open, anchors) = (Vec::new(), BTreeMap::new());
        Self { budget, document: 1, nodes: 0, open, root: None, anchors }
    }

    pub(super) fn start(&mut self, document: u32) {
        self.document = document;
        self.open.clear();
        self.anchors.clear();
        self.root = None;
    }

    pub(super) fn finish(&mut self) -> Option<Node> {
        self.root.take()
    }

    fn error(&self, at: Place, message: impl Into<String>) -> ReadError {
        ReadError { document: self.document, at, message: message.into(), help: None }
    }

    pub(super) fn event(&mut self, event: Event<'_>, at: Place) -> Result<(), ReadError> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tagged = self.tag(tag, at)?;
                let plain = style == ScalarStyle::Plain && tagged == Tagged::No;
                if plain && text == "<<" && self.merge_key() {
                    return self.count(1, at);
                }
                let value = self.scalar(text, style, tagged, at)?;
                self.count(1, at)?;
                self.done(Node::new(value, at), anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.tag(tag, at)?;
                self.deeper(at)?;
                self.open.push(Open::List { items: Vec::new(), at, anchor });
                Ok(())
            }
            Event::MappingStart(_, anchor, tag) => {
                self.tag(tag, at)?;
                self.deeper(at)?;
                let map = Map::new();
                self.open.push(Open::Map { map, key: None, merges: Vec::new(), at, anchor });
                Ok(())
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, at),
            _ => Ok(()),
        }
    }

    /// Takes `<<` as the key of what is merged, where a key is to come.
    fn merge_key(&mut self) -> bool {
        match self.open.last_mut() {
            Some(Open::Map { key: key @ None, .. }) => {
                *key = Some(Key::Merge);
                true
            }
            _ => false,
        }
    }

    fn deeper(&mut self, at: Place) -> Result<(), ReadError> {
        self.count(1, at)?;
        if self.open.len() >= self.budget.depth {
            let message = format!("values stand more than {} deep", self.budget.depth);
            return Err(self.error(at, message));
        }
        Ok(())
    }

    fn count(&mut self, more: usize, at: Place) -> Result<(), ReadError> {
        self.nodes = self.nodes.saturating_add(more);
        if self.nodes <= self.budget.nodes {
            return Ok(());
        }
        let most = self.budget.nodes;
        let message = match more {
            1 => format!("the file has more than {most} values"),
            _ => format!("aliases make more than {most} values of this file here"),
        };
        Err(self.error(at, message))
    }

    fn tag(&self, tag: Option<Cow<'_, Tag>>, at: Place) -> Result<Tagged, ReadError> {
        let Some(tag) = tag else { return Ok(Tagged::No) };
        let name = tag.to_string();
        let core = name.strip_prefix("tag:yaml.org,2002:").or_else(|| name.strip_prefix("!!"));
        match core {
            Some("str") => Ok(Tagged::Text),
            Some("map" | "seq" | "int" | "float" | "bool" | "null") => Ok(Tagged::No),
            _ if name == "!" => Ok(Tagged::Text),
            _ => {
                let mut error = self.error(at, format!("the tag `{name}` means nothing here"));
                error.help = Some("Kubernetes knows only what JSON can say".to_owned());
                Err(error)
            }
        }
    }

    fn scalar(
        &self,
        text: Cow<'_, str>,
        style: ScalarStyle,
        tagged: Tagged,
        at: Place,
    ) -> Result<Value, ReadError> {
        if style != ScalarStyle::Plain || tagged == Tagged::Text {
            return Ok(Value::Text(text.into_owned()));
        }
        match plain(&text) {
            Plain::Sure(value) => Ok(value),
            Plain::Unsure(why) => {
                let mut error = self.error(at, format!("`{text}` without quotes is {why}"));
                error.help = Some(match why.split_once(' ') {
                    Some((word @ ("true" | "false"), _)) => {
                        format!("write `{word}`, or \"{text}\" for the text")
                    }
                    _ => format!("write \"{text}\" for the text, or the number in plain digits"),
                });
                Err(error)
            }
            Plain::NotFinite => Err(self.error(at, format!("`{text}` is no number of JSON"))),
        }
    }

    fn alias(&mut self, anchor: usize, at: Place) -> Result<(), ReadError> {
        let Some((node, nodes)) = self.anchors.get(&anchor) else {
            return Err(self.error(at, "the alias stands inside of what it repeats"));
        };
        let (mut node, nodes) = (node.clone(), (*nodes).max(2));
        self.count(nodes, at)?;
        // What an alias repeats is spoken of where it is used.
        node.at = at;
        self.done(node, 0)
    }

    fn close(&mut self) -> Result<(), ReadError> {
        let (node, anchor) = match self.open.pop() {
            Some(Open::List { items, at, anchor }) => (Node::new(Value::List(items), at), anchor),
            Some(Open::Map { map, merges, at, anchor, .. }) => {
                let map = self.merged(map, merges)?;
                (Node::new(Value::Map(map), at), anchor)
            }
            None => return Ok(()),
        };
        self.done(node, anchor)
    }

    /// Takes `<<`: what the table has itself wins, then the first that is merged.
    fn merged(&self, mut map: Map, merges: Vec<Node>) -> Result<Map, ReadError> {
        for merge in merges {
            let at = merge.at;
            let tables = match merge.value {
                Value::List(items) => items,
                _ => vec![merge],
            };
            for table in tables {
                let Value::Map(other) = table.value else {
                    return Err(self.error(at, "`<<` takes a table, or a list of tables"));
                };
                for entry in other.iter() {
                    if map.entry(&entry.key).is_none() {
                        map.push(entry.clone());
                    }
                }
            }
        }
        Ok(map)
    }

    /// A value is finished.
    fn done(&mut self, node: Node, anchor: usize) -> Result<(), ReadError> {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), size(&node)));
        }
        let document = self.document;
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List { items, .. }) => items.push(node),
            Some(Open::Map { map, key: key @ None, .. }) => {
                let error = |message| ReadError { document, at: node.at, message, help: None };
                let text = match &node.value {
                    Value::Text(text) => text.clone(),
                    Value::Int(number) => number.to_string(),
                    Value::Bool(value) => value.to_string(),
                    _ => return Err(error(format!("{} cannot be a key", node.noun()))),
                };
                if let Some(first) = map.entry(&text) {
                    let line = first.at.line;
                    return Err(error(format!(
                        "the key `{text}` is there twice, first in line {line}"
                    )));
                }
                *key = Some(Key::Named(text, node.at));
            }
            Some(Open::Map { map, key, merges, .. }) => match key.take() {
                Some(Key::Named(key, at)) => map.push(Entry { key, at, node }),
                Some(Key::Merge) => merges.push(node),
                None => {}
            },
        }
        Ok(())
    }
}

/// How many values there are in a value.
fn size(node: &Node) -> usize {
    match &node.value {
        Value::List(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Map(map) => 1 + map.iter().map(|entry| 1 + size(&entry.node)).sum::<usize>(),
        _ => 1,
    }
}
