//! What of a text has no effect: white space, and comments where their sign is known.

use crate::Pair;

/// What counts as another spelling of the same line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spelling {
    /// With what a line that is a comment starts; none if it is not known.
    comments: &'static [&'static str],
    /// Whether white space before the first word says nothing.
    indent: Indent,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Indent {
    Free,
    Matters,
}

/// Ends of names, what starts a comment, and whether indentation matters.
const KNOWN: &[(&[&str], &[&str], Indent)] = &[
    (&[".py", ".yaml", ".yml", "Makefile", ".mk"], &["#"], Indent::Matters),
    (
        &[
            ".sh",
            ".bash",
            ".zsh",
            ".pl",
            ".rb",
            ".conf",
            ".cfg",
            ".rules",
            ".list",
            ".toml",
            ".env",
            ".awk",
            ".sed",
            ".tcl",
            ".cmake",
            ".properties",
            "sshd_config",
            "ssh_config",
            "crontab",
            "Dockerfile",
            "bash.bashrc",
            ".bashrc",
            ".profile",
            "/profile",
            "environment",
            "login.defs",
            "Kconfig",
            ".fragment",
            ".preset",
            ".sources",
            ".control",
        ],
        &["#"],
        Indent::Free,
    ),
    (&[".ini", ".reg"], &[";", "#"], Indent::Free),
    (
        &[
            ".c", ".h", ".cc", ".cpp", ".hpp", ".rs", ".go", ".js", ".ts", ".java", ".proto",
            ".dts", ".dtsi",
        ],
        &["//"],
        Indent::Free,
    ),
    (&[".lua", ".sql", ".hs"], &["--"], Indent::Free),
    (&[".vim", "vimrc"], &["\""], Indent::Free),
    (&[".el", ".lisp", ".scm"], &[";"], Indent::Free),
    (&[".tex", ".erl"], &["%"], Indent::Free),
    (&[".md", ".rst", ".patch", ".diff", ".txt"], &[], Indent::Matters),
];

impl Spelling {
    /// That of a file, by its name or the program in its first line.
    pub(crate) fn of(pair: &Pair<'_>) -> Self {
        let known = KNOWN.iter().find(|(ends, ..)| ends.iter().any(|end| pair.path.ends_with(end)));
        if let Some((_, comments, indent)) = known {
            return Self { comments, indent: *indent };
        }
        let script = |bytes: &[u8]| bytes.starts_with(b"#!");
        if script(pair.before) && script(pair.after) {
            let python = |bytes: &[u8]| {
                let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
                line.windows(6).any(|part| part == b"python")
            };
            let indent = if python(pair.after) { Indent::Matters } else { Indent::Free };
            return Self { comments: &["#"], indent };
        }
        Self { comments: &[], indent: Indent::Free }
    }

    /// That of lines whose comments start so.
    pub(crate) fn with_comments(comments: &'static [&'static str]) -> Self {
        Self { comments, indent: Indent::Free }
    }

    fn is_comment(self, line: &str, number: usize) -> bool {
        let text = line.trim_start();
        let program = number == 1 && text.starts_with("#!");
        !program && self.comments.iter().any(|sign| text.starts_with(sign))
    }

    /// Why a line alone has no effect.
    pub(super) fn of_line(self, line: &str, number: usize) -> Option<&'static str> {
        if line.trim().is_empty() {
            return Some("an empty line");
        }
        self.is_comment(line, number).then_some("a comment")
    }

    /// Why the change of a line has no effect.
    pub(super) fn of_change(
        self,
        before: &str,
        after: &str,
        number: usize,
    ) -> Option<&'static str> {
        let nothing = |line: &str| self.of_line(line, number).is_some();
        if nothing(before) && nothing(after) {
            return Some("a comment");
        }
        self.same_but_blanks(before, after).then_some("white space only")
    }

    fn same_but_blanks(self, before: &str, after: &str) -> bool {
        let trim = |line: &str| {
            // A blank behind a backslash breaks the continuation.
            let line = if line.trim_end().ends_with('\\') { line } else { line.trim_end() };
            match self.indent {
                Indent::Free => line.trim_start().to_owned(),
                Indent::Matters => line.to_owned(),
            }
        };
        let (before, after) = (trim(before), trim(after));
        // Blanks between quotes are data.
        if before == after || before.contains(['"', '\'', '`', '\\']) {
            return before == after;
        }
        let indents = |line: &str| line.len() - line.trim_start().len();
        indents(&before) == indents(&after)
            && before.split_whitespace().eq(after.split_whitespace())
    }
}

/// The comments of a text, a line each.
pub(crate) fn comments(text: &str, spelling: Spelling) -> String {
    let lines = text.lines().enumerate();
    let lines = lines.filter(|(at, line)| spelling.is_comment(line, at + 1));
    lines.map(|(_, line)| format!("{line}\n")).collect()
}

/// What differs between two texts that mean the same: `comments only`, `white space only`.
pub(crate) fn only_spelling(before: &str, after: &str, spelling: Spelling) -> &'static str {
    let kept = |text: &str, comments: bool| -> Vec<String> {
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(at, line)| {
            let passed = comments && spelling.is_comment(line, at + 1);
            !passed && !line.trim().is_empty()
        });
        lines.map(|(_, line)| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    if kept(before, false) == kept(after, false) {
        "white space only"
    } else if kept(before, true) == kept(after, true) {
        "comments only"
    } else {
        "another spelling of the same"
    }
}
