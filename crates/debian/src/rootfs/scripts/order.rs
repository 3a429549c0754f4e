//! In which order packages are configured: batches, each of which may rely on those before.
//!
//! 1. `base-passwd` and `base-files`, which everything takes for granted;
//! 2. essential packages with all that they depend on, which rely on each other while they are not
//!    configured yet, as when Debian installs itself;
//! 3. the rest, in as many batches as pre-dependencies ask for: what a package pre-depends on is
//!    configured before its `preinst` runs.
//!
//! Within a batch `dpkg` finds the order of `postinst`; `preinst` runs by dependency, then by name.

use super::super::member::Member;
use crate::archive::{
    deb822::{self, Stanza},
    relations,
};
use std::collections::{BTreeMap, BTreeSet};

/// Numbers of members, in the order of their `preinst`.
pub(super) type Batch = Vec<usize>;

const FIRST: [&str; 2] = ["base-passwd", "base-files"];

/// What the members say of each other, by their numbers.
struct Needs {
    essential: Vec<bool>,
    before: Vec<BTreeSet<usize>>,
    depends: Vec<BTreeSet<usize>>,
}

/// The batches; every member is in one.
pub(super) fn batches(members: &[Member]) -> Vec<Batch> {
    let needs = Needs::of(members);
    let level = levels(members, &needs);
    let last = level.iter().copied().max().unwrap_or(0);
    let batches = (0..=last).map(|batch| {
        let of_batch = (0..members.len()).filter(|member| level[*member] == batch);
        sorted(of_batch.collect(), &needs)
    });
    batches.filter(|batch| !batch.is_empty()).collect()
}

fn levels(members: &[Member], needs: &Needs) -> Vec<usize> {
    let mut essential: BTreeSet<usize> =
        (0..members.len()).filter(|member| needs.essential[*member]).collect();
    let mut todo: Vec<usize> = essential.iter().copied().collect();
    while let Some(member) = todo.pop() {
        for needed in needs.before[member].iter().chain(&needs.depends[member]) {
            if essential.insert(*needed) {
                todo.push(*needed);
            }
        }
    }
    let mut level: Vec<usize> = members
        .iter()
        .enumerate()
        .map(|(number, member)| match essential.contains(&number) {
            _ if FIRST.contains(&member.name()) => 0,
            true => 1,
            false => 2,
        })
        .collect();
    // Pre-dependencies form no circle; if some did, this many rounds end it.
    for _ in 0..members.len() {
        let mut changed = false;
        for member in (0..members.len()).filter(|member| !essential.contains(member)) {
            let own = needs.depends[member].iter().map(|needed| level[*needed]);
            let before = needs.before[member].iter().map(|needed| level[*needed] + 1);
            let wanted = own.chain(before).max().unwrap_or(0).min(members.len() + 2);
            if wanted > level[member] {
                level[member] = wanted;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    level
}

/// A batch with what a member needs before it, where there is no circle.
fn sorted(members: BTreeSet<usize>, needs: &Needs) -> Batch {
    fn visit(
        member: usize,
        members: &BTreeSet<usize>,
        needs: &Needs,
        seen: &mut BTreeSet<usize>,
        out: &mut Batch,
    ) {
        if !members.contains(&member) || !seen.insert(member) {
            return;
        }
        for needed in needs.before[member].iter().chain(&needs.depends[member]) {
            visit(*needed, members, needs, seen, out);
        }
        out.push(member);
    }
    let (mut seen, mut out) = (BTreeSet::new(), Vec::new());
    for member in &members {
        visit(*member, &members, needs, &mut seen, &mut out);
    }
    out
}

impl Needs {
    fn of(members: &[Member]) -> Self {
        let stanzas: Vec<_> = members.iter().map(stanza).collect();
        let mut names: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
        for (number, member) in members.iter().enumerate() {
            names.entry(member.name()).or_default().insert(number);
            for provided in provided(stanzas[number].as_ref()) {
                names.entry(provided).or_default().insert(number);
            }
        }
        let of = |field: &str| -> Vec<BTreeSet<usize>> {
            let all = stanzas.iter().enumerate().map(|(number, stanza)| {
                let text = stanza.as_ref().and_then(|stanza| stanza.get(field)).unwrap_or_default();
                // All choices of an alternative that are there: each may be the one that is used.
                let named = relations(text).filter_map(Result::ok);
                let found = named.filter_map(|relation| names.get(relation.name));
                found.flatten().copied().filter(|other| *other != number).collect()
            });
            all.collect()
        };
        let essential = stanzas.iter().map(|stanza| {
            let yes = |field| stanza.as_ref().is_some_and(|s| s.get(field) == Some("yes"));
            yes("Essential")
        });
        Self { essential: essential.collect(), before: of("Pre-Depends"), depends: of("Depends") }
    }
}

fn stanza(member: &Member) -> Option<Stanza<'_>> {
    deb822::stanzas(member.stanza.as_bytes()).ok()?.next()?.ok()
}

fn provided<'a>(stanza: Option<&'a Stanza<'a>>) -> impl Iterator<Item = &'a str> {
    let text = stanza.and_then(|stanza| stanza.get("Provides")).unwrap_or_default();
    relations(text).filter_map(Result::ok).map(|relation| relation.name)
}
