//! Choosing packages as `apt-get install` would for an empty root.
//!
//! The requirement is agreement with apt, not an optimum: the same packages for the same indexes,
//! also where apt's choice among alternatives depends on the order in which it meets them. So the
//! resolver walks as apt does: [`universe`] numbers packages in the order in which apt's cache
//! first sees their names, [`marks`] holds what is chosen so far, [`install`] goes depth first
//! along the dependencies, [`repair`] mends what is broken after that, and [`sweep`] drops what
//! nothing needs any more. Whatever remains unsatisfied is told in words by [`explain`].
//! Several architectures are several resolutions.

mod explain;
mod install;
mod marks;
mod nearest;
mod repair;
mod request;
mod sweep;
mod universe;

pub use explain::{Link, Obstacle, ResolveError};
pub use request::{Essential, Recommends, Request, Wanted, WantedError};

use crate::archive::Index;
use groundup_digest::Sha256;
use marks::Marks;
use universe::Universe;

/// The chosen packages, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution {
    /// One entry per package.
    pub packages: Vec<Chosen>,
    /// What was let go of the held versions.
    pub released: Released,
}

/// Held versions that were let go, since the request could not be satisfied with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Released {
    /// None.
    #[default]
    None,
    /// Those of some packages, each of which stood in the way.
    Some(Vec<String>),
    /// All: it could not be told which stood in the way.
    All,
}

/// One chosen package, with where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, or `all`.
    pub architecture: String,
    /// The source package that it was built from.
    pub source: String,
    /// The version of that source package.
    pub source_version: String,
    /// The place of its index in the list that was resolved over.
    pub index: usize,
    /// The path of the `.deb` below the root of its archive.
    pub filename: String,
    /// The size of the `.deb` in bytes.
    pub size: u64,
    /// The SHA-256 of the `.deb`.
    pub sha256: Sha256,
    /// Why it is there.
    pub reason: Reason,
}

/// Why a package was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The request names it (or implies it, being Essential).
    Wanted,
    /// Another chosen package needs it.
    Needed,
}

/// The packages of some indexes for one architecture, ready for any number of requests.
#[derive(Debug)]
pub struct Resolver<'a> {
    universe: Universe<'a>,
}

impl<'a> Resolver<'a> {
    /// Reads the relations of all packages of `indexes` that fit `arch`.
    ///
    /// Of one package the highest version is the candidate; between equal versions the earlier
    /// index wins.
    pub fn new(indexes: &[&'a Index], arch: &str) -> Self {
        Self { universe: Universe::new(indexes, arch) }
    }

    /// Chooses what to install for `request`, which must be for the same architecture.
    ///
    /// Held versions are kept as long as the request can be satisfied with them.
    pub fn resolve(&self, request: &Request) -> Result<Resolution, ResolveError> {
        let universe = &self.universe;
        let mut held = request.held.clone();
        let mut released = Vec::new();
        let mut all = false;
        loop {
            let wanted = universe.wanted(request, &held)?;
            let mut marks = Marks::new(universe, request.recommends, &held);
            match marks.install_all(&wanted) {
                Ok(()) => {
                    let released = match (all, released.is_empty()) {
                        (true, _) => Released::All,
                        (false, true) => Released::None,
                        (false, false) => Released::Some(released),
                    };
                    return Ok(Resolution { released, ..marks.resolution() });
                }
                Err(error) if held.is_empty() => return Err(error),
                // The blocking version is let go; where none is named, all of them are.
                Err(error) => match error.blocking_held(&held) {
                    Some(name) => {
                        held.remove(&name);
                        released.push(name);
                    }
                    None => {
                        held.clear();
                        all = true;
                    }
                },
            }
        }
    }
}

/// Chooses what to install for one `request` from the packages of all `indexes`.
pub fn resolve(indexes: &[&Index], request: &Request) -> Result<Resolution, ResolveError> {
    Resolver::new(indexes, &request.arch).resolve(request)
}

#[cfg(test)]
mod tests;
