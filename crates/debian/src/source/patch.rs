//! Unified diffs, read strictly (POSIX `diff -u`, with what git adds for deletions and creations).

/// The change of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePatch {
    /// The path before, without its first name (`-p1`); none for a new file.
    pub old: Option<Vec<u8>>,
    /// The path after; none for a deleted file.
    pub new: Option<Vec<u8>>,
    /// Whether the file after is executable, where the patch says so.
    pub executable: Option<bool>,
    /// What becomes of the old path, where the new one is another, as git says it.
    pub origin: Origin,
    /// The changes, in the order of their lines.
    pub hunks: Vec<Hunk>,
}

/// How the new path of a change is related to the old one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// The same file, whatever its names.
    Same,
    /// `rename from`, `rename to`: the old one is gone.
    Renamed,
    /// `copy from`, `copy to`: the old one stays.
    Copied,
}

/// Lines that are replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The first line before, from 1; the line before the hunk where it has no old lines.
    pub old_start: usize,
    /// Context, removed and added lines, in order.
    pub lines: Vec<Line>,
}

/// A line of a hunk: what becomes of it, and its bytes with the newline that ends it, if any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What becomes of it.
    pub change: Change,
    /// The bytes.
    pub text: Vec<u8>,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It stays.
    Keep,
    /// It goes.
    Remove,
    /// It comes.
    Add,
}

/// Why a text is not a unified diff.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {problem}")]
pub struct PatchError {
    /// The line of the patch, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: &'static str,
}

/// Reads a patch; text between the changes of files is commentary.
pub fn parse_patch(text: &[u8]) -> Result<Vec<FilePatch>, PatchError> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let mut reader = Reader { lines, at: 0 };
    let mut patches = Vec::new();
    let mut said = Extended::default();
    while let Some(line) = reader.peek(0) {
        if line.starts_with(b"diff --git ") {
            patches.extend(std::mem::take(&mut said).alone());
        } else {
            said.hear(line);
        }
        if line.starts_with(b"GIT binary patch") {
            return Err(reader.error("binary patches are not supported"));
        }
        let is_header = line.starts_with(b"--- ")
            && reader.peek(1).is_some_and(|line| line.starts_with(b"+++ "));
        if !is_header {
            reader.at += 1;
            continue;
        }
        let old = reader.path(b"--- ")?;
        let new = reader.path(b"+++ ")?;
        if old.is_none() && new.is_none() {
            return Err(reader.error("both the old and the new file are /dev/null"));
        }
        let mut hunks = Vec::new();
        while reader.peek(0).is_some_and(|line| line.starts_with(b"@@ ")) {
            hunks.push(reader.hunk()?);
        }
        if hunks.is_empty() {
            return Err(reader.error("a file's change has no hunk"));
        }
        let said = std::mem::take(&mut said);
        let (old, new) = said.places().unwrap_or((old, new));
        patches.push(FilePatch {
            old,
            new,
            executable: said.executable,
            origin: said.origin(),
            hunks,
        });
    }
    patches.extend(said.alone());
    Ok(patches)
}

/// What git says of a file before its hunks (git-diff(1), "Generating patch text with -p").
#[derive(Default)]
struct Extended {
    executable: Option<bool>,
    from: Option<Vec<u8>>,
    to: Option<Vec<u8>>,
    copies: bool,
}

impl Extended {
    fn hear(&mut self, line: &[u8]) {
        let after = |start: &str| line.strip_prefix(start.as_bytes()).map(<[u8]>::trim_ascii_end);
        if let Some(mode) = after("new file mode ").or_else(|| after("new mode ")) {
            self.executable = Some(mode.starts_with(b"100755"));
        }
        if let Some(path) = after("rename from ").or_else(|| after("copy from ")) {
            self.from = Some(path.to_vec());
            self.copies = line.starts_with(b"copy");
        }
        if let Some(path) = after("rename to ").or_else(|| after("copy to ")) {
            self.to = Some(path.to_vec());
        }
    }

