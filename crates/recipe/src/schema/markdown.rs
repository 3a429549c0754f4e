//! Writes the description as the reference in `docs/recipes.md`.

use super::{ARCHIVES, Merge, Need, Spec, Type, WORKSPACE_TABLE, kinds};
use crate::check::noun;

pub(super) fn write() -> String {
    let mut out = String::from(include_str!("intro.md"));
    if let (Type::Table(workspace), Type::Map(_, Type::Table(archive))) =
        (&WORKSPACE_TABLE, &ARCHIVES)
    {
        section("[workspace]", workspace, 2, &mut out);
        section("[archive.NAME]", archive, 2, &mut out);
    }
    for (kind, spec) in kinds() {
        section(&format!("[{kind}.NAME]"), spec, 2, &mut out);
    }
    out
}

fn section(title: &str, spec: &'static Spec, level: usize, out: &mut String) {
    out.push_str(&format!("\n{} `{title}`\n\n{}\n", "#".repeat(level), spec.doc));
    out.push_str("\n| key | value | without it | |\n|---|---|---|---|\n");
    for key in spec.keys {
        let without = match key.need {
            Need::Required => "**required**".to_owned(),
            Need::Optional("") => "one of these".to_owned(),
            Need::Optional(default) => default.to_owned(),
            Need::With(other, default) => format!("{default} (only with `{other}`)"),
        };
        let merged = match &key.ty {
            Type::List(_, Merge::Append) => " A child's items come after its parent's.",
            Type::List(_, Merge::Replace) => " A child's list replaces its parent's.",
            Type::List(_, Merge::By(_)) => {
                " A child's items come after its parent's, or replace those of the same name or path."
            }
            _ => "",
        };
        let value = noun(&key.ty).replace('|', "\\|");
        out.push_str(&format!("| `{}` | {value} | {without} | {}{merged} |\n", key.name, key.doc));
    }
    for key in spec.keys {
        if let Some(inner) = inner(&key.ty) {
            let title = format!("{} of {}", key.name, title.trim_matches(['[', ']']));
            section(&title, inner, level + 1, out);
        }
    }
}

/// The table that values of this type are made of.
fn inner(ty: &'static Type) -> Option<&'static Spec> {
    match ty {
        Type::Table(spec) => Some(spec),
        Type::List(item, _) | Type::Map(_, item) => inner(item),
        Type::Either(first, second) => inner(first).or_else(|| inner(second)),
        _ => None,
    }
}
