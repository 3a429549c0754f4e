//! The order of the work: read, set, pin, check, write.

use crate::{
    Finding, Findings, Images, Object, Rule, Setting, SourceFile, System, Table, checks, image,
    object::read_objects, output, yaml::Budget,
};
use std::collections::{BTreeMap, BTreeSet};

/// All that manifests are made from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Request {
    /// Files with objects.
    pub manifests: Vec<SourceFile>,
    /// Files with definitions of custom resources that are applied elsewhere.
    pub crds: Vec<SourceFile>,
    /// The schemas of the version of Kubernetes.
    pub table: Table,
    /// Images of this graph and of others.
    pub images: Images,
    /// Fields that are set.
    pub set: Vec<Setting>,
    /// Nodes and images that the manifests speak of.
    pub systems: Vec<System>,
    /// Objects of others: `Kind/name`, or `Kind/namespace/name`.
    pub external: Vec<String>,
    /// Kinds without a schema: `apiVersion Kind`.
    pub unchecked: Vec<String>,
    /// Rules that need not hold: `rule`, or `rule Kind/name`.
    pub allow: Vec<String>,
    /// Rules whose findings are told and end nothing.
    pub warn: Vec<String>,
}

/// What comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// Files by path.
    pub files: Vec<(String, String)>,
    /// What was found and is allowed.
    pub allowed: Vec<Finding>,
    /// What was found and is only told, in the order of files and lines.
    pub warnings: Vec<Finding>,
}

/// Makes the manifests of a cluster, or says everything that is wrong with them.
pub fn make(request: Request) -> Result<Made, Findings> {
    let Request { manifests, crds, mut table, images, set, .. } = request;
    let Request { systems, external, unchecked, allow, warn, .. } = request;
    let mut out = Vec::new();
    let read = |files: &[SourceFile], out: &mut Vec<Finding>| -> Vec<Object> {
        let objects = files.iter().map(|file| read_objects(file, Budget::default(), out));
        objects.collect::<Vec<_>>().into_iter().flatten().collect()
    };
    let definitions = read(&crds, &mut out);
    let mut objects = read(&manifests, &mut out);
    for definition in definitions.iter().chain(&objects) {
        table.add_custom(definition, &mut out);
    }
    duplicates(&objects, &mut out);
    for setting in &set {
        setting.apply(&mut objects, &mut out);
    }
    let (mut used, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for object in &mut objects {
        image::names(object, &mut seen);
        images.pin(object, &mut used, &mut out);
        table.check(object, &unchecked, &mut out);
        checks::names(object, &mut out);
        checks::workload(object, &mut out);
    }
    out.extend(images.unused(&used, &seen));
    out.extend(images.idle_fields(&objects));
    checks::references(&objects, &external, &table, &mut out);
    systems.iter().for_each(|system| system.check(&mut out));
    let (wrong, allowed) = judge(out, &allow);
    let (wrong, warnings) = weigh(wrong, &warn);
    if !wrong.is_empty() {
        return Err(Findings(wrong));
    }
    output::sort(&mut objects);
    Ok(Made { files: output::files(&objects), allowed, warnings })
}

fn duplicates(objects: &[Object], out: &mut Vec<Finding>) {
    let mut seen: BTreeMap<(&str, &str, Option<&str>, &str), &Object> = BTreeMap::new();
    for object in objects {
        // Two versions of one group serve the same object.
        let key = (
            object.group(),
            object.kind.as_str(),
            object.namespace.as_deref(),
            object.name.as_str(),
        );
        match seen.get(&key) {
            Some(first) => {
                let first = first.location(first.root.at);
                let message = format!("{} is there twice, first in {first}", object.title());
                out.push(object.finding(Rule::Duplicate, object.root.at, message));
            }
            None => drop(seen.insert(key, object)),
        }
    }
}

/// Parts what is wrong from what is allowed. A line of `allow` that cannot mean anything, or that
/// nothing needs, is wrong itself.
fn judge(found: Vec<Finding>, allow: &[String]) -> (Vec<Finding>, Vec<Finding>) {
    let mut used = BTreeSet::new();
    let mut allowed = Vec::new();
    let mut wrong = Vec::new();
    for finding in found {
        let line = allow.iter().position(|line| {
            let (rule, object) = line
                .split_once(' ')
                .map_or((line.as_str(), None), |(rule, it)| (rule, Some(it.trim())));
            rule == finding.rule.name()
                && object.is_none_or(|it| finding.object.as_deref() == Some(it))
        });
        match line.filter(|_| finding.rule.can_be_allowed()) {
            Some(line) => {
                used.insert(line);
                allowed.push(finding);
            }
            None => wrong.push(finding),
        }
    }
    let unused = allow.iter().enumerate().filter(|(index, _)| !used.contains(index));
    for (_, line) in unused {
        let rule = line.split(' ').next().unwrap_or(line);
        let known = lenient().any(|name| name == rule);
        let message = match known {
            true => format!("`allow` has `{line}`, but there is nothing to allow"),
            false => format!("`allow` has `{line}`, but no such rule can be allowed"),
        };
        wrong.push(of_recipe(rule, message));
    }
    wrong.sort_by(|a, b| a.location.cmp(&b.location));
    (wrong, allowed)
}

/// Parts what ends the work from what is only told. A rule that can be no warning is wrong itself.
fn weigh(found: Vec<Finding>, warn: &[String]) -> (Vec<Finding>, Vec<Finding>) {
    let only_told = |finding: &Finding| {
        finding.rule.can_be_allowed() && warn.iter().any(|rule| rule == finding.rule.name())
    };
    let (warnings, mut wrong): (Vec<_>, Vec<_>) = found.into_iter().partition(only_told);
    for rule in warn.iter().filter(|rule| !lenient().any(|name| name == rule.as_str())) {
        let message = format!("`severity` has `{rule}`, but no such rule can be a warning");
        wrong.push(of_recipe(rule, message));
    }
    (wrong, warnings)
}

/// The names of the rules that need not hold.
fn lenient() -> impl Iterator<Item = &'static str> + Clone {
    Rule::ALL.into_iter().filter(|rule| rule.can_be_allowed()).map(Rule::name)
}

/// What is wrong with a rule that the recipe names.
fn of_recipe(rule: &str, message: String) -> Finding {
    let near = groundup_recipe::nearest(rule, lenient()).filter(|near| *near != rule);
    let help = near.map(|near| format!("did you mean `{near}`?"));
    Finding { rule: Rule::Recipe, location: None, object: None, message, help }
}
