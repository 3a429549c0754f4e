//! Why a root file system cannot be assembled.

use crate::archive::deb822::Deb822Error;
use groundup_provenance::OriginsError;
use groundup_store::StoreError;
use groundup_tree::{LinkError, PathError, TreeError, TreePath};

/// Why a root file system cannot be assembled.
#[derive(Debug, thiserror::Error)]
pub enum RootfsError {
    /// The store does not give or take an object.
    #[error("cannot use the store")]
    Store(#[from] StoreError),
    /// A package stands twice in the set.
    #[error("the package {0} is in the set twice")]
    Twice(String),
    /// A package's control data is not as it should be.
    #[error("the package {package} has no readable `{member}` in its control archive")]
    Control {
        /// The package.
        package: String,
        /// The member.
        member: &'static str,
        /// What is wrong, where it is there.
        #[source]
        source: Option<Deb822Error>,
    },
    /// What the control data says is not what the set says.
    #[error("the package {package} says of itself that it is {found}")]
    OtherPackage {
        /// As in the set: name, version, architecture.
        package: String,
        /// As in the control data.
        found: String,
    },
    /// Two packages have different things at one path.
    #[error(
        "{path}: both {first} ({first_kind}) and {second} ({second_kind}) have it, and neither replaces the other"
    )]
    Clash {
        /// Where.
        path: TreePath,
        /// A package.
        first: String,
        /// What it has there.
        first_kind: &'static str,
        /// Another package, or the same by another path.
        second: String,
        /// What that has there.
        second_kind: &'static str,
    },
    /// Two packages want a directory with different owners or modes.
    #[error(
        "{path}: {first} wants the directory with {first_meta}, {second} with {second_meta}; declare it under `dirs` to decide"
    )]
    DirectoryClash {
        /// Where.
        path: TreePath,
        /// A package.
        first: String,
        /// Mode and owner.
        first_meta: String,
        /// Another package.
        second: String,
        /// Mode and owner.
        second_meta: String,
    },
    /// A maintainer script would divert a path.
    #[error(
        "the {script} of {package} would divert {path}: scripts do not run, so declare the diversion"
    )]
    UndeclaredDiversion {
        /// The package.
        package: String,
        /// `preinst` or `postinst`.
        script: &'static str,
        /// The path as the script writes it.
        path: String,
    },
    /// Maintainer scripts are to run without what they are made of.
    #[error(
        "maintainer scripts need {tool} ({package}), which no package of the set has: set \
         `essential = true`"
    )]
    NoTool {
        /// The program.
        tool: &'static str,
        /// The package that has it.
        package: &'static str,
    },
    /// A path of the specification is not one.
    #[error("the {what} `{path}` is not an absolute path inside the root")]
    Path {
        /// What it is for.
        what: &'static str,
        /// As written.
        path: String,
        /// What is wrong.
        #[source]
        source: Option<PathError>,
    },
    /// A tree on top does not have the wanted part.
    #[error("the tree of {label} has nothing at `{from}`")]
    NoSuchPart {
        /// The tree's label.
        label: String,
        /// The part.
        from: String,
    },
    /// The origins of a tree on top cannot be read.
    #[error("the origins of {label} cannot be read")]
    Origins {
        /// The tree's label.
        label: String,
        /// What is wrong.
        #[source]
        source: OriginsError,
    },
    /// A glob is malformed.
    #[error("`{glob}` is not a glob")]
    Glob {
        /// As written.
        glob: String,
        /// What is wrong.
        #[source]
        source: globset::Error,
    },
    /// The chosen program of an alternative is not there.
    #[error("the alternative {name} is to be {path}, which is not in the root")]
    NoCandidate {
        /// The alternative.
        name: String,
        /// The program.
        path: TreePath,
    },
    /// The place of an alternative's link is taken.
    #[error(
        "{path}: the link of the alternative {name} cannot be made, since {owner} has a file there"
    )]
    AlternativeTaken {
        /// The link.
        path: TreePath,
        /// The alternative.
        name: String,
        /// Who has it.
        owner: String,
    },
    /// A user or group is there already, with another number.
    #[error("the {what} {name} has the number {wanted} in the recipe, but {found} in {file}")]
    Account {
        /// `user` or `group`.
        what: &'static str,
        /// Its name.
        name: String,
        /// The declared number.
        wanted: u32,
        /// The number that it has.
        found: String,
        /// The file that says so.
        file: &'static str,
    },
    /// A user is to be in a group that does not exist.
    #[error("the user {user} is to be in the group {group}, which does not exist")]
    NoGroup {
        /// The user.
        user: String,
        /// The group.
        group: String,
    },
    /// A field of an account may not hold a colon or a newline.
    #[error("the {what} {value:?} may not hold a colon or a newline")]
    AccountField {
        /// What it is.
        what: &'static str,
        /// The value.
        value: String,
    },
    /// Symbolic links at a path form a loop or leave nothing to stand on.
    #[error("{0}: symbolic links on the way form a loop")]
    Loop(TreePath),
    /// A certificate cannot be read.
    #[error("{0} is no PEM certificate")]
    Certificate(TreePath),
    /// The result would not be a tree.
    #[error("the parts do not form a tree")]
    Tree(#[from] TreeError),
    /// Hard links do not fit.
    #[error("the hard links do not fit")]
    Links(#[from] LinkError),
}
