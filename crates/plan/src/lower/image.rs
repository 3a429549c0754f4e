//! `image`: compose, split, encode layers in parallel, and put together.

use super::{Lowering, Made, Shape, input, output};
use crate::{
    Assembler, From, PlanError, StepIndex, StepLabel,
    params::{self, Overlay as OverlayParams},
};
use groundup_recipe::{
    Image, OciLocation, Platform, Source, Span, TargetBody, TargetName, TargetRef,
};
use std::time::Duration;

impl Lowering<'_> {
    pub(super) fn image(
        &mut self,
        name: &TargetName,
        image: &Image,
        span: Span,
    ) -> Result<Made, PlanError> {
        let label = StepLabel::new(name.to_string(), "index");
        let made = |step| Made { out: output(step, "out"), origins: None, shape: Shape::Tree };
        if let Some(step) = self.plan.find(&label) {
            return Ok(made(step));
        }
        let mut platforms: Vec<_> = image.platforms.iter().map(|platform| platform.value).collect();
        platforms.sort();
        platforms.dedup();
        let mut inputs = Vec::new();
        for (number, platform) in platforms.iter().enumerate() {
            let step = self.image_of_platform(name, image, *platform, span)?;
            inputs.push(input(format!("layout.{number:02}"), output(step, "out")));
        }
        let params = params::ImageIndex {
            platforms: platforms.iter().map(Platform::to_string).collect(),
            tag: image.tag.as_ref().map(|tag| tag.value.clone()),
            annotations: image.annotations.clone(),
        };
        let assembler = Assembler::ImageIndex;
        let step = self.assemble(label, assembler, &params, inputs, &["out"], Some(span));
        Ok(made(step))
    }

    /// What an image of one platform has in it, as facts of a node say it.
    pub(super) fn image_facts(
        &mut self,
        name: &TargetName,
        platform: Platform,
    ) -> Result<Option<From>, PlanError> {
        let Some(target) = self.workspace.target(name) else { return Ok(None) };
        let (TargetBody::Image(image), span) = (&target.body, target.name.span) else {
            return Ok(None);
        };
        let label = StepLabel::new(name.to_string(), "facts").on(platform);
        if let Some(step) = self.plan.find(&label) {
            return Ok(Some(output(step, "out")));
        }
        let base = match &image.base {
            Some(base) => Some(self.base(&base.value, platform, base.span)?),
            None => None,
        };
        let (tree, _) = self.composed(name, image, base, platform, span)?;
        let (assembler, none) = (Assembler::NodeFacts, serde_json::json!({}));
        let inputs = vec![input("root", tree)];
        let step = self.assemble(label, assembler, &none, inputs, &["out"], Some(span));
        Ok(Some(output(step, "out")))
    }

    /// The image of one platform as an OCI archive, for what carries it along.
    pub(super) fn image_archive(
        &mut self,
        name: &TargetName,
        platform: Platform,
    ) -> Result<From, PlanError> {
        let Some(target) = self.workspace.target(name) else {
            return Err(PlanError::UnknownTarget(name.clone()));
        };
        let (TargetBody::Image(image), span) = (&target.body, target.name.span) else {
            return Err(PlanError::UnknownTarget(name.clone()));
        };
        let layout = self.image_of_platform(name, image, platform, span)?;
        let tag = image.tag.as_ref().map(|tag| tag.value.clone());
        let tag = tag.unwrap_or_else(|| format!("{}:latest", name.name()));
        let params = params::ImageArchive { platform: platform.to_string(), tag };
        let label = StepLabel::new(name.to_string(), "archive").on(platform);
        let inputs = vec![input("layout", output(layout, "out"))];
        let assembler = Assembler::ImageArchive;
        let step = self.assemble(label, assembler, &params, inputs, &["out"], Some(span));
        Ok(output(step, "out"))
    }

    fn image_of_platform(
        &mut self,
        name: &TargetName,
        image: &Image,
        platform: Platform,
        span: Span,
    ) -> Result<StepIndex, PlanError> {
        let label = |role: &str| StepLabel::new(name.to_string(), role).on(platform);
        let base = match &image.base {
            Some(base) => Some(self.base(&base.value, platform, base.span)?),
            None => None,
        };
        let (tree, origins) = self.composed(name, image, base, platform, span)?;

        let mut inputs = vec![input("tree", tree)];
        inputs.extend(origins.map(|origins| input("origins", origins)));
        inputs.extend(base.map(|base| input("base", output(base, "tree"))));
        let params = params::Split { max: image.layers.max };
        let layers: Vec<_> = (0..image.layers.max).map(|n| format!("layer.{n:02}")).collect();
        let mut outputs: Vec<&str> = layers.iter().map(String::as_str).collect();
        outputs.extend(["deletions", "labels"]);
        let assembler = Assembler::ImageSplit;
        let split = self.assemble(label("split"), assembler, &params, inputs, &outputs, Some(span));

        let params = params::Layer {
            compression: image.layers.compression.as_str().to_owned(),
            level: image.layers.level,
            compat: self.workspace.compat,
        };
        let mut inputs = Vec::new();
        for (number, layer) in layers.iter().enumerate() {
            let mut of_layer = vec![input("tree", output(split, layer))];
            // Only what a base has can be deleted, and the first layer of ours does it.
            if base.is_some() && number == 0 {
                of_layer.push(input("deletions", output(split, "deletions")));
            }
            let assembler = Assembler::ImageLayer;
            let outputs = ["facts", "layer"];
            let step =
                self.assemble(label(layer), assembler, &params, of_layer, &outputs, Some(span));
            inputs.push(input(format!("facts.{number:02}"), output(step, "facts")));
            inputs.push(input(format!("layer.{number:02}"), output(step, "layer")));
        }
        inputs.push(input("labels", output(split, "labels")));
        inputs.extend(base.map(|base| input("base", output(base, "layout"))));
        let params = self.manifest(image, platform);
        let assembler = Assembler::ImageManifest;
        Ok(self.assemble(label("manifest"), assembler, &params, inputs, &["out"], Some(span)))
    }

    fn base(
        &mut self,
        base: &TargetName,
        platform: Platform,
        span: Span,
    ) -> Result<StepIndex, PlanError> {
        let of = TargetRef { target: base.clone(), output: groundup_recipe::DEFAULT_OUTPUT.into() };
        let made = self.output(&of, platform)?;
        let body = self.workspace.target(base).map(|target| &target.body);
        let digest = match (body, self.lock.sources.get(base.name()).map(|pin| &pin.value)) {
            (_, Some(groundup_recipe::lock::SourcePin::Oci { digest, .. })) => {
                Some(digest.to_string())
            }
            (Some(TargetBody::Source(Source::Oci { digest, location })), _) => {
                match &location.value {
                    OciLocation::Registry(_) => None,
                    _ => digest.as_ref().map(|digest| digest.value.to_string()),
                }
            }
            _ => None,
        };
        let params = params::Base { platform: platform.to_string(), digest };
        let label = StepLabel::new(base.to_string(), "read").on(platform);
        let inputs = vec![input("image", made.out)];
        let outputs = ["layout", "tree"];
        Ok(self.assemble(label, Assembler::ImageBase, &params, inputs, &outputs, Some(span)))
    }

    /// The final tree of an image with its origins. A single whole tree is taken as it is.
    fn composed(
        &mut self,
        name: &TargetName,
        image: &Image,
        base: Option<StepIndex>,
        platform: Platform,
        span: Span,
    ) -> Result<(From, Option<From>), PlanError> {
        if let ([only], None) = (image.trees.as_slice(), base)
            && image.overlay.is_empty()
            && only.path.relative().is_empty()
            && only.to.relative().is_empty()
        {
            let made = self.tree(name, &only.from.value, platform, only.from.span)?;
            return Ok((made.out, made.origins));
        }
        let (params, mut inputs): (OverlayParams, _) =
            self.overlay(name, &image.trees, &image.overlay, platform)?;
        inputs.extend(base.map(|base| input("base", output(base, "tree"))));
        let label = StepLabel::new(name.to_string(), "compose").on(platform);
        let outputs = ["origins", "out"];
        let assembler = Assembler::TreeCompose;
        let step = self.assemble(label, assembler, &params, inputs, &outputs, Some(span));
        Ok((output(step, "out"), Some(output(step, "origins"))))
    }

    fn manifest(&self, image: &Image, platform: Platform) -> params::Manifest {
        let config = &image.config;
        let texts = |list: &[groundup_recipe::At<String>]| {
            list.iter().map(|text| text.value.clone()).collect::<Vec<_>>()
        };
        let text = |text: &Option<groundup_recipe::At<String>>| {
            text.as_ref().map(|text| text.value.clone())
        };
        let nanoseconds = |time: Option<Duration>| time.map(|time| time.as_nanos() as u64);
        params::Manifest {
            platform: platform.to_string(),
            created: self.workspace.epoch.value,
            layers: image.layers.max,
            entrypoint: config.entrypoint.clone(),
            cmd: config.cmd.clone(),
            env: config.env.clone(),
            user: text(&config.user),
            workdir: text(&config.workdir),
            labels: config.labels.clone(),
            annotations: image.annotations.clone(),
            ports: texts(&config.ports),
            volumes: texts(&config.volumes),
            stop_signal: text(&config.stop_signal),
            healthcheck: config.healthcheck.as_ref().map(|check| params::Healthcheck {
                test: check.test.clone(),
                interval: nanoseconds(check.interval),
                timeout: nanoseconds(check.timeout),
                start_period: nanoseconds(check.start_period),
                retries: check.retries,
            }),
        }
    }
}
