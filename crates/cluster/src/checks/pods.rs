//! The pods that objects make.

use crate::{Object, yaml::Node};

/// The labels and the specification of pods.
#[derive(Clone, Copy)]
pub(super) struct Pods<'a> {
    /// What makes them.
    pub(super) owner: &'a Object,
    /// `metadata` of the pod, or of the template.
    pub(super) metadata: Option<&'a Node>,
    /// `spec` of the pod, or of the template.
    pub(super) spec: &'a Node,
}

/// The pods of an object of a built-in kind.
pub(super) fn of(object: &Object) -> Option<Pods<'_>> {
    let template: &[&str] = match (object.group(), object.kind.as_str()) {
        ("", "Pod") => &[],
        ("", "PodTemplate") => &["template"],
        ("", "ReplicationController")
        | ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet")
        | ("batch", "Job") => &["spec", "template"],
        ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template"],
        _ => return None,
    };
    let root = object.root.path(template)?;
    Some(Pods { owner: object, metadata: root.get("metadata"), spec: root.get("spec")? })
}

impl<'a> Pods<'a> {
    /// A label.
    pub(super) fn label(&self, key: &str) -> Option<&'a str> {
        self.metadata?.get("labels")?.text_at(&[key])
    }

    /// Every container.
    pub(super) fn containers(&self) -> impl Iterator<Item = &'a Node> {
        let spec = self.spec;
        let lists = ["initContainers", "containers", "ephemeralContainers"];
        lists.into_iter().flat_map(move |list| spec.items(list))
    }

    /// Whether a label selector (`matchLabels`, `matchExpressions`) takes these pods.
    pub(super) fn selected_by(&self, selector: &Node) -> bool {
        let labels = selector.get("matchLabels").and_then(Node::as_map);
        let equal = labels.into_iter().flat_map(|map| map.iter()).all(|entry| {
            self.label(&entry.key).is_some() && self.label(&entry.key) == entry.node.as_text()
        });
        equal && selector.items("matchExpressions").iter().all(|it| self.fits(it))
    }

    fn fits(&self, expression: &Node) -> bool {
        let label = expression.text_at(&["key"]).and_then(|key| self.label(key));
        let listed = || {
            let values = expression.items("values").iter().filter_map(Node::as_text);
            values.into_iter().any(|value| Some(value) == label)
        };
        match expression.text_at(&["operator"]) {
            Some("In") => label.is_some() && listed(),
            Some("NotIn") => !listed(),
            Some("Exists") => label.is_some(),
            Some("DoesNotExist") => label.is_none(),
            _ => true,
        }
    }

    /// Whether a plain map of labels, as services have, takes these pods.
    pub(super) fn has_labels(&self, labels: &Node) -> bool {
        let map = labels.as_map().into_iter().flat_map(|map| map.iter());
        map.into_iter().all(|entry| {
            self.label(&entry.key).is_some() && self.label(&entry.key) == entry.node.as_text()
        })
    }
}
