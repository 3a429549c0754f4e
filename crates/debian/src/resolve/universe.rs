//! All packages of all indexes as numbered nodes with their relations as edges.
//!
//! A package gets its number when its name is first seen, as its own stanza or in a relation of an
//! earlier one: apt prefers later numbers where nothing else decides between two providers, so the
//! numbering is part of the result.

use super::{
    explain::ResolveError,
    nearest::nearest,
    request::{Essential, Request, Wanted},
};
use crate::archive::{
    Field, Index, MultiArch, Operator, Package, Preference, Priority, Relation, Version, compare,
};
use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

/// The number of a package name.
pub(super) type PkgId = u32;
/// The number of one version of a package.
pub(super) type VerId = u32;
/// Versions to keep, by package.
pub(super) type Held = BTreeMap<String, Version>;
/// The number of one relation of a version.
pub(super) type DepId = u32;

/// A package name, with all that is known under it.
#[derive(Debug)]
pub(super) struct Pkg<'a> {
    /// The name; `NAME:any` and `NAME:ARCH` are names of their own.
    pub name: &'a str,
    /// Its versions, the best candidate first.
    pub versions: Vec<VerId>,
    /// The versions that provide the name, with the version that they provide; latest seen first.
    pub providers: Vec<(VerId, Option<&'a str>)>,
    /// The relations that name it.
    pub reverse: Vec<DepId>,
    /// Whether any version of it is Essential.
    pub essential: bool,
    /// Whether any version of it is Protected.
    pub protected: bool,
}

/// One version.
#[derive(Debug)]
pub(super) struct Ver<'a> {
    pub pkg: PkgId,
    pub package: Package<'a>,
    /// The place of its index in the request's list.
    pub index: usize,
    pub priority: Priority,
    /// Its relations, in apt's order.
    pub deps: Range<DepId>,
    /// What it provides.
    pub provides: Vec<PkgId>,
}

/// What a relation asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    PreDepends,
    Depends,
    Conflicts,
    Breaks,
    Recommends,
    Suggests,
}

/// One alternative of a relation of a version.
#[derive(Debug)]
pub(super) struct Dep<'a> {
    pub owner: VerId,
    pub kind: Kind,
    pub target: PkgId,
    pub version: Option<(Operator, &'a str)>,
    /// Whether the next relation is an alternative to this one.
    pub or: bool,
}

/// The graph.
#[derive(Debug)]
pub(super) struct Universe<'a> {
    pub pkgs: Vec<Pkg<'a>>,
    pub vers: Vec<Ver<'a>>,
    pub deps: Vec<Dep<'a>>,
    arch: String,
    numbers: HashMap<&'a str, PkgId>,
    /// Names with a qualifier, which stand in no index as they are.
    qualified: HashMap<(&'a str, &'a str), PkgId>,
}

impl Kind {
    /// Whether the relation asks for absence.
    pub(super) fn is_negative(self) -> bool {
        matches!(self, Self::Conflicts | Self::Breaks)
    }

    /// Whether a package cannot be installed without it.
    pub(super) fn is_critical(self) -> bool {
        !matches!(self, Self::Recommends | Self::Suggests)
    }
}

impl Dep<'_> {
    /// Whether a version of the named package satisfies the constraint.
    pub(super) fn accepts(&self, version: &str) -> bool {
        self.version.is_none_or(|(operator, to)| operator.holds(version, to))
    }

    /// Whether a provided name, with or without a version, satisfies the constraint.
    pub(super) fn accepts_provided(&self, version: Option<&str>) -> bool {
        match (self.version, version) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some((operator, to)), Some(version)) => operator.holds(version, to),
        }
    }
}

