//! Pins that no longer fit the recipes, each with the recipe's place, the lock's and the remedy.

use super::{Lock, PackageOrigin, SourcePin, request};
use crate::{
    At, Diagnostic, Keyring, Platform, Rootfs, Source, Span, Target, TargetBody, TargetName,
    Workspace,
};
use std::collections::BTreeSet;

/// One place where recipes and lock disagree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stale {
    /// What disagrees.
    pub reason: StaleReason,
    /// The place in a recipe; none for a pin that nothing asks for.
    pub recipe: Option<Span>,
    /// The line of the lock; none for a pin that is not there.
    pub lock: Option<Span>,
}

/// What disagrees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum StaleReason {
    /// An archive has no pin.
    ArchiveMissing(String),
    /// An archive's suite, components or keys are others than when it was pinned.
    ArchiveChanged {
        /// Archive.
        name: String,
        /// `suite`, `components` or `signed_by`.
        field: &'static str,
    },
    /// A rootfs was never resolved for a platform.
    RootfsMissing {
        /// Rootfs.
        target: TargetName,
        /// Platform.
        platform: Platform,
    },
    /// What a rootfs asks for is not what was resolved.
    RootfsChanged {
        /// Rootfs.
        target: TargetName,
        /// Platform.
        platform: Platform,
        /// A package that is asked for and has no pin of its name, where that tells the change.
        package: Option<String>,
    },
    /// A source has no pin.
    SourceMissing(TargetName),
    /// A source's location, version or digest is another than when it was pinned.
    SourceChanged {
        /// Source.
        target: TargetName,
        /// The key of the recipe.
        field: &'static str,
        /// What was pinned.
        pinned: String,
    },
    /// Nothing asks for the pin.
    Unneeded(String),
}

impl Stale {
    /// The message.
    pub fn to_diagnostic(&self) -> Diagnostic {
        let (title, in_recipe, in_lock) = match &self.reason {
            StaleReason::ArchiveMissing(name) => (
                format!("the lock has no pin for the archive `{name}`"),
                "not locked yet".into(),
                "",
            ),
            StaleReason::ArchiveChanged { name, field } => (
                format!("the lock is stale: the archive `{name}` changed"),
                format!("another `{field}` than when it was locked"),
                "locked here",
            ),
            StaleReason::RootfsMissing { target, platform } => {
                let title = format!("the lock has no packages for `{target}` on `{platform}`");
                (title, "not locked yet".into(), "")
            }
            StaleReason::RootfsChanged { target, platform, package } => {
                let title = format!(
                    "the lock is stale: `{target}` asks for other packages on `{platform}`"
                );
                let label = match package {
                    Some(package) => format!("`{package}` is not in the lock"),
                    None => "changed since it was locked".into(),
                };
                (title, label, "locked here")
            }
            StaleReason::SourceMissing(target) => {
                (format!("the lock has no pin for `{target}`"), "not locked yet".into(), "")
            }
            StaleReason::SourceChanged { target, field, pinned } => (
                format!("the lock is stale: `{target}` has another `{field}`"),
                format!("locked with `{pinned}`"),
                "locked here",
            ),
            StaleReason::Unneeded(what) => {
                (format!("the lock is stale: nothing asks for {what}"), String::new(), "not needed")
            }
        };
        let mut diagnostic = Diagnostic::error(title);
        if let Some(span) = self.recipe {
            diagnostic = diagnostic.label(span, in_recipe);
        }
        if let Some(span) = self.lock {
            diagnostic = diagnostic.label(span, in_lock);
        }
        diagnostic.help("run `groundup lock` to bring the lock up to date")
    }
}

impl Lock {
    /// Where the lock does not fit the recipes; nothing where it does.
    pub fn check(&self, workspace: &Workspace) -> Vec<Stale> {
        let mut check = Check { lock: self, workspace, found: Vec::new() };
        check.archives();
        for target in workspace.targets().values() {
            match &target.body {
                TargetBody::Rootfs(rootfs) => check.rootfs(target, rootfs),
                TargetBody::Source(source) => check.source(target, source),
                _ => {}
            }
        }
        check.unneeded();
        check.found
    }
}

struct Check<'a> {
    lock: &'a Lock,
    workspace: &'a Workspace,
    found: Vec<Stale>,
}

