//! Fields by JSON pointer (RFC 6901): setting one, and visiting all that a pattern means.

use crate::yaml::{Map, Node, Value};

/// Why a field cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PointerError {
    /// A list has fewer items.
    #[error("`{at}` has {length} items, there is no item `{token}`")]
    Item {
        /// The list.
        at: String,
        /// Its length.
        length: usize,
        /// What was asked for.
        token: String,
    },
    /// Something on the way is neither a list nor a table.
    #[error("`{at}` is {found}, expected a table or a list")]
    Way {
        /// The value in the way.
        at: String,
        /// What it is.
        found: &'static str,
    },
}

/// The parts of a pointer, with `~1` and `~0` replaced.
pub fn tokens(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~")).collect()
}

/// Sets the field that `pointer` names. Missing tables on the way are made; `-` adds to a list.
pub fn set(root: &mut Node, pointer: &str, value: Value) -> Result<(), PointerError> {
    let tokens = tokens(pointer);
    let mut here = root;
    let mut walked = String::new();
    for token in &tokens {
        let (at, found) = (here.at, here.noun());
        if here.value == Value::Null {
            here.value = Value::Map(Map::new());
        }
        here = match &mut here.value {
            Value::Map(map) => {
                if map.get(token).is_none() {
                    map.set(token, at, Node::new(Value::Null, at));
                }
                let Some(next) = map.get_mut(token) else { return Ok(()) };
                next
            }
            Value::List(items) => {
                let length = items.len();
                let index = match token.as_str() {
                    "-" => Some(length),
                    digits => digits.parse().ok().filter(|index| *index < length),
                };
                let Some(index) = index else {
                    return Err(PointerError::Item { at: walked, length, token: token.clone() });
                };
                if index == length {
                    items.push(Node::new(Value::Null, at));
                }
                &mut items[index]
            }
            _ => return Err(PointerError::Way { at: walked, found }),
        };
        walked = format!("{walked}/{token}");
    }
    here.value = value;
    Ok(())
}

/// Visits every value that the parts mean; `*` stands for any key or item.
pub fn visit(node: &mut Node, tokens: &[String], to: &mut dyn FnMut(&mut Node)) {
    let Some((token, rest)) = tokens.split_first() else { return to(node) };
    match &mut node.value {
        Value::Map(map) => map
            .iter_mut()
            .filter(|entry| token == "*" || entry.key == *token)
            .for_each(|entry| visit(&mut entry.node, rest, to)),
        Value::List(items) => items
            .iter_mut()
            .enumerate()
            .filter(|(index, _)| token == "*" || index.to_string() == *token)
            .for_each(|(_, item)| visit(item, rest, to)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Budget, read, write_json};

    fn after(text: &str, pointer: &str) -> Result<String, PointerError> {
        let mut root = read(text.as_bytes(), Budget::default()).unwrap().remove(0).root;
        set(&mut root, pointer, Value::Text("new".into())).map(|()| write_json(&root))
    }

    #[test]
    fn missing_tables_are_made_and_a_dash_adds() {
        assert_eq!(after("a: 1", "/b/c").unwrap(), r#"{"a":1,"b":{"c":"new"}}"#);
        assert_eq!(after("a: [1]", "/a/-").unwrap(), r#"{"a":[1,"new"]}"#);
        assert_eq!(after("a: [{x: 1}]", "/a/0/x").unwrap(), r#"{"a":[{"x":"new"}]}"#);
        assert_eq!(after("a: 1", "/x~1y~0").unwrap(), r#"{"a":1,"x/y~":"new"}"#);
    }

    #[test]
    fn an_item_that_is_not_there_and_a_value_in_the_way_are_errors() {
        assert!(matches!(after("a: [1]", "/a/1"), Err(PointerError::Item { length: 1, .. })));
        assert!(matches!(after("a: 1", "/a/b"), Err(PointerError::Way { .. })));
    }
}
