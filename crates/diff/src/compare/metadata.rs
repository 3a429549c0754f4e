//! Mode, owner, attributes and kind of a path.

use groundup_meaning::{Finding, Kind as FindingKind};
use groundup_tree::{Kind, Node};
use std::collections::{BTreeMap, BTreeSet};

/// Attributes by name.
type Attributes = BTreeMap<Vec<u8>, Vec<u8>>;

const SETUID: u16 = 0o4000;
const SETGID: u16 = 0o2000;

/// What differs between two nodes beside their content.
pub(super) fn compare(a: &Node, b: &Node) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut note = |what: &str, before: String, after: String| {
        if before != after {
            findings.push(Finding::changed(FindingKind::Metadata, what, before, after));
        }
    };
    note("kind", a.kind.noun().to_owned(), b.kind.noun().to_owned());
    note("device", device(&a.kind), device(&b.kind));
    note("owner", a.meta.uid.to_string(), b.meta.uid.to_string());
    note("group", a.meta.gid.to_string(), b.meta.gid.to_string());
    if a.meta.mode != b.meta.mode && !is_symlink(b) {
        let (before, after) = (a.meta.mode.to_string(), b.meta.mode.to_string());
        let mut finding = Finding::changed(FindingKind::Metadata, "mode", before, after);
        let gained = b.meta.mode.bits() & !a.meta.mode.bits();
        if let Some(privilege) = privilege(gained, b) {
            finding = finding.note(privilege);
        } else if gained & 0o002 != 0 {
            finding = finding.note("anybody may write");
        }
        findings.push(finding);
    }
    let attributes_of = |node: &Node| -> Attributes {
        node.meta.xattrs.iter().map(|(name, value)| (name.to_vec(), value.to_vec())).collect()
    };
    if a.meta.xattrs != b.meta.xattrs {
        findings.extend(attributes(&attributes_of(a), &attributes_of(b)));
    }
    findings
}

/// What differs between the attributes of a path.
pub(super) fn attributes(a: &Attributes, b: &Attributes) -> Vec<Finding> {
    let names: BTreeSet<&Vec<u8>> = a.keys().chain(b.keys()).collect();
    let differ = names.into_iter().filter(|name| a.get(*name) != b.get(*name));
    let findings = differ.map(|name| {
        let told = |how: fn(&[u8], &[u8]) -> String| {
            [a.get(name), b.get(name)].map(|value| value.map(|value| how(name, value)))
        };
        let [mut before, mut after] = told(attribute);
        if before == after {
            // They differ in what has no name here, such as inheritable capabilities.
            [before, after] = told(|_, value| hex(value));
        }
        let what = String::from_utf8_lossy(name).into_owned();
        let gains = name == b"security.capability" && after.is_some();
        let finding = Finding { before, after, ..Finding::bare(FindingKind::Metadata, what) };
        if gains { finding.note("gives privilege: capability") } else { finding }
    });
    findings.collect()
}

/// What privileges something new gives to whoever runs it.
pub(super) fn privileges(node: &Node) -> Vec<Finding> {
    let mode = node.meta.mode;
    let set = privilege(mode.bits(), node)
        .map(|note| Finding::added(FindingKind::Metadata, "mode", mode.to_string()).note(note));
    let capability = node.meta.xattrs.iter().find(|(name, _)| *name == b"security.capability");
    let capability = capability.map(|(name, value)| {
        let what = String::from_utf8_lossy(name).into_owned();
        Finding::added(FindingKind::Metadata, what, attribute(name, value))
            .note("gives privilege: capability")
    });
    set.into_iter().chain(capability).collect()
}

fn privilege(bits: u16, node: &Node) -> Option<String> {
    if !matches!(node.kind, Kind::File { .. }) {
        return None;
    }
    let owner = |number: u32| if number == 0 { "root".to_owned() } else { number.to_string() };
    if bits & SETUID != 0 {
        return Some(format!("gives privilege: set-uid {}", owner(node.meta.uid)));
    }
    (bits & SETGID != 0).then(|| format!("gives privilege: set-gid {}", owner(node.meta.gid)))
}

