//! What a `cluster` has rendered: a kustomization or chart is looked at, then its tool runs on it.
//!
//! ```text
//!  directory of the repository, or pinned tree ─╮
//!  pinned trees ───────────────────────────────┴─ taken ─ checked ─╮
//!  rootfs of the tool ──────────────────────────────────────┴──────┴─ rendered ─ manifests
//! ```
//!
//! What is checked is handed on as it is, so that the key of the run holds nothing but content.

use super::{Lowering, Shape, input, output};
use crate::{
    Assembler, From, Input, Mount, OutputPlace, PlanError, Run, RunLimits, RunRoot, StepKind,
    StepLabel,
    leaf::{file_label, rendered_label},
    params,
};
use groundup_recipe::{
    At, Chart, Cluster, Kustomization, Permissions, Place, Platform, Span, TargetName, TargetRef,
};
use std::collections::BTreeMap;

/// What a kustomization is rendered by: `kustomize`, or else the one in `kubectl`.
const KUSTOMIZE: &str = include_str!("kustomize.sh");

/// Something that is rendered.
pub(super) struct Rendered {
    /// What messages call it.
    pub(super) title: String,
    /// Where it goes in the output `rendered`.
    pub(super) to: String,
    pub(super) from: From,
}

/// What is common to kustomizations and charts.
struct Subject<'a> {
    user: &'a TargetName,
    /// `kustomization PATH` or `chart RELEASE`.
    title: String,
    place: &'a Place,
    /// Where `trees` are relative to; `.` is the top of what is taken in.
    below: &'a str,
    trees: &'a BTreeMap<String, At<TargetRef>>,
    tool: &'a At<TargetName>,
    span: Span,
}

