//! apk: `lib/apk/db/installed`; since apk-tools 3 also below `usr`. Lines of a letter and a value,
//! paragraphs for packages: apk-installed(5) and the wiki's "Apk spec".

use super::{Package, Packages};
use crate::root::Files;

pub(super) const DATABASES: &[&str] = &["lib/apk/db/installed", "usr/lib/apk/db/installed"];

pub(super) fn read(files: &dyn Files, packages: &mut Packages) {
    let there = DATABASES.iter().find_map(|path| Some((path, files.read(path)?)));
    let Some((path, text)) = there else { return };
    packages.all.extend(read_installed(&String::from_utf8_lossy(&text)));
    packages.read.insert((*path).to_owned());
}

/// The packages of a database.
fn read_installed(text: &str) -> Vec<Package> {
    let mut all: Vec<Package> = Vec::new();
    let mut open = Package::default();
    for line in text.lines().chain([""]) {
        match line.split_once(':') {
            None if line.is_empty() && !open.name.is_empty() => {
                if open.source.is_empty() {
                    open.source.clone_from(&open.name);
                }
                all.push(std::mem::take(&mut open));
            }
            Some(("P", name)) => name.clone_into(&mut open.name),
            Some(("V", version)) => version.clone_into(&mut open.version),
            Some(("A", architecture)) => architecture.clone_into(&mut open.architecture),
            Some(("o", origin)) => origin.clone_into(&mut open.source),
            _ => {}
        }
    }
    all
}
