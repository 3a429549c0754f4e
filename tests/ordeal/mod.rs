//! A small workspace in states from which commands are started, to be killed or refused something,
//! and what has to hold afterwards: a clean store, and the same outputs from the next build.

mod deaths;
mod strike;

pub use deaths::{Deaths, Draw};
pub use strike::{Fault, Strike};

use crate::{
    succeed,
    tiny::{RECIPES, Said, Tiny},
    trace::{self, Change, Deed, Site, Watch, Watched},
};
use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// A command in a state in which it has much to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scenario {
    /// `lock` in a workspace without a lock and without a store.
    Lock,
    /// The first `build`: packages are fetched and unpacked, a step runs, an image is made.
    Build,
    /// `build` after an edit: a source is taken in, a step runs again.
    Ingest,
    /// `store collect`, with a build's worth of things that nobody needs.
    Collect,
    /// `store repair` of a store with a damaged blob, journal and log.
    Repair,
    /// `build` after a crash of the machine that cost a blob its content.
    Boot,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Scenario; 6] = [
        Scenario::Lock,
        Scenario::Build,
        Scenario::Ingest,
        Scenario::Collect,
        Scenario::Repair,
        Scenario::Boot,
    ];

    /// The arguments of the command.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Scenario::Lock => &["lock"],
            Scenario::Build | Scenario::Ingest | Scenario::Boot => &["build", "--no-space-check"],
            Scenario::Collect => &["store", "collect", "--checkouts", "--logs", "0"],
            Scenario::Repair => &["store", "repair"],
        }
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{self:?}");
        f.write_str(&text.to_lowercase())
    }
}

/// A part of the work of which a test has to show that it was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// A blob, check-out, root or log gets its name.
    Rename,
    /// Frames are appended to a journal.
    Append,
    /// The index is written.
    Index,
    /// A sync of the file system or of one file.
    Sync,
    /// Something that nobody needs is removed.
    Sweep,
    /// A lease or a lock is made or let go.
    Lease,
    /// Scratch is written or made ready.
    Scratch,
    /// The lock file, or an artifact in `out`, is written.
    Output,
    /// Something else.
    Other,
}

impl Phase {
    /// All that have a name.
    pub const ALL: [Phase; 8] = [
        Phase::Rename,
        Phase::Append,
        Phase::Index,
        Phase::Sync,
        Phase::Sweep,
        Phase::Lease,
        Phase::Scratch,
        Phase::Output,
    ];

    /// Which part of the work a call is.
    pub fn of(site: &Site) -> Self {
        let place = place(site);
        let place = place.split(' ').next_back().unwrap_or_default();
        let store = place.strip_prefix("work/store/").unwrap_or("");
        let folder = store.split('/').next().unwrap_or_default();
        let swept = |from: &Path| from.starts_with("work/store/checkouts");
        match (site.change, folder) {
            (Change::Sync, _) => Phase::Sync,
            (Change::Rename, _) if site.from.as_deref().is_some_and(swept) => Phase::Sweep,
            (Change::Remove, "blobs" | "checkouts" | "logs" | "roots") => Phase::Sweep,
            (Change::Rename, "blobs" | "checkouts" | "roots" | "logs" | "stat-cache") => {
                Phase::Rename
            }
            (Change::Write, "trees" | "results" | "records" | "hints") => Phase::Append,
            (_, "index") => Phase::Index,
            (_, "leases" | "locks") => Phase::Lease,
            (_, "tmp") => Phase::Scratch,
            _ if store.is_empty() => Phase::Output,
            _ => Phase::Other,
        }
    }
}

/// What a call does and to what kind of file: names that differ from run to run stand as `*`.
pub fn place(site: &Site) -> String {
    let pattern = |path: &Path| {
        let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
        let mut out: Vec<String> = Vec::new();
        for (depth, part) in parts.iter().enumerate() {
            let parent = out.last().map(String::as_str).unwrap_or_default();
            // A tree in scratch or in a check-out, however deep.
            if depth > 4 && matches!(&*parts[2], "tmp" | "checkouts") || parent == "out" {
                out.push("**".into());
                break;
            }
            let ours = part.chars().all(|c| c.is_ascii_lowercase() || "-.".contains(c));
            let scratch = matches!(parent, "tmp" | "leases" | "roots" | "checkouts" | "blobs");
            let extension = part.rsplit_once('.').map_or("", |(_, extension)| extension);
            out.push(match () {
                () if ours && !scratch && part.len() < 20 => part.to_string(),
                () if extension.starts_with("db") => format!("*.{extension}"),
                () if part.starts_with("sync-") => "sync-*".into(),
                () if part.starts_with("format.") => "format.*".into(),
                () => "*".into(),
            });
        }
        out.join("/")
    };
    let change = format!("{:?}", site.change).to_lowercase();
    format!("{change} {}", pattern(&site.path))
}

