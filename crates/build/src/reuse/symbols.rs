//! Which configuration symbols a text names, and what a generated header makes of them.
//!
//! A kernel's `include/generated/autoconf.h` is read by every compilation and changes with every
//! option, but an answer depends only on the symbols that the texts read with it name: the rule of
//! the kernel's own `scripts/basic/fixdep.c`. Here it is made sound where that one trusts: a text
//! that pastes a name together (`CONFIG_##x`) depends on the header as a whole.

use std::collections::{BTreeMap, BTreeSet};

/// What a text says about symbols.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// The identifiers in it that begin with `CONFIG_`.
    pub(crate) names: BTreeSet<String>,
    /// It may make more of them out of parts.
    pub(crate) pastes: bool,
}

/// A symbol's definitions in a header: its own, and that of `…_MODULE`, which `IS_ENABLED` looks at.
pub(crate) type Value = (Option<String>, Option<String>);

const PREFIX: &[u8] = b"CONFIG_";

/// Looks for symbols in a text.
pub(crate) fn scan(text: &[u8]) -> Named {
    let mut named = Named::default();
    let mut at = 0;
    while let Some(found) = find(&text[at..], PREFIX) {
        let start = at + found;
        let length = text[start..].iter().take_while(|byte| is_word(**byte)).count();
        at = start + length;
        let inside = start > 0 && is_word(text[start - 1]);
        if !inside && length > PREFIX.len() {
            named.names.insert(String::from_utf8_lossy(&text[start..at]).into_owned());
        }
        named.pastes |= is_pasted(&text[at..]);
    }
    named
}

/// Whether what follows a name makes another name of it.
fn is_pasted(mut rest: &[u8]) -> bool {
    loop {
        rest = match rest {
            // A line that goes on: the name may, too.
            [b'\\', b'\n', next, ..] if is_word(*next) => return true,
            [b'\\', b'\r', b'\n', next, ..] if is_word(*next) => return true,
            [b'\\', b'\n', rest @ ..] | [b'\\', b'\r', b'\n', rest @ ..] => rest,
            [b' ' | b'\t', rest @ ..] => rest,
            [b'#', b'#', ..] | [b'%', b':', b'%', b':', ..] => return true,
            // A comment may hide the operator.
            [b'/', b'*', rest @ ..] => match find(rest, b"*/") {
                Some(end) => &rest[end + 2..],
                None => return false,
            },
            _ => return false,
        };
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    let first = *word.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|byte| *byte == first)?;
        if text[at..].starts_with(word) {
            return Some(at);
        }
        from = at + 1;
    }
}

/// The definitions in a header that holds nothing else; none for one that does.
pub(crate) fn definitions(header: &[u8]) -> Option<BTreeMap<String, String>> {
    let text = std::str::from_utf8(header).ok()?;
    let mut definitions = BTreeMap::new();
    let mut comment = false;
    for line in text.lines() {
        let line = line.trim();
        if comment || line.starts_with("/*") {
            comment = !line.ends_with("*/");
            // What follows a comment on its line is nothing that Kconfig writes.
            if line.find("*/").is_some_and(|end| end + 2 != line.len()) {
                return None;
            }
            continue;
        }
        if line.is_empty() {
            continue;
        }
        let (name, value) = line.strip_prefix("#define ")?.split_once(' ')?;
        if !name.starts_with("CONFIG_") || !name.bytes().all(is_word) || value.ends_with('\\') {
            return None;
        }
        definitions.insert(name.to_owned(), value.to_owned());
    }
    Some(definitions)
}

/// What a header defines for a symbol.
pub(super) fn value(definitions: &BTreeMap<String, String>, name: &str) -> Value {
    let module = format!("{name}_MODULE");
    (definitions.get(name).cloned(), definitions.get(&module).cloned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        scan(text.as_bytes()).names.into_iter().collect()
    }

    #[test]
    fn whole_identifiers_count() {
        let text = "#ifdef CONFIG_SMP\nXCONFIG_NO IS_ENABLED(CONFIG_A1_b) \"CONFIG_\" CONFIG_<foo>";
        assert_eq!(names(text), ["CONFIG_A1_b", "CONFIG_SMP"]);
        assert!(!scan(text.as_bytes()).pastes);
    }

    #[test]
    fn names_out_of_parts_are_noticed() {
        let texts = [
            "IS_ENABLED(CONFIG_##option)",
            "CONFIG_NR_ /* x */ ## y",
            "CONFIG_A\\\nB",
            "CONFIG_A \\\n ##b",
            "CONFIG_A %:%: b",
        ];
        for text in texts {
            assert!(scan(text.as_bytes()).pastes, "{text}");
        }
        for text in ["CONFIG_A \\\n + 1", "CONFIG_A # b", "CONFIG_A /* ## ", "option##_MODULE"] {
            assert!(!scan(text.as_bytes()).pastes, "{text}");
        }
    }

    #[test]
    fn a_header_of_definitions_is_read() {
        let header = "/*\n *\n * Automatically generated file; DO NOT EDIT.\n */\n\
                      #define CONFIG_A 1\n#define CONFIG_B_MODULE 1\n#define CONFIG_C \"x y\"\n";
        let definitions = definitions(header.as_bytes()).unwrap();
        assert_eq!(value(&definitions, "CONFIG_A"), (Some("1".into()), None));
        assert_eq!(value(&definitions, "CONFIG_B"), (None, Some("1".into())));
        assert_eq!(value(&definitions, "CONFIG_C").0.as_deref(), Some("\"x y\""));
        assert_eq!(value(&definitions, "CONFIG_D"), (None, None));
    }

    #[test]
    fn a_header_of_something_else_is_none() {
        let headers = ["#include <x.h>\n", "#define OTHER 1\n", "#define CONFIG_A(x) 1\n"];
        for header in headers.into_iter().chain(["#define CONFIG_A \\\n1\n", "/* a */ #if 1\n"]) {
            assert_eq!(definitions(header.as_bytes()), None, "{header}");
        }
    }
}
