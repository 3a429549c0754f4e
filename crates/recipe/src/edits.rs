//! What two states of a workspace's recipes say differently, each with the line that says it.
//!
//! Compared is what holds after `extends` and `vars`: a line of a base shows in every target that
//! takes it over, a variable in every string that uses it, and both are told by the place where
//! they are written. Comments, white space and the order of keys and tables say nothing.

use crate::{
    At, Loaded, Sources, Span, TargetName, form,
    lock::Change,
    node::{Node, Table, Value},
    vars::Scopes,
};
use std::collections::{BTreeMap, BTreeSet};

/// One difference of what is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// The target that it is said of; none for `[workspace]` and `[archive.NAME]`.
    pub target: Option<TargetName>,
    /// Where it stands: `options.TMPFS`, `packages[curl]`, `vars.tag`; empty for a whole target.
    pub path: String,
    /// What was said, and what is.
    pub change: Change,
    /// Where it is written; for what is said no more, where it was.
    pub span: Span,
}

/// What is said at one path.
struct Said<'a> {
    text: String,
    node: &'a Node,
}

/// Behind the path of a list whose order matters by itself.
const ORDER: &str = "#order";

/// Everything that `new` says differently from `old`, by target.
pub fn edits(old: &Loaded, new: &Loaded) -> Vec<Edit> {
    let mut out = Vec::new();
    compare(None, (old, &old.settings), (new, &new.settings), &mut out);
    let names: BTreeSet<&TargetName> = old.tables.keys().chain(new.tables.keys()).collect();
    for name in names {
        let whole = |loaded: &Loaded, change| {
            let span = loaded.workspace.target(name).map(|target| target.name.span)?;
            Some(Edit { target: Some(name.clone()), path: String::new(), change, span })
        };
        match (old.tables.get(name), new.tables.get(name)) {
            (Some(before), Some(after)) => {
                compare(Some(name), (old, before), (new, after), &mut out);
            }
            (Some(_), None) => out.extend(whole(old, Change::Removed(name.to_string()))),
            (None, _) => out.extend(whole(new, Change::Added(name.to_string()))),
        }
    }
    out
}

fn compare(
    target: Option<&TargetName>,
    (old, before): (&Loaded, &Table),
    (new, after): (&Loaded, &Table),
    out: &mut Vec<Edit>,
) {
    let (was, is) = (flat(before), flat(after));
    let paths: BTreeSet<&String> = was.keys().chain(is.keys()).collect();
    let mut found: Vec<Edit> = Vec::new();
    for path in paths {
        let (was, is) = (was.get(path), is.get(path));
        let text = |said: Option<&Said<'_>>| said.map(|said| said.text.clone());
        let Some(change) = Change::between(text(was).as_ref(), text(is).as_ref()) else { continue };
        let Some(span) = is.or(was).map(|said| said.node.span) else { continue };
        if let (Some(was), Some(is)) = (was, is) {
            let old = Side { loaded: old, table: before };
            let new = Side { loaded: new, table: after };
            let variables = moved_variables(&old, was.node, &new, is.node);
            if !variables.is_empty() {
                found.extend(variables.into_iter().map(|(path, change, span)| Edit {
                    target: target.cloned(),
                    path,
                    change,
                    span,
                }));
                continue;
            }
        }
        found.push(Edit { target: target.cloned(), path: path.clone(), change, span });
    }
    // The order of a list is told only where it is all that changed.
    let items: Vec<String> = found.iter().map(|edit| edit.path.clone()).collect();
    found.retain(|edit| match edit.path.strip_suffix(ORDER) {
        Some(list) => !items.iter().any(|path| path.starts_with(&format!("{list}["))),
        None => true,
    });
    for edit in &mut found {
        if let Some(list) = edit.path.strip_suffix(ORDER) {
            edit.path = list.to_owned();
        }
    }
    found.dedup();
    out.append(&mut found);
}

