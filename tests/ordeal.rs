//! A small workspace in states from which commands are started, to be killed or refused something,
//! and what has to hold afterwards: a clean store, and the same outputs from the next build.

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

/// What happens to a program at one of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// It is killed before the call.
    Kill,
    /// It is killed after half of a write.
    Torn,
    /// The call fails: the disk cannot do it.
    Io,
    /// The disk is full from now on.
    Full,
    /// Half of a write gets onto the disk, which is full from now on.
    Short,
    /// The file system is read-only from now on.
    ReadOnly,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 6] =
        [Fault::Kill, Fault::Torn, Fault::Io, Fault::Full, Fault::Short, Fault::ReadOnly];

    /// Whether it means something for this change.
    pub fn suits(self, change: Change) -> bool {
        match self {
            Fault::Torn | Fault::Short => change == Change::Write,
            Fault::Full => takes_room(change),
            Fault::Kill | Fault::Io | Fault::ReadOnly => true,
        }
    }

    /// Whether the program dies of it.
    pub fn kills(self) -> bool {
        matches!(self, Fault::Kill | Fault::Torn)
    }

    fn deed(self, change: Change, first: bool) -> Deed {
        match self {
            Fault::Kill => Deed::Kill,
            Fault::Torn => Deed::HalfAndKill,
            Fault::Io if first => Deed::Fail(libc::EIO),
            Fault::Short if first => Deed::Half,
            Fault::Full | Fault::Short if takes_room(change) => Deed::Fail(libc::ENOSPC),
            Fault::ReadOnly if change != Change::Sync => Deed::Fail(libc::EROFS),
            Fault::Io | Fault::Full | Fault::Short | Fault::ReadOnly => Deed::Go,
        }
    }
}

fn takes_room(change: Change) -> bool {
    matches!(change, Change::Create | Change::Write | Change::Make | Change::Resize | Change::Link)
}

/// A fault at one call of a program.
#[derive(Debug)]
pub struct Strike {
    /// At calls like this one, as [`place`] names them.
    pub place: String,
    /// At which of them, counted from 0.
    pub nth: usize,
    /// What happens.
    pub fault: Fault,
    /// How many such calls are still let through; none once the fault has begun.
    left: Option<usize>,
}

impl Strike {
    /// A fault at the `nth` call of this kind.
    pub fn new(place: &str, nth: usize, fault: Fault) -> Self {
        Self { place: place.to_owned(), nth, fault, left: Some(nth) }
    }

    /// Whether the call came.
    pub fn has_hit(&self) -> bool {
        self.left.is_none()
    }
}

impl Watch for Strike {
    fn enters(&mut self, site: &Site) -> Deed {
        let Some(left) = self.left else { return self.fault.deed(site.change, false) };
        if place(site) != self.place {
            return Deed::Go;
        }
        self.left = left.checked_sub(1);
        if self.left.is_none() { self.fault.deed(site.change, true) } else { Deed::Go }
    }
}

impl Ordeal {
    /// Lets a fault happen to the command of a scenario, and says what was wrong about how the
    /// command ended or with what it left. Gives none if the call never came.
    pub fn strike(&self, scenario: Scenario, strike: &mut Strike) -> Option<Result<(), String>> {
        let watched = self.run(scenario, None, strike);
        if !strike.has_hit() {
            return None;
        }
        let said = self.tiny.said(&watched.output);
        let ended = if strike.fault.kills() { Ok(()) } else { named(scenario, &said) };
        Some(ended.and_then(|()| {
            self.check(scenario).map_err(|problem| format!("{problem}\nafter: {said}"))
        }))
    }
}

/// A command that was refused something goes on without it, or ends with an error of the
/// environment that says what the system said, where, and what to do.
fn named(scenario: Scenario, said: &Said) -> Result<(), String> {
    if said.code == 0 || said.code == 1 && scenario == Scenario::Repair {
        return Ok(());
    }
    let of_the_index =
        ["disk I/O error", "is full", "unable to open database file", "readonly database"];
    let of_files = ["(os error 5)", "(os error 28)", "(os error 30)"];
    let mut cause = of_files.iter().chain(&of_the_index);
    let named = cause.any(|cause| said.err.contains(cause));
    match said.code == 3 && named && said.err.contains("help") {
        true => Ok(()),
        false => Err(format!("no named error with a remedy: {said}")),
    }
}

/// Numbers drawn with a seed (SplitMix64).
#[derive(Debug, Clone)]
pub struct Draw(u64);

