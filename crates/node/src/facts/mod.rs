//! What a node is, as values: packages, units, kernel parameters, users. A comparison of two nodes reads
//! these and needs none of their files.

mod sysctl;
mod units;

pub use sysctl::{Sysctl, sysctls};
pub use units::{Unit, parse_unit};

use groundup_tree::{FileTree, Kind, TreePath};
use serde::Serialize;
use std::collections::BTreeMap;

/// What one node is. As JSON it is the file `node.json` of the output `facts` of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NodeFacts {
    /// Of this form; 1.
    pub version: u32,
    /// Debian packages by name.
    pub packages: BTreeMap<String, Package>,
    /// Unit files and drop-ins of systemd by path, with what they set.
    pub units: BTreeMap<String, Unit>,
    /// Links in the directories of units: what is enabled (`.wants`, `.requires`), other names and,
    /// where they lead to `/dev/null`, what is masked.
    pub links: BTreeMap<String, String>,
    /// Kernel parameters that are set at boot, by name, with the file that counts.
    pub sysctl: BTreeMap<String, Sysctl>,
    /// Modules that are loaded at boot, by the file that says so.
    pub modules_load: BTreeMap<String, Vec<String>>,
    /// Lines of `/etc/passwd` by name, without the name.
    pub users: BTreeMap<String, String>,
    /// Lines of `/etc/group` by name, without the name.
    pub groups: BTreeMap<String, String>,
    /// Programs that run with rights of their owner, and files with capabilities: path and why.
    pub privileged: BTreeMap<String, String>,
}

/// A package of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Package {
    /// Its version.
    pub version: String,
    /// Its architecture.
    pub architecture: String,
    /// The source that it is built from, with its version where that is another.
    pub source: Option<String>,
}

/// Reads what a root file system says; `read` gives the bytes of its files.
pub fn facts<E>(
    tree: &FileTree,
    packages: BTreeMap<String, Package>,
    mut read: impl FnMut(groundup_digest::BlobId) -> Result<Vec<u8>, E>,
) -> Result<NodeFacts, E> {
    let mut facts = NodeFacts {
        version: 1,
        packages,
        units: BTreeMap::new(),
        links: BTreeMap::new(),
        sysctl: BTreeMap::new(),
        modules_load: BTreeMap::new(),
        users: BTreeMap::new(),
        groups: BTreeMap::new(),
        privileged: BTreeMap::new(),
    };
    let mut parameters = Vec::new();
    for (path, node) in tree.iter() {
        let text = format!("/{}", String::from_utf8_lossy(path.as_bytes()));
        if let Some(why) = privilege(node) {
            facts.privileged.insert(text.clone(), why);
        }
        let place = place(&text);
        match &node.kind {
            Kind::Symlink { target } if matches!(place, Some(Place::Unit)) => {
                let target = String::from_utf8_lossy(target).into_owned();
                facts.links.insert(text, target);
            }
            Kind::File { blob, .. } => {
                let Some(place) = place else { continue };
                let bytes = read(*blob)?;
                let content = String::from_utf8_lossy(&bytes);
                match place {
                    Place::Unit => {
                        facts.units.insert(text, parse_unit(&content));
                    }
                    Place::Sysctl => parameters.push((text, content.into_owned())),
                    Place::ModulesLoad => {
                        facts.modules_load.insert(text, words(&content));
                    }
                    Place::Users => facts.users = by_name(&content),
                    Place::Groups => facts.groups = by_name(&content),
                }
            }
            _ => {}
        }
    }
    facts.sysctl = sysctls(parameters.iter().map(|(path, text)| (path.as_str(), text.as_str())));
    Ok(facts)
}

enum Place {
    Unit,
    Sysctl,
    ModulesLoad,
    Users,
    Groups,
}

/// Where systemd looks for units in an image (systemd.unit(5)), and sysctl.d(5), modules-load.d(5).
fn place(path: &str) -> Option<Place> {
    let below = |directories: &[&str], ending: &str| {
        let mut rests = directories.iter().filter_map(|directory| path.strip_prefix(directory));
        rests.next().is_some_and(|rest| rest.ends_with(ending) && !rest.contains('/'))
    };
    let units = ["/etc/systemd/system/", "/usr/lib/systemd/system/", "/lib/systemd/system/"];
    if units.iter().any(|directory| path.starts_with(directory)) {
        return Some(Place::Unit);
    }
    if below(&["/etc/sysctl.d/", "/usr/lib/sysctl.d/", "/lib/sysctl.d/"], ".conf")
        || path == "/etc/sysctl.conf"
    {
        return Some(Place::Sysctl);
    }
    if below(&["/etc/modules-load.d/", "/usr/lib/modules-load.d/"], ".conf")
        || path == "/etc/modules"
    {
        return Some(Place::ModulesLoad);
    }
    match path {
        "/etc/passwd" => Some(Place::Users),
        "/etc/group" => Some(Place::Groups),
        _ => None,
    }
}

fn words(text: &str) -> Vec<String> {
    let lines = text.lines().map(str::trim);
    let names = lines.filter(|line| !line.is_empty() && !line.starts_with(['#', ';']));
    names.map(str::to_owned).collect()
}

fn by_name(text: &str) -> BTreeMap<String, String> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(name, rest)| (name.to_owned(), rest.to_owned())).collect()
}

/// Why running a file gives rights that its caller lacks.
fn privilege(node: &groundup_tree::Node) -> Option<String> {
    if !matches!(node.kind, Kind::File { .. }) {
        return None;
    }
    let capability = node.meta.xattrs.iter().find(|(name, _)| *name == b"security.capability");
    if let Some((_, value)) = capability {
        let bytes: String = value.iter().map(|byte| format!("{byte:02x}")).collect();
        return Some(format!("security.capability={bytes}"));
    }
    let mode = node.meta.mode.bits();
    (mode & 0o6000 != 0)
        .then(|| format!("mode {mode:04o}, owner {}:{}", node.meta.uid, node.meta.gid))
}

/// The bytes of one file of a tree, by its path.
pub fn file_of(tree: &FileTree, path: &str) -> Option<groundup_digest::BlobId> {
    match tree.get(&TreePath::new(path.as_bytes()).ok()?)?.kind {
        Kind::File { blob, .. } => Some(blob),
        _ => None,
    }
}
