//! Pairs of packages and of small roots, compared by diffoscope and by us, claim by claim.
//!
//! Both are given the same files. What diffoscope reports is read as claims about names, metadata,
//! lines, symbols and fields ([`claims`]), and each is looked up in our report. What is neither found
//! nor excused by the table of exceptions is a miss.
//!
//! The pairs, the tools and the archives that they come from are pinned in a workspace of their own.

mod exceptions;
mod listings;
mod ours;
mod theirs;

pub use exceptions::{Exception, table};
pub use ours::{Found, Ours};
pub use theirs::claims;

use crate::{copy, in_workspace, repository, succeed, told};
use groundup_recipe::{
    Lock, Platform, Sources,
    lock::{PackageId, PackageOrigin},
};
use serde_json::Value;
use std::{
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The pairs, one a line.
const PAIRS: &str = include_str!("compared/pairs.txt");
/// Seconds that diffoscope may take for a pair.
const PATIENCE: &str = "300";

/// Unpacks `$layer` to the directory `$to`, as whoever calls.
const UNPACK: &str = r#"mkdir "$to"; tar -C "$to" --no-same-owner --same-permissions -xf "$layer""#;

/// What kind of thing is claimed to differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Something came.
    Added,
    /// Something went.
    Removed,
    /// Something has another name.
    Renamed,
    /// Mode, owner, group, device or target.
    Metadata,
    /// Times of entries, with how many.
    Times,
    /// A file differs.
    Content,
    /// A line of a text came or went.
    Line,
    /// A field of a package.
    Field,
    /// A symbol that others see came, went or changed.
    Symbol,
    /// What the loader or a version is needed of, or offered.
    Needs,
    /// The identity of a build.
    BuildId,
    /// A section of a program came or went.
    Section,
    /// A field of the header of a program.
    Header,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Added,
        Self::Removed,
        Self::Renamed,
        Self::Metadata,
        Self::Times,
        Self::Content,
        Self::Line,
        Self::Field,
        Self::Symbol,
        Self::Needs,
        Self::BuildId,
        Self::Section,
        Self::Header,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Renamed => "renamed",
            Self::Metadata => "metadata",
            Self::Times => "times",
            Self::Content => "content",
            Self::Line => "line",
            Self::Field => "field",
            Self::Symbol => "symbol",
            Self::Needs => "needs",
            Self::BuildId => "build-id",
            Self::Section => "section",
            Self::Header => "header",
        }
    }
}

/// A place in both things: names of entries, the outermost first; what is unpacked is `content`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Place {
    before: Vec<String>,
    after: Vec<String>,
}

impl Place {
    fn inside(&self, before: &str, after: &str) -> Self {
        let mut place = self.clone();
        place.before.push(before.to_owned());
        place.after.push(after.to_owned());
        place
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.after.join(">"))
    }
}

/// One thing that differs.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Where.
    pub place: Place,
    /// What kind of thing.
    pub kind: Kind,
    /// What of it.
    pub what: String,
    /// What it was.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
    /// How many of it, if it is a line.
    pub times: i64,
    /// The words of a line that no line of the other side has.
    pub words: Vec<String>,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = |text: &Option<String>| {
            text.as_deref().unwrap_or("-").chars().take(120).collect::<String>()
        };
        let (before, after) = (short(&self.before), short(&self.after));
        write!(f, "{}: {} {}: {before:?} -> {after:?}", self.place, self.kind.name(), self.what)
    }
}

/// One pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// What it is called.
    pub name: String,
    form: Form,
    /// The targets that have it, the older one first.
    targets: [String; 2],
}

/// As what a pair is given.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    /// The file of a package.
    Deb(String),
    /// A root as a tar archive.
    Tar,
    /// A root as a directory.
    Directory,
    /// A root as a squashfs image.
    Squashfs,
    /// A root as an initramfs.
    Cpio,
}

