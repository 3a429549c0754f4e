//! What is said of kustomizations and charts before a tool runs.
#![allow(clippy::unwrap_used, reason = "a test fails where it is surprised")]

use groundup_cluster::render::{
    Entry, Folder, Origin, RenderError, Source, check_chart, check_kustomization,
};
use std::collections::BTreeMap;

/// Files by path, with the directories that they imply; a text that starts with `->` is a link.
fn folder(files: &[(&'static str, &'static str)]) -> Folder<'static> {
    let mut entries = BTreeMap::new();
    for (path, text) in files {
        for (at, _) in path.match_indices('/') {
            entries.insert(path[..at].to_owned(), Entry::Directory);
        }
        let entry = match text.strip_prefix("->") {
            Some(target) => Entry::Link(target.to_owned()),
            None => Entry::File,
        };
        entries.insert((*path).to_owned(), entry);
    }
    let texts: BTreeMap<&str, &str> = files.iter().copied().collect();
    Folder::new(entries, move |path| Ok(texts.get(path).ok_or("no file")?.as_bytes().to_vec()))
}

type Check = fn(&Folder<'_>, &Source) -> Result<(), RenderError>;

fn said(check: Check, top: &str, path: &str, files: &[(&'static str, &'static str)]) -> String {
    let (top, path, origin) = (top.to_owned(), path.to_owned(), Origin::Repository);
    match check(&folder(files), &Source { top, origin, path }) {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    }
}

fn kustomization(path: &str, files: &[(&'static str, &'static str)]) -> String {
    said(check_kustomization, "deploy", path, files)
}

fn chart(files: &[(&'static str, &'static str)]) -> String {
    said(check_chart, "charts/web", ".", files)
}

/// That the only finding is at `place`, and says all of `parts`.
fn only(said: &str, place: &str, parts: &[&str]) {
    assert_eq!(said.matches("\n  ").count() - said.matches("\n    help").count(), 1, "{said}");
    assert!(said.contains(&format!("\n  {place}: ")), "{said}");
    for part in parts {
        assert!(said.contains(part), "{part}: {said}");
    }
}

const BASE: (&str, &str) = ("base/kustomization.yaml", "resources: [web.yaml]\n");
const WEB: (&str, &str) = ("base/web.yaml", "kind: Service\n");

#[test]
fn a_base_an_overlay_and_every_kind_of_file_are_found() {
    let overlay = "resources:\n- ../base\n- extra.yaml\ncomponents: [../parts]\n\
        patches:\n- path: replicas.yaml\n- patch: |-\n    - op: remove\n\
        patchesStrategicMerge:\n- |-\n  kind: Service\n- old.yaml\n\
        configMapGenerator:\n- name: a\n  files: [nginx.conf, other=files/x.conf]\n  envs: [a.env]\n\
        openapi: {path: schema.json}\nreplacements: [{path: replace.yaml}]\n\
        transformers:\n- label.yaml\n- |-\n  kind: LabelTransformer\n";
    let files = [
        BASE,
        WEB,
        ("parts/Kustomization", "kind: Component\n"),
        ("prod/kustomization.yml", overlay),
        ("prod/extra.yaml", ""),
        ("prod/replicas.yaml", ""),
        ("prod/old.yaml", ""),
        ("prod/nginx.conf", ""),
        ("prod/files/x.conf", "->../a.env"),
        ("prod/a.env", ""),
        ("prod/schema.json", "{}"),
        ("prod/replace.yaml", ""),
        ("prod/label.yaml", "kind: LabelTransformer\n"),
    ];
    assert_eq!(kustomization("prod", &files), "");
}

#[test]
fn a_kustomization_that_leaves_its_root_names_the_root_that_holds_both() {
    let files = [("kustomization.yaml", "resources:\n- ../../base\n")];
    let told = said(check_kustomization, "deploy/overlays/prod", ".", &files);
    only(
        &told,
        "deploy/overlays/prod/kustomization.yaml:2:3",
        &[
            "`../../base` leads out of `deploy/overlays/prod`",
            "`root = \"deploy\"`",
            "[kustomization]",
        ],
    );
    let told = said(check_kustomization, "prod", ".", &[files[0]]);
    only(
        &told,
        "prod/kustomization.yaml:2:3",
        &["leads out of the workspace", "pinned as a `source`"],
    );
    let links = [("kustomization.yaml", "resources: [away]\n"), ("away", "->../base")];
    let told = said(check_kustomization, "deploy/prod", ".", &links);
    only(&told, "deploy/prod/kustomization.yaml:1:13", &["`root = \"deploy\"`"]);
    let host = [("kustomization.yaml", "resources: [/etc/base]\n")];
    only(&kustomization(".", &host), "deploy/kustomization.yaml:1:13", &["a path of the host"]);
}

#[test]
fn a_file_above_its_own_directory_is_what_kustomize_refuses() {
    let files = [("prod/kustomization.yaml", "resources: [../base/web.yaml]\n"), BASE, WEB];
    only(
        &kustomization("prod", &files),
        "deploy/prod/kustomization.yaml:1:13",
        &["is a file outside of `deploy/prod`", "name the directory here"],
    );
    let files = [("prod/kustomization.yaml", "bases: [web.yaml]\n"), ("prod/web.yaml", "")];
    only(&kustomization("prod", &files), "deploy/prod/kustomization.yaml:1:9", &["`resources`"]);
    let files = [("prod/kustomization.yaml", "crds: [crds]\n"), ("prod/crds/a.yaml", "")];
    only(&kustomization("prod", &files), "deploy/prod/kustomization.yaml:1:8", &["is a directory"]);
}

#[test]
fn what_would_be_fetched_says_how_it_is_pinned() {
    let files =
        [("prod/kustomization.yaml", "resources:\n- https://github.com/org/app//deploy?ref=v1\n")];
    only(
        &kustomization("prod", &files),
        "deploy/prod/kustomization.yaml:2:3",
        &[
            "would be fetched, and there is no network",
            "`[source.app]` with `git = \"https://github.com/org/app\"` and `rev = \"v1\"`",
            "`trees = { \"pinned/app\" = \"source.app\" }`",
            "write `../pinned/app/deploy` here",
        ],
    );
    let files = [("kustomization.yaml", "patches: [{path: 'https://x.example/patch.yaml'}]\n")];
    only(&kustomization(".", &files), "deploy/kustomization.yaml:1:18", &["`[source.patch]`"]);
}

#[test]
fn what_is_not_there_is_named_with_what_is_meant() {
    let files = [BASE, ("base/wbe.yaml", "")];
    only(
        &kustomization("base", &files),
        "deploy/base/kustomization.yaml:1:13",
        &["there is no `web.yaml` in `deploy/base`", "did you mean `wbe.yaml`?"],
    );
    let files = [("kustomization.yaml", "resources: [parts/a]\n"), ("parts/other.txt", "")];
    only(&kustomization(".", &files), "deploy/kustomization.yaml:1:13", &["git does not track"]);
    let nowhere = [("prod/kustomization.yaml", "resources: [../base]\n"), WEB];
    only(
        &kustomization("prod", &nowhere),
        "deploy/prod/kustomization.yaml:1:13",
        &["`deploy/base` has no `kustomization.yaml`"],
    );
    let told = kustomization("missing", &[BASE, WEB]);
    only(&told, "recipe", &["no directory `deploy/missing`", "there is one in `deploy/base`"]);
}

#[test]
fn broken_kustomizations_are_told_at_their_line() {
    let two = [BASE, WEB, ("base/Kustomization", "resources: []\n")];
    only(
        &kustomization("base", &two),
        "recipe",
        &["both `kustomization.yaml` and `Kustomization`"],
    );
    let told = kustomization(".", &[("kustomization.yaml", "resources: [\n")]);
    assert!(told.contains("deploy/kustomization.yaml:") && told.contains("[yaml]"), "{told}");
    let told = kustomization(".", &[("kustomization.yaml", "# nothing\n")]);
    only(&told, "recipe", &["`deploy/kustomization.yaml` is empty"]);
    let told = kustomization(".", &[("kustomization.yaml", "resources: web.yaml\n")]);
    only(&told, "deploy/kustomization.yaml:1:12", &["`resources` is a list, found a text"]);
    let told = kustomization(".", &[("kustomization.yaml", "resources: [{a: b}]\n")]);
    only(&told, "deploy/kustomization.yaml:1:13", &["`resources` has texts, found a table"]);
    let told = kustomization(".", &[("kustomization.yaml", "- a\n")]);
    only(&told, "deploy/kustomization.yaml:1:1", &["a kustomization is a table"]);
    // Bases in a circle are kustomize's to tell; looking at them ends.
    let circle = [
        ("a/kustomization.yaml", "resources: [../b]\n"),
        ("b/kustomization.yaml", "resources: [../a]\n"),
    ];
    assert_eq!(kustomization("a", &circle), "");
}

#[test]
fn kustomizations_that_lead_on_and_on_are_not_followed_without_end() {
    let nested = |levels: usize| {
        let mut texts: BTreeMap<String, String> = BTreeMap::new();
        for level in 0..levels {
            let text = format!("resources: [../d{}]\n", level + 1);
            texts.insert(format!("d{level}/kustomization.yaml"), text);
        }
        texts.insert(format!("d{levels}/kustomization.yaml"), "resources: []\n".to_owned());
        let files = texts.keys().map(|path| (path.clone(), Entry::File));
        let directories = (0..=levels).map(|level| (format!("d{level}"), Entry::Directory));
        let entries: Vec<_> = files.chain(directories).collect();
        let read = move |path: &str| Ok(texts.get(path).ok_or("no file")?.clone().into_bytes());
        let source =
            Source { top: "deploy".into(), origin: Origin::Repository, path: "d0".to_owned() };
        check_kustomization(&Folder::new(entries, read), &source)
    };
    nested(150).unwrap();
    let told = nested(20_000).unwrap_err().to_string();
    only(&told, "deploy/d199/kustomization.yaml:1:13", &["more than 200 directories"]);
}

#[test]
fn many_mistakes_cost_no_more_than_they_are_worth() {
    // A look at all names for each, and a table of the letters of the last, would take long.
    let items: String = (0..5_000).map(|number| format!("- missing-{number}.yaml\n")).collect();
    let text = format!("resources:\n{items}- {}\n", "a".repeat(1 << 20));
    let names: Vec<_> = (0..300).map(|number| &*format!("missing {number}.yaml").leak()).collect();
    let mut files = vec![("kustomization.yaml", &*text.leak())];
    files.extend(names.into_iter().map(|name| (name, "")));
    let told = kustomization(".", &files);
    assert!(told.contains("did you mean `missing 0.yaml`?"), "{told}");
    assert!(told.contains("and 4951 more"), "{told}");
}

#[test]
fn a_chart_inside_a_kustomization_belongs_to_the_cluster() {
    let files = [("kustomization.yaml", "namePrefix: x\nhelmCharts:\n- name: web\n")];
    only(&kustomization(".", &files), "deploy/kustomization.yaml:2:1", &["an entry of `charts`"]);
    let inline = "generators:\n- |-\n  kind: HelmChartInflationGenerator\n  name: web\n";
    let told = kustomization(".", &[("kustomization.yaml", inline)]);
    only(&told, "deploy/kustomization.yaml:3:3", &["an entry of `charts`"]);
    let files = [
        ("kustomization.yaml", "generators: [web.yaml]\n"),
        ("web.yaml", "kind: HelmChartInflationGenerator\n"),
    ];
    only(&kustomization(".", &files), "deploy/kustomization.yaml:1:14", &["an entry of `charts`"]);
    let none = [("kustomization.yaml", "namePrefix: x\nhelmCharts: []\n")];
    assert!(kustomization(".", &none).is_empty());
}

const ABOUT: &str = "apiVersion: v2\nname: web\nversion: 1.0.0\ndependencies:\n\
    - name: redis\n  version: 18.1.5\n  repository: https://charts.example/stable\n";

#[test]
fn a_chart_whose_dependency_would_be_fetched_names_it_and_how_it_is_pinned() {
    only(
        &chart(&[("Chart.yaml", ABOUT), ("charts/redis-cluster-1.0.0.tgz", "")]),
        "charts/web/Chart.yaml:5:3",
        &[
            "depends on `redis 18.1.5` from `https://charts.example/stable`",
            "not in `charts/`",
            "`url = \"https://charts.example/stable/redis-18.1.5.tgz\"`",
            "`trees = { \"charts/redis\" = \"source.redis\" }`",
        ],
    );
    for there in [
        ("charts/redis-18.1.5.tgz", ""),
        ("charts/redis.tgz", ""),
        ("charts/vendored.tgz", ""),
        ("charts/redis/Chart.yaml", "name: redis\n"),
        ("charts/elsewhere/Chart.yaml", "name: redis\n"),
    ] {
        assert_eq!(chart(&[("Chart.yaml", ABOUT), there]), "", "{there:?}");
    }
    // A range says no version that a URL could have.
    let old =
        "dependencies:\n- name: lib\n  version: ~1.2.0\n  repository: https://charts.example/\n";
    let told = chart(&[("Chart.yaml", "apiVersion: v1\nname: web\n"), ("requirements.yaml", old)]);
    only(&told, "charts/web/requirements.yaml:2:3", &["https://charts.example/lib-VERSION.tgz"]);
    let near = "name: web\ndependencies:\n- {name: lib, repository: 'file://../lib'}\n";
    only(&chart(&[("Chart.yaml", near)]), "charts/web/Chart.yaml:3:3", &["make `../lib` a source"]);
}

#[test]
fn a_directory_that_is_no_chart_and_a_library_are_told() {
    let told = chart(&[("web/Chart.yaml", "name: web\n"), ("README", "")]);
    only(&told, "recipe", &["`charts/web` has no `Chart.yaml`", "say `path = \"charts/web/web\"`"]);
    let told = chart(&[("Chart.yaml", "name: lib\ntype: library\n")]);
    only(&told, "charts/web/Chart.yaml:2:7", &["a library chart has no objects"]);
    let told = chart(&[("Chart.yaml", "name: [\n")]);
    assert!(told.contains("charts/web/Chart.yaml:") && told.contains("[yaml]"), "{told}");
}
