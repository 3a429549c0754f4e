//! Which commit last moved a line or a file, as git says.

use super::{RepositoryError, git::Git};
use serde::Serialize;
use std::path::Path;

/// A commit that moved something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Blame {
    /// The commit; none for what is not committed yet.
    pub commit: Option<String>,
    /// Who wrote it.
    pub author: String,
    /// When, in seconds since 1970.
    pub time: i64,
    /// The first line of its message.
    pub summary: String,
}

/// The commit that last moved a line of a file, or the file where no line is named. None outside of
/// git, and for what git does not track.
pub fn blame(
    root: &Path,
    path: &str,
    line: Option<usize>,
) -> Result<Option<Blame>, RepositoryError> {
    let Some(git) = Git::open(root) else { return Ok(None) };
    if git.ignores_root() || git.tracked(&[path])?.is_empty() {
        return Ok(None);
    }
    match line {
        Some(line) => {
            let range = format!("{line},{line}");
            let said = git.run(&["blame", "--porcelain", "-L", &range, "--", path])?;
            Ok(of_porcelain(&String::from_utf8_lossy(&said)))
        }
        None => {
            let said = git.run(&["log", "-1", "--format=%H%n%an%n%at%n%s", "--", path])?;
            Ok(of_log(&String::from_utf8_lossy(&said)))
        }
    }
}

fn of_porcelain(text: &str) -> Option<Blame> {
    let commit = text.split(' ').next()?.to_owned();
    let field = |name: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        value.map(str::to_owned)
    };
    Some(Blame {
        // Git calls what is not committed the commit of zeros.
        commit: commit.bytes().any(|byte| byte != b'0').then_some(commit),
        author: field("author ")?,
        time: field("author-time ")?.parse().ok()?,
        summary: field("summary ").unwrap_or_default(),
    })
}

fn of_log(text: &str) -> Option<Blame> {
    let mut lines = text.lines();
    let mut next = || lines.next().map(str::to_owned);
    let (commit, author, time, summary) = (next()?, next()?, next()?, next().unwrap_or_default());
    Some(Blame { commit: Some(commit), author, time: time.parse().ok()?, summary })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_says_of_a_line_is_read() {
        let said = "\
2f3a 31 31 1
author A. U. Thor
author-mail <a@b.invalid>
author-time 1700000000
author-tz +0000
summary kernel: newer, with summary in it
filename groundup.lock
\tauthor of the line
";
        let blame = of_porcelain(said).unwrap();
        assert_eq!(blame.commit.as_deref(), Some("2f3a"));
        assert_eq!((blame.author.as_str(), blame.time), ("A. U. Thor", 1_700_000_000));
        assert_eq!(blame.summary, "kernel: newer, with summary in it");
        let open = said.replace("2f3a", "0000");
        assert_eq!(of_porcelain(&open).unwrap().commit, None);
        assert_eq!(of_porcelain(""), None);
        let log = of_log("2f3a\nA\n5\nsummary\n").unwrap();
        assert_eq!((log.time, log.summary.as_str()), (5, "summary"));
        assert_eq!(of_log(""), None);
    }
}
