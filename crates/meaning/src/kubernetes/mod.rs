//! Kubernetes objects, paired by what they are: group, kind, namespace and name.
//!
//! A file of YAML or JSON is one of objects if every document has an `apiVersion` and a `kind`. Lists
//! (`kind: List`) are their items. A value that is the documented default counts as another spelling
//! where it is written out or left out.

mod defaults;
mod object;
mod quantity;
mod whole;

pub(crate) use whole::whole;

use crate::{
    Finding, Kind, Limits, Pair,
    keyed::{Difference, How, Style, Value, differences, json, order, path, yaml},
    unread::Unread,
};
use object::Object;
use std::collections::{BTreeMap, BTreeSet};

/// Whether both versions are objects; they are read once more when compared, which is cheap.
pub(crate) fn looks_like(text: &str) -> bool {
    let top = |key: &str| {
        text.lines().any(|line| {
            let line = line.trim_start_matches([' ', '\t', '{', '-']).trim_start_matches('"');
            line.strip_prefix(key)
                .is_some_and(|rest| rest.trim_start_matches('"').trim_start().starts_with(':'))
        }) || text.contains(&format!("\"{key}\":"))
    };
    top("apiVersion") && top("kind")
}

/// Compares two files of objects.
pub(crate) fn objects(pair: &Pair<'_>, limits: &Limits) -> Result<Vec<Finding>, Unread> {
    let (before, after) = (read(pair.before, limits)?, read(pair.after, limits)?);
    Ok(compare(&before, &after, limits))
}

