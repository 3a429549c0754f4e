//! Values to text, the same bytes for the same value: keys sorted, two blanks a level, texts in
//! double quotes wherever a reader of YAML 1.1 or 1.2 could take them for something else.

use super::{Node, Value, scalar::needs_quotes};

/// Writes one document, without `---`, with a line break at its end.
pub fn write_document(root: &Node) -> String {
    let mut out = String::new();
    match &root.value {
        Value::Map(map) if !map.is_empty() => block(root, 0, &mut out),
        Value::List(items) if !items.is_empty() => block(root, 0, &mut out),
        _ => {
            flow(root, Escapes::Yaml, &mut out);
            out.push('\n');
        }
    }
    out
}

/// Writes a value as JSON, keys sorted, without blanks.
pub fn write_json(root: &Node) -> String {
    let mut out = String::new();
    flow(root, Escapes::Json, &mut out);
    out
}

/// How characters beyond the first plane are escaped: YAML knows no pairs of surrogates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Escapes {
    Json,
    Yaml,
}

/// A list or table that is not empty, one item a line.
fn block(node: &Node, depth: usize, out: &mut String) {
    match &node.value {
        Value::Map(map) => {
            for entry in map.sorted() {
                indent(depth, out);
                key(&entry.key, out);
                out.push(':');
                after(&entry.node, depth, out);
            }
        }
        Value::List(items) => {
            for item in items {
                indent(depth, out);
                out.push('-');
                match &item.value {
                    // The first key stands beside the dash.
                    Value::Map(map) if !map.is_empty() => {
                        let mut inner = String::new();
                        block(item, depth + 1, &mut inner);
                        out.push(' ');
                        out.push_str(inner.trim_start_matches(' '));
                    }
                    _ => after(item, depth, out),
                }
            }
        }
        _ => {}
    }
}

/// A value behind `key:` or `-`.
fn after(node: &Node, depth: usize, out: &mut String) {
    let filled = match &node.value {
        Value::Map(map) => !map.is_empty(),
        Value::List(items) => !items.is_empty(),
        _ => false,
    };
    if filled {
        out.push('\n');
        return block(node, depth + 1, out);
    }
    out.push(' ');
    match &node.value {
        Value::Text(text) if is_literal(text) => literal(text, depth + 1, out),
        Value::Text(text) if !needs_quotes(text) => {
            out.push_str(text);
            out.push('\n');
        }
        _ => {
            flow(node, Escapes::Yaml, out);
            out.push('\n');
        }
    }
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n("  ", depth));
}

fn key(text: &str, out: &mut String) {
    match needs_quotes(text) {
        true => quote(text, Escapes::Yaml, out),
        false => out.push_str(text),
    }
}

/// Whether a text is better read in lines: it has several, and nothing that a block would change.
fn is_literal(text: &str) -> bool {
    let plain = |c: char| (c == '\n') || (' '..='~').contains(&c);
    let first = text.trim_start_matches('\n');
    text.contains('\n')
        && text.ends_with('\n')
        && !text.ends_with("\n\n")
        && text.chars().all(plain)
        && !first.starts_with(' ')
        && !text.starts_with('\n')
        && !text.lines().any(|line| line.ends_with(' '))
}

fn literal(text: &str, depth: usize, out: &mut String) {
    out.push_str("|\n");
    for line in text.lines() {
        if !line.is_empty() {
            indent(depth, out);
            out.push_str(line);
        }
        out.push('\n');
    }
}

/// A value in one line, as JSON.
fn flow(node: &Node, escapes: Escapes, out: &mut String) {
    match &node.value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Int(number) => out.push_str(&number.to_string()),
        Value::Float(number) => out.push_str(&float(*number)),
        Value::Text(text) => quote(text, escapes, out),
        Value::List(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                flow(item, escapes, out);
            }
            out.push(']');
        }
        Value::Map(map) => {
            out.push('{');
            for (index, entry) in map.sorted().into_iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                quote(&entry.key, escapes, out);
                out.push(':');
                flow(&entry.node, escapes, out);
            }
            out.push('}');
        }
    }
}

