//! The workspace: settings, archives and targets, and what targets use of each other.

use super::{Build, Cluster, Image, Kernel, Node, Rootfs, Source};
use crate::{At, Kind, Platform, Positions, RepoPath, TargetName, TargetPattern, TargetRef};
use std::collections::BTreeMap;

/// Everything that the files of a workspace say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workspace {
    /// Its name.
    pub name: At<String>,
    /// `SOURCE_DATE_EPOCH` and the OCI creation time, in seconds.
    pub epoch: At<u64>,
    /// Which choices of encoders are frozen.
    pub compat: u32,
    /// Platforms of targets that name none.
    pub platforms: Vec<At<Platform>>,
    /// What a bare `build` makes.
    pub default: Vec<At<TargetPattern>>,
    /// Where pinned inputs are kept: a directory, or `docker://HOST/NAME`; locations are no pins.
    pub vendor: Option<At<String>>,
    /// Archives that packages come from.
    pub archives: BTreeMap<String, Archive>,
    pub(crate) targets: BTreeMap<TargetName, Target>,
}

/// An archive of Debian packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Archive {
    /// Its name in recipes.
    pub name: At<String>,
    /// Suite or code name.
    pub suite: At<String>,
    /// Components.
    pub components: Vec<At<String>>,
    /// Where it is, unless the user's settings say otherwise; locations are no pins.
    pub url: Option<At<String>>,
    /// Whose signatures count.
    pub keyring: Keyring,
}

/// Whose signatures an archive must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Keyring {
    /// The built-in keys of Debian.
    Debian,
    /// The keys in a file of the repository.
    File(At<RepoPath>),
}

/// One named thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its name, and where its table starts.
    pub name: At<TargetName>,
    /// Where its keys stand.
    pub fields: Positions,
    /// What it is.
    pub body: TargetBody,
}

/// What a target is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "hundreds of targets at most, each read many times")]
pub enum TargetBody {
    /// Bytes from outside.
    Source(Source),
    /// A file tree from packages and other trees.
    Rootfs(Rootfs),
    /// A command in a sandbox.
    Build(Build),
    /// A Linux kernel.
    Kernel(Kernel),
    /// A machine that boots.
    Node(Node),
    /// An OCI image.
    Image(Image),
    /// Kubernetes manifests.
    Cluster(Cluster),
}

/// One target's use of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use<'a> {
    /// What it is used as.
    pub role: Role<'a>,
    /// What is used.
    pub from: TargetRef,
    /// Where that is written.
    pub span: crate::Span,
}

