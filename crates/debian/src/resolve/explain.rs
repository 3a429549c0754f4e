//! Why a request cannot be satisfied, as facts that read as a chain of needs.

use super::{
    marks::Marks,
    nearest::nearest,
    universe::{Dep, DepId, Held, Kind, PkgId, VerId},
};
use crate::archive::Version;
use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    ops::Range,
};

/// Why there is no resolution.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    /// No index has a package of this name.
    #[error("no package is called `{name}`{}", did_you_mean(nearest))]
    UnknownPackage {
        /// The name.
        name: String,
        /// The package with the most similar name.
        nearest: Option<String>,
    },
    /// The package exists, but not in this version.
    #[error("`{name}` is not offered as version {version}, but as {}", list(offered))]
    UnknownVersion {
        /// The package.
        name: String,
        /// The version asked for.
        version: Version,
        /// The versions that there are, best first.
        offered: Vec<String>,
    },
    /// The name is provided by several packages.
    #[error("`{name}` is a virtual package; name one that provides it: {}", list(providers))]
    VirtualPackage {
        /// The virtual package.
        name: String,
        /// The packages that provide it, sorted.
        providers: Vec<String>,
    },
    /// A package for another architecture than the one resolved for was asked for.
    #[error("`{name}:{asked}` is asked for, but the resolution is for {arch}")]
    OtherArchitecture {
        /// The package.
        name: String,
        /// The architecture asked for.
        asked: String,
        /// The architecture of the request.
        arch: String,
    },
    /// A wanted package cannot be installed together with the others.
    #[error("`{wanted}` cannot be installed: {}{obstacle}", steps(chain))]
    NotInstallable {
        /// The wanted package.
        wanted: String,
        /// From the wanted package down to the one that meets the obstacle.
        chain: Vec<Link>,
        /// What stands in the way.
        obstacle: Obstacle,
    },
}

/// One step of a chain: a package and what it asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// How it asks (`depends on`, `conflicts with` …).
    pub verb: &'static str,
    /// The relation, with its alternatives.
    pub relation: String,
}

/// What ends a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Obstacle {
    /// Nothing has or provides the name.
    Missing {
        /// The name.
        name: String,
        /// The package with the most similar name.
        nearest: Option<String>,
    },
    /// The package exists, but in no fitting version.
    NoVersion {
        /// The package.
        name: String,
        /// The versions that there are, or the one that is held.
        offered: Vec<String>,
    },
    /// Another package of the same root excludes it.
    Conflict {
        /// The package in the way.
        with: String,
        /// Why that one is there, from a wanted package down.
        because: Vec<Link>,
    },
    /// All choices exclude each other in a way that no single chain shows.
    Entangled,
}

impl ResolveError {
    /// A held package whose version takes part in the failure.
    pub(super) fn blocking_held(&self, held: &Held) -> Option<String> {
        let Self::NotInstallable { chain, obstacle, .. } = self else { return None };
        let (last, because) = match obstacle {
            Obstacle::NoVersion { name, .. } => (Some(name), [].as_slice()),
            Obstacle::Conflict { with, because } => (Some(with), because.as_slice()),
            Obstacle::Missing { .. } | Obstacle::Entangled => (None, [].as_slice()),
        };
        let links = chain.iter().rev().chain(because.iter().rev());
        let named = last.into_iter().chain(links.map(|link| &link.package));
        named.into_iter().find(|name| held.contains_key(*name)).cloned()
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) {} {}", self.package, self.version, self.verb, self.relation)
    }
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { name, nearest } => {
                write!(f, "nothing is or provides `{name}`{}", did_you_mean(nearest))
            }
            Self::NoVersion { name, offered } => {
                write!(f, "`{name}` is offered only as {}", list(offered))
            }
            Self::Conflict { with, because } if because.is_empty() => {
                write!(f, "`{with}` is wanted too")
            }
            Self::Conflict { because, .. } => {
                let steps: Vec<String> = because.iter().map(Link::to_string).collect();
                write!(f, "but {}", steps.join("; "))
            }
            Self::Entangled => f.write_str("its choices exclude each other"),
        }
    }
}

fn did_you_mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

fn list(words: &[String]) -> String {
    words.join(", ")
}

fn steps(chain: &[Link]) -> String {
    chain.iter().map(|link| format!("{link}; ")).collect()
}

/// A dead end below some version: the relations down to it and what is there.
type DeadEnd = (Vec<Link>, Obstacle);

/// Versions with the version and relation that led to each; wanted ones have none.
type Reached = BTreeMap<VerId, Option<(VerId, Range<DepId>)>>;

