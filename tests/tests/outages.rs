//! Outages that happened, rebuilt small and true in shape: the cause stands first, also among fifty
//! changes that have nothing to do with it, and a rebuild from the same lock is equal.
//!
//! The kernel that a patch broke by one character is in `tests/examples/one_character.rs`, since it
//! compiles a module of a real kernel.

use groundup_testkit::Deb;
use groundup_tests::outage::{OPENAPI, Outage, rebuilt};

#[test]
fn a_label_that_a_selector_elsewhere_asked_for() {
    let node = |label: &str| {
        format!(
            "apiVersion: v1\nkind: Node\nmetadata:\n  name: a\n  labels: {{node-role.kubernetes.io/{label}: \"\"}}\n"
        )
    };
    let peer = "apiVersion: crd.projectcalico.org/v1\nkind: BGPPeer\nmetadata: {name: reflectors}\n\
                spec: {nodeSelector: has(node-role.kubernetes.io/master)}\n";
    rebuilt(&Outage {
        recipes: "[source.kubernetes]\npath = \"api\"\n\n\
                  [rootfs.base]\npackages = [\"tiny-sh\", \"bulk\"]\n\n\
                  [image.web]\ntrees = [\"rootfs.base\"]\n\n\
                  [cluster.prod]\nkubernetes = \"1.20\"\nschemas = \"source.kubernetes\"\n\
                  manifests = [\"manifests/*.yaml\"]\nimages = { \"registry.example/web\" = \"image.web\" }\n\
                  unchecked = [\"v1 Node\", \"v1 Pod\", \"crd.projectcalico.org/v1 BGPPeer\"]\n",
        files: vec![
            ("api/swagger.json", OPENAPI.into()),
            ("manifests/node.yaml", node("master")),
            ("manifests/peer.yaml", peer.into()),
            (
                "manifests/pod.yaml",
                "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: default}\n\
                 spec: {containers: [{name: web, image: registry.example/web}]}\n"
                    .into(),
            ),
        ],
        files_after: vec![("manifests/node.yaml", node("control-plane"))],
        packages: Vec::new(),
        packages_after: Vec::new(),
        target: "cluster.prod",
        cause: "file manifests/*.yaml: node.yaml differs",
        first: &[
            "BGPPeer reflectors: spec.nodeSelector matches nothing any more",
            "node-role.kubernetes.io/master",
        ],
        told: &["metadata.labels"],
    });
}

#[test]
fn a_default_of_systemd_in_an_image_that_upgrades_itself() {
    let systemd = |version: &str| {
        Deb::new("systemd", version, "all")
            .file("lib/systemd/systemd-networkd", version, 0o755)
            .file(
                "lib/systemd/system/systemd-networkd.service",
                "[Service]\nExecStart=/lib/systemd/systemd-networkd\n",
                0o644,
            )
    };
    rebuilt(&Outage {
        recipes: "[rootfs.os]\npackages = [\"tiny-sh\", \"bulk\", \"systemd\"]\n\
                  files = [{ path = \"/etc/apt/apt.conf.d/20auto-upgrades\", source = \"upgrades\" }]\n\n\
                  [image.os]\ntrees = [\"rootfs.os\"]\n",
        files: vec![("upgrades", "APT::Periodic::Unattended-Upgrade \"1\";\n".into())],
        files_after: Vec::new(),
        packages: vec![systemd("245.4-4ubuntu3.17")],
        packages_after: vec![systemd("249.11-0ubuntu3.7")],
        target: "image.os",
        cause: "pin systemd: 245.4-4ubuntu3.17 -> 249.11-0ubuntu3.7",
        first: &["ManageForeignR"],
        told: &[
            "ManageForeignRoutingPolicyRules",
            "removes routing policy rules of other programs",
        ],
    });
}

#[test]
fn a_line_of_a_unit() {
    let containerd = |version: &str, limit: &str| {
        Deb::new("containerd", version, "all").file(
            "lib/systemd/system/containerd.service",
            format!("[Unit]\nDescription=containerd\n[Service]\nExecStart=/bin/sh\nLimitNOFILE={limit}\n"),
            0o644,
        )
    };
    rebuilt(&Outage {
        recipes: "[rootfs.os]\npackages = [\"tiny-sh\", \"bulk\", \"containerd\"]\n\n\
                  [image.os]\ntrees = [\"rootfs.os\"]\n",
        files: Vec::new(),
        files_after: Vec::new(),
        packages: vec![containerd("1.5.9", "1048576")],
        packages_after: vec![containerd("1.6.0", "infinity")],
        target: "image.os",
        cause: "pin containerd: 1.5.9 -> 1.6.0",
        first: &["containerd.service [Service] LimitNOFILE", "1048576", "infinity"],
        told: &[],
    });
}

