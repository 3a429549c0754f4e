//! The workloads by name, each a few lines on what is made ready and what is run.

mod diff;
mod edit;
mod fleet;
mod hash;
mod kernel;
mod layer;
mod material;
mod node;
mod noop;
mod sandbox;
mod steps;
mod unpack;

pub use noop::walk;
pub use sandbox::run_sandboxes;
pub use unpack::{seed, unpack_all};

use crate::{bench::Bench, error::Result, record::Outcome};

/// Something that can be measured.
#[derive(Debug)]
pub struct Workload {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is about.
    pub title: &'static str,
    /// Makes it ready and measures it.
    pub run: fn(&Bench) -> Result<Vec<Outcome>>,
}

/// All workloads in the order in which they run.
pub const WORKLOADS: &[Workload] = &[
    Workload { name: "noop", title: "a build that has nothing to do", run: noop::steps },
    Workload { name: "noop-files", title: "the same over many files", run: noop::files },
    Workload { name: "sandbox", title: "the start of a sandbox", run: sandbox::measure },
    Workload { name: "steps", title: "many trivial steps", run: steps::measure },
    Workload { name: "hash", title: "hashing a source tree", run: hash::measure },
    Workload { name: "unpack", title: "unpacking packages", run: unpack::measure },
    Workload { name: "layer", title: "a layer of a large tree", run: layer::measure },
    Workload { name: "edit", title: "one changed file in a large image", run: edit::measure },
    Workload { name: "kernel", title: "a kernel, and one symbol of it", run: kernel::measure },
    Workload { name: "node", title: "the images of a node", run: node::measure },
    Workload { name: "fleet", title: "a hundred clusters", run: fleet::measure },
    Workload { name: "diff", title: "two versions side by side", run: diff::measure },
    Workload {
        name: "diff-images",
        title: "two images of others side by side",
        run: diff::images::measure,
    },
];
