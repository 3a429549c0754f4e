//! The file system of a running step as its builder sees it: which host directory stands where, and
//! what is at a path inside.
//!
//! The step writes to some of these directories, so nothing in them is trusted: no link is followed
//! by the host's kernel, every path is opened below its place (`openat2`).

use super::reads::State;
use groundup_digest::{BlobHasher, BlobId};
use rustix::{
    fs::{FileType, Mode, OFlags, ResolveFlags},
    io::Errno,
};
use std::{
    collections::{BTreeMap, HashMap},
    fs::File,
    io::{self, Read},
    os::fd::{AsRawFd, OwnedFd},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

/// Whether a place can change while the step runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The root file system: as a whole part of the command's key.
    Root,
    /// An input: what is known of it stays.
    Input,
    /// Where the step works.
    Work,
}

/// The places of a step.
#[derive(Debug)]
pub(super) struct View {
    /// Longest first.
    places: Vec<Place>,
    /// What is known of inputs, by path.
    known: Mutex<HashMap<String, State>>,
    /// Paths of the root that lead to no other place.
    plain: Mutex<std::collections::HashSet<String>>,
}

#[derive(Debug)]
struct Place {
    at: String,
    kind: Kind,
    directory: OwnedFd,
}

/// What every sandbox has alike: no part of any key.
const FIXED: [&str; 4] = ["/dev", "/proc", "/sys", "/groundup"];
/// As the kernel's own limit on links in one path.
const MOST_LINKS: usize = 40;

fn is_below(path: &str, top: &str) -> bool {
    top == "/"
        || path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl View {
    pub(super) fn new(
        places: impl IntoIterator<Item = (String, Kind, PathBuf)>,
    ) -> io::Result<Self> {
        let mut opened = Vec::new();
        for (at, kind, directory) in places {
            let flags = OFlags::PATH | OFlags::CLOEXEC;
            let directory = rustix::fs::open(&directory, flags, Mode::empty())?;
            opened.push(Place { at, kind, directory });
        }
        opened.sort_by_key(|place| std::cmp::Reverse(place.at.len()));
        Ok(Self { places: opened, known: Mutex::default(), plain: Mutex::default() })
    }

    /// The place that a path without `..` belongs to, and the path below it.
    fn place<'a>(&self, path: &'a str) -> Option<(&Place, &'a str)> {
        if FIXED.iter().any(|fixed| is_below(path, fixed)) {
            return None;
        }
        let place = self.places.iter().find(|place| is_below(path, &place.at))?;
        let below = path[place.at.len().min(path.len())..].trim_start_matches('/');
        Some((place, if below.is_empty() { "." } else { below }))
    }

    /// Whether a step may write here.
    pub(super) fn is_work(&self, path: &str) -> bool {
        self.place(path).is_some_and(|(place, _)| place.kind == Kind::Work)
    }

    /// What is at a path now, without following any link; none where it is part of no child's key.
    pub(super) fn state(&self, path: &str) -> io::Result<Option<State>> {
        let Some((place, below)) = self.place(path) else { return Ok(None) };
        match place.kind {
            Kind::Root => Ok(None),
            Kind::Work => look(place, below).map(Some),
            Kind::Input => {
                let lock = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
                if let Some(state) = lock().get(path) {
                    return Ok(Some(state.clone()));
                }
                let state = look(place, below)?;
                lock().insert(path.to_owned(), state.clone());
                Ok(Some(state))
            }
        }
    }

    /// Adds all that a look at a path depends on: what is there, and every link on the way.
    pub(super) fn follow(&self, path: &str, into: &mut BTreeMap<String, State>) -> io::Result<()> {
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            // Up to the first `..`, which starts from what is really there.
            let end = path.find("/../").or_else(|| path.strip_suffix("/..").map(str::len));
            let part = match end {
                Some(0) => {
                    path = path[3..].to_owned();
                    continue;
                }
                Some(end) => &path[..end],
                None => &path[..],
            };
            let (link, target) = match self.step(part, into)? {
                Step::There(directory) => match end {
                    Some(end) if directory => {
                        let parent = part.rfind('/').map_or("", |at| &part[..at]);
                        path = format!("{parent}{}", &path[end + 3..]);
                        continue;
                    }
                    _ => return Ok(()),
                },
                Step::Link(link, target) => (link, target),
            };
            let rest = &path[link.len()..];
            path = match target.strip_prefix('/') {
                Some(_) => format!("{target}{rest}"),
                None => {
                    let parent = link.rfind('/').map_or("", |at| &link[..at]);
                    format!("{parent}/{target}{rest}")
                }
            };
            path = tidy(&path);
        }
        // A loop, which is an error of the program's own call.
        Ok(())
    }

    /// Looks at a path without `..`: what is there, or the first link on the way.
    fn step(&self, path: &str, into: &mut BTreeMap<String, State>) -> io::Result<Step> {
        let Some((place, below)) = self.place(path) else { return Ok(Step::There(true)) };
        if place.kind == Kind::Root {
            let lock = || self.plain.lock().unwrap_or_else(PoisonError::into_inner);
            if lock().contains(path) {
                return Ok(Step::There(true));
            }
            return Ok(match first_link(place, below)? {
                Some((link, target)) => Step::Link(joined(&place.at, &link), target),
                None => {
                    lock().insert(path.to_owned());
                    Step::There(true)
                }
            });
        }
        let state = self.state(path)?.unwrap_or(State::Other);
        match state {
            State::Elsewhere | State::Link(_) => match first_link(place, below)? {
                Some((link, target)) => {
                    let link = joined(&place.at, &link);
                    into.insert(link.clone(), State::Link(target.clone()));
                    Ok(Step::Link(link, target))
                }
                // It changed just now.
                None => Err(io::Error::other(format!("{path} changes while it is looked at"))),
            },
            state => {
                let directory = state == State::Directory;
                into.insert(path.to_owned(), state);
                Ok(Step::There(directory))
            }
        }
    }

    /// The bytes of a file.
    pub(super) fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        let (place, below) = self.place(path).ok_or(io::ErrorKind::NotFound)?;
        let mut bytes = Vec::new();
        File::from(open(place, below, OFlags::RDONLY | OFlags::NONBLOCK)?)
            .read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Whether a file can be executed.
    pub(super) fn is_executable(&self, path: &str) -> io::Result<bool> {
        let (place, below) = self.place(path).ok_or(io::ErrorKind::NotFound)?;
        let stat = rustix::fs::fstat(open(place, below, OFlags::PATH)?)?;
        Ok(stat.st_mode & 0o111 != 0)
    }

    /// Puts a file at a path of the step's work, in the place of what is there.
    pub(super) fn put(&self, path: &str, from: &Path) -> io::Result<()> {
        let found = self.place(path).filter(|(place, _)| place.kind == Kind::Work);
        let (place, below) = found.ok_or(io::ErrorKind::NotFound)?;
        let (parent, name) = below.rsplit_once('/').unwrap_or((".", below));
        let parent = open(place, parent, OFlags::PATH | OFlags::DIRECTORY)?;
        match rustix::fs::unlinkat(&parent, name, rustix::fs::AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let to = rustix::fs::openat(&parent, name, flags, Mode::from_raw_mode(0o644))?;
        rustix::fs::fchmod(&to, Mode::from_raw_mode(0o644))?;
        io::copy(&mut File::open(from)?, &mut File::from(to)).map(drop)
    }
}

