//! Names of other objects: what is named must be there.

use super::{pods, selectors::selectors};
use crate::{
    Finding, Object, Rule, Scope, Table,
    yaml::{Node, Value},
};
use std::collections::BTreeMap;

/// What every cluster has.
const GIVEN: &[(&str, &str)] = &[
    ("ServiceAccount", "default"),
    ("ConfigMap", "kube-root-ca.crt"),
    ("ClusterRole", "cluster-admin"),
    ("ClusterRole", "admin"),
    ("ClusterRole", "edit"),
    ("ClusterRole", "view"),
    ("PriorityClass", "system-cluster-critical"),
    ("PriorityClass", "system-node-critical"),
];

/// Checks what objects say of each other.
pub(crate) fn references(
    objects: &[Object],
    external: &[String],
    table: &Table,
    out: &mut Vec<Finding>,
) {
    selectors(objects, out);
    let mut set = Set { there: BTreeMap::new(), objects, external, out };
    for object in objects {
        let namespaced = table
            .kind(&object.api_version, &object.kind)
            .is_none_or(|kind| kind.scope == Scope::Namespaced);
        let namespace = object.namespace.as_deref().filter(|_| namespaced);
        set.there.insert((&object.kind, namespace, &object.name), object);
    }
    for object in objects {
        if let Some(pods) = pods::of(object) {
            set.pods(object, pods.spec);
        }
        set.by_kind(object);
    }
}

struct Set<'a> {
    there: BTreeMap<(&'a str, Option<&'a str>, &'a str), &'a Object>,
    objects: &'a [Object],
    external: &'a [String],
    out: &'a mut Vec<Finding>,
}

impl<'a> Set<'a> {
    /// Whether an object is there; if not, that is said.
    fn needs(&mut self, user: &Object, kind: &str, namespace: Option<&str>, name: &Node) {
        let Some(text) = name.as_text() else { return };
        let given =
            GIVEN.contains(&(kind, text)) || (kind == "ClusterRole" && text.starts_with("system:"));
        if given || self.find(kind, namespace, text).is_some() {
            return;
        }
        let full = namespace.map(|namespace| format!("{kind}/{namespace}/{text}"));
        let bare = format!("{kind}/{text}");
        if self.external.iter().any(|it| *it == bare || Some(it) == full.as_ref()) {
            return;
        }
        let place = namespace.map_or(String::new(), |it| format!(" in the namespace `{it}`"));
        let message = format!("there is no {kind} `{text}`{place} in these manifests");
        let names = self
            .objects
            .iter()
            .filter(|object| object.kind == kind && object.namespace.as_deref() == namespace);
        let near = groundup_recipe::nearest(text, names.map(|object| object.name.as_str()));
        let help = match near {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("if something else makes it, name `{bare}` in `external`"),
        };
        let finding = user.finding(Rule::Reference, name.at, message);
        self.out.push(Finding { help: Some(help), ..finding });
    }

    fn find(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<&'a Object> {
        self.there.get(&(kind, namespace, name)).copied()
    }

    /// A `ConfigMap` or `Secret`, and the key that is wanted of it.
    fn data(&mut self, user: &Object, kind: &str, reference: &Node, name: &str) {
        let Some(name) = reference.get(name) else { return };
        if reference.get("optional").is_some_and(|it| it.value == Value::Bool(true)) {
            return;
        }
        let namespace = user.namespace.as_deref();
        self.needs(user, kind, namespace, name);
        let found = name.as_text().and_then(|name| self.find(kind, namespace, name));
        let Some(found) = found else { return };
        let single = reference.get("key").into_iter();
        let items = reference.items("items").iter().filter_map(|item| item.get("key"));
        for key in single.chain(items) {
            let Some(text) = key.as_text() else { continue };
            let keys = ["data", "binaryData", "stringData"];
            let tables = keys.iter().filter_map(|table| found.root.get(table)?.as_map());
            let keys: Vec<&str> =
                tables.flat_map(|map| map.iter()).map(|entry| entry.key.as_str()).collect();
            if !keys.contains(&text) {
                let message = format!("{} has no key `{text}`", found.title());
                let near = groundup_recipe::nearest(text, keys.iter().copied());
                let help = near.map(|near| format!("did you mean `{near}`?"));
                let finding = user.finding(Rule::Reference, key.at, message);
                self.out.push(Finding { help, ..finding });
            }
        }
    }

    fn pods(&mut self, object: &Object, spec: &Node) {
        let namespace = object.namespace.as_deref();
        for container in ["initContainers", "containers", "ephemeralContainers"]
            .into_iter()
            .flat_map(|list| spec.items(list))
        {
            for env in container.items("env") {
                for (field, kind) in [("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")]
                {
                    if let Some(reference) = env.path(&["valueFrom", field]) {
                        self.data(object, kind, reference, "name");
                    }
                }
            }
            for from in container.items("envFrom") {
                for (field, kind) in [("configMapRef", "ConfigMap"), ("secretRef", "Secret")] {
                    if let Some(reference) = from.get(field) {
                        self.data(object, kind, reference, "name");
                    }
                }
            }
            self.mounts(object, spec, container);
        }
        for volume in spec.items("volumes") {
            self.volume(object, volume);
        }
        for secret in spec.items("imagePullSecrets") {
            self.data(object, "Secret", secret, "name");
        }
        for (field, kind) in [
            ("serviceAccountName", "ServiceAccount"),
            ("priorityClassName", "PriorityClass"),
            ("runtimeClassName", "RuntimeClass"),
        ] {
            if let Some(name) = spec.get(field) {
                let namespace = namespace.filter(|_| kind == "ServiceAccount");
                self.needs(object, kind, namespace, name);
            }
        }
    }

