//! Checks a table against its [`Spec`]: unknown keys, types, forms, what is missing.

use crate::{
    Diagnostic, Span,
    form::{Form, alternatives},
    nearest::nearest,
    node::{Field, Node, Table, Value},
    schema::{Key, Need, Spec, Type},
};

/// How much of a table is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// All of it, with variables replaced.
    Whole,
    /// What an abstract target says: keys may be missing, and variables stand as they are.
    Partial,
}

/// Checks `table`; `at` is where messages about missing keys point.
pub(crate) fn check_table(
    spec: &Spec,
    table: &Table,
    at: Span,
    extent: Extent,
    out: &mut Vec<Diagnostic>,
) {
    Checker { extent, out }.table(spec, table, at);
}

/// Checks one value.
pub(crate) fn check_value(key: &str, ty: &Type, node: &Node, out: &mut Vec<Diagnostic>) {
    Checker { extent: Extent::Whole, out }.value(key, ty, node);
}

struct Checker<'a> {
    extent: Extent,
    out: &'a mut Vec<Diagnostic>,
}

impl Checker<'_> {
    fn table(&mut self, spec: &Spec, table: &Table, at: Span) {
        for (name, field) in table {
            match spec.key(name) {
                Some(key) => {
                    self.value(name, &key.ty, &field.node);
                    self.company(spec, table, key, field);
                }
                None => self.out.push(unknown_key(spec, name, field.key)),
            }
        }
        for group in spec.one_of {
            self.one_of(spec, table, group, at);
        }
        let missing = |key: &&Key| key.need == Need::Required && !table.contains_key(key.name);
        if self.extent == Extent::Whole {
            for key in spec.keys.iter().filter(missing) {
                let title = format!("{} needs the key `{}`", spec.noun, key.name);
                let hint = format!("`{}`: {}", key.name, expected(&key.ty));
                self.out.push(Diagnostic::error(title).label(at, "not said here").help(hint));
            }
        }
    }

    /// A key that goes only with another.
    fn company(&mut self, spec: &Spec, table: &Table, key: &Key, field: &Field) {
        let Need::With(other, _) = key.need else { return };
        if table.contains_key(other) || self.extent == Extent::Partial {
            return;
        }
        let chosen = spec.one_of.iter().flat_map(|group| group.iter());
        let chosen = chosen.filter_map(|name| table.get_key_value(*name)).next();
        let mut diagnostic = Diagnostic::error(format!("`{}` goes only with `{other}`", key.name))
            .label(field.key, format!("{} without `{other}`", spec.noun));
        if let Some((name, field)) = chosen {
            diagnostic = diagnostic.label(field.key, format!("this one is of `{name}`"));
        }
        self.out.push(diagnostic);
    }

    fn one_of(&mut self, spec: &Spec, table: &Table, group: &[&str], at: Span) {
        let mut given: Vec<(&str, Span)> = group
            .iter()
            .filter_map(|name| table.get(*name).map(|field| (*name, field.key)))
            .collect();
        given.sort_by_key(|(_, span)| *span);
        match given.as_slice() {
            [] if self.extent == Extent::Whole => {
                let title = format!("{} needs exactly one of {}", spec.noun, alternatives(group));
                self.out.push(Diagnostic::error(title).label(at, "has none of them"));
            }
            [] | [_] => {}
            [first, rest @ ..] => {
                let title = format!("{} has exactly one of {}", spec.noun, alternatives(group));
                let mut diagnostic = Diagnostic::error(title);
                for (name, span) in rest {
                    diagnostic = diagnostic.label(*span, format!("`{name}` as well"));
                }
                self.out.push(diagnostic.label(first.1, format!("`{}` is here", first.0)));
            }
        }
    }

    fn value(&mut self, key: &str, ty: &Type, node: &Node) {
        match (ty, &node.value) {
            (Type::Text(form), Value::Text(text)) => self.form(key, *form, text, node.span),
            (Type::Words(words), Value::Text(text)) => {
                if !words.contains(&text.as_str()) && !self.open(text) {
                    let near = nearest(text, words.iter().copied());
                    let diagnostic = misfit(key, text, node.span, &expected(ty));
                    self.out.push(diagnostic.nearest(near));
                }
            }
            (Type::Bool, Value::Bool(_)) => {}
            (Type::Int { min, max }, Value::Int(number)) => {
                if !(min..=max).contains(&number) {
                    self.out.push(misfit(key, &number.to_string(), node.span, &expected(ty)));
                }
            }
            (Type::List(item, _), Value::List(nodes)) => {
                nodes.iter().for_each(|node| self.value(key, item, node));
            }
            (Type::Map(form, item), Value::Table(table)) => {
                for (name, field) in table {
                    if let Err(misfit) = form.check(name) {
                        let diagnostic =
                            Diagnostic::error(format!("`{name}` cannot be a key of `{key}`"))
                                .label(field.key, format!("expected {}", form.noun()))
                                .nearest(misfit.nearest.as_deref());
                        self.out.push(diagnostic);
                    }
                    self.value(name, item, &field.node);
                }
            }
            (Type::Table(spec), Value::Table(table)) => self.table(spec, table, node.span),
            (Type::Either(first, second), _) => {
                let chosen = [first, second].into_iter().find(|ty| same_type(ty, &node.value));
                match chosen {
                    Some(ty) => self.value(key, ty, node),
                    None => self.out.push(wrong_type(key, ty, node)),
                }
            }
            _ => self.out.push(wrong_type(key, ty, node)),
        }
    }

    fn form(&mut self, key: &str, form: Form, text: &str, span: Span) {
        if self.open(text) {
            return;
        }
        if let Err(why) = form.check(text) {
            let mut diagnostic = misfit(key, text, span, &format!("expected {}", form.noun()));
            if let Some(reason) = why.reason {
                diagnostic = diagnostic.help(reason);
            }
            self.out.push(diagnostic.nearest(why.nearest.as_deref()));
        }
    }

    /// Whether what `text` says is not known yet.
    fn open(&self, text: &str) -> bool {
        self.extent == Extent::Partial && text.contains("${")
    }
}

