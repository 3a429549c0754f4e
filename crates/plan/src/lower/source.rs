//! `source`: bytes from outside, or from the repository.

use super::{Lowering, Made, Shape, input, output};
use crate::{
    Assembler, Fetch, From, Location, PlanError, StepKind, StepLabel,
    leaf::{file_label, tree_label},
    params::{Claim, Source as SourceParams, Tar},
};
use groundup_recipe::lock::{FilePin, SourcePin};
use groundup_recipe::{
    DebLocation, OciLocation, Platform, Source, Span, TargetBody, TargetName, Unpack,
};

impl Lowering<'_> {
    pub(super) fn source(
        &mut self,
        name: &TargetName,
        source: &Source,
        platform: Platform,
        span: Span,
    ) -> Result<Made, PlanError> {
        let file = |out| Made { out, origins: None, shape: Shape::File };
        let tree = |out| Made { out, origins: None, shape: Shape::Tree };
        match source {
            Source::Path { .. } => self.leaf(tree_label(name)).map(tree),
            Source::Deb(location) => match &location.value {
                DebLocation::Repo(path) => self.leaf(file_label(path)).map(file),
                DebLocation::Url(url) => self.fetch_url(name, url).map(file),
            },
            Source::Url { url, unpack, .. } => {
                let fetched = self.fetch_url(name, url)?;
                match unpack {
                    Unpack::File => Ok(file(fetched)),
                    Unpack::Tree { strip } => {
                        let inputs = vec![input("archive", fetched)];
                        let label = StepLabel::new(name.to_string(), "unpack");
                        let params = Tar { strip: *strip };
                        let unpack = Assembler::TarUnpack;
                        let step =
                            self.assemble(label, unpack, &params, inputs, &["out"], Some(span));
                        Ok(tree(output(step, "out")))
                    }
                }
            }
            Source::Git { url, .. } => {
                let SourcePin::Git { commit, tree: git_tree, .. } = self.source_pin(name)?.0 else {
                    return Err(self.unpinned(name));
                };
                let kind =
                    StepKind::Fetch(Fetch::Git { commit, tree: git_tree, url: url.value.clone() });
                let label = StepLabel::new(name.to_string(), "fetch");
                let step = self.plan.add(label, || (kind, vec![], vec!["out".into()]), Some(span));
                Ok(tree(output(step, "out")))
            }
            Source::Dsc { .. } => self.dsc(name, span).map(tree),
            Source::Oci { location, .. } => self.oci(name, &location.value, platform).map(tree),
        }
    }

    fn unpinned(&self, name: &TargetName) -> PlanError {
        let span = self.workspace.target(name).map(|target| target.name.span);
        PlanError::Unpinned { target: name.clone(), what: "its source".into(), span }
    }

    fn source_pin(&self, name: &TargetName) -> Result<(SourcePin, Span), PlanError> {
        match self.lock.sources.get(name.name()) {
            Some(pin) => Ok((pin.value.clone(), pin.span)),
            None => Err(self.unpinned(name)),
        }
    }

    fn fetch_url(&mut self, name: &TargetName, url: &str) -> Result<From, PlanError> {
        let (pin, span) = self.source_pin(name)?;
        let (size, sha256) = match pin {
            SourcePin::Url { size, sha256, .. } | SourcePin::Deb { size, sha256, .. } => {
                (size, sha256)
            }
            _ => return Err(self.unpinned(name)),
        };
        let file = FilePin { path: String::new(), size, sha256 };
        let label = StepLabel::new(name.to_string(), "fetch");
        let step = self.fetch_file(label, &file, Location::Url(url.to_owned()), Some(span));
        Ok(output(step, "out"))
    }

    fn dsc(&mut self, name: &TargetName, span: Span) -> Result<From, PlanError> {
        let (pin, pin_span) = self.source_pin(name)?;
        let SourcePin::Dsc { archive, package, version, files } = pin else {
            return Err(self.unpinned(name));
        };
        let mut claims = Vec::new();
        let mut inputs = Vec::new();
        let mut names = Vec::new();
        for (number, file) in files.iter().enumerate() {
            claims.push(Claim {
                package: package.clone(),
                version: version.clone(),
                arch: "source".into(),
                path: file.path.clone(),
                size: file.size,
                sha256: file.sha256.to_string(),
            });
            let base = file.path.rsplit('/').next().unwrap_or(&file.path).to_owned();
            let label = StepLabel::new(name.to_string(), format!("fetch {base}"));
            let location = Location::Archive { archive: archive.clone(), path: file.path.clone() };
            let step = self.fetch_file(label, file, location, Some(pin_span));
            match number {
                0 => inputs.push(input("dsc", output(step, "out"))),
                _ => {
                    inputs.push(input(format!("file.{:02}", number - 1), output(step, "out")));
                    names.push(base);
                }
            }
        }
        let label = StepLabel::new(name.to_string(), "verify");
        inputs.push(self.vouched(name, label, &archive, claims, pin_span)?);
        let label = StepLabel::new(name.to_string(), "unpack");
        let params = SourceParams { files: names };
        let assembler = Assembler::DebianSource;
        let step = self.assemble(label, assembler, &params, inputs, &["out"], Some(span));
        Ok(output(step, "out"))
    }

    fn oci(
        &mut self,
        name: &TargetName,
        location: &OciLocation,
        platform: Platform,
    ) -> Result<From, PlanError> {
        match location {
            OciLocation::Layout(..) => self.leaf(tree_label(name)),
            OciLocation::Archive(path, _) => self.leaf(file_label(path)),
            OciLocation::Registry(reference) => {
                let (pin, span) = self.source_pin(name)?;
                let SourcePin::Oci { digest, size, media_type, .. } = pin else {
                    return Err(self.unpinned(name));
                };
                let platforms = self.platforms_of_base(name, platform);
                let reference = reference.clone();
                let fetch = Fetch::Image { digest, size, media_type, platforms, reference };
                let kind = StepKind::Fetch(fetch);
                let label = StepLabel::new(name.to_string(), "fetch");
                let step = self.plan.add(label, || (kind, vec![], vec!["out".into()]), Some(span));
                Ok(output(step, "out"))
            }
        }
    }

    /// The platforms that the images of this plan need of a base; without users, the one asked for.
    fn platforms_of_base(&self, base: &TargetName, asked: Platform) -> Vec<Platform> {
        let mut platforms = Vec::new();
        for name in &self.needed {
            let body = self.workspace.target(name).map(|target| &target.body);
            if let Some(TargetBody::Image(image)) = body
                && image.base.as_ref().is_some_and(|used| used.value == *base)
            {
                platforms.extend(image.platforms.iter().map(|platform| platform.value));
            }
        }
        if platforms.is_empty() {
            platforms.push(asked);
        }
        platforms.sort();
        platforms.dedup();
        platforms
    }
}