/// What a table says, by path.
fn flat(table: &Table) -> BTreeMap<String, Said<'_>> {
    let mut out = BTreeMap::new();
    for (name, field) in table {
        // What is taken over or replaced is seen where it arrives.
        if !["extends", "abstract", "vars"].contains(&name.as_str()) {
            say(name.clone(), &field.node, &mut out);
        }
    }
    out
}

fn say<'a>(path: String, node: &'a Node, out: &mut BTreeMap<String, Said<'a>>) {
    match &node.value {
        Value::Table(table) => {
            for (name, field) in table {
                say(format!("{path}.{name}"), &field.node, out);
            }
        }
        Value::List(items) => {
            let mut order = String::new();
            for (number, item) in items.iter().enumerate() {
                let name = identity(item).unwrap_or_else(|| number.to_string());
                order.push_str(&name);
                order.push('\n');
                let at = format!("{path}[{name}]");
                match &item.value {
                    Value::Table(_) | Value::List(_) => say(at, item, out),
                    _ => drop(out.insert(at, Said { text: plain(item), node: item })),
                }
            }
            out.insert(format!("{path}{ORDER}"), Said { text: order, node });
        }
        _ => drop(out.insert(path, Said { text: plain(node), node })),
    }
}

/// What an item of a list is called, wherever it stands in it.
fn identity(item: &Node) -> Option<String> {
    match &item.value {
        Value::Table(table) => ["path", "name", "from"]
            .iter()
            .find_map(|key| table.get(*key)?.node.as_text().map(str::to_owned)),
        Value::List(_) => None,
        _ => Some(plain(item)),
    }
}

fn plain(node: &Node) -> String {
    match &node.value {
        Value::Text(text) => text.clone(),
        Value::Int(number) => number.to_string(),
        Value::Bool(value) => value.to_string(),
        Value::List(_) | Value::Table(_) => String::new(),
        Value::Other(noun) => (*noun).to_owned(),
    }
}

/// A target as one state of the recipes says it.
struct Side<'a> {
    loaded: &'a Loaded,
    table: &'a Table,
}

impl Side<'_> {
    /// A value as it is written.
    fn written(&self, node: &Node) -> &str {
        written(&self.loaded.sources, node.span)
    }

    /// What a variable holds for a string in this file, and where that is written.
    fn variable(&self, name: &str, node: &Node) -> Option<At<String>> {
        let own = self.table.get("vars").and_then(|field| field.node.as_table());
        if let Some(field) = own.and_then(|own| own.get(name)) {
            return Some(At::new(field.node.as_text()?.to_owned(), field.node.span));
        }
        let Scopes { workspace, files } = &self.loaded.scopes;
        let layers = [Some(node.span.file), *workspace].into_iter().flatten();
        layers.filter_map(|file| files.get(&file)).find_map(|layer| layer.get(name).cloned())
    }
}

fn written(sources: &Sources, span: Span) -> &str {
    sources.text(span.file).get(span.start as usize..span.end as usize).unwrap_or_default()
}

