//! What becomes dangling, on small roots and objects.

use super::*;
use std::collections::BTreeMap;

struct Memory(BTreeMap<String, String>);

impl Memory {
    fn new(files: &[(&str, &str)]) -> Self {
        Self(files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
    }
}

impl Files for Memory {
    fn below(&self, directory: &str) -> Vec<String> {
        let start = if directory.is_empty() { String::new() } else { format!("{directory}/") };
        self.0.keys().filter(|path| path.starts_with(&start)).cloned().collect()
    }

    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.0.get(path).map(|text| text.as_bytes().to_vec())
    }

    fn link(&self, _path: &str) -> Option<String> {
        None
    }
}

fn told(before: &[(&str, &str)], after: &[(&str, &str)]) -> Vec<String> {
    let (a, b) = (Memory::new(before), Memory::new(after));
    let (a, b) = (Part { name: "root", files: &a }, Part { name: "root", files: &b });
    let found = sideways(&[a], &[b], &Limits::default());
    assert_eq!(sideways(&[a], &[a], &Limits::default()), []);
    found
        .into_iter()
        .map(|it| format!("{} ({})", it.finding.what, it.finding.note.unwrap_or_default()))
        .collect()
}

const PEER: &str = "apiVersion: crd.projectcalico.org/v1\nkind: BGPPeer\nmetadata: {name: reflectors}\n\
                    spec:\n  nodeSelector: has(node-role.kubernetes.io/master)\n";

#[test]
fn a_selector_that_is_text_and_matches_no_node_any_more() {
    let node = |label: &str| {
        format!(
            "apiVersion: v1\nkind: Node\nmetadata:\n  name: a\n  labels: {{node-role.kubernetes.io/{label}: \"\"}}\n"
        )
    };
    let found = told(
        &[("peer.yaml", PEER), ("node.yaml", &node("master"))],
        &[("peer.yaml", PEER), ("node.yaml", &node("control-plane"))],
    );
    assert_eq!(
        found,
        ["BGPPeer reflectors: spec.nodeSelector matches nothing any more \
          (nothing has the label node-role.kubernetes.io/master now)"]
    );
}

#[test]
fn a_service_whose_pods_are_called_otherwise() {
    let service =
        "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {app: web}}\n";
    let pod = |app: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: w, labels: {{app: {app}}}}}\nspec: {{serviceAccountName: w}}\n"
        )
    };
    let found = told(
        &[("a.yaml", service), ("b.yaml", &pod("web"))],
        &[("a.yaml", service), ("b.yaml", &pod("wep"))],
    );
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("Service web: spec.selector matches nothing"), "{found:?}");
}

#[test]
fn a_reference_to_what_is_gone() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: w}\nspec: {volumes: [{name: v, configMap: {name: c}}]}\n";
    let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
    let found = told(&[("a.yaml", pod), ("b.yaml", map)], &[("a.yaml", pod)]);
    assert_eq!(found, ["Pod w: spec.volumes.configMap names what is gone ()"]);
}

#[test]
fn a_unit_whose_dependency_or_program_went() {
    let unit = "[Unit]\nRequires=b.service\n[Service]\nExecStart=-/usr/bin/tool --x\n";
    let found = told(
        &[
            ("usr/lib/systemd/system/a.service", unit),
            ("usr/lib/systemd/system/b.service", "[Service]\nExecStart=/bin/true\n"),
            ("usr/bin/tool", "x"),
        ],
        &[("usr/lib/systemd/system/a.service", unit)],
    );
    assert_eq!(
        found,
        [
            "a.service: Requires= names a unit that is gone ()",
            "a.service: ExecStart= starts a program that is gone ()"
        ]
    );
}

