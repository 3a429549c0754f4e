//! The one table of rpm's sqlite database: "Database File Format", sqlite.org/fileformat2.html. Read
//! only, by the b-tree of the table; no page is visited twice.

use crate::unread::Unread;
use std::collections::BTreeSet;

/// The blobs of the table `Packages`.
pub(super) fn blobs(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Unread> {
    let database = Database::open(bytes)?;
    let schema = database.rows(1)?;
    let root = schema.iter().find_map(|row| {
        let columns = columns(row)?;
        let is_table = columns.first()?.1 == b"table" && columns.get(1)?.1 == b"Packages";
        is_table.then(|| number(columns.get(3)?.1)).flatten()
    });
    let root = root.ok_or_else(|| Unread::Other("it has no table `Packages`".into()))?;
    let rows = database.rows(root)?;
    let blob = |row: &Vec<u8>| Some(columns(row)?.get(1)?.1.to_vec());
    Ok(rows.iter().filter_map(blob).collect())
}

struct Database<'a> {
    bytes: &'a [u8],
    page: usize,
    usable: usize,
}

fn damaged(what: &str) -> Unread {
    Unread::Other(format!("the database is damaged: {what}"))
}

fn be(bytes: &[u8], at: usize, count: usize) -> Option<usize> {
    let part = bytes.get(at..at.checked_add(count)?)?;
    Some(part.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)))
}

impl<'a> Database<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self, Unread> {
        if !bytes.starts_with(b"SQLite format 3\0") {
            return Err(Unread::Other("it is no sqlite database".into()));
        }
        let page = match be(bytes, 16, 2) {
            Some(1) => 65536,
            Some(size) if size >= 512 && size.is_power_of_two() => size,
            _ => return Err(damaged("the size of pages")),
        };
        let reserved = bytes.get(20).map_or(0, |reserved| usize::from(*reserved));
        // The format demands at least 480 usable bytes.
        let usable = page.checked_sub(reserved).filter(|usable| *usable >= 480);
        let usable = usable.ok_or_else(|| damaged("reserved bytes"))?;
        Ok(Self { bytes, page, usable })
    }

    fn page(&self, number: usize) -> Result<&'a [u8], Unread> {
        let start = number.checked_sub(1).and_then(|at| at.checked_mul(self.page));
        let range = start.and_then(|start| Some(start..start.checked_add(self.page)?));
        range.and_then(|range| self.bytes.get(range)).ok_or_else(|| damaged("a page is missing"))
    }

    /// The payloads of all rows of the table whose b-tree starts at a page.
    fn rows(&self, root: usize) -> Result<Vec<Vec<u8>>, Unread> {
        let (mut rows, mut todo, mut seen) = (Vec::new(), vec![root], BTreeSet::new());
        // Rows of a sound file are not longer than the file.
        let mut left = self.bytes.len();
        while let Some(number) = todo.pop() {
            if !seen.insert(number) {
                return Err(damaged("a page is there twice"));
            }
            let page = self.page(number)?;
            let start = if number == 1 { 100 } else { 0 };
            let kind = page.get(start).copied();
            let count = be(page, start + 3, 2).unwrap_or(0);
            let head = start + if kind == Some(5) { 12 } else { 8 };
            let mut below = Vec::new();
            for at in 0..count {
                let cell = be(page, head + at * 2, 2).ok_or_else(|| damaged("a cell"))?;
                match kind {
                    Some(13) => rows.push(self.payload(page, cell, &mut left)?),
                    Some(5) => below.push(be(page, cell, 4).ok_or_else(|| damaged("a cell"))?),
                    _ => return Err(damaged("a page of another kind")),
                }
            }
            if kind == Some(5) {
                below.push(be(page, start + 8, 4).ok_or_else(|| damaged("a page"))?);
            }
            todo.extend(below.into_iter().rev());
        }
        Ok(rows)
    }

    /// The payload of a cell, with what overflows.
    fn payload(&self, page: &[u8], cell: usize, left: &mut usize) -> Result<Vec<u8>, Unread> {
        let cut = || damaged("a row is cut off");
        let (size, at) = varint(page, cell).ok_or_else(cut)?;
        let (_, at) = varint(page, at).ok_or_else(cut)?;
        *left = left.checked_sub(size).ok_or_else(|| damaged("rows are too large"))?;
        let (most, least) = (self.usable - 35, (self.usable - 12) * 32 / 255 - 23);
        let local = match size <= most {
            true => size,
            false => {
                let rest = least + (size - least) % (self.usable - 4);
                if rest <= most { rest } else { least }
            }
        };
        let mut payload = page.get(at..at + local).ok_or_else(cut)?.to_vec();
        let mut next = if local < size { be(page, at + local, 4).ok_or_else(cut)? } else { 0 };
        while payload.len() < size {
            let page = self.page(next)?;
            let part = (size - payload.len()).min(self.usable - 4);
            payload.extend_from_slice(page.get(4..4 + part).ok_or_else(cut)?);
            next = be(page, 0, 4).ok_or_else(cut)?;
        }
        Ok(payload)
    }
}

/// A number of one to nine bytes, and what follows it.
fn varint(bytes: &[u8], at: usize) -> Option<(usize, usize)> {
    let mut value: u64 = 0;
    for step in 0..9 {
        let byte = *bytes.get(at.checked_add(step)?)?;
        if step == 8 {
            value = value << 8 | u64::from(byte);
        } else {
            value = value << 7 | u64::from(byte & 0x7f);
        }
        if byte < 0x80 || step == 8 {
            return Some((usize::try_from(value).ok()?, at + step + 1));
        }
    }
    None
}

/// The columns of a record, each with its type.
fn columns(row: &[u8]) -> Option<Vec<(usize, &[u8])>> {
    let (head, mut at) = varint(row, 0)?;
    let (mut body, mut found) = (head, Vec::new());
    while at < head {
        let (kind, next) = varint(row, at)?;
        at = next;
        let size = match kind {
            0 | 8 | 9 => 0,
            1..=4 => kind,
            5 => 6,
            6 | 7 => 8,
            10 | 11 => return None,
            _ => (kind - 12) / 2,
        };
        found.push((kind, row.get(body..body.checked_add(size)?)?));
        body += size;
    }
    Some(found)
}

fn number(bytes: &[u8]) -> Option<usize> {
    be(bytes, 0, bytes.len()).filter(|_| bytes.len() <= 4)
}
