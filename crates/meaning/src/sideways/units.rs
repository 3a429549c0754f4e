//! Units that ask for units and programs that are gone.

use super::{Part, Sideways};
use crate::{
    Finding, Kind,
    root::Files,
    systemd::{Units, units},
};

/// Keys of `[Unit]` whose units have to be there; what is only ordered after is not needed.
const NEEDS: &[&str] = &["Requires", "Requisite", "BindsTo", "Wants", "PartOf", "Upholds"];

const PROGRAMS: &[&str] = &["ExecStart", "ExecStartPre", "ExecStartPost", "ExecReload", "ExecStop"];

/// Units of a root that need what was there before and is not now.
pub(super) fn dangling(before: &Part<'_>, after: &Part<'_>) -> Vec<Sideways> {
    let (old, new) = (units(before.files), units(after.files));
    let mut found = Vec::new();
    for (name, unit) in new.iter() {
        for key in NEEDS {
            for set in unit.get("Unit", key) {
                for wanted in set.value.split_whitespace() {
                    if is_there(&old, wanted) && !is_there(&new, wanted) {
                        let what = format!("{name}: {key}= names a unit that is gone");
                        let finding = Finding::removed(Kind::Sideways, what, wanted);
                        found.push(of(after, &set.file, finding));
                    }
                }
            }
        }
        for key in PROGRAMS {
            for set in unit.get("Service", key) {
                let Some(program) = program(&set.value) else { continue };
                if has(before.files, &program) && !has(after.files, &program) {
                    let what = format!("{name}: {key}= starts a program that is gone");
                    let finding = Finding::removed(Kind::Sideways, what, format!("/{program}"));
                    found.push(of(after, &set.file, finding));
                }
            }
        }
    }
    found
}

fn of(part: &Part<'_>, path: &str, finding: Finding) -> Sideways {
    Sideways { part: part.name.to_owned(), path: Some(path.to_owned()), finding }
}

/// Whether a unit is there; one of a template is there if the template is.
fn is_there(units: &Units, name: &str) -> bool {
    let template = name
        .split_once('@')
        .and_then(|(stem, rest)| Some(format!("{stem}@.{}", rest.rsplit_once('.')?.1)));
    units.has(name) || template.is_some_and(|template| units.has(&template))
}

/// The program of a command line, without the signs that may stand before it: systemd.service(5).
fn program(line: &str) -> Option<String> {
    let word = line.trim_start_matches(['-', '@', ':', '+', '!']).split_whitespace().next()?;
    let path = word.strip_prefix('/')?;
    (!path.contains(['%', '$'])).then(|| path.to_owned())
}

fn has(files: &dyn Files, path: &str) -> bool {
    files.read(path).is_some()
}
