//! What is told of each format: real files, one change each.

#![allow(clippy::unwrap_used, reason = "a failure is the finding")]

use groundup_meaning::{Finding, Kind, Limits, Pair, compare};

fn told(path: &str, before: &str, after: &str) -> (String, Vec<Finding>) {
    let pair = Pair { path, before: before.as_bytes(), after: after.as_bytes() };
    let meaning = compare(&pair, &Limits::default());
    (meaning.format.name().to_owned(), meaning.findings)
}

/// One change of a file: its path and text, what is replaced by what; then what is told: the format, the
/// kind, what it is called, before and after.
type Case = (
    [&'static str; 4],
    &'static str,
    Kind,
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
);

const CASES: &[Case] = &[
    (
        ["etc/x.json", r#"{"a": {"b/c": [1, {"name": "x", "v": true}]}}"#, "true", "false"],
        "JSON",
        Kind::Setting,
        "/a[b/c][1]/v",
        Some("true"),
        Some("false"),
    ),
    (
        [
            "x.json",
            r#"{"l": [{"name": "a", "v": 1}, {"name": "b", "v": 1}]}"#,
            r#""b", "v": 1"#,
            r#""b", "v": "1""#,
        ],
        "JSON",
        Kind::Setting,
        "/l[b]/v",
        Some("1"),
        Some("\"1\""),
    ),
    (
        ["x.json", r#"{"a": 1000}"#, "1000", "1e3"],
        "JSON",
        Kind::Encoding,
        "/a",
        Some("1000"),
        Some("1e3"),
    ),
    (
        ["values.yaml", "web:\n  replicas: 2\n  tags: [a, b]\n", "[a, b]", "[a, c]"],
        "YAML",
        Kind::Setting,
        "/web/tags[1]",
        Some("b"),
        Some("c"),
    ),
    (
        ["values.yaml", "web:\n  replicas: 2\n", "  replicas: 2", "   replicas:  2 # two"],
        "YAML",
        Kind::Encoding,
        "another spelling of the same",
        None,
        None,
    ),
    (
        ["Cargo.toml", "[package]\nname = \"a\"\nversion = \"1\"\n", "\"1\"", "\"2\""],
        "TOML",
        Kind::Setting,
        "/package/version",
        Some("1"),
        Some("2"),
    ),
    (
        [
            "usr/share/applications/a.desktop",
            "[Desktop Entry]\nExec=a %u\nName=A\n",
            "a %u",
            "b %u",
        ],
        "sections with keys",
        Kind::Setting,
        "[Desktop Entry] Exec",
        Some("a %u"),
        Some("b %u"),
    ),
    (
        ["usr/lib/systemd/system/a.service", "[Service]\nExecStart=/a\nUser=x\n", "User=x\n", ""],
        "systemd unit",
        Kind::Setting,
        "[Service] User",
        Some("x"),
        None,
    ),
    (
        [
            "etc/systemd/network/a.network",
            "[Network]\nDHCP=yes\n\n[Route]\nGateway=1.1.1.1\n\n[Route]\nGateway=2.2.2.2\n",
            "2.2.2.2",
            "3.3.3.3",
        ],
        "systemd unit",
        Kind::Setting,
        "[Route 2] Gateway",
        Some("2.2.2.2"),
        Some("3.3.3.3"),
    ),
    (
        ["etc/sysctl.d/net.conf", "# a\nnet.core.somaxconn = 4096\n", "4096", "409"],
        "sysctl",
        Kind::Setting,
        "net.core.somaxconn",
        Some("4096"),
        Some("409"),
    ),
    (
        ["etc/sysctl.d/net.conf", "# a\nnet.core.somaxconn = 4096\n", "# a", "# b"],
        "sysctl",
        Kind::Encoding,
        "comments only",
        None,
        None,
    ),
    (
        [
            "etc/modprobe.d/a.conf",
            "options nf_conntrack hashsize=1 x=2\n",
            "hashsize=1",
            "hashsize=16",
        ],
        "modprobe configuration",
        Kind::Setting,
        "options nf_conntrack hashsize",
        Some("1"),
        Some("16"),
    ),
    (
        [
            "etc/modprobe.d/a.conf",
            "blacklist pcspkr\n",
            "blacklist pcspkr",
            "install pcspkr /bin/false",
        ],
        "modprobe configuration",
        Kind::Setting,
        "blacklist pcspkr",
        Some("blacklisted"),
        None,
    ),
    (
        ["usr/lib/modules-load.d/k8s.conf", "br_netfilter\n", "br_netfilter\n", ""],
        "modules to load",
        Kind::Setting,
        "load br_netfilter",
        Some("loaded"),
        None,
    ),
    (
        ["usr/lib/udev/rules.d/99-a.rules", "SUBSYSTEM==\"net\", NAME=\"eth0\"\n", "eth0", "eth1"],
        "udev rules",
        Kind::Setting,
        "rule SUBSYSTEM==\"net\"",
        Some("NAME=\"eth0\""),
        Some("NAME=\"eth1\""),
    ),
    (
        ["usr/lib/tmpfiles.d/a.conf", "d /run/a 0755 root root - -\n", "0755", "1777"],
        "tmpfiles",
        Kind::Setting,
        "d /run/a: mode",
        Some("0755"),
        Some("1777"),
    ),
    (
        ["usr/lib/sysusers.d/a.conf", "u sshd 74 \"SSH daemon\" /run/sshd\n", "74", "75"],
        "sysusers",
        Kind::Setting,
        "user sshd: uid",
        Some("74"),
        Some("75"),
    ),
    (
        ["etc/group", "root:x:0:\nsudo:x:27:\n", "sudo:x:27:", "sudo:x:27:eve"],
        "accounts",
        Kind::Account,
        "group sudo: members",
        None,
        Some("eve"),
    ),
    (
        ["etc/subuid", "a:100000:65536\n", "100000", "200000"],
        "accounts",
        Kind::Account,
        "ids of a: first",
        Some("100000"),
        Some("200000"),
    ),
    (
        ["etc/fstab", "UUID=1 / ext4 rw,noatime 0 1\n", "noatime", "relatime"],
        "fstab",
        Kind::Setting,
        "mount /: options",
        Some("noatime,rw"),
        Some("relatime,rw"),
    ),
    (
        ["etc/hosts", "127.0.0.1 localhost\n10.0.0.1 api\n", "10.0.0.1", "10.0.0.2"],
        "hosts",
        Kind::Setting,
        "host api",
        Some("10.0.0.1"),
        Some("10.0.0.2"),
    ),
    (
        ["etc/resolv.conf", "nameserver 1.1.1.1\noptions ndots:5\n", "ndots:5", "ndots:1"],
        "resolv.conf",
        Kind::Setting,
        "option ndots",
        Some("5"),
        Some("1"),
    ),
    (
        ["etc/nsswitch.conf", "hosts: files dns\n", "files dns", "dns files"],
        "nsswitch",
        Kind::Setting,
        "hosts",
        Some("files dns"),
        Some("dns files"),
    ),
    (
        [
            "etc/apt/apt.conf.d/20auto-upgrades",
            "APT::Periodic::Unattended-Upgrade \"0\";\n",
            "\"0\"",
            "\"1\"",
        ],
        "apt configuration",
        Kind::Setting,
        "APT::Periodic::Unattended-Upgrade",
        Some("0"),
        Some("1"),
    ),
    (
        [
            "etc/apt/sources.list",
            "deb http://d.example/debian bookworm main\n",
            "bookworm",
            "trixie",
        ],
        "apt sources",
        Kind::Setting,
        "deb http://d.example/debian bookworm",
        Some("components main"),
        None,
    ),
    (
        ["proc/cmdline", "root=/dev/vda ro quiet\n", "ro quiet", "ro"],
        "kernel command line",
        Kind::CommandLine,
        "quiet",
        Some("given"),
        None,
    ),
    (
        [
            "etc/iptables/rules.v4",
            "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -j DROP\nCOMMIT\n",
            "-j DROP",
            "-j ACCEPT",
        ],
        "iptables rules",
        Kind::Rule,
        "table filter chain INPUT rule 1",
        Some("-j DROP"),
        Some("-j ACCEPT"),
    ),
    (
        [
            "var/lib/dpkg/status",
            "Package: a\nVersion: 1\nStatus: install ok installed\nArchitecture: all\n",
            "Version: 1",
            "Version: 2",
        ],
        "dpkg status",
        Kind::Package,
        "a",
        Some("1"),
        Some("2"),
    ),
    (
        ["etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n", "\"12\"", "13"],
        "variables",
        Kind::Setting,
        "VERSION_ID",
        Some("12"),
        Some("13"),
    ),
    (
        [
            "efi/loader/entries/a.conf",
            "title A\nlinux /vmlinuz\noptions root=/dev/a ro\n",
            "root=/dev/a",
            "root=/dev/b",
        ],
        "boot entry",
        Kind::CommandLine,
        "root",
        Some("/dev/a"),
        Some("/dev/b"),
    ),
    (
        ["usr/bin/run", "#!/bin/sh\n# a\nexec a --b\n", "--b", "--c"],
        "text",
        Kind::Line,
        "line 3",
        Some("exec a --b"),
        Some("exec a --c"),
    ),
];

#[test]
fn every_format_tells_one_change_in_its_words() {
    for ([path, text, old, new], format, kind, what, before, after) in CASES {
        assert!(text.contains(old), "{path}");
        let (name, found) = told(path, text, &text.replace(old, new));
        let first = found.first().unwrap_or_else(|| panic!("{path}: nothing is told"));
        assert_eq!(&name, format, "{path}");
        assert_eq!(
            (first.kind, first.what.as_str(), first.before.as_deref(), first.after.as_deref()),
            (*kind, *what, *before, *after),
            "{path}: {found:#?}"
        );
    }
}

#[test]
fn the_same_change_back_swaps_before_and_after() {
    for ([path, text, old, new], ..) in CASES {
        let other = text.replace(old, new);
        let mut there: Vec<_> = told(path, text, &other)
            .1
            .into_iter()
            .map(|one| (one.kind, one.before, one.after))
            .collect();
        let mut back: Vec<_> = told(path, &other, text)
            .1
            .into_iter()
            .map(|one| (one.kind, one.after, one.before))
            .collect();
        there.sort();
        back.sort();
        assert_eq!(there, back, "{path}");
        assert!(told(path, text, text).1.is_empty() && told(path, &other, &other).1.is_empty());
    }
}

#[test]
fn a_file_that_is_not_what_its_name_says_is_compared_by_lines_and_said() {
    for (path, text) in [
        ("x.json", "{\"a\": 1\n"),
        ("x.toml", "[a\n"),
        ("a.service", "[Service]\nwhat\n"),
        ("x.yaml", "a: [\n"),
    ] {
        let (_, found) = told(path, text, &format!("{text}more"));
        assert_eq!(found[0].kind, Kind::NotCompared, "{path}: {found:#?}");
        assert!(found[0].note.as_ref().unwrap().contains("line"), "{path}");
        assert!(found.iter().any(|one| one.kind == Kind::Line), "{path}: {found:#?}");
    }
}

#[test]
fn named_items_that_only_moved_and_keys_in_another_order_are_spelling() {
    let (_, found) = told(
        "x.yaml",
        "l:\n- {name: a, v: 1}\n- {name: b, v: 2}\nk: 1\n",
        "k: 1\nl:\n- {v: 2, name: b}\n- {name: a, v: 1}\n",
    );
    assert!(!found.is_empty() && found.iter().all(|one| one.kind == Kind::Encoding), "{found:#?}");
    let (_, found) = told("x.json", "{\"l\": [1, 2]}", "{\"l\": [2, 1]}");
    assert_eq!(found[0].kind, Kind::Setting);
}

#[test]
fn a_file_that_is_too_large_is_compared_as_bytes() {
    let limits = Limits { bytes: 10, ..Limits::default() };
    let pair = Pair { path: "x.json", before: b"{\"a\": 1000}", after: b"{}" };
    assert_eq!(compare(&pair, &limits).format.name(), "bytes");
}

#[test]
fn more_findings_than_the_limit_are_counted() {
    let lines = |end: &str| (0..2000).map(|n| format!("key{n} = {n}{end}\n")).collect::<String>();
    let (before, after) = (lines(""), lines("x"));
    let pair =
        Pair { path: "etc/sysctl.d/a.conf", before: before.as_bytes(), after: after.as_bytes() };
    let meaning = compare(&pair, &Limits::default());
    assert_eq!((meaning.findings.len(), meaning.more), (1000, 1000));
}

mod any {
    use super::*;
    use proptest::prelude::*;

    /// Pieces of which all formats are made.
    const PIECES: &[&str] = &[
        "[",
        "]",
        "{",
        "}",
        "=",
        ":",
        "\n",
        "\n",
        " ",
        "  ",
        "a",
        "b",
        "\"",
        "'",
        "#",
        ";",
        "\\",
        "-",
        "1",
        "name",
        "apiVersion: v1\nkind: X\n",
        "metadata",
        "*filter\n",
        "COMMIT",
        "[Service]\n",
        "ExecStart",
        "&a ",
        "*a",
        "é",
        "-----BEGIN X-----",
        "-----END X-----",
        "Package: x\n",
        "table x {\n",
        "//",
        "/*",
        "<<: ",
    ];
    const PATHS: &[&str] = &[
        "x",
        "x.json",
        "x.yaml",
        "x.toml",
        "x.ini",
        "a.service",
        "etc/systemd/network/a.network",
        "etc/passwd",
        "etc/group",
        "etc/shadow",
        "etc/gshadow",
        "etc/subuid",
        "etc/fstab",
        "etc/hosts",
        "etc/resolv.conf",
        "etc/nsswitch.conf",
        "etc/sysctl.conf",
        "etc/modules",
        "modprobe.d/a.conf",
        "tmpfiles.d/a.conf",
        "sysusers.d/a.conf",
        "udev/rules.d/a.rules",
        "apt.conf",
        "etc/apt/sources.list",
        "etc/apt/preferences",
        "a.pem",
        "a.nft",
        "cmdline",
        "var/lib/dpkg/status",
        "x.sh",
        "x.py",
    ];

    fn text() -> impl Strategy<Value = String> {
        let piece = (0..PIECES.len()).prop_map(|at| PIECES[at]);
        proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn every_pair_of_texts_gets_an_answer_and_equal_ones_none(
            path in 0..PATHS.len(), a in text(), b in text(),
        ) {
            let path = PATHS[path];
            prop_assert_eq!(told(path, &a, &a).1, []);
            if a != b {
                prop_assert!(!told(path, &a, &b).1.is_empty(), "a difference is hidden: {:?} {:?}", a, b);
            }
        }
    }
}
