//! Notes what the processes of a run look at and change, one question of the filter's at a time.
//!
//! The asker stands still while it is noted. What it passes could be changed by another thread of its
//! own before the kernel reads it, which only a program that means to deceive would do: it deceives
//! about its own answer, in a sandbox that holds nothing but that program.

use std::collections::hash_map::{Entry, HashMap};
use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::io::Errno;
use rustix::process::Pid;

use crate::sys::{self, Question};
use crate::traced::{self, Does, Flags, Place, WORKING_DIRECTORY};
use crate::{Before, Noted, Spec};

/// What a run was seen to do so far.
pub(super) struct Tracer {
    init: Pid,
    scratch: PathBuf,
    /// The working directory of all processes, as long as none has left it.
    shared_cwd: Option<String>,
    looked: HashSet<String>,
    opened: BTreeSet<String>,
    executed: BTreeSet<String>,
    changed: HashMap<String, Before>,
    lacks: Option<String>,
    /// The command has been executed.
    begun: bool,
}

impl Tracer {
    pub(super) fn new(spec: &Spec, init: Pid) -> Self {
        // What init looks at to execute the command.
        let programs = super::init::candidates(spec);
        let base = |path: &str| if path.starts_with('/') { "" } else { &spec.cwd };
        let programs: Vec<_> = programs.iter().map(|path| tidy(base(path), path)).collect();
        Self {
            init,
            scratch: spec.scratch.clone(),
            shared_cwd: Some(spec.cwd.clone()),
            looked: programs.iter().cloned().collect(),
            opened: BTreeSet::new(),
            executed: programs.into_iter().collect(),
            changed: HashMap::new(),
            lacks: None,
            begun: false,
        }
    }

    pub(super) fn finish(self) -> Noted {
        Noted {
            looked: self.looked.into_iter().collect(),
            opened: self.opened,
            executed: self.executed,
            changed: self.changed.into_iter().collect(),
            lacks: self.lacks,
        }
    }

    /// Notes a question, unless it is not about paths; then it is for somebody else to answer.
    pub(super) fn note(&mut self, question: &Question) -> bool {
        let Some(does) = traced::find(question.call) else { return false };
        if let Err(error) = self.note_call(question, does) {
            match error.raw_os_error() {
                // A bad pointer fails in the kernel too, and teaches the asker nothing.
                Some(libc::EFAULT) => {}
                // Init, and what it forks until it is the command: it cannot be looked into, and
                // does what the spec says.
                Some(libc::EPERM) if !self.begun || self.is_init(question) => {}
                _ => self.lack(|| format!("what system call {} was about: {error}", question.call)),
            }
        }
        true
    }

    fn is_init(&self, question: &Question) -> bool {
        self.init.as_raw_nonzero().get() == question.pid
    }

    fn lack(&mut self, why: impl FnOnce() -> String) {
        self.lacks.get_or_insert_with(why);
    }

    fn note_call(&mut self, question: &Question, does: Does) -> io::Result<()> {
        match does {
            Does::Execute(place) => {
                if let Some(path) = self.path(question, place)? {
                    self.executed.insert(path.clone());
                    self.look(path);
                }
            }
            Does::Look(place) | Does::LookUnlessEmpty(place, _) => {
                if let Some(path) = self.path(question, place)? {
                    self.look(path);
                }
            }
            Does::Open(place, flags) => {
                let flags = match flags {
                    Flags::Argument(index) => question.args[index as usize],
                    Flags::Creat => (libc::O_WRONLY | libc::O_CREAT | libc::O_TRUNC) as u64,
                    Flags::Behind(index) => {
                        let mut bytes = [0; 8];
                        sys::read_memory(question.pid, question.args[index as usize], &mut bytes)?;
                        u64::from_ne_bytes(bytes)
                    }
                };
                if let Some(path) = self.path(question, place)? {
                    self.open(question, path, flags as i32)?;
                }
            }
            Does::Change(place) => {
                // Without a path it is about a descriptor, whose file was noted when it was opened.
                if let Some(path) = self.path(question, place)? {
                    self.look(path.clone());
                    self.change(question, path, Unseen::No)?;
                }
            }
            Does::Move(from, to) => {
                for place in [from, to] {
                    if let Some(path) = self.path(question, place)? {
                        self.look(path.clone());
                        self.change(question, path, Unseen::No)?;
                    }
                }
            }
            Does::Enter(path) => {
                let place = path.map(|path| Place { from: None, path });
                let entered = place.map(|place| self.path(question, place)).transpose()?.flatten();
                // From now on each process is asked where it is.
                if entered.is_none() || entered != self.shared_cwd {
                    self.shared_cwd = None;
                }
                entered.into_iter().for_each(|path| self.look(path));
            }
            // Init counts what the command left.
            Does::List if self.is_init(question) => {}
            Does::List => self.lack(|| "what directories it listed".into()),
            Does::Unknown => {
                self.lack(|| format!("what system call {} does", question.call));
            }
        }
        Ok(())
    }