impl Lowering<'_> {
    /// Everything that a cluster has rendered.
    pub(super) fn rendered(
        &mut self,
        user: &TargetName,
        cluster: &Cluster,
        platform: Platform,
    ) -> Result<Vec<Rendered>, PlanError> {
        let mut all = Vec::new();
        for of in &cluster.kustomizations {
            let title = format!("kustomization {}", of.place.title());
            let mut to =
                format!("/kustomizations/{}", of.place.title().replace(['.', ' ', ':'], "-"));
            // `a.b` and `a-b` are two.
            while all.iter().any(|other: &Rendered| other.to == to) {
                to.push('-');
            }
            let from = self.kustomization(user, of, &title, platform)?;
            all.push(Rendered { title, to, from });
        }
        for of in &cluster.charts {
            let title = format!("chart {}", of.title());
            let to = format!("/charts/{}", of.title());
            let from = self.chart(user, of, &title, &cluster.kubernetes.value, platform)?;
            all.push(Rendered { title, to, from });
        }
        Ok(all)
    }

    /// The output `rendered`.
    pub(super) fn all_rendered(
        &mut self,
        user: &TargetName,
        cluster: &Cluster,
        platform: Platform,
        span: Span,
    ) -> Result<From, PlanError> {
        let label = StepLabel::new(user.to_string(), "rendered");
        if let Some(step) = self.plan.find(&label) {
            return Ok(output(step, "out"));
        }
        let mut params = params::Overlay::default();
        let mut inputs = Vec::new();
        for (number, Rendered { title, to, from }) in
            self.rendered(user, cluster, platform)?.into_iter().enumerate()
        {
            inputs.push(input(format!("tree.{number:02}"), from));
            params.trees.push(params::Tree { label: title, path: "/".to_owned(), to });
        }
        let (assembler, outputs) = (Assembler::TreeCompose, ["origins", "out"]);
        let step = self.assemble(label, assembler, &params, inputs, &outputs, Some(span));
        Ok(output(step, "out"))
    }

    fn kustomization(
        &mut self,
        user: &TargetName,
        of: &Kustomization,
        title: &str,
        platform: Platform,
    ) -> Result<From, PlanError> {
        let Kustomization { place, trees, tool, span, .. } = of;
        let (title, below) = (title.to_owned(), ".");
        let subject = Subject { user, title, place, below, trees, tool, span: *span };
        let top = match (of.taken(), of.place.target()) {
            (Some(taken), _) => taken.to_string(),
            (None, target) => target.map(|from| from.value.to_string()).unwrap_or_default(),
        };
        let at = match of.taken() {
            // So that what the tool says of paths are those of the repository, behind `/src/`.
            Some(taken) if taken.as_str() != "." => format!("/src/{}", taken.value),
            _ => "/src".to_owned(),
        };
        let params = params::ClusterSource {
            top,
            repository: of.taken().is_some(),
            path: of.below().to_owned(),
            tool: of.tool.to_string(),
        };
        let assembler = Assembler::ClusterKustomization;
        let (source, tool) = self.checked(&subject, of.taken(), assembler, &params, platform)?;
        let directory = match of.below() {
            "." => at.clone(),
            below => format!("{at}/{below}"),
        };
        let argv = ["/bin/sh", "-eu", "-c", KUSTOMIZE, "kustomize", &directory];
        let mounts = vec![("source".to_owned(), at, source)];
        Ok(self.run(&subject, &argv.map(str::to_owned), mounts, tool, platform))
    }

    fn chart(
        &mut self,
        user: &TargetName,
        of: &Chart,
        title: &str,
        kubernetes: &str,
        platform: Platform,
    ) -> Result<From, PlanError> {
        let Chart { place, trees, tool, span, .. } = of;
        let (taken, top, path) = match &of.place {
            Place::Repository(path) => (Some(path), path.to_string(), ".".to_owned()),
            Place::Target { from, path } => (None, from.to_string(), path.to_string()),
        };
        let (title, below) = (title.to_owned(), path.as_str());
        let subject = Subject { user, title, place, below, trees, tool, span: *span };
        let (repository, tool) = (taken.is_some(), of.tool.to_string());
        let params = params::ClusterSource { top, repository, path: path.clone(), tool };
        let assembler = Assembler::ClusterChart;
        let (source, tool) = self.checked(&subject, taken, assembler, &params, platform)?;
        let mut mounts = vec![("source".to_owned(), "/src/chart".to_owned(), source)];
        let directory = match path.as_str() {
            "." => "/src/chart".to_owned(),
            path => format!("/src/chart/{path}"),
        };
        let mut argv = vec![
            "helm".to_owned(),
            "template".to_owned(),
            of.release.value.clone(),
            directory,
            "--output-dir=/out".to_owned(),
            format!("--kube-version={kubernetes}.0"),
            "--include-crds".to_owned(),
            "--skip-tests".to_owned(),
        ];
        argv.extend(of.namespace.as_ref().map(|name| format!("--namespace={}", name.value)));
        argv.extend(of.api_versions.iter().map(|it| format!("--api-versions={}", it.value)));
        for (number, values) in of.values.iter().enumerate() {
            let name = values.as_str().rsplit('/').next().unwrap_or_default();
            let at = format!("/src/values/{number}/{name}");
            argv.push(format!("--values={at}"));
            mounts.push((format!("values.{number:03}"), at, self.leaf(file_label(values))?));
        }
        argv.extend(of.set.iter().map(|(key, value)| format!("--set={key}={}", value.value)));
        Ok(self.run(&subject, &argv, mounts, tool, platform))
    }

    /// The tree that is rendered once it is found good, and that of the tool.
    fn checked(
        &mut self,
        of: &Subject<'_>,
        taken: Option<&At<groundup_recipe::RepoPath>>,
        assembler: Assembler,
        params: &params::ClusterSource,
        platform: Platform,
    ) -> Result<(From, From), PlanError> {
        let rootfs = TargetRef {
            target: of.tool.value.clone(),
            output: groundup_recipe::DEFAULT_OUTPUT.to_owned(),
        };
        let tool = self.tree(of.user, &rootfs, self.runs_on(of.tool, platform), of.tool.span)?.out;
        let base = match (taken, of.place.target()) {
            (Some(path), _) => self.leaf(rendered_label(path))?,
            (None, Some(from)) => self.tree(of.user, &from.value, platform, from.span)?.out,
            (None, None) => return Err(PlanError::MissingLeaf(of.title.clone())),
        };
        let source = self.with_trees(of, base, platform)?;
        let label = StepLabel::new(of.user.to_string(), format!("check {}", of.title));
        let inputs = vec![input("source", source), input("tool", tool.clone())];
        let step = self.assemble(label, assembler, params, inputs, &["out"], Some(of.span));
        Ok((output(step, "out"), tool))
    }

    /// `base` with the pinned trees and files at their places.
    fn with_trees(
        &mut self,
        of: &Subject<'_>,
        base: From,
        platform: Platform,
    ) -> Result<From, PlanError> {
        if of.trees.is_empty() {
            return Ok(base);
        }
        let mut inputs = vec![input("base", base)];
        let mut params = params::Overlay::default();
        for (at, from) in of.trees {
            let made = self.output(&from.value, platform)?;
            let to = match of.below {
                "." => format!("/{at}"),
                below => format!("/{below}/{at}"),
            };
            match made.shape {
                Shape::Tree => {
                    inputs.push(input(format!("tree.{:02}", params.trees.len()), made.out));
                    let (label, path) = (from.to_string(), "/".to_owned());
                    params.trees.push(params::Tree { label, path, to });
                }
                Shape::File => {
                    inputs.push(input(format!("file.{:03}", params.files.len()), made.out));
                    let (text, mode) = (None, 0o644);
                    params.files.push(params::File { path: to, text, mode, uid: 0, gid: 0 });
                }
            }
        }
        let label = StepLabel::new(of.user.to_string(), format!("take {}", of.title));
        let (assembler, outputs) = (Assembler::TreeCompose, ["origins", "out"]);
        let step = self.assemble(label, assembler, &params, inputs, &outputs, Some(of.span));
        Ok(output(step, "out"))
    }

    /// What a tool runs on: the host, where it is made for that.
    fn runs_on(&self, tool: &TargetName, platform: Platform) -> Platform {
        let offered = self.workspace.platforms_of(tool);
        match offered.contains(&platform) {
            true => platform,
            false => offered.into_iter().min().unwrap_or(platform),
        }
    }

    fn run(
        &mut self,
        of: &Subject<'_>,
        argv: &[String],
        mounted: Vec<(String, String, From)>,
        tool: From,
        platform: Platform,
    ) -> From {
        let platform = self.runs_on(of.tool, platform);
        let label =
            StepLabel::new(of.user.to_string(), format!("render {}", of.title)).on(platform);
        let mut inputs: Vec<Input> = vec![input("root", tool)];
        let mut mounts = vec![Mount { at: "/".to_owned(), input: "root".to_owned() }];
        for (role, at, from) in mounted {
            mounts.push(Mount { at, input: role.clone() });
            inputs.push(input(role, from));
        }
        let run = Run {
            argv: argv.to_vec(),
            env: self.environment(&BTreeMap::new()),
            cwd: "/build".to_owned(),
            mounts,
            places: vec![OutputPlace { output: "out".to_owned(), place: "/out".to_owned() }],
            permissions: Permissions::Normal,
            platform,
            sandbox: self.options.sandbox,
            reuse: None,
            root: RunRoot::Discarded,
            limits: RunLimits::default(),
        };
        let outputs = vec!["out".to_owned()];
        let step = self.plan.add(label, || (StepKind::Run(run), inputs, outputs), Some(of.span));
        output(step, "out")
    }
}