fn read(text: &[u8], limits: &Limits) -> Result<Vec<Object>, Unread> {
    let is_json = text.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{');
    let documents = if is_json { json::read(text, limits)? } else { yaml::read(text, limits)? };
    let mut objects = Vec::new();
    for document in documents {
        Object::take(document, &mut objects)?;
    }
    Ok(objects)
}

fn compare(before: &[Object], after: &[Object], limits: &Limits) -> Vec<Finding> {
    let index = |objects: &[Object]| -> BTreeMap<String, usize> {
        let keys = objects.iter().enumerate().map(|(at, object)| (object.key(), at));
        keys.rev().collect()
    };
    let (a, b) = (index(before), index(after));
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let mut findings = Vec::new();
    for key in keys {
        match (a.get(key).and_then(|at| before.get(*at)), b.get(key).and_then(|at| after.get(*at)))
        {
            (Some(x), Some(y)) => object(x, y, limits, &mut findings),
            (Some(x), None) => {
                findings.push(Finding::removed(Kind::Object, x.title(), x.summary()));
            }
            (None, Some(y)) => findings.push(Finding::added(Kind::Object, y.title(), y.summary())),
            (None, None) => {}
        }
    }
    for (count, objects) in [(a.len(), before), (b.len(), after)] {
        if count < objects.len() {
            let note =
                "several objects have the same kind, namespace and name; the first is compared";
            findings.push(Finding::not_compared("objects that are there twice", note));
        }
    }
    if findings.is_empty() {
        let names = |objects: &[Object]| objects.iter().map(Object::key).collect::<Vec<_>>();
        if names(before) != names(after) {
            findings.push(Finding::bare(Kind::Encoding, "order of objects"));
        }
    }
    findings
}

fn object(before: &Object, after: &Object, limits: &Limits, findings: &mut Vec<Finding>) {
    let title = after.title();
    let (found, reordered) = differences(&before.root, &after.root);
    for difference in &found {
        findings.push(told(&title, &after.kind, difference, limits));
    }
    findings.extend(order(&format!("{title}: "), reordered));
}

fn told(title: &str, kind: &str, one: &Difference<'_>, limits: &Limits) -> Finding {
    let dotted = path(&one.path, Style::Dots);
    let mut finding = one.finding(Kind::Object, format!("{title}: {dotted}"), limits);
    if dotted == "apiVersion" {
        return finding.note("the API of the same kind");
    }
    // What was applied last is kept in an annotation, data and all.
    let is_secret = ["data", "stringData", "metadata.annotations"]
        .iter()
        .any(|start| kind == "Secret" && dotted.starts_with(start));
    if is_secret {
        for value in [&mut finding.before, &mut finding.after].into_iter().flatten() {
            *value = format!("a secret of {} characters", value.chars().count());
        }
        (finding.note, finding.inside) = (None, Vec::new());
        return finding;
    }
    if one.how == How::Value && quantity::is_same(&one.path, one.before, one.after) {
        finding.kind = Kind::Encoding;
        return finding.note("the same quantity");
    }
    if one.how == How::Value {
        let default = |value: Option<&Value>| {
            value.is_some_and(|value| defaults::is_default(kind, &one.path, value))
        };
        let is_spelling = match (one.before, one.after) {
            (None, Some(value)) => default(Some(value)),
            (Some(value), None) => default(Some(value)),
            _ => false,
        };
        if is_spelling {
            finding.kind = Kind::Encoding;
            return finding.note("the default");
        }
    }
    match (object::remark(&one.path), finding.note.is_some()) {
        (Some(note), false) => finding.note(note),
        _ => finding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  labels: {app: web}\n\
        spec:\n  replicas: 2\n  selector: {matchLabels: {app: web}}\n  template:\n    metadata: {labels: {app: web}}\n\
        \x20   spec:\n      containers:\n      - name: side\n        image: side@sha256:aa\n      - name: web\n        image: web:1\n\
        \x20       env: [{name: A, value: '1'}]\n";

    fn told(before: &str, after: &str) -> Vec<Finding> {
        let pair = Pair { path: "x.yaml", before: before.as_bytes(), after: after.as_bytes() };
        objects(&pair, &Limits::default()).unwrap()
    }

    #[test]
    fn an_image_is_told_by_its_container() {
        let found = told(WEB, &WEB.replace("web:1", "web:2"));
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].what,
            "Deployment default/web: spec.template.spec.containers[web].image"
        );
        assert_eq!(
            (found[0].before.as_deref(), found[0].after.as_deref()),
            (Some("web:1"), Some("web:2"))
        );
    }

    #[test]
    fn a_label_and_a_selector_are_told_with_what_they_do() {
        let node = "apiVersion: v1\nkind: Node\nmetadata:\n  name: a\n  labels:\n    node-role.kubernetes.io/master: ''\n    b: c\n";
        let found = told(node, &node.replace("    node-role.kubernetes.io/master: ''\n", ""));
        assert_eq!(found[0].what, "Node a: metadata.labels[node-role.kubernetes.io/master]");
        assert!(found[0].note.as_deref().unwrap().contains("selectors"));
    }

    #[test]
    fn defaults_that_are_written_out_are_spelling() {
        let found = told(
            WEB,
            &WEB.replace(
                "image: web:1\n",
                "image: web:1\n        terminationMessagePath: /dev/termination-log\n",
            ),
        );
        assert_eq!(
            (found[0].kind, found[0].note.as_deref()),
            (Kind::Encoding, Some("the default"))
        );
    }

    #[test]
    fn documents_in_another_order_and_moved_keys_mean_the_same() {
        let other = "apiVersion: v1\nkind: Namespace\nmetadata: {name: x}\n";
        let found = told(&format!("{WEB}---\n{other}"), &format!("{other}---\n{WEB}"));
        assert_eq!(found.iter().map(|one| one.kind).collect::<Vec<_>>(), [Kind::Encoding]);
    }

    #[test]
    fn an_api_that_moved_keeps_the_object() {
        let found = told(WEB, &WEB.replace("apps/v1", "apps/v1beta1"));
        assert_eq!(
            (found.len(), found[0].what.as_str()),
            (1, "Deployment default/web: apiVersion")
        );
    }

    #[test]
    fn files_in_config_maps_are_compared_as_what_they_are() {
        let map = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  a.toml: |\n    [plugins]\n    limit = 1\n";
        let found = told(map, &map.replace("limit = 1", "limit = 2"));
        assert_eq!(found[0].what, "ConfigMap default/c: data[a.toml]");
        assert_eq!(
            (&*found[0].inside[0].what, found[0].note.as_deref()),
            ("/plugins/limit", Some("as TOML"))
        );
        let found = told(map, &map.replace("[plugins]", "# x\n    [plugins]"));
        assert_eq!(found[0].kind, Kind::Encoding);
    }

    #[test]
    fn quantities_have_spellings() {
        let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: c}\nspec: {containers: [{name: a, resources: {limits: {cpu: 500m}}}]}\n";
        assert_eq!(told(pod, &pod.replace("500m", "0.5"))[0].kind, Kind::Encoding);
        assert_eq!(told(pod, &pod.replace("500m", "5"))[0].kind, Kind::Object);
    }

    #[test]
    fn secrets_are_not_told() {
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {k: aHVudGVyMg==}\n";
        let found = told(secret, &secret.replace("aHVudGVyMg", "b3RoZXI5OTk5"));
        assert!(!format!("{found:?}").contains("aHVud"), "{found:?}");
    }
}