impl Marks<'_, '_> {
    /// Tells why the marks of `wanted` could not be completed.
    pub(super) fn explain(&self, wanted: &[VerId]) -> ResolveError {
        let mut known = BTreeMap::new();
        for ver in wanted {
            if let Some((chain, obstacle)) = self.dead_end(*ver, &mut known) {
                let wanted = self.name_of(*ver);
                return ResolveError::NotInstallable { wanted, chain, obstacle };
            }
        }
        self.explain_conflict(wanted)
    }

    /// The first need of `ver` that no choice of candidates can meet; cycles count as met.
    fn dead_end(
        &self,
        ver: VerId,
        known: &mut BTreeMap<VerId, Option<DeadEnd>>,
    ) -> Option<DeadEnd> {
        if let Some(answer) = known.get(&ver) {
            return answer.clone();
        }
        known.insert(ver, None);
        let answer = self.search(ver, known);
        known.insert(ver, answer.clone());
        answer
    }

    fn search(&self, ver: VerId, known: &mut BTreeMap<VerId, Option<DeadEnd>>) -> Option<DeadEnd> {
        for group in self.groups(ver) {
            let kind = self.universe.deps[group.start as usize].kind;
            if kind.is_negative() || !kind.is_critical() {
                continue;
            }
            let choices: Vec<VerId> = group
                .clone()
                .flat_map(|dep| self.choices(&self.universe.deps[dep as usize]))
                .collect();
            let mut first = None;
            let mut open = false;
            for choice in &choices {
                match self.dead_end(*choice, known) {
                    Some(end) => first = first.or(Some(end)),
                    None => open = true,
                }
            }
            if open {
                continue;
            }
            let link = self.link(group.clone());
            let (mut chain, obstacle) =
                first.unwrap_or_else(|| (Vec::new(), self.nothing_for(group.start)));
            chain.insert(0, link);
            return Some((chain, obstacle));
        }
        None
    }

    /// The best or held versions that satisfy a relation.
    fn choices(&self, dep: &Dep<'_>) -> Vec<VerId> {
        let universe = self.universe;
        let chosen = |pkg: PkgId| self.first_candidate(pkg);
        let version = |ver: VerId| universe.vers[ver as usize].package.version();
        let own = chosen(dep.target).filter(|ver| dep.accepts(version(*ver)));
        let provided = universe.pkgs[dep.target as usize].providers.iter();
        let provided = provided.filter(|(ver, version)| {
            dep.accepts_provided(*version) && chosen(universe.vers[*ver as usize].pkg) == Some(*ver)
        });
        own.into_iter().chain(provided.map(|(ver, _)| *ver)).collect()
    }

    fn nothing_for(&self, dep: DepId) -> Obstacle {
        let target = self.universe.deps[dep as usize].target;
        let node = &self.universe.pkgs[target as usize];
        let name = self.universe.name(target);
        if node.versions.is_empty() {
            let real = self.universe.pkgs.iter().filter(|pkg| !pkg.versions.is_empty());
            let nearest = nearest(&name, real.map(|pkg| pkg.name));
            return Obstacle::Missing { name, nearest };
        }
        let version = |ver: VerId| self.universe.vers[ver as usize].package.version().to_owned();
        let offered = match self.first_candidate(target) {
            Some(ver) if Some(&ver) != node.versions.first() => vec![version(ver)],
            _ => node.versions.iter().map(|ver| version(*ver)).collect(),
        };
        Obstacle::NoVersion { name, offered }
    }

    /// Two marked packages that exclude each other, or a need that fell to such a pair.
    fn explain_conflict(&self, wanted: &[VerId]) -> ResolveError {
        let reached = self.reachable(wanted);
        for pkg in 0..self.universe.pkgs.len() as PkgId {
            let Some(ver) = self.first_candidate(pkg).filter(|ver| reached.contains_key(ver))
            else {
                continue;
            };
            for group in self.groups(ver) {
                let dep = &self.universe.deps[group.start as usize];
                if !dep.kind.is_negative() {
                    continue;
                }
                let other = self.choices(dep).into_iter().find(|other| {
                    let pkg = self.universe.vers[*other as usize].pkg;
                    reached.contains_key(other) && pkg != self.universe.vers[ver as usize].pkg
                });
                if let Some(other) = other {
                    let mut chain = self.path(&reached, ver);
                    let first = chain.first().map(|link| link.package.clone());
                    chain.push(self.link(group));
                    let because = self.path(&reached, other);
                    let wanted = first.unwrap_or_else(|| self.name_of(ver));
                    let obstacle = Obstacle::Conflict { with: self.name_of(other), because };
                    return ResolveError::NotInstallable { wanted, chain, obstacle };
                }
            }
        }
        self.explain_choices(&reached).unwrap_or_else(|| {
            let missing = wanted.iter().find(|ver| {
                let pkg = self.universe.vers[**ver as usize].pkg;
                self.installs(pkg).is_none() || self.is_broken(pkg)
            });
            ResolveError::NotInstallable {
                wanted: missing.map_or_else(String::new, |ver| self.name_of(*ver)),
                chain: Vec::new(),
                obstacle: Obstacle::Entangled,
            }
        })
    }