/// What a build made.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Made {
    lock: String,
    said: String,
    out: BTreeMap<PathBuf, Vec<u8>>,
}

/// The workspace with its states.
#[derive(Debug)]
pub struct Ordeal {
    tiny: Tiny,
    /// What the workspace makes, with the original source and with the edited one.
    made: [Made; 2],
}

const EDIT: &str = "other\n";

impl Ordeal {
    /// Makes every state.
    pub fn prepare() -> Self {
        let tiny = Tiny::unlocked(RECIPES);
        let nothing = Made { lock: String::new(), said: String::new(), out: BTreeMap::new() };
        let mut ordeal = Self { tiny, made: [nothing.clone(), nothing] };
        let tiny = &ordeal.tiny;
        let edit = |text: &str| drop(tiny.workspace.write("hello/hello.txt", text));
        ordeal.save(Scenario::Lock);
        tiny.says(&["lock"]);
        ordeal.save(Scenario::Build);
        let original = ordeal.made();
        edit(EDIT);
        ordeal.save(Scenario::Ingest);
        let edited = ordeal.made();
        edit("hello\n");
        assert_eq!(ordeal.made(), original);
        ordeal.save(Scenario::Collect);
        let store = tiny.workspace.path("store");
        flip(&some_blob(&store), 0);
        flip(&store.join("trees/journal"), 60);
        flip(&first_file(&store.join("logs"), "zst"), 8);
        ordeal.save(Scenario::Repair);
        ordeal.reset(Scenario::Collect);
        let index = first_file(&store.join("index"), "db");
        fs::rename(&index, store.join("index/before.db")).expect("it is ours");
        edit(EDIT);
        let torn = some_blob(&store);
        let length = torn.metadata().expect("it is there").len();
        let torn = fs::File::options().write(true).open(torn).expect("it is ours");
        torn.set_len(length / 2).expect("it is ours");
        ordeal.save(Scenario::Boot);
        ordeal.made = [original, edited];
        ordeal
    }

    /// The workspace.
    pub fn tiny(&self) -> &Tiny {
        &self.tiny
    }

    fn state(&self, scenario: Scenario) -> PathBuf {
        self.tiny.workspace.folder().join("states").join(scenario.to_string())
    }

    fn save(&self, scenario: Scenario) {
        let state = self.state(scenario);
        fs::create_dir_all(state.parent().expect("it has one")).expect("it is ours");
        copy_all(&self.tiny.workspace.root(), &state);
    }

    /// Brings the workspace into the state in which a scenario starts.
    pub fn reset(&self, scenario: Scenario) {
        let work = self.tiny.workspace.root();
        remove_all(&work);
        copy_all(&self.state(scenario), &work);
    }

    /// Runs the command of a scenario in its state, watched.
    pub fn run(
        &self,
        scenario: Scenario,
        kill_after: Option<Duration>,
        watch: &mut dyn Watch,
    ) -> Watched {
        self.reset(scenario);
        let folder = self.tiny.workspace.folder();
        trace::run(self.tiny.command(scenario.arguments()), folder, kill_after, watch)
    }

    /// Runs the command of a scenario undisturbed and gives its calls.
    pub fn sites(&self, scenario: Scenario) -> Vec<Site> {
        let mut sites = Vec::new();
        let mut note = |site: &Site| {
            sites.push(site.clone());
            Deed::Go
        };
        let watched = self.run(scenario, None, &mut note);
        let said = self.tiny.said(&watched.output);
        assert!(said.code == 0 || scenario == Scenario::Repair, "{scenario}: {said}");
        sites
    }

