//! Selectors that must take something, and services that need a workload.

use super::pods::{self, Pods};
use crate::{
    Finding, Object, Rule,
    yaml::{Node, Value},
};

pub(super) fn selectors(objects: &[Object], out: &mut Vec<Finding>) {
    let pods: Vec<Pods<'_>> = objects.iter().filter_map(pods::of).collect();
    for object in objects {
        match (object.group(), object.kind.as_str()) {
            ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet") => {
                own(object, out);
            }
            ("", "ReplicationController") => controller(object, out),
            ("", "Service") => service(object, &pods, out),
            ("policy", "PodDisruptionBudget") => any(object, &["spec", "selector"], &pods, out),
            ("networking.k8s.io" | "extensions", "NetworkPolicy") => {
                any(object, &["spec", "podSelector"], &pods, out);
            }
            _ => {}
        }
    }
}

/// The labels of a selector, for messages.
fn described(selector: &Node) -> String {
    let labels = selector.get("matchLabels").unwrap_or(selector);
    let labels = labels.as_map().into_iter().flat_map(|map| map.sorted());
    let words: Vec<String> = labels
        .filter_map(|entry| Some(format!("{}={}", entry.key, entry.node.as_text()?)))
        .collect();
    match words.is_empty() {
        true => "its expressions".to_owned(),
        false => format!("`{}`", words.join(",")),
    }
}

/// A workload takes the pods that it makes.
fn own(object: &Object, out: &mut Vec<Finding>) {
    let (Some(selector), Some(pods)) = (object.root.path(&["spec", "selector"]), pods::of(object))
    else {
        return;
    };
    if !pods.selected_by(selector) {
        let what = described(selector);
        let message = format!("the selector {what} does not take the pods of the template");
        let help = "the labels of `spec.template.metadata` must have it".to_owned();
        let finding = object.finding(Rule::Selector, selector.at, message);
        out.push(Finding { help: Some(help), ..finding });
    }
}

fn controller(object: &Object, out: &mut Vec<Finding>) {
    let (Some(selector), Some(pods)) = (object.root.path(&["spec", "selector"]), pods::of(object))
    else {
        return;
    };
    if !pods.has_labels(selector) {
        let what = described(selector);
        let message = format!("the selector {what} does not take the pods of the template");
        out.push(object.finding(Rule::Selector, selector.at, message));
    }
}

/// A selector must take pods of the set; an empty one takes all there are.
fn any(object: &Object, path: &[&str], pods: &[Pods<'_>], out: &mut Vec<Finding>) {
    let Some(selector) = object.root.path(path) else { return };
    if selector.as_map().is_none_or(crate::yaml::Map::is_empty) {
        return;
    }
    let mut beside = pods.iter().filter(|pods| pods.owner.namespace == object.namespace);
    if !beside.any(|pods| pods.selected_by(selector)) {
        let message =
            format!("the selector {} takes no pod of these manifests", described(selector));
        out.push(object.finding(Rule::Selector, selector.at, message));
    }
}

fn service(object: &Object, pods: &[Pods<'_>], out: &mut Vec<Finding>) {
    let Some(spec) = object.root.get("spec") else { return };
    // Without a selector someone else says the addresses.
    let Some(selector) = spec.get("selector") else { return };
    if spec.text_at(&["type"]) == Some("ExternalName")
        || selector.as_map().is_none_or(crate::yaml::Map::is_empty)
    {
        return;
    }
    let near = pods.iter().filter(|pods| pods.owner.namespace == object.namespace);
    let behind: Vec<&Pods<'_>> = near.filter(|pods| pods.has_labels(selector)).collect();
    if behind.is_empty() {
        let message = format!("no workload has the labels {} of this service", described(selector));
        let elsewhere = pods.iter().find(|pods| pods.has_labels(selector));
        let help = elsewhere.map(|pods| {
            let namespace = pods.owner.namespace.as_deref().unwrap_or("no namespace");
            format!("{} has them, but stands in {namespace}", pods.owner.title())
        });
        out.push(Finding { help, ..object.finding(Rule::Service, selector.at, message) });
        return;
    }
    for port in spec.items("ports") {
        let Some(Node { value: Value::Text(name), at }) = port.get("targetPort") else { continue };
        if name.bytes().all(|byte| byte.is_ascii_digit()) {
            continue;
        }
        let ports =
            || behind.iter().flat_map(|it| it.containers()).flat_map(|it| it.items("ports"));
        let names = || ports().filter_map(|port| port.text_at(&["name"]));
        if !names().any(|known| known == name) {
            let message = format!("no container behind this service has a port named `{name}`");
            let near = groundup_recipe::nearest(name, names());
            let help = near.map(|near| format!("did you mean `{near}`?"));
            out.push(Finding { help, ..object.finding(Rule::Service, *at, message) });
        }
    }
}
