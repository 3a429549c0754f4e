//! Checking that pinned packages are rows of the table of their archive.

use super::{VerifyError, index::row};
use groundup_digest::{BlobId, Sha256};
use groundup_store::Store;
use std::fmt;

/// A file that an archive must vouch for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// Name of the package.
    pub package: String,
    /// Version.
    pub version: String,
    /// Debian architecture, or `source`.
    pub arch: String,
    /// Path in the archive.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Digest.
    pub sha256: Sha256,
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { package, version, arch, path, size, sha256 } = self;
        write!(f, "{package} {version} {arch} as {path}, {size} bytes, sha256 {sha256}")
    }
}

/// The rows of `claims`, sorted, as a table; every one must be a row of the table `index`.
pub fn select(store: &Store, index: BlobId, claims: &[Claim]) -> Result<BlobId, VerifyError> {
    let table = Table(&store.read_blob(index)?);
    let mut rows = Vec::new();
    for claim in claims {
        let fields = [&*claim.package, &*claim.version, &*claim.arch, &*claim.path];
        let row = row(fields, claim.size, claim.sha256).ok();
        match row.filter(|row| table.has(row.as_bytes())) {
            Some(row) => rows.push(row),
            None => {
                let (claim, answer) = (claim.clone(), table.answer(claim));
                return Err(VerifyError::NotOffered { claim, answer });
            }
        }
    }
    rows.sort_unstable();
    rows.dedup();
    Ok(store.put_blob(rows.concat().as_bytes())?.blob)
}

/// The text of a table.
struct Table<'a>(&'a [u8]);

impl<'a> Table<'a> {
    fn has(&self, row: &[u8]) -> bool {
        self.0[self.first_from(row)..].starts_with(row)
    }

    /// The offset of the first row that is not before `key`.
    fn first_from(&self, key: &[u8]) -> usize {
        let newline = |byte: &u8| *byte == b'\n';
        // Both always are offsets of rows.
        let (mut low, mut high) = (0, self.0.len());
        while low < high {
            let middle = low + (high - low) / 2;
            let start =
                self.0[low..middle].iter().rposition(newline).map_or(low, |at| low + at + 1);
            let length = self.0[start..].iter().position(newline).map_or(0, |at| at + 1);
            match length > 0 && self.0[start..start + length] < *key {
                true => low = start + length,
                false => high = start,
            }
        }
        low
    }

    fn rows_of(&self, prefix: &'a str) -> impl Iterator<Item = Vec<&'a str>> {
        let text = std::str::from_utf8(&self.0[self.first_from(prefix.as_bytes())..]);
        let rows = text.unwrap_or("").lines().take_while(move |row| row.starts_with(prefix));
        rows.map(|row| row.split('\t').collect())
    }

    /// What stands in the table in place of a claim.
    fn answer(&self, claim: &Claim) -> String {
        let prefix = format!("{}\t", claim.package);
        let table = Table(self.0);
        let rows: Vec<Vec<&str>> = table.rows_of(&prefix).collect();
        let same = rows.iter().find(|row| {
            row.get(1..3).is_some_and(|row| row == [claim.version.as_str(), claim.arch.as_str()])
        });
        if let Some([_, version, arch, path, size, sha256]) = same.map(Vec::as_slice) {
            return format!("it offers {version} {arch} as {path}, {size} bytes, sha256 {sha256}");
        }
        let mut offered: Vec<String> = rows
            .iter()
            .filter_map(|row| Some(format!("{} {}", row.get(1)?, row.get(2)?)))
            .collect();
        offered.dedup();
        match offered.is_empty() {
            true => "it has no package of that name".to_owned(),
            false => format!("it offers {}", offered.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_found_and_nothing_between() {
        let rows: Vec<String> =
            (0..50).map(|n| format!("p{:02}\t1\tall\tp\t1\t{n}\n", n * 2)).collect();
        let text = rows.concat();
        let table = Table(text.as_bytes());
        for row in &rows {
            assert!(table.has(row.as_bytes()), "{row}");
            assert!(!table.has(row.replace('p', "q").as_bytes()));
            assert!(
                !table.has(
                    &row.as_bytes()[..row.len() - 1].iter().map(|b| b + 1).collect::<Vec<_>>()
                )
            );
        }
        assert!(!Table(b"").has(b"a\n"));
    }
}