/// All pairs: `NAME FORM BEFORE AFTER`, where FORM of a package is `deb`, or `deb:PACKAGE` if it is not
/// called as the pair is.
pub fn pairs() -> Vec<Pair> {
    let lines = PAIRS.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let pairs = lines.map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, form, before, after] = words[..] else { panic!("four words: {line}") };
        let form = match form {
            "deb" => Form::Deb(name.to_owned()),
            "tar" => Form::Tar,
            "directory" => Form::Directory,
            "squashfs" => Form::Squashfs,
            "cpio" => Form::Cpio,
            form => Form::Deb(form.strip_prefix("deb:").expect("a form").to_owned()),
        };
        Pair { name: name.to_owned(), form, targets: [before, after].map(str::to_owned) }
    });
    pairs.collect()
}

/// A workspace with the tools, and the files of all packages.
pub struct Comparison {
    root: PathBuf,
    lock: Lock,
}

impl Comparison {
    /// Prepares one below `root`: an empty directory, or where one was prepared before.
    pub fn prepare(root: &Path) -> Self {
        copy(&repository().join("tests/compared/workspace"), root);
        succeed(in_workspace(root).args(["vendor", "pins"]));
        succeed(in_workspace(root).args(["build", "--no-out", "rootfs.diffoscope"]));
        let text = fs::read_to_string(root.join("groundup.lock")).expect("the lock is there");
        let lock = Lock::parse(&mut Sources::new(), "groundup.lock", &text).expect("a good lock");
        fs::create_dir_all(root.join("pairs")).expect("a directory of the test");
        Self { root: root.to_owned(), lock }
    }

    /// Both reports of a pair: theirs, and ours.
    pub fn reports(&self, pair: &Pair) -> [Value; 2] {
        let names = ["before", "after"].map(|side| format!("pairs/{}.{side}", pair.name));
        for (target, name) in pair.targets.iter().zip(&names) {
            if !self.root.join(name).exists() {
                self.lay_out(pair, target, name);
            }
        }
        (self.theirs(pair, &names), self.ours(pair, &names)).into()
    }

    /// What diffoscope says of two files; what it has said already is taken.
    fn theirs(&self, pair: &Pair, [before, after]: &[String; 2]) -> Value {
        let json = format!("pairs/{}.theirs.json", pair.name);
        if let Ok(said) = fs::read(self.root.join(&json)) {
            return serde_json::from_slice(&said).expect("JSON");
        }
        let program = ["/usr/bin/timeout", PATIENCE, "/usr/bin/diffoscope", "--no-default-limits"];
        let mut run = self.in_tools();
        let output = run.args(program).args(["--json", &json, before, after]).output();
        let output = output.expect("the program starts");
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        let said = fs::read(self.root.join(&json)).expect("diffoscope wrote its report");
        serde_json::from_slice(&said).expect("JSON")
    }

