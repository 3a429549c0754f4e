//! `${name}` in strings: from the target's `vars`, else those of the file that the string stands
//! in, else those of the workspace. `$${` is a plain `${`.

use crate::{
    At, Diagnostic, FileIndex, Sources, Span, form,
    nearest::nearest,
    node::{Field, Node, Table, Value},
};
use std::collections::BTreeMap;

/// The variables of all files.
#[derive(Debug, Clone)]
pub(crate) struct Scopes {
    pub(crate) workspace: Option<FileIndex>,
    pub(crate) files: BTreeMap<FileIndex, Variables>,
}

/// Texts by name, and where they are written.
pub(crate) type Variables = BTreeMap<String, At<String>>;

/// Keys whose strings are taken as they are.
const VERBATIM: [&str; 3] = ["extends", "abstract", "vars"];

impl Scopes {
    /// Replaces the variables in the strings of a target.
    pub(crate) fn replace(&self, table: &mut Table, sources: &Sources, out: &mut Vec<Diagnostic>) {
        let own = table.get("vars").and_then(|field| field.node.as_table());
        let own: Variables = own.map(values).unwrap_or_default();
        for (name, field) in table.iter_mut() {
            if !VERBATIM.contains(&name.as_str()) {
                self.node(&mut field.node, &own, sources, out);
            }
        }
    }

    fn node(&self, node: &mut Node, own: &Variables, sources: &Sources, out: &mut Vec<Diagnostic>) {
        match &mut node.value {
            Value::Text(text) if text.contains("${") => {
                let scope = Scope { scopes: self, own, file: node.span.file };
                *text = scope.text(text, node.span, sources, out);
            }
            Value::List(items) => items.iter_mut().for_each(|n| self.node(n, own, sources, out)),
            Value::Table(table) => {
                table.values_mut().for_each(|f| self.node(&mut f.node, own, sources, out));
            }
            _ => {}
        }
    }
}

/// The texts of a table of variables.
pub(crate) fn values(table: &Table) -> Variables {
    let texts = table.iter().filter_map(|(name, Field { node, .. })| {
        Some((name.clone(), At::new(node.as_text()?.to_owned(), node.span)))
    });
    texts.collect()
}

/// Variables do not refer to variables.
pub(crate) fn check_plain(table: &Table, sources: &Sources, out: &mut Vec<Diagnostic>) {
    for (name, Field { node, .. }) in table {
        if node.as_text().is_some_and(|text| text.contains("${")) {
            let title = format!("the variable `{name}` refers to a variable");
            let diagnostic = Diagnostic::error(title)
                .label(within(sources, node.span, "${"), "taken as it is, not replaced")
                .help("variables hold plain text; put them together where they are used");
            out.push(diagnostic);
        }
    }
}

struct Scope<'a> {
    scopes: &'a Scopes,
    own: &'a Variables,
    file: FileIndex,
}

impl Scope<'_> {
    fn layers(&self) -> impl Iterator<Item = &Variables> {
        let files = [Some(self.file), self.scopes.workspace];
        let files = files.into_iter().flatten();
        std::iter::once(self.own).chain(files.filter_map(|file| self.scopes.files.get(&file)))
    }

    fn text(&self, text: &str, span: Span, sources: &Sources, out: &mut Vec<Diagnostic>) -> String {
        let mut result = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, after) = (&rest[..at], &rest[at + 2..]);
            if let Some(plain) = before.strip_suffix('$') {
                result.push_str(plain);
                result.push_str("${");
                rest = after;
                continue;
            }
            result.push_str(before);
            let name = after.split_once('}').map(|(name, _)| name);
            match name.filter(|name| form::is_var_name(name)) {
                Some(name) => {
                    match self.layers().find_map(|layer| layer.get(name)) {
                        Some(value) => result.push_str(value),
                        None => out.push(self.unknown(name, span, sources)),
                    }
                    rest = &after[name.len() + 1..];
                }
                None => {
                    out.push(not_a_variable(after, span, sources));
                    rest = after;
                }
            }
        }
        result.push_str(rest);
        result
    }

    fn unknown(&self, name: &str, span: Span, sources: &Sources) -> Diagnostic {
        let whole = format!("${{{name}}}");
        let near = nearest(name, self.layers().flat_map(|layer| layer.keys().map(String::as_str)));
        let diagnostic = Diagnostic::error(format!("there is no variable `{name}`"))
            .label(within(sources, span, &whole), "not in any `vars` that holds here")
            .nearest(near);
        match near {
            Some(_) => diagnostic,
            None => diagnostic.help(format!(
                "set it in `[vars]`; for a variable of the shell write `${name}` or `$${{{name}}}`"
            )),
        }
    }
}

fn not_a_variable(after: &str, span: Span, sources: &Sources) -> Diagnostic {
    let end = after.find(['}', '\n']).map_or(after.len(), |end| end + 1);
    let shown: String = after[..end].chars().take(40).collect();
    let whole = format!("${{{}", shown.trim_end());
    Diagnostic::error(format!("`{whole}` is not a variable of a recipe"))
        .label(
            within(sources, span, &whole),
            "expected `${name}`, with a name of lower-case letters",
        )
        .help("to keep it as it is, for the shell say, write `$${` in place of `${`")
}

/// The part of `span` whose source text is `part`, or all of it.
fn within(sources: &Sources, span: Span, part: &str) -> Span {
    let text = sources.text(span.file).get(span.start as usize..span.end as usize);
    match text.and_then(|text| text.find(part)) {
        Some(at) => {
            let start = span.start as usize + at;
            Span::new(span.file, start..start + part.len())
        }
        None => span,
    }
}