impl Check<'_> {
    fn add(&mut self, reason: StaleReason, recipe: Option<Span>, lock: Option<Span>) {
        self.found.push(Stale { reason, recipe, lock });
    }

    /// The archives that some target asks.
    fn asked(&self) -> BTreeSet<&str> {
        let targets = self.workspace.targets().values();
        let names = targets.flat_map(|target| match &target.body {
            TargetBody::Rootfs(rootfs) if needs_packages(rootfs) => {
                rootfs.archives.iter().map(|name| name.as_str()).collect()
            }
            TargetBody::Source(Source::Dsc { archive, .. }) => vec![archive.as_str()],
            _ => Vec::new(),
        });
        names.collect()
    }

    fn archives(&mut self) {
        let asked: BTreeSet<String> = self.asked().into_iter().map(str::to_owned).collect();
        for (name, archive) in &self.workspace.archives {
            let Some(pin) = self.lock.archives.get(name) else {
                if asked.contains(name) {
                    let reason = StaleReason::ArchiveMissing(name.clone());
                    self.add(reason, Some(archive.name.span), None);
                }
                continue;
            };
            let mut changed = |field, span| {
                let reason = StaleReason::ArchiveChanged { name: name.clone(), field };
                self.found.push(Stale { reason, recipe: Some(span), lock: Some(pin.span) });
            };
            if archive.suite.value != pin.suite {
                changed("suite", archive.suite.span);
            }
            let sorted =
                |names: Vec<&str>| names.into_iter().map(str::to_owned).collect::<BTreeSet<_>>();
            let wanted = sorted(archive.components.iter().map(|name| name.as_str()).collect());
            if wanted != sorted(pin.components.iter().map(String::as_str).collect()) {
                let span = archive.components.first().map_or(archive.name.span, |first| first.span);
                changed("components", span);
            }
            match (&archive.keyring, &pin.keyring) {
                (Keyring::Debian, super::KeyringPin::Package { .. }) => {}
                (Keyring::File(path), super::KeyringPin::File { file, .. })
                    if path.as_str() == file => {}
                (Keyring::File(path), _) => changed("signed_by", path.span),
                (Keyring::Debian, _) => changed("signed_by", archive.name.span),
            }
        }
        for (name, pin) in &self.lock.archives {
            if !asked.contains(name) {
                self.add(
                    StaleReason::Unneeded(format!("the archive `{name}`")),
                    None,
                    Some(pin.span),
                );
            }
        }
    }

    fn rootfs(&mut self, target: &Target, rootfs: &Rootfs) {
        if !needs_packages(rootfs) {
            return;
        }
        for platform in &rootfs.platforms {
            let name = target.name.value.clone();
            let header = target.name.span;
            let key = (name.name().to_owned(), platform.value);
            let Some(pin) = self.lock.rootfs.get(&key) else {
                let reason = StaleReason::RootfsMissing { target: name, platform: platform.value };
                self.add(reason, Some(header), None);
                continue;
            };
            if pin.request == request(self.workspace, rootfs, platform.value) {
                continue;
            }
            let pinned: BTreeSet<&str> = pin.packages.iter().map(|id| id.name.as_str()).collect();
            let new = rootfs.packages.iter().find(|asked| !pinned.contains(asked.name.as_str()));
            let reason = StaleReason::RootfsChanged {
                target: name,
                platform: platform.value,
                package: new.map(|package| package.name.clone()),
            };
            let place = new.map(|package| package.span);
            let place = place.or_else(|| target.fields.of("packages")).unwrap_or(header);
            self.add(reason, Some(place), Some(pin.span));
        }
    }

    fn source(&mut self, target: &Target, source: &Source) {
        if matches!(source, Source::Path { .. }) {
            return;
        }
        let name = target.name.value.clone();
        let Some(pin) = self.lock.sources.get(name.name()) else {
            return self.add(StaleReason::SourceMissing(name), Some(target.name.span), None);
        };
        if let Some((field, span, pinned)) = changed(source, pin) {
            let span = span.unwrap_or(target.name.span);
            let reason = StaleReason::SourceChanged { target: name, field, pinned };
            self.add(reason, Some(span), Some(pin.span));
        }
    }

    fn unneeded(&mut self) {
        for (name, pin) in &self.lock.sources {
            let needed = self.workspace.targets().values().any(|target| {
                target.name.name() == name
                    && matches!(&target.body, TargetBody::Source(s) if !matches!(s, Source::Path { .. }))
            });
            if !needed {
                self.add(StaleReason::Unneeded(format!("`source.{name}`")), None, Some(pin.span));
            }
        }
        for ((name, platform), pin) in &self.lock.rootfs {
            let needed = self.workspace.targets().values().any(|target| {
                let wanted = |rootfs: &Rootfs| {
                    needs_packages(rootfs) && rootfs.platforms.iter().any(|p| p.value == *platform)
                };
                target.name.name() == name
                    && matches!(&target.body, TargetBody::Rootfs(rootfs) if wanted(rootfs))
            });
            if !needed {
                let what = format!("`rootfs.{name}` on `{platform}`");
                self.add(StaleReason::Unneeded(what), None, Some(pin.span));
            }
        }
        // Packages of what must be resolved again say nothing new.
        let settled = !self.found.iter().any(|stale| {
            matches!(
                stale.reason,
                StaleReason::RootfsChanged { .. } | StaleReason::RootfsMissing { .. }
            )
        });
        let used: BTreeSet<_> =
            self.lock.rootfs.values().flat_map(|pin| &pin.packages).map(|at| &at.value).collect();
        for (id, pin) in &self.lock.packages {
            if settled && !used.contains(id) && matches!(id.origin, PackageOrigin::Archive(_)) {
                let what = format!("the package `{id}`");
                self.add(StaleReason::Unneeded(what), None, Some(pin.span));
            }
        }
    }
}

