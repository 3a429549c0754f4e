//! The database of dpkg (`/var/lib/dpkg`), as if it had installed the packages itself.
//!
//! Scanners and `dpkg -l`, `-L`, `-S`, `-V` read it. `status` holds every package as `install ok
//! installed`, with the fields in dpkg's own order; `info/` holds what the control archive brought,
//! with the list of files.

use super::{
    Diverted, RootfsError,
    draft::{Draft, constant},
    member::Member,
};
use crate::archive::deb822;
use groundup_tree::{Kind, Meta, Node, TreePath};
use md5::{Digest, Md5};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

/// The fields of a stanza of `status` that dpkg knows, in its order; others follow as they came.
const FIELDS: [&str; 22] = [
    "Package",
    "Essential",
    "Protected",
    "Status",
    "Priority",
    "Section",
    "Installed-Size",
    "Origin",
    "Maintainer",
    "Bugs",
    "Architecture",
    "Multi-Arch",
    "Source",
    "Version",
    "Replaces",
    "Provides",
    "Depends",
    "Pre-Depends",
    "Recommends",
    "Suggests",
    "Breaks",
    "Conflicts",
];
const FIELDS_AFTER: [&str; 3] = ["Enhances", "Conffiles", "Description"];

/// How far dpkg got with every package.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Unpacked,
    Installed,
}

impl State {
    fn status(self) -> &'static str {
        match self {
            Self::Unpacked => "install ok unpacked",
            Self::Installed => "install ok installed",
        }
    }
}

/// Writes the whole database.
pub(super) fn write(
    draft: &mut Draft<'_>,
    members: &[Member],
    lost: &[BTreeSet<TreePath>],
    diversions: &[Diverted],
    state: State,
) -> Result<(), RootfsError> {
    let mut status = String::new();
    for (member, lost) in members.iter().zip(lost) {
        let conffiles = conffiles(draft, member)?;
        write_stanza(&mut status, member, &conffiles, state)?;
        write_info(draft, member, lost)?;
    }
    draft.put_state("/var/lib/dpkg/status", status.as_bytes(), 0o644)?;
    draft.put_state("/var/lib/dpkg/available", b"", 0o644)?;
    if state == State::Installed {
        draft.put_state("/var/lib/dpkg/statoverride", b"", 0o644)?;
    }
    draft.put_state("/var/lib/dpkg/info/format", b"1\n", 0o644)?;
    for directory in ["alternatives", "parts", "updates"] {
        let path = format!("/var/lib/dpkg/{directory}");
        draft.make_directory(&path, Meta::root_owned(0o755))?;
    }
    let mut text = String::new();
    for diverted in diversions {
        let by = diverted.by.as_deref().unwrap_or(":");
        let _ = writeln!(text, "{}\n{}\n{by}", diverted.written_path, diverted.written_to);
    }
    draft.put_state("/var/lib/dpkg/diversions", text.as_bytes(), 0o644)?;
    write_triggers(draft, members)
}

/// The conffiles of a package with the MD5 of what it ships.
fn conffiles(draft: &Draft<'_>, member: &Member) -> Result<Vec<(TreePath, String)>, RootfsError> {
    let mut sums = Vec::new();
    for path in &member.conffiles {
        let Some(Node { kind: Kind::File { blob, .. }, .. }) = member.data.get(path) else {
            continue;
        };
        let mut sum = String::new();
        for byte in Md5::digest(draft.read_blob(*blob)?) {
            let _ = write!(sum, "{byte:02x}");
        }
        sums.push((path.clone(), sum));
    }
    Ok(sums)
}

fn write_stanza(
    status: &mut String,
    member: &Member,
    conffiles: &[(TreePath, String)],
    state: State,
) -> Result<(), RootfsError> {
    let bad = |source| RootfsError::Control {
        package: member.name().to_owned(),
        member: "control",
        source: Some(source),
    };
    let mut stanzas = deb822::stanzas(member.stanza.as_bytes()).map_err(bad)?;
    let Some(stanza) = stanzas.next() else { return Ok(()) };
    let stanza = stanza.map_err(bad)?;
    let put = |status: &mut String, field: &str| {
        let value = match field {
            "Status" => Some(state.status()),
            _ => stanza.get(field),
        };
        if field == "Conffiles" && !conffiles.is_empty() {
            status.push_str("Conffiles:\n");
            for (path, sum) in conffiles {
                let _ = writeln!(status, " {path} {sum}");
            }
        } else if let Some(value) = value {
            let separator = if value.starts_with('\n') { "" } else { " " };
            let _ = writeln!(status, "{field}:{separator}{value}");
        }
    };
    for field in FIELDS.iter().chain(&FIELDS_AFTER) {
        put(status, field);
    }
    let known = |name: &str| {
        FIELDS.iter().chain(&FIELDS_AFTER).any(|field| field.eq_ignore_ascii_case(name))
    };
    for (name, _) in stanza.fields().iter().filter(|(name, _)| !known(name)) {
        put(status, name);
    }
    status.push('\n');
    Ok(())
}

/// `info/NAME.list` and the members of the control archive.
fn write_info(
    draft: &mut Draft<'_>,
    member: &Member,
    lost: &BTreeSet<TreePath>,
) -> Result<(), RootfsError> {
    let name = member.info_name();
    let mut list = b"/.\n".to_vec();
    for (path, _) in member.data.iter().filter(|(path, _)| !path.is_root()) {
        if !lost.contains(path) {
            list.push(b'/');
            list.extend_from_slice(path.as_bytes());
            list.push(b'\n');
        }
    }
    draft.put_state(&format!("/var/lib/dpkg/info/{name}.list"), &list, 0o644)?;
    for (path, node) in member.control.iter() {
        let Some(file) = path.name().filter(|_| matches!(node.kind, Kind::File { .. })) else {
            continue;
        };
        if file.as_bytes() == b"control" || path.names().count() > 1 {
            continue;
        }
        let place = constant(&format!("/var/lib/dpkg/info/{name}.{file}"));
        let meta = Meta::root_owned(u32::from(node.meta.mode.bits()));
        draft.put(&place, Node { meta, kind: node.kind.clone() }, super::draft::STATE)?;
    }
    Ok(())
}

/// `triggers/File` for paths and `triggers/NAME` for named triggers: who is interested.
fn write_triggers(draft: &mut Draft<'_>, members: &[Member]) -> Result<(), RootfsError> {
    let mut files = String::new();
    let mut named: BTreeMap<&str, String> = BTreeMap::new();
    for member in members {
        for line in member.triggers.lines() {
            let mut words = line.split_ascii_whitespace();
            let (Some(directive), Some(trigger)) = (words.next(), words.next()) else { continue };
            let wait = match directive {
                "interest" | "interest-await" => "",
                "interest-noawait" => "/noawait",
                _ => continue,
            };
            let package = member.info_name();
            if trigger.starts_with('/') {
                let _ = writeln!(files, "{trigger} {package}{wait}");
            } else if !trigger.contains('/') {
                let _ = writeln!(named.entry(trigger).or_default(), "{package}{wait}");
            }
        }
    }
    draft.put_state("/var/lib/dpkg/triggers/File", files.as_bytes(), 0o644)?;
    draft.put_state("/var/lib/dpkg/triggers/Unincorp", b"", 0o644)?;
    for (trigger, packages) in named {
        let path = format!("/var/lib/dpkg/triggers/{trigger}");
        draft.put_state(&path, packages.as_bytes(), 0o644)?;
    }
    Ok(())
}
