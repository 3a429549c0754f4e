//! GUID partition tables (UEFI specification 2.10, chapter 5), with sectors of 512 or 4096 bytes.
//!
//! A table whose checksums do not fit is told, and the one at the end of the disk is used.

use super::{boot_code, called};
use crate::{
    Bytes, Entry, EntryKind, UnfoldError,
    numbers::{guid, le32, le64, read, utf16},
    walk::Walk,
};

const NAME: &str = "GPT";

/// The size of sectors, if a table starts in the second of them.
pub(crate) fn sector(bytes: &dyn Bytes) -> Option<u64> {
    [512, 4096]
        .into_iter()
        .find(|sector| read(bytes, *sector, 8).is_ok_and(|magic| magic == b"EFI PART"))
}

struct Table {
    header: Vec<u8>,
    entries: Vec<u8>,
    size: usize,
}

fn malformed(what: &str, offset: u64) -> UnfoldError {
    UnfoldError::malformed(NAME, what, offset)
}

fn table(bytes: &dyn Bytes, at: u64, sector: u64) -> Result<Table, UnfoldError> {
    let mut header = read(bytes, at, 92)?;
    let length = le32(&header, 12) as usize;
    if !header.starts_with(b"EFI PART") || !(92..=512).contains(&length) {
        return Err(malformed("a header is damaged", at));
    }
    let sum = le32(&header, 16);
    let mut whole = read(bytes, at, length)?;
    whole.get_mut(16..20).into_iter().for_each(|field| field.fill(0));
    if crc32fast::hash(&whole) != sum {
        return Err(malformed("the checksum of a header does not fit", at));
    }
    let (count, size) = (le32(&header, 80) as usize, le32(&header, 84) as usize);
    if !(128..=4096).contains(&size) || count > 4096 {
        return Err(malformed("the table has an impossible size", at));
    }
    let start = le64(&header, 72).checked_mul(sector);
    let entries = read(bytes, start.unwrap_or(u64::MAX), count * size)?;
    if crc32fast::hash(&entries) != le32(&header, 88) {
        return Err(malformed("the checksum of the table does not fit", at));
    }
    header.truncate(92);
    Ok(Table { header, entries, size })
}

pub(crate) fn walk(bytes: &dyn Bytes, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    let sector = sector(bytes).ok_or_else(|| malformed("there is no table", 512))?;
    let table = match table(bytes, sector, sector) {
        Ok(table) => table,
        Err(first) => {
            let last = bytes.len().saturating_sub(sector);
            let table = table(bytes, last - last % sector, sector).map_err(|_| first)?;
            walk.unread(b"", "the first partition table is damaged; the second was read");
            table
        }
    };
    let mut top = Entry::plain(Vec::new(), EntryKind::Directory);
    top.fact("gpt.disk", guid(&table.header, 56));
    walk.bare(&top)?;
    boot_code(bytes, walk)?;
    for (at, entry) in table.entries.chunks_exact(table.size).enumerate() {
        let kind = guid(entry, 0);
        if entry.iter().take(16).all(|byte| *byte == 0) {
            continue;
        }
        let label = utf16(entry.get(56..128).unwrap_or_default());
        let path = called(at + 1, if label.is_empty() { &kind } else { &label });
        let mut partition = Entry::plain(path, EntryKind::File(0));
        partition.fact("gpt.type", kind);
        partition.fact("gpt.guid", guid(entry, 16));
        partition.fact("gpt.start", le64(entry, 32));
        partition.fact("gpt.label", label);
        if le64(entry, 48) != 0 {
            partition.fact("gpt.attributes", format!("{:#x}", le64(entry, 48)));
        }
        let (first, last) = (le64(entry, 32), le64(entry, 40));
        let length = last.checked_sub(first).and_then(|sectors| sectors.checked_add(1));
        let length = length.and_then(|sectors| sectors.checked_mul(sector)).unwrap_or(u64::MAX);
        walk.range(partition, bytes, first.saturating_mul(sector), length)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::{
        Format,
        testing::{damaged, only, refused, walked},
    };

    fn header(at: u64, table: u64, entries: &[u8]) -> Vec<u8> {
        let mut header = vec![0; 512];
        header[..8].copy_from_slice(b"EFI PART");
        for (at, value) in [(8, 0x10000u32), (12, 92)] {
            header[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        header[24..32].copy_from_slice(&at.to_le_bytes());
        header[56..72].copy_from_slice(&[7; 16]);
        header[72..80].copy_from_slice(&table.to_le_bytes());
        header[80..84].copy_from_slice(&4u32.to_le_bytes());
        header[84..88].copy_from_slice(&128u32.to_le_bytes());
        header[88..92].copy_from_slice(&crc32fast::hash(entries).to_le_bytes());
        let sum = crc32fast::hash(&header[..92]);
        header[16..20].copy_from_slice(&sum.to_le_bytes());
        header
    }

    fn disk() -> Vec<u8> {
        let mut entries = vec![0; 512];
        for (number, name, first, last) in
            [(0, "e/p", 4u64, 5u64), (2, "", 6, 6), (3, "far", 99, 100)]
        {
            let entry = &mut entries[number * 128..][..128];
            entry[..16].fill(1);
            entry[16..32].fill(2);
            entry[32..40].copy_from_slice(&first.to_le_bytes());
            entry[40..48].copy_from_slice(&last.to_le_bytes());
            for (at, unit) in name.encode_utf16().enumerate() {
                entry[56 + at * 2..58 + at * 2].copy_from_slice(&unit.to_le_bytes());
            }
        }
        let mut disk = vec![0; 10 * 512];
        disk[510..512].copy_from_slice(&[0x55, 0xaa]);
        disk[512..1024].copy_from_slice(&header(1, 2, &entries));
        disk[1024..1536].copy_from_slice(&entries);
        disk[2048..3072].fill(0xe);
        disk[3072..3584].fill(0xf);
        disk[8 * 512..9 * 512].copy_from_slice(&entries);
        disk[9 * 512..].copy_from_slice(&header(9, 8, &entries));
        disk
    }

    #[test]
    fn partitions_are_entries() {
        let seen = walked(Format::Gpt, &disk());
        let none = "3-01010101-0101-0101-0101-010101010101";
        assert_eq!(seen.paths(), ["", "1-e_p", none]);
        assert_eq!(seen.get("1-e_p").1, [0xe; 1024]);
        assert_eq!(seen.get(none).1, [0xf; 512]);
        assert_eq!(seen.facts("1-e_p")["gpt.label"], "e/p");
        assert!(seen.unread[0].1.contains("not all there") && seen.unread[0].0 == b"4-far");
        assert_eq!(only(Format::Gpt, &disk(), none).unwrap().entries.len(), 1);
    }

    #[test]
    fn the_second_table_is_used_when_the_first_is_damaged() {
        let mut disk = disk();
        disk[512 + 60] ^= 1;
        let seen = walked(Format::Gpt, &disk);
        assert_eq!((seen.entries.len(), seen.unread.len()), (3, 2));
        disk[9 * 512 + 60] ^= 1;
        assert!(refused(Format::Gpt, &disk).contains("the checksum of a header does not fit"));
        damaged(Format::Gpt, &disk);
    }
}
