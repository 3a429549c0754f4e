//! What a root asks of its kernel and does not get any more: modules that are loaded at boot, and
//! parameters whose option is gone.

use super::{Part, Sideways};
use crate::{Finding, Kind, root::Files};
use std::collections::{BTreeMap, BTreeSet};

/// Parameters and the option that has them: Documentation/admin-guide/sysctl of Linux, and the Kconfig
/// files of what they stand in.
const PARAMETERS: &[(&str, &str)] = &[
    ("net.bridge.", "BRIDGE_NETFILTER"),
    ("net.netfilter.nf_conntrack", "NF_CONNTRACK"),
    ("net.ipv6.", "IPV6"),
    ("net.ipv4.tcp_syncookies", "SYN_COOKIES"),
    ("net.ipv4.vs.", "IP_VS"),
    ("net.mpls.", "MPLS_ROUTING"),
    ("net.core.bpf_jit", "BPF_JIT"),
    ("net.core.default_qdisc", "NET_SCHED"),
    ("kernel.unprivileged_bpf_disabled", "BPF_SYSCALL"),
    ("kernel.yama.", "SECURITY_YAMA"),
    ("kernel.io_uring_disabled", "IO_URING"),
    ("kernel.sched_autogroup", "SCHED_AUTOGROUP"),
    ("kernel.kexec_load_disabled", "KEXEC_CORE"),
    ("kernel.modules_disabled", "MODULES"),
    ("user.max_user_namespaces", "USER_NS"),
    ("fs.inotify.", "INOTIFY_USER"),
    ("vm.nr_hugepages", "HUGETLBFS"),
    ("vm.overcommit_hugepages", "HUGETLBFS"),
    ("vm.swappiness", "SWAP"),
];

/// What is asked and was there before, and is not now.
pub(super) fn missing(before: &Part<'_>, after: &Part<'_>) -> Vec<Sideways> {
    let mut found = Vec::new();
    let (old, new) = (modules(before.files), modules(after.files));
    for (name, path) in loaded(after.files) {
        if old.contains(&name) && !new.contains(&name) {
            let what = format!("{name} is loaded at boot, and the kernel has it no more");
            let finding = Finding::removed(Kind::Sideways, what, "a module or built in");
            found.push(Sideways { part: after.name.to_owned(), path: Some(path), finding });
        }
    }
    let (old, new) = (options(before.files), options(after.files));
    if let (Some(old), Some(new)) = (old, new) {
        for (key, path) in parameters(after.files) {
            let option = PARAMETERS.iter().find(|(start, _)| key.starts_with(start));
            let Some((_, option)) = option else { continue };
            if old.contains(*option) && !new.contains(*option) {
                let what = format!("{key} is set, and the kernel's CONFIG_{option} is gone");
                let finding = Finding::removed(Kind::Sideways, what, "y");
                found.push(Sideways { part: after.name.to_owned(), path: Some(path), finding });
            }
        }
    }
    found
}

/// Names of modules, with `_` for `-`, of all kernels of a root, those that are built in too.
fn modules(files: &dyn Files) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["usr/lib/modules", "lib/modules"] {
        for path in files.below(folder) {
            if path.ends_with("/modules.builtin") {
                let text = files.read(&path).unwrap_or_default();
                let text = String::from_utf8_lossy(&text).into_owned();
                names.extend(text.lines().filter_map(module));
            }
            names.extend(module(&path));
        }
    }
    names
}

/// The name of the module that a path is of.
fn module(path: &str) -> Option<String> {
    let name = path.rsplit('/').next()?;
    let (name, rest) = name.split_once(".ko")?;
    matches!(rest, "" | ".xz" | ".zst" | ".gz").then(|| name.replace('-', "_"))
}

/// Modules that are loaded at boot, with the file that says so: modules-load.d(5).
fn loaded(files: &dyn Files) -> BTreeMap<String, String> {
    lines(files, "modules-load.d", &["etc/modules"])
        .into_iter()
        .filter_map(|(line, path)| Some((line.split_whitespace().next()?.replace('-', "_"), path)))
        .collect()
}

/// Parameters that are set, with the file that says so: sysctl.d(5).
fn parameters(files: &dyn Files) -> BTreeMap<String, String> {
    lines(files, "sysctl.d", &["etc/sysctl.conf"])
        .into_iter()
        .filter_map(|(line, path)| {
            let (key, _) = line.trim_start_matches('-').split_once('=')?;
            Some((key.trim().replace('/', "."), path))
        })
        .collect()
}

fn lines(files: &dyn Files, folder: &str, more: &[&str]) -> Vec<(String, String)> {
    let folders = ["etc", "run", "usr/local/lib", "usr/lib"].map(|root| format!("{root}/{folder}"));
    let mut paths: Vec<String> = folders.iter().flat_map(|folder| files.below(folder)).collect();
    paths.retain(|path| path.ends_with(".conf"));
    paths.extend(more.iter().map(|path| (*path).to_owned()));
    let mut found = Vec::new();
    for path in paths {
        let text = files.read(&path).unwrap_or_default();
        for line in String::from_utf8_lossy(&text).lines().map(str::trim) {
            if !line.is_empty() && !line.starts_with(['#', ';']) {
                found.push((line.to_owned(), path.clone()));
            }
        }
    }
    found
}

/// The options that are on in the configuration of a root's kernel, if it has one.
fn options(files: &dyn Files) -> Option<BTreeSet<String>> {
    let path = files.below("boot").into_iter().find(|path| path.starts_with("boot/config-"))?;
    let text = files.read(&path)?;
    let text = String::from_utf8_lossy(&text).into_owned();
    let on = text.lines().filter_map(|line| {
        let (name, value) = line.strip_prefix("CONFIG_")?.split_once('=')?;
        matches!(value, "y" | "m").then(|| name.to_owned())
    });
    Some(on.collect())
}