enum Step {
    /// No link on the way, and whether a directory is there.
    There(bool),
    /// A link, and where it leads.
    Link(String, String),
}

fn joined(top: &str, below: &str) -> String {
    tidy(&format!("{top}/{below}"))
}

/// Without empty names and `.`.
fn tidy(path: &str) -> String {
    let names = path.split('/').filter(|name| !name.is_empty() && *name != ".");
    let text: String = names.flat_map(|name| ["/", name]).collect();
    if text.is_empty() { "/".to_owned() } else { text }
}

fn open(place: &Place, below: &str, flags: OFlags) -> rustix::io::Result<OwnedFd> {
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
    let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    if below == "." {
        // The place itself, which may be a file.
        let path = format!("/proc/self/fd/{}", place.directory.as_raw_fd());
        return rustix::fs::open(path, flags.difference(OFlags::NOFOLLOW), Mode::empty());
    }
    loop {
        match rustix::fs::openat2(&place.directory, below, flags, Mode::empty(), resolve) {
            // Something was renamed meanwhile (openat2(2)).
            Err(Errno::AGAIN | Errno::INTR) => {}
            other => return other,
        }
    }
}

fn look(place: &Place, below: &str) -> io::Result<State> {
    let found = match open(place, below, OFlags::PATH) {
        Ok(found) => found,
        Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => return Ok(State::Absent),
        Err(Errno::LOOP) => return Ok(State::Elsewhere),
        Err(error) => return Err(error.into()),
    };
    let stat = rustix::fs::fstat(&found)?;
    Ok(match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => {
            let path = format!("/proc/self/fd/{}", found.as_raw_fd());
            State::File(digest(&mut File::open(path)?)?)
        }
        FileType::Directory => State::Directory,
        FileType::Symlink => {
            let target = rustix::fs::readlinkat(&found, "", Vec::new())?;
            State::Link(target.into_string().map_err(io::Error::other)?)
        }
        _ => State::Other,
    })
}

fn digest(file: &mut File) -> io::Result<BlobId> {
    let mut hasher = BlobHasher::default();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.id()),
            count => hasher.update(&buffer[..count]),
        }
    }
}

