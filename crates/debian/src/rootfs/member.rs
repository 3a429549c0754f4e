//! One package of the set, loaded: its files and what it says of itself.

use super::{PackageInput, RootfsError, draft::constant};
use crate::archive::{
    Operator,
    deb822::{self, Stanza},
    relations,
};
use groundup_store::Store;
use groundup_tree::{FileTree, Kind, Node, TreePath};

/// A `Replaces` relation.
#[derive(Debug)]
struct Replaces {
    name: String,
    version: Option<(Operator, String)>,
}

/// A package of the set.
#[derive(Debug)]
pub(super) struct Member {
    pub(super) input: PackageInput,
    pub(super) data: FileTree,
    pub(super) control: FileTree,
    /// The text of `control`.
    pub(super) stanza: String,
    /// `Multi-Arch: same`.
    pub(super) multi_arch_same: bool,
    /// The source package's name.
    pub(super) source: String,
    pub(super) conffiles: Vec<TreePath>,
    replaces: Vec<Replaces>,
    /// `preinst` and `postinst`, as far as they mention diversions.
    pub(super) diverting: Vec<(&'static str, String)>,
    /// The content of `triggers`.
    pub(super) triggers: String,
}

impl Member {
    pub(super) fn load(store: &Store, input: &PackageInput) -> Result<Self, RootfsError> {
        let data = store.load_tree(input.data)?;
        let control = store.load_tree(input.control)?;
        let read = |name: &str| -> Result<Option<Vec<u8>>, RootfsError> {
            match control.get(&constant(name)) {
                Some(Node { kind: Kind::File { blob, .. }, .. }) => {
                    Ok(Some(store.read_blob(*blob)?))
                }
                _ => Ok(None),
            }
        };
        let text = |name: &str| -> Result<String, RootfsError> {
            Ok(read(name)?.map_or_else(String::new, |b| String::from_utf8_lossy(&b).into_owned()))
        };
        let bad = |source| RootfsError::Control {
            package: input.name.clone(),
            member: "control",
            source,
        };
        let stanza_bytes = read("control")?.ok_or_else(|| bad(None))?;
        let stanza = deb822::stanzas(&stanza_bytes).map_err(|error| bad(Some(error)))?.next();
        let stanza = stanza.ok_or_else(|| bad(None))?.map_err(|error| bad(Some(error)))?;
        check_identity(input, &stanza)?;
        let mut diverting = Vec::new();
        for script in ["preinst", "postinst"] {
            let content = text(script)?;
            if content.contains("dpkg-divert") {
                diverting.push((script, content));
            }
        }
        let conffiles = text("conffiles")?;
        let conffiles = conffiles.lines().filter_map(|line| {
            // `remove-on-upgrade` lines name files that the package does not have any more.
            line.starts_with('/').then(|| TreePath::parse(line.trim_end().as_bytes()).ok())?
        });
        let source = stanza.get("Source").unwrap_or(&input.name);
        let source = source.split_ascii_whitespace().next().unwrap_or(&input.name).to_owned();
        Ok(Self {
            input: input.clone(),
            multi_arch_same: stanza.get("Multi-Arch") == Some("same"),
            source,
            conffiles: conffiles.collect(),
            replaces: replaces(stanza.get("Replaces").unwrap_or_default()),
            diverting,
            triggers: text("triggers")?,
            stanza: String::from_utf8_lossy(&stanza_bytes).into_owned(),
            data,
            control,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.input.name
    }

    /// Whether files of this package win over those of `other`.
    pub(super) fn replaces(&self, other: &Member) -> bool {
        self.name() != other.name()
            && self.replaces.iter().any(|replaces| {
                replaces.name == other.name()
                    && replaces
                        .version
                        .as_ref()
                        .is_none_or(|(operator, to)| operator.holds(&other.input.version, to))
            })
    }

    /// The name of its files in `/var/lib/dpkg/info`, before the dot.
    pub(super) fn info_name(&self) -> String {
        match self.multi_arch_same {
            true => format!("{}:{}", self.input.name, self.input.arch),
            false => self.input.name.clone(),
        }
    }

    /// Its name in triggers and in messages, where several architectures may stand.
    pub(super) fn described(&self) -> String {
        format!("{} {} ({})", self.input.name, self.input.version, self.input.arch)
    }
}

fn check_identity(input: &PackageInput, stanza: &Stanza<'_>) -> Result<(), RootfsError> {
    let found = ["Package", "Version", "Architecture"].map(|f| stanza.get(f).unwrap_or("(none)"));
    let wanted = [&input.name, &input.version, &input.arch];
    if found.iter().zip(wanted).all(|(found, wanted)| found == wanted) {
        return Ok(());
    }
    let package = format!("{} {} {}", input.name, input.version, input.arch);
    Err(RootfsError::OtherPackage { package, found: found.join(" ") })
}

/// Relations that cannot be read replace nothing, so that a clash is then named.
fn replaces(field: &str) -> Vec<Replaces> {
    let readable = relations(field).filter_map(Result::ok);
    let replaces = readable.map(|relation| Replaces {
        name: relation.name.to_owned(),
        version: relation.version.map(|(operator, version)| (operator, version.to_owned())),
    });
    replaces.collect()
}