    /// What we say of two files.
    fn ours(&self, pair: &Pair, names: &[String; 2]) -> Value {
        let mut run = in_workspace(&self.root);
        run.args(["diff", "--all", "--json"])
            .args(names.each_ref().map(|name| format!("./{name}")));
        let output = run.output().expect("the program starts");
        assert_eq!(output.status.code(), Some(1), "{}", told(&output));
        let json = self.root.join(format!("pairs/{}.ours.json", pair.name));
        fs::write(json, &output.stdout).expect("a file of the test");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn in_tools(&self) -> Command {
        let mut command = in_workspace(&self.root);
        command.args(["run", "rootfs.diffoscope", "--"]);
        command
    }

    /// Puts one side of a pair where both find it.
    fn lay_out(&self, pair: &Pair, target: &str, name: &str) {
        let to = self.root.join(name);
        match &pair.form {
            Form::Deb(package) => {
                let file = self.package(target, package);
                fs::hard_link(file, to).expect("a file of the test");
            }
            Form::Tar => self.pack(target, name, r#"cp "$layer" "$to""#),
            Form::Directory => self.pack(target, name, UNPACK),
            Form::Squashfs => {
                let script = r#"mksquashfs - "$to" -tar -all-root -quiet -no-progress < "$layer" > /dev/null"#;
                self.pack(target, name, script);
            }
            Form::Cpio => self.pack(
                target,
                name,
                &format!(
                    r#"at="$PWD"; to=/tmp/root; {UNPACK}; cd /tmp/root
                    find . | LC_ALL=C sort | cpio -o -H newc --quiet -R 0:0 > "$at/{name}""#
                ),
            ),
        }
    }

    /// Lets the tools make something of the only layer of an image.
    fn pack(&self, target: &str, name: &str, script: &str) {
        let out = self.root.join("out").join(target);
        succeed(in_workspace(&self.root).args(["build", "--out"]).arg(&out).arg(target));
        let is_layout = |path: &Path| path.join("oci-layout").exists();
        let layout = walkdir::WalkDir::new(&out)
            .into_iter()
            .filter_map(Result::ok)
            .map(walkdir::DirEntry::into_path)
            .find(|path| is_layout(path));
        let layout = layout.expect("the image is a layout");
        let blob = |digest: &Value| {
            let digest = digest.as_str().expect("a digest").replace(':', "/");
            layout.join("blobs").join(digest)
        };
        let document = |path: PathBuf| -> Value {
            serde_json::from_slice(&fs::read(path).expect("a document")).expect("JSON")
        };
        let index = document(layout.join("index.json"));
        let manifest = document(blob(&index["manifests"][0]["digest"]));
        let layers = manifest["layers"].as_array().expect("layers");
        assert_eq!(layers.len(), 1, "the image has one layer");
        let packed = blob(&layers[0]["digest"]);
        let packed = packed.strip_prefix(&self.root).expect("it lies in the workspace");
        let script = format!(
            r#"layer=/tmp/layer.tar; to="{name}"; gzip -dc "{}" > "$layer"; {script}"#,
            packed.display()
        );
        succeed(self.in_tools().args(["/bin/sh", "-euc", &script]));
    }

    /// The file of a package in the pins of a root.
    fn package(&self, target: &str, package: &str) -> PathBuf {
        let (package, arch) = package.split_once(':').unwrap_or((package, "amd64"));
        let platform = if arch == "arm64" { Platform::LinuxArm64 } else { Platform::LinuxAmd64 };
        let root = target.strip_prefix("rootfs.").unwrap_or(target).to_owned();
        let pin = &self.lock.rootfs[&(root, platform)].value;
        let is_it =
            |id: &&PackageId| id.name == package && matches!(id.origin, PackageOrigin::Archive(_));
        let id = pin.packages.iter().map(|it| &it.value).find(is_it);
        let file = &self.lock.packages[id.expect("the root has the package")].value;
        self.root.join("pins/sha256").join(file.sha256.to_string())
    }
}

/// What became of the claims of a pair.
#[derive(Debug, Default)]
pub struct Judged {
    /// How many of each kind were claimed, found as claimed, told as a whole, and excused.
    pub counts: std::collections::BTreeMap<Kind, [usize; 4]>,
    /// Those that were not found.
    pub missed: Vec<Claim>,
}

/// Looks up each claim of theirs in our report.
pub fn judge(pair: &str, theirs: &Value, ours: &Value, exceptions: &[Exception]) -> Judged {
    let ours = Ours::read(ours);
    let mut judged = Judged::default();
    for claim in claims(theirs) {
        let counts = judged.counts.entry(claim.kind).or_default();
        counts[0] += 1;
        match ours.has(&claim) {
            Some(Found::Same) => counts[1] += 1,
            Some(Found::Whole) => counts[2] += 1,
            None if exceptions.iter().any(|it| it.excuses(pair, &claim)) => counts[3] += 1,
            None => judged.missed.push(claim),
        }
    }
    judged
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A package whose control file, a library, a link and a mode differ, as diffoscope tells of it.
    fn theirs() -> Value {
        let entry = |mode: &str, name: &str| {
            format!(
                "{mode}   0 root         (0) root         (0)       54 2021-03-27 22:33:28.000000 {name}"
            )
        };
        let listing = format!(
            "@@ -1,3 +1,3 @@\n-{}\n-{}\n-{}\n+{}\n+{}\n+{}\n",
            entry("-rw-r--r--", "./usr/bin/a"),
            entry("-rw-r--r--", "./gone"),
            entry("lrwxrwxrwx", "./link -> a"),
            entry("-rwsr-xr-x", "./usr/bin/a"),
            entry("-rw-r--r--", "./new"),
            entry("lrwxrwxrwx", "./link -> b"),
        );
        let symbols = "@@ -1 +1 @@\n\
            -     7: 0000000000000000     0 FUNC    GLOBAL DEFAULT  UND stat@GLIBC_2.33 (5)\n\
            -     8: 0000000000001000    16 FUNC    GLOBAL DEFAULT   12 b@@V_1\n\
            +     8: 0000000000002000    32 FUNC    WEAK   DEFAULT   12 b@@V_1\n";
        let file = |name: &str, details: Value| json!({"source1": name, "source2": name, "unified_diff": null, "details": details});
        let told = |name: &str, text: &str| json!({"source1": name, "source2": name, "unified_diff": text, "details": []});
        let control = "@@ -1,2 +1,2 @@\n Package: a\n-Version: 1\n+Version: 2\n same\n";
        let inner = file("control.tar", json!([told("./control", control)]));
        let library = file("./lib.so", json!([told("readelf --wide --symbols {}", symbols)]));
        let details =
            json!([told("file list", &listing), file("control.tar.xz", json!([inner])), library,]);
        file("a.deb", details)
    }

    fn said() -> Value {
        let row = |path: &[&str], change: &str, findings: Value| json!({"change": change, "places": [{"path": path}], "findings": findings});
        json!({"rows": [
            row(&["usr/bin/a"], "changed", json!([
                {"kind": "metadata", "what": "mode", "before": "0644", "after": "4755"},
            ])),
            row(&["link"], "changed", json!([
                {"kind": "entry", "what": "target", "before": "a", "after": "b"},
            ])),
            row(&["gone"], "removed", json!([])),
            row(&["new"], "added", json!([])),
            row(&["lib.so"], "changed", json!([
                {"kind": "symbol", "what": "needs", "before": "stat@GLIBC_2.33"},
                {"kind": "symbol", "what": "offers b@@V_1", "before": "function", "after": "weak function"},
            ])),
            row(&["control.tar.xz", "content", "control"], "changed", json!([
                {"kind": "line", "what": "line 2", "before": "Version: 1", "after": "Version: 2"},
            ])),
        ]})
    }

    fn missed(ours: &Value) -> Vec<(Kind, String)> {
        let missed = judge("a", &theirs(), ours, &[]).missed;
        missed.into_iter().map(|claim| (claim.kind, claim.what)).collect()
    }

    #[test]
    fn what_both_say_is_found() {
        assert_eq!(missed(&said()), []);
        let claims = claims(&theirs());
        let count = |kind| claims.iter().filter(|claim| claim.kind == kind).count();
        let counts =
            [Kind::Metadata, Kind::Added, Kind::Removed, Kind::Symbol, Kind::Line, Kind::Field];
        assert_eq!(counts.map(count), [2, 1, 1, 2, 2, 1]);
    }

    #[test]
    fn what_a_report_leaves_out_is_missed() {
        let all = said();
        for (row, kinds) in [
            (0, vec![Kind::Metadata]),
            (1, vec![Kind::Metadata]),
            (2, vec![Kind::Removed]),
            (3, vec![Kind::Added]),
            (4, vec![Kind::Content, Kind::Symbol, Kind::Symbol]),
            (
                5,
                vec![
                    Kind::Content,
                    Kind::Content,
                    Kind::Content,
                    Kind::Line,
                    Kind::Line,
                    Kind::Field,
                ],
            ),
        ] {
            let mut less = all.clone();
            less["rows"].as_array_mut().expect("rows").remove(row);
            let mut found: Vec<Kind> = missed(&less).into_iter().map(|(kind, _)| kind).collect();
            found.sort();
            assert_eq!(found, kinds, "row {row}");
        }
    }

    #[test]
    fn a_value_that_is_told_otherwise_is_missed() {
        let mut other = said();
        other["rows"][0]["findings"][0]["after"] = json!("0755");
        other["rows"][5]["findings"][0]["after"] = json!("Version: 3");
        let mut kinds: Vec<Kind> = missed(&other).into_iter().map(|(kind, _)| kind).collect();
        kinds.sort();
        assert_eq!(kinds, [Kind::Metadata, Kind::Line, Kind::Field]);
    }

    #[test]
    fn every_line_of_the_tables_is_read() {
        assert!(pairs().len() >= 30);
        assert!(table().iter().all(|it| it.reason.len() > 10));
    }
}