    /// Says what does not hold after a command of a scenario was disturbed.
    pub fn check(&self, scenario: Scenario) -> Result<(), String> {
        let has_store = self.tiny.workspace.path("store/format").exists();
        if scenario == Scenario::Repair {
            // What was not repaired any more is repaired now; what lacks comes with the build.
            let said = self.tiny.run(&["store", "repair"]);
            expect(&said, &[0, 1], "repair")?;
        }
        if has_store {
            let said = self.tiny.run(&["store", "verify"]);
            let clean: &[i32] = if scenario == Scenario::Repair { &[0, 1] } else { &[0] };
            expect(&said, clean, "verify")?;
        }
        if scenario == Scenario::Lock {
            expect(&self.tiny.run(&["lock"]), &[0], "lock again")?;
        }
        let said = self.tiny.run(&["build", "--no-space-check"]);
        expect(&said, &[0], "build again")?;
        let none_ran = said.err.lines().any(|line| line.starts_with("0 steps built"));
        if scenario == Scenario::Collect && !none_ran {
            return Err(format!("something needed was collected: {said}"));
        }
        let edited = matches!(scenario, Scenario::Ingest | Scenario::Boot);
        let (made, expected) = (self.look(&said), &self.made[usize::from(edited)]);
        // A lock that is made anew says when.
        if made.lock != expected.lock && scenario != Scenario::Lock || made.said != expected.said {
            return Err(format!("another answer:\n{}\nnot\n{}", made.said, expected.said));
        }
        if made.out != expected.out {
            return Err("other artifacts in out/".into());
        }
        let said = self.tiny.run(&["store", "verify"]);
        expect(&said, &[0], "verify after the build")
    }

    fn made(&self) -> Made {
        let said = self.tiny.run(&["build", "--no-space-check"]);
        assert_eq!(said.code, 0, "{said}");
        self.look(&said)
    }

    fn look(&self, said: &Said) -> Made {
        let mut out = BTreeMap::new();
        read_all(&self.tiny.workspace.path("out"), Path::new(""), &mut out);
        Made { lock: self.tiny.workspace.read("groundup.lock"), said: said.out.clone(), out }
    }
}

fn expect(said: &Said, codes: &[i32], what: &str) -> Result<(), String> {
    if codes.contains(&said.code) { Ok(()) } else { Err(format!("{what}: {said}")) }
}

/// The names in a directory, sorted.
pub fn names(folder: &Path) -> Vec<PathBuf> {
    #[allow(clippy::disallowed_methods, reason = "sorted below")]
    let entries = fs::read_dir(folder).expect("a directory of the test");
    let mut names: Vec<_> = entries.map(|entry| entry.expect("an entry").path()).collect();
    names.sort();
    names
}

fn read_all(folder: &Path, below: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for path in names(&folder.join(below)) {
        let name = below.join(path.file_name().expect("it has a name"));
        match path.is_dir() {
            true => read_all(folder, &name, into),
            false => drop(into.insert(name, fs::read(path).expect("a file of the test"))),
        }
    }
}

/// The first file with this extension below a folder, in the order of names.
pub fn first_file(folder: &Path, extension: &str) -> PathBuf {
    let mut found = Vec::new();
    let mut todo = vec![folder.to_owned()];
    while let Some(folder) = todo.pop() {
        for path in names(&folder) {
            match path.is_dir() {
                true => todo.push(path),
                false if path.extension().is_some_and(|is| is == extension) => found.push(path),
                false => {}
            }
        }
    }
    found.sort();
    found.into_iter().next().expect("there is such a file")
}

/// The smallest blob that is not empty and that a build needs: the source's text.
fn some_blob(store: &Path) -> PathBuf {
    let shards = names(&store.join("blobs")).into_iter().flat_map(|shard| names(&shard));
    let mut blobs: Vec<_> =
        shards.filter(|blob| blob.metadata().is_ok_and(|blob| blob.len() > 1)).collect();
    blobs.sort_by_key(|blob| blob.metadata().expect("it is there").len());
    blobs.into_iter().next().expect("there are blobs")
}

/// Changes one byte of a file.
pub fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("it is there");
    bytes[at] ^= 0x10;
    // The same inode: links of it are changed as well, as on a disk that fails.
    fs::write(path, bytes).expect("it is ours");
}

/// Copies a directory with all modes, times and links.
pub fn copy_all(from: &Path, to: &Path) {
    succeed(Command::new("cp").arg("-a").arg(from).arg(to));
}

/// Removes a directory, whatever the modes in it.
pub fn remove_all(path: &Path) {
    if fs::remove_dir_all(path).is_err() {
        succeed(Command::new("chmod").args(["-R", "u+rwX"]).arg(path));
        fs::remove_dir_all(path).expect("it is ours");
    }
}
