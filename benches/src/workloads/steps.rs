//! Many trivial steps from nothing: plan, sandbox, ingest and record.

use super::noop::workspace;
use crate::{
    bench::{Bench, Contender, Fresh, Ready, timed},
    error::Result,
    record::{Mark, Outcome},
    shape::Shape,
};

/// Independent steps, and a chain.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Outcome>> {
    let count = bench.sized(1_000, 100);
    let shapes = [Shape::Independent, Shape::Chain];
    shapes.into_iter().map(|shape| one(bench, shape, count)).collect()
}

fn one(bench: &Bench, shape: Shape, count: usize) -> Result<Outcome> {
    let name = format!("{}-{count}", shape.name());
    let folder = workspace(bench, &name, &[(shape, count)])?;
    let store = Fresh::at(bench.folder("fresh-store"))?;
    let nix = Fresh::at(bench.peers().join("nix"))?;
    let ours = || timed(bench.groundup(&folder, "fresh-store").args(["build", "--no-out"]));
    let ours = Contender::new("groundup", "groundup build --no-out", ours);
    // Of a chain the last step is asked for, of the others each.
    let words: &[&str] = match shape {
        Shape::Chain => &["nix-build", "--no-out-link", "-A", "top-chain"],
        _ => &["nix-build", "--no-out-link"],
    };
    let theirs = Contender::new("nix", words.join(" "), || bench.peer(&folder, words));
    bench.measure(Ready {
        workload: name,
        what: match shape {
            Shape::Chain => format!("a chain of {count} trivial steps, from an empty store"),
            _ => format!("{count} independent trivial steps, from an empty store"),
        },
        per: count as u32,
        contenders: vec![ours.reset(|| store.next()), theirs.reset(|| nix.next())],
        marks: vec![Mark::Times { peer: "nix".into(), most: 0.5 }],
        notes: vec!["Nix: its sandbox on, two jobs, no caches, no daemon.".into()],
    })
}