    /// Both paths of a file that moves; they have no leading part to strip.
    #[allow(clippy::type_complexity, reason = "the two paths of a change, as it has them")]
    fn places(&self) -> Option<(Option<Vec<u8>>, Option<Vec<u8>>)> {
        Some((Some(self.from.clone()?), Some(self.to.clone()?)))
    }

    fn origin(&self) -> Origin {
        match self.places() {
            None => Origin::Same,
            Some(_) if self.copies => Origin::Copied,
            Some(_) => Origin::Renamed,
        }
    }

    /// The change of a file that moves and has no hunks.
    fn alone(self) -> Option<FilePatch> {
        let (old, new) = self.places()?;
        let origin = self.origin();
        Some(FilePatch { old, new, executable: self.executable, origin, hunks: Vec::new() })
    }
}

struct Reader<'a> {
    lines: Vec<&'a [u8]>,
    at: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self, ahead: usize) -> Option<&'a [u8]> {
        self.lines.get(self.at + ahead).copied()
    }

    fn error(&self, problem: &'static str) -> PatchError {
        PatchError { line: self.at + 1, problem }
    }

    /// The path of a header line, without its first name; none for `/dev/null` and for the date
    /// that GNU diff gives to a file that is not there.
    fn path(&mut self, prefix: &[u8]) -> Result<Option<Vec<u8>>, PatchError> {
        let line = self.peek(0).unwrap_or_default();
        let line = line.strip_prefix(prefix).unwrap_or_default().trim_ascii_end();
        let (path, date) = match line.iter().position(|byte| *byte == b'\t') {
            Some(tab) => (&line[..tab], &line[tab + 1..]),
            None => (line, &b""[..]),
        };
        if path == b"/dev/null" || date.starts_with(b"1970-01-01 00:00:00") {
            self.at += 1;
            return Ok(None);
        }
        let Some(slash) = path.iter().position(|byte| *byte == b'/') else {
            return Err(self.error("a path has no directory to cut off"));
        };
        self.at += 1;
        Ok(Some(path[slash + 1..].into()))
    }

    fn hunk(&mut self) -> Result<Hunk, PatchError> {
        let header = self.peek(0).unwrap_or_default();
        let (old_start, mut old, mut new) = ranges(header)
            .ok_or_else(|| self.error("a hunk's header is not `@@ -LINE,COUNT +LINE,COUNT @@`"))?;
        self.at += 1;
        let mut lines: Vec<Line> = Vec::new();
        while old > 0 || new > 0 {
            let Some(line) = self.peek(0) else {
                return Err(self.error("the patch ends inside a hunk"));
            };
            let (change, text) = match line.split_first() {
                Some((b' ', text)) => (Change::Keep, text),
                Some((b'-', text)) => (Change::Remove, text),
                Some((b'+', text)) => (Change::Add, text),
                // Mail programs cut the space off an empty context line.
                Some((b'\n', _)) => (Change::Keep, line),
                Some((b'\\', _)) => {
                    self.end_without_newline(&mut lines)?;
                    continue;
                }
                _ => return Err(self.error("a hunk's line starts with none of ` `, `-`, `+`")),
            };
            let counts = match change {
                Change::Keep => (1, 1),
                Change::Remove => (1, 0),
                Change::Add => (0, 1),
            };
            let left = old.checked_sub(counts.0).zip(new.checked_sub(counts.1));
            (old, new) = left.ok_or_else(|| self.error("a hunk has more lines than it says"))?;
            lines.push(Line { change, text: text.into() });
            self.at += 1;
        }
        if self.peek(0).is_some_and(|line| line.starts_with(b"\\")) {
            self.end_without_newline(&mut lines)?;
        }
        Ok(Hunk { old_start, lines })
    }

    /// `\ No newline at end of file` belongs to the line before it.
    fn end_without_newline(&mut self, lines: &mut [Line]) -> Result<(), PatchError> {
        match lines.last_mut() {
            Some(line) if line.text.ends_with(b"\n") => drop(line.text.pop()),
            _ => return Err(self.error("`\\ No newline` follows no line")),
        }
        self.at += 1;
        Ok(())
    }
}

