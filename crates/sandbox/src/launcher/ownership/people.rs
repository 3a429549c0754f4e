//! Who processes are: root, until they ask to be somebody else.
//!
//! The kernel knows one user inside. A process that asks for other ids gets them from here, and so do
//! those that it starts; files that they make are theirs. What they may not do is not enforced.

use super::{Answer, ByProcess, Reply, Stop, place};
use crate::sys::Question;

/// The ids of a process: real, effective, saved, and of the file system.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Person {
    user: [u32; 4],
    group: [u32; 4],
    groups: Vec<u32>,
    /// It asked to keep its rights when it becomes somebody else.
    keeps: bool,
}

/// Indices of the four.
const REAL: usize = 0;
const EFFECTIVE: usize = 1;
const SAVED: usize = 2;
const FILES: usize = 3;

impl Person {
    /// Whether it has root's rights over files.
    pub(super) fn is_root(&self) -> bool {
        self.user[EFFECTIVE] == 0
    }

    pub(super) fn fsuid(&self) -> u32 {
        self.user[FILES]
    }

    pub(super) fn fsgid(&self) -> u32 {
        self.group[FILES]
    }

    pub(super) fn is_in(&self, group: u32) -> bool {
        self.group[FILES] == group || self.groups.contains(&group)
    }
}

/// Everybody who is not root, by process.
#[derive(Debug, Default)]
pub(super) struct People {
    others: ByProcess<Person>,
}

/// How far up a process is looked for among those that became somebody else.
const GENERATIONS: usize = 64;

impl People {
    /// Who a process is: what it asked for, or who its parent is.
    pub(super) fn of(&mut self, pid: i32) -> Person {
        if self.others.is_empty() {
            return Person::default();
        }
        let (mut at, mut way) = (pid, Vec::new());
        let mut person = Person::default();
        for _ in 0..GENERATIONS {
            let Some(life) = place::Life::of(at) else { break };
            let Some(started) = place::started(life.group) else { break };
            if let Some(known) = self.others.get(&(life.group, started)) {
                person = known.clone();
                break;
            }
            way.push((life.group, started));
            at = life.parent;
            if at == 0 {
                break;
            }
        }
        if person != Person::default() {
            // Its parent may be gone at the next question.
            for process in way {
                self.others.insert(process, person.clone());
            }
        }
        person
    }

    fn set(&mut self, pid: i32, person: Person) {
        let life = place::Life::of(pid).map(|life| life.group);
        if let Some((group, started)) = life.and_then(|group| Some((group, place::started(group)?)))
        {
            // Also where it is root again: its parent may not be.
            if person != Person::default() || !self.others.is_empty() {
                self.others.insert((group, started), person);
            }
        }
    }

    /// Answers a call about ids.
    pub(super) fn answer(&mut self, question: &Question) -> Answer {
        let mut person = self.of(question.pid);
        let [a, b, c, ..] = question.args;
        let ids = [a as u32, b as u32, c as u32];
        let privileged = person.is_root() || person.keeps;
        match i64::from(question.call) {
            libc::SYS_getuid => return Ok(Reply::Value(person.user[REAL].into())),
            libc::SYS_geteuid => return Ok(Reply::Value(person.user[EFFECTIVE].into())),
            libc::SYS_getgid => return Ok(Reply::Value(person.group[REAL].into())),
            libc::SYS_getegid => return Ok(Reply::Value(person.group[EFFECTIVE].into())),
            libc::SYS_getresuid => return three(question, &person.user),
            libc::SYS_getresgid => return three(question, &person.group),
            libc::SYS_setuid => all(&mut person.user, ids[0], privileged)?,
            libc::SYS_setgid => all(&mut person.group, ids[0], privileged)?,
            libc::SYS_setreuid => {
                let saved = reassigned(&person.user, ids);
                some(&mut person.user, [ids[0], ids[1], saved], privileged)?;
            }
            libc::SYS_setregid => {
                let saved = reassigned(&person.group, ids);
                some(&mut person.group, [ids[0], ids[1], saved], privileged)?;
            }
            libc::SYS_setresuid => some(&mut person.user, ids, privileged)?,
            libc::SYS_setresgid => some(&mut person.group, ids, privileged)?,
            libc::SYS_setfsuid => {
                let before = person.user[FILES];
                one(&mut person.user, ids[0], privileged);
                self.set(question.pid, person);
                return Ok(Reply::Value(before.into()));
            }
            libc::SYS_setfsgid => {
                let before = person.group[FILES];
                one(&mut person.group, ids[0], privileged);
                self.set(question.pid, person);
                return Ok(Reply::Value(before.into()));
            }
            // Which of its rights it keeps is not followed: enough for programs that give them up.
            libc::SYS_prctl => {
                person.keeps = question.args[1] != 0;
                self.set(question.pid, person);
                return Ok(Reply::Kernel);
            }
            libc::SYS_setgroups if privileged => person.groups = groups(question)?,
            libc::SYS_setgroups => return Err(Stop::Errno(libc::EPERM)),
            call => return Err(Stop::Unknown(format!("its system call {call} has no answer"))),
        }
        self.set(question.pid, person);
        Ok(Reply::Value(0))
    }
}

