//! What several files of a root file system together tell: packages, effective units, parameters of the
//! kernel, accounts, and whether the root can change itself.

use super::{Comparer, gained, row};
use crate::{Change, Place, Row, Thing, World};
use groundup_meaning::{Finding, Kind as FindingKind, Telling, root};
use groundup_tree::{FileTree, Kind, Name, TreePath};
use std::collections::BTreeSet;

/// How many symlinks are followed on the way to a file.
const MOST_LINKS: u32 = 40;

impl Comparer<'_> {
    /// Puts what files together tell in the place of what each of them tells, if this is a root.
    pub(super) fn together(
        &self,
        place: &Place,
        before: &FileTree,
        after: &FileTree,
        rows: Vec<Row>,
    ) -> Vec<Row> {
        if !is_root(before) && !is_root(after) {
            return rows;
        }
        let [a, b] = [before, after].map(|tree| Tree { world: self.world, tree });
        let sections = root::compare(&a, &b, &self.options.meaning);
        let edited = self.edited(place, &a, &b, &rows);
        let explained: BTreeSet<&String> = sections.iter().flat_map(|it| &it.explains).collect();
        let depth = place.path.len();
        let path_of = |row: &Row| row.places.first().and_then(|it| it.path.get(depth).cloned());
        let (told, mut rows): (Vec<Row>, Vec<Row>) = rows.into_iter().partition(|row| {
            path_of(row).is_some_and(|path| explained.contains(&path)) && !is_privileged(row)
        });
        let mut silent: Vec<Row> = Vec::new();
        let mut spoken: BTreeSet<String> = BTreeSet::new();
        let mut unnamed: Vec<&BTreeSet<String>> = Vec::new();
        for section in &sections {
            for finding in &section.findings {
                let about: Vec<&Row> = told
                    .iter()
                    .filter(|row| {
                        let path = path_of(row).unwrap_or_default();
                        section.explains.contains(&path) && names(finding, &path)
                    })
                    .collect();
                spoken.extend(about.iter().filter_map(|row| path_of(row)));
                let mut new =
                    row(section.name, Change::Together, place.inside(section.name), Vec::new());
                new.thing = thing_of(section.name);
                if about.is_empty() {
                    unnamed.push(&section.explains);
                }
                if let Some(first) = about.first() {
                    new.places = first.places.clone();
                    new.contents = first.contents;
                    new.change = first.change;
                }
                new.files = about.iter().skip(1).flat_map(|row| row.places.clone()).collect();
                new.findings = vec![finding.clone()];
                rows.push(new);
            }
            if section.more > 0 {
                let what = format!("{} more findings", section.more);
                let finding = vec![Finding::not_compared(section.name, what)];
                rows.push(row(section.name, Change::Together, place.inside(section.name), finding));
            }
            silent.extend(
                told.iter()
                    .filter(|row| path_of(row).is_some_and(|path| section.explains.contains(&path)))
                    .cloned(),
            );
        }
        let mut meant: Vec<(String, Place)> = Vec::new();
        for mut row in silent {
            let path = path_of(&row).unwrap_or_default();
            // A section that speaks of no file in particular may mean this one.
            let anonymous = unnamed.iter().any(|explains| explains.contains(&path));
            if spoken.insert(path.clone()) {
                if anonymous {
                    meant.extend(row.places.into_iter().map(|place| (path.clone(), place)));
                } else {
                    row.findings = vec![Finding::bare(FindingKind::Encoding, "no effect")];
                    rows.push(row);
                }
            }
        }
        for row in rows.iter_mut().filter(|row| row.change == Change::Together) {
            let is_its = |name: &str| row.places == [place.inside(name)];
            let Some(section) = sections.iter().find(|it| is_its(it.name)) else { continue };
            let its = meant.iter().filter(|(path, _)| section.explains.contains(path));
            row.files.extend(its.map(|(_, place)| place.clone()));
        }
        if self.options.meaning.spelling == Telling::Lines {
            rows.extend(told.iter().filter_map(spelled));
        }
        let packages = sections.iter().find(|it| it.name == "packages");
        let packages = packages.map(|it| it.findings.as_slice()).unwrap_or_default();
        let mut rows = gained::fold(rows, depth, packages, &a, &b);
        rows.extend(edited);
        rows
    }
}

