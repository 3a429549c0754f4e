//! Checks of a `cluster` that need the repository: its manifests, kustomizations and charts.

use crate::{
    At, Chart, Cluster, Diagnostic, Kustomization, Loader, Place, RepoPath, Span, Target, TargetRef,
};
use std::collections::{BTreeMap, BTreeSet};

/// The names that a kustomization's file may have.
const KUSTOMIZATION: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// Checks one cluster; `found` are the patterns that were looked for already.
pub(crate) fn check(
    target: &Target,
    cluster: &Cluster,
    loader: &dyn Loader,
    found: &mut BTreeSet<String>,
    out: &mut Vec<Diagnostic>,
) {
    let rendered = !cluster.kustomizations.is_empty() || !cluster.charts.is_empty();
    if cluster.manifests.is_empty() && cluster.rendered.is_empty() && !rendered {
        let span = target.fields.of("manifests").unwrap_or(target.name.span);
        let title = format!("`{}` has no manifests", target.name.value);
        let expected = "expected at least one file or pattern";
        out.push(Diagnostic::error(title).label(span, expected));
    }
    for pattern in cluster.manifests.iter().chain(&cluster.crds) {
        // A fleet that extends one target has the same patterns a hundred times.
        if !found.insert(pattern.value.clone()) {
            continue;
        }
        match loader.glob(pattern) {
            Ok(files) if files.is_empty() => {
                let title = format!("no file fits `{}`", pattern.value);
                let diagnostic = Diagnostic::error(title)
                    .label(pattern.span, "no such file in the repository")
                    .help("patterns are relative to the directory of `groundup.toml`");
                out.push(diagnostic);
            }
            Ok(_) => {}
            Err(error) => {
                let title = error.to_string();
                out.push(Diagnostic::error(title).label(pattern.span, "asked for here"));
            }
        }
    }
    let mut rendering = Rendering { loader, out };
    let names = cluster.kustomizations.iter().map(|it| (it.place.title(), it.span));
    rendering.twice("kustomization", names);
    cluster.kustomizations.iter().for_each(|it| rendering.kustomization(it));
    rendering.twice("release", cluster.charts.iter().map(|it| (it.title(), it.release.span)));
    cluster.charts.iter().for_each(|it| rendering.chart(it));
}

struct Rendering<'a> {
    loader: &'a dyn Loader,
    out: &'a mut Vec<Diagnostic>,
}

impl Rendering<'_> {
    fn kustomization(&mut self, of: &Kustomization) {
        let Place::Repository(path) = &of.place else {
            if let Some(root) = &of.root {
                let title = "`root` goes with a kustomization of the repository";
                let diagnostic = Diagnostic::error(title)
                    .label(root.span, "the whole tree of `from` is there anyway")
                    .help("leave it out");
                self.out.push(diagnostic);
            }
            return self.trees(&of.trees);
        };
        self.trees(&of.trees);
        if let Some(root) = &of.root
            && path.below(root).is_none()
        {
            let title = format!("`{}` is not in `{}`", path.value, root.value);
            let diagnostic = Diagnostic::error(title)
                .label(root.span, "does not hold the kustomization")
                .help("both are relative to the directory of `groundup.toml`");
            return self.out.push(diagnostic);
        }
        self.has(path, &of.trees, &KUSTOMIZATION);
    }

    fn chart(&mut self, of: &Chart) {
        if let Place::Repository(path) = &of.place {
            self.has(path, &of.trees, &["Chart.yaml"]);
        }
        self.trees(&of.trees);
        for values in &of.values {
            if !self.loader.exists(values.as_str()) {
                let title = format!("there is no file `{}`", values.value);
                let diagnostic = Diagnostic::error(title)
                    .label(values.span, "no such file in the repository")
                    .help("`values` are files of the repository, relative to the directory of `groundup.toml`");
                self.out.push(diagnostic);
            }
        }
    }

    /// That a directory of the repository has one of `files`.
    fn has(
        &mut self,
        path: &At<RepoPath>,
        trees: &BTreeMap<String, At<TargetRef>>,
        files: &[&str],
    ) {
        if !self.loader.exists(path.as_str()) {
            let diagnostic = Diagnostic::error(format!("there is no directory `{}`", path.value))
                .label(path.span, "not in the repository")
                .help("paths are relative to the directory of `groundup.toml`");
            return self.out.push(diagnostic);
        }
        let there = |file: &&str| self.loader.exists(&joined(path, file));
        // What is laid down there may bring it.
        if files.iter().any(there) || !trees.is_empty() {
            return;
        }
        let file = files[0];
        let mut diagnostic = Diagnostic::error(format!("`{}` has no `{file}`", path.value))
            .label(path.span, format!("expected the directory that has `{file}`"));
        let below = self.loader.glob(&joined(path, &format!("**/{file}"))).unwrap_or_default();
        diagnostic = match below.first().and_then(|found| found.strip_suffix(file)) {
            Some(found) => {
                diagnostic.help(format!("there is one in `{}`", found.trim_end_matches('/')))
            }
            None => diagnostic.help("plain objects are `manifests`"),
        };
        self.out.push(diagnostic);
    }

    fn trees(&mut self, trees: &BTreeMap<String, At<TargetRef>>) {
        if let Some(from) = trees.get(".") {
            let title = "a tree of `trees` needs a directory of its own";
            let diagnostic = Diagnostic::error(title)
                .label(from.span, "would lie on everything else")
                .help("a whole tree is `from`");
            self.out.push(diagnostic);
        }
    }

    fn twice(&mut self, what: &str, items: impl Iterator<Item = (String, Span)>) {
        let mut seen: BTreeMap<String, Span> = BTreeMap::new();
        for (name, span) in items {
            if let Some(first) = seen.insert(name.clone(), span) {
                let diagnostic = Diagnostic::error(format!("the {what} `{name}` is there twice"))
                    .label(span, "again here")
                    .label(first, "first here");
                self.out.push(diagnostic);
            }
        }
    }
}

fn joined(directory: &RepoPath, file: &str) -> String {
    match directory.as_str() {
        "." => file.to_owned(),
        directory => format!("{directory}/{file}"),
    }
}
