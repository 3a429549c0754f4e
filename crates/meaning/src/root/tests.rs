//! What two small roots tell.

use super::*;
use crate::Kind;
use std::collections::BTreeMap;

/// A root of texts; `-> x` is a link.
pub(crate) struct Texts(BTreeMap<String, String>);

impl Texts {
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }

    fn with(mut self, path: &str, text: &str) -> Self {
        self.0.insert(path.to_owned(), text.to_owned());
        self
    }
}

impl Files for Texts {
    fn below(&self, directory: &str) -> Vec<String> {
        let start = format!("{directory}/");
        self.0.keys().filter(|path| path.starts_with(&start)).cloned().collect()
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let text = self.0.get(path)?;
        match text.strip_prefix("-> ") {
            Some("/dev/null") => Some(Vec::new()),
            Some(target) => self.read(target.trim_start_matches('/')),
            None => Some(text.clone().into_bytes()),
        }
    }

    fn link(&self, path: &str) -> Option<String> {
        self.0.get(path)?.strip_prefix("-> ").map(str::to_owned)
    }
}

fn section(name: &str, before: &Texts, after: &Texts) -> Section {
    let found = compare(before, after, &Limits::default());
    found.into_iter().find(|section| section.name == name).unwrap()
}

const UNIT: &str = "usr/lib/systemd/system/containerd.service";

fn node() -> Texts {
    Texts::of(&[
        (UNIT, "[Service]\nExecStart=/usr/bin/containerd\nLimitNOFILE=1048576\n"),
        ("usr/lib/systemd/system/a@.service", "[Service]\nExecStart=/a %i\n"),
        (
            "etc/systemd/system/multi-user.target.wants/containerd.service",
            "-> /usr/lib/systemd/system/containerd.service",
        ),
        ("usr/lib/sysctl.d/10-a.conf", "net.core.somaxconn = 4096\nkernel.x=1\n"),
        ("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n"),
        (
            "var/lib/dpkg/status",
            "Package: systemd\nStatus: install ok installed\nArchitecture: amd64\nVersion: 245.4-4ubuntu3\n",
        ),
    ])
}

#[test]
fn a_root_and_itself_differ_in_nothing() {
    for section in compare(&node(), &node(), &Limits::default()) {
        assert_eq!(section.findings, [], "{}", section.name);
    }
}

#[test]
fn a_drop_in_moves_a_limit_of_the_unit() {
    let after = node().with(
        "etc/systemd/system/containerd.service.d/limits.conf",
        "[Service]\nLimitNOFILE=infinity\n",
    );
    let found = section("units", &node(), &after);
    assert_eq!(found.findings.len(), 1, "{:#?}", found.findings);
    let one = &found.findings[0];
    assert_eq!(one.what, "containerd.service [Service] LimitNOFILE");
    assert_eq!((one.before.as_deref(), one.after.as_deref()), (Some("1048576"), Some("infinity")));
    assert_eq!(
        one.note.as_deref(),
        Some("set by etc/systemd/system/containerd.service.d/limits.conf")
    );
    assert!(found.explains.contains(UNIT));
}

#[test]
fn a_drop_in_without_effect_is_no_finding_and_is_explained() {
    let path = "etc/systemd/system/containerd.service.d/limits.conf";
    let after = node().with(path, "[Service]\nLimitNOFILE=1048576\n");
    let found = section("units", &node(), &after);
    assert!(found.findings.is_empty() && found.explains.contains(path));
}

#[test]
fn masks_and_enablement_are_told() {
    let after = node().with("etc/systemd/system/containerd.service", "-> /dev/null");
    let found = section("units", &node(), &after);
    assert_eq!(
        found.findings[0].after.as_deref(),
        Some("masked by etc/systemd/system/containerd.service")
    );
    let mut after = node();
    after.0.remove("etc/systemd/system/multi-user.target.wants/containerd.service");
    let found = section("units", &node(), &after);
    assert_eq!(found.findings[0].what, "containerd.service enabled");
    assert_eq!(found.findings[0].before.as_deref(), Some("wanted by multi-user.target"));
}

#[test]
fn templates_give_their_instances_drop_ins() {
    let path = "etc/systemd/system/a@x.service.d/u.conf";
    let after = node().with(path, "[Service]\nUser=x\n");
    let found = section("units", &node(), &after);
    assert!(found.findings.iter().any(|one| one.what == "a@x.service"), "{:#?}", found.findings);
}

