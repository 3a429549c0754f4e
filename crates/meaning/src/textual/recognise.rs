//! Which kind of text a file is.

use super::{AccountFile, Textual};
use crate::{firewall, keyed, kubernetes, oci, tables};

/// Bytes of a text up to which its content is asked what it is.
const LOOKED_AT: usize = 1 << 20;

/// By the name of a file and its folders.
pub(super) fn by_path(path: &str) -> Option<Textual> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let within = |folder: &str| {
        path.strip_suffix(name).is_some_and(|rest| rest.trim_end_matches('/').ends_with(folder))
    };
    let ends = |end: &str| name.ends_with(end);
    if let Some(file) = account(path) {
        return Some(Textual::Accounts(file));
    }
    Some(match name {
        "fstab" => Textual::Fstab,
        "hosts" if within("etc") => Textual::Hosts,
        "resolv.conf" | "stub-resolv.conf" => Textual::Resolv,
        "nsswitch.conf" => Textual::Nsswitch,
        "sysctl.conf" => Textual::Sysctl,
        "sources.list" => Textual::AptSources,
        "modules" if within("etc") => Textual::ModulesLoad,
        "cmdline" | "cmdline.txt" | ".cmdline" => Textual::CommandLine,
        "status" if within("var/lib/dpkg") => Textual::DpkgStatus,
        _ if within("dpkg/status.d") && !ends(".md5sums") => Textual::DpkgStatus,
        "apt.conf" => Textual::AptConfiguration,
        "preferences" if within("apt") => Textual::AptPreferences,
        _ if within("sysctl.d") && ends(".conf") => Textual::Sysctl,
        _ if within("modules-load.d") && ends(".conf") => Textual::ModulesLoad,
        _ if within("modprobe.d") && ends(".conf") => Textual::Modprobe,
        _ if within("tmpfiles.d") && ends(".conf") => Textual::Tmpfiles,
        _ if within("sysusers.d") && ends(".conf") => Textual::Sysusers,
        _ if within("rules.d") && ends(".rules") && path.contains("udev") => Textual::Udev,
        _ if within("apt.conf.d") => Textual::AptConfiguration,
        _ if within("preferences.d") && path.contains("apt") => Textual::AptPreferences,
        _ if within("sources.list.d") => Textual::AptSources,
        _ if is_unit(path, name) => Textual::SystemdUnit,
        _ if within("loader/entries") && ends(".conf") => Textual::BootEntry,
        _ if ends(".nft") || name == "nftables.conf" => Textual::Nft,
        _ if [".pem", ".crt", ".cer"].iter().any(|end| ends(end)) => Textual::Certificates,
        _ if ends(".toml") => Textual::Toml,
        _ if ends(".desktop") || ends(".ini") || ends(".repo") => Textual::Ini,
        _ => return None,
    })
}

/// By what a text says; names like `x.yaml` say too little.
pub(super) fn by_content(bytes: &[u8]) -> Option<Textual> {
    if bytes.len() > LOOKED_AT && !matches!(bytes.first(), Some(b'{' | b'[')) {
        return None;
    }
    let text = std::str::from_utf8(bytes).ok()?;
    let start = text.trim_start_matches('\u{feff}').trim_start();
    if start.starts_with(['{', '[']) && start.trim_end().ends_with(['}', ']']) {
        return Some(match () {
            () if oci::looks_like(text) => Textual::OciImage,
            () if kubernetes::looks_like(text) => Textual::Kubernetes,
            () if keyed::ini::looks_like(text) => Textual::Ini,
            () => Textual::Json,
        });
    }
    Some(match () {
        () if start.starts_with("-----BEGIN ")
            || text.contains("\n-----BEGIN CERTIFICATE-----") =>
        {
            Textual::Certificates
        }
        () if firewall::looks_like_iptables(text) => Textual::Iptables,
        () if firewall::looks_like_nft(text) => Textual::Nft,
        () if kubernetes::looks_like(text) => Textual::Kubernetes,
        () if keyed::ini::looks_like(text) => Textual::Ini,
        () if tables::looks_like_command_line(text) => Textual::CommandLine,
        () if tables::looks_like_variables(text) => Textual::Variables,
        () => return None,
    })
}

fn account(path: &str) -> Option<AccountFile> {
    let name = path.strip_prefix("etc/").or_else(|| path.strip_prefix("usr/lib/"))?;
    Some(match name.trim_end_matches('-') {
        "passwd" => AccountFile::Passwd,
        "group" => AccountFile::Group,
        "shadow" => AccountFile::Shadow,
        "gshadow" => AccountFile::Gshadow,
        "subuid" | "subgid" => AccountFile::SubIds,
        _ => return None,
    })
}

fn is_unit(path: &str, name: &str) -> bool {
    const ENDS: &[&str] = &[
        ".service",
        ".socket",
        ".target",
        ".timer",
        ".mount",
        ".automount",
        ".swap",
        ".path",
        ".slice",
        ".network",
        ".netdev",
        ".link",
        ".nspawn",
        ".container",
        ".volume",
        ".kube",
    ];
    let of_systemd =
        path.contains("systemd/") || path.contains("units/") || path.contains("quadlet");
    let drop_in = name.ends_with(".conf") && path.contains(".d/");
    let manager = name.ends_with(".conf") && path.rsplit('/').nth(1) == Some("systemd");
    ENDS[..9].iter().any(|end| name.ends_with(end)) && !name.starts_with('.')
        || of_systemd && (ENDS.iter().any(|end| name.ends_with(end)) || drop_in || manager)
}
