//! dpkg: `var/lib/dpkg/status`, and `status.d/*` of images without dpkg itself. dpkg(1), deb-control(5).

use super::{Package, Packages, field, paragraphs};
use crate::root::Files;

const STATUS: &str = "var/lib/dpkg/status";
const FOLDER: &str = "var/lib/dpkg/status.d";

pub(super) fn read(files: &dyn Files, packages: &mut Packages) {
    let folder = files.below(FOLDER).into_iter().filter(|path| !path.ends_with(".md5sums"));
    for path in [STATUS.to_owned()].into_iter().chain(folder) {
        let Some(text) = files.read(&path) else { continue };
        let found = read_status(&String::from_utf8_lossy(&text));
        packages.all.extend(found);
        packages.read.insert(path);
    }
}

/// The packages of a status file.
pub(crate) fn read_status(text: &str) -> Vec<Package> {
    paragraphs(text).iter().filter_map(|paragraph| package(paragraph)).collect()
}

fn package(paragraph: &[(String, String)]) -> Option<Package> {
    let name = field(paragraph, "Package");
    if name.is_empty() {
        return None;
    }
    let source = field(paragraph, "Source");
    let source = source.split_whitespace().next().unwrap_or(name);
    let state = match field(paragraph, "Status") {
        "" | "install ok installed" => "",
        other => other,
    };
    Some(Package {
        name: name.to_owned(),
        version: field(paragraph, "Version").to_owned(),
        architecture: field(paragraph, "Architecture").to_owned(),
        source: source.to_owned(),
        state: state.to_owned(),
    })
}
