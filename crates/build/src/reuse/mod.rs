//! Child steps: programs that a running command hands to the builder, each run once.
//!
//! ```text
//!  command ── /groundup/reuse gcc -c x.c ──▶ builder ── known? ── its files are put in place
//!                                               ╰── no ── a sandbox of its own, its look-ups noted
//! ```
//!
//! A child runs in a sandbox of its own over the files of the command that asked. Its key is the
//! command (root file system, words, environment, working directory) and everything that it was seen
//! to look at: files by content, names that were not there, links. Its result is every file that it
//! made. Where the key cannot be complete, or the result, nothing is kept. The command cannot tell
//! the difference, so its own key is the same with and without reuse. `docs/reuse.md` has the rules.

mod child;
mod command;
mod known;
mod reads;
mod symbols;
mod view;

use crate::{
    Event, Surroundings,
    execute::{Job, Workshop},
    schedule::Message as Told,
};
pub(crate) use reads::Reads;
pub(crate) use symbols::{definitions, scan};

use command::Command;
use groundup_digest::StepKey;
use groundup_plan::Run;
use groundup_sandbox::{Answer, Control, Message, Messenger, Mount, MountMode, Spec};
use groundup_store::{GroupCommit, TempDir};
use known::Found;
use std::{
    error::Error,
    os::unix::net::UnixStream,
    path::Path,
    sync::{Mutex, PoisonError, mpsc::Sender},
};
use view::{Kind, View};

/// Whether results of child steps are used and kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reuse {
    /// Yes, where a recipe asks for it.
    #[default]
    Yes,
    /// No: each program runs where it was called. The answer of every step is the same.
    No,
}

/// What became of the programs that a step handed over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Children {
    /// Their result was there.
    pub reused: usize,
    /// They ran, and their result is kept.
    pub ran: usize,
    /// They ran, and their result is not kept: they failed, or did what cannot be part of a key.
    pub unkept: usize,
}

/// What goes wrong on our side.
type Trouble = Box<dyn Error + Send + Sync>;

/// The directory with the messenger, made before the step's specification is complete.
pub(crate) struct Desk {
    messenger: Messenger,
    // Dropped last.
    _directory: TempDir,
}

impl Desk {
    /// Adds the messenger to a command that may hand over programs.
    pub(crate) fn open(
        surroundings: &Surroundings<'_>,
        run: &Run,
        spec: &mut Spec,
    ) -> Result<Option<Self>, Trouble> {
        if run.reuse.is_none() {
            return Ok(None);
        }
        let directory = surroundings.store.tmp_dir()?;
        let messenger = Messenger::open(directory.path())?;
        groundup_sandbox::prepare(&spec.scratch)?;
        spec.mounts.push(Mount {
            source: messenger.directory().to_owned(),
            target: Messenger::INSIDE.to_owned(),
            mode: MountMode::ReadOnly,
        });
        Ok(Some(Self { messenger, _directory: directory }))
    }
}

/// Serves the programs of one running command.
pub(crate) struct Server<'a> {
    surroundings: &'a Surroundings<'a>,
    workshop: &'a Workshop<'a>,
    group: &'a GroupCommit<'a>,
    job: &'a Job<'a>,
    run: &'a Run,
    /// The command's own specification.
    spec: &'a Spec,
    desk: &'a Desk,
    view: View,
    /// The header that counts by symbols.
    header: Option<String>,
    told: Mutex<Sender<Told>>,
    state: Mutex<State>,
    /// Ends the children.
    over: Control,
    symbols: child::Scanned,
}

#[derive(Default)]
struct State {
    children: Children,
    keys: Vec<StepKey>,
    /// Why the first result was not kept.
    unkept: Option<String>,
    error: Option<Trouble>,
}

/// What a server saw.
#[derive(Default)]
pub(crate) struct Served {
    pub(crate) keys: Vec<StepKey>,
}

