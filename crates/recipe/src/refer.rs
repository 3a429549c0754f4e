//! Checks what targets say of each other, of archives and of files of the repository.

use crate::{
    At, Build, DebLocation, Diagnostic, FileContent, Image, Kernel, KernelBase, Keyring, Kind,
    Loader, Node, OciLocation, Overlay, Platform, RepoPath, Role, Rootfs, Source, Span, Target,
    TargetBody, TargetName, Use, Workspace, clusters, form::alternatives, nearest::nearest,
    signing,
};
use std::collections::{BTreeMap, BTreeSet};

/// A target that is written down, whether or not it could be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) header: Span,
    pub(crate) state: State,
}

/// What became of a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Whole,
    Abstract,
    /// It has errors, which are told already.
    Broken,
}

/// Checks every reference.
pub(crate) fn check(
    workspace: &Workspace,
    known: &BTreeMap<TargetName, Known>,
    loader: &dyn Loader,
    out: &mut Vec<Diagnostic>,
) {
    let mut references = References { workspace, known, loader, found: BTreeSet::new(), out };
    for target in workspace.targets().values() {
        target.uses().iter().for_each(|used| references.used(target, used));
        references.body(target);
    }
    references.defaults();
    references.keyrings();
    references.cycles();
}

/// "goes in a circle", with every link of `chain` and its place.
pub(crate) fn circle(what: &str, verb: &str, chain: &[(TargetName, Span)]) -> Diagnostic {
    let names: Vec<String> = chain.iter().map(|(name, _)| name.to_string()).collect();
    let first = names.first().cloned().unwrap_or_default();
    let title = format!("{what} goes in a circle: {} -> {first}", names.join(" -> "));
    let next = names.iter().skip(1).chain([&first]);
    let links = chain.iter().zip(&names).zip(next);
    links.fold(Diagnostic::error(title), |diagnostic, (((_, span), name), next)| {
        diagnostic.label(*span, format!("`{name}` {verb} `{next}`"))
    })
}

struct References<'a> {
    workspace: &'a Workspace,
    known: &'a BTreeMap<TargetName, Known>,
    loader: &'a dyn Loader,
    /// Patterns of files that were looked for.
    found: BTreeSet<String>,
    out: &'a mut Vec<Diagnostic>,
}

