//! `cluster`: digests of what this graph built, schemas, and manifests that hold both.
//!
//! ```text
//!  image layouts ── digest ──────╮
//!  files of nodes ── digests ────┼── manifests ── artifact
//!  source ── schemas ────────────┤
//!  YAML of the repository ───────┤
//!  kustomizations and charts ────╯   (drawn in `rendered.rs`)
//! ```
//!
//! The key of the manifests holds digests alone, never layers or disks: an image that is built again
//! to the same bytes stops there.

use super::{Lowering, Made, Shape, input, output};
use crate::{
    Assembler, From, Input, PlanError, StepLabel,
    leaf::{file_label, is_plain, pattern_label, split_pattern},
    params,
};
use groundup_recipe::{
    ArtifactForm, At, Cluster, Kind, Platform, RepoPath, Span, TargetName, TargetRef, Weight,
};
use std::collections::BTreeMap;

impl Lowering<'_> {
    pub(super) fn cluster(
        &mut self,
        name: &TargetName,
        cluster: &Cluster,
        asked: &str,
        platform: Platform,
        span: Span,
    ) -> Result<Made, PlanError> {
        let out = match asked {
            "oci" => self.artifact(name, cluster, platform, span)?,
            "rendered" => self.all_rendered(name, cluster, platform, span)?,
            asked => self.manifests(name, cluster, asked, platform, span)?,
        };
        Ok(Made { out, origins: None, shape: Shape::Tree })
    }

    fn manifests(
        &mut self,
        name: &TargetName,
        cluster: &Cluster,
        asked: &str,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let label = StepLabel::new(name.to_string(), "manifests");
        if let Some(step) = self.plan.find(&label) {
            return Ok(output(step, asked));
        }
        let mut inputs = vec![input("schemas", self.schemas(cluster, platform, span)?)];
        let mut manifests = self.patterns("manifests", &cluster.manifests, &mut inputs)?;
        for (number, from) in (manifests.len()..).zip(&cluster.rendered) {
            let made = self.output(&from.value, platform)?;
            inputs.push(input(format!("manifests.{number:03}"), made.out));
            manifests.push(from.value.to_string());
        }
        let mut rendered = Vec::new();
        for (number, of) in self.rendered(name, cluster, platform)?.into_iter().enumerate() {
            inputs.push(input(format!("rendered.{number:03}"), of.from));
            rendered.push(of.title);
        }
        let crds = self.patterns("crds", &cluster.crds, &mut inputs)?;
        let mut images = Vec::new();
        for (number, (image, mapped)) in cluster.images.iter().enumerate() {
            let digest = self.image_digest(&mapped.target)?;
            inputs.push(input(format!("image.{number:03}"), digest));
            let becomes = mapped.name.as_ref().map_or(image, |name| &name.value).clone();
            images.push(params::ClusterImage { name: image.clone(), becomes });
        }
        let mut set = Vec::new();
        for (number, setting) in cluster.set.iter().enumerate() {
            let asked = setting.platform.as_ref().map(|at| at.value);
            let digests = self.digests(&setting.from, asked)?;
            inputs.push(input(format!("from.{number:03}"), digests));
            set.push(params::ClusterSetting {
                kind: setting.kind.value.clone(),
                name: setting.name.value.clone(),
                namespace: setting.namespace.as_ref().map(|at| at.value.clone()),
                pointer: setting.pointer.value.clone(),
                value: setting.value.value.clone(),
                from: setting.from.value.to_string(),
                file: setting.file.as_ref().map(|at| at.value.clone()),
            });
        }
        let mut systems = Vec::new();
        for (number, (system, facts)) in self.systems(cluster)?.into_iter().enumerate() {
            inputs.push(input(format!("facts.{number:03}"), facts));
            systems.push(system);
        }
        let fields = cluster.image_fields.iter();
        let params = params::ClusterManifests {
            manifests,
            rendered,
            crds,
            images,
            set,
            image_fields: fields
                .map(|field| (field.kind.value.clone(), field.pointer.value.clone()))
                .collect(),
            systems,
            outside: texts(&cluster.outside),
            external: texts(&cluster.external),
            unchecked: texts(&cluster.unchecked),
            allow: texts(&cluster.allow),
            warn: cluster
                .severity
                .iter()
                .filter(|(_, weight)| **weight == Weight::Warn)
                .map(|(rule, _)| rule.clone())
                .collect(),
        };
        let outputs = ["checks", "out"];
        let assembler = Assembler::ClusterManifests;
        let step = self.assemble(label, assembler, &params, inputs, &outputs, Some(span));
        Ok(output(step, asked))
    }

    /// The nodes and images that the manifests speak of, with their facts.
    fn systems(&mut self, cluster: &Cluster) -> Result<Vec<(String, From)>, PlanError> {
        let mut systems = BTreeMap::new();
        let images = cluster.images.values().map(|mapped| &mapped.target.value);
        let from = cluster.set.iter().map(|setting| &setting.from.value.target);
        for name in images.chain(from) {
            for platform in self.workspace.platforms_of(name) {
                let facts = match name.kind() {
                    Kind::Image => self.image_facts(name, platform)?,
                    Kind::Node => {
                        let of = TargetRef { target: name.clone(), output: "facts".to_owned() };
                        Some(self.output(&of, platform)?.out)
                    }
                    _ => None,
                };
                let label = match self.workspace.platforms_of(name).len() {
                    1 => name.to_string(),
                    _ => format!("{name} ({platform})"),
                };
                systems.extend(facts.map(|facts| (label, facts)));
            }
        }
        Ok(systems.into_iter().collect())
    }

    /// The trees behind patterns, and what messages call their files.
    fn patterns(
        &mut self,
        role: &str,
        patterns: &[At<String>],
        inputs: &mut Vec<Input>,
    ) -> Result<Vec<String>, PlanError> {
        let mut names = Vec::new();
        for (number, pattern) in patterns.iter().enumerate() {
            let (label, name) = match pattern.parse::<RepoPath>() {
                Ok(path) if is_plain(pattern) => (file_label(&path), path.to_string()),
                _ => (pattern_label(pattern), split_pattern(pattern).0.to_owned()),
            };
            inputs.push(input(format!("{role}.{number:03}"), self.leaf(label)?));
            names.push(name);
        }
        Ok(names)
    }

    fn schemas(
        &mut self,
        cluster: &Cluster,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let path = cluster.schemas_path.as_ref().map(|path| path.to_string());
        let version = cluster.kubernetes.value.clone();
        let role = match &path {
            Some(path) => format!("schemas {version} {path}"),
            None => format!("schemas {version}"),
        };
        let label = StepLabel::new(cluster.schemas.value.to_string(), role);
        if let Some(step) = self.plan.find(&label) {
            return Ok(output(step, "out"));
        }
        let made = self.output(&cluster.schemas.value, platform)?;
        let params = params::ClusterSchemas { path, version };
        let inputs = vec![input("source", made.out)];
        let assembler = Assembler::ClusterSchemas;
        let step = self.assemble(label, assembler, &params, inputs, &["out"], Some(span));
        Ok(output(step, "out"))
    }

    /// The digest of an image, as a file of its own.
    fn image_digest(&mut self, image: &At<TargetName>) -> Result<From, PlanError> {
        let label = StepLabel::new(image.to_string(), "digest");
        if let Some(step) = self.plan.find(&label) {
            return Ok(output(step, "out"));
        }
        let of = TargetRef {
            target: image.value.clone(),
            output: groundup_recipe::DEFAULT_OUTPUT.to_owned(),
        };
        let made = self.output(&of, self.options.host)?;
        let (assembler, none) = (Assembler::ImageDigest, serde_json::json!({}));
        let inputs = vec![input("layout", made.out)];
        let step = self.assemble(label, assembler, &none, inputs, &["out"], Some(image.span));
        Ok(output(step, "out"))
    }

    /// What a field can say of a target.
    fn digests(&mut self, of: &At<TargetRef>, asked: Option<Platform>) -> Result<From, PlanError> {
        let target = &of.value.target;
        // Never the host's: the same recipe gives the same manifests everywhere.
        let first = self.workspace.platforms_of(target).into_iter().min();
        let platform = asked.or(first).unwrap_or(self.options.host);
        if target.kind() == Kind::Image {
            return self.image_digest(&of.with(target.clone()));
        }
        let role = format!("digests {}", of.value.output);
        let label = StepLabel::new(target.to_string(), role).on(platform);
        if let Some(step) = self.plan.find(&label) {
            return Ok(output(step, "out"));
        }
        let made = self.output(&of.value, platform)?;
        let (assembler, none) = (Assembler::TreeDigests, serde_json::json!({}));
        let inputs = vec![input("tree", made.out)];
        let step = self.assemble(label, assembler, &none, inputs, &["out"], Some(of.span));
        Ok(output(step, "out"))
    }

    fn artifact(
        &mut self,
        name: &TargetName,
        cluster: &Cluster,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let manifests = self.manifests(name, cluster, "out", platform, span)?;
        let label = StepLabel::new(name.to_string(), "artifact");
        let params = params::ClusterArtifact {
            form: match cluster.artifact {
                ArtifactForm::Flux => "flux".to_owned(),
                ArtifactForm::Standard => "standard".to_owned(),
            },
            created: self.workspace.epoch.value,
            tag: cluster.tag.as_ref().map(|tag| tag.value.clone()),
        };
        let inputs = vec![input("tree", manifests)];
        let assembler = Assembler::ClusterArtifact;
        let step = self.assemble(label, assembler, &params, inputs, &["out"], Some(span));
        Ok(output(step, "out"))
    }
}

fn texts(list: &[At<String>]) -> Vec<String> {
    list.iter().map(|text| text.value.clone()).collect()
}