    fn open(&mut self, question: &Question, path: String, flags: i32) -> io::Result<()> {
        let writes = flags & libc::O_ACCMODE != libc::O_RDONLY;
        let makes = flags & libc::O_CREAT != 0;
        let exclusive = libc::O_CREAT | libc::O_EXCL;
        let replaces = flags & libc::O_TRUNC != 0;
        if flags & libc::O_TMPFILE == libc::O_TMPFILE {
            // A file without a name in a directory that is there.
            self.look(path);
            return Ok(());
        }
        if flags & exclusive == exclusive {
            // Made anew under a name that nobody else has: what the name is tells nothing.
            return self.change(question, path, Unseen::Yes);
        }
        if !replaces || !makes {
            self.look(path.clone());
            self.opened.insert(path.clone());
        }
        if writes || makes || replaces {
            let unseen = if makes && replaces { Unseen::Yes } else { Unseen::No };
            self.change(question, path, unseen)?;
        }
        Ok(())
    }

    fn look(&mut self, path: String) {
        if !self.changed.contains_key(&path) {
            self.looked.insert(path);
        }
    }

    /// Notes that a path is about to change, and what is there now.
    fn change(&mut self, question: &Question, path: String, unseen: Unseen) -> io::Result<()> {
        let looked = self.looked.contains(&path);
        let number = self.changed.len();
        let Entry::Vacant(entry) = self.changed.entry(path) else { return Ok(()) };
        let before = match unseen {
            Unseen::Yes if !looked => Before::Nothing,
            _ => {
                let copy = self.scratch.join(format!("before-{number}"));
                keep(question.pid, entry.key(), &copy)?
            }
        };
        entry.insert(before);
        Ok(())
    }

    /// The path that a call names; none where it names none.
    fn path(&mut self, question: &Question, place: Place) -> io::Result<Option<String>> {
        let address = question.args[place.path as usize];
        if address == 0 {
            return Ok(None);
        }
        let text = sys::read_text(question.pid, address)?;
        self.begun = true;
        if text.is_empty() {
            return Ok(None);
        }
        let Ok(text) = String::from_utf8(text) else {
            self.lack(|| "a path that is not UTF-8".into());
            return Ok(None);
        };
        if text.starts_with('/') {
            return Ok(Some(tidy("", &text)));
        }
        let from = place.from.map(|index| question.args[index as usize] as u32);
        let base = match from {
            None | Some(WORKING_DIRECTORY) => match &self.shared_cwd {
                Some(cwd) => return Ok(Some(tidy(cwd, &text))),
                None => "cwd".to_owned(),
            },
            Some(descriptor) => format!("fd/{descriptor}"),
        };
        let base = match fs::read_link(format!("/proc/{}/{base}", question.pid)) {
            Ok(base) => base,
            // A descriptor that is not open: the call fails.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        match base.to_str() {
            Some(base) if base.starts_with('/') => Ok(Some(tidy(base, &text))),
            _ => {
                self.lack(|| format!("where the path {text} starts"));
                Ok(None)
            }
        }
    }
}

/// Whether the command replaces what is there without having seen it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unseen {
    Yes,
    No,
}

/// Copies what the process sees at a path.
fn keep(pid: i32, path: &str, copy: &Path) -> io::Result<Before> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let root = rustix::fs::open(
        format!("/proc/{pid}/root"),
        OFlags::PATH | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    let file = match rustix::fs::openat2(&root, path, flags, Mode::empty(), resolve) {
        Ok(file) => file,
        Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Before::Nothing),
        Err(Errno::LOOP | Errno::NXIO) => return Ok(Before::Other),
        Err(error) => return Err(error.into()),
    };
    if FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode) != FileType::RegularFile {
        return Ok(Before::Other);
    }
    io::copy(&mut fs::File::from(file), &mut fs::File::create(copy)?)?;
    Ok(Before::File(copy.to_owned()))
}

/// Joins and drops what says nothing: `.` and empty names.
fn tidy(base: &str, path: &str) -> String {
    let mut out = String::with_capacity(base.len() + path.len() + 1);
    for name in base.split('/').chain(path.split('/')) {
        if !name.is_empty() && name != "." {
            out.push('/');
            out.push_str(name);
        }
    }
    if out.is_empty() {
        out.push('/');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lose_only_what_says_nothing() {
        assert_eq!(tidy("/build", "./a//b/../c/."), "/build/a/b/../c");
        assert_eq!(tidy("", "//"), "/");
        assert_eq!(tidy("/", "x"), "/x");
    }
}
