//! One object: what it is called, and what its fields do to others.

use crate::{
    keyed::{Segment, Value},
    unread::Unread,
};

/// An object with its identity.
pub(super) struct Object {
    group: String,
    pub(super) kind: String,
    namespace: String,
    name: String,
    pub(super) root: Value,
}

/// Kinds that are in no namespace, of the API itself: `kubectl api-resources --namespaced=false`.
const CLUSTER: &[&str] = &[
    "Namespace",
    "Node",
    "PersistentVolume",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "CustomResourceDefinition",
    "APIService",
    "CertificateSigningRequest",
    "FlowSchema",
    "PriorityLevelConfiguration",
    "IngressClass",
    "RuntimeClass",
    "ClusterRole",
    "ClusterRoleBinding",
    "PriorityClass",
    "CSIDriver",
    "CSINode",
    "StorageClass",
    "VolumeAttachment",
    "ClusterTrustBundle",
    "DeviceClass",
    "ResourceSlice",
    "ServiceCIDR",
    "IPAddress",
    "KubeletConfiguration",
    "KubeProxyConfiguration",
    "ClusterConfiguration",
    "InitConfiguration",
    "JoinConfiguration",
];

impl Object {
    /// Takes a document apart into objects: one, or those of a list.
    pub(super) fn take(root: Value, into: &mut Vec<Self>) -> Result<(), Unread> {
        let missing = |what: &str| Unread::Other(format!("a document has no `{what}`"));
        let version = root.text_at("apiVersion").ok_or_else(|| missing("apiVersion"))?;
        let kind = root.text_at("kind").ok_or_else(|| missing("kind"))?.to_owned();
        let is_list = version == "v1" && kind == "List";
        if let (true, Value::Map(entries)) = (is_list, &root) {
            let items =
                entries.iter().find(|entry| entry.0 == "items").map(|entry| entry.1.clone());
            for item in items.as_ref().map(Value::items).unwrap_or_default() {
                Self::take(item.clone(), into)?;
            }
            return Ok(());
        }
        let group = version.split_once('/').map_or("", |(group, _)| group).to_owned();
        let text = |key: &str| root.get("metadata").and_then(|meta| meta.text_at(key));
        let name = text("name").or_else(|| text("generateName")).unwrap_or_default().to_owned();
        let default = if CLUSTER.contains(&kind.as_str()) { "" } else { "default" };
        let namespace = text("namespace").unwrap_or(default).to_owned();
        into.push(Self { group, kind, namespace, name, root });
        Ok(())
    }

    /// What it is paired by. Groups that became another (`extensions` to `apps`) are not told apart.
    pub(super) fn key(&self) -> String {
        let group = match self.group.as_str() {
            "extensions" => "",
            "apps" | "networking.k8s.io" | "policy" => "",
            other => other,
        };
        format!("{} {group} {} {}", self.kind, self.namespace, self.name)
    }

    /// `Deployment default/web`
    pub(super) fn title(&self) -> String {
        match self.namespace.as_str() {
            _ if self.name.is_empty() => self.kind.clone(),
            "" => format!("{} {}", self.kind, self.name),
            namespace => format!("{} {namespace}/{}", self.kind, self.name),
        }
    }

    /// What there is to say of an object that came or went: its images.
    pub(super) fn summary(&self) -> String {
        let mut images = Vec::new();
        collect(&self.root, &mut images);
        match images.is_empty() {
            true => "the object".to_owned(),
            false => format!("the object, with {}", images.join(", ")),
        }
    }
}

fn collect(value: &Value, images: &mut Vec<String>) {
    for (key, value) in value.entries() {
        match value.text() {
            Some(image) if key == "image" && images.len() < 10 => images.push(image.to_owned()),
            _ => collect(value, images),
        }
    }
    value.items().iter().for_each(|item| collect(item, images));
}

/// What a field does to other objects, or to what runs.
pub(super) fn remark(path: &[Segment]) -> Option<&'static str> {
    let keys: Vec<&str> = path
        .iter()
        .filter_map(|segment| match segment {
            Segment::Key(key) => Some(key.as_str()),
            _ => None,
        })
        .collect();
    let has = |key: &str| keys.contains(&key);
    match keys.as_slice() {
        [.., "metadata", "labels"] | [.., "metadata", "labels", _] => {
            Some("a label: selectors elsewhere may match it")
        }
        _ if has("selector")
            || has("nodeSelector")
            || has("matchLabels")
            || has("matchExpressions") =>
        {
            Some("a selector: it matches other labels now")
        }
        [.., "image"] => Some("the image that runs"),
        [.., "metadata", "annotations", _] => Some("an annotation"),
        _ => None,
    }
}