fn misfit(key: &str, text: &str, span: Span, label: &str) -> Diagnostic {
    let shown: String = match text.lines().next() {
        Some(line) if line.len() < text.len() || line.chars().count() > 60 => {
            line.chars().take(60).chain(['…']).collect()
        }
        _ => text.to_owned(),
    };
    let title = match shown.is_empty() {
        true => format!("an empty string is not valid for `{key}`"),
        false => format!("`{shown}` is not valid for `{key}`"),
    };
    Diagnostic::error(title).label(span, label)
}

fn wrong_type(key: &str, ty: &Type, node: &Node) -> Diagnostic {
    let title = format!("`{key}` has the wrong type: found {}", node.noun());
    let diagnostic = Diagnostic::error(title);
    match (ty, &node.value) {
        (Type::List(..), Value::Text(text)) if !text.contains('\n') => diagnostic
            .label(node.span, "expected a list, in `[` and `]`")
            .help(format!("for a single item write `[{text:?}]`")),
        (Type::List(..), _) => diagnostic.label(node.span, "expected a list, in `[` and `]`"),
        _ => diagnostic.label(node.span, expected(ty)),
    }
}

fn same_type(ty: &Type, value: &Value) -> bool {
    match (ty, value) {
        (Type::Text(_) | Type::Words(_), Value::Text(_))
        | (Type::Bool, Value::Bool(_))
        | (Type::Int { .. }, Value::Int(_))
        | (Type::List(..), Value::List(_))
        | (Type::Map(..) | Type::Table(_), Value::Table(_)) => true,
        (Type::Either(first, second), _) => same_type(first, value) || same_type(second, value),
        _ => false,
    }
}

/// "expected …".
fn expected(ty: &Type) -> String {
    format!("expected {}", noun(ty))
}

/// What a type is called, with an article.
pub(crate) fn noun(ty: &Type) -> String {
    match ty {
        Type::Text(Form::Any) => "a string".into(),
        Type::Text(form) => form.noun(),
        Type::Words(words) => alternatives(words.iter()),
        Type::Bool => "`true` or `false`".into(),
        Type::Int { min: 0, max } if *max >= 4_294_967_294 => "a number, 0 or more".into(),
        Type::Int { min, max } => format!("a number from {min} to {max}"),
        Type::List(item, _) => match item {
            Type::Text(Form::Any | Form::Line) => "a list of strings, in `[` and `]`".into(),
            _ => format!("a list, in `[` and `]`; each item {}", noun(item)),
        },
        Type::Map(..) => "a table of `name = value`".into(),
        Type::Table(spec) => format!("{}, as a table", spec.noun),
        Type::Either(first, second) => format!("{}; or {}", noun(first), noun(second)),
    }
}

pub(crate) fn unknown_key(spec: &Spec, name: &str, span: Span) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("unknown key `{name}` in {}", spec.noun))
        .label(span, format!("not a key of {}", spec.noun));
    if let Some((_, why)) = spec.refused.iter().find(|(refused, _)| *refused == name) {
        return diagnostic.help(*why);
    }
    match nearest(name, spec.keys.iter().map(|key| key.name)) {
        Some(near) => diagnostic.nearest(Some(near)),
        None => {
            let keys: Vec<String> = spec.keys.iter().map(|key| format!("`{}`", key.name)).collect();
            diagnostic.help(format!("its keys are {}", keys.join(", ")))
        }
    }
}
