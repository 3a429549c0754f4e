//! Three outages from public post-mortems, rebuilt after the rules of ranking were frozen, and told of
//! as they came out; `docs/post-mortems.md` has what happened, what is said first, and what it is worth.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use groundup_testkit::Deb;
use groundup_tests::outage::{OPENAPI, Outage, rebuilt};
use serde_json::Value;

/// Self-signed certificates with the names of the roots; each after a line with the name of its file.
const ROOTS: &str = include_str!("post_mortems/roots.pem");

/// `ca-certificates` with some of the roots.
fn ca_certificates(version: &str, without: &[&str]) -> Deb {
    let mut deb = Deb::new("ca-certificates", version, "all");
    for part in ROOTS.split("# ").skip(1) {
        let (name, pem) = part.split_once('\n').unwrap_or((part, ""));
        if !without.contains(&name) {
            let path = format!("usr/share/ca-certificates/mozilla/{name}.crt");
            deb = deb.file(&path, pem, 0o644);
        }
    }
    deb
}

#[test]
fn a_root_certificate_that_something_else_rested_on() {
    let new = [
        "Entrust_Root_Certification_Authority_-_G4",
        "Microsoft_RSA_Root_Certificate_Authority_2017",
    ];
    let gone = [
        "AddTrust_External_Root",
        "Certinomis_-_Root_CA",
        "GeoTrust_Primary_Certification_Authority_-_G2",
        "VeriSign_Universal_Root_Certification_Authority",
    ];
    let all = rebuilt(&Outage {
        recipes: "[rootfs.sdk]\npackages = [\"tiny-sh\", \"bulk\", \"ca-certificates\"]\n\n\
                  [image.sdk]\ntrees = [\"rootfs.sdk\"]\n",
        files: Vec::new(),
        files_after: Vec::new(),
        packages: vec![ca_certificates("20190110", &new)],
        packages_after: vec![ca_certificates("20200601~deb10u1", &gone)],
        target: "image.sdk",
        cause: "pin ",
        first: &["etc/ssl/certs/157753a5.0", "AddTrust_External_Root.pem"],
        told: &["certificate C=US, O=VeriSign, Inc.", "ca-certificates"],
    });
    for compared in &all {
        // Which of the four roots matters nobody knows; its link is the fourth row.
        assert_eq!(compared.row_with(&["removed", "8f0c51bc.0"]), Some(3), "{}", compared.text);
        // Links and the bundle, which are made for the whole root, stand under what they name.
        assert_eq!(compared.report["causes"][0]["what"], "ca-certificates", "{}", compared.text);
    }
}

