//! Running a child step: in a sandbox of its own, with everything noted that it looks at.

use super::{
    Command, Server, Trouble, is_filled,
    known::{READS, SAID, link},
    reads::{Reads, State},
    symbols::{self, Named},
};
use groundup_digest::{BlobId, ObjectId, StepKey};
use groundup_provenance::{Circumstances, Ending as Recorded, StepRecord};
use groundup_sandbox::{
    Answer, Before, Ending, LookUps, Mount, MountMode, Noted, Outcome, SandboxError, Spec, Stdio,
    run,
};
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, OpenOptions},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

/// What is known of texts and headers by their content.
#[derive(Default)]
pub(super) struct Scanned {
    named: Mutex<HashMap<BlobId, Arc<Named>>>,
    headers: Mutex<HashMap<BlobId, Definitions>>,
}

/// What a header defines, if it holds only definitions.
type Definitions = Option<Arc<BTreeMap<String, String>>>;

impl Scanned {
    pub(super) fn header(&self, id: BlobId) -> Option<Definitions> {
        self.headers.lock().unwrap_or_else(PoisonError::into_inner).get(&id).cloned()
    }

    pub(super) fn keep_header(
        &self,
        id: BlobId,
        definitions: Option<BTreeMap<String, String>>,
    ) -> Definitions {
        let definitions = definitions.map(Arc::new);
        let mut headers = self.headers.lock().unwrap_or_else(PoisonError::into_inner);
        headers.insert(id, definitions.clone());
        definitions
    }

    fn names(
        &self,
        id: BlobId,
        read: impl FnOnce() -> std::io::Result<Vec<u8>>,
    ) -> std::io::Result<Arc<Named>> {
        let lock = || self.named.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(named) = lock().get(&id) {
            return Ok(named.clone());
        }
        let named = Arc::new(symbols::scan(&read()?));
        lock().insert(id, named.clone());
        Ok(named)
    }
}

/// Why a result is not kept.
struct Unkept(String);

/// A result that is kept: what was read, and the files that were made.
struct Kept {
    reads: Reads,
    files: BTreeMap<String, Vec<u8>>,
}