impl Draw {
    /// Numbers that the seed decides.
    pub fn with_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end.max(1)
    }
}

/// Kills at random moments, and which phases they hit.
#[derive(Debug)]
pub struct Deaths {
    ordeal: Ordeal,
    draw: Draw,
    /// For each scenario its calls, and how long it runs.
    known: BTreeMap<Scenario, (Vec<Site>, Duration)>,
    /// How often each phase of each scenario was hit.
    pub hits: BTreeMap<(Phase, Scenario), usize>,
    /// How many programs ended before they could be killed.
    pub survivors: usize,
}

impl Deaths {
    /// Runs each scenario once, to know how long it takes and what it does.
    pub fn prepare(seed: u64) -> Self {
        let ordeal = Ordeal::prepare();
        let known = Scenario::ALL.map(|scenario| {
            ordeal.reset(scenario);
            let since = std::time::Instant::now();
            ordeal.tiny.run(scenario.arguments());
            let took = since.elapsed();
            (scenario, (ordeal.sites(scenario), took))
        });
        let (known, hits) = (known.into(), BTreeMap::new());
        Self { ordeal, draw: Draw::with_seed(seed), known, hits, survivors: 0 }
    }

    /// Kills a command at a moment drawn by the clock, and says what did not hold afterwards.
    pub fn at_a_moment(&mut self) -> Result<(), String> {
        let scenario = self.scenario();
        let took = self.known[&scenario].1.as_micros() as u64;
        // Being watched makes it slower.
        let after = Duration::from_micros(self.draw.below(took * 4));
        let mut last = None;
        let mut note = |site: &Site| {
            last = Some(site.clone());
            Deed::Go
        };
        let watched = self.ordeal.run(scenario, Some(after), &mut note);
        if watched.output.status.code().is_some() {
            self.survivors += 1;
        }
        // It died amid these calls, or on the way from the last one to the next.
        let amid = if watched.amid.is_empty() { last.into_iter().collect() } else { watched.amid };
        for site in amid {
            *self.hits.entry((Phase::of(&site), scenario)).or_default() += 1;
        }
        let context = |problem| format!("{scenario} killed after {after:?}: {problem}");
        self.ordeal.check(scenario).map_err(context)
    }

    /// Kills a command at a call drawn from all that it makes, before it or after half of a write.
    pub fn at_a_call(&mut self) -> Result<(), String> {
        let scenario = self.scenario();
        let sites = &self.known[&scenario].0;
        let at = self.draw.below(sites.len() as u64) as usize;
        self.at(scenario, at)
    }

    /// Kills a command at a call of this phase, drawn from those of all scenarios that have any.
    pub fn in_phase(&mut self, phase: Phase) -> Result<(), String> {
        let of_phase = self.known.iter().flat_map(|(scenario, (sites, _))| {
            let ours = sites.iter().enumerate().filter(|(_, site)| Phase::of(site) == phase);
            ours.map(|(at, _)| (*scenario, at))
        });
        let of_phase: Vec<_> = of_phase.collect();
        let (scenario, at) = of_phase[self.draw.below(of_phase.len() as u64) as usize];
        self.at(scenario, at)
    }

    fn at(&mut self, scenario: Scenario, at: usize) -> Result<(), String> {
        let sites = &self.known[&scenario].0;
        let name = place(&sites[at]);
        let nth = sites[..at].iter().filter(|site| place(site) == name).count();
        let torn = sites[at].change == Change::Write && self.draw.below(2) == 0;
        let phase = Phase::of(&sites[at]);
        let mut strike = Strike::new(&name, nth, if torn { Fault::Torn } else { Fault::Kill });
        match self.ordeal.strike(scenario, &mut strike) {
            // Calls of threads come in another order each time.
            None => self.survivors += 1,
            Some(ended) => {
                *self.hits.entry((phase, scenario)).or_default() += 1;
                let fault = strike.fault;
                ended.map_err(|problem| {
                    format!("{scenario}: {fault:?} at {name} number {nth}: {problem}")
                })?;
            }
        }
        Ok(())
    }

    fn scenario(&mut self) -> Scenario {
        Scenario::ALL[self.draw.below(Scenario::ALL.len() as u64) as usize]
    }

    /// How often a phase was hit.
    pub fn hit(&self, phase: Phase) -> usize {
        self.hits.iter().filter(|((of, _), _)| *of == phase).map(|(_, count)| count).sum()
    }
}
