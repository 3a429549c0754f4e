//! What comes out: a file for each object, `kustomization.yaml`, and all as one stream.

use crate::{
    Object,
    yaml::{Map, Node, Place, Value, write_document},
};

/// Kinds in the order in which they are applied; others come before what depends on everything.
const ORDER: &[&str] = &[
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodSecurityPolicy",
    "PodDisruptionBudget",
    "PriorityClass",
    "RuntimeClass",
    "ServiceAccount",
    "Secret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
];
/// What would stop everything that comes after it.
const LAST: &[&str] = &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

fn rank(kind: &str) -> usize {
    let last = LAST.iter().position(|last| *last == kind).map(|at| ORDER.len() + 1 + at);
    ORDER.iter().position(|known| *known == kind).or(last).unwrap_or(ORDER.len())
}

/// Brings objects in the order in which they are applied, whatever files they came from.
pub(crate) fn sort(objects: &mut [Object]) {
    objects.sort_by(|a, b| {
        let key = |object: &Object| {
            let namespace = object.namespace.clone().unwrap_or_default();
            (
                rank(&object.kind),
                object.kind.clone(),
                object.group().to_owned(),
                namespace,
                object.name.clone(),
            )
        };
        key(a).cmp(&key(b))
    });
}

/// The files of sorted objects: path and content.
pub(crate) fn files(objects: &[Object]) -> Vec<(String, String)> {
    let mut files = Vec::new();
    let mut all = String::new();
    let mut resources = Vec::new();
    for object in objects {
        let text = write_document(&object.root);
        all.push_str("---\n");
        all.push_str(&text);
        let path = path(object);
        resources.push(Node::text(path.clone(), Place::default()));
        files.push((path, text));
    }
    files.push(("all.yaml".to_owned(), all));
    let mut root = Map::new();
    let here = Place::default();
    root.set("apiVersion", here, Node::text("kustomize.config.k8s.io/v1beta1", here));
    root.set("kind", here, Node::text("Kustomization", here));
    root.set("resources", here, Node::new(Value::List(resources), here));
    let root = Node::new(Value::Map(root), here);
    files.push(("kustomization.yaml".to_owned(), write_document(&root)));
    files
}

/// `objects/[NAMESPACE/]KIND[.GROUP]-NAME.yaml`. What a file name had better not hold is written as
/// `_` and two digits.
fn path(object: &Object) -> String {
    let namespace = match &object.namespace {
        Some(namespace) => format!("{}/", plain(namespace)),
        None => String::new(),
    };
    let group = match object.group() {
        "" => String::new(),
        group => format!(".{}", plain(group)),
    };
    let kind = plain(&object.kind.to_lowercase());
    format!("objects/{namespace}{kind}{group}-{}.yaml", plain(&object.name))
}

fn plain(text: &str) -> String {
    let mut out = String::new();
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'.' if index == 0 => out.push_str("_2e"),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' => out.push(char::from(byte)),
            other => out.push_str(&format!("_{other:02x}")),
        }
    }
    out
}
