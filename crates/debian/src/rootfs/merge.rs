//! Many packages as one tree, by dpkg's rules but in no order.
//!
//! dpkg unpacks one package after the other, and where two have the same path the outcome may
//! depend on who came first. Here every path collects its *claims*, and a rule over the set of
//! claims settles it or names the clash; the rules stand in `docs/debian.md`.

use super::{
    Diverted, RootfsError,
    draft::{STATE, target_path},
    member::Member,
    redirect::{Redirects, merged_usr},
};
use groundup_provenance::Origins;
use groundup_tree::{FileTree, Kind, Meta, Node, TreePath};
use std::collections::{BTreeMap, BTreeSet};

/// The merged packages.
pub(super) struct Merged {
    pub(super) tree: FileTree,
    pub(super) origins: Origins,
    /// For each member, the paths (as it ships them) that went to a package that replaces them.
    pub(super) lost: Vec<BTreeSet<TreePath>>,
}

/// A package wants a node at a path.
#[derive(Clone)]
struct Claim<'a> {
    member: usize,
    shipped_as: &'a TreePath,
    node: &'a Node,
}

type Claims<'a> = BTreeMap<TreePath, Vec<Claim<'a>>>;

/// Merges the members; `declared` are directories whose metadata somebody else decides.
pub(super) fn merge(
    members: &[Member],
    arch: &str,
    diversions: &[Diverted],
    declared: &BTreeSet<TreePath>,
) -> Result<Merged, RootfsError> {
    let mut redirects = Redirects::default();
    let mut merged = Merged {
        tree: FileTree::new(),
        origins: Origins::new(),
        lost: vec![BTreeSet::new(); members.len()],
    };
    make_merged_usr(members, arch, &mut redirects, &mut merged)?;
    let mut claims = collect(members, diversions, &redirects);
    while add_linked_directories(&claims, &mut redirects) {
        claims = collect(members, diversions, &redirects);
    }
    let settler = Settler { members, redirects: &redirects, declared, claims: &claims };
    let mut owners: BTreeMap<&TreePath, Vec<usize>> = BTreeMap::new();
    for (path, of_path) in &claims {
        let Some((node, winners)) = settler.settle(path, of_path)? else { continue };
        if !node.is_directory() {
            merged.origins.insert(path.clone(), members[winners[0]].input.label.clone());
            for claim in of_path.iter().filter(|claim| !winners.contains(&claim.member)) {
                merged.lost[claim.member].insert(claim.shipped_as.clone());
            }
            owners.insert(path, winners);
        }
        merged.tree.insert_with_parents(path.clone(), node)?;
    }
    for (number, member) in members.iter().enumerate() {
        for set in member.data.links().sets() {
            let place =
                |path: &&TreePath| divert(diversions, member, redirects.canonical_place(path));
            let mut kept = set
                .iter()
                .map(place)
                .filter(|path| owners.get(path).is_some_and(|winners| winners.contains(&number)));
            let Some(first) = kept.next() else { continue };
            for path in kept.collect::<Vec<_>>() {
                merged.tree.link(path, &first)?;
            }
        }
    }
    Ok(merged)
}

/// Makes the links of merged `/usr` if any package ships something into what they stand for.
fn make_merged_usr(
    members: &[Member],
    arch: &str,
    redirects: &mut Redirects,
    merged: &mut Merged,
) -> Result<(), RootfsError> {
    let names: Vec<TreePath> = merged_usr(arch).into_iter().map(super::draft::constant).collect();
    let ships = |member: &Member| names.iter().any(|name| member.data.has(name));
    if !members.iter().any(ships) {
        return Ok(());
    }
    for name in names {
        let target = super::draft::constant("usr").join_path(&name);
        merged.tree.make_directories(&target)?;
        let text = String::from_utf8_lossy(target.as_bytes()).into_owned();
        merged.tree.insert(name.clone(), Node::symlink(text))?;
        merged.origins.insert(name.clone(), STATE);
        redirects.add(name, target);
    }
    Ok(())
}

/// Where dpkg writes a file of `member` that is meant for `place`.
fn divert(diversions: &[Diverted], member: &Member, place: TreePath) -> TreePath {
    let hits = |diverted: &&Diverted| {
        diverted.path == place && diverted.by.as_deref() != Some(member.name())
    };
    diversions.iter().find(hits).map_or(place, |diverted| diverted.to.clone())
}

fn collect<'a>(
    members: &'a [Member],
    diversions: &[Diverted],
    redirects: &Redirects,
) -> Claims<'a> {
    let mut claims = Claims::new();
    for (number, member) in members.iter().enumerate() {
        for (path, node) in member.data.iter().filter(|(path, _)| !path.is_root()) {
            let place = match node.is_directory() {
                true => redirects.canonical(path),
                false => divert(diversions, member, redirects.canonical_place(path)),
            };
            let claim = Claim { member: number, shipped_as: path, node };
            claims.entry(place).or_default().push(claim);
        }
    }
    claims
}

/// Where one package ships a symbolic link to a directory and another ships that path as a
/// directory, dpkg keeps the link and writes through it; so it is one more redirect.
fn add_linked_directories(claims: &Claims<'_>, redirects: &mut Redirects) -> bool {
    let mut added = false;
    for (path, of_path) in claims {
        if !of_path.iter().any(|claim| claim.node.is_directory()) {
            continue;
        }
        let target = of_path.iter().find_map(|claim| match &claim.node.kind {
            Kind::Symlink { target } => target_path(path, target),
            _ => None,
        });
        if let Some(target) = target
            && is_directory(claims, &redirects.canonical(&target))
        {
            added |= redirects.add(path.clone(), target);
        }
    }
    added
}

