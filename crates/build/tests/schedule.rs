//! What a build executes, told by counting calls of assemblers that only pretend.

#![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]

use groundup_build::{
    AssembleCall, AssembleError, Assemblers, BuildOptions, Clock, DefaultLimits, Event, Holder,
    Inputs, KeepGoing, Order, Outcome, Report, Rerun, Surroundings,
};
use groundup_digest::{BlobId, ObjectId};
use groundup_plan::{Assembler, Fetch, Goal, Leaves, Plan, PlanOptions, plan};
use groundup_recipe::{Lock, MemoryLoader, Platform, Selected, load};
use groundup_store::{OpenOptions, Store};
use std::{
    collections::BTreeMap,
    error::Error,
    num::NonZeroUsize,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

const WORKSPACE: &str = r#"
[workspace]
name = "test"
epoch = 1735689600
platforms = ["linux/amd64"]
"#;

/// Two root file systems, one over the other, and an image of the upper.
const RECIPE: &str = r#"
[rootfs.lower]
files = [{ path = "/a", source = "a.txt" }]

[rootfs.upper]
trees = ["rootfs.lower"]
files = [{ path = "/b", text = "b" }]

[image.x]
trees = ["rootfs.upper"]
layers = { max = 2 }
"#;

/// Gives outputs that depend on all inputs, except that the content of leaves is halved: `a.txt`
/// with "1" and "2" make the same tree, as a compiler may do with a comment.
#[derive(Default)]
struct Pretend {
    calls: Mutex<Vec<String>>,
    fails: Option<Assembler>,
    /// Whose calls end when this is set.
    held: Option<(Assembler, AtomicBool)>,
}

impl Assemblers for Pretend {
    fn call(&self, call: &AssembleCall<'_>) -> Result<BTreeMap<String, ObjectId>, AssembleError> {
        self.calls.lock().unwrap().push(call.assembler.name().to_owned());
        if self.fails == Some(call.assembler) {
            return Err("it was told to fail".into());
        }
        if let Some((held, let_go)) = &self.held
            && *held == call.assembler
        {
            while !let_go.load(Ordering::Relaxed) {
                std::thread::yield_now();
            }
        }
        let mut text = format!("{}{}", call.assembler, call.params);
        for (name, id) in call.inputs {
            let content = match (name.starts_with("file."), id) {
                (true, ObjectId::Blob(blob)) => {
                    let number: u32 = String::from_utf8(call.store.read_blob(*blob)?)?.parse()?;
                    format!("{}", number / 3)
                }
                _ => id.to_string(),
            };
            text.push_str(&format!("{name}={content}"));
        }
        let outputs: &[&str] = match call.assembler {
            Assembler::DebianRootfs => &["origins", "out"],
            Assembler::ImageSplit => &["deletions", "labels", "layer.00", "layer.01"],
            Assembler::ImageLayer => &["facts", "layer"],
            _ => &["out"],
        };
        let mut made = BTreeMap::new();
        for output in outputs {
            let blob = call.store.put_blob(format!("{text}{output}").as_bytes())?.blob;
            made.insert((*output).to_owned(), ObjectId::Blob(blob));
        }
        Ok(made)
    }
}

struct NoInputs;

impl Inputs for NoInputs {
    fn fetch(
        &self,
        _: &Fetch,
        _: &str,
        _: &dyn Fn(u64),
        _: &AtomicBool,
    ) -> Result<ObjectId, Box<dyn Error + Send + Sync>> {
        Err("nothing is fetched here".into())
    }
}

struct NoClock;

impl Clock for NoClock {
    fn now_ms(&self) -> u64 {
        0
    }
}

struct Bench {
    _dir: tempfile::TempDir,
    store: Store,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("store"), &OpenOptions::default()).unwrap();
        Self { _dir: dir, store }
    }

    fn plan(&self, recipe: &str, a: &str) -> Plan {
        let files = [("groundup.toml", format!("{WORKSPACE}\n{recipe}")), ("a.txt", String::new())];
        let loaded = load(&MemoryLoader::new(files)).unwrap();
        let blob = self.store.put_blob(a.as_bytes()).unwrap().blob;
        let leaves = Leaves::from([("file:a.txt".to_owned(), ObjectId::Blob(blob))]);
        let options = PlanOptions {
            sandbox: 1,
            ownership: 1,
            host: Platform::LinuxAmd64,
            goal: Goal::Outputs,
        };
        let targets = [Selected::whole("image.x".parse().unwrap())];
        plan(&loaded.workspace, &Lock::default(), &leaves, &targets, &options).unwrap()
    }

    fn build(&self, plan: &Plan, assemblers: &Pretend, options: &BuildOptions) -> Report {
        self.build_until(plan, assemblers, options, &AtomicBool::new(false), |_| {})
    }

    fn build_until(
        &self,
        plan: &Plan,
        assemblers: &Pretend,
        options: &BuildOptions,
        cancel: &AtomicBool,
        events: impl FnMut(Event),
    ) -> Report {
        let surroundings = Surroundings {
            store: &self.store,
            inputs: &NoInputs,
            assemblers,
            host: Platform::LinuxAmd64,
            limits: DefaultLimits::default(),
            clock: &NoClock,
            by: "tester@test".into(),
            version: "0".into(),
            jobs_hint: 1,
        };
        surroundings.build(plan, options, cancel, events).unwrap()
    }

    /// Builds and gives what was called, sorted.
    fn calls(&self, recipe: &str, a: &str) -> Vec<String> {
        let assemblers = Pretend::default();
        let report = self.build(&self.plan(recipe, a), &assemblers, &options());
        assert!(report.is_complete());
        let mut calls = assemblers.calls.into_inner().unwrap();
        calls.sort();
        calls
    }
}