/// First old line and the numbers of old and new lines.
fn ranges(header: &[u8]) -> Option<(usize, usize, usize)> {
    let text = std::str::from_utf8(header.get(..header.len().min(80))?)
        .map_or_else(|error| std::str::from_utf8(&header[..error.valid_up_to()]).ok(), Some)?;
    let text = text.strip_prefix("@@ -")?;
    let (old, rest) = text.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let range = |text: &str| -> Option<(usize, usize)> {
        match text.split_once(',') {
            Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
            None => Some((text.parse().ok()?, 1)),
        }
    };
    let (start, old) = range(old)?;
    Some((start, old, range(new)?.1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_read_with_commentary_and_missing_newlines() {
        let text = b"Description: x\n---\nmore\n--- a/f.c\t2020-01-01\n+++ b/f.c\n@@ -1,2 +1,2 @@ fn\n a\n-b\n\\ No newline at end of file\n+c\n\\ No newline at end of file\n-- \n2.1\n";
        let patches = parse_patch(text).unwrap();
        assert_eq!(patches.len(), 1);
        assert_eq!(patches[0].old.as_deref(), Some(&b"f.c"[..]));
        let texts: Vec<_> = patches[0].hunks[0].lines.iter().map(|l| l.text.as_slice()).collect();
        assert_eq!(texts, [&b"a\n"[..], b"b", b"c"]);
    }

    #[test]
    fn a_file_that_moves_is_read_with_and_without_hunks() {
        let text = b"diff --git a/x/a b/y/a\nsimilarity index 100%\nrename from x/a\nrename to y/a\ndiff --git a/b b/c\nsimilarity index 80%\ncopy from b\ncopy to c\n--- a/b\n+++ b/c\n@@ -1 +1 @@\n-b\n+c\n";
        let patches = parse_patch(text).unwrap();
        let of = |patch: &FilePatch| (patch.origin, patch.old.clone(), patch.new.clone());
        let some = |text: &[u8]| Some(text.to_vec());
        assert_eq!(of(&patches[0]), (Origin::Renamed, some(b"x/a"), some(b"y/a")));
        assert!(patches[0].hunks.is_empty());
        assert_eq!(of(&patches[1]), (Origin::Copied, some(b"b"), some(b"c")));
        assert_eq!(patches[1].hunks.len(), 1);
    }

    #[test]
    fn malformed_patches_say_the_line() {
        let bad = |text: &[u8]| parse_patch(text).unwrap_err().line;
        assert_eq!(bad(b"--- a/f\n+++ b/f\n@@ nonsense @@\n"), 3);
        assert_eq!(bad(b"--- a/f\n+++ b/f\n@@ -1,2 +1,2 @@\n a\n"), 5);
        assert_eq!(bad(b"--- a/f\n+++ b/f\n@@ -1 +1 @@\n*x\n"), 4);
        assert_eq!(bad(b"--- /dev/null\n+++ /dev/null\n@@ -1 +1 @@\n"), 3);
    }

    #[test]
    fn old_or_new_file_may_be_absent() {
        let text = b"--- /dev/null\n+++ b/n/f\n@@ -0,0 +1 @@\n+x\n--- a/g\n+++ /dev/null\n@@ -1 +0,0 @@\n-y\n";
        let patches = parse_patch(text).unwrap();
        assert_eq!(
            (patches[0].old.as_deref(), patches[0].new.as_deref()),
            (None, Some(&b"n/f"[..]))
        );
        assert_eq!(patches[1].new, None);
    }
}