fn is_symlink(node: &Node) -> bool {
    matches!(node.kind, Kind::Symlink { .. })
}

fn device(kind: &Kind) -> String {
    match kind {
        Kind::CharDevice(device) | Kind::BlockDevice(device) => {
            format!("{}:{}", device.major, device.minor)
        }
        _ => String::new(),
    }
}

fn hex(value: &[u8]) -> String {
    value.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Capabilities by name (linux/capability.h), other values as text where they are one.
fn attribute(name: &[u8], value: &[u8]) -> String {
    if name != b"security.capability" {
        return match std::str::from_utf8(value) {
            Ok(text) if !text.chars().any(char::is_control) => text.to_owned(),
            _ => hex(value),
        };
    }
    let word = |at: usize| -> u64 {
        let bytes = value.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        u64::from(bytes.map_or(0, u32::from_le_bytes))
    };
    let permitted = word(4) | word(12) << 32;
    let names: Vec<String> = (0..64_u32)
        .filter(|bit| permitted >> bit & 1 == 1)
        .map(|bit| {
            CAPABILITIES.get(bit as usize).map_or(format!("cap_{bit}"), |it| (*it).to_owned())
        })
        .collect();
    let effective = if word(0) & 1 == 1 { "ep" } else { "p" };
    format!("{}={effective}", names.join(","))
}

const CAPABILITIES: &[&str] = &[
    "cap_chown",
    "cap_dac_override",
    "cap_dac_read_search",
    "cap_fowner",
    "cap_fsetid",
    "cap_kill",
    "cap_setgid",
    "cap_setuid",
    "cap_setpcap",
    "cap_linux_immutable",
    "cap_net_bind_service",
    "cap_net_broadcast",
    "cap_net_admin",
    "cap_net_raw",
    "cap_ipc_lock",
    "cap_ipc_owner",
    "cap_sys_module",
    "cap_sys_rawio",
    "cap_sys_chroot",
    "cap_sys_ptrace",
    "cap_sys_pacct",
    "cap_sys_admin",
    "cap_sys_boot",
    "cap_sys_nice",
    "cap_sys_resource",
    "cap_sys_time",
    "cap_sys_tty_config",
    "cap_mknod",
    "cap_lease",
    "cap_audit_write",
    "cap_audit_control",
    "cap_setfcap",
    "cap_mac_override",
    "cap_mac_admin",
    "cap_syslog",
    "cap_wake_alarm",
    "cap_block_suspend",
    "cap_audit_read",
    "cap_perfmon",
    "cap_bpf",
    "cap_checkpoint_restore",
];

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_digest::BlobId;

    fn file(mode: u32) -> Node {
        Node::file(BlobId::of(b""), 0, mode)
    }

    #[test]
    fn a_program_that_gains_privilege_says_so() {
        let found = compare(&file(0o755), &file(0o4755));
        assert_eq!(found[0].note.as_deref(), Some("gives privilege: set-uid root"));
        assert_eq!(compare(&file(0o4755), &file(0o755))[0].note, None);
        assert!(compare(&file(0o755), &file(0o755)).is_empty());
        assert_eq!(privileges(&file(0o2755)).len(), 1);
    }

    #[test]
    fn capabilities_have_names() {
        let mut node = file(0o755);
        let mut value = [0; 20];
        (value[0], value[3], value[5]) = (1, 2, 0x20);
        assert!(node.meta.xattrs.insert(b"security.capability", &value));
        let found = compare(&file(0o755), &node);
        assert_eq!(found[0].after.as_deref(), Some("cap_net_raw=ep"));
        assert!(found[0].note.as_deref().is_some_and(|note| note.starts_with("gives privilege")));
    }
}