impl Server<'_> {
    /// Runs a program for the command that asked.
    pub(super) fn run_child(&self, command: &Command, key: StepKey) -> Result<Answer, Trouble> {
        let store = self.surroundings.store;
        let scratch = self.workshop.scratch(store)?;
        let log = scratch.path().join("said");
        let mut spec =
            Spec::new(self.spec.lowers.clone(), scratch.path().to_owned(), command.argv.clone());
        spec.env = command.env.clone();
        spec.cwd.clone_from(&command.cwd);
        spec.limits = self.spec.limits.clone();
        // The command's log has its limit; what is said here arrives there.
        spec.limits.idle_output = None;
        spec.look_ups = LookUps::Noted;
        spec.mounts.clone_from(&self.spec.mounts);
        spec.mounts.extend(super::WORK.map(|name| Mount {
            source: self.spec.scratch.join(name),
            target: format!("/{name}"),
            mode: MountMode::ReadWrite,
        }));
        spec.stdio = Stdio::Log(OpenOptions::new().create(true).append(true).open(&log)?);
        let started_ms = self.surroundings.clock.now_ms();
        let outcome = match run(&spec, &self.over) {
            Ok(outcome) => outcome,
            Err(
                SandboxError::CommandNotFound { .. } | SandboxError::CommandNotExecutable { .. },
            ) => {
                // The caller is told by the same failure, where it happens.
                let _ = fs::remove_file(&log);
                return Ok(Answer::Become(command.env.clone().into_iter().collect()));
            }
            Err(error) => return Err(error.into()),
        };
        let said = fs::read(&log)?;
        let code = match outcome.ending {
            Ending::Exited(code) => u8::try_from(code).unwrap_or(255),
            Ending::Signalled(signal) => 128 + u8::try_from(signal).unwrap_or(127),
            Ending::Cancelled | Ending::Limit(_) => 137,
        };
        let kept = self.examine(&outcome, scratch.path());
        match kept {
            Ok(Kept { reads, files }) => {
                let took_ms = self.surroundings.clock.now_ms().saturating_sub(started_ms);
                let circumstances = Circumstances {
                    started_ms,
                    took_ms,
                    cpu_ms: (outcome.usage.user + outcome.usage.system).as_millis() as u64,
                    peak_memory: Some(outcome.usage.peak_memory),
                    ..Circumstances::default()
                };
                let child = self.keep(command, key, &reads, files, &said, circumstances)?;
                let mut state = self.state();
                state.children.ran += 1;
                state.keys.push(child);
            }
            Err(Unkept(why)) => {
                let mut state = self.state();
                state.children.unkept += 1;
                state.unkept.get_or_insert(format!("{}: {why}", command.subject()));
            }
        }
        if is_filled(&scratch.path().join("upper"))? {
            let program = &command.argv[0];
            let mut said = said;
            said.extend(format!(
                "groundup: reuse: {program} changed files outside /build, /tmp and /out, where what a \
                 reused program writes is lost; call it without `reuse`\n"
            ).bytes());
            return Ok(Answer::Ended(125, said));
        }
        for number in 0..outcome.noted.map_or(0, |noted| noted.changed.len()) {
            let _ = fs::remove_file(scratch.path().join(format!("before-{number}")));
        }
        fs::remove_file(&log)?;
        self.workshop.put_back(scratch);
        Ok(Answer::Ended(code, said))
    }

    /// What a run read and made, if that is all that it read and made.
    fn examine(&self, outcome: &Outcome, scratch: &Path) -> Result<Kept, Unkept> {
        let unkept = |why: &str| Err(Unkept(why.to_owned()));
        if outcome.ending != Ending::Exited(0) {
            return unkept("it failed");
        }
        let Some(noted) = &outcome.noted else { return unkept("nothing was noted") };
        if let Some(lacks) = &noted.lacks {
            return Err(Unkept(format!("it is not known {lacks}")));
        }
        if is_filled(&scratch.join("upper")).unwrap_or(true) {
            return unkept("it changed its root file system");
        }
        let failed = |error: std::io::Error| Unkept(error.to_string());
        let reads = self.reads(noted).map_err(failed)??;
        let mut files = BTreeMap::new();
        for (path, before) in &noted.changed {
            // One name for each file that was changed, so that what was read can be told from it.
            if path.split('/').any(|name| name == "..") {
                return Err(Unkept(format!("it changed {path}")));
            }
            if !self.view.is_work(path) {
                let mut found = BTreeMap::new();
                self.view.follow(path, &mut found).map_err(failed)?;
                if found.keys().any(|found| self.view.is_work(found)) {
                    return Err(Unkept(format!("it changed what {path} leads to")));
                }
                // It could not: those places cannot be written to.
                continue;
            }
            match self.view.state(path).map_err(failed)? {
                Some(State::Absent) if *before == Before::Nothing => {}
                Some(State::Absent) => return Err(Unkept(format!("it removed {path}"))),
                Some(State::File(_)) if self.view.is_executable(path).map_err(failed)? => {
                    return Err(Unkept(format!("it made a program, {path}")));
                }
                Some(State::File(_)) => {
                    files.insert(path.clone(), self.view.read(path).map_err(failed)?);
                }
                _ => return Err(Unkept(format!("{path} is no file"))),
            }
        }
        Ok(Kept { reads, files })
    }

    /// What a run read: every path that it named, as it was before the run changed it.
    fn reads(&self, noted: &Noted) -> std::io::Result<Result<Reads, Unkept>> {
        let mut reads = Reads::default();
        for path in &noted.looked {
            if let Some(before) = noted.changed.get(path) {
                let state = match before {
                    Before::Nothing => State::Absent,
                    Before::File(copy) => State::File(BlobId::of(&fs::read(copy)?)),
                    Before::Other => return Ok(Err(Unkept(format!("it changed {path}")))),
                };
                reads.paths.insert(path.clone(), state);
                continue;
            }
            let mut found = BTreeMap::new();
            self.view.follow(path, &mut found)?;
            if let Some(changed) = found.keys().find(|found| noted.changed.contains_key(*found)) {
                return Ok(Err(Unkept(format!("it changed {changed}, which it read as {path}"))));
            }
            for (path, state) in &found {
                if noted.executed.contains(path)
                    && matches!(state, State::File(_))
                    && self.view.read(path)?.starts_with(b"#!")
                {
                    return Ok(Err(Unkept(format!("it ran the script {path}"))));
                }
            }
            reads.paths.extend(found);
        }
        self.count_by_symbols(&mut reads, noted)?;
        Ok(Ok(reads))
    }

    /// Where the header of symbols was read, counts only what the other texts name of it.
    fn count_by_symbols(&self, reads: &mut Reads, noted: &Noted) -> std::io::Result<()> {
        let Some(header) = &self.header else { return Ok(()) };
        let Some(State::File(id)) = reads.paths.get(header).cloned() else { return Ok(()) };
        let Some(definitions) = self.definitions(header, id)? else { return Ok(()) };
        let mut wanted = BTreeMap::new();
        for (path, state) in &reads.paths {
            let State::File(id) = state else { continue };
            if path == header {
                continue;
            }
            if noted.changed.contains_key(path) {
                // It is there no more as it was read.
                return Ok(());
            }
            let named = self.symbols.names(*id, || self.view.read(path))?;
            if named.pastes {
                return Ok(());
            }
            for name in &named.names {
                wanted.insert(name.clone(), symbols::value(&definitions, name));
            }
        }
        reads.paths.remove(header);
        reads.symbols = Some((header.clone(), wanted));
        Ok(())
    }

    /// Puts the result of a child into the store.
    fn keep(
        &self,
        command: &Command,
        key: StepKey,
        reads: &Reads,
        files: BTreeMap<String, Vec<u8>>,
        said: &[u8],
        circumstances: Circumstances,
    ) -> Result<StepKey, Trouble> {
        let store = self.surroundings.store;
        let child = reads.key(key);
        let noted = store.put_bytes(&reads.compress()?)?.id;
        let mut outputs = BTreeMap::from([(READS.to_owned(), ObjectId::Blob(noted))]);
        if !said.is_empty() {
            outputs.insert(SAID.to_owned(), ObjectId::Blob(store.put_bytes(said)?.id));
        }
        for (path, bytes) in files {
            outputs.insert(path, ObjectId::Blob(store.put_bytes(&bytes)?.id));
        }
        let Some(lock) = store.try_lock_step(child)? else {
            // Another step keeps the same at this moment.
            return Ok(child);
        };
        let record = StepRecord {
            key: child,
            label: format!("{}: {}", self.job.step.label, command.subject()),
            action: format!("reuse {}", command.argv.join(" ")),
            inputs: vec![("root".to_owned(), self.job.inputs["root"])],
            outputs: outputs.iter().map(|(name, id)| (name.clone(), *id)).collect(),
            ending: Recorded::Done,
            log: None,
            children: Vec::new(),
            circumstances: Circumstances {
                builder: self.surroundings.version.clone(),
                by: self.surroundings.by.clone(),
                ..circumstances
            },
        };
        let link = (key, link(child, noted));
        self.group.put_linked(lock, child, &outputs, record.to_bytes(), link)?;
        Ok(child)
    }
}
