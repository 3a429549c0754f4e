//! The digest of what the resolution of a rootfs reads of the recipe.
//!
//! | read | from |
//! |---|---|
//! | platform | `platforms` |
//! | archives: name, suite, components, keyring | `archive`, `[archive.NAME]` |
//! | packages, single debs with their location, preferences | `packages`, `debs`, `prefer` |
//! | `recommends`, `essential` | the same |
//!
//! Left out: locations of archives (configuration), and everything that is put on top of packages
//! (`trees`, `files`, `users` …), which resolution does not see.

use crate::{DebLocation, Keyring, Platform, Rootfs, Source, TargetBody, TargetName, Workspace};
use groundup_digest::{BlobId, Writer};
use std::collections::BTreeSet;

/// Names the layout of the bytes below, in place of a domain tag.
const LAYOUT: &str = "groundup 2026-11 resolution request v1";

/// The digest that the lock keeps for `rootfs` on `platform`.
pub fn request(workspace: &Workspace, rootfs: &Rootfs, platform: Platform) -> BlobId {
    let mut out = Writer::new();
    out.str(LAYOUT).str(platform.as_str());
    let archives: BTreeSet<&str> = rootfs.archives.iter().map(|name| name.as_str()).collect();
    out.seq(archives.iter().collect::<Vec<_>>(), |out, name| {
        out.str(name);
        if let Some(archive) = workspace.archives.get(*name) {
            let components: BTreeSet<&str> =
                archive.components.iter().map(|name| name.as_str()).collect();
            out.str(&archive.suite);
            out.seq(components.into_iter().collect::<Vec<_>>(), |out, name| {
                out.str(name);
            });
            match &archive.keyring {
                Keyring::Debian => out.u8(0),
                Keyring::File(path) => out.u8(1).str(path.as_str()),
            };
        }
    });
    let packages: BTreeSet<String> = rootfs.packages.iter().map(|at| at.to_string()).collect();
    out.seq(packages.iter().collect::<Vec<_>>(), |out, package| {
        out.str(package);
    });
    let debs: BTreeSet<&TargetName> = rootfs.debs.iter().map(|at| &at.value).collect();
    out.seq(debs.into_iter().collect::<Vec<_>>(), |out, deb| {
        out.str(deb.name());
        if let Some(TargetBody::Source(Source::Deb(location))) =
            workspace.target(deb).map(|target| &target.body)
        {
            match &location.value {
                DebLocation::Url(url) => out.u8(0).str(url),
                DebLocation::Repo(path) => out.u8(1).str(path.as_str()),
            };
        }
    });
    out.seq(rootfs.prefer.iter().collect::<Vec<_>>(), |out, (package, archive)| {
        out.str(package).str(archive);
    });
    out.u8(u8::from(rootfs.recommends)).u8(u8::from(rootfs.essential));
    BlobId::of(out.as_bytes())
}