#[test]
fn a_priority_that_pods_have_without_asking() {
    let ingester = |namespace: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: ingester, namespace: {namespace}}}\n\
             spec:\n  replicas: 3\n  selector: {{matchLabels: {{name: ingester}}}}\n\
             \x20 template:\n    metadata: {{labels: {{name: ingester}}}}\n    spec:\n      containers:\n\
             \x20     - name: ingester\n        image: registry.example/cortex\n\
             \x20       resources: {{requests: {{cpu: \"4\", memory: 15Gi}}}}\n"
        )
    };
    let class = |name: &str, value: u32, default: bool| {
        format!(
            "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {{name: {name}}}\n\
             value: {value}\nglobalDefault: {default}\n---\n"
        )
    };
    let classes = [
        class("critical", 100_000, false),
        class("high", 10_000, false),
        class("medium", 1000, true),
        class("low", 100, false),
    ];
    let all = rebuilt(&Outage {
        recipes: "[source.kubernetes]\npath = \"api\"\n\n\
                  [rootfs.base]\npackages = [\"tiny-sh\", \"bulk\"]\n\n\
                  [image.cortex]\ntrees = [\"rootfs.base\"]\n\n\
                  [cluster.prod]\nkubernetes = \"1.20\"\nschemas = \"source.kubernetes\"\n\
                  manifests = [\"manifests/cluster/*.yaml\", \"manifests/cortex/*.yaml\"]\n\
                  images = { \"registry.example/cortex\" = \"image.cortex\" }\n\
                  unchecked = [\"apps/v1 Deployment\", \"scheduling.k8s.io/v1 PriorityClass\", \"v1 Namespace\"]\n",
        files: vec![
            ("api/swagger.json", OPENAPI.into()),
            (
                "manifests/cluster/namespaces.yaml",
                "apiVersion: v1\nkind: Namespace\nmetadata: {name: cortex-ops}\n---\n\
                 apiVersion: v1\nkind: Namespace\nmetadata: {name: cortex-dedicated}\n"
                    .into(),
            ),
            ("manifests/cortex/ops.yaml", ingester("cortex-ops")),
        ],
        files_after: vec![
            ("manifests/cluster/priorities.yaml", classes.concat()),
            ("manifests/cortex/dedicated.yaml", ingester("cortex-dedicated")),
        ],
        packages: Vec::new(),
        packages_after: Vec::new(),
        target: "cluster.prod",
        cause: "file manifests/cluster/*.yaml: +priorities.yaml differs",
        first: &[
            "Deployment cortex-ops/ingester: names no PriorityClass and gets another default",
            "PriorityClass medium, value 1000",
        ],
        told: &["globalDefault", "Deployment cortex-dedicated/ingester"],
    });
    for compared in &all {
        // Each class that came is a row of its own, with its fields.
        assert!(compared.row_with(&["PriorityClass medium", "globalDefault", "true"]) > Some(0));
    }
}

#[test]
fn a_setting_of_every_interface() {
    let systemd = |version: &str, route: &str, units: &[&str]| {
        let mut deb = Deb::new("systemd", version, "all")
            .file("lib/systemd/systemd", version, 0o755)
            .file("lib/systemd/systemd-sysctl", version, 0o755)
            .file(
                "lib/udev/rules.d/99-systemd.rules",
                "ACTION==\"add\", SUBSYSTEM==\"net\", KERNEL!=\"lo\", \
                 RUN+=\"/lib/systemd/systemd-sysctl --prefix=/net/ipv4/conf/$name\"\n",
                0o644,
            )
            .file(
                "usr/lib/sysctl.d/50-default.conf",
                format!("kernel.sysrq = 16\nkernel.core_uses_pid = 1\n{route}fs.protected_hardlinks = 1\n"),
                0o644,
            );
        for unit in units {
            deb = deb.file(
                &format!("lib/systemd/system/{unit}.service"),
                format!("[Unit]\nDescription={unit}\n[Service]\nExecStart=/lib/systemd/{unit}\n"),
                0o644,
            );
            deb = deb.file(&format!("lib/systemd/{unit}"), format!("{unit} {version}"), 0o755);
        }
        deb
    };
    let before = "net.ipv4.conf.all.rp_filter = 2\nnet.ipv4.conf.all.accept_source_route = 0\n\
                  net.ipv4.conf.all.promote_secondaries = 1\n";
    let after = "net.ipv4.conf.default.rp_filter = 2\nnet.ipv4.conf.*.rp_filter = 2\n\
                 -net.ipv4.conf.all.rp_filter\nnet.ipv4.conf.default.accept_source_route = 0\n\
                 net.ipv4.conf.*.accept_source_route = 0\n-net.ipv4.conf.all.accept_source_route\n\
                 net.ipv4.conf.default.promote_secondaries = 1\n\
                 net.ipv4.conf.*.promote_secondaries = 1\n-net.ipv4.conf.all.promote_secondaries\n";
    let all = rebuilt(&Outage {
        recipes: "[rootfs.node]\npackages = [\"tiny-sh\", \"bulk\", \"systemd\"]\n\n\
                  [image.node]\ntrees = [\"rootfs.node\"]\n",
        files: Vec::new(),
        files_after: Vec::new(),
        packages: vec![systemd("244.2-2", before, &["systemd-networkd", "systemd-logind"])],
        packages_after: vec![systemd(
            "245.2-1",
            after,
            &["systemd-networkd", "systemd-logind", "systemd-homed", "systemd-userdbd"],
        )],
        target: "image.node",
        cause: "pin systemd: 244.2-2 -> 245.2-1",
        first: &["usr/lib/sysctl.d/50-default.conf", "net.ipv4.conf.*.rp_filter"],
        told: &["systemd-homed.service"],
    });
    // Each row of a package stands under its own pin.
    let packages = |row: &&Value| row["places"][0]["path"][1] == "packages";
    let rows = all[1].report["rows"].as_array().unwrap();
    let told: Vec<String> = rows.iter().filter(packages).map(|row| row.to_string()).collect();
    let stands = |what: &str, cause: &str| {
        told.iter().any(|row| row.contains(what) && row.contains(&format!("\"causes\":[{cause}]")))
    };
    assert!(stands("systemd", "0") && stands("bulk", "1"), "{told:?}");
}
