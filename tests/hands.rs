//! Many processes on one store: builds of overlapping targets, with collections and verifications
//! beside them.

use crate::tiny::{Running, Said, Tiny, build};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

/// How many processes build at the same time.
const HANDS: usize = 8;
/// How many targets there are; each process builds some of them.
const TARGETS: usize = 6;

/// A workspace that many processes build.
#[derive(Debug)]
pub struct Hands {
    tiny: Tiny,
    round: usize,
    /// How many collections ended well meanwhile.
    pub collections: usize,
    /// How many verifications ended well meanwhile.
    pub verifications: usize,
    /// How many steps were run.
    pub steps: usize,
}

fn recipes() -> String {
    let mut text = "[rootfs.base]\npackages = [\"tiny-sh\"]\n\n".to_owned();
    for target in 0..TARGETS {
        let deps = if target == 0 {
            String::new()
        } else {
            format!("deps = {{ before = \"build.t{}\" }}\n", target - 1)
        };
        text += &format!("[source.s{target}]\npath = \"s{target}\"\n\n");
        let script = format!("copy /src/s/text /out/text\necho step {target}");
        let sources = format!("sources = {{ s = \"source.s{target}\" }}\n{deps}");
        text += &build(&format!("t{target}"), &script, &sources);
    }
    text
}

impl Default for Hands {
    fn default() -> Self {
        Self::new()
    }
}

impl Hands {
    /// A workspace with a lock.
    pub fn new() -> Self {
        let tiny = Tiny::unlocked(&recipes());
        for target in 0..TARGETS {
            tiny.workspace.write(&format!("s{target}/text"), "first\n");
        }
        tiny.says(&["lock"]);
        Self { tiny, round: 0, collections: 0, verifications: 0, steps: 0 }
    }

    /// Edits every source, lets all processes build, and says what did not hold.
    pub fn round(&mut self) -> Result<(), String> {
        self.round += 1;
        for target in 0..TARGETS {
            let text = format!("round {} target {target}\n", self.round);
            self.tiny.workspace.write(&format!("s{target}/text"), text);
        }
        let (tiny, over) = (&self.tiny, AtomicBool::new(false));
        let counts = [AtomicUsize::new(0), AtomicUsize::new(0)];
        let (said, beside) = thread::scope(|scope| {
            let loops = [&["store", "collect", "--checkouts"][..], &["store", "verify"]];
            let beside: Vec<_> = loops
                .into_iter()
                .zip(&counts)
                .map(|(arguments, count)| {
                    let over = &over;
                    scope.spawn(move || {
                        while !over.load(Ordering::Relaxed) {
                            let said = tiny.run(arguments);
                            if said.code != 0 {
                                return Err(format!("{arguments:?}: {said}"));
                            }
                            count.fetch_add(1, Ordering::Relaxed);
                        }
                        Ok(())
                    })
                })
                .collect();
            let running: Vec<Running> = (0..HANDS).map(|hand| start(tiny, hand)).collect();
            let said: Vec<Said> = running.into_iter().map(|one| one.end(tiny)).collect();
            over.store(true, Ordering::Relaxed);
            let beside: Vec<_> = beside.into_iter().map(|one| one.join()).collect();
            (said, beside)
        });
        for ended in beside {
            ended.map_err(|_| "a thread of the test failed".to_owned())??;
        }
        self.collections += counts[0].load(Ordering::Relaxed);
        self.verifications += counts[1].load(Ordering::Relaxed);
        self.judge(&said)
    }

    fn judge(&mut self, said: &[Said]) -> Result<(), String> {
        let mut runs: BTreeMap<String, usize> = BTreeMap::new();
        for said in said {
            if said.code != 0 {
                return Err(format!("a build failed: {said}"));
            }
            for line in said.out.lines() {
                let event: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
                let step = event["step"].as_str().unwrap_or_default();
                let built = event["event"] == "finished" && event["outcome"] == "built";
                if built && step.starts_with("build.") && step.contains(" run ") {
                    *runs.entry(step.to_owned()).or_default() += 1;
                }
            }
        }
        if runs.len() != TARGETS || runs.values().any(|count| *count != 1) {
            return Err(format!("round {}: each step runs once, but: {runs:?}", self.round));
        }
        self.steps += TARGETS;
        // All is there, and as it should be.
        let said = self.tiny.run(&["build"]);
        if said.code != 0 || !said.err.lines().any(|line| line.starts_with("0 steps built")) {
            return Err(format!("round {}: something is missing: {said}", self.round));
        }
        for target in 0..TARGETS {
            let text = self.tiny.workspace.read(&format!("out/build.t{target}/text"));
            if text != format!("round {} target {target}\n", self.round) {
                return Err(format!("round {}: target {target} holds {text}", self.round));
            }
        }
        let said = self.tiny.run(&["store", "verify"]);
        if said.code == 0 { Ok(()) } else { Err(format!("round {}: {said}", self.round)) }
    }
}

/// Starts a build of some targets: every process has others, and each target many.
fn start(tiny: &Tiny, hand: usize) -> Running {
    let targets =
        (0..TARGETS).filter(|target| !(hand + target).is_multiple_of(3) || hand.is_multiple_of(4));
    let names: Vec<String> = targets.map(|target| format!("build.t{target}")).collect();
    let mut arguments = vec!["build", "--json", "--no-out", "--no-space-check"];
    arguments.extend(names.iter().map(String::as_str));
    tiny.start(&arguments)
}