#[test]
fn a_tool_on_the_host_that_is_another_in_the_container() {
    let iptables = |version: &str| {
        Deb::new("iptables", version, "all").file("usr/sbin/iptables", version, 0o755)
    };
    let vendored =
        Deb::new("kube-proxy", "1", "all").file("usr/share/iptables-version", "1.8.7-1", 0o644);
    rebuilt(&Outage {
        recipes: "[source.kubernetes]\npath = \"api\"\n\n\
                  [rootfs.host]\npackages = [\"tiny-sh\", \"bulk\", \"iptables\"]\n\n\
                  [rootfs.proxy]\npackages = [\"tiny-sh\", \"kube-proxy\"]\n\
                  files = [{ path = \"/var/lib/dpkg/status.d/iptables\", source = \"status\" }]\n\n\
                  [image.host]\ntrees = [\"rootfs.host\"]\n\n\
                  [image.kube-proxy]\ntrees = [\"rootfs.proxy\"]\n\n\
                  [cluster.prod]\nkubernetes = \"1.20\"\nschemas = \"source.kubernetes\"\n\
                  manifests = [\"manifests/*.yaml\"]\nunchecked = [\"v1 Pod\"]\n\
                  images = { \"registry.example/host\" = \"image.host\", \"registry.example/proxy\" = \"image.kube-proxy\" }\n",
        files: vec![
            ("api/swagger.json", OPENAPI.into()),
            (
                "status",
                "Package: iptables\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.8.7-1\n".into(),
            ),
            (
                "manifests/pod.yaml",
                "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: default}\n\
                 spec: {containers: [{name: a, image: registry.example/host}, {name: b, image: registry.example/proxy}]}\n"
                    .into(),
            ),
        ],
        files_after: Vec::new(),
        packages: vec![iptables("1.8.7-1"), vendored.clone()],
        packages_after: vec![iptables("1.8.8-1"), vendored],
        target: "cluster.prod",
        cause: "pin iptables: 1.8.7-1 -> 1.8.8-1",
        first: &["iptables has several versions on one kernel", "1.8.8-1 in image.host root", "1.8.7-1 in image.kube-proxy root"],
        told: &[],
    });
}

#[test]
fn an_option_that_the_kernel_lost() {
    let kernel = |version: &str, config: &str, modules: &[&str]| {
        let mut deb = Deb::new("linux-image", version, "all").file(
            "boot/config-6.1.0",
            format!("#\n# Automatically generated file; DO NOT EDIT.\n# Linux/x86 6.1.0 Kernel Configuration\n#\n{config}"),
            0o644,
        );
        for module in modules {
            deb = deb.file(&format!("lib/modules/6.1.0/kernel/{module}.ko"), *module, 0o644);
        }
        deb
    };
    rebuilt(&Outage {
        recipes: "[rootfs.os]\npackages = [\"tiny-sh\", \"bulk\", \"linux-image\"]\n\
                  files = [{ path = \"/etc/modules-load.d/net.conf\", source = \"modules\" }]\n\n\
                  [image.os]\ntrees = [\"rootfs.os\"]\n",
        files: vec![("modules", "br_netfilter\n".into())],
        files_after: Vec::new(),
        packages: vec![kernel(
            "6.1.0-1",
            "CONFIG_BRIDGE=m\nCONFIG_BRIDGE_NETFILTER=m\n",
            &["bridge", "br_netfilter"],
        )],
        packages_after: vec![kernel(
            "6.1.0-2",
            "CONFIG_BRIDGE=m\n# CONFIG_BRIDGE_NETFILTER is not set\n",
            &["bridge"],
        )],
        target: "image.os",
        cause: "pin linux-image: 6.1.0-1 -> 6.1.0-2",
        first: &["br_netfilter is loaded at boot, and the kernel has it no more"],
        told: &["BRIDGE_NETFILTER"],
    });
}

#[test]
fn a_base_that_moved_while_nothing_in_git_did() {
    let ssl = |version: &str| {
        Deb::new("openssl", version, "all").file("usr/lib/libssl.so.3", version, 0o644).file(
            "etc/ssl/openssl.cnf",
            format!(
                "openssl_conf = default\nMinProtocol = {}\n",
                if version == "3.0.1" { "TLSv1.0" } else { "TLSv1.2" }
            ),
            0o644,
        )
    };
    rebuilt(&Outage {
        recipes: "[rootfs.base]\npackages = [\"tiny-sh\", \"bulk\", \"openssl\"]\n\n\
                  [image.app]\ntrees = [\"rootfs.base\"]\nentrypoint = [\"/app\"]\n\
                  files = [{ path = \"/app\", source = \"app\", mode = \"0755\" }]\n",
        files: vec![("app", "the same\n".into())],
        files_after: Vec::new(),
        packages: vec![ssl("3.0.1")],
        packages_after: vec![ssl("3.0.2")],
        target: "image.app",
        cause: "pin openssl: 3.0.1 -> 3.0.2",
        first: &["etc/ssl/openssl.cnf", "TLSv1.2"],
        told: &["openssl", "usr/lib/libssl.so.3"],
    });
}
