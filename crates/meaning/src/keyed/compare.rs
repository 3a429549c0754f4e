//! Two values, compared by path.

use super::Value;
use crate::text::edits::{Edit, edits};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

/// By which keys the items of a list are told apart, if all have one of them.
const NAMES: &[&str] = &["name", "id", "key", "uid", "mountPath", "containerPort", "port"];
/// Lists whose named items take effect in their order.
const ORDERED: &[&str] = &["initContainers", "steps", "stages", "rules", "plugins", "pipeline"];

/// How paths are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// `/spec/containers[web]/image`
    Slashes,
    /// `spec.containers[web].image`
    Dots,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Segment {
    /// A key of a table.
    Key(String),
    /// An item of a list, by its name.
    Item(String),
    /// An item of a list, by its place from 0.
    Index(usize),
}

/// In what way values differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// They are different values.
    Value,
    /// They are the same number in another spelling.
    Spelling,
    /// Named items are the same in another order that says nothing.
    Moved,
    /// Items are the same in another order that says something.
    Order,
}

/// One difference between two values.
#[derive(Debug, Clone)]
pub(crate) struct Difference<'a> {
    pub(crate) path: Vec<Segment>,
    pub(crate) before: Option<&'a Value>,
    pub(crate) after: Option<&'a Value>,
    pub(crate) how: How,
}

/// Writes a path.
pub(crate) fn path(segments: &[Segment], style: Style) -> String {
    let mut out = String::new();
    for segment in segments {
        match (segment, style) {
            (Segment::Item(name), _) => {
                let _ = write!(out, "[{name}]");
            }
            (Segment::Index(at), _) => {
                let _ = write!(out, "[{at}]");
            }
            (Segment::Key(key), Style::Slashes) if !key.contains('/') => {
                let _ = write!(out, "/{key}");
            }
            (Segment::Key(key), Style::Dots) if !key.contains(['.', '/']) => {
                let dot = if out.is_empty() { "" } else { "." };
                let _ = write!(out, "{dot}{key}");
            }
            (Segment::Key(key), _) => {
                let _ = write!(out, "[{key}]");
            }
        }
    }
    match out.is_empty() {
        true => "/".to_owned(),
        false => out,
    }
}

/// All differences of two values, and in how many tables the keys stand in another order.
pub(crate) fn differences<'a>(before: &'a Value, after: &'a Value) -> (Vec<Difference<'a>>, usize) {
    let mut walk = Walk { path: Vec::new(), found: Vec::new(), reordered: 0 };
    walk.value(before, after);
    (walk.found, walk.reordered)
}

struct Walk<'a> {
    path: Vec<Segment>,
    found: Vec<Difference<'a>>,
    reordered: usize,
}

impl<'a> Walk<'a> {
    fn tell(&mut self, before: Option<&'a Value>, after: Option<&'a Value>, how: How) {
        self.found.push(Difference { path: self.path.clone(), before, after, how });
    }

    fn at(&mut self, segment: Segment, work: impl FnOnce(&mut Self)) {
        self.path.push(segment);
        work(self);
        self.path.pop();
    }

    fn value(&mut self, a: &'a Value, b: &'a Value) {
        match (a, b) {
            (Value::Map(x), Value::Map(y)) => self.map(x, y),
            (Value::List(x), Value::List(y)) => self.list(a, b, x, y),
            (Value::Number(x), Value::Number(y)) if x == y => {
                if x.written != y.written {
                    self.tell(Some(a), Some(b), How::Spelling);
                }
            }
            (Value::Null, Value::Null) => {}
            (Value::Bool(x), Value::Bool(y)) if x == y => {}
            (Value::Text(x), Value::Text(y)) if x == y => {}
            _ => self.tell(Some(a), Some(b), How::Value),
        }
    }

