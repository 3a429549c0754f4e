//! Defaults of a cluster that objects get without asking: the class of priority of pods, of storage of
//! claims, and of ingresses. Who asks for none gets another when the default moves, and nothing in the
//! object says so.

use super::Sideways;
use crate::{Finding, Kind, keyed::Value};
use std::collections::{BTreeMap, BTreeSet};

/// Names that are told of those who get another default.
const MOST: usize = 10;

/// Kinds of which one object may be the default.
const CLASSES: &[&str] = &["PriorityClass", "StorageClass", "IngressClass"];

/// The defaults of a side, and who rests on them.
#[derive(Default)]
pub(super) struct Defaults {
    /// By kind: what is the default, in words, and the part and path that say so.
    of: BTreeMap<&'static str, (String, String, String)>,
    /// By kind: objects that ask for none, with the part and path that have them.
    silent: BTreeMap<&'static str, BTreeMap<String, (String, String)>>,
}

impl Defaults {
    /// Takes in an object.
    pub(super) fn take(&mut self, document: &Value, who: &str, part: &str, path: &str) {
        let kind = document.text_at("kind").unwrap_or_default();
        let annotation = |name: &str| {
            let all = document.get("metadata").and_then(|meta| meta.get("annotations"));
            all.and_then(|all| all.get(name))
        };
        if let Some(kind) = CLASSES.iter().find(|class| **class == kind) {
            let is_default = match *kind {
                "PriorityClass" => matches!(document.get("globalDefault"), Some(Value::Bool(true))),
                kind => {
                    let name = format!("{}.kubernetes.io/is-default-class", kind.to_lowercase());
                    annotation(&name).and_then(Value::text) == Some("true")
                }
            };
            if is_default {
                let value = document.get("value").map(|value| format!(", value {}", value.shown()));
                let said = format!("{who}{}", value.unwrap_or_default());
                self.of.insert(kind, (said, part.to_owned(), path.to_owned()));
            }
            return;
        }
        let mut silent = |kind: &'static str| {
            let place = (part.to_owned(), path.to_owned());
            self.silent.entry(kind).or_default().insert(who.to_owned(), place);
        };
        let spec = document.get("spec");
        let lacks = |spec: Option<&Value>, key: &str| spec.is_some_and(|it| it.get(key).is_none());
        match kind {
            "PersistentVolumeClaim" if lacks(spec, "storageClassName") => silent("StorageClass"),
            "Ingress"
                if lacks(spec, "ingressClassName")
                    && annotation("kubernetes.io/ingress.class").is_none() =>
            {
                silent("IngressClass");
            }
            _ => {}
        }
        let templates = spec.and_then(|spec| spec.get("volumeClaimTemplates"));
        let claims = templates.map(Value::items).unwrap_or_default();
        if claims.iter().any(|claim| lacks(claim.get("spec"), "storageClassName")) {
            silent("StorageClass");
        }
        if has_pods_without_priority(document) {
            silent("PriorityClass");
        }
    }
}

/// Whether an object makes pods that name no class of priority.
fn has_pods_without_priority(value: &Value) -> bool {
    let is_pod = value.get("containers").is_some_and(|it| !it.items().is_empty());
    match is_pod {
        true => value.get("priorityClassName").is_none(),
        false => value.entries().iter().any(|(_, inner)| has_pods_without_priority(inner)),
    }
}

/// Who gets another default than before.
pub(super) fn moved(old: &Defaults, new: &Defaults) -> Vec<Sideways> {
    let mut found = Vec::new();
    for kind in CLASSES {
        let (was, is) = (old.of.get(kind), new.of.get(kind));
        let Some(silent) = new.silent.get(kind) else { continue };
        if was.map(|it| &it.0) == is.map(|it| &it.0) {
            continue;
        }
        // Those that stayed as they were are the news.
        let known: BTreeSet<&String> =
            old.silent.get(kind).into_iter().flatten().map(|it| it.0).collect();
        let stayed: Vec<&String> = silent.keys().filter(|who| known.contains(who)).collect();
        let (Some(first), Some(who)) =
            (stayed.first(), stayed.first().and_then(|it| silent.get(*it)))
        else {
            continue;
        };
        let what = match stayed.len() - 1 {
            0 => format!("{first}: names no {kind} and gets another default"),
            more => format!("{first} and {more} more: name no {kind} and get another default"),
        };
        let said = |side: Option<&(String, String, String)>| {
            side.map_or_else(|| "no default".to_owned(), |(said, ..)| said.clone())
        };
        let mut finding = Finding::changed(Kind::Sideways, what, said(was), said(is));
        if stayed.len() > 1 {
            let names: Vec<&str> = stayed.iter().skip(1).take(MOST).map(|it| it.as_str()).collect();
            finding = finding.note(format!("also {}", names.join(", ")));
        }
        let (part, path) = match is {
            Some((_, part, path)) => (part, path),
            None => (&who.0, &who.1),
        };
        found.push(Sideways { part: part.clone(), path: Some(path.clone()), finding });
    }
    found
}