/// Writes real, effective and saved id to three addresses.
fn three(question: &Question, ids: &[u32; 4]) -> Answer {
    for (address, id) in question.args.iter().zip(&ids[..3]) {
        let write = crate::sys::write_memory(question.pid, *address, &id.to_ne_bytes());
        write.map_err(|_| Stop::Errno(libc::EFAULT))?;
    }
    Ok(Reply::Value(0))
}

/// `setuid`, `setgid`: root changes all, others the effective one.
fn all(ids: &mut [u32; 4], id: u32, privileged: bool) -> Result<(), Stop> {
    match privileged {
        true => *ids = [id; 4],
        false if id == ids[REAL] || id == ids[SAVED] => (ids[EFFECTIVE], ids[FILES]) = (id, id),
        false => return Err(Stop::Errno(libc::EPERM)),
    }
    Ok(())
}

/// `setresuid`, `setresgid`: those that are not -1; others than root choose among their own.
fn some(ids: &mut [u32; 4], asked: [u32; 3], privileged: bool) -> Result<(), Stop> {
    let own = [ids[REAL], ids[EFFECTIVE], ids[SAVED]];
    if !privileged && asked.iter().any(|id| *id != u32::MAX && !own.contains(id)) {
        return Err(Stop::Errno(libc::EPERM));
    }
    for (id, asked) in ids.iter_mut().zip(asked) {
        if asked != u32::MAX {
            *id = asked;
        }
    }
    ids[FILES] = ids[EFFECTIVE];
    Ok(())
}

/// The saved id after `setreuid`: the new effective one, where the real one is set or the effective one
/// becomes another than the real one was (setreuid(2)).
fn reassigned(ids: &[u32; 4], asked: [u32; 3]) -> u32 {
    let changes = asked[0] != u32::MAX || (asked[1] != u32::MAX && asked[1] != ids[REAL]);
    match (changes, asked[1]) {
        (true, u32::MAX) => ids[EFFECTIVE],
        (true, effective) => effective,
        (false, _) => u32::MAX,
    }
}

/// `setfsuid`, `setfsgid`: without effect where it is not allowed.
fn one(ids: &mut [u32; 4], id: u32, privileged: bool) {
    if id != u32::MAX && (privileged || ids.contains(&id)) {
        ids[FILES] = id;
    }
}

fn groups(question: &Question) -> Result<Vec<u32>, Stop> {
    let [count, list, ..] = question.args;
    if count > 65536 {
        return Err(Stop::Errno(libc::EINVAL));
    }
    let mut bytes = vec![0; count as usize * 4];
    if count > 0 {
        let read = crate::ownership::raw::read_memory(question.pid, list, &mut bytes);
        if !read.is_ok_and(|length| length == bytes.len()) {
            return Err(Stop::Errno(libc::EFAULT));
        }
    }
    Ok(bytes.as_chunks::<4>().0.iter().map(|id| u32::from_ne_bytes(*id)).collect())
}