impl References<'_> {
    fn used(&mut self, user: &Target, used: &Use<'_>) {
        let name = &used.from.target;
        let Some(known) = self.known.get(name) else {
            return self.unknown_target(used);
        };
        if known.state == State::Abstract {
            return self.abstracted(name, known.header, used.span);
        }
        let Some(target) = self.workspace.target(name) else { return };
        if !target.outputs().contains(&used.from.output.as_str()) {
            let diagnostic =
                Diagnostic::error(format!("`{name}` has no output `{}`", used.from.output))
                    .label(
                        used.span,
                        format!("expected the output {}", alternatives(target.outputs())),
                    )
                    .label(known.header, "defined here")
                    .help(format!("an output is written `{name}:OUTPUT`"));
            self.out.push(diagnostic);
        }
        let wanted = match (used.role, &target.body) {
            (Role::Deb(_), TargetBody::Source(Source::Deb(_))) => None,
            (Role::Deb(_), _) => Some("`deb`"),
            (Role::Base, TargetBody::Source(Source::Oci { .. })) => None,
            (Role::Base, _) => Some("`oci`"),
            _ => None,
        };
        if let Some(wanted) = wanted {
            let diagnostic = Diagnostic::error(format!("`{name}` is not a source of {wanted}"))
                .label(used.span, format!("expected a source with the key {wanted}"))
                .label(known.header, "defined here");
            self.out.push(diagnostic);
        }
        self.platforms(user, target, used.span);
    }

    fn abstracted(&mut self, name: &TargetName, header: Span, span: Span) {
        let diagnostic =
            Diagnostic::error(format!("`{name}` is abstract: there is nothing to use"))
                .label(span, "used here")
                .label(header, "has `abstract = true`")
                .help("extend it with a target of its own, and use that");
        self.out.push(diagnostic);
    }

    fn unknown_target(&mut self, used: &Use<'_>) {
        let word = used.from.target.to_string();
        let fits = |name: &&TargetName| match used.role {
            Role::Rootfs | Role::Part(_) | Role::Renderer(_) => name.kind() == Kind::Rootfs,
            Role::Kernel => name.kind() == Kind::Kernel,
            Role::Image(_) => name.kind() == Kind::Image,
            Role::Source(_) | Role::Deb(_) | Role::Base => name.kind() == Kind::Source,
            Role::KernelSource => matches!(name.kind(), Kind::Source | Kind::Build),
            Role::Dep(_) | Role::Tree(_) => name.kind() != Kind::Image,
            Role::Schemas | Role::Rendered(_) | Role::Unrendered(_) | Role::Pinned(_) => {
                matches!(name.kind(), Kind::Source | Kind::Build)
            }
            Role::Mapped(_) => name.kind() == Kind::Image,
            Role::Setting(_) => !matches!(name.kind(), Kind::Source | Kind::Cluster),
        };
        let wanted = &used.from.target;
        let names: Vec<(&TargetName, String)> =
            self.known.keys().filter(fits).map(|name| (name, name.to_string())).collect();
        let of_kind = names.iter().filter(|(name, _)| name.kind() == wanted.kind());
        let same_name = names.iter().find(|(name, _)| name.name() == wanted.name());
        let near = nearest(&word, of_kind.map(|(_, text)| text.as_str()))
            .or(same_name.map(|(_, text)| text.as_str()))
            .or_else(|| nearest(&word, names.iter().map(|(_, text)| text.as_str())));
        let diagnostic = Diagnostic::error(format!("there is no target `{word}`"))
            .label(used.span, "not defined in any recipe")
            .nearest(near);
        self.out.push(diagnostic);
    }

    /// What is made for a platform needs parts that are made for it.
    fn platforms(&mut self, user: &Target, target: &Target, span: Span) {
        if matches!(target.body, TargetBody::Source(_)) {
            return;
        }
        let offered = self.workspace.platforms_of(&target.name);
        let missing: Vec<Platform> = self
            .workspace
            .platforms_of(&user.name)
            .into_iter()
            .map(|asked| self.workspace.platform_for(&target.name, asked))
            .filter(|asked| !offered.contains(asked))
            .collect();
        // A build without a platform of its own takes those of its rootfs.
        if let Some(platform) = missing.first().filter(|_| !offered.is_empty()) {
            let owner = match &target.body {
                TargetBody::Build(build) => &build.rootfs.value,
                _ => &target.name.value,
            };
            let (user, target) = (&user.name.value, &target.name.value);
            let title = format!("`{user}` is for `{platform}`, but `{target}` is not");
            let diagnostic = Diagnostic::error(title)
                .label(span, format!("`{target}` is for {}", list(&offered)))
                .help(format!("add `{platform}` to the `platforms` of `{owner}`, or take it from those of `{user}`"));
            self.out.push(diagnostic);
        }
    }

    fn body(&mut self, target: &Target) {
        match &target.body {
            TargetBody::Source(source) => self.source(target, source),
            TargetBody::Rootfs(rootfs) => self.rootfs(target, rootfs),
            TargetBody::Build(build) => self.build(target, build),
            TargetBody::Kernel(kernel) => self.kernel(target, kernel),
            TargetBody::Node(node) => self.node(target, node),
            TargetBody::Image(image) => self.image(target, image),
            TargetBody::Cluster(cluster) => {
                clusters::check(target, cluster, self.loader, &mut self.found, self.out);
            }
        }
    }

    fn source(&mut self, target: &Target, source: &Source) {
        match source {
            Source::Dsc { archive, package, .. } if archive.is_empty() => {
                let names = self.workspace.archives.keys();
                let diagnostic = Diagnostic::error(format!(
                    "`{}` does not say which archive it comes from",
                    target.name.value
                ))
                .label(package.span, "needs the key `archive`");
                self.out.push(match names.len() {
                    0 => diagnostic.help(
                        "the workspace has no archive: add `[archive.NAME]` to `groundup.toml`",
                    ),
                    _ => diagnostic.help(format!("the archive is {}", alternatives(names))),
                });
            }
            Source::Dsc { archive, .. } => self.archive(archive),
            Source::Path { path, .. } => self.file(path.span, &path.value),
            Source::Deb(At { value: DebLocation::Repo(path), span }) => self.file(*span, path),
            Source::Oci { location, .. } => match &location.value {
                OciLocation::Registry(_) => {}
                OciLocation::Layout(path, _) | OciLocation::Archive(path, _) => {
                    self.file(location.span, path);
                }
            },
            _ => {}
        }
    }

    fn rootfs(&mut self, target: &Target, rootfs: &Rootfs) {
        rootfs.archives.iter().for_each(|name| self.archive(name));
        let first = rootfs.packages.first().map(|package| package.span);
        let asked = first.or(target.fields.of("essential").filter(|_| rootfs.essential));
        if let (true, Some(span)) = (rootfs.archives.is_empty(), asked) {
            let diagnostic = Diagnostic::error("there is no archive that packages could come from")
                .label(span, "packages are asked for here")
                .help("add `[archive.NAME]` with a `suite` to `groundup.toml`");
            self.out.push(diagnostic);
        }
        for (package, archive) in &rootfs.prefer {
            self.archive(archive);
            let known = self.workspace.archives.contains_key(&archive.value);
            if known && !rootfs.archives.contains(archive) {
                let name = &target.name.value;
                let title = format!(
                    "`{package}` is to come from `{}`, which `{name}` does not use",
                    archive.value
                );
                self.out.push(Diagnostic::error(title).label(archive.span, "not in its `archive`"));
            }
        }
        if rootfs.platforms.is_empty() {
            self.no_platform(target);
        }
        self.twice(
            "user",
            rootfs.users.iter().map(|user| (user.name.value.clone(), user.name.span)),
        );
        self.twice(
            "group",
            rootfs.groups.iter().map(|group| (group.name.value.clone(), group.name.span)),
        );
        self.twice(
            "diversion",
            rootfs.diversions.iter().map(|d| (d.path.to_string(), d.path.span)),
        );
        self.overlay(&rootfs.overlay);
    }

    fn build(&mut self, target: &Target, build: &Build) {
        let outputs = build.outputs.iter();
        self.twice("output", outputs.map(|name| (name.value.clone(), name.span)));
        let empty = match &build.command {
            crate::Command::Argv(words) => words.is_empty(),
            crate::Command::Script(text) => text.trim().is_empty(),
        };
        let field = |name: &str| target.fields.of(name).unwrap_or(target.name.span);
        if build.outputs.is_empty() {
            let title = format!("`{}` has no output", target.name.value);
            self.out.push(
                Diagnostic::error(title).label(field("outputs"), "expected at least one name"),
            );
        }
        if empty {
            let span = target.fields.of("script").unwrap_or_else(|| field("command"));
            let title = format!("`{}` runs nothing", target.name.value);
            self.out.push(Diagnostic::error(title).label(span, "expected a command"));
        }
    }

    fn kernel(&mut self, target: &Target, kernel: &Kernel) {
        if kernel.platforms.is_empty() {
            self.no_platform(target);
        }
        let base = match &kernel.base {
            KernelBase::File(path) => Some(path),
            KernelBase::Make(_) => None,
        };
        for path in kernel.patches.iter().chain(base).chain(&kernel.fragments) {
            self.file(path.span, &path.value);
        }
        if let KernelBase::Make(name) = &kernel.base
            && !name.ends_with("config")
        {
            let diagnostic = Diagnostic::error(format!("`{}` is no configuration", name.value))
                .label(name.span, "expected a target such as `defconfig` or `tinyconfig`")
                .help("a file of the repository is `base_file`");
            self.out.push(diagnostic);
        }
        if let Some(signing) = &kernel.signing {
            signing::check(kernel, signing, self.loader, self.out);
        }
    }

    fn node(&mut self, target: &Target, node: &Node) {
        if node.platforms.is_empty() {
            self.no_platform(target);
        }
        for platform in node.platforms.iter().filter(|it| it.value != Platform::LinuxAmd64) {
            let title = format!("nodes for `{}` cannot be made yet", platform.value);
            let diagnostic =
                Diagnostic::error(title).label(platform.span, "expected `linux/amd64`");
            self.out.push(diagnostic);
        }
        // The root hash that is put behind it takes 74 bytes; the kernel (COMMAND_LINE_SIZE of x86)
        // and the closing NUL leave 2047 for both.
        let most = 2047 - (" roothash=".len() + 64);
        if let Some(cmdline) = node.cmdline.as_ref().filter(|line| line.len() > most) {
            let title = format!("the command line is {} bytes too long", cmdline.len() - most);
            let expected = format!("expected at most {most} bytes, as the root hash follows");
            self.out.push(Diagnostic::error(title).label(cmdline.span, expected));
        }
        self.twice("image", node.images.iter().map(|it| (it.value.to_string(), it.span)));
        self.twice("unit", node.units.iter().map(|it| (it.name.value.clone(), it.name.span)));
        for unit in &node.units {
            if let FileContent::Repo(path) = &unit.content {
                self.file(path.span, &path.value);
            }
        }
        if let Some(test) = &node.test {
            for path in test.http.iter().filter_map(|page| page.path.as_ref()) {
                if !path.starts_with('/') || path.contains(char::is_whitespace) {
                    let title = format!("`{}` is no path of a page", path.value);
                    let expected = "expected `/` and what follows it, without spaces";
                    self.out.push(Diagnostic::error(title).label(path.span, expected));
                }
            }
            if test.script.is_none() && test.console.is_empty() && test.http.is_empty() {
                let span = target.fields.of("test").unwrap_or(target.name.span);
                let title = format!("the test of `{}` looks at nothing", target.name.value);
                let diagnostic =
                    Diagnostic::error(title).label(span, "expected `console`, `http` or `script`");
                self.out.push(diagnostic);
            }
        }
        self.overlay(&node.overlay);
    }

    fn image(&mut self, target: &Target, image: &Image) {
        if image.platforms.is_empty() {
            self.no_platform(target);
        }
        let gzip = image.layers.compression == crate::Compression::Gzip;
        if let (true, Some(level @ 10..)) = (gzip, image.layers.level) {
            let span = target.fields.of("layers").unwrap_or(target.name.span);
            let diagnostic = Diagnostic::error(format!("gzip has no level {level}"))
                .label(span, "expected a `level` from 1 to 9")
                .help("levels up to 19 go with `compression = \"zstd\"`");
            self.out.push(diagnostic);
        }
        self.overlay(&image.overlay);
    }

    fn overlay(&mut self, overlay: &Overlay) {
        let dirs = overlay.dirs.iter().map(|dir| &dir.path);
        let files = overlay.files.iter().map(|file| &file.path);
        let paths = dirs.chain(files).chain(overlay.links.iter().map(|link| &link.path));
        self.twice("path", paths.map(|path| (path.to_string(), path.span)));
        for file in &overlay.files {
            if let FileContent::Repo(path) = &file.content {
                self.file(path.span, &path.value);
            }
        }
    }

    fn no_platform(&mut self, target: &Target) {
        let span = target.fields.of("platforms").unwrap_or(target.name.span);
        let diagnostic = Diagnostic::error(format!("`{}` is for no platform", target.name.value))
            .label(span, format!("expected at least one of {}", alternatives(Platform::ALL)));
        self.out.push(diagnostic);
    }

    fn twice(&mut self, what: &str, items: impl Iterator<Item = (String, Span)>) {
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        for (name, span) in items {
            if let Some(first) = seen.get(&name) {
                let diagnostic = Diagnostic::error(format!("the {what} `{name}` is there twice"))
                    .label(span, "again here")
                    .label(*first, "first here");
                self.out.push(diagnostic);
            } else {
                seen.insert(name, span);
            }
        }
    }

    fn archive(&mut self, name: &At<String>) {
        if self.workspace.archives.contains_key(&name.value) {
            return;
        }
        let names = self.workspace.archives.keys().map(String::as_str);
        let near = nearest(name, names);
        let diagnostic = Diagnostic::error(format!("there is no archive `{}`", name.value))
            .label(name.span, "no `[archive.NAME]` of this name in `groundup.toml`")
            .nearest(near);
        self.out.push(diagnostic);
    }

    fn file(&mut self, span: Span, path: &RepoPath) {
        if self.loader.exists(path.as_str()) {
            return;
        }
        let diagnostic = Diagnostic::error(format!("there is no file `{path}`"))
            .label(span, "no such file or directory in the repository")
            .help("paths are relative to the directory of `groundup.toml`");
        self.out.push(diagnostic);
    }

    fn keyrings(&mut self) {
        for archive in self.workspace.archives.values() {
            if let Keyring::File(path) = &archive.keyring {
                self.file(path.span, &path.value);
            }
        }
    }

    fn defaults(&mut self) {
        for pattern in &self.workspace.default {
            let usable = |known: &Known| known.state != State::Abstract;
            if self.known.iter().any(|(name, known)| pattern.matches(name) && usable(known)) {
                continue;
            }
            if let Some((name, known)) = self.known.iter().find(|(name, _)| pattern.matches(name)) {
                self.abstracted(name, known.header, pattern.span);
                continue;
            }
            let names: Vec<String> = self.known.keys().map(TargetName::to_string).collect();
            let title = match pattern.is_pattern() {
                true => format!("no target fits the pattern `{}`", pattern.value),
                false => format!("there is no target `{}`", pattern.value),
            };
            let diagnostic = Diagnostic::error(title)
                .label(pattern.span, "not defined in any recipe")
                .nearest(nearest(pattern.as_str(), names.iter().map(String::as_str)));
            self.out.push(diagnostic);
        }
    }

    /// Every circle once.
    fn cycles(&mut self) {
        let mut done = BTreeSet::new();
        for name in self.workspace.targets().keys() {
            self.walk(name, &mut Vec::new(), &mut done);
        }
    }

    fn walk(
        &mut self,
        name: &TargetName,
        chain: &mut Vec<(TargetName, Span)>,
        done: &mut BTreeSet<TargetName>,
    ) {
        if let Some(start) = chain.iter().position(|(link, _)| link == name) {
            return self.out.push(circle("the use of targets", "uses", &chain[start..]));
        }
        if done.contains(name) {
            return;
        }
        if let Some(target) = self.workspace.target(name) {
            for used in target.uses() {
                chain.push((name.clone(), used.span));
                self.walk(&used.from.target, chain, done);
                chain.pop();
            }
        }
        done.insert(name.clone());
    }
}

fn list(platforms: &[Platform]) -> String {
    let words: Vec<String> = platforms.iter().map(|platform| format!("`{platform}`")).collect();
    words.join(" and ")
}