#[test]
fn a_version_of_systemd_that_crosses_a_default_tells_it() {
    let status = "Package: systemd\nStatus: install ok installed\nArchitecture: amd64\nVersion: 249.11-0ubuntu3\n";
    let after = node().with("var/lib/dpkg/status", status);
    let found = section("system managers", &node(), &after);
    let rules = "default of networkd.conf [Network] ManageForeignRoutingPolicyRules";
    let one = found.findings.iter().find(|one| one.what == rules).unwrap();
    assert!(one.note.as_deref().unwrap().starts_with("systemd 245 -> 249: networkd removes"));
    assert!(one.note.as_deref().unwrap().ends_with("networkd is not enabled in this root"));
    let link = "etc/systemd/system/multi-user.target.wants/systemd-networkd.service";
    let on =
        Texts(after.0.clone()).with(link, "-> /usr/lib/systemd/system/systemd-networkd.service");
    let found = section("system managers", &node(), &on);
    assert!(found.findings.iter().any(|one| {
        one.what == rules
            && one.note.as_deref().unwrap().ends_with("networkd is enabled in this root")
    }));
    let set = "[Network]\nManageForeignRoutingPolicyRules=no\n";
    let (before, after) = (
        node().with("etc/systemd/networkd.conf", set),
        after.with("etc/systemd/networkd.conf", set),
    );
    let found = section("system managers", &before, &after);
    assert!(!found.findings.iter().any(|one| one.what == rules), "{:#?}", found.findings);
}

#[test]
fn the_last_file_by_name_sets_a_sysctl() {
    let after = node().with("etc/sysctl.d/90-b.conf", "net/core/somaxconn=409\n");
    let found = section("sysctl", &node(), &after);
    assert_eq!(found.findings[0].what, "net.core.somaxconn");
    assert_eq!(found.findings[0].note.as_deref(), Some("set by etc/sysctl.d/90-b.conf"));
    let masked = node().with("etc/sysctl.d/10-a.conf", "-> /dev/null");
    let found = section("sysctl", &node(), &masked);
    assert_eq!(found.findings.len(), 2, "{:#?}", found.findings);
    assert!(!found.explains.contains("usr/lib/sysctl.d/00-masked.conf"));
}

#[test]
fn an_image_that_began_to_update_itself_is_told_first() {
    let more = "\n\nPackage: unattended-upgrades\nStatus: install ok installed\nArchitecture: all\nVersion: 2.3\n";
    let text = node().0["var/lib/dpkg/status"].clone() + more;
    let after = node()
        .with("var/lib/dpkg/status", &text)
        .with(
            "etc/systemd/system/timers.target.wants/apt-daily-upgrade.timer",
            "-> /usr/lib/systemd/system/apt-daily-upgrade.timer",
        )
        .with("etc/apt/apt.conf.d/20auto-upgrades", "APT::Periodic::Unattended-Upgrade \"1\";\n");
    let found = section("can change itself", &node(), &after);
    assert_eq!(found.findings[0].after.as_deref(), Some("yes, by unattended-upgrades"));
    assert_eq!(found.findings[0].inside.len(), 3, "{:#?}", found.findings);
    let packages = section("packages", &node(), &after);
    assert_eq!(
        (packages.findings[0].kind, &*packages.findings[0].what),
        (Kind::Package, "unattended-upgrades")
    );
}

#[test]
fn owners_know_the_package_and_the_checksum_of_each_file() {
    let root = Texts::of(&[
        ("lib", "-> usr/lib"),
        (
            "var/lib/dpkg/status",
            "Package: ssh\nConffiles:\n /etc/ssh/sshd_config d41d8cd98f00b204e9800998ecf8427e\n /etc/old 00 obsolete\n",
        ),
        ("var/lib/dpkg/info/libc6:amd64.list", "/.\n/lib\n/lib/libc.so.6\n"),
        (
            "var/lib/dpkg/info/libc6:amd64.md5sums",
            "d41d8cd98f00b204e9800998ecf8427e  lib/libc.so.6\n",
        ),
        (
            "usr/lib/apk/db/installed",
            "P:musl\nV:1.2-r0\nF:lib\nR:ld.so\nZ:Q12jmj7l5rSw0yVb/vlWAYkK/YBwk=\n\n",
        ),
    ]);
    let found = owners(&root);
    let libc = &found["usr/lib/libc.so.6"];
    assert_eq!(libc.package, "libc6");
    assert!(libc.checksum.unwrap().fits(b"") && !libc.checksum.unwrap().fits(b"x"));
    assert_eq!(found["etc/ssh/sshd_config"].package, "ssh");
    assert!(!found.contains_key("etc/old"));
    assert!(found["usr/lib/ld.so"].checksum.unwrap().fits(b""));
}

#[test]
fn a_whole_file_of_rules_is_one_finding_and_a_manager_without_a_file_is_the_default() {
    let after = node()
        .with("usr/lib/udev/rules.d/55-dm.rules", "A==\"b\", C=\"d\"\nE==\"f\", G=\"h\"\n")
        .with("etc/systemd/journald.conf", "[Journal]\n#Storage=auto\n");
    let found = section("udev rules", &node(), &after).findings;
    assert_eq!((found.len(), found[0].what.as_str()), (1, "usr/lib/udev/rules.d/55-dm.rules"));
    assert_eq!((found[0].after.as_deref(), found[0].inside.len()), (Some("2 entries"), 2));
    assert_eq!(section("system managers", &node(), &after).findings, []);
}
