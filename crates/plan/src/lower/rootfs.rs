//! `rootfs`: packages, each fetched and unpacked once, merged and topped.

use super::{Lowering, Made, Shape, input, output};
use crate::{
    Assembler, Input, Location, PlanError, StepIndex, StepLabel,
    params::{self, Claim},
};
use groundup_recipe::lock::{PackageId, PackageOrigin};
use groundup_recipe::{Platform, Rootfs, Scripts, Span, TargetName, TargetRef};
use std::collections::BTreeMap;

impl Lowering<'_> {
    pub(super) fn rootfs(
        &mut self,
        name: &TargetName,
        rootfs: &Rootfs,
        platform: Platform,
        span: Span,
    ) -> Result<Made, PlanError> {
        if rootfs.scripts == Scripts::Run {
            return self.configured(name, rootfs, platform, span);
        }
        let label = StepLabel::new(name.to_string(), "merge").on(platform);
        let step = match self.plan.find(&label) {
            Some(step) => step,
            None => {
                let (params, inputs) = self.rootfs_question(name, rootfs, platform)?;
                let outputs = ["out", "origins"];
                let assembler = Assembler::DebianRootfs;
                self.assemble(label, assembler, &params, inputs, &outputs, Some(span))
            }
        };
        let origins = Some(output(step, "origins"));
        Ok(Made { out: output(step, "out"), origins, shape: Shape::Tree })
    }

    fn rootfs_question(
        &mut self,
        name: &TargetName,
        rootfs: &Rootfs,
        platform: Platform,
    ) -> Result<(params::Rootfs, Vec<Input>), PlanError> {
        let (overlay, mut inputs) = self.overlay(name, &rootfs.trees, &rootfs.overlay, platform)?;
        let packages = self.packages(name, rootfs, platform, &mut inputs)?;
        let params = params::Rootfs {
            arch: platform.architecture().to_owned(),
            packages,
            diversions: rootfs.diversions.iter().map(diversion).collect(),
            alternatives: rootfs.alternatives.iter().map(alternative).collect(),
            users: rootfs.users.iter().map(user).collect(),
            groups: rootfs.groups.iter().map(group).collect(),
            overlay,
        };
        Ok((params, inputs))
    }

    pub(super) fn packages(
        &mut self,
        name: &TargetName,
        rootfs: &Rootfs,
        platform: Platform,
        inputs: &mut Vec<Input>,
    ) -> Result<Vec<params::Package>, PlanError> {
        let Some(pin) = self.lock.rootfs.get(&(name.name().to_owned(), platform)) else {
            if rootfs.packages.is_empty() && rootfs.debs.is_empty() {
                return Ok(Vec::new());
            }
            let what = format!("packages for {platform}");
            let span = rootfs.packages.first().map(|package| package.span);
            return Err(PlanError::Unpinned { target: name.clone(), what, span });
        };
        let pin_span = pin.span;
        let mut packages = Vec::new();
        let mut claims: BTreeMap<String, Vec<Claim>> = BTreeMap::new();
        for (number, package) in pin.value.packages.clone().iter().enumerate() {
            let id = &package.value;
            let unpack = self.unpacked(name, id, platform, package.span)?;
            inputs.push(input(format!("data.{number:04}"), output(unpack, "data")));
            inputs.push(input(format!("control.{number:04}"), output(unpack, "control")));
            if let (PackageOrigin::Archive(archive), Some(file)) =
                (&id.origin, self.lock.packages.get(id))
            {
                claims.entry(archive.clone()).or_default().push(Claim {
                    package: id.name.clone(),
                    version: id.version.clone(),
                    arch: id.arch.clone(),
                    path: file.path.clone(),
                    size: file.size,
                    sha256: file.sha256.to_string(),
                });
            }
            let (name, version, arch) = (id.name.clone(), id.version.clone(), id.arch.clone());
            packages.push(params::Package { name, version, arch });
        }
        for (archive, claims) in claims {
            let label = StepLabel::new(name.to_string(), format!("verify {archive}")).on(platform);
            inputs.push(self.vouched(name, label, &archive, claims, pin_span)?);
        }
        Ok(packages)
    }

    /// The step that unpacks a package; each package is fetched and unpacked once for all.
    fn unpacked(
        &mut self,
        target: &TargetName,
        id: &PackageId,
        platform: Platform,
        span: Span,
    ) -> Result<StepIndex, PlanError> {
        let owner = format!("package {}:{}", id.name, id.arch);
        // Two versions of a package may stand in one lock, for two root file systems.
        let role = |verb: &str| format!("{verb} {}", id.version);
        let label = StepLabel::new(&owner, role("unpack"));
        if let Some(step) = self.plan.find(&label) {
            return Ok(step);
        }
        let deb = match &id.origin {
            PackageOrigin::Archive(archive) => {
                let Some(file) = self.lock.packages.get(id).cloned() else {
                    let what = format!("the package `{id}`");
                    return Err(PlanError::Unpinned {
                        target: target.clone(),
                        what,
                        span: Some(span),
                    });
                };
                let path = file.path.clone();
                let location = Location::Archive { archive: archive.clone(), path };
                let label = StepLabel::new(&owner, role("fetch"));
                let step = self.fetch_file(label, &file.value, location, Some(file.span));
                output(step, "out")
            }
            PackageOrigin::Source(source) => {
                let source = TargetName::new(groundup_recipe::Kind::Source, source)
                    .map_err(|_| PlanError::UnknownTarget(target.clone()))?;
                let of =
                    TargetRef { target: source, output: groundup_recipe::DEFAULT_OUTPUT.into() };
                self.output(&of, platform)?.out
            }
        };
        let inputs = vec![input("package", deb)];
        let outputs = ["control", "data"];
        let assembler = Assembler::DebianUnpack;
        Ok(self.assemble(label, assembler, &serde_json::json!({}), inputs, &outputs, Some(span)))
    }
}

pub(super) fn diversion(diversion: &groundup_recipe::Diversion) -> params::Diversion {
    let (path, to) = (diversion.path.to_string(), diversion.to.to_string());
    params::Diversion { path, to, by: diversion.by.clone() }
}

pub(super) fn alternative(choice: &groundup_recipe::Alternative) -> params::Alternative {
    let (path, link) = (choice.path.to_string(), choice.link.to_string());
    params::Alternative { name: choice.name.clone(), path, link }
}

pub(super) fn user(user: &groundup_recipe::User) -> params::User {
    params::User {
        name: user.name.value.clone(),
        uid: user.uid,
        gid: user.gid,
        home: user.home.clone(),
        shell: user.shell.clone(),
        comment: user.comment.clone(),
        groups: user.groups.iter().map(|group| group.value.clone()).collect(),
    }
}

pub(super) fn group(group: &groundup_recipe::Group) -> params::Group {
    params::Group { name: group.name.value.clone(), gid: group.gid }
}