/// A number as JSON and both versions of YAML read it: with a point, and a sign in its exponent.
fn float(number: f64) -> String {
    let text = format!("{number:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let small: i32 = exponent.parse().unwrap_or_default();
    if (-6..16).contains(&small) {
        return number.to_string();
    }
    let point = if digits.contains('.') { "" } else { ".0" };
    let sign = if small < 0 { "" } else { "+" };
    format!("{digits}{point}e{sign}{exponent}")
}

/// JSON's quotes, which are YAML's too; what is not printable ASCII or an ordinary letter is
/// escaped.
fn quote(text: &str, escapes: Escapes, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            ' '..='~' => out.push(c),
            c if c.is_alphanumeric() => out.push(c),
            c if escapes == Escapes::Yaml && u32::from(c) > 0xffff => {
                out.push_str(&format!("\\U{:08x}", u32::from(c)));
            }
            c => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Budget, Place, read};

    /// What YAML 1.1, 1.2 or some reader of them takes for something else.
    pub(crate) const NASTY: &[&str] = &[
        "",
        " ",
        "~",
        "null",
        "Null",
        "true",
        "True",
        "yes",
        "No",
        "on",
        "OFF",
        "y",
        "N",
        "0",
        "012",
        "0o14",
        "0x1F",
        "0b1",
        "1_000",
        "1e3",
        "1.",
        ".5",
        "-.inf",
        ".nan",
        "12:30:45",
        "190:20:30",
        "2001-12-14",
        "2001-12-14t21:59:43.10-05:00",
        "=",
        "<<",
        "-",
        "- a",
        "?",
        "? a",
        ":",
        "a: b",
        "a:",
        ":a",
        "#",
        "a #b",
        "&a",
        "*a",
        "!a",
        "|",
        ">",
        "%a",
        "@a",
        "`a",
        "'",
        "\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        "a, b",
        "[a]",
        "{a: b}",
        "---",
        "...",
        "--- a",
        " a",
        "a ",
        "a\tb",
        "a\nb",
        "a\n",
        "\n",
        "\na",
        " a\nb\n",
        "a\n\n",
        "a \nb\n",
        "é",
        "日本",
        "\u{85}",
        "\u{2028}",
        "\u{feff}",
        "\u{0}",
        "\u{7f}",
        "😀",
        "a\\b",
        "C:\\x",
        "a:b",
        "http://x/y?z=1#f",
        "x: |",
        "+1",
        "+",
        "1,000",
        "0.1.2",
        "nan",
        "inf",
        "a\r\nb",
    ];

    fn text(text: &str) -> Node {
        Node::text(text, Place::default())
    }

    #[test]
    fn every_text_comes_back_as_itself() {
        for nasty in NASTY {
            let mut map = super::super::Map::new();
            map.set("value", Place::default(), text(nasty));
            map.set(nasty, Place::default(), text("as key"));
            let items = vec![text(nasty), Node::new(Value::Map(map.clone()), Place::default())];
            map.set("list", Place::default(), Node::new(Value::List(items), Place::default()));
            let root = Node::new(Value::Map(map), Place::default());
            let written = write_document(&root);
            let back = read(written.as_bytes(), Budget::default());
            let back = back.unwrap_or_else(|error| panic!("{nasty:?}: {error:?}\n{written}"));
            assert_eq!(back[0].root, root, "{nasty:?}\n{written}");
            assert_eq!(write_document(&back[0].root), written);
        }
    }

    #[test]
    fn words_of_yaml_1_1_stand_in_quotes() {
        for nasty in
            ["on", "no", "y", "0x1", "1e3", "~", "2001-12-14", "12:30", "", "=", "<<", "1.5"]
        {
            let mut out = String::new();
            after(&text(nasty), 0, &mut out);
            assert_eq!(out, format!(" \"{nasty}\"\n"));
        }
        for plain in ["nginx", "apps/v1", "a b", "key=value", "v1.2.3", "example.com/x"] {
            let mut out = String::new();
            after(&text(plain), 0, &mut out);
            assert_eq!(out, format!(" {plain}\n"));
        }
    }

    #[test]
    fn numbers_come_back_as_themselves() {
        for (number, text) in [
            (0.25, "0.25"),
            (6.1e45, "6.1e+45"),
            (1e-9, "1.0e-9"),
            (-1.5, "-1.5"),
            (1e22, "1.0e+22"),
        ] {
            assert_eq!(float(number), text);
            let root = read(text.as_bytes(), Budget::default()).unwrap().remove(0).root;
            assert_eq!(root.value, Value::Float(number), "{text}");
        }
    }

    #[test]
    fn lists_and_tables_are_written_in_one_way() {
        let text = "b: [{z: 1, x: [2]}, [], {}]\na: {c: \"x\\ny\\n\"}\n";
        let root = read(text.as_bytes(), Budget::default()).unwrap().remove(0).root;
        let expected =
            "a:\n  c: |\n    x\n    y\nb:\n  - x:\n      - 2\n    z: 1\n  - []\n  - {}\n";
        assert_eq!(write_document(&root), expected);
    }
}
