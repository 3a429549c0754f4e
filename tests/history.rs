//! What `groundup why` says of every path of a target, held against the target itself.
//!
//! Each path has to end at a line of the lock that pins it, at a line of a recipe whose target is the
//! one that is named, or at a file of the repository; and dpkg's own lists, which groundup wrote long
//! before and which know nothing of `why`, have to agree on the package.

use crate::{in_workspace, succeed};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// What was found of a target's paths.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ends {
    /// Paths that come from a pin.
    pub pins: usize,
    /// From a file of the repository.
    pub files: usize,
    /// From a line of a recipe.
    pub recipes: usize,
    /// Paths of which dpkg's lists name the package, and `why` the same.
    pub agreed: usize,
}

/// Checks where every path of a target of the workspace at `root` comes from.
///
/// # Panics
///
/// Where a path ends nowhere, at a line that does not say so, or at another package than dpkg's.
pub fn every_path_ends(root: &Path, target: &str) -> Ends {
    let said = succeed(in_workspace(root).args(["why", target, "--files", "--json"]));
    let listed: Vec<Value> =
        said.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect();
    assert!(listed.len() > 10, "{target} has files");
    let read =
        |path: &str| std::fs::read_to_string(root.join(path)).expect("a file of the workspace");
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut ends = Ends::default();
    let owners = dpkg_lists(root, target, &listed);
    for row in &listed {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let (path, end) = (text(&row["path"]), &row["end"]);
        let (kind, what, place) = (text(&end["kind"]), text(&end["what"]), text(&end["place"]));
        let mut line = |place: &str| {
            let (file, line) = place.rsplit_once(':').unwrap_or_else(|| panic!("{row}"));
            let lines = texts
                .entry(file.to_owned())
                .or_insert_with(|| read(file).lines().map(str::to_owned).collect());
            let line: usize = line.parse().unwrap_or_else(|_| panic!("{row}"));
            lines.get(line - 1).unwrap_or_else(|| panic!("{row}")).clone()
        };
        match kind.as_str() {
            "pin" => {
                assert!(place.starts_with("groundup.lock:"), "{row}");
                assert!(line(&place).contains(&what), "{row}");
                ends.pins += 1;
            }
            "recipe" => {
                line(&place);
                let (file, number) = place.rsplit_once(':').expect("it was read");
                let number: usize = number.parse().expect("it was read");
                let own = &texts[file][..number];
                let header = |line: &&String| {
                    line.starts_with(&format!("[{what}]")) || line.starts_with(&format!("[{what}."))
                };
                assert!(own.iter().any(|line| header(&line)), "{row}");
                ends.recipes += 1;
            }
            "file" => {
                assert!(root.join(&place).is_file(), "{row}");
                ends.files += 1;
            }
            _ => panic!("{target}: {path} ends nowhere: {row}"),
        }
        // What was laid over a package's file is not the package's: `name version arch archive` is.
        let of_package = kind == "pin" && what.split(' ').count() == 4;
        if row["kind"] == "directory" || !of_package {
            continue;
        }
        if let Some(owners) = owners.get(&path) {
            let package = what.split(' ').next().unwrap_or_default();
            assert!(owners.contains(package), "{path}: dpkg says {owners:?}, why says {what}");
            ends.agreed += 1;
        }
    }
    ends
}

/// The packages of paths by dpkg's lists in the target, under merged `/usr` too.
fn dpkg_lists(root: &Path, target: &str, listed: &[Value]) -> BTreeMap<String, BTreeSet<String>> {
    let mut owners: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for row in listed {
        let path = row["path"].as_str().unwrap_or_default();
        let Some(name) = path.strip_prefix("/var/lib/dpkg/info/") else { continue };
        let Some(package) = name.strip_suffix(".list") else { continue };
        let mut why = in_workspace(root);
        let answer = crate::answer(why.args(["why", target, path]));
        let blob = answer["found"]["node"]["blob"].as_str().expect("a list is a file").to_owned();
        let list = succeed(in_workspace(root).args(["show", &format!("blob:{blob}")]));
        let package = package.split(':').next().unwrap_or(package);
        for path in list.lines() {
            for path in [path.to_owned(), format!("/usr{path}")] {
                owners.entry(path).or_default().insert(package.to_owned());
            }
        }
    }
    owners
}