/// The variables that moved where a value is written as it was.
fn moved_variables(
    old: &Side<'_>,
    was: &Node,
    new: &Side<'_>,
    is: &Node,
) -> Vec<(String, Change, Span)> {
    let text = new.written(is);
    if text != old.written(was) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for part in text.split("${").skip(1) {
        let Some((name, _)) = part.split_once('}').filter(|(name, _)| form::is_var_name(name))
        else {
            continue;
        };
        let (was, is) = (old.variable(name, was), new.variable(name, is));
        let value = |variable: &Option<At<String>>| variable.as_ref().map(|it| it.value.clone());
        let change = Change::between(value(&was).as_ref(), value(&is).as_ref());
        if let (Some(change), Some(place)) = (change, is.or(was)) {
            found.push((format!("vars.{name}"), change, place.span));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemoryLoader, load};

    const SETTINGS: &str = "[workspace]\nname = \"x\"\nepoch = 1700000000\n\n[vars]\ntag = \"1\"\n";
    const RECIPE: &str = "\
[source.a]
path = \"a\"

[rootfs.base]
files = [{ path = \"/etc/a\", text = \"${tag}\" }]
links = { \"/b\" = \"/c\" }

[rootfs.top]
extends = \"rootfs.base\"
dirs = [\"/one\", \"/two\"]
";

    fn loaded(settings: &str, recipe: &str) -> Loaded {
        let files =
            [("groundup.toml", settings), ("recipes/x.toml", recipe), ("a/a.txt", "content")];
        load(&MemoryLoader::new(files)).unwrap_or_else(|error| panic!("{error}"))
    }

    /// `target path change line` of each edit.
    fn told(old: (&str, &str), new: (&str, &str)) -> Vec<String> {
        let (old, new) = (loaded(old.0, old.1), loaded(new.0, new.1));
        let line = |edit: &Edit| {
            let removed = matches!(edit.change, Change::Removed(_));
            let side = if removed { &old } else { &new };
            side.sources.position(edit.span).line
        };
        let told = edits(&old, &new).into_iter().map(|edit| {
            let line = line(&edit);
            let target = edit.target.map_or("-".to_owned(), |target| target.to_string());
            format!("{target} {} {} :{line}", edit.path, edit.change).replace('\n', ",")
        });
        told.collect()
    }

    #[test]
    fn comments_white_space_and_order_of_tables_say_nothing() {
        let (first, second) = RECIPE.split_at(RECIPE.find("[rootfs.top]").unwrap());
        let shuffled = format!("# words\n{second}\n\n{}", first.replace(" = ", "="));
        assert_eq!(told((SETTINGS, RECIPE), (SETTINGS, &shuffled)), Vec::<String>::new());
    }

    #[test]
    fn a_line_of_a_base_shows_in_all_that_extend_it() {
        let edited = RECIPE.replace("\"/c\"", "\"/d\"");
        assert_eq!(
            told((SETTINGS, RECIPE), (SETTINGS, &edited)),
            ["rootfs.base links./b /c -> /d :6", "rootfs.top links./b /c -> /d :6",]
        );
    }

    #[test]
    fn a_variable_is_told_by_its_own_line() {
        let edited = SETTINGS.replace("tag = \"1\"", "tag = \"2\"");
        assert_eq!(
            told((SETTINGS, RECIPE), (&edited, RECIPE)),
            ["rootfs.base vars.tag 1 -> 2 :6", "rootfs.top vars.tag 1 -> 2 :6"]
        );
    }

    #[test]
    fn items_of_lists_are_told_by_name_and_their_order_only_alone() {
        let more = RECIPE.replace("[\"/one\", \"/two\"]", "[\"/zero\", \"/one\", \"/two\"]");
        assert_eq!(
            told((SETTINGS, RECIPE), (SETTINGS, &more)),
            ["rootfs.top dirs[/zero] added /zero :10"]
        );
        let turned = RECIPE.replace("[\"/one\", \"/two\"]", "[\"/two\", \"/one\"]");
        assert_eq!(
            told((SETTINGS, RECIPE), (SETTINGS, &turned)),
            ["rootfs.top dirs /one,/two, -> /two,/one, :10"]
        );
    }

    #[test]
    fn targets_and_settings_come_and_go() {
        let (fewer, _) = RECIPE.split_at(RECIPE.find("[rootfs.top]").unwrap());
        let later = SETTINGS.replace("1700000000", "1800000000");
        assert_eq!(
            told((SETTINGS, RECIPE), (&later, fewer)),
            ["- workspace.epoch 1700000000 -> 1800000000 :3", "rootfs.top  removed rootfs.top :8",]
        );
        assert_eq!(
            told((SETTINGS, fewer), (SETTINGS, RECIPE)),
            ["rootfs.top  added rootfs.top :8"]
        );
    }
}