    /// A marked package whose need is not met since its first choice conflicts with a marked one.
    fn explain_choices(&self, reached: &Reached) -> Option<ResolveError> {
        let broken = self.installed().filter(|pkg| self.is_broken(*pkg));
        for ver in broken.filter_map(|pkg| self.installs(pkg)) {
            for group in self.groups(ver) {
                let first = &self.universe.deps[group.start as usize];
                if first.kind.is_negative() || self.is_satisfied(group.clone()) {
                    continue;
                }
                let clash = group.clone().find_map(|dep| {
                    let choices = self.choices(&self.universe.deps[dep as usize]);
                    choices.into_iter().find_map(|choice| self.clash(choice))
                });
                let Some((conflict, other)) = clash else { continue };
                let mut chain = self.path(reached, ver);
                let wanted = chain.first().map_or_else(|| self.name_of(ver), |l| l.package.clone());
                chain.push(self.link(group));
                chain.push(self.link(conflict..conflict + 1));
                let obstacle = Obstacle::Conflict {
                    with: self.name_of(other),
                    because: self.path(reached, other),
                };
                return Some(ResolveError::NotInstallable { wanted, chain, obstacle });
            }
        }
        None
    }

    /// A conflict between a version and a marked package, whichever of the two states it.
    fn clash(&self, choice: VerId) -> Option<(DepId, VerId)> {
        let own = self.universe.vers[choice as usize].pkg;
        let conflicts = |ver: VerId| {
            let groups = self.groups(ver).map(|group| group.start);
            groups.filter(|dep| self.universe.deps[*dep as usize].kind.is_negative())
        };
        let marked = |ver: &VerId| {
            let pkg = self.universe.vers[*ver as usize].pkg;
            pkg != own && self.installs(pkg) == Some(*ver)
        };
        let stated = conflicts(choice).find_map(|dep| {
            let against = self.choices(&self.universe.deps[dep as usize]).into_iter().find(marked);
            against.map(|other| (dep, other))
        });
        stated.or_else(|| {
            let others = self.installed().filter_map(|pkg| self.installs(pkg)).filter(marked);
            others.into_iter().find_map(|other| {
                let against = |dep: &DepId| {
                    self.choices(&self.universe.deps[*dep as usize]).contains(&choice)
                };
                conflicts(other).find(against).map(|dep| (dep, other))
            })
        })
    }

    /// What the wanted packages reach along needs without a real choice, with the way there.
    fn reachable(&self, wanted: &[VerId]) -> Reached {
        let mut reached: BTreeMap<VerId, _> = wanted.iter().map(|ver| (*ver, None)).collect();
        let mut open: VecDeque<VerId> = wanted.iter().copied().collect();
        while let Some(ver) = open.pop_front() {
            for group in self.groups(ver) {
                let kind = self.universe.deps[group.start as usize].kind;
                if kind.is_negative() || !kind.is_critical() {
                    continue;
                }
                let deps = group.clone().map(|dep| &self.universe.deps[dep as usize]);
                let choices: Vec<VerId> = deps.flat_map(|dep| self.choices(dep)).collect();
                if let [only] = choices.as_slice()
                    && !reached.contains_key(only)
                {
                    reached.insert(*only, Some((ver, group)));
                    open.push_back(*only);
                }
            }
        }
        reached
    }

    fn path(&self, reached: &Reached, to: VerId) -> Vec<Link> {
        let mut chain = VecDeque::new();
        let mut at = to;
        while let Some(Some((from, group))) = reached.get(&at) {
            chain.push_front(self.link(group.clone()));
            at = *from;
        }
        chain.into()
    }

    fn link(&self, group: Range<DepId>) -> Link {
        let first = &self.universe.deps[group.start as usize];
        let package = self.universe.vers[first.owner as usize].package;
        let one = |dep: DepId| {
            let dep = &self.universe.deps[dep as usize];
            let name = self.universe.name(dep.target);
            match dep.version {
                Some((operator, version)) => format!("{name} ({operator} {version})"),
                None => name,
            }
        };
        let verb = match first.kind {
            Kind::PreDepends => "pre-depends on",
            Kind::Depends => "depends on",
            Kind::Conflicts => "conflicts with",
            Kind::Breaks => "breaks",
            Kind::Recommends => "recommends",
            Kind::Suggests => "suggests",
        };
        Link {
            package: package.name().to_owned(),
            version: package.version().to_owned(),
            verb,
            relation: group.map(one).collect::<Vec<_>>().join(" | "),
        }
    }

    fn name_of(&self, ver: VerId) -> String {
        self.universe.vers[ver as usize].package.name().to_owned()
    }
}
