//! Files by path, with symbolic links followed as a tool inside would follow them.

use std::{collections::BTreeMap, fmt};

/// Why a file cannot be read.
pub type ReadFailure = Box<dyn std::error::Error + Send + Sync>;

type Reader<'a> = dyn Fn(&str) -> Result<Vec<u8>, ReadFailure> + 'a;

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A directory.
    Directory,
    /// A regular file.
    File,
    /// A symbolic link, with what it says.
    Link(String),
}

/// A folder: what is in it by path, with `/` between the parts, and how files are read.
pub struct Folder<'a> {
    entries: BTreeMap<String, Entry>,
    read: Box<Reader<'a>>,
}

/// Why a path leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Miss {
    /// There is nothing.
    Absent,
    /// It leads out of the folder; the path then is relative to the top, with `..` before it.
    Outside(String),
    /// It is absolute.
    Absolute,
}

impl fmt::Debug for Folder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder").field("entries", &self.entries).finish_non_exhaustive()
    }
}

impl<'a> Folder<'a> {
    /// A folder of these entries; `read` gives the bytes of a file by the path that it has here.
    pub fn new(
        entries: impl IntoIterator<Item = (String, Entry)>,
        read: impl Fn(&str) -> Result<Vec<u8>, ReadFailure> + 'a,
    ) -> Self {
        Self { entries: entries.into_iter().collect(), read: Box::new(read) }
    }

    /// The bytes of a file.
    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, ReadFailure> {
        (self.read)(path)
    }

    /// The names in a directory, sorted.
    pub(super) fn names(&self, directory: &str) -> Vec<&str> {
        let prefix = match directory {
            "." => String::new(),
            directory => format!("{directory}/"),
        };
        let below = self.entries.range(prefix.clone()..);
        let below = below.map_while(|(path, _)| path.strip_prefix(&prefix));
        below.filter(|name| !name.is_empty() && !name.contains('/')).collect()
    }

    /// The paths whose last part is one of `names`, at `directory` or below it.
    pub(super) fn named<'b>(&'b self, directory: &'b str, names: &'b [&str]) -> Vec<&'b str> {
        let within = move |path: &str| {
            directory == "." || path.strip_prefix(directory).is_some_and(|it| it.starts_with('/'))
        };
        let paths = self.entries.keys().map(String::as_str);
        let last = |path: &str| names.contains(&path.rsplit('/').next().unwrap_or(path));
        paths.filter(|path| within(path) && last(path)).collect()
    }

    /// What `path`, as written in `directory`, leads to. The top is `.`.
    pub(super) fn resolve(&self, directory: &str, path: &str) -> Result<(String, Entry), Miss> {
        self.walk(directory, path, Top::Folder)
    }

    /// What is at an absolute path for a program whose root this folder is.
    pub(super) fn at_root(&self, path: &str) -> Option<Entry> {
        self.walk(".", path, Top::Root).ok().map(|(_, entry)| entry)
    }

    fn walk(&self, directory: &str, path: &str, top: Top) -> Result<(String, Entry), Miss> {
        const MOST_LINKS: usize = 40;
        let mut done = parts(directory);
        if path.starts_with('/') {
            top.enter(&mut done)?;
        }
        // What is still to go, the next part last.
        let mut todo = parts(path);
        todo.reverse();
        let (mut entry, mut links) = (Entry::Directory, 0);
        while let Some(part) = todo.pop() {
            if part == ".." {
                if done.pop().is_none() && top == Top::Folder {
                    todo.push(part);
                    todo.reverse();
                    return Err(Miss::Outside(todo.join("/")));
                }
                entry = Entry::Directory;
                continue;
            }
            if entry != Entry::Directory {
                return Err(Miss::Absent);
            }
            done.push(part);
            entry = self.entries.get(&done.join("/")).cloned().ok_or(Miss::Absent)?;
            if let Entry::Link(target) = &entry {
                links += 1;
                if links > MOST_LINKS {
                    return Err(Miss::Absent);
                }
                done.pop();
                if target.starts_with('/') {
                    top.enter(&mut done)?;
                }
                todo.extend(parts(target).into_iter().rev());
                entry = Entry::Directory;
            }
        }
        let path = if done.is_empty() { ".".to_owned() } else { done.join("/") };
        Ok((path, entry))
    }
}

/// What the top of a folder is for those who walk in it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Top {
    /// A directory somewhere.
    Folder,
    /// `/`.
    Root,
}

impl Top {
    /// Begins anew at `/`, where that is the top.
    fn enter(self, done: &mut Vec<String>) -> Result<(), Miss> {
        match self {
            Self::Folder => Err(Miss::Absolute),
            Self::Root => {
                done.clear();
                Ok(())
            }
        }
    }
}

fn parts(path: &str) -> Vec<String> {
    let parts = path.split('/').filter(|part| !matches!(*part, "" | "."));
    parts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> Folder<'static> {
        let entries = [
            ("a", Entry::Directory),
            ("a/b", Entry::Directory),
            ("a/b/file", Entry::File),
            ("a/up", Entry::Link("../a/b".into())),
            ("a/out", Entry::Link("../../x".into())),
            ("a/loop", Entry::Link("loop".into())),
            ("a/host", Entry::Link("/etc".into())),
        ];
        Folder::new(entries.map(|(path, entry)| (path.to_owned(), entry)), |_| Ok(Vec::new()))
    }

    #[test]
    fn links_and_dots_are_followed_within_the_folder() {
        let folder = folder();
        let file = Ok(("a/b/file".to_owned(), Entry::File));
        assert_eq!(folder.resolve("a", "up/file"), file);
        assert_eq!(folder.resolve("a/b", "../../a/./b/file"), file);
        assert_eq!(folder.resolve("a/b", "../.."), Ok((".".to_owned(), Entry::Directory)));
        assert_eq!(folder.at_root("/a/host/../b/file"), None);
        assert_eq!(folder.at_root("/../a/up/file"), Some(Entry::File));
    }

    #[test]
    fn what_leads_out_of_the_folder_is_no_part_of_it() {
        let folder = folder();
        assert_eq!(folder.resolve("a", "../../../x/y"), Err(Miss::Outside("../../x/y".into())));
        assert_eq!(folder.resolve("a", "out"), Err(Miss::Outside("../x".into())));
        assert_eq!(folder.resolve("a", "host"), Err(Miss::Absolute));
        assert_eq!(folder.resolve("a", "/etc"), Err(Miss::Absolute));
        assert_eq!(folder.resolve("a", "loop"), Err(Miss::Absent));
        assert_eq!(folder.resolve(".", "nothing"), Err(Miss::Absent));
    }

    #[test]
    fn names_are_those_of_one_directory() {
        assert_eq!(folder().names("."), ["a"]);
        assert_eq!(folder().names("a/b"), ["file"]);
        assert_eq!(folder().named("a", &["file", "up"]), ["a/b/file", "a/up"]);
    }
}