fn options() -> BuildOptions {
    BuildOptions {
        jobs: NonZeroUsize::new(4).unwrap(),
        fetches: NonZeroUsize::MIN,
        keep_going: KeepGoing::No,
        order: Order::LongestFirst,
        rerun: Rerun::default(),
        reuse: groundup_build::Reuse::Yes,
    }
}

const ALL: [&str; 7] = [
    "debian.rootfs",
    "debian.rootfs",
    "image.index",
    "image.layer",
    "image.layer",
    "image.manifest",
    "image.split",
];

#[test]
fn the_second_build_runs_nothing() {
    let bench = Bench::new();
    assert_eq!(bench.calls(RECIPE, "0"), ALL);
    assert!(bench.calls(RECIPE, "0").is_empty());
}

#[test]
fn comments_and_reordered_tables_run_nothing() {
    let bench = Bench::new();
    bench.calls(RECIPE, "0");
    let mut parts: Vec<_> = RECIPE.trim().split("\n\n").collect();
    parts.reverse();
    let reordered = format!("# Another comment.\n{}\n", parts.join("\n\n"));
    assert!(bench.calls(&reordered, "0").is_empty());
}

#[test]
fn an_edit_that_makes_the_same_bytes_stops_there() {
    let bench = Bench::new();
    bench.calls(RECIPE, "0");
    assert_eq!(bench.calls(RECIPE, "1"), ["debian.rootfs"]);
    assert!(bench.calls(RECIPE, "1").is_empty());
}

#[test]
fn a_real_edit_runs_what_depends_on_it() {
    let bench = Bench::new();
    bench.calls(RECIPE, "0");
    assert_eq!(bench.calls(RECIPE, "3"), ALL);
    let upper = RECIPE.replace("text = \"b\"", "text = \"c\"");
    assert_eq!(bench.calls(&upper, "3").iter().filter(|call| *call == "debian.rootfs").count(), 1);
}

#[test]
fn order_and_job_count_change_no_output() {
    let outputs = |jobs, order| {
        let bench = Bench::new();
        let jobs = NonZeroUsize::new(jobs).unwrap();
        let options = BuildOptions { jobs, order, ..options() };
        let report = bench.build(&bench.plan(RECIPE, "0"), &Pretend::default(), &options);
        report.targets[0].outputs.clone()
    };
    let first = outputs(1, Order::LongestFirst);
    assert!(first.is_some());
    for seed in 0..5 {
        assert_eq!(outputs(8, Order::Shuffled(seed)), first);
    }
}

#[test]
fn a_failure_skips_only_what_needs_it() {
    let bench = Bench::new();
    let recipe = format!("{RECIPE}\n[rootfs.apart]\nfiles = [{{ path = \"/c\", text = \"c\" }}]\n");
    let assemblers = Pretend { fails: Some(Assembler::ImageSplit), ..Pretend::default() };
    let options = BuildOptions { keep_going: KeepGoing::Yes, ..options() };
    let report = bench.build(&bench.plan(&recipe, "0"), &assemblers, &options);
    assert!(!report.is_complete());
    assert_eq!(report.count(Outcome::Failed), 1);
    assert_eq!(report.count(Outcome::Built), 2);
    assert_eq!(report.count(Outcome::Skipped), 4);
    let (_, failure) = report.failures().next().unwrap();
    assert_eq!(failure.headline(), "it was told to fail");
    // A failure is no result: the next build tries again.
    assert_eq!(bench.calls(RECIPE, "0").len(), 5);
}

