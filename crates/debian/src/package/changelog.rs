//! What changed between two versions of a source package, by the changelog that its packages carry
//! (Debian policy 4.4, deb-changelog(5)).
//!
//! ```text
//! openssl (3.0.17-1~deb12u2) bookworm-security; urgency=medium
//!
//!   * CVE-2025-9230 (Out-of-bounds read & write in RFC 3211 KEK Unwrap)
//!
//!  -- Name <mail>  Sun, 21 Sep 2025 22:00:00 +0200
//! ```
//!
//! Old changelogs hold much that is of no form; lines are taken as they are, and only what reads as
//! the head of an entry counts as one.

use crate::archive::{Version, compare};
use std::{cmp::Ordering, collections::BTreeSet};

/// No line is kept longer.
const LONGEST_LINE: usize = 400;

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Source package.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Where it was uploaded to, and how urgent it is: what follows the version.
    pub rest: String,
    /// The lines below the head, without empty ones and the signature, as they are indented.
    pub lines: Vec<String>,
}

/// The entries of newer versions than one, newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newer {
    /// The entries.
    pub entries: Vec<Entry>,
    /// Whether the older version stands in the changelog, so that these are all there are.
    pub complete: bool,
}

/// The entries of a changelog that are newer than the version `old` of a binary package and not
/// newer than `new`, newest first. Rebuilds without a change of the source (`+b1`) stand in no
/// changelog; a binary whose versions are not those of its source has only its newest entry.
pub fn newer(text: &str, old: &str, new: &str) -> Newer {
    let is = |entry: &Entry, version: &str| {
        entry.version == version || entry.version == of_source(version)
    };
    let mut entries = entries(text);
    if let Some(start) = entries.iter().position(|entry| is(entry, new)) {
        entries.drain(..start);
        if let Some(end) = entries.iter().position(|entry| is(entry, old)) {
            entries.truncate(end);
            return Newer { entries, complete: true };
        }
        // Cut off, or of a branch that never had the old version.
        entries.retain(|entry| compare(&entry.version, of_source(old)) == Ordering::Greater);
    } else {
        entries.truncate(1);
    }
    Newer { entries, complete: false }
}

/// The vulnerabilities that some entries name, each once, sorted.
pub fn cves<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Vec<String> {
    let mut found = BTreeSet::new();
    for line in entries.into_iter().flat_map(|entry| &entry.lines) {
        for (at, _) in line.match_indices("CVE-") {
            found.extend(cve(&line[at..]));
        }
    }
    found.into_iter().map(|(year, number)| format!("CVE-{year}-{number:04}")).collect()
}

/// Year and number of the identifier that a text starts with.
fn cve(text: &str) -> Option<(u32, u64)> {
    let (year, rest) = text.strip_prefix("CVE-")?.split_once('-')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let number = rest[..digits].parse().ok().filter(|_| (4..=19).contains(&digits))?;
    let year = (year.len() == 4).then(|| year.parse().ok())??;
    Some((year, number))
}

/// The version of the source of a binary version: without the number of a rebuild.
fn of_source(version: &str) -> &str {
    match version.rsplit_once("+b") {
        Some((source, number)) if number.bytes().all(|b| b.is_ascii_digit()) => source,
        _ => version,
    }
}

fn entries(text: &str) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for line in text.lines() {
        if let Some(entry) = head(line) {
            entries.push(entry);
        } else if let Some(entry) = entries.last_mut()
            && line.starts_with(' ')
            && !line.starts_with(" -- ")
            && !line.trim().is_empty()
        {
            entry.lines.push(shortened(line.trim_end()));
        }
    }
    entries
}

fn head(line: &str) -> Option<Entry> {
    let (package, rest) = line.split_once(" (")?;
    let (version, rest) = rest.split_once(')')?;
    let named = |byte: u8| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte);
    let good = !package.is_empty() && package.bytes().all(named) && rest.contains(';');
    version.parse::<Version>().ok().filter(|_| good)?;
    Some(Entry {
        package: package.to_owned(),
        version: version.to_owned(),
        rest: shortened(rest.trim()),
        lines: Vec::new(),
    })
}

fn shortened(line: &str) -> String {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
demo (1.2-3) unstable; urgency=medium

  * Newest.

 -- Ann <a@example.invalid>  Sun, 21 Sep 2025 22:00:00 +0200

demo (1.2-2) stable-security; urgency=high

  * CVE-2025-0002: a thing.
    (also CVE-2025-12345, not CVE-20-1)

 -- Ann <a@example.invalid>  Sun, 14 Sep 2025 22:00:00 +0200

demo (1.2-1) unstable; urgency=medium

  * First.

 -- Ann <a@example.invalid>  Sun, 07 Sep 2025 22:00:00 +0200
Local variables:
mode: debian-changelog
";

    fn versions(newer: &Newer) -> Vec<&str> {
        newer.entries.iter().map(|entry| entry.version.as_str()).collect()
    }

    #[test]
    fn entries_between_two_versions_are_taken() {
        let found = newer(TEXT, "1.2-1", "1.2-3");
        assert_eq!(versions(&found), ["1.2-3", "1.2-2"]);
        assert!(found.complete);
        assert_eq!(found.entries[0].lines, ["  * Newest."]);
        assert_eq!(found.entries[1].rest, "stable-security; urgency=high");
        assert_eq!(cves(&found.entries), ["CVE-2025-0002", "CVE-2025-12345"]);
        assert_eq!(versions(&newer(TEXT, "1.2-1", "1.2-2")), ["1.2-2"]);
    }

    #[test]
    fn rebuilds_count_as_their_source() {
        let found = newer(TEXT, "1.2-2+b1", "1.2-3+b4");
        assert_eq!(versions(&found), ["1.2-3"]);
        assert_eq!(versions(&newer(TEXT, "1.2-3", "1.2-3+b1")), [""; 0]);
    }

    #[test]
    fn a_version_that_the_changelog_lacks_is_a_bound_all_the_same() {
        let found = newer(TEXT, "1.2-1+deb12u1", "1.2-3");
        assert_eq!((versions(&found), found.complete), (vec!["1.2-3", "1.2-2"], false));
    }

    #[test]
    fn versions_that_are_not_the_sources_give_the_newest_entry() {
        let found = newer(TEXT, "4:12.1", "4:12.2");
        assert_eq!((versions(&found), found.complete), (vec!["1.2-3"], false));
        assert_eq!(newer("nothing of this form\n", "1", "2").entries, []);
    }
}
