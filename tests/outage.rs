//! Outages that happened, rebuilt small: a workspace before and after, and what a comparison tells,
//! alone and among fifty changes that have nothing to do with it.

use crate::tiny::{Tiny, shell};
use groundup_testkit::Deb;
use serde_json::Value;

/// A workspace before and after, and what has to be told first.
#[derive(Debug)]
pub struct Outage {
    /// What `recipes/tiny.toml` says.
    pub recipes: &'static str,
    /// Files of the repository before.
    pub files: Vec<(&'static str, String)>,
    /// Packages before.
    pub packages: Vec<Deb>,
    /// Files of the repository after.
    pub files_after: Vec<(&'static str, String)>,
    /// Packages after.
    pub packages_after: Vec<Deb>,
    /// What is built and compared.
    pub target: &'static str,
    /// What the first cause begins with.
    pub cause: &'static str,
    /// What the first row says.
    pub first: &'static [&'static str],
    /// What is said somewhere.
    pub told: &'static [&'static str],
}

/// What moves beside the cause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Nothing.
    Nothing,
    /// Fifty files of documentation, data, programs and libraries.
    FiftyChanges,
}

/// What a comparison tells.
#[derive(Debug)]
pub struct Compared {
    /// What moved beside the cause.
    pub beside: Beside,
    /// The report.
    pub report: Value,
    /// The report for people.
    pub text: String,
}

/// Builds both states and compares them, alone and among other changes. A rebuild of the state before
/// has to be equal, and what the outage expects has to be told.
#[track_caller]
pub fn rebuilt(outage: &Outage) -> Vec<Compared> {
    let mut all = Vec::new();
    for beside in [Beside::Nothing, Beside::FiftyChanges] {
        let mut tiny = Tiny::with_packages(outage.recipes, archive(&outage.packages, "1"));
        tiny.workspace.write(".gitignore", "/store*\n/out*\n/groundup.local.toml\n");
        write(&tiny, &outage.files);
        tiny.says(&["lock"]);
        tiny.git(&["init", "-q"]);
        tiny.commit("before");
        tiny.build(&[outage.target]);
        let before = format!("HEAD:{}", outage.target);
        control(&tiny, &before, outage.target);

        let version = if beside == Beside::Nothing { "1" } else { "2" };
        tiny.publish(archive(&outage.packages_after, version));
        write(&tiny, &outage.files_after);
        tiny.git(&["add", "-A"]);
        tiny.says(&["update"]);
        tiny.build(&[outage.target]);
        let report = tiny.differs(&["diff", &before, outage.target]);
        let text = tiny.run(&["diff", &before, outage.target]).out;
        let compared = Compared { beside, report, text };
        compared.check(outage);
        all.push(compared);
    }
    all
}

/// The same lock, built again elsewhere, is equal.
#[track_caller]
fn control(tiny: &Tiny, before: &str, target: &str) {
    let same = tiny.answer(&["diff", before, target]);
    assert_eq!(same["verdict"], "equal", "{same}");
    tiny.says(&["build", target, "--out", "out"]);
    tiny.says(&["--store", "store-2", "build", target, "--out", "out-2"]);
    let same = tiny.answer(&["diff", &format!("out/{target}"), &format!("out-2/{target}")]);
    assert_eq!(same["verdict"], "equal", "{same}");
}

impl Compared {
    #[track_caller]
    fn check(&self, outage: &Outage) {
        let Self { beside, report, .. } = self;
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let cause = &report["causes"][0];
        let [kind, what, change] = ["kind", "what", "change"].map(|key| text(&cause[key]));
        let cause = format!("{kind} {what}: {change}");
        assert!(
            cause.starts_with(outage.cause),
            "{beside:?}: {cause}, not {}: {report:#}",
            outage.cause
        );
        let first = report["rows"][0].to_string();
        for words in outage.first {
            assert!(first.contains(words), "{beside:?}: `{words}` is not in {first}");
        }
        let all = report["rows"].to_string();
        for words in outage.told {
            assert!(all.contains(words), "{beside:?}: `{words}` is not in {all}");
        }
        if *beside == Beside::FiftyChanges {
            assert!(report["counts"]["changed"].as_u64() >= Some(50), "{}", report["counts"]);
        }
    }

    /// The number of the first row that has all of these words, from 0.
    pub fn row_with(&self, words: &[&str]) -> Option<usize> {
        let rows = self.report["rows"].as_array()?;
        rows.iter().position(|row| words.iter().all(|word| row.to_string().contains(word)))
    }
}

/// Fifty things that move at the same time: documentation, data, programs, a library.
fn bulk(version: &str) -> Deb {
    let mut deb = Deb::new("bulk", version, "all");
    for number in 0..50 {
        let path = match number % 5 {
            0 => format!("usr/share/doc/bulk/{number}.txt"),
            1 => format!("usr/share/bulk/{number}.dat"),
            2 => format!("usr/bin/bulk-{number}"),
            3 => format!("usr/lib/bulk/{number}.so"),
            _ => format!("usr/share/locale/de/LC_MESSAGES/{number}.txt"),
        };
        deb = deb.file(&path, format!("{number} of {version}\n"), 0o644);
    }
    deb
}

fn archive(packages: &[Deb], bulk_version: &str) -> Vec<Deb> {
    let mut all = vec![shell("1"), bulk(bulk_version)];
    all.extend(packages.iter().cloned());
    all
}

fn write(tiny: &Tiny, files: &[(&'static str, String)]) {
    for (path, text) in files {
        tiny.workspace.write(path, text);
    }
}

/// The document of the API of a cluster whose kinds stand in the recipe (`unchecked`); it knows one.
pub const OPENAPI: &str = r#"{"swagger": "2.0", "info": {"version": "v1.20.0"},
 "paths": {"/api/v1/namespaces/{namespace}/configmaps": {"post": {"x-kubernetes-group-version-kind":
   {"group": "", "version": "v1", "kind": "ConfigMap"}}}},
 "definitions": {"io.k8s.api.core.v1.ConfigMap": {"type": "object", "properties": {
   "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}},
   "x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "ConfigMap"}]}}}"#;