/// Whether some package has a directory at `path`.
fn is_directory(claims: &Claims<'_>, path: &TreePath) -> bool {
    let directory = |claim: &Claim<'_>| claim.node.is_directory();
    claims.get(path).is_some_and(|of_path| of_path.iter().any(directory))
}

struct Settler<'a> {
    members: &'a [Member],
    redirects: &'a Redirects,
    declared: &'a BTreeSet<TreePath>,
    claims: &'a Claims<'a>,
}

impl Settler<'_> {
    /// The node that comes to `path` and the members that have it; none where a link of ours
    /// stands there already.
    fn settle(
        &self,
        path: &TreePath,
        claims: &[Claim<'_>],
    ) -> Result<Option<(Node, Vec<usize>)>, RootfsError> {
        if self.redirects.is_link(path) && claims.iter().all(|claim| self.leads_along(path, claim))
        {
            let first = &claims[0];
            return Ok(Some((first.node.clone(), members_of(claims))));
        }
        if claims.iter().all(|claim| claim.node.is_directory()) {
            let meta = self.directory_meta(path, claims)?;
            return Ok(Some((Node { meta, kind: Kind::Directory }, members_of(claims))));
        }
        if claims.len() == 1 {
            return Ok(Some((claims[0].node.clone(), vec![claims[0].member])));
        }
        let claims: Vec<_> = claims.iter().filter(|claim| !self.is_itself(path, claim)).collect();
        let beaten = |claim: &&&Claim<'_>| {
            let loser = &self.members[claim.member];
            claims.iter().any(|other| {
                let winner = &self.members[other.member];
                winner.replaces(loser) && !loser.replaces(winner)
            })
        };
        let left: Vec<_> = claims.iter().filter(|claim| !beaten(claim)).collect();
        let Some(first) = left.first() else {
            // Only links to themselves, or a circle of packages that replace each other.
            return Err(self.clash(path, claims[0], claims.last().expect("there are claims")));
        };
        match left.iter().find(|other| !self.may_share(path, first, other)) {
            Some(other) => Err(self.clash(path, first, other)),
            None => {
                let winners = left.iter().map(|claim| claim.member).collect();
                Ok(Some((first.node.clone(), winners)))
            }
        }
    }

    /// Whether two packages may both have the same node: instances of one `Multi-Arch: same`
    /// package, one package by two paths, or two equal links to a directory.
    fn may_share(&self, path: &TreePath, one: &Claim<'_>, other: &Claim<'_>) -> bool {
        if one.member == other.member && one.shipped_as == other.shipped_as {
            return true;
        }
        let (first, second) = (&self.members[one.member], &self.members[other.member]);
        let same_package = first.name() == second.name()
            && (one.member == other.member || (first.multi_arch_same && second.multi_arch_same));
        let to_directory = || match &one.node.kind {
            Kind::Symlink { target } => target_path(path, target)
                .is_some_and(|to| is_directory(self.claims, &self.redirects.canonical(&to))),
            _ => false,
        };
        one.node == other.node && (same_package || to_directory())
    }

    /// Whether this is a link that would point to its own place, such as a `/bin/x` that leads to
    /// `/usr/bin/x` once both directories are one.
    fn is_itself(&self, path: &TreePath, claim: &Claim<'_>) -> bool {
        match &claim.node.kind {
            Kind::Symlink { target } => target_path(claim.shipped_as, target)
                .is_some_and(|to| self.redirects.canonical_place(&to) == *path),
            _ => false,
        }
    }

    /// Whether a package's own link leads where ours at the same path does.
    fn leads_along(&self, path: &TreePath, claim: &Claim<'_>) -> bool {
        match &claim.node.kind {
            Kind::Symlink { target } => target_path(path, target)
                .is_some_and(|to| self.redirects.canonical(&to) == self.redirects.canonical(path)),
            _ => false,
        }
    }

    /// A directory that says something beyond root-owned 0755 wins over those that do not.
    fn directory_meta(&self, path: &TreePath, claims: &[Claim<'_>]) -> Result<Meta, RootfsError> {
        let plain = Node::directory().meta;
        let mut special = claims.iter().filter(|claim| claim.node.meta != plain);
        let Some(first) = special.next() else { return Ok(plain) };
        match special.find(|other| other.node.meta != first.node.meta) {
            Some(other) if !self.declared.contains(path) => {
                let meta = |m: &Meta| format!("mode {} and owner {}:{}", m.mode, m.uid, m.gid);
                Err(RootfsError::DirectoryClash {
                    path: path.clone(),
                    first: self.members[first.member].described(),
                    first_meta: meta(&first.node.meta),
                    second: self.members[other.member].described(),
                    second_meta: meta(&other.node.meta),
                })
            }
            _ => Ok(first.node.meta.clone()),
        }
    }

    fn clash(&self, path: &TreePath, one: &Claim<'_>, other: &Claim<'_>) -> RootfsError {
        RootfsError::Clash {
            path: path.clone(),
            first: self.members[one.member].described(),
            first_kind: one.node.kind.noun(),
            second: self.members[other.member].described(),
            second_kind: other.node.kind.noun(),
        }
    }
}

fn members_of(claims: &[Claim<'_>]) -> Vec<usize> {
    claims.iter().map(|claim| claim.member).collect()
}
