//! How likely a difference is to matter: rules with points, so that the answer of an outage stands
//! first and the reason can be looked up. The rules stand in `docs/diff.md`; they are frozen, and a
//! change of one is told in the changelog.

use crate::{Change, Row, Thing};
use groundup_meaning::{Finding, Kind};

/// A rule of ranking.
#[derive(Debug, Clone, Copy)]
pub struct Rule {
    /// What it is called in reports.
    pub name: &'static str,
    /// What it gives.
    pub points: u32,
    /// When it holds, for people.
    pub when: &'static str,
    /// When it holds.
    holds: fn(&Row) -> bool,
}

/// The rules. A row has the points of the first rule of each group that holds.
pub const RULES: &[&[Rule]] = &[
    // What it is that differs.
    &[
        Rule {
            name: "sideways",
            points: 1000,
            when: "something else was left dangling or skewed by it",
            holds: |row| row.thing == Thing::Sideways,
        },
        Rule {
            name: "kernel-behaviour",
            points: 600,
            when: "an option, the command line, or data or code of a kernel or module",
            holds: |row| {
                has(row, &[Kind::KernelOption, Kind::CommandLine])
                    || (is_kernel(row) && has(row, &[Kind::Data, Kind::Code]))
            },
        },
        Rule {
            name: "node-behaviour",
            points: 500,
            when: "a unit, a kernel parameter, a firewall, the network, or who may do what",
            holds: |row| NODE.contains(&row.thing) && is_telling(row),
        },
        Rule {
            name: "object",
            points: 450,
            when: "a field of a Kubernetes object or of an image's configuration",
            holds: |row| {
                has(row, &[Kind::Object])
                    || matches!(row.thing, Thing::Object | Thing::ImageConfig) && is_telling(row)
            },
        },
        Rule {
            name: "updates",
            points: 400,
            when: "where packages come from, or whether the image can change itself",
            holds: |row| row.thing == Thing::Updates && is_telling(row),
        },
        Rule {
            name: "configuration",
            points: 350,
            when: "a configuration file or a certificate",
            holds: |row| matches!(row.thing, Thing::Config | Thing::Certificate) && is_telling(row),
        },
        Rule {
            name: "packages",
            points: 300,
            when: "packages came, went or have another version",
            holds: |row| has(row, &[Kind::Package]),
        },
        Rule {
            name: "kernel-file",
            points: 250,
            when: "a kernel or module, in another way",
            holds: |row| is_kernel(row) && is_telling(row),
        },
        Rule {
            name: "program",
            points: 200,
            when: "a program or library",
            holds: |row| matches!(row.thing, Thing::Program | Thing::Library) && is_telling(row),
        },
        Rule {
            name: "data",
            points: 100,
            when: "other files",
            holds: |row| {
                !matches!(row.thing, Thing::Documentation | Thing::Cache) && is_telling(row)
            },
        },
        Rule {
            name: "not-compared",
            points: 90,
            when: "something could not be compared",
            holds: Row::is_not_compared,
        },
        Rule {
            name: "documentation",
            points: 20,
            when: "documentation, translations, caches",
            holds: is_telling,
        },
    ],
    // How it changed.
    &[
        Rule {
            name: "privilege",
            points: 150,
            when: "set-uid, set-gid or a capability came",
            holds: |row| row.findings.iter().any(is_privilege),
        },
        Rule {
            name: "gone",
            points: 60,
            when: "it is there no more",
            holds: |row| row.change == Change::Removed,
        },
        Rule {
            name: "edited-by-hand",
            points: 40,
            when: "a few values in a file that stayed",
            holds: |row| {
                row.change == Change::Changed && (1..=5).contains(&(row.findings.len() + row.more))
            },
        },
    ],
    // How many places have it.
    &[
        Rule {
            name: "alone",
            points: 30,
            when: "at one place only",
            holds: |row| row.places.len() == 1,
        },
        Rule {
            name: "few",
            points: 15,
            when: "at up to five places",
            holds: |row| row.places.len() <= 5,
        },
    ],
];

const NODE: &[Thing] =
    &[Thing::Unit, Thing::KernelParameter, Thing::Firewall, Thing::Network, Thing::Access];

/// Gives a row its score and the names of the rules.
pub(crate) fn rank(row: &mut Row) {
    row.score = 0;
    row.rules.clear();
    for group in RULES {
        if let Some(rule) = group.iter().find(|rule| (rule.holds)(row)) {
            row.score += rule.points;
            row.rules.push(rule.name);
        }
    }
    if row.is_same_meaning() {
        // Counted and shown, but never before what means something.
        row.score = 1;
        row.rules = vec!["same-meaning"];
    }
}

fn is_kernel(row: &Row) -> bool {
    matches!(row.thing, Thing::Kernel | Thing::KernelModule | Thing::KernelConfig)
}

/// Whether it says something beside what is only spelt or built otherwise.
fn is_telling(row: &Row) -> bool {
    !row.is_same_meaning()
}

fn has(row: &Row, kinds: &[Kind]) -> bool {
    fn within(findings: &[Finding], kinds: &[Kind]) -> bool {
        findings.iter().any(|it| kinds.contains(&it.kind) || within(&it.inside, kinds))
    }
    within(&row.findings, kinds)
}

fn is_privilege(finding: &Finding) -> bool {
    finding.kind == Kind::Metadata
        && finding.note.as_deref().is_some_and(|note| note.starts_with("gives privilege"))
}