/// What a target is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role<'a> {
    /// The `/` of a build, and the toolchain of a kernel.
    Rootfs,
    /// `/src/NAME` of a build.
    Source(&'a str),
    /// `/deps/NAME` of a build.
    Dep(&'a str),
    /// The source tree of a kernel.
    KernelSource,
    /// A part of a node: its root, initramfs, tools or emulator.
    Part(&'a str),
    /// The kernel of a node.
    Kernel,
    /// An image that a node carries, by its place in the list.
    Image(usize),
    /// A tree of a rootfs or image, by its place in the list.
    Tree(usize),
    /// A `.deb` of a rootfs, by its place in the list.
    Deb(usize),
    /// The base of an image.
    Base,
    /// What the schemas of a cluster come from.
    Schemas,
    /// What has manifests of a cluster, by its place in the list.
    Rendered(usize),
    /// The tool of a kustomization or chart, by its path or release.
    Renderer(&'a str),
    /// What a kustomization or chart lies in, by its path or release.
    Unrendered(&'a str),
    /// A tree that a kustomization or chart needs, by its place there.
    Pinned(&'a str),
    /// What an image name of a cluster stands for.
    Mapped(&'a str),
    /// What a field of a cluster's objects is set from, by its place in the list.
    Setting(usize),
}

impl Workspace {
    /// Every target.
    pub fn targets(&self) -> &BTreeMap<TargetName, Target> {
        &self.targets
    }

    /// One target.
    pub fn target(&self, name: &TargetName) -> Option<&Target> {
        self.targets.get(name)
    }

    /// The platforms that a target can be asked for; none for sources, which have no platform.
    pub fn platforms_of(&self, name: &TargetName) -> Vec<Platform> {
        match self.target(name).map(|target| &target.body) {
            None | Some(TargetBody::Source(_) | TargetBody::Cluster(_)) => Vec::new(),
            Some(TargetBody::Rootfs(rootfs)) => values(&rootfs.platforms),
            Some(TargetBody::Kernel(kernel)) => values(&kernel.platforms),
            Some(TargetBody::Node(node)) => values(&node.platforms),
            Some(TargetBody::Image(image)) => values(&image.platforms),
            Some(TargetBody::Build(build)) => match &build.platform {
                Some(platform) => vec![platform.value],
                None => self.platforms_of(&build.rootfs),
            },
        }
    }

    /// The platform that `name` is made for when its user is made for `asked`: a build that fixes
    /// its platform keeps it.
    pub fn platform_for(&self, name: &TargetName, asked: Platform) -> Platform {
        match self.target(name).map(|target| &target.body) {
            Some(TargetBody::Build(Build { platform: Some(fixed), .. })) => fixed.value,
            _ => asked,
        }
    }
}

fn values(platforms: &[At<Platform>]) -> Vec<Platform> {
    platforms.iter().map(|platform| platform.value).collect()
}

impl Target {
    /// Its kind.
    pub fn kind(&self) -> Kind {
        self.name.kind()
    }

    /// The names of its outputs.
    pub fn outputs(&self) -> Vec<&str> {
        match &self.body {
            TargetBody::Build(build) => build.outputs.iter().map(|name| name.as_str()).collect(),
            TargetBody::Kernel(kernel) => kernel.outputs(),
            TargetBody::Node(_) => {
                vec![crate::DEFAULT_OUTPUT, "disk", "facts", "qcow2", "root", "uki"]
            }
            TargetBody::Cluster(cluster) => {
                let mut outputs = vec![crate::DEFAULT_OUTPUT, "checks", "oci"];
                if !cluster.kustomizations.is_empty() || !cluster.charts.is_empty() {
                    outputs.push("rendered");
                }
                outputs
            }
            _ => vec![crate::DEFAULT_OUTPUT],
        }
    }

    /// What it uses of other targets.
    pub fn uses(&self) -> Vec<Use<'_>> {
        let whole = |role, name: &At<TargetName>| Use {
            role,
            from: TargetRef {
                target: name.value.clone(),
                output: crate::DEFAULT_OUTPUT.to_owned(),
            },
            span: name.span,
        };
        let part =
            |role, from: &At<TargetRef>| Use { role, from: from.value.clone(), span: from.span };
        let trees = |list: &'_ [super::Placement]| -> Vec<Use<'static>> {
            let placed = list.iter().enumerate();
            placed.map(|(index, tree)| part_of(Role::Tree(index), &tree.from)).collect()
        };
        match &self.body {
            TargetBody::Source(_) => Vec::new(),
            TargetBody::Rootfs(rootfs) => {
                let debs = rootfs.debs.iter().enumerate();
                let mut uses: Vec<_> =
                    debs.map(|(index, deb)| whole(Role::Deb(index), deb)).collect();
                uses.extend(trees(&rootfs.trees));
                uses
            }
            TargetBody::Build(build) => {
                let mut uses = vec![whole(Role::Rootfs, &build.rootfs)];
                uses.extend(
                    build.sources.iter().map(|(name, from)| part(Role::Source(name), from)),
                );
                uses.extend(build.deps.iter().map(|(name, from)| part(Role::Dep(name), from)));
                uses
            }
            TargetBody::Kernel(kernel) => vec![
                whole(Role::Rootfs, &kernel.toolchain),
                part(Role::KernelSource, &kernel.source),
            ],
            TargetBody::Node(node) => {
                let mut uses = vec![
                    whole(Role::Part("rootfs"), &node.rootfs),
                    whole(Role::Kernel, &node.kernel),
                    whole(Role::Part("initrd"), &node.initrd),
                    whole(Role::Part("tools"), &node.tools),
                ];
                uses.extend(node.test.iter().map(|it| whole(Role::Part("emulator"), &it.emulator)));
                uses.extend(trees(&node.trees));
                let images = node.images.iter().enumerate();
                uses.extend(images.map(|(index, image)| whole(Role::Image(index), image)));
                uses
            }
            TargetBody::Image(image) => {
                let mut uses: Vec<_> =
                    image.base.iter().map(|base| whole(Role::Base, base)).collect();
                uses.extend(trees(&image.trees));
                uses
            }
            TargetBody::Cluster(cluster) => {
                let mut uses = vec![part(Role::Schemas, &cluster.schemas)];
                let rendered = cluster.rendered.iter().enumerate();
                uses.extend(rendered.map(|(index, from)| part(Role::Rendered(index), from)));
                uses.extend(
                    cluster.kustomizations.iter().flat_map(|it| {
                        of_rendering(it.place.name(), &it.place, &it.trees, &it.tool)
                    }),
                );
                uses.extend(
                    cluster
                        .charts
                        .iter()
                        .flat_map(|it| of_rendering(&it.release, &it.place, &it.trees, &it.tool)),
                );
                let images = cluster.images.iter();
                uses.extend(images.map(|(name, image)| whole(Role::Mapped(name), &image.target)));
                let set = cluster.set.iter().enumerate();
                uses.extend(set.map(|(index, set)| part(Role::Setting(index), &set.from)));
                uses
            }
        }
    }
}

/// What a kustomization or chart uses.
fn of_rendering<'a>(
    name: &'a str,
    place: &'a super::Place,
    trees: &'a BTreeMap<String, At<TargetRef>>,
    tool: &At<TargetName>,
) -> Vec<Use<'a>> {
    let tool_out =
        TargetRef { target: tool.value.clone(), output: crate::DEFAULT_OUTPUT.to_owned() };
    let mut uses = vec![Use { role: Role::Renderer(name), from: tool_out, span: tool.span }];
    let from = place.target().into_iter();
    uses.extend(from.map(|from| Use {
        role: Role::Unrendered(name),
        from: from.value.clone(),
        span: from.span,
    }));
    uses.extend(trees.iter().map(|(at, from)| Use {
        role: Role::Pinned(at),
        from: from.value.clone(),
        span: from.span,
    }));
    uses
}

fn part_of(role: Role<'static>, from: &At<TargetRef>) -> Use<'static> {
    Use { role, from: from.value.clone(), span: from.span }
}
