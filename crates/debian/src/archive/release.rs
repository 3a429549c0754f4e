//! The `Release` file of a suite: its names and dates, and the digests of its index files.

use super::{
    compression::Compression,
    date::{DateError, parse_date, show_date},
    deb822::{self, Deb822Error},
    packages::{Preference, is_relative},
};
use groundup_digest::Sha256;
use std::collections::BTreeMap;

/// A suite as its `Release` file describes it.
#[derive(Debug, Clone)]
pub struct Release {
    suite: String,
    codename: String,
    label: String,
    version: Option<String>,
    date: u64,
    valid_until: Option<u64>,
    architectures: Vec<String>,
    components: Vec<String>,
    acquire_by_hash: bool,
    no_support_for_all: Vec<String>,
    preference: Preference,
    files: BTreeMap<String, ReleaseFile>,
}

/// One line of the digest list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReleaseFile {
    /// The SHA-256 of the file.
    pub sha256: Sha256,
    /// Its size in bytes.
    pub size: u64,
}

/// Why a `Release` file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseError {
    /// It is not in the control-file format.
    #[error("the Release file is not a control file")]
    Form(#[from] Deb822Error),
    /// It has no stanza, or several.
    #[error("the Release file has {0} stanzas instead of one")]
    Stanzas(usize),
    /// A date cannot be read.
    #[error("the Release file has a bad `{field}`")]
    Date {
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        #[source]
        source: DateError,
    },
    /// A line of the digest list is not `DIGEST SIZE PATH`.
    #[error("the Release file has a bad line in `SHA256`: `{0}`")]
    File(String),
    /// There is no SHA-256 list.
    #[error("the Release file has no SHA256 digests; older ones are not trusted")]
    WeakDigests,
    /// It describes another suite than the one that was asked for.
    #[error(
        "`{asked}` was asked for, but the Release file is of suite `{suite}`, codename `{codename}`"
    )]
    OtherSuite {
        /// What was asked for.
        asked: String,
        /// The suite that it names.
        suite: String,
        /// The codename that it names.
        codename: String,
    },
    /// Its `Valid-Until` has passed.
    #[error(
        "the Release file was valid until {}, it is {}; the mirror may be out of date",
        show_date(*.valid_until), show_date(*.now)
    )]
    Expired {
        /// The end of its validity.
        valid_until: u64,
        /// The time that it was judged at.
        now: u64,
    },
    /// Its `Date` has not come yet.
    #[error(
        "the Release file is of {}, it is only {}; is the clock right?",
        show_date(*.date), show_date(*.now)
    )]
    FromTheFuture {
        /// Its date.
        date: u64,
        /// The time that it was judged at.
        now: u64,
    },
    /// It is older than one that was seen before.
    #[error(
        "the Release file is of {}, older than that of {}, which was seen before",
        show_date(*.date), show_date(*.before)
    )]
    RolledBack {
        /// Its date.
        date: u64,
        /// The date of the one seen before.
        before: u64,
    },
}

/// How far a date may lie ahead of the clock, in seconds.
pub const CLOCK_TOLERANCE: u64 = 600;

