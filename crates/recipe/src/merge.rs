//! `extends`: what a target takes over from its parent.

use crate::{
    node::{Field, Node, Table, Value},
    schema::{Merge, Need, Spec, Type},
};

/// Keys that say what a target is, and are not taken over.
const OWN: [&str; 2] = ["extends", "abstract"];

/// `child` with what it takes over from `parent`.
pub(crate) fn inherit(spec: &Spec, parent: &Table, mut child: Table) -> Table {
    let settled: Vec<&str> = spec
        .one_of
        .iter()
        .filter(|group| group.iter().any(|name| child.contains_key(*name)))
        .flat_map(|group| group.iter().copied().filter(|name| !child.contains_key(*name)))
        .collect();
    for (name, field) in parent {
        let key = spec.key(name);
        let company = key.and_then(|key| match key.need {
            Need::With(other, _) => Some(other),
            _ => None,
        });
        let dropped = |name: &str| settled.contains(&name);
        if OWN.contains(&name.as_str()) || dropped(name) || company.is_some_and(dropped) {
            continue;
        }
        match (child.get_mut(name), key) {
            (None, _) => {
                child.insert(name.clone(), field.clone());
            }
            (Some(own), Some(key)) => merge_field(&key.ty, field, own),
            (Some(_), None) => {}
        }
    }
    child
}

fn merge_field(ty: &Type, parent: &Field, own: &mut Field) {
    match (ty, &parent.node.value, &mut own.node.value) {
        (Type::Either(first, second), _, _) => {
            for ty in [*first, *second] {
                if matches!(ty, Type::List(..) | Type::Map(..) | Type::Table(_)) {
                    merge_field(ty, parent, own);
                }
            }
        }
        (Type::List(_, rule), Value::List(theirs), Value::List(ours)) => {
            let mine = std::mem::take(ours);
            *ours = merge_lists(*rule, theirs, mine);
        }
        (Type::Map(_, item), Value::Table(theirs), Value::Table(ours)) => {
            for (name, field) in theirs {
                match ours.get_mut(name) {
                    Some(own) => merge_field(item, field, own),
                    None => drop(ours.insert(name.clone(), field.clone())),
                }
            }
        }
        (Type::Table(spec), Value::Table(theirs), Value::Table(ours)) => {
            let mine = std::mem::take(ours);
            *ours = inherit(spec, theirs, mine);
        }
        _ => {}
    }
}

fn merge_lists(rule: Merge, theirs: &[Node], ours: Vec<Node>) -> Vec<Node> {
    let same: fn(&Node, &Node, &str) -> bool = match rule {
        Merge::Replace => return ours,
        Merge::Append => |a, b, _| equal(a, b),
        Merge::By(_) => |a, b, key| identity(a, key).is_some_and(|a| identity(b, key) == Some(a)),
    };
    let key = match rule {
        Merge::By(key) => key,
        _ => "",
    };
    match rule {
        Merge::Append => {
            let fresh = ours.into_iter().filter(|own| !theirs.iter().any(|t| same(t, own, key)));
            theirs.iter().cloned().chain(fresh.collect::<Vec<_>>()).collect()
        }
        _ => {
            let kept = theirs.iter().filter(|t| !ours.iter().any(|own| same(t, own, key)));
            kept.cloned().chain(ours.iter().cloned()).collect()
        }
    }
}

/// What tells an item of a list from others: its own text, or the text of one key.
pub(crate) fn identity<'a>(node: &'a Node, key: &str) -> Option<&'a str> {
    match &node.value {
        Value::Text(text) => Some(text),
        Value::Table(table) => table.get(key)?.node.as_text(),
        _ => None,
    }
}

fn equal(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Text(a), Value::Text(b)) => a == b,
        (Value::Int(a), Value::Int(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::List(a), Value::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(a, b))
        }
        (Value::Table(a), Value::Table(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && equal(&a.1.node, &b.1.node))
        }
        _ => false,
    }
}
