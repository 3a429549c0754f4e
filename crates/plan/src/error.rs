//! Why recipes and lock give no plan.

use groundup_recipe::{Span, TargetName};

/// Why recipes and lock give no plan; recipe errors proper are found before.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// The target is not in the workspace.
    #[error("there is no target `{0}`")]
    UnknownTarget(TargetName),
    /// The lock lacks a pin that a target needs.
    #[error("`{target}` needs {what}, which groundup.lock does not pin")]
    Unpinned {
        /// The target.
        target: TargetName,
        /// What is not pinned.
        what: String,
        /// Where the target asks for it.
        span: Option<Span>,
    },
    /// An output is used as something that it is not.
    #[error("`{user}` uses `{used}` as a tree, but it is a single file")]
    NotTree {
        /// Who uses it.
        user: TargetName,
        /// What it uses.
        used: TargetName,
        /// Where.
        span: Option<Span>,
    },
    /// A target that is to be tested has no test.
    #[error("`{0}` has no test; nodes have one with a table `[node.NAME.test]`")]
    NoTest(TargetName),
    /// Something of the repository was not handed in; a fault of the caller.
    #[error("the repository's `{0}` was not taken in before planning")]
    MissingLeaf(String),
}