#[cfg(test)]
mod tests {
    use crate::{Goal, PlanOptions, StepKind, leaves_of, params, plan};
    use groundup_digest::{BlobId, ObjectId};
    use groundup_recipe::{Lock, MemoryLoader, Platform, Selected, load};

    const RECIPE: &str = r#"
[workspace]
name = "test"
epoch = 1735689600
platforms = ["linux/amd64"]

[source.api]
path = "api.json"

[source.app]
path = "app"

[source.redis]
path = "redis"

[rootfs.tool]
files = [{ path = "/usr/bin/helm", text = "helm" }]

[cluster.x]
kubernetes = "1.32"
schemas = "source.api"
kustomizations = [
  { from = "source.app", path = "deploy", trees = { "pinned/base" = "source.redis" }, tool = "rootfs.tool" },
]
charts = [
  { release = "deep", from = "source.app", path = "charts/web", trees = { "charts/redis" = "source.redis" }, tool = "rootfs.tool" },
  { release = "top", from = "source.app", trees = { "charts/redis" = "source.redis" }, tool = "rootfs.tool" },
  { release = "own", path = "own", trees = { "charts/redis" = "source.redis" }, tool = "rootfs.tool" },
]
"#;

    /// The plan of `cluster.x` with all outputs.
    fn planned(recipe: &str, files: &[(&str, &str)]) -> crate::Plan {
        let all = [("groundup.toml", recipe), ("api.json", "{}"), ("app/x", ""), ("redis/x", "")];
        let loaded = load(&MemoryLoader::new(all.iter().chain(files).copied())).unwrap();
        let target: groundup_recipe::TargetName = "cluster.x".parse().unwrap();
        let leaves = leaves_of(&loaded.workspace, std::slice::from_ref(&target));
        let id = ObjectId::Blob(BlobId::of(b""));
        let leaves = leaves.into_iter().map(|leaf| (leaf.label, id)).collect();
        let host = Platform::LinuxAmd64;
        let options = PlanOptions { sandbox: 1, ownership: 1, host, goal: Goal::Outputs };
        let targets = [Selected::whole(target)];
        plan(&loaded.workspace, &Lock::default(), &leaves, &targets, &options).unwrap()
    }

    /// Where the trees of a step go.
    fn places(plan: &crate::Plan, role: &str) -> Vec<String> {
        let step = plan.find(&crate::StepLabel::new("cluster.x", role.to_owned())).unwrap();
        let StepKind::Assemble(assemble) = &plan.step(step).kind else { panic!("{role}") };
        let params: params::Overlay = serde_json::from_str(&assemble.params).unwrap();
        params.trees.into_iter().map(|tree| tree.to).collect()
    }

    #[test]
    fn kustomizations_of_like_names_lie_apart_in_the_output() {
        let one = "path = \"deploy\", trees = { \"pinned/base\" = \"source.redis\" }";
        let two =
            "path = \"v1.2\", tool = \"rootfs.tool\" },\n{ from = \"source.app\", path = \"v1-2\"";
        let plan = planned(&RECIPE.replace(one, two), &[("own/Chart.yaml", "")]);
        let places = places(&plan, "rendered");
        assert_eq!(
            places[..2],
            ["/kustomizations/source-app-v1-2", "/kustomizations/source-app-v1-2-"]
        );
    }

    #[test]
    fn trees_of_a_chart_lie_beside_it_wherever_that_is_in_its_target() {
        let plan = planned(RECIPE, &[("own/Chart.yaml", "")]);
        let places = |title: &str| places(&plan, &format!("take {title}"));
        assert_eq!(places("chart deep"), ["/charts/web/charts/redis"]);
        assert_eq!(places("chart top"), ["/charts/redis"]);
        assert_eq!(places("chart own"), ["/charts/redis"]);
        assert_eq!(places("kustomization source.app deploy"), ["/pinned/base"]);
    }
}
