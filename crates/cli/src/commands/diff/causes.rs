//! Which of the causes between two plans a difference comes from.

use super::{
    attribution::{Known, last_key},
    parts::{ROOTS, root_of},
    roles,
};
use crate::{
    causes::{CauseWords, ToldCause},
    error::CliError,
    session::Before,
};
use groundup_diff::{Attribution, CauseRow, Row};
use groundup_digest::{BlobId, ObjectId};
use groundup_plan::{
    StepLabel,
    compare::{CauseKind, Comparison, Side, compare},
};
use groundup_provenance::Origins;
use groundup_recipe::{Platform, TargetRef};
use groundup_store::Store;
use std::collections::{BTreeMap, BTreeSet};

/// The causes between two plans of one target.
pub(super) struct PlanCauses(Known);

type State<'a> = (&'a Side<'a>, &'a Option<Before>);

impl PlanCauses {
    pub(super) fn new(
        store: &Store,
        (old, before): State<'_>,
        (new, after): State<'_>,
        target: &TargetRef,
        platform: Platform,
    ) -> Result<Self, CliError> {
        let comparison = compare(old, new);
        let name = |state: &Option<Before>| state.as_ref().map(|it| it.revision.name().to_owned());
        let (old_name, new_name) = (name(before), name(after));
        let words = CauseWords {
            store,
            old: (&old.recipes.sources, old_name.as_deref()),
            new: (&new.recipes.sources, new_name.as_deref()),
        };
        let reached: BTreeSet<usize> = reached(new, target, &comparison);
        let roles = roles::of_plan(new.plan, target, &comparison);
        let mut rows = Vec::new();
        let mut number: BTreeMap<usize, usize> = BTreeMap::new();
        for index in &reached {
            let Some(cause) = comparison.causes.get(*index) else { continue };
            let ToldCause { kind, what, change, position, parts } = words.told(cause)?;
            number.insert(*index, rows.len());
            let row = CauseRow::new(kind, what, change).at(position).made_of(parts);
            rows.push(row.with_role(roles.get(index).copied().unwrap_or_default()));
        }
        let renumbered = |causes: &BTreeSet<usize>| -> BTreeSet<usize> {
            causes.iter().filter_map(|index| number.get(index).copied()).collect()
        };
        let owner = target.target.to_string();
        let of_role = |role: &str| -> BTreeSet<usize> {
            let label = StepLabel::new(owner.clone(), role);
            let step = new.plan.find(&label.clone().on(platform)).or(new.plan.find(&label));
            step.and_then(|step| comparison.steps.get(step.get()))
                .map_or_else(BTreeSet::new, renumbered)
        };
        let roles: [(&str, &[&str]); 8] = [
            ("root", &["root", "split", "tree", "compose"]),
            ("initramfs", &["initramfs"]),
            ("uki", &["uki"]),
            ("kernel", &["build"]),
            ("modules", &["build"]),
            ("config", &["check"]),
            ("config.json", &["manifest"]),
            ("manifest.json", &["manifest"]),
        ];
        let mut parts: BTreeMap<String, BTreeSet<usize>> = roles
            .iter()
            .map(|(part, roles)| {
                ((*part).to_owned(), roles.iter().flat_map(|role| of_role(role)).collect())
            })
            .collect();
        for step in new.plan.steps().iter().filter(|step| ROOTS.contains(&step.label.role.as_str()))
        {
            let of = new.plan.find(&step.label).and_then(|at| comparison.steps.get(at.get()));
            let causes = of.map_or_else(BTreeSet::new, renumbered);
            parts.entry(root_of(&step.label.owner)).or_default().extend(causes);
        }
        if target.target.kind() == groundup_recipe::Kind::Node {
            // Of another target; what it rests on is what the node's kernel rests on.
            parts.remove("kernel");
        }
        let mut known = Known::default();
        (known.rows, known.parts) = (rows, parts);
        for (step, causes) in new.plan.steps().iter().zip(&comparison.steps) {
            if !causes.is_empty() {
                let of = known.labels.entry(step.label.owner.clone()).or_default();
                of.extend(renumbered(causes));
            }
        }
        for (index, cause) in comparison.causes.iter().enumerate() {
            let Some(number) = number.get(&index) else { continue };
            match &cause.kind {
                CauseKind::Packages { names, .. } => known.of_packages(*number, names.clone()),
                CauseKind::File { label, old, new } => {
                    known.of_file(store, *number, label, [*old, *new]);
                }
                CauseKind::Recipe { path, .. } => {
                    known.keys.insert(*number, last_key(path).to_owned());
                }
                _ => {}
            }
        }
        for part in ["root", "initramfs", ""] {
            for side in [new, old] {
                if let Some(found) = origins_of(store, side, target, part, platform) {
                    known.origins.entry(part.to_owned()).or_default().push(found);
                }
            }
        }
        if target.target.kind() == groundup_recipe::Kind::Cluster {
            for owner in new.plan.steps().iter().map(|step| &step.label.owner) {
                let part = root_of(owner);
                let Ok(name) = owner.parse() else { continue };
                if !known.parts.contains_key(&part) || known.origins.contains_key(&part) {
                    continue;
                }
                let of = TargetRef { target: name, output: target.output.clone() };
                let found = [new, old].map(|side| origins_of(store, side, &of, "root", platform));
                known.origins.insert(part, found.into_iter().flatten().collect());
            }
        }
        Ok(Self(known))
    }
}

/// The causes that reach a target.
fn reached(new: &Side<'_>, target: &TargetRef, comparison: &Comparison) -> BTreeSet<usize> {
    let owner = target.target.to_string();
    let steps = new.plan.steps().iter().zip(&comparison.steps);
    let own = steps.filter(|(step, _)| step.label.owner == owner);
    own.flat_map(|(_, causes)| causes.iter().copied()).collect()
}

/// Where the paths of a tree came from, as the step that made it says.
fn origins_of(
    store: &Store,
    side: &Side<'_>,
    target: &TargetRef,
    part: &str,
    platform: Platform,
) -> Option<Origins> {
    let owner = target.target.to_string();
    let role = match part {
        "initramfs" => "initramfs",
        _ => "root",
    };
    let label = StepLabel::new(owner.clone(), role);
    let plan = side.plan;
    let own = plan.find(&label.clone().on(platform)).or(plan.find(&label));
    let split = StepLabel::new(owner.clone(), "split").on(platform);
    let id = match own {
        Some(step) => side.known.get(step.get())?.as_ref()?.get("origins").copied(),
        // An image is split by the origins of its root.
        None => match plan.find(&split) {
            Some(step) => match &plan.step(step).input("origins")?.from {
                groundup_plan::From::Leaf { id, .. } => Some(*id),
                groundup_plan::From::Step { step, output } => {
                    side.known.get(step.get())?.as_ref()?.get(output).copied()
                }
            },
            None => {
                let steps = plan.steps().iter().enumerate();
                let mut own = steps.filter(|(_, step)| step.label.owner == owner);
                own.find_map(|(index, _)| side.known.get(index)?.as_ref()?.get("origins").copied())
            }
        },
    };
    let Some(ObjectId::Blob(id)) = id else { return None };
    read(store, id)
}

pub(super) fn read(store: &Store, id: BlobId) -> Option<Origins> {
    Origins::from_bytes(&store.read_blob(id).ok()?).ok()
}

impl Attribution for PlanCauses {
    fn causes(&self) -> Vec<CauseRow> {
        self.0.rows.clone()
    }

    fn of(&self, row: &Row) -> BTreeSet<usize> {
        self.0.of(row)
    }

    fn is_complete(&self) -> bool {
        true
    }
}
