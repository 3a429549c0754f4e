//! What a root file system needs for its maintainer scripts to run: packages as dpkg leaves them when
//! they are unpacked, and a shell script of ours that has them configured.
//!
//! [`unpacked`] is the tree before, [`super::configured`] what becomes of the tree after; between them
//! a command runs in the sandbox, with ownership as data.

mod order;
mod volatile;

use super::{
    Assembled, Draft, RootfsError, RootfsSpec, accounts, dpkg_db, draft, facts, load,
    member::Member, merge,
};
use groundup_digest::{BlobId, TreeId};
use groundup_provenance::Origins;
use groundup_store::Store;
use groundup_tree::TreePath;
use std::collections::BTreeSet;
use std::fmt::Write;

/// Where our script and its tables are, until scripts have run.
pub(super) const PLACE: &str = "/var/lib/groundup";

/// The label of what scripts made or changed.
const SCRIPTS: &str = "scripts";

/// The command that runs the scripts in a tree of [`unpacked`].
pub const COMMAND: [&str; 2] = ["/bin/sh", "/var/lib/groundup/driver"];

const DRIVER: &str = include_str!("driver.sh");

/// What scripts cannot do without, and the packages that have it.
const TOOLS: [(&str, &str); 9] = [
    ("/bin/sh", "dash"),
    ("/usr/bin/dpkg", "dpkg"),
    ("/usr/bin/perl", "perl-base"),
    ("/bin/sed", "sed"),
    ("/bin/grep", "grep"),
    ("/bin/tar", "tar"),
    ("/bin/rm", "coreutils"),
    ("/usr/bin/diff", "diffutils"),
    ("/sbin/ldconfig", "libc-bin"),
];

/// The packages of `spec` merged, in the state `unpacked`, with our script. What the recipe lays on top
/// is for afterwards.
pub fn unpacked(store: &Store, spec: &RootfsSpec) -> Result<Assembled, RootfsError> {
    let members = load(store, spec)?;
    let diversions = super::diversions(spec)?;
    let declared: Result<BTreeSet<_>, _> =
        spec.dirs.iter().map(|dir| draft::absolute("directory", &dir.path)).collect();
    let merged = merge::merge(&members, &spec.arch, &diversions, &declared?)?;
    let mut draft = Draft { store, tree: merged.tree, origins: merged.origins };
    for (tool, package) in TOOLS {
        if !draft.finds(&draft::constant(tool)) {
            return Err(RootfsError::NoTool { tool, package });
        }
    }
    dpkg_db::write(&mut draft, &members, &merged.lost, &diversions, dpkg_db::State::Unpacked)?;
    write_tables(&mut draft, &members, spec)?;
    let origins = store.put_blob(&draft.final_origins().to_bytes())?;
    let tree = store.put_tree(&draft.tree)?;
    Ok(Assembled { tree, origins: origins.blob, packages: facts(&members) })
}

/// A root file system before and after its scripts ran.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Configured {
    /// The tree of [`unpacked`].
    pub before: TreeId,
    /// Its origins.
    pub origins: BlobId,
    /// What the command left.
    pub after: TreeId,
}

/// Lays on top of what scripts left what the recipe says.
pub fn configured(
    store: &Store,
    base: &Configured,
    spec: &RootfsSpec,
) -> Result<Assembled, RootfsError> {
    let before = store.load_tree(base.before)?;
    let tree = store.load_tree(base.after)?;
    let known = Origins::from_bytes(&store.read_blob(base.origins)?)
        .map_err(|source| RootfsError::Origins { label: "packages".to_owned(), source })?;
    let mut origins = Origins::new();
    for (path, node) in tree.iter().filter(|(_, node)| !node.is_directory()) {
        let same = before.get(path).is_some_and(|other| other.kind == node.kind);
        let label = known.get(path).filter(|_| same).unwrap_or(SCRIPTS);
        origins.insert(path.clone(), label);
    }
    let mut draft = Draft { store, tree, origins };
    let removed = super::overlay::globs(&spec.remove)?;
    super::lay_on_top(&mut draft, spec, &removed)?;
    let origins = store.put_blob(&draft.final_origins().to_bytes())?;
    let tree = store.put_tree(&draft.tree)?;
    Ok(Assembled { tree, origins: origins.blob, packages: Vec::new() })
}

fn write_tables(
    draft: &mut Draft<'_>,
    members: &[Member],
    spec: &RootfsSpec,
) -> Result<(), RootfsError> {
    draft.put_state(&format!("{PLACE}/driver"), DRIVER.as_bytes(), 0o755)?;
    let interests = interests(members);
    for (number, batch) in order::batches(members).iter().enumerate() {
        let (mut packages, mut triggers) = (String::new(), BTreeSet::new());
        for member in batch.iter().map(|member| &members[*member]) {
            let input = &member.input;
            let _ = writeln!(packages, "{} {} {}", member.info_name(), input.name, input.arch);
            activated(member, &interests, &mut triggers);
        }
        let triggers: String = triggers.iter().map(|trigger| format!("{trigger} -\n")).collect();
        let place = format!("{PLACE}/batch.{number:03}");
        draft.put_state(&format!("{place}/packages"), packages.as_bytes(), 0o644)?;
        draft.put_state(&format!("{place}/triggers"), triggers.as_bytes(), 0o644)?;
    }
    let cleanup = volatile::commands();
    draft.put_state(&format!("{PLACE}/cleanup"), cleanup.as_bytes(), 0o644)?;
    let choices = spec.alternatives.iter();
    let choices: String = choices
        .map(|choice| format!("{} {} {}\n", choice.name, choice.link, choice.path))
        .collect();
    draft.put_state(&format!("{PLACE}/alternatives"), choices.as_bytes(), 0o644)?;
    for (name, lines) in accounts::lines(&spec.users, &spec.groups)? {
        draft.put_state(&format!("{PLACE}/{name}"), lines.as_bytes(), 0o600)?;
    }
    Ok(())
}

/// The paths that some package wants to hear of, when files come to be below them.
fn interests(members: &[Member]) -> Vec<TreePath> {
    let lines = members.iter().flat_map(|member| member.triggers.lines());
    let paths = lines.filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let (directive, path) = (words.next()?, words.next()?);
        let wanted = directive.starts_with("interest") && path.starts_with('/');
        TreePath::parse(path.as_bytes()).ok().filter(|_| wanted)
    });
    paths.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The triggers that dpkg would have activated when it unpacked this package.
fn activated(member: &Member, interests: &[TreePath], triggers: &mut BTreeSet<String>) {
    for line in member.triggers.lines() {
        let mut words = line.split_ascii_whitespace();
        if let (Some(directive), Some(trigger)) = (words.next(), words.next())
            && directive.starts_with("activate")
        {
            triggers.insert(trigger.to_owned());
        }
    }
    for interest in interests {
        let files = member.data.within(interest).filter(|(_, node)| !node.is_directory());
        if files.take(1).count() > 0 {
            triggers.insert(interest.to_string());
        }
    }
}
