//! What moved between two locks, for the output of `lock` and `update`.

use super::{Lock, SourcePin};
use crate::{Kind, Platform, TargetName};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

/// One thing that moved.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moved {
    /// The state of an archive; the versions are the dates of its release file.
    Archive(String, Change),
    /// A package of a rootfs on a platform.
    Package {
        /// Rootfs.
        target: TargetName,
        /// Platform.
        platform: Platform,
        /// Name, with `:arch` where it is neither the platform's nor `all`.
        package: String,
        /// From which version to which.
        change: Change,
    },
    /// A source.
    Source(TargetName, Change),
}

/// From which version to which.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// It is new.
    Added(String),
    /// It is gone.
    Removed(String),
    /// It moved.
    Moved {
        /// The version that it had.
        from: String,
        /// The version that it has.
        to: String,
    },
}

impl Change {
    pub(crate) fn between(from: Option<&String>, to: Option<&String>) -> Option<Self> {
        match (from, to) {
            (Some(from), Some(to)) if from == to => None,
            (Some(from), Some(to)) => Some(Change::Moved { from: from.clone(), to: to.clone() }),
            (Some(from), None) => Some(Change::Removed(from.clone())),
            (None, Some(to)) => Some(Change::Added(to.clone())),
            (None, None) => None,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Change::Added(version) => write!(f, "added {version}"),
            Change::Removed(version) => write!(f, "removed {version}"),
            Change::Moved { from, to } => write!(f, "{from} -> {to}"),
        }
    }
}

impl fmt::Display for Moved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moved::Archive(name, change) => write!(f, "archive {name}: {change}"),
            Moved::Package { target, platform, package, change } => {
                write!(f, "{target} {platform}: {package} {change}")
            }
            Moved::Source(target, change) => write!(f, "{target}: {change}"),
        }
    }
}

impl Lock {
    /// What moved from `old` to `new`, sorted.
    pub fn changes(old: &Lock, new: &Lock) -> Vec<Moved> {
        let mut moved: Vec<Moved> = compare(&archives(old), &archives(new))
            .into_iter()
            .map(|(name, change)| Moved::Archive(name, change))
            .collect();
        let packages = compare(&packages(old), &packages(new));
        moved.extend(packages.into_iter().map(|((target, platform, package), change)| {
            Moved::Package { target, platform, package, change }
        }));
        let sources = compare(&sources(old), &sources(new));
        moved.extend(sources.into_iter().map(|(target, change)| Moved::Source(target, change)));
        moved
    }
}

fn compare<K: Ord + Clone>(
    old: &BTreeMap<K, String>,
    new: &BTreeMap<K, String>,
) -> Vec<(K, Change)> {
    let keys: BTreeSet<&K> = old.keys().chain(new.keys()).collect();
    keys.into_iter()
        .filter_map(|key| Some((key.clone(), Change::between(old.get(key), new.get(key))?)))
        .collect()
}

fn archives(lock: &Lock) -> BTreeMap<String, String> {
    let pins = lock.archives.iter();
    pins.map(|(name, pin)| (name.clone(), format!("{} of {}", pin.suite, pin.date))).collect()
}

fn packages(lock: &Lock) -> BTreeMap<(TargetName, Platform, String), String> {
    let mut found: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for ((name, platform), pin) in &lock.rootfs {
        let Ok(target) = TargetName::new(Kind::Rootfs, name) else { continue };
        for id in &pin.packages {
            let foreign = id.arch != "all" && id.arch != platform.architecture();
            let package = match foreign {
                true => format!("{}:{}", id.name, id.arch),
                false => id.name.clone(),
            };
            found.entry((target.clone(), *platform, package)).or_default().insert(&id.version);
        }
    }
    let joined = |versions: BTreeSet<&str>| versions.into_iter().collect::<Vec<_>>().join(", ");
    found.into_iter().map(|(key, versions)| (key, joined(versions))).collect()
}

fn sources(lock: &Lock) -> BTreeMap<TargetName, String> {
    let pins = lock.sources.iter().filter_map(|(name, pin)| {
        let short = |digest: &str| digest.chars().take(12).collect::<String>();
        let version = match &pin.value {
            SourcePin::Url { url, sha256, .. } => format!("{url} {}", sha256.short()),
            SourcePin::Git { rev, commit, .. } => format!("{rev} {}", short(commit)),
            SourcePin::Dsc { package, version, .. } => format!("{package} {version}"),
            SourcePin::Deb { package, version, sha256, .. } => {
                format!("{package} {version} {}", sha256.short())
            }
            SourcePin::Oci { location, digest, .. } => format!("{location} {}", digest.short()),
        };
        Some((TargetName::new(Kind::Source, name).ok()?, version))
    });
    pins.collect()
}
