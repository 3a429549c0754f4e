//! Which kind of text a file is, by its name or by what it says, and who compares it.

use crate::{
    Finding, Kind, Limits, Pair, accounts, apt, certificates, firewall, keyed, kubernetes, oci,
    packages,
    rows::Order,
    settings, systemd, tables,
    text::{self, Spelling, only_spelling},
    unread::Unread,
};

/// A kind of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Textual {
    /// Users: passwd(5).
    Accounts(AccountFile),
    /// apt.conf(5).
    AptConfiguration,
    /// apt_preferences(5).
    AptPreferences,
    /// sources.list(5), in both forms.
    AptSources,
    /// A bundle of certificates or keys in PEM.
    Certificates,
    /// The command line of a kernel.
    CommandLine,
    /// The status file of dpkg.
    DpkgStatus,
    /// fstab(5).
    Fstab,
    /// hosts(5).
    Hosts,
    /// Sections with keys.
    Ini,
    /// What iptables-save writes.
    Iptables,
    /// JSON.
    Json,
    /// Kubernetes objects in YAML or JSON.
    Kubernetes,
    /// modprobe.d(5).
    Modprobe,
    /// modules-load.d(5).
    ModulesLoad,
    /// A script of nft(8).
    Nft,
    /// nsswitch.conf(5).
    Nsswitch,
    /// The configuration, manifest or index of an image.
    OciImage,
    /// resolv.conf(5).
    Resolv,
    /// sysctl.d(5).
    Sysctl,
    /// sysusers.d(5).
    Sysusers,
    /// A unit, a drop-in, or another file of systemd.
    SystemdUnit,
    /// tmpfiles.d(5).
    Tmpfiles,
    /// TOML.
    Toml,
    /// udev(7).
    Udev,
    /// YAML.
    Yaml,
}

/// Which file of accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountFile {
    /// passwd(5)
    Passwd,
    /// group(5)
    Group,
    /// shadow(5)
    Shadow,
    /// gshadow(5)
    Gshadow,
    /// subuid(5) and subgid(5)
    SubIds,
}

/// Bytes of a text up to which its content is asked what it is.
const LOOKED_AT: usize = 1 << 20;

impl Textual {
    /// What both versions are.
    pub(crate) fn of(pair: &Pair<'_>) -> Option<Self> {
        if let Some(known) = Self::by_path(pair.path) {
            return Some(known);
        }
        let found = match [pair.before, pair.after].map(Self::by_content) {
            [one, other] if one == other => one,
            // A file that was empty, or is, is what the other version is.
            [one, _] if pair.after.trim_ascii().is_empty() => one,
            [_, other] if pair.before.trim_ascii().is_empty() => other,
            _ => None,
        };
        let ends = |end: &&str| pair.path.ends_with(*end);
        found.or_else(|| match () {
            () if [".yaml", ".yml"].iter().any(ends) => Some(Self::Yaml),
            () if ends(&".json") => Some(Self::Json),
            () => None,
        })
    }

    /// Whether a name alone says what a file is, so that bytes that are no UTF-8 are no matter.
    pub(crate) fn is_named(path: &str) -> bool {
        Self::by_path(path).is_some()
    }

    fn by_path(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        let within = |folder: &str| {
            path.strip_suffix(name).is_some_and(|rest| rest.trim_end_matches('/').ends_with(folder))
        };
        let ends = |end: &str| name.ends_with(end);
        if let Some(file) = account(path) {
            return Some(Self::Accounts(file));
        }
        Some(match name {
            "fstab" => Self::Fstab,
            "hosts" if within("etc") => Self::Hosts,
            "resolv.conf" | "stub-resolv.conf" => Self::Resolv,
            "nsswitch.conf" => Self::Nsswitch,
            "sysctl.conf" => Self::Sysctl,
            "sources.list" => Self::AptSources,
            "modules" if within("etc") => Self::ModulesLoad,
            "cmdline" | "cmdline.txt" | ".cmdline" => Self::CommandLine,
            "status" if within("var/lib/dpkg") => Self::DpkgStatus,
            _ if within("dpkg/status.d") && !ends(".md5sums") => Self::DpkgStatus,
            "apt.conf" => Self::AptConfiguration,
            "preferences" if within("apt") => Self::AptPreferences,
            _ if within("sysctl.d") && ends(".conf") => Self::Sysctl,
            _ if within("modules-load.d") && ends(".conf") => Self::ModulesLoad,
            _ if within("modprobe.d") && ends(".conf") => Self::Modprobe,
            _ if within("tmpfiles.d") && ends(".conf") => Self::Tmpfiles,
            _ if within("sysusers.d") && ends(".conf") => Self::Sysusers,
            _ if within("rules.d") && ends(".rules") && path.contains("udev") => Self::Udev,
            _ if within("apt.conf.d") => Self::AptConfiguration,
            _ if within("preferences.d") && path.contains("apt") => Self::AptPreferences,
            _ if within("sources.list.d") => Self::AptSources,
            _ if is_unit(path, name) => Self::SystemdUnit,
            _ if ends(".nft") || name == "nftables.conf" => Self::Nft,
            _ if [".pem", ".crt", ".cer"].iter().any(|end| ends(end)) => Self::Certificates,
            _ if ends(".toml") => Self::Toml,
            _ if ends(".desktop") || ends(".ini") || ends(".repo") => Self::Ini,
            _ => return None,
        })
    }