impl<'a> Server<'a> {
    #[allow(clippy::too_many_arguments, reason = "they are what a step is executed with")]
    pub(crate) fn new(
        surroundings: &'a Surroundings<'a>,
        workshop: &'a Workshop<'a>,
        group: &'a GroupCommit<'a>,
        job: &'a Job<'a>,
        run: &'a Run,
        spec: &'a Spec,
        desk: &'a Desk,
        told: &Sender<Told>,
    ) -> std::io::Result<Self> {
        let root = ("/".to_owned(), Kind::Root, spec.lowers[0].clone());
        let inputs = spec.mounts.iter().filter(|mount| mount.target != Messenger::INSIDE);
        let inputs = inputs.map(|mount| (mount.target.clone(), Kind::Input, mount.source.clone()));
        let work = WORK.map(|name| (format!("/{name}"), Kind::Work, spec.scratch.join(name)));
        let view = View::new([root].into_iter().chain(inputs).chain(work))?;
        let header = run.reuse.as_ref().and_then(|reuse| reuse.symbols.clone());
        Ok(Self {
            surroundings,
            workshop,
            group,
            job,
            run,
            spec,
            desk,
            view,
            header,
            told: Mutex::new(told.clone()),
            state: Mutex::default(),
            over: Control::new()?,
            symbols: child::Scanned::default(),
        })
    }

    /// Runs the command and serves it meanwhile.
    pub(crate) fn during<T>(self, command: impl FnOnce() -> T) -> (T, Result<Served, Trouble>) {
        let result = std::thread::scope(|scope| {
            let accept = scope.spawn(|| {
                loop {
                    let server = &self;
                    match self.desk.messenger.next(&self.over) {
                        Ok(Some(call)) => drop(scope.spawn(move || server.serve(call))),
                        Ok(None) => break,
                        Err(error) => {
                            // Who waits would wait for ever.
                            self.desk.messenger.refuse();
                            self.state().error.get_or_insert(error.into());
                            break;
                        }
                    }
                }
            });
            let result = command();
            // Whoever asked is dead; children that still run would be for nobody.
            self.over.cancel();
            let _ = accept.join();
            result
        });
        let State { children, keys, unkept, error } =
            self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        if children != Children::default() {
            let told = self.told.into_inner().unwrap_or_else(PoisonError::into_inner);
            let event = Event::Children { step: self.job.index, children, unkept };
            let _ = told.send(Told::Event(event));
        }
        (result, error.map_or(Ok(Served { keys }), Err))
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Answers one call; an error of ours ends it without an answer, and with it the command.
    fn serve(&self, mut call: UnixStream) {
        // A caller that says nothing whole, or is gone before its answer, is the command's own affair:
        // `make` kills what still runs when something fails.
        let Ok(message) = Message::read(&mut call) else { return };
        match self.answer(&message) {
            Ok(answer) => drop(answer.write(&mut call)),
            Err(error) if !self.over.is_cancelled() => {
                self.state().error.get_or_insert(error);
            }
            Err(_) => {}
        }
    }

    fn answer(&self, message: &Message) -> Result<Answer, Trouble> {
        let command = Command::of(message, &self.run.env);
        let become_it =
            |command: Command| Ok(Answer::Become(command.env.into_iter().collect::<Vec<_>>()));
        if self.workshop.reuse == Reuse::No
            || !command.is_worth_it(message)
            || self.root_has_changed()?
        {
            return become_it(command);
        }
        let key = command.key(self.run.sandbox, self.job.inputs["root"]);
        if let Some(Found { child, said }) = self.find(key)? {
            let mut state = self.state();
            state.children.reused += 1;
            state.keys.push(child);
            return Ok(Answer::Ended(0, said));
        }
        self.run_child(&command, key)
    }

    /// A command that changes its root file system has one that no key names.
    fn root_has_changed(&self) -> std::io::Result<bool> {
        is_filled(&self.spec.scratch.join("upper"))
    }
}

/// The places of a step that it may write to.
const WORK: [&str; 3] = ["build", "tmp", "out"];

#[allow(
    clippy::disallowed_methods,
    reason = "only whether there is an entry counts, not the order"
)]
fn is_filled(directory: &Path) -> std::io::Result<bool> {
    Ok(std::fs::read_dir(directory)?.next().is_some())
}
