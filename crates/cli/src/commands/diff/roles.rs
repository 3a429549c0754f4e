//! What a target needs the inputs for that moved: some are in it, others are tools that it was made with.

use groundup_diff::Role;
use groundup_plan::{From, Input, Plan, Step, StepIndex, compare::Comparison};
use groundup_recipe::TargetRef;
use std::collections::{BTreeMap, BTreeSet};

/// The role of each cause for a target, where it is known.
pub(super) fn of_plan(
    plan: &Plan,
    target: &TargetRef,
    comparison: &Comparison,
) -> BTreeMap<usize, Role> {
    let owner = target.target.to_string();
    let mut reached: BTreeMap<StepIndex, Role> = BTreeMap::new();
    let own = plan.steps().iter().filter(|step| step.label.owner == owner);
    let own = own.filter_map(|step| plan.find(&step.label));
    let mut todo: Vec<(StepIndex, Role)> = own.map(|step| (step, Role::Content)).collect();
    while let Some((index, role)) = todo.pop() {
        if reached.get(&index).is_some_and(|known| *known <= role) {
            continue;
        }
        reached.insert(index, role);
        let step = plan.step(index);
        for input in &step.inputs {
            let From::Step { step: maker, .. } = &input.from else { continue };
            let role = match part(plan, step, input, *maker) {
                Role::Trust => Role::Trust,
                part => role.max(part),
            };
            todo.push((*maker, role));
        }
    }
    let none = BTreeSet::new();
    let causes = |index: StepIndex| comparison.steps.get(index.get()).unwrap_or(&none);
    let mut roles = BTreeMap::new();
    for (index, role) in &reached {
        let makers = plan.step(*index).needs();
        let inherited: BTreeSet<usize> = makers.into_iter().flat_map(causes).copied().collect();
        for cause in causes(*index).difference(&inherited) {
            // What is a tool, and is vouched for as well, is a tool.
            let known = roles.entry(*cause).or_insert(*role);
            if telling(*role) < telling(*known) {
                *known = *role;
            }
        }
    }
    roles
}

/// Which of two roles of one cause says more.
fn telling(role: Role) -> u8 {
    match role {
        Role::Content => 0,
        Role::Tool => 1,
        Role::Trust => 2,
    }
}

/// What a step needs an input for; the same as `Lineage::part` says of a record.
fn part(plan: &Plan, step: &Step, input: &Input, maker: StepIndex) -> Role {
    if input.name.starts_with("verified.") || step.label.owner.starts_with("archive ") {
        return Role::Trust;
    }
    let of = &plan.step(maker).label;
    let tools =
        input.name == "root" && of.owner.starts_with("rootfs.") && of.owner != step.label.owner;
    let looks_only = ["check", "facts", "test check"].contains(&step.label.role.as_str());
    if tools && !looks_only { Role::Tool } else { Role::Content }
}