    /// By what a text says; names like `x.yaml` say too little.
    fn by_content(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > LOOKED_AT && !matches!(bytes.first(), Some(b'{' | b'[')) {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        let start = text.trim_start_matches('\u{feff}').trim_start();
        if start.starts_with(['{', '[']) && start.trim_end().ends_with(['}', ']']) {
            return Some(match () {
                () if oci::looks_like(text) => Self::OciImage,
                () if kubernetes::looks_like(text) => Self::Kubernetes,
                () if keyed::ini::looks_like(text) => Self::Ini,
                () => Self::Json,
            });
        }
        Some(match () {
            () if start.starts_with("-----BEGIN ")
                || text.contains("\n-----BEGIN CERTIFICATE-----") =>
            {
                Self::Certificates
            }
            () if firewall::looks_like_iptables(text) => Self::Iptables,
            () if firewall::looks_like_nft(text) => Self::Nft,
            () if kubernetes::looks_like(text) => Self::Kubernetes,
            () if keyed::ini::looks_like(text) => Self::Ini,
            () if tables::looks_like_command_line(text) => Self::CommandLine,
            () => return None,
        })
    }

    /// The findings, or why a version is not what its name says.
    pub(crate) fn findings(self, pair: &Pair<'_>, limits: &Limits) -> Result<Vec<Finding>, Unread> {
        let file = |reader, order| Ok(settings::file(pair, reader, order));
        match self {
            Self::Accounts(which) => Ok(accounts::file(pair, which.base())),
            Self::AptConfiguration => apt::configuration(pair),
            Self::AptPreferences => file(apt::preferences, Order::Free),
            Self::AptSources => file(apt::sources, Order::Free),
            Self::Certificates => certificates::certificates(pair),
            Self::CommandLine => Ok(tables::command_line(pair)),
            Self::DpkgStatus => Ok(packages::dpkg_status(pair)),
            Self::Fstab => file(tables::fstab, Order::Matters),
            Self::Hosts => file(tables::hosts, Order::Free),
            Self::Ini => keyed::ini::ini(pair),
            Self::Iptables => firewall::iptables(pair),
            Self::Json => keyed::json(pair, limits),
            Self::Kubernetes => kubernetes::objects(pair, limits),
            Self::Modprobe => file(settings::modprobe, Order::Free),
            Self::ModulesLoad => file(settings::modules_load, Order::Free),
            Self::Nft => firewall::nft(pair),
            Self::Nsswitch => file(tables::nsswitch, Order::Free),
            Self::OciImage => oci::image(pair, limits),
            Self::Resolv => file(tables::resolv, Order::Free),
            Self::Sysctl => file(settings::sysctl, Order::Free),
            Self::Sysusers => file(settings::sysusers, Order::Free),
            Self::SystemdUnit => systemd::unit(pair),
            Self::Tmpfiles => file(settings::tmpfiles, Order::Free),
            Self::Toml => keyed::toml(pair, limits),
            Self::Udev => file(settings::udev, Order::Matters),
            Self::Yaml => keyed::yaml(pair, limits),
        }
    }

    fn spelling(self) -> Spelling {
        Spelling::with_comments(match self {
            Self::Json | Self::OciImage => &["//"],
            Self::AptConfiguration => &["//", "#"],
            Self::Ini | Self::SystemdUnit | Self::Sysctl => &["#", ";"],
            _ => &["#"],
        })
    }

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accounts(_) => "accounts",
            Self::AptConfiguration => "apt configuration",
            Self::AptPreferences => "apt preferences",
            Self::AptSources => "apt sources",
            Self::Certificates => "certificates",
            Self::CommandLine => "kernel command line",
            Self::DpkgStatus => "dpkg status",
            Self::Fstab => "fstab",
            Self::Hosts => "hosts",
            Self::Ini => "sections with keys",
            Self::Iptables => "iptables rules",
            Self::Json => "JSON",
            Self::Kubernetes => "Kubernetes objects",
            Self::Modprobe => "modprobe configuration",
            Self::ModulesLoad => "modules to load",
            Self::Nft => "nft rules",
            Self::Nsswitch => "nsswitch",
            Self::OciImage => "image configuration",
            Self::Resolv => "resolv.conf",
            Self::Sysctl => "sysctl",
            Self::Sysusers => "sysusers",
            Self::SystemdUnit => "systemd unit",
            Self::Tmpfiles => "tmpfiles",
            Self::Toml => "TOML",
            Self::Udev => "udev rules",
            Self::Yaml => "YAML",
        }
    }
}

/// Compares two versions; one that is not what its name says is compared by lines, which is told.
pub(crate) fn findings(kind: Textual, pair: &Pair<'_>, limits: &Limits) -> Vec<Finding> {
    if pair.before == pair.after {
        return Vec::new();
    }
    let mut findings = match kind.findings(pair, limits) {
        Ok(findings) => findings,
        Err(error) => {
            let mut lines = text::compare(pair, limits);
            let what = format!("as {}", kind.name());
            lines.insert(
                0,
                Finding::not_compared(what, format!("{error}; lines are compared instead")),
            );
            return lines;
        }
    };
    if findings.is_empty() {
        let texts = [pair.before, pair.after].map(String::from_utf8_lossy);
        let what = only_spelling(&texts[0], &texts[1], kind.spelling());
        findings.push(Finding::bare(Kind::Encoding, what));
    }
    findings
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

impl AccountFile {
    fn base(self) -> accounts::Base {
        match self {
            Self::Passwd => accounts::Base::Passwd,
            Self::Group => accounts::Base::Group,
            Self::Shadow => accounts::Base::Shadow,
            Self::Gshadow => accounts::Base::Gshadow,
            Self::SubIds => accounts::Base::SubIds,
        }
    }
}
