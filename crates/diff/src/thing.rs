//! What kind of thing a path is: decides what is said of it, and how much it matters.

use serde::Serialize;

/// What kind of thing differs. As JSON in kebab case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Thing {
    /// What a change leaves dangling or skewed elsewhere.
    Sideways,
    /// The configuration of a kernel.
    KernelConfig,
    /// The command line of a kernel.
    CommandLine,
    /// A kernel image.
    Kernel,
    /// A kernel module.
    KernelModule,
    /// What else a kernel comes with: maps, indexes of modules.
    KernelIndex,
    /// A systemd unit.
    Unit,
    /// Parameters of the kernel at run time, modules that are loaded, rules of devices.
    KernelParameter,
    /// Rules of a firewall.
    Firewall,
    /// Names, routes and interfaces.
    Network,
    /// Users, groups, passwords, sudo, PAM, ssh.
    Access,
    /// Certificates and keys.
    Certificate,
    /// A Kubernetes object.
    Object,
    /// The configuration or manifest of an image.
    ImageConfig,
    /// What packages there are.
    Packages,
    /// Where packages come from and whether they update themselves.
    Updates,
    /// A configuration file of a program.
    Config,
    /// A shared library.
    Library,
    /// A program or script.
    Program,
    /// The data of programs.
    Data,
    /// Documentation, translations, licences, icons.
    Documentation,
    /// What programs make anew: caches, logs, indexes.
    Cache,
}

/// What a path below a root is, by its name. Paths have no slash in front.
pub(crate) fn of_path(path: &str) -> Thing {
    let path = path.trim_start_matches('/');
    let name = path.rsplit('/').next().unwrap_or(path);
    let has = |prefixes: &[&str]| prefixes.iter().any(|prefix| path.starts_with(prefix));
    let ends = |suffixes: &[&str]| suffixes.iter().any(|suffix| name.ends_with(suffix));
    let holds = |parts: &[&str]| parts.iter().any(|part| path.contains(part));
    let module = |extension: &str| ends(&[extension]) || name.contains(&format!("{extension}."));
    if module(".ko") {
        return Thing::KernelModule;
    }
    if name == "config" && !path.contains('/') || name == ".config" || name.starts_with("config-") {
        return Thing::KernelConfig;
    }
    if matches!(name, "cmdline" | ".cmdline") {
        return Thing::CommandLine;
    }
    if ["vmlinuz", "vmlinux", "bzImage", ".linux"].iter().any(|start| name.starts_with(start)) {
        return Thing::Kernel;
    }
    if name.starts_with("System.map") || holds(&["lib/modules/"]) {
        return Thing::KernelIndex;
    }
    if has(&["usr/share/doc/", "usr/share/man/", "usr/share/info/", "usr/share/locale/"])
        || has(&["usr/share/icons/", "usr/share/lintian/", "usr/share/bug/", "usr/share/zoneinfo/"])
        || ends(&[".md", ".html", ".mo", ".po"])
        || matches!(
            name,
            "README" | "COPYING" | "LICENSE" | "CHANGELOG" | "changelog" | "copyright"
        )
    {
        return Thing::Documentation;
    }
    let unit =
        [".service", ".socket", ".timer", ".mount", ".target", ".path", ".slice", ".network"];
    if holds(&["systemd/system/", "systemd/user/", "systemd/network/"])
        || (holds(&["systemd/"]) && ends(&unit))
        || has(&["etc/systemd/"])
        || has(&["usr/lib/systemd/system-preset/"])
    {
        return Thing::Unit;
    }
    if holds(&["sysctl.d/", "modules-load.d/", "modprobe.d/", "udev/rules.d/"])
        || matches!(path, "etc/sysctl.conf" | "etc/modules")
    {
        return Thing::KernelParameter;
    }
    if holds(&["iptables", "nftables", "ufw/", "firewalld"]) && has(&["etc/"]) {
        return Thing::Firewall;
    }
    if has(&["etc/network/", "etc/netplan/", "etc/NetworkManager/", "etc/cni/"])
        || matches!(path, "etc/hosts" | "etc/resolv.conf" | "etc/nsswitch.conf" | "etc/gai.conf")
    {
        return Thing::Network;
    }
    if has(&["etc/apt/", "etc/yum", "etc/dnf/", "etc/apk/"]) {
        return Thing::Updates;
    }
    if has(&["etc/ssl/", "etc/pki/", "usr/share/ca-certificates/"]) || ends(&[".pem", ".crt"]) {
        return Thing::Certificate;
    }
    if has(&["etc/pam.d/", "etc/sudoers", "etc/ssh/", "etc/security/", "etc/polkit-1/"])
        || matches!(path, "etc/passwd" | "etc/group" | "etc/shadow" | "etc/gshadow")
        || matches!(path, "etc/subuid" | "etc/subgid" | "etc/login.defs")
    {
        return Thing::Access;
    }
    if has(&["var/lib/dpkg/", "lib/apk/", "var/lib/rpm/", "usr/lib/sysimage/rpm/"]) {
        return Thing::Packages;
    }
    if has(&["var/cache/", "var/log/", "var/lib/apt/"]) || ends(&[".cache", ".pyc"]) {
        return Thing::Cache;
    }
    if ends(&[".so", ".a"]) || name.contains(".so.") {
        return Thing::Library;
    }
    if has(&["etc/", "usr/etc/"]) || ends(&[".conf", ".cfg", ".ini", ".toml"]) {
        return Thing::Config;
    }
    if has(&["usr/bin/", "usr/sbin/", "bin/", "sbin/", "usr/local/bin/", "usr/libexec/"]) {
        return Thing::Program;
    }
    if matches!(name, "config.json" | "manifest.json" | "index.json") {
        return Thing::ImageConfig;
    }
    Thing::Data
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_what_an_operator_would_call_them() {
        let cases = [
            ("usr/lib/modules/6.1.0/kernel/net/xt_mark.ko", Thing::KernelModule),
            ("usr/lib/modules/6.1.0/kernel/net/xt_mark.ko.zst", Thing::KernelModule),
            ("usr/lib/modules/6.1.0/modules.dep", Thing::KernelIndex),
            ("boot/config-6.1.0", Thing::KernelConfig),
            ("config", Thing::KernelConfig),
            ("root/.config/x", Thing::Data),
            ("boot/vmlinuz-6.1.0", Thing::Kernel),
            ("etc/systemd/system/a.service.d/limits.conf", Thing::Unit),
            ("usr/lib/systemd/system/a.service", Thing::Unit),
            ("etc/sysctl.d/99-net.conf", Thing::KernelParameter),
            ("etc/iptables/rules.v4", Thing::Firewall),
            ("etc/resolv.conf", Thing::Network),
            ("etc/apt/apt.conf.d/20auto-upgrades", Thing::Updates),
            ("etc/ssl/certs/ca-certificates.crt", Thing::Certificate),
            ("etc/shadow", Thing::Access),
            ("var/lib/dpkg/status", Thing::Packages),
            ("usr/lib/x86_64-linux-gnu/libc.so.6", Thing::Library),
            ("etc/containerd/config.toml", Thing::Config),
            ("usr/sbin/nft", Thing::Program),
            ("usr/share/doc/bash/copyright", Thing::Documentation),
            ("config.json", Thing::ImageConfig),
        ];
        for (path, thing) in cases {
            assert_eq!(of_path(path), thing, "{path}");
        }
    }
}