    fn map(&mut self, x: &'a [(String, Value)], y: &'a [(String, Value)]) {
        // The last one of equal keys counts, as for most readers; how often it is there is told.
        let index = |entries: &'a [(String, Value)]| -> BTreeMap<&'a str, (&'a Value, usize)> {
            let mut map = BTreeMap::new();
            for (key, value) in entries {
                let slot = map.entry(key.as_str()).or_insert((value, 0));
                *slot = (value, slot.1 + 1);
            }
            map
        };
        let (left, right) = (index(x), index(y));
        for (key, (value, times)) in &left {
            let key = Segment::Key((*key).to_owned());
            self.at(key, |walk| match right.get(key_of(&walk.path)) {
                None => walk.tell(Some(value), None, How::Value),
                Some((other, again)) => {
                    let from = walk.found.len();
                    walk.value(value, other);
                    if times != again && walk.found.len() == from {
                        walk.reordered += 1;
                    }
                }
            });
        }
        for (key, (value, _)) in &right {
            if !left.contains_key(key) {
                let key = Segment::Key((*key).to_owned());
                self.at(key, |walk| walk.tell(None, Some(value), How::Value));
            }
        }
        let kept = |entries: &'a [(String, Value)], other: &BTreeMap<&str, (&Value, usize)>| {
            let keys = entries.iter().map(|entry| entry.0.as_str());
            keys.filter(|key| other.contains_key(key)).collect::<Vec<_>>()
        };
        let (mine, theirs) = (kept(x, &right), kept(y, &left));
        if mine.len() == theirs.len() && mine != theirs {
            self.reordered += 1;
        }
    }

    fn list(&mut self, a: &'a Value, b: &'a Value, x: &'a [Value], y: &'a [Value]) {
        if let Some(key) = name_key(x, y) {
            return self.named(a, b, key);
        }
        let ids = |items: &[Value]| items.iter().map(Value::identity).collect::<Vec<_>>();
        let (left, right) = (ids(x), ids(y));
        if left == right {
            // Equal but for the spelling of numbers and the order of keys within.
            for (at, (value, other)) in x.iter().zip(y).enumerate() {
                self.at(Segment::Index(at), |walk| walk.value(value, other));
            }
            return;
        }
        let sorted = |ids: &[String]| {
            let mut ids = ids.to_vec();
            ids.sort_unstable();
            ids
        };
        if sorted(&left) == sorted(&right) {
            return self.tell(Some(a), Some(b), How::Order);
        }
        for edit in edits(&left, &right) {
            self.hunk(x, y, &edit);
        }
    }

    fn hunk(&mut self, x: &'a [Value], y: &'a [Value], edit: &Edit) {
        let paired = edit.before.len().min(edit.after.len());
        let same = edit.before.len() == edit.after.len();
        for (at, other) in edit.before.clone().zip(edit.after.clone()).take(paired) {
            let (Some(value), Some(with)) = (x.get(at), y.get(other)) else { continue };
            self.at(Segment::Index(other), |walk| {
                if same || matches!((value, with), (Value::Map(_), Value::Map(_))) {
                    walk.value(value, with);
                } else {
                    walk.tell(Some(value), Some(with), How::Value);
                }
            });
        }
        for at in edit.before.clone().skip(paired) {
            self.at(Segment::Index(at), |walk| walk.tell(x.get(at), None, How::Value));
        }
        for at in edit.after.clone().skip(paired) {
            self.at(Segment::Index(at), |walk| walk.tell(None, y.get(at), How::Value));
        }
    }

    /// Lists of items that have names.
    fn named(&mut self, a: &'a Value, b: &'a Value, key: &str) {
        let index = |list: &'a Value| -> Vec<(String, &'a Value)> {
            let named = |item: &'a Value| Some((item.get(key)?.shown(), item));
            list.items().iter().filter_map(named).collect()
        };
        let (x, y) = (index(a), index(b));
        let (left, right): (BTreeMap<&str, &Value>, BTreeMap<&str, &Value>) = (
            x.iter().map(|(name, item)| (name.as_str(), *item)).collect(),
            y.iter().map(|(name, item)| (name.as_str(), *item)).collect(),
        );
        for (name, item) in &x {
            self.at(Segment::Item(name.clone()), |walk| match right.get(name.as_str()) {
                Some(other) => walk.value(item, other),
                None => walk.tell(Some(item), None, How::Value),
            });
        }
        for (name, item) in y.iter().filter(|(name, _)| !left.contains_key(name.as_str())) {
            self.at(Segment::Item(name.clone()), |walk| walk.tell(None, Some(item), How::Value));
        }
        let kept = |items: &[(String, &Value)], other: &BTreeMap<&str, &Value>| -> Vec<String> {
            let names = items.iter().map(|(name, _)| name.clone());
            names.filter(|name| other.contains_key(name.as_str())).collect()
        };
        if kept(&x, &right) != kept(&y, &left) {
            let is_ordered = ORDERED.contains(&key_of(&self.path));
            self.tell(None, None, if is_ordered { How::Order } else { How::Moved });
        }
    }
}

pub(super) fn key_of(path: &[Segment]) -> &str {
    match path.last() {
        Some(Segment::Key(key)) => key,
        _ => "",
    }
}

/// The key by which all items of both lists can be told apart.
fn name_key(x: &[Value], y: &[Value]) -> Option<&'static str> {
    if x.is_empty() || y.is_empty() {
        return None;
    }
    let unique = |items: &[Value], key: &str| {
        let mut seen = BTreeSet::new();
        items.iter().all(|item| match item.get(key) {
            Some(name @ (Value::Text(_) | Value::Number(_))) => seen.insert(name.shown()),
            _ => false,
        })
    };
    NAMES.iter().copied().find(|key| unique(x, key) && unique(y, key))
}
