//! What the files of units and of their drop-ins in a root together say.
//!
//! systemd.unit(5): of files of one name the first of [`ROOTS`] counts; drop-ins of all of them are read
//! by their names, where the more specific folder (`foo-.service.d` before `service.d`) and then the
//! first root wins. A link to `/dev/null`, or an empty file, masks.

use super::{Unit, unit};
use crate::{Finding, Kind, root::Files};
use std::collections::{BTreeMap, BTreeSet};

/// Where configuration is looked for, the first first. `lib` is that of roots whose /usr is not merged.
pub(crate) const ROOTS: &[&str] = &["etc", "run", "usr/local/lib", "usr/lib", "lib"];

/// Files of one kind that are looked for.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    /// What stands before names.
    pub(super) prefix: &'static str,
    /// The folder below each root.
    pub(super) folder: &'static str,
    /// Whether a file name is one of them.
    pub(super) accepts: fn(&str) -> bool,
    /// What it means that there is no file.
    pub(super) absent: Absent,
}

/// What it means that there is no file of a name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Absent {
    /// There is no such thing.
    Nothing,
    /// Everything is the default, as if the file were empty.
    Defaults,
}

const TYPES: &[&str] = &[
    ".service",
    ".socket",
    ".target",
    ".timer",
    ".mount",
    ".automount",
    ".swap",
    ".path",
    ".slice",
    ".device",
    ".scope",
];

fn is_unit(name: &str) -> bool {
    TYPES.iter().any(|end| name.ends_with(end))
}

fn is_network(name: &str) -> bool {
    [".network", ".netdev", ".link"].iter().any(|end| name.ends_with(end))
}

/// System units, those of users, and interfaces.
pub(super) const SCOPES: &[Scope] = &[
    Scope { prefix: "", folder: "systemd/system", accepts: is_unit, absent: Absent::Nothing },
    Scope {
        prefix: "user unit ",
        folder: "systemd/user",
        accepts: is_unit,
        absent: Absent::Nothing,
    },
    Scope { prefix: "", folder: "systemd/network", accepts: is_network, absent: Absent::Nothing },
];

/// What became of a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum State {
    /// It can never start.
    Masked { by: String },
    /// It is another name of a unit.
    Alias { of: String, by: String },
    /// It is made of these files.
    Made { unit: Unit, file: Option<String> },
}

impl State {
    fn shown(&self) -> String {
        match self {
            Self::Masked { by } => format!("masked by {by}"),
            Self::Alias { of, by } => format!("another name of {of}, by {by}"),
            Self::Made { file: Some(file), .. } => file.clone(),
            Self::Made { file: None, .. } => "drop-ins only".to_owned(),
        }
    }
}

/// The configuration of a scope in one root.
#[derive(Default)]
pub(super) struct Loaded {
    pub(super) states: BTreeMap<String, State>,
    /// The links that pull units in: what, how (`wants`), by what; and the link.
    pub(super) pulls: BTreeMap<(String, String, String), String>,
    /// Files that take effect.
    pub(super) read: BTreeSet<String>,
    /// Files that could not be read as what they are.
    pub(super) broken: Vec<Finding>,
    mains: BTreeMap<String, String>,
    /// By the folder without `.d`, then by file name.
    drop_ins: BTreeMap<String, BTreeMap<String, String>>,
}

impl Loaded {
    pub(super) fn of(files: &dyn Files, scope: Scope) -> Self {
        let mut loaded = Self::default();
        for root in ROOTS {
            let folder = format!("{root}/{}", scope.folder);
            for path in files.below(&folder) {
                let Some(rest) = path.strip_prefix(&folder).and_then(|rest| rest.strip_prefix('/'))
                else {
                    continue;
                };
                let rest = rest.to_owned();
                loaded.sort_in(&rest, path, scope);
            }
        }
        let mut names: BTreeSet<String> = loaded.mains.keys().cloned().collect();
        let lone =
            loaded.drop_ins.keys().filter(|name| (scope.accepts)(name) && !name.contains("-."));
        names.extend(lone.cloned().collect::<Vec<_>>());
        for name in names {
            let state = loaded.make(files, &name);
            loaded.states.insert(name, state);
        }
        loaded
    }

    /// Puts a path where it belongs; earlier roots win.
    fn sort_in(&mut self, rest: &str, path: String, scope: Scope) {
        let Some((folder, name)) = rest.split_once('/') else {
            if (scope.accepts)(rest) {
                self.mains.entry(rest.to_owned()).or_insert(path);
            }
            return;
        };
        if let Some(unit) = folder.strip_suffix(".d") {
            if name.ends_with(".conf") && !name.contains('/') {
                let folder = self.drop_ins.entry(unit.to_owned()).or_default();
                folder.entry(name.to_owned()).or_insert(path);
            }
            return;
        }
        let (Some((by, how)), false) = (folder.rsplit_once('.'), name.contains('/')) else {
            return;
        };
        if ["wants", "requires", "upholds"].contains(&how) {
            let key = (name.to_owned(), how.to_owned(), by.to_owned());
            self.pulls.entry(key).or_insert(path);
        }
    }