#[test]
fn a_step_that_waits_for_an_equal_one_of_the_same_build_says_so() {
    let bench = Bench::new();
    let twin = RECIPE
        .replace("[rootfs.upper]", "[rootfs.twin]\nextends = \"rootfs.lower\"\n\n[rootfs.upper]");
    let twins =
        twin.replace("trees = [\"rootfs.lower\"]", "trees = [\"rootfs.lower\", \"rootfs.twin\"]");
    let held = Some((Assembler::DebianRootfs, AtomicBool::new(false)));
    let assemblers = Pretend { held, ..Pretend::default() };
    let (_, let_go) = assemblers.held.as_ref().unwrap();
    let mut holders = Vec::new();
    let never = AtomicBool::new(false);
    let report =
        bench.build_until(&bench.plan(&twins, "0"), &assemblers, &options(), &never, |event| {
            if let Event::Waiting { holder, .. } = event {
                holders.push(holder);
                let_go.store(true, Ordering::Relaxed);
            }
        });
    assert!(report.is_complete());
    assert_eq!(holders.first(), Some(&Holder::EqualStep));
    assert_eq!(assemblers.calls.into_inner().unwrap().len(), ALL.len());
}

#[test]
fn content_that_is_gone_is_made_again_only_when_needed() {
    let bench = Bench::new();
    let plan = bench.plan(RECIPE, "0");
    let report = bench.build(&plan, &Pretend::default(), &options());
    let blob_of = |label: &str, output: &str| {
        let mut steps = plan.indexed().filter(|(_, step)| step.label.to_string() == label);
        let (index, _) = steps.next().unwrap();
        report.step(index).outputs[output].blob().unwrap()
    };
    let gone = |blob: BlobId| {
        let text = blob.to_string();
        let file = bench.store.path().join("blobs").join(&text[..2]).join(&text[2..]);
        std::fs::remove_file(file).unwrap();
    };
    gone(blob_of("rootfs.upper merge linux/amd64", "out"));
    assert!(bench.calls(RECIPE, "0").is_empty(), "nothing needs it");
    gone(blob_of("image.x index", "out"));
    assert_eq!(bench.calls(RECIPE, "0"), ["image.index"], "the target itself is needed");
    gone(blob_of("image.x index", "out"));
    gone(blob_of("image.x manifest linux/amd64", "out"));
    assert_eq!(bench.calls(RECIPE, "0"), ["image.index", "image.manifest"]);
}

#[test]
fn a_rerun_that_differs_is_reported_and_the_first_answer_stays() {
    let bench = Bench::new();
    let plan = bench.plan(RECIPE, "0");
    let first = bench.build(&plan, &Pretend::default(), &options());
    struct Otherwise(Pretend);
    impl Assemblers for Otherwise {
        fn call(
            &self,
            call: &AssembleCall<'_>,
        ) -> Result<BTreeMap<String, ObjectId>, AssembleError> {
            let mut made = self.0.call(call)?;
            let other = call.store.put_blob(b"otherwise")?.blob;
            made.values_mut().for_each(|id| *id = ObjectId::Blob(other));
            Ok(made)
        }
    }
    let index = plan.indexed().find(|(_, step)| step.label.role == "manifest").unwrap().0;
    let rerun = Rerun { steps: [index].into() };
    let options = BuildOptions { rerun, ..options() };
    let surroundings = Surroundings {
        store: &bench.store,
        inputs: &NoInputs,
        assemblers: &Otherwise(Pretend::default()),
        host: Platform::LinuxAmd64,
        limits: DefaultLimits::default(),
        clock: &NoClock,
        by: String::new(),
        version: String::new(),
        jobs_hint: 1,
    };
    let mut differs = Vec::new();
    let report = surroundings
        .build(&plan, &options, &AtomicBool::new(false), |event| {
            if let Event::Differs { outputs, .. } = event {
                differs.extend(outputs);
            }
        })
        .unwrap();
    let [differing] = &differs[..] else { panic!("{differs:?}") };
    assert_eq!(differing.output, "out");
    assert_eq!(differing.first, first.steps[index.get()].outputs["out"]);
    assert_ne!(differing.first, differing.other);
    assert_eq!(report.targets[0].outputs, first.targets[0].outputs);
    assert_eq!(bench.store.unstable().unwrap().len(), 1);
}

#[test]
fn an_interrupted_build_starts_nothing_more() {
    let bench = Bench::new();
    let plan = bench.plan(RECIPE, "0");
    let cancel = AtomicBool::new(false);
    let assemblers = Pretend::default();
    let report = bench.build_until(&plan, &assemblers, &options(), &cancel, |event| {
        if let Event::Finished { .. } = event {
            cancel.store(true, Ordering::Relaxed);
        }
    });
    assert!(report.interrupted);
    assert!(!report.is_complete());
    assert_eq!(assemblers.calls.into_inner().unwrap().len(), 1);
}