/// What a row says of comments and spelling, which no section does.
fn spelled(row: &Row) -> Option<Row> {
    let is_lines = |it: &&Finding| it.kind == FindingKind::Encoding && !it.inside.is_empty();
    let findings: Vec<Finding> = row.findings.iter().filter(is_lines).cloned().collect();
    (!findings.is_empty()).then(|| Row { findings, ..row.clone() })
}

/// Whether a row says more than the content of a file.
pub(super) fn is_privileged(row: &Row) -> bool {
    row.findings.iter().any(|finding| finding.kind == FindingKind::Metadata)
}

/// Whether a finding is about a file: its note names the path, or it names the file.
fn names(finding: &Finding, path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let texts = [Some(&finding.what), finding.note.as_ref(), finding.before.as_ref()];
    texts.into_iter().flatten().any(|text| text.contains(path))
        || finding.what.split([' ', ':', ',']).any(|word| word == name)
        || finding.inside.iter().any(|inner| names(inner, path))
}

fn thing_of(section: &str) -> Thing {
    match section {
        "packages" => Thing::Packages,
        "can change itself" => Thing::Updates,
        "accounts" => Thing::Access,
        name if name.contains("unit") || name.contains("systemd") => Thing::Unit,
        _ => Thing::KernelParameter,
    }
}

/// Whether a tree looks like a root file system.
fn is_root(tree: &FileTree) -> bool {
    let has = |path: &str| TreePath::new(path.as_bytes()).is_ok_and(|path| tree.has(&path));
    (has("etc") && (has("usr") || has("bin") || has("var")))
        || has("var/lib/dpkg")
        || has("lib/apk/db")
        || has("usr/lib/systemd")
        || has("etc/systemd")
}

/// The files of a tree, as readers of roots ask for them.
pub(super) struct Tree<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) tree: &'a FileTree,
}

impl Tree<'_> {
    /// The path without symlinks on its way and at its end.
    pub(super) fn resolve(&self, path: &str) -> Option<TreePath> {
        let mut left = MOST_LINKS;
        let mut at = TreePath::root();
        let mut names: Vec<Vec<u8>> = reversed(path.as_bytes());
        while let Some(name) = names.pop() {
            match &name[..] {
                b"" | b"." => continue,
                b".." => {
                    at = at.parent().unwrap_or_default();
                    continue;
                }
                _ => {}
            }
            let next = at.join(&Name::new(&name).ok()?);
            match &self.tree.get(&next)?.kind {
                Kind::Symlink { target } => {
                    left = left.checked_sub(1)?;
                    if target.starts_with(b"/") {
                        at = TreePath::root();
                    }
                    names.extend(reversed(target));
                }
                _ => at = next,
            }
        }
        Some(at)
    }
}

fn reversed(path: &[u8]) -> Vec<Vec<u8>> {
    path.split(|byte| *byte == b'/').rev().map(<[u8]>::to_vec).collect()
}

impl root::Files for Tree<'_> {
    fn below(&self, directory: &str) -> Vec<String> {
        let Some(top) = self.resolve(directory) else { return Vec::new() };
        let inside =
            self.tree.within(&top).filter(|(path, node)| **path != top && !node.is_directory());
        let shown = |path: &TreePath| {
            let inner = path.strip(&top).unwrap_or_default();
            let inner = String::from_utf8_lossy(inner.as_bytes()).into_owned();
            match directory.trim_end_matches('/') {
                "" => inner,
                directory => format!("{directory}/{inner}"),
            }
        };
        inside.map(|(path, _)| shown(path)).collect()
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let path = self.resolve(path)?;
        match self.tree.get(&path)?.kind {
            Kind::File { blob, size } if size <= (256 << 20) => self.world.read(blob).ok(),
            _ => None,
        }
    }

    fn link(&self, path: &str) -> Option<String> {
        let path = TreePath::new(path.as_bytes()).ok()?;
        let parent = self.resolve(&String::from_utf8_lossy(path.parent()?.as_bytes()))?;
        match &self.tree.get(&parent.join(&path.name()?))?.kind {
            Kind::Symlink { target } => Some(String::from_utf8_lossy(target).into_owned()),
            _ => None,
        }
    }
}