impl Release {
    /// Reads the text of a `Release` file; whose word it is, is not asked here.
    pub fn parse(text: &[u8]) -> Result<Self, ReleaseError> {
        let stanzas = deb822::stanzas(text)?.collect::<Result<Vec<_>, _>>()?;
        let [stanza] = stanzas.as_slice() else {
            return Err(ReleaseError::Stanzas(stanzas.len()));
        };
        let date = |field| {
            let text: Option<&str> = stanza.get(field);
            let date = text.map(parse_date).transpose();
            date.map_err(|source| ReleaseError::Date { field, source })
        };
        let words = |field: &str| {
            let words = stanza.get(field).unwrap_or("").split_ascii_whitespace();
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        let mut files = BTreeMap::new();
        for line in stanza.get("SHA256").ok_or(ReleaseError::WeakDigests)?.lines() {
            if let Some((path, file)) = file(line)? {
                files.insert(path, file);
            }
        }
        stanza.require("Date")?;
        let suite = stanza.get("Suite").or(stanza.get("Codename"));
        let codename = stanza.get("Codename").or(stanza.get("Suite"));
        Ok(Self {
            suite: suite.unwrap_or("").to_owned(),
            codename: codename.unwrap_or("").to_owned(),
            label: stanza.get("Label").unwrap_or("").to_owned(),
            version: stanza.get("Version").map(str::to_owned),
            date: date("Date")?.unwrap_or(0),
            valid_until: date("Valid-Until")?,
            architectures: words("Architectures"),
            components: words("Components"),
            acquire_by_hash: stanza.says_yes("Acquire-By-Hash"),
            no_support_for_all: words("No-Support-for-Architecture-all"),
            preference: match (
                stanza.says_yes("NotAutomatic"),
                stanza.says_yes("ButAutomaticUpgrades"),
            ) {
                (false, _) => Preference::Ordinary,
                (true, true) => Preference::ButAutomaticUpgrades,
                (true, false) => Preference::NotAutomatic,
            },
            files,
        })
    }

    /// The suite (`stable`, `oldstable` …).
    pub fn suite(&self) -> &str {
        &self.suite
    }

    /// The codename (`bookworm` …).
    pub fn codename(&self) -> &str {
        &self.codename
    }

    /// Whether it says that it is a suite of security fixes: by its label (`Debian-Security`), its
    /// suite (`stable-security`) or its codename (`bookworm-security`).
    pub fn is_security(&self) -> bool {
        [&self.label, &self.suite, &self.codename]
            .iter()
            .any(|name| name.to_ascii_lowercase().ends_with("-security"))
    }

    /// The version of the release (`12.5`), if it says one.
    pub fn version(&self) -> Option<&str> {
        self.version.as_deref()
    }

    /// When it was made, in seconds since 1970.
    pub fn date(&self) -> u64 {
        self.date
    }

    /// Until when it may be used, in seconds since 1970.
    pub fn valid_until(&self) -> Option<u64> {
        self.valid_until
    }

    /// The architectures that have indexes.
    pub fn architectures(&self) -> &[String] {
        &self.architectures
    }

    /// The components that have indexes.
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// Whether packages of architecture `all` stand in every architecture's `Packages` too, so
    /// that `binary-all/Packages` need not be read.
    pub fn repeats_all(&self) -> bool {
        let all = self.architectures.iter().any(|arch| arch == "all");
        !all || self.no_support_for_all.iter().any(|index| index == "Packages")
    }

    /// How much its packages are preferred.
    pub fn preference(&self) -> Preference {
        self.preference
    }

    /// The file at a path below the directory of the `Release` file.
    pub fn file(&self, path: &str) -> Option<ReleaseFile> {
        self.files.get(path).copied()
    }

    /// The paths of all files with their digests, sorted.
    pub fn files(&self) -> impl Iterator<Item = (&str, ReleaseFile)> {
        self.files.iter().map(|(path, file)| (path.as_str(), *file))
    }

    /// The densest form of an index (`main/binary-amd64/Packages`) that is listed and read here.
    pub fn best_form(&self, index: &str) -> Option<(String, ReleaseFile)> {
        let forms = Compression::ALL.map(|compression| format!("{index}{}", compression.suffix()));
        forms.into_iter().find_map(|path| self.file(&path).map(|file| (path, file)))
    }

    /// Where a listed file stays reachable while a mirror is updated, if the archive offers that.
    pub fn by_hash(&self, path: &str) -> Option<String> {
        let file = self.file(path).filter(|_| self.acquire_by_hash)?;
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let slash = if directory.is_empty() { "" } else { "/" };
        Some(format!("{directory}{slash}by-hash/SHA256/{}", file.sha256))
    }

    /// Whether it describes the suite that was asked for, by suite or codename.
    pub fn check_suite(&self, asked: &str) -> Result<(), ReleaseError> {
        let named = |name: &str| !name.is_empty() && (name == asked || asked_below(asked, name));
        match named(&self.suite) || named(&self.codename) {
            true => Ok(()),
            false => Err(ReleaseError::OtherSuite {
                asked: asked.to_owned(),
                suite: self.suite.clone(),
                codename: self.codename.clone(),
            }),
        }
    }

    /// Whether it may be used at `now` (seconds since 1970).
    pub fn check_dates(&self, now: u64) -> Result<(), ReleaseError> {
        if self.date > now.saturating_add(CLOCK_TOLERANCE) {
            return Err(ReleaseError::FromTheFuture { date: self.date, now });
        }
        match self.valid_until {
            Some(valid_until) if valid_until < now => {
                Err(ReleaseError::Expired { valid_until, now })
            }
            _ => Ok(()),
        }
    }

    /// Whether it is at least as new as one of this suite that was seen before.
    pub fn check_not_older(&self, before: u64) -> Result<(), ReleaseError> {
        match self.date < before {
            true => Err(ReleaseError::RolledBack { date: self.date, before }),
            false => Ok(()),
        }
    }
}

/// `bookworm/updates` is asked for, and the Release file says `bookworm`.
fn asked_below(asked: &str, name: &str) -> bool {
    asked.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
}

fn file(line: &str) -> Result<Option<(String, ReleaseFile)>, ReleaseError> {
    let bad = || ReleaseError::File(line.trim_ascii().to_owned());
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let [digest, size, path] = words.as_slice() else {
        return if words.is_empty() { Ok(None) } else { Err(bad()) };
    };
    let (Ok(sha256), Ok(size), true) = (digest.parse(), size.parse(), is_relative(path)) else {
        return Err(bad());
    };
    Ok(Some(((*path).to_owned(), ReleaseFile { sha256, size })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn release(extra: &str) -> Result<Release, ReleaseError> {
        let sum = Sha256::of(b"");
        let text = format!(
            "Origin: Test\nSuite: oldstable\nCodename: bookworm\nDate: Sat, 10 Jun 2023 08:16:54 UTC\n\
             Architectures: all amd64\nComponents: main contrib\n{extra}SHA256:\n {sum} 0 \
             main/binary-amd64/Packages\n {sum}      0 main/binary-amd64/Packages.gz\n"
        );
        Release::parse(text.as_bytes())
    }

    #[test]
    fn index_files_are_found_in_their_densest_form_and_by_hash() {
        let read = release("Acquire-By-Hash: yes\n").unwrap();
        let (path, file) = read.best_form("main/binary-amd64/Packages").unwrap();
        assert_eq!((path.as_str(), file.size), ("main/binary-amd64/Packages.gz", 0));
        let by_hash = format!("main/binary-amd64/by-hash/SHA256/{}", Sha256::of(b""));
        assert_eq!(read.by_hash(&path), Some(by_hash));
        assert_eq!(read.by_hash("main/other"), None);
        assert_eq!(release("").unwrap().by_hash(&path), None);
    }

    #[test]
    fn architecture_all_is_read_apart_unless_the_release_says_no() {
        assert!(!release("").unwrap().repeats_all());
        assert!(release("No-Support-for-Architecture-all: Packages\n").unwrap().repeats_all());
    }

    #[test]
    fn suite_and_dates_are_checked_against_what_is_expected() {
        let read = release("Valid-Until: Sat, 17 Jun 2023 08:16:54 UTC\n").unwrap();
        let date = read.date();
        read.check_suite("bookworm").unwrap();
        read.check_suite("oldstable").unwrap();
        read.check_suite("bookworm/updates").unwrap();
        assert!(matches!(read.check_suite("trixie"), Err(ReleaseError::OtherSuite { .. })));
        assert!(matches!(read.check_suite("book"), Err(ReleaseError::OtherSuite { .. })));
        read.check_dates(date + 7 * 86_400).unwrap();
        assert!(matches!(
            read.check_dates(date + 7 * 86_400 + 1),
            Err(ReleaseError::Expired { .. })
        ));
        read.check_dates(date - CLOCK_TOLERANCE).unwrap();
        assert!(matches!(
            read.check_dates(date - CLOCK_TOLERANCE - 1),
            Err(ReleaseError::FromTheFuture { .. })
        ));
        read.check_not_older(date).unwrap();
        assert!(matches!(read.check_not_older(date + 1), Err(ReleaseError::RolledBack { .. })));
    }

    #[test]
    fn bad_digest_lists_are_refused() {
        assert!(matches!(Release::parse(b""), Err(ReleaseError::Stanzas(0))));
        assert!(matches!(
            Release::parse(b"Date: x\nMD5Sum:\n a 1 b\n"),
            Err(ReleaseError::WeakDigests)
        ));
        let outside = format!("SHA256:\n {} 1 ../Packages\n", Sha256::of(b""));
        assert!(matches!(Release::parse(outside.as_bytes()), Err(ReleaseError::File(_))));
        assert!(matches!(Release::parse(b"SHA256:\n 12 1 a\n"), Err(ReleaseError::File(_))));
    }
}