    /// What a container mounts must be a volume of the pod.
    fn mounts(&mut self, object: &Object, spec: &Node, container: &Node) {
        let claims =
            object.root.path(&["spec"]).map_or(&[][..], |it| it.items("volumeClaimTemplates"));
        let names: Vec<&str> = spec
            .items("volumes")
            .iter()
            .filter_map(|volume| volume.text_at(&["name"]))
            .chain(claims.iter().filter_map(|claim| claim.text_at(&["metadata", "name"])))
            .collect();
        for mount in container.items("volumeMounts") {
            let Some(name) = mount.get("name") else { continue };
            let Some(text) = name.as_text().filter(|text| !names.contains(text)) else { continue };
            let message = format!("the pod has no volume `{text}`");
            let near = groundup_recipe::nearest(text, names.iter().copied());
            let help = near.map(|near| format!("did you mean `{near}`?"));
            self.out.push(Finding { help, ..object.finding(Rule::Reference, name.at, message) });
        }
    }

    fn volume(&mut self, object: &Object, volume: &Node) {
        if let Some(map) = volume.get("configMap") {
            self.data(object, "ConfigMap", map, "name");
        }
        if let Some(secret) = volume.get("secret") {
            self.data(object, "Secret", secret, "secretName");
        }
        if let Some(name) = volume.path(&["persistentVolumeClaim", "claimName"]) {
            let namespace = object.namespace.as_deref();
            self.needs(object, "PersistentVolumeClaim", namespace, name);
        }
        let sources = volume.get("projected").map_or(&[][..], |it| it.items("sources"));
        for source in sources {
            for (field, kind) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
                if let Some(reference) = source.get(field) {
                    self.data(object, kind, reference, "name");
                }
            }
        }
    }

    fn by_kind(&mut self, object: &Object) {
        let namespace = object.namespace.as_deref();
        let root = &object.root;
        match (object.group(), object.kind.as_str()) {
            ("networking.k8s.io" | "extensions", "Ingress") => self.ingress(object),
            ("autoscaling", "HorizontalPodAutoscaler") => {
                let target = root.path(&["spec", "scaleTargetRef"]);
                if let Some((kind, name)) =
                    target.and_then(|it| Some((it.text_at(&["kind"])?, it.get("name")?)))
                {
                    self.needs(object, kind, namespace, name);
                }
            }
            ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
                if let Some(role) = root.get("roleRef")
                    && let (Some(kind), Some(name)) = (role.text_at(&["kind"]), role.get("name"))
                {
                    let namespace = namespace.filter(|_| kind == "Role");
                    self.needs(object, kind, namespace, name);
                }
                for subject in root.items("subjects") {
                    if subject.text_at(&["kind"]) == Some("ServiceAccount")
                        && let Some(name) = subject.get("name")
                    {
                        let namespace = subject.text_at(&["namespace"]).or(namespace);
                        self.needs(object, "ServiceAccount", namespace, name);
                    }
                }
            }
            ("apps", "StatefulSet") => {
                if let Some(name) = root.path(&["spec", "serviceName"]) {
                    self.needs(object, "Service", namespace, name);
                }
            }
            _ => {}
        }
    }

    fn ingress(&mut self, object: &Object) {
        let namespace = object.namespace.as_deref();
        let Some(spec) = object.root.get("spec") else { return };
        let rules = spec.items("rules").iter();
        let paths = rules
            .flat_map(|rule| rule.get("http").map_or(&[][..], |http| http.items("paths")).iter());
        let backends = paths.filter_map(|path| path.get("backend"));
        for backend in backends.chain(spec.get("defaultBackend")).chain(spec.get("backend")) {
            // The first is of `v1`, the second of `v1beta1`.
            let name = backend.path(&["service", "name"]).or(backend.get("serviceName"));
            if let Some(name) = name {
                self.needs(object, "Service", namespace, name);
                self.port(object, backend, name);
            }
        }
        for tls in spec.items("tls") {
            if let Some(name) = tls.get("secretName") {
                self.needs(object, "Secret", namespace, name);
            }
        }
    }

    /// The port of a backend must be one of its service.
    fn port(&mut self, object: &Object, backend: &Node, service: &Node) {
        let name = service.as_text().unwrap_or_default();
        let Some(found) = self.find("Service", object.namespace.as_deref(), name) else { return };
        let port = backend.path(&["service", "port"]);
        let port = port.and_then(|port| port.get("number").or(port.get("name")));
        let Some(port) = port.or(backend.get("servicePort")) else { return };
        let ports = found.root.get("spec").map_or(&[][..], |spec| spec.items("ports"));
        let fits =
            ports.iter().any(|it| it.get("port") == Some(port) || it.get("name") == Some(port));
        if !fits {
            let shown = crate::yaml::write_json(port);
            let message = format!("{} has no port {shown}", found.title());
            self.out.push(object.finding(Rule::Reference, port.at, message));
        }
    }
}
