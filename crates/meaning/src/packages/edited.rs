//! Files that parted from their package, or came back to it: their bytes fitted the checksum that the
//! package's database keeps and do not now, or the reverse.

use super::{
    Checksum, Packages,
    owners::{LIST, Merged, SUMS, claims, databases},
};
use crate::{Finding, Kind, root::Files};
use std::collections::{BTreeMap, BTreeSet};

/// What became of a file and its package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It was as its package had it, and is not now.
    Edited,
    /// It is what it was, and its package has another one now.
    Stayed,
    /// It was edited, and is as its package has it now.
    Restored,
}

/// A file that parted from its package, or came back to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edited {
    /// Its path, without a slash in front.
    pub path: String,
    /// What became of it.
    pub standing: Standing,
    /// The package with its version; with both versions if it has another one.
    pub package: String,
}

impl Edited {
    /// It as a finding, which is the same for all files of a package of which the same is so.
    pub fn finding(&self) -> Finding {
        let what = match self.standing {
            Standing::Edited => "edited away from its package",
            Standing::Stayed => "stayed while its package has another one",
            Standing::Restored => "its edit is lost, it is as its package has it",
        };
        Finding::bare(Kind::Sideways, what).note(&*self.package)
    }
}

/// Compares how files stand to their packages in two roots. Of the files that differ only those in
/// `changed` are looked at; `is_equal` says whether a path has the same bytes in both roots.
pub fn edited(
    before: &dyn Files,
    after: &dyn Files,
    changed: &BTreeSet<String>,
    is_equal: &dyn Fn(&str) -> bool,
) -> Vec<Edited> {
    let [old, new] = sums([before, after], changed, is_equal);
    let mut found: Vec<(&String, Standing, &str)> = Vec::new();
    for (path, now) in &new {
        let (Some(was), Some((package, _))) = (old.get(path), now.first()) else { continue };
        let standing = if changed.contains(path) {
            let (Some(a), Some(b)) = (before.read(path), after.read(path)) else { continue };
            match (fits(was, &a), fits(now, &b)) {
                (true, false) => Standing::Edited,
                (false, true) => Standing::Restored,
                _ => continue,
            }
        } else {
            let is_other = !was.iter().any(|(_, sum)| now.iter().any(|(_, other)| sum == other));
            let stayed = is_other && is_equal(path);
            if !stayed || !before.read(path).is_some_and(|bytes| fits(was, &bytes)) {
                continue;
            }
            Standing::Stayed
        };
        found.push((path, standing, package));
    }
    if found.is_empty() {
        return Vec::new();
    }
    let versions = [before, after].map(versions);
    let named = |name: &str| {
        let [was, is] = versions.each_ref().map(|all| all.get(name).map_or("", String::as_str));
        match was == is || was.is_empty() {
            true => format!("{name} {is}"),
            false => format!("{name} {was} -> {is}"),
        }
    };
    let told = found.into_iter().map(|(path, standing, package)| Edited {
        path: path.clone(),
        standing,
        package: named(package),
    });
    told.collect()
}

/// The packages that claim a file, and the checksum that each has of it.
type Sums = BTreeMap<String, Vec<(String, Checksum)>>;

/// What the databases of both roots say. One that is the same in both is read once, and only what it says
/// of `changed` is taken.
fn sums(
    files: [&dyn Files; 2],
    changed: &BTreeSet<String>,
    is_equal: &dyn Fn(&str) -> bool,
) -> [Sums; 2] {
    let mut sums = [Sums::new(), Sums::new()];
    let merged = files.map(Merged::of);
    for (side, files) in files.into_iter().enumerate() {
        for database in databases(files).iter().filter(|path| !path.ends_with(LIST)) {
            let is_shared = is_equal(database);
            if is_shared && (side > 0 || !may_name(files, database, changed)) {
                continue;
            }
            claims(files, database, &mut |path, package, checksum| {
                let Some(checksum) = checksum else { return };
                let sides = sums.iter_mut().zip(&merged).enumerate();
                for (_, (sums, merged)) in sides.filter(|(at, _)| is_shared || *at == side) {
                    let path = merged.path(path).filter(|it| !is_shared || changed.contains(it));
                    let Some(path) = path else { continue };
                    sums.entry(path).or_default().push((package.to_owned(), checksum));
                }
            });
        }
    }
    sums
}

/// Whether one of dpkg's lists of checksums may say something of one of these paths; of few paths that is
/// seen faster than it is read.
fn may_name(files: &dyn Files, database: &str, paths: &BTreeSet<String>) -> bool {
    const FEW: usize = 32;
    if paths.len() > FEW || !database.ends_with(SUMS) {
        return !paths.is_empty();
    }
    let Some(text) = files.read(database) else { return false };
    let text = String::from_utf8_lossy(&text);
    paths.iter().any(|path| text.contains(path.rsplit('/').next().unwrap_or(path)))
}

fn fits(sums: &[(String, Checksum)], bytes: &[u8]) -> bool {
    sums.iter().any(|(_, sum)| sum.fits(bytes))
}

fn versions(files: &dyn Files) -> BTreeMap<String, String> {
    Packages::of(files).all.into_iter().map(|one| (one.name, one.version)).collect()
}
