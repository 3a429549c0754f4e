//! Which kind of text a file is, by its name or by what it says, and who compares it.

mod recognise;

use crate::{
    Finding, Kind, Limits, Pair, Telling, accounts, apt, certificates, firewall, keyed, kubernetes,
    oci, packages,
    rows::Order,
    settings, systemd, tables,
    text::{self, Spelling, comments, only_spelling},
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
    /// An entry of a boot loader.
    BootEntry,
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
    /// Assignments of a shell: os-release(5), `/etc/default/*`.
    Variables,
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

impl Textual {
    /// What both versions are.
    pub(crate) fn of(pair: &Pair<'_>) -> Option<Self> {
        if let Some(known) = recognise::by_path(pair.path) {
            return Some(known);
        }
        let found = match [pair.before, pair.after].map(recognise::by_content) {
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
        recognise::by_path(path).is_some()
    }

    /// The findings, or why a version is not what its name says.
    pub(crate) fn findings(self, pair: &Pair<'_>, limits: &Limits) -> Result<Vec<Finding>, Unread> {
        let file = |reader, order| Ok(settings::file(pair, reader, order));
        match self {
            Self::Accounts(which) => Ok(accounts::file(pair, which.base())),
            Self::AptConfiguration => apt::configuration(pair),
            Self::AptPreferences => file(apt::preferences, Order::Free),
            Self::AptSources => file(apt::sources, Order::Free),
            Self::BootEntry => Ok(tables::boot_entry(pair)),
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
            Self::Variables => file(tables::variables, Order::Free),
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
            Self::BootEntry => "boot entry",
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
            Self::Variables => "variables",
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
        let mut finding = Finding::bare(Kind::Encoding, what);
        if limits.spelling == Telling::Lines {
            finding.inside = spelled(text::compare(pair, limits));
        }
        findings.push(finding);
    } else if limits.spelling == Telling::Lines {
        findings.extend(of_comments(pair, kind.spelling(), limits));
    }
    if kind == Textual::DpkgStatus && limits.spelling == Telling::Lines {
        let fields = packages::fields(pair);
        findings.push(Finding::bare(Kind::Encoding, "fields of packages").with(fields));
    }
    findings
}

/// How the comments differ of a file that is compared by what it means.
pub(crate) fn of_comments(pair: &Pair<'_>, spelling: Spelling, limits: &Limits) -> Option<Finding> {
    let [before, after] =
        [pair.before, pair.after].map(|bytes| comments(&String::from_utf8_lossy(bytes), spelling));
    let pair = Pair { path: "", before: before.as_bytes(), after: after.as_bytes() };
    let lines = spelled(text::compare(&pair, limits));
    (!lines.is_empty()).then(|| Finding::bare(Kind::Encoding, "comments").with(lines))
}

/// Lines of which none has an effect.
fn spelled(mut lines: Vec<Finding>) -> Vec<Finding> {
    lines.iter_mut().for_each(|line| line.kind = Kind::Encoding);
    lines
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
