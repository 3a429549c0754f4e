//! What a workspace asks of its lock: archives, root file systems on platforms, sources.

use groundup_recipe::{
    Archive, Platform, Rootfs, Source, TargetBody, TargetName, Workspace,
    lock::{IndexKey, needs_packages},
};
use std::collections::{BTreeMap, BTreeSet};

/// All of it.
pub(crate) struct Need<'a> {
    pub(crate) archives: BTreeMap<&'a str, ArchiveNeed<'a>>,
    pub(crate) rootfs: Vec<RootfsNeed<'a>>,
    pub(crate) sources: BTreeMap<&'a TargetName, &'a Source>,
}

/// What is read of one archive.
pub(crate) struct ArchiveNeed<'a> {
    pub(crate) archive: &'a Archive,
    arches: BTreeSet<&'static str>,
    sources: bool,
}

/// One rootfs on one platform.
#[derive(Clone, Copy)]
pub(crate) struct RootfsNeed<'a> {
    pub(crate) target: &'a TargetName,
    pub(crate) rootfs: &'a Rootfs,
    pub(crate) platform: Platform,
}

impl<'a> Need<'a> {
    pub(crate) fn of(workspace: &'a Workspace) -> Self {
        let mut need =
            Need { archives: BTreeMap::new(), rootfs: Vec::new(), sources: BTreeMap::new() };
        for target in workspace.targets().values() {
            let name = &target.name.value;
            match &target.body {
                TargetBody::Rootfs(rootfs) if needs_packages(rootfs) => {
                    for platform in &rootfs.platforms {
                        let platform = platform.value;
                        need.rootfs.push(RootfsNeed { target: name, rootfs, platform });
                        for archive in &rootfs.archives {
                            let found = need.archive(workspace, archive);
                            found.map(|archive| archive.arches.insert(platform.architecture()));
                        }
                    }
                }
                TargetBody::Source(source) if !matches!(source, Source::Path { .. }) => {
                    if let Source::Dsc { archive, .. } = source
                        && let Some(archive) = need.archive(workspace, archive)
                    {
                        archive.sources = true;
                    }
                    need.sources.insert(name, source);
                }
                _ => {}
            }
        }
        need
    }

    fn archive(&mut self, workspace: &'a Workspace, name: &str) -> Option<&mut ArchiveNeed<'a>> {
        let (name, archive) = workspace.archives.get_key_value(name)?;
        let fresh = || ArchiveNeed { archive, arches: BTreeSet::new(), sources: false };
        Some(self.archives.entry(name).or_insert_with(fresh))
    }
}

impl ArchiveNeed<'_> {
    /// The indexes to read, given whether packages for all architectures stand in an index apart.
    pub(crate) fn keys(&self, all: IndexOfAll) -> BTreeSet<IndexKey> {
        let mut arches: Vec<&str> = self.arches.iter().copied().collect();
        if all == IndexOfAll::Apart && !arches.is_empty() {
            arches.push("all");
        }
        if self.sources {
            arches.push("source");
        }
        let components = self.archive.components.iter().map(|component| &component.value);
        let key = |component: &String, arch: &str| IndexKey {
            component: component.clone(),
            arch: arch.to_owned(),
        };
        components.flat_map(|name| arches.iter().map(move |arch| key(name, arch))).collect()
    }
}

/// Where packages for all architectures stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IndexOfAll {
    /// In `binary-all`.
    Apart,
    /// In the index of each architecture.
    Repeated,
}

impl RootfsNeed<'_> {
    /// Its key in the lock.
    pub(crate) fn key(&self) -> (String, Platform) {
        (self.target.name().to_owned(), self.platform)
    }

    /// Its archives in their order, each once.
    pub(crate) fn archives(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        let names = self.rootfs.archives.iter().map(|name| name.as_str());
        names.filter(|name| seen.insert(*name)).collect()
    }
}