#[test]
fn a_module_and_a_parameter_that_the_kernel_lost() {
    let files = |config: &'static str, module: Option<&'static str>| {
        let mut files = vec![
            ("etc/modules-load.d/a.conf", "br-netfilter\n"),
            ("etc/sysctl.d/a.conf", "net.bridge.bridge-nf-call-iptables = 1\n"),
            ("boot/config-6.1", config),
        ];
        files.extend(module.map(|path| (path, "x")));
        files
    };
    let found = told(
        &files(
            "CONFIG_BRIDGE_NETFILTER=m\n",
            Some("usr/lib/modules/6.1/kernel/br_netfilter.ko.xz"),
        ),
        &files("# CONFIG_BRIDGE_NETFILTER is not set\n", None),
    );
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("br_netfilter is loaded at boot"), "{found:?}");
    assert!(found[1].contains("CONFIG_BRIDGE_NETFILTER is gone"), "{found:?}");
}

#[test]
fn two_versions_of_a_tool_on_one_kernel() {
    let status = |version: &str| {
        format!(
            "Package: iptables\nStatus: install ok installed\nArchitecture: amd64\nVersion: {version}\n"
        )
    };
    let root = |version: &str| Memory::new(&[("var/lib/dpkg/status", &status(version))]);
    let (old, new) = (root("1.8.7-1"), root("1.8.8-1"));
    let node = |files| Part { name: "node root", files };
    let image = Part { name: "image root", files: &old };
    let found = sideways(&[node(&old), image], &[node(&new), image], &Limits::default());
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].part, "node root");
    assert_eq!(
        found[0].finding.after.as_deref(),
        Some("1.8.7-1 in image root, 1.8.8-1 in node root")
    );
    // Skewed already: no news.
    assert!(sideways(&[node(&new), image], &[node(&new), image], &Limits::default()).is_empty());
}

#[test]
fn a_default_that_pods_get_without_asking() {
    let class = |name: &str, default: bool| {
        format!(
            "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {{name: {name}}}\n\
             value: 1000\nglobalDefault: {default}\n"
        )
    };
    let pods = |name: &str, class: &str| {
        format!(
            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}}}\n\
             spec: {{template: {{spec: {{{class} containers: [{{name: a, image: b}}]}}}}}}\n"
        )
    };
    let (silent, asking) = (pods("silent", ""), pods("asking", "priorityClassName: high,"));
    let before = [("silent.yaml", &*silent), ("asking.yaml", &*asking)];
    let (medium, high, new) = (class("medium", true), class("high", false), pods("new", ""));
    let after =
        [&before[..], &[("medium.yaml", &*medium), ("high.yaml", &*high), ("n.yaml", &*new)]];
    let (a, b) = (Memory::new(&before), Memory::new(&after.concat()));
    let part = |files| [Part { name: "root", files }];
    let found = sideways(&part(&a), &part(&b), &Limits::default());
    let [one] = &found[..] else { panic!("{found:#?}") };
    assert_eq!(
        one.finding.what,
        "Deployment silent: names no PriorityClass and gets another default"
    );
    assert_eq!(one.finding.before.as_deref(), Some("no default"));
    assert_eq!(one.finding.after.as_deref(), Some("PriorityClass medium, value 1000"));
    assert_eq!(one.path.as_deref(), Some("medium.yaml"));
    // A class that is no default changes nothing for who names none.
    let high = [&before[..], &[("high.yaml", &*high)]].concat();
    assert_eq!(told(&before, &high), Vec::<String>::new());
}

#[test]
fn a_storage_class_that_is_no_default_any_more() {
    let class = |default: &str| {
        format!(
            "apiVersion: storage.k8s.io/v1\nkind: StorageClass\nmetadata: {{name: fast, annotations: \
             {{storageclass.kubernetes.io/is-default-class: \"{default}\"}}}}\n"
        )
    };
    let claim = "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {name: data}\nspec: {}\n";
    let (on, off) = (class("true"), class("false"));
    let found = told(&[("c.yaml", &on), ("d.yaml", claim)], &[("c.yaml", &off), ("d.yaml", claim)]);
    assert_eq!(
        found,
        ["PersistentVolumeClaim data: names no StorageClass and gets another default ()"]
    );
}