    fn make(&mut self, files: &dyn Files, name: &str) -> State {
        let mut made = Unit::default();
        let main = self.mains.get(name).cloned();
        if let Some(path) = &main {
            self.read.insert(path.clone());
            let target = files.link(path);
            if target.as_deref() == Some("/dev/null") {
                return State::Masked { by: path.clone() };
            }
            let base = target.as_deref().map(|target| target.rsplit('/').next().unwrap_or(target));
            if let Some(of) = base.filter(|base| *base != name) {
                return State::Alias { of: of.to_owned(), by: path.clone() };
            }
            match files.read(path) {
                Some(text) if text.is_empty() => return State::Masked { by: path.clone() },
                Some(text) => self.add(&mut made, &text, path),
                None => {}
            }
        }
        let mut chosen: BTreeMap<String, String> = BTreeMap::new();
        for folder in folders(name) {
            let found = self.drop_ins.get(&folder).into_iter().flatten();
            chosen.extend(found.map(|(name, path)| (name.clone(), path.clone())));
        }
        for path in chosen.values() {
            self.read.insert(path.clone());
            let masks = files.link(path).as_deref() == Some("/dev/null");
            if let Some(text) = files.read(path).filter(|_| !masks) {
                self.add(&mut made, &text, path);
            }
        }
        State::Made { unit: made, file: main }
    }

    fn add(&mut self, unit: &mut Unit, text: &[u8], path: &str) {
        if let Err(error) = unit.add(&String::from_utf8_lossy(text), path) {
            self.read.remove(path);
            self.broken.push(Finding::not_compared(path, error));
        }
    }
}

/// The system units of a root.
pub(crate) struct Units(Loaded);

/// Reads the system units of a root.
pub(crate) fn units(files: &dyn Files) -> Units {
    Units(Loaded::of(files, SCOPES[0]))
}

impl Units {
    /// Units with what their files together say.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Unit)> {
        self.0.states.iter().filter_map(|(name, state)| match state {
            State::Made { unit, .. } => Some((name.as_str(), unit)),
            State::Masked { .. } | State::Alias { .. } => None,
        })
    }

    /// Whether a unit can start.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.states.get(name).is_some_and(|state| !matches!(state, State::Masked { .. }))
    }
}

/// The folders of drop-ins of a name, without `.d`, the least specific first.
fn folders(name: &str) -> Vec<String> {
    let Some((stem, kind)) = name.rsplit_once('.') else { return vec![name.to_owned()] };
    let mut folders = vec![kind.to_owned()];
    let base = stem.split_once('@').map_or(stem, |(base, _)| base);
    for (at, _) in base.match_indices('-') {
        folders.push(format!("{}.{kind}", &base[..=at]));
    }
    if stem.contains('@') && !stem.ends_with('@') {
        folders.push(format!("{base}@.{kind}"));
    }
    folders.push(name.to_owned());
    folders
}

/// What differs between two roots in one scope.
pub(super) fn compare(scope: Scope, before: &Loaded, after: &Loaded) -> Vec<Finding> {
    let mut findings: Vec<Finding> = after.broken.clone();
    findings.extend(before.broken.iter().filter(|one| !after.broken.contains(one)).cloned());
    let names: BTreeSet<&String> = before.states.keys().chain(after.states.keys()).collect();
    for name in names {
        let what = format!("{}{name}", scope.prefix);
        let default = (scope.absent == Absent::Defaults)
            .then(|| State::Made { unit: Unit::default(), file: None });
        let (a, b) = (before.states.get(name), after.states.get(name));
        match (a.or(default.as_ref()), b.or(default.as_ref())) {
            (Some(State::Made { unit: a, file: x }), Some(State::Made { unit: b, file: y })) => {
                findings.extend(unit::compare(Kind::Setting, &what, a, b));
                if scope.absent == Absent::Defaults {
                    // Where the file is says nothing; what it says is compared.
                } else if x.is_some() != y.is_some() {
                    let shown =
                        |file: &Option<String>| file.clone().unwrap_or("no file of its own".into());
                    findings.push(Finding::changed(Kind::Setting, &*what, shown(x), shown(y)));
                } else if x != y && !is_merge(x, y) {
                    let shown = |file: &Option<String>| file.clone().unwrap_or_default();
                    let finding = Finding::changed(Kind::Encoding, &*what, shown(x), shown(y));
                    findings.push(finding.note("another file is the unit"));
                }
            }
            (Some(a), Some(b)) if a != b => {
                findings.push(Finding::changed(Kind::Setting, what, a.shown(), b.shown()));
            }
            (Some(a), None) => findings.push(Finding::removed(Kind::Setting, what, a.shown())),
            (None, Some(b)) => findings.push(Finding::added(Kind::Setting, what, b.shown())),
            _ => {}
        }
    }
    findings
}

/// Whether a file only moved from /lib to /usr/lib or back, which are one directory where /usr is merged.
fn is_merge(x: &Option<String>, y: &Option<String>) -> bool {
    let bare =
        |path: &Option<String>| path.as_ref().map(|p| p.trim_start_matches("usr/").to_owned());
    bare(x) == bare(y)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_drop_ins_go_from_the_type_to_the_name() {
        assert_eq!(
            folders("foo-bar@x.service"),
            ["service", "foo-.service", "foo-bar@.service", "foo-bar@x.service"]
        );
    }
}