/// Whether there is anything to resolve for a rootfs, so that the lock has a pin of it.
pub fn needs_packages(rootfs: &Rootfs) -> bool {
    !rootfs.packages.is_empty() || !rootfs.debs.is_empty() || rootfs.essential
}

type Changed = (&'static str, Option<Span>, String);

/// The first key of a source that is not what its pin says.
///
/// A location that changed while the digest did not is stale too: otherwise the old bytes would
/// silently stand in for the new ones.
fn changed(source: &Source, pin: &SourcePin) -> Option<Changed> {
    let differs = |field, at: &At<String>, pinned: &str| -> Option<Changed> {
        (at.value != pinned).then(|| (field, Some(at.span), pinned.to_owned()))
    };
    match (source, pin) {
        (Source::Url { url, sha256, .. }, SourcePin::Url { url: old, sha256: digest, .. }) => {
            let digest_differs = sha256.as_ref().filter(|at| at.value != *digest);
            differs("url", url, old)
                .or_else(|| digest_differs.map(|at| ("sha256", Some(at.span), digest.to_string())))
        }
        (Source::Git { url, rev }, SourcePin::Git { url: old, rev: old_rev, .. }) => {
            differs("git", url, old).or_else(|| differs("rev", rev, old_rev))
        }
        (
            Source::Dsc { package, archive, version },
            SourcePin::Dsc { archive: old_archive, package: old, version: old_version, .. },
        ) => differs("dsc", package, old)
            .or_else(|| differs("archive", archive, old_archive))
            .or_else(|| version.as_ref().and_then(|at| differs("version", at, old_version))),
        (Source::Deb(location), SourcePin::Deb { location: old, .. }) => {
            differs("deb", &location.with(location.to_string()), old)
        }
        (
            Source::Oci { location, digest },
            SourcePin::Oci { location: old, digest: pinned, .. },
        ) => {
            let digest_differs = digest.as_ref().filter(|at| at.value != *pinned);
            differs("oci", &location.with(location.to_string()), old)
                .or_else(|| digest_differs.map(|at| ("digest", Some(at.span), pinned.oci())))
        }
        (_, pin) => Some((kind_of(source), None, format!("{} = …", kind_of_pin(pin)))),
    }
}

fn kind_of(source: &Source) -> &'static str {
    match source {
        Source::Url { .. } => "url",
        Source::Git { .. } => "git",
        Source::Dsc { .. } => "dsc",
        Source::Deb(_) => "deb",
        Source::Oci { .. } => "oci",
        Source::Path { .. } => "path",
    }
}

fn kind_of_pin(pin: &SourcePin) -> &'static str {
    match pin {
        SourcePin::Url { .. } => "url",
        SourcePin::Git { .. } => "git",
        SourcePin::Dsc { .. } => "dsc",
        SourcePin::Deb { .. } => "deb",
        SourcePin::Oci { .. } => "oci",
    }
}