impl<'a> Universe<'a> {
    /// Reads all packages of `indexes` that fit `arch`.
    pub(super) fn new(indexes: &[&'a Index], arch: &str) -> Self {
        let mut universe = Self {
            pkgs: Vec::new(),
            vers: Vec::new(),
            deps: Vec::new(),
            arch: arch.to_owned(),
            numbers: HashMap::new(),
            qualified: HashMap::new(),
        };
        for (place, index) in indexes.iter().enumerate() {
            for package in index.packages() {
                if package.architecture() == "all" || package.architecture() == arch {
                    universe.add(place, index.preference(), package);
                }
            }
        }
        universe.provide_own_arch();
        universe
    }

    /// The package with exactly this name.
    pub(super) fn find(&self, name: &str) -> Option<PkgId> {
        self.numbers.get(name).copied()
    }

    /// The name of a package as people write it.
    pub(super) fn name(&self, pkg: PkgId) -> String {
        match self.qualified.iter().find(|(_, id)| **id == pkg) {
            Some(((name, qualifier), _)) => format!("{name}:{qualifier}"),
            None => self.pkgs[pkg as usize].name.to_owned(),
        }
    }

    /// The version of a package that is equal to `version`.
    pub(super) fn find_version(&self, pkg: PkgId, version: &Version) -> Option<VerId> {
        let same = |ver: &&VerId| {
            let offered = self.vers[**ver as usize].package.version();
            compare(offered, version.as_str()).is_eq()
        };
        self.pkgs[pkg as usize].versions.iter().find(same).copied()
    }

    /// The versions that the request asks for, in its order; held ones before the best.
    pub(super) fn wanted(
        &self,
        request: &Request,
        held: &Held,
    ) -> Result<Vec<VerId>, ResolveError> {
        if request.arch != self.arch {
            let name = request.packages.first().map_or_else(String::new, |one| one.name.clone());
            let (asked, arch) = (request.arch.clone(), self.arch.clone());
            return Err(ResolveError::OtherArchitecture { name, asked, arch });
        }
        let mut wanted = Vec::new();
        if request.essential == Essential::Implied {
            let essential = self.pkgs.iter().filter(|pkg| pkg.essential);
            let mut names: Vec<&str> = essential.map(|pkg| pkg.name).collect();
            names.sort_unstable();
            let best = |name: &&str| self.best(self.find(name)?, held);
            wanted.extend(names.iter().filter_map(best));
        }
        for one in &request.packages {
            let ver = self.wanted_one(one, held)?;
            // A version asked for by name goes before the candidate of an Essential package.
            let pkg = self.vers[ver as usize].pkg;
            match wanted.iter_mut().find(|have| self.vers[**have as usize].pkg == pkg) {
                Some(have) if one.version.is_some() => *have = ver,
                Some(_) => {}
                None => wanted.push(ver),
            }
        }
        Ok(wanted)
    }

    /// The held version of a package if it is offered, or else the best.
    fn best(&self, pkg: PkgId, held: &Held) -> Option<VerId> {
        let node = &self.pkgs[pkg as usize];
        let held = held.get(node.name).and_then(|version| self.find_version(pkg, version));
        held.or_else(|| node.versions.first().copied())
    }

    fn wanted_one(&self, wanted: &Wanted, held: &Held) -> Result<VerId, ResolveError> {
        let name = wanted.name.clone();
        if let Some(other) = wanted.arch.as_deref().filter(|arch| *arch != self.arch) {
            let (arch, asked) = (self.arch.clone(), other.to_owned());
            return Err(ResolveError::OtherArchitecture { name, asked, arch });
        }
        let known = self.find(&name).map(|id| (id, &self.pkgs[id as usize]));
        let known = known.filter(|(_, pkg)| !(pkg.versions.is_empty() && pkg.providers.is_empty()));
        let Some((id, pkg)) = known else {
            let real = self.pkgs.iter().filter(|pkg| !pkg.versions.is_empty());
            let nearest = nearest(&name, real.map(|pkg| pkg.name));
            return Err(ResolveError::UnknownPackage { name, nearest });
        };
        if let Some(version) = &wanted.version {
            return self.find_version(id, version).ok_or_else(|| {
                let text = |ver: &VerId| self.vers[*ver as usize].package.version().to_owned();
                let offered = pkg.versions.iter().map(text).collect();
                ResolveError::UnknownVersion { name, version: version.clone(), offered }
            });
        }
        if let Some(best) = self.best(id, held) {
            return Ok(best);
        }
        // A virtual package stands for its provider if there is only one.
        let mut providers: Vec<VerId> = pkg.providers.iter().map(|(ver, _)| *ver).collect();
        providers.sort_unstable_by_key(|ver| self.vers[*ver as usize].package.name());
        providers.dedup_by_key(|ver| self.vers[*ver as usize].pkg);
        match providers.as_slice() {
            [one] => Ok(*one),
            many => {
                let named = |ver: &VerId| self.vers[*ver as usize].package.name().to_owned();
                let providers = many.iter().map(named).collect();
                Err(ResolveError::VirtualPackage { name, providers })
            }
        }
    }

    /// The number of a name, a new one if it was never seen.
    fn number(&mut self, name: &'a str) -> PkgId {
        if let Some(id) = self.numbers.get(name) {
            return *id;
        }
        let id = self.pkgs.len() as PkgId;
        self.pkgs.push(Pkg::new(name));
        self.numbers.insert(name, id);
        id
    }

    /// The number of `name:qualifier`.
    fn number_qualified(&mut self, name: &'a str, qualifier: &'a str) -> PkgId {
        if let Some(id) = self.qualified.get(&(name, qualifier)) {
            return *id;
        }
        let id = self.pkgs.len() as PkgId;
        self.pkgs.push(Pkg::new(name));
        self.qualified.insert((name, qualifier), id);
        id
    }

    fn target(&mut self, relation: &Relation<'a>) -> PkgId {
        match relation.qualifier {
            None => self.number(relation.name),
            Some("any") => self.number_qualified(relation.name, "any"),
            Some(arch) => {
                let id = self.number_qualified(relation.name, arch);
                self.number(relation.name);
                id
            }
        }
    }

    fn add(&mut self, index: usize, preference: Preference, package: Package<'a>) {
        let pkg = self.number(package.name());
        if package.is_essential() {
            self.pkgs[pkg as usize].essential = true;
        }
        self.pkgs[pkg as usize].protected |= package.is_protected();
        if !self.rank(pkg, preference, &package) {
            return;
        }
        let ver = self.vers.len() as VerId;
        let first = self.deps.len() as DepId;
        self.vers.push(Ver {
            pkg,
            package,
            index,
            priority: package.priority(),
            deps: first..first,
            provides: Vec::new(),
        });
        for field in Field::ALL {
            match kind(field) {
                Some(kind) => self.relate(ver, kind, &package, field),
                // Only the numbering sees these.
                None if field != Field::Provides => {
                    for relation in package.relations(field).flatten() {
                        self.target(&relation);
                    }
                }
                None => {}
            }
        }
        self.vers[ver as usize].deps.end = self.deps.len() as DepId;
        self.provide(ver, &package);
    }

    /// Puts the version that comes next among those of its package; false if it is there already.
    fn rank(&mut self, pkg: PkgId, preference: Preference, package: &Package<'a>) -> bool {
        let next = self.vers.len() as VerId;
        let versions = &self.pkgs[pkg as usize].versions;
        let mut place = versions.len();
        for (at, have) in versions.iter().enumerate() {
            let have = &self.vers[*have as usize].package;
            let order = compare(package.version(), have.version());
            if order.is_eq() {
                return false;
            }
            if (preference, order) > (have.preference(), std::cmp::Ordering::Equal) {
                place = place.min(at);
            }
        }
        self.pkgs[pkg as usize].versions.insert(place, next);
        true
    }

    fn relate(&mut self, owner: VerId, kind: Kind, package: &Package<'a>, field: Field) {
        for relation in package.relations(field).flatten() {
            let target = self.target(&relation);
            let id = self.deps.len() as DepId;
            let or = relation.or && !kind.is_negative();
            self.deps.push(Dep { owner, kind, target, version: relation.version, or });
            self.pkgs[target as usize].reverse.push(id);
        }
    }

    fn provide(&mut self, ver: VerId, package: &Package<'a>) {
        let allowed = package.multi_arch() == MultiArch::Allowed;
        for relation in package.relations(Field::Provides).flatten() {
            let version = match relation.version {
                None => None,
                Some((Operator::Equal, version)) => Some(version),
                Some(_) => continue,
            };
            if allowed && relation.qualifier.is_none() {
                let any = self.number_qualified(relation.name, "any");
                self.provide_one(ver, any, version);
            }
            let itself = relation.name == package.name()
                && version.is_none_or(|version| version == package.version());
            if relation.qualifier.is_none() && itself {
                continue;
            }
            let target = self.target(&relation);
            self.provide_one(ver, target, version);
            if relation.qualifier == Some(self.arch.as_str()) {
                let plain = self.number(relation.name);
                self.provide_one(ver, plain, version);
            }
        }
        if allowed {
            let any = self.number_qualified(package.name(), "any");
            self.provide_one(ver, any, Some(package.version()));
        }
    }

    fn provide_one(&mut self, ver: VerId, target: PkgId, version: Option<&'a str>) {
        self.pkgs[target as usize].providers.insert(0, (ver, version));
        self.vers[ver as usize].provides.push(target);
    }

    /// What provides or is `NAME` also provides `NAME:ARCH` of its own architecture.
    fn provide_own_arch(&mut self) {
        let own = |qualifier: &str| qualifier == self.arch || qualifier == "native";
        let mut names: Vec<(PkgId, PkgId)> = Vec::new();
        for ((name, qualifier), id) in &self.qualified {
            if let Some(plain) = self.numbers.get(name).filter(|_| own(qualifier)) {
                names.push((*id, *plain));
            }
        }
        names.sort_unstable();
        for (qualified, plain) in names {
            for ver in self.pkgs[plain as usize].versions.clone() {
                let version = self.vers[ver as usize].package.version();
                self.provide_one(ver, qualified, Some(version));
            }
            for (ver, version) in self.pkgs[plain as usize].providers.clone() {
                self.provide_one(ver, qualified, version);
            }
        }
    }
}

impl<'a> Pkg<'a> {
    fn new(name: &'a str) -> Self {
        Self {
            name,
            versions: Vec::new(),
            providers: Vec::new(),
            reverse: Vec::new(),
            essential: false,
            protected: false,
        }
    }
}

fn kind(field: Field) -> Option<Kind> {
    Some(match field {
        Field::PreDepends => Kind::PreDepends,
        Field::Depends => Kind::Depends,
        Field::Conflicts => Kind::Conflicts,
        Field::Breaks => Kind::Breaks,
        Field::Recommends => Kind::Recommends,
        Field::Suggests => Kind::Suggests,
        Field::Replaces | Field::Enhances | Field::Provides => return None,
    })
}
