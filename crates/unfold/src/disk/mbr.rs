//! Partition tables in the first sector, as PCs have had them since DOS, with chains of logical ones.

use super::{boot_code, called};
use crate::{
    Bytes, Entry, EntryKind, UnfoldError,
    numbers::{byte, le16, le32, read},
    walk::Walk,
};

const NAME: &str = "MBR";
const SECTOR: u64 = 512;
/// The most logical partitions; Linux takes 60.
const MAX_LOGICAL: usize = 256;

/// One line of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Line {
    active: u8,
    kind: u8,
    start: u64,
    count: u64,
}

impl Line {
    fn is_extended(self) -> bool {
        matches!(self.kind, 0x05 | 0x0f | 0x85)
    }
}

fn lines(sector: &[u8]) -> impl Iterator<Item = Line> {
    (0..4).map(|number| {
        let at = 446 + number * 16;
        Line {
            active: byte(sector, at),
            kind: byte(sector, at + 4),
            start: le32(sector, at + 8).into(),
            count: le32(sector, at + 12).into(),
        }
    })
}

/// Whether the first sector has a table that can be meant.
pub(crate) fn is_table(sector: &[u8], length: u64) -> bool {
    let used: Vec<Line> = lines(sector).filter(|line| line.kind != 0).collect();
    le16(sector, 510) == 0xaa55
        && !used.is_empty()
        && lines(sector).all(|line| line.active & 0x7f == 0)
        && used.iter().all(|line| {
            line.start > 0 && line.count > 0 && line.start * SECTOR < length.max(SECTOR)
        })
}

pub(crate) fn walk(bytes: &dyn Bytes, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    let sector = read(bytes, 0, 512)?;
    if !is_table(&sector, bytes.len()) {
        return Err(UnfoldError::malformed(NAME, "there is no table", 446));
    }
    let mut top = Entry::plain(Vec::new(), EntryKind::Directory);
    top.fact("mbr.disk", format!("{:08x}", le32(&sector, 440)));
    walk.bare(&top)?;
    boot_code(bytes, walk)?;
    let mut logical = 5;
    for (number, line) in lines(&sector).enumerate().filter(|(_, line)| line.kind != 0) {
        match line.is_extended() {
            true => extended(bytes, walk, line.start, &mut logical)?,
            false => partition(bytes, walk, number + 1, line, line.start)?,
        }
    }
    Ok(())
}

/// A chain of tables, each with one partition and the next table; it only leads forward.
fn extended(
    bytes: &dyn Bytes,
    walk: &mut Walk<'_>,
    base: u64,
    logical: &mut usize,
) -> Result<(), UnfoldError> {
    let mut at = base;
    for _ in 0..MAX_LOGICAL {
        let sector = match read(bytes, at * SECTOR, 512) {
            Ok(sector) if le16(&sector, 510) == 0xaa55 => sector,
            Ok(_) => return broken(walk, at),
            Err(error) => return walk.flaw(b"", error),
        };
        let mut next = None;
        for line in lines(&sector).filter(|line| line.kind != 0) {
            if line.is_extended() {
                next = Some(base + line.start);
            } else {
                partition(bytes, walk, *logical, line, at + line.start)?;
                *logical += 1;
            }
        }
        match next {
            None => return Ok(()),
            Some(next) if next > at => at = next,
            Some(_) => break,
        }
    }
    broken(walk, at)
}

fn broken(walk: &mut Walk<'_>, at: u64) -> Result<(), UnfoldError> {
    let why = format!("the chain of logical partitions is broken at sector {at}");
    walk.unread(b"", &why);
    Ok(())
}

fn partition(
    bytes: &dyn Bytes,
    walk: &mut Walk<'_>,
    number: usize,
    line: Line,
    start: u64,
) -> Result<(), UnfoldError> {
    let path = called(number, &format!("{:02x}", line.kind));
    let mut entry = Entry::plain(path, EntryKind::File(0));
    entry.fact("mbr.type", format!("{:02x}", line.kind));
    entry.fact("mbr.start", start);
    if line.active & 0x80 != 0 {
        entry.fact("mbr.active", "yes");
    }
    walk.range(entry, bytes, start * SECTOR, line.count * SECTOR)
}

#[cfg(test)]
mod tests {
    use crate::{
        Format,
        testing::{damaged, walked},
    };

    fn line(disk: &mut [u8], sector: usize, number: usize, kind: u8, start: u32, count: u32) {
        let at = sector * 512 + 446 + number * 16;
        disk[at + 4] = kind;
        disk[at + 8..at + 12].copy_from_slice(&start.to_le_bytes());
        disk[at + 12..at + 16].copy_from_slice(&count.to_le_bytes());
        disk[sector * 512 + 510..sector * 512 + 512].copy_from_slice(&[0x55, 0xaa]);
    }

    fn disk() -> Vec<u8> {
        let mut disk = vec![0; 16 * 512];
        disk[0] = 0xfa;
        line(&mut disk, 0, 0, 0x83, 2, 2);
        disk[446] = 0x80;
        line(&mut disk, 0, 1, 0x05, 5, 10);
        line(&mut disk, 5, 0, 0x82, 1, 1);
        line(&mut disk, 5, 1, 0x05, 3, 3);
        line(&mut disk, 8, 0, 0x83, 1, 2);
        disk[2 * 512..4 * 512].fill(2);
        disk[6 * 512..7 * 512].fill(6);
        disk[9 * 512..11 * 512].fill(9);
        disk
    }

    #[test]
    fn primary_and_logical_partitions_are_entries() {
        let seen = walked(Format::Mbr, &disk());
        assert_eq!(seen.paths(), ["", "boot-code", "1-83", "5-82", "6-83"]);
        assert_eq!(seen.facts("1-83")["mbr.active"], "yes");
        assert_eq!((seen.get("1-83").1, seen.get("6-83").1), (&[2; 1024][..], &[9; 1024][..]));
        damaged(Format::Mbr, &disk());
    }

    #[test]
    fn a_chain_that_leads_back_ends() {
        let mut disk = disk();
        line(&mut disk, 8, 1, 0x05, 0, 3);
        let seen = walked(Format::Mbr, &disk);
        assert_eq!(seen.unread[0].1, "the chain of logical partitions is broken at sector 8");
    }
}