/// The first link on the way to a path, the path itself included, and where it leads.
fn first_link(place: &Place, below: &str) -> io::Result<Option<(String, String)>> {
    let mut part = String::new();
    for name in below.split('/').filter(|name| !name.is_empty() && *name != ".") {
        if !part.is_empty() {
            part.push('/');
        }
        part.push_str(name);
        let found = match open(place, &part, OFlags::PATH) {
            Ok(found) => found,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        if FileType::from_raw_mode(rustix::fs::fstat(&found)?.st_mode) == FileType::Symlink {
            let target = rustix::fs::readlinkat(&found, "", Vec::new())?;
            return Ok(Some((part, target.into_string().map_err(io::Error::other)?)));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    /// A root with a link out of it, an input, an input that is one file, and a place to work.
    fn places() -> (tempfile::TempDir, View) {
        let top = tempfile::tempdir().unwrap();
        let at = |name: &str| top.path().join(name);
        for name in ["root/usr", "input/sub", "build/deep/er"] {
            fs::create_dir_all(at(name)).unwrap();
        }
        symlink("/src/linux", at("root/usr/src")).unwrap();
        fs::write(at("input/a.h"), "a").unwrap();
        fs::write(at("file"), "f").unwrap();
        fs::write(at("build/deep/b.h"), "b").unwrap();
        symlink("../a.h", at("input/sub/link.h")).unwrap();
        symlink("/src/linux/sub", at("build/source")).unwrap();
        symlink("loop", at("build/loop")).unwrap();
        let places = [
            ("/", Kind::Root, "root"),
            ("/src/linux", Kind::Input, "input"),
            ("/deps/file", Kind::Input, "file"),
            ("/build", Kind::Work, "build"),
        ];
        let places = places.map(|(place, kind, name)| (place.to_owned(), kind, at(name)));
        let view = View::new(places).unwrap();
        (top, view)
    }

    fn followed(view: &View, path: &str) -> Vec<(String, State)> {
        let mut into = BTreeMap::new();
        view.follow(path, &mut into).unwrap();
        into.into_iter().collect()
    }

    fn file(text: &str) -> State {
        State::File(BlobId::of(text.as_bytes()))
    }

    fn link(target: &str) -> State {
        State::Link(target.to_owned())
    }

    #[test]
    fn what_is_there_and_what_is_not_is_seen() {
        let (_top, view) = places();
        let pairs = [
            ("/src/linux/a.h", file("a")),
            ("/src/linux/missing/x.h", State::Absent),
            ("/src/linux/a.h/x", State::Absent),
            ("/src/linux", State::Directory),
            ("/deps/file", file("f")),
            ("/build/deep/b.h", file("b")),
        ];
        for (path, state) in pairs {
            assert_eq!(followed(&view, path), [(path.to_owned(), state.clone())]);
            assert_eq!(view.state(path).unwrap(), Some(state));
        }
    }

    #[test]
    fn every_link_on_the_way_is_seen() {
        let (_top, view) = places();
        assert_eq!(
            followed(&view, "/build/source/link.h"),
            [
                ("/build/source".to_owned(), link("/src/linux/sub")),
                ("/src/linux/a.h".to_owned(), file("a")),
                ("/src/linux/sub".to_owned(), State::Directory),
                ("/src/linux/sub/link.h".to_owned(), link("../a.h")),
            ]
        );
        // The root is in the key as a whole; what its links lead to is not.
        assert_eq!(followed(&view, "/usr/src/a.h"), [("/src/linux/a.h".to_owned(), file("a"))]);
        assert_eq!(followed(&view, "/usr/bin/gcc"), []);
        assert_eq!(followed(&view, "/build/loop"), [("/build/loop".to_owned(), link("loop"))]);
    }

    #[test]
    fn a_step_up_starts_from_what_is_there() {
        let (_top, view) = places();
        assert_eq!(
            followed(&view, "/build/source/../a.h"),
            [
                ("/build/source".to_owned(), link("/src/linux/sub")),
                ("/src/linux/a.h".to_owned(), file("a")),
                ("/src/linux/sub".to_owned(), State::Directory),
            ]
        );
        let absent = ("/build/none".to_owned(), State::Absent);
        assert_eq!(followed(&view, "/build/none/../deep/b.h"), [absent]);
        assert_eq!(
            followed(&view, "/build/deep/../../../src/linux/a.h").last(),
            Some(&("/src/linux/a.h".to_owned(), file("a")))
        );
    }

    #[test]
    fn what_a_step_writes_is_looked_at_again() {
        let (top, view) = places();
        let path = "/build/deep/b.h";
        fs::write(top.path().join("build/deep/b.h"), "c").unwrap();
        assert_eq!(view.state(path).unwrap(), Some(file("c")));
        view.put(path, &top.path().join("file")).unwrap();
        assert_eq!(view.read(path).unwrap(), b"f");
        assert!(!view.is_executable(path).unwrap());
    }

    #[test]
    fn files_are_put_into_the_work_alone_and_through_no_link() {
        let (top, view) = places();
        let from = top.path().join("file");
        for path in ["/src/linux/new", "/etc/new", "/build/source/new", "/build/none/new"] {
            assert!(view.put(path, &from).is_err(), "{path}");
        }
        assert!(!view.is_work("/src/linux/x") && view.is_work("/build/x"));
    }
}
