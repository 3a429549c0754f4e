//! qcow2 disks of versions 2 and 3, without backing files and encryption: one entry `disk`.
//!
//! ```text
//! header -> L1 table -> L2 tables -> clusters (plain, zeros, or compressed with deflate or zstd)
//! ```
//!
//! Source: `docs/interop/qcow2.txt` of QEMU. Snapshots are not looked into, but told.

use crate::{
    Bytes, Entry, EntryKind, UnfoldError,
    codec::{Beyond, Codec, Method},
    numbers::{be32, be64, byte, read},
    walk::Walk,
};
use std::{io, sync::Mutex};

const NAME: &str = "qcow2";
/// The most bytes of the first table: 2^22 entries are 2 TiB in clusters of 64 KiB.
const MAX_TABLE: u64 = 32 << 20;

/// The disk in a qcow2 file, to be read at any place.
pub struct Qcow2<'a> {
    bytes: &'a dyn Bytes,
    /// The size of a cluster as a power of two.
    bits: u32,
    size: u64,
    table: Vec<u8>,
    method: Method,
    snapshots: u32,
    /// The last of the second tables, and the last compressed cluster, with their places.
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    table: (u64, Vec<u8>),
    cluster: Option<(u64, Vec<u8>)>,
}

fn malformed(what: &str, offset: u64) -> UnfoldError {
    UnfoldError::malformed(NAME, what, offset)
}

impl<'a> Qcow2<'a> {
    /// Reads the header and the first table.
    pub fn open(bytes: &'a dyn Bytes) -> Result<Self, UnfoldError> {
        let mut header = read(bytes, 0, 72)?;
        if !header.starts_with(b"QFI\xfb") {
            return Err(malformed("it does not start with its magic number", 0));
        }
        let version = be32(&header, 4);
        if !matches!(version, 2 | 3) {
            return Err(UnfoldError::unsupported(NAME, format!("version {version}")));
        }
        let mut method = Method::Deflate;
        if version == 3 {
            header = read(bytes, 0, 104)?;
            let length = be32(&header, 100);
            if length > 104 {
                header = read(bytes, 0, 112)?;
            }
            match be64(&header, 72) & !0b1 {
                // An external data file, and sub-clusters.
                features if features & 4 != 0 => {
                    return Err(UnfoldError::unsupported(NAME, "an external data file"));
                }
                features if features & !0b1010 != 0 => {
                    return Err(UnfoldError::unsupported(NAME, format!("features {features:#x}")));
                }
                features if features & 2 != 0 => {
                    return Err(malformed("it is marked as corrupt", 72));
                }
                features if features & 8 != 0 && byte(&header, 104) == 1 => method = Method::Zstd,
                features if features & 8 != 0 && byte(&header, 104) != 0 => {
                    return Err(UnfoldError::unsupported(NAME, "this compression"));
                }
                _ => {}
            }
        }
        if be64(&header, 8) != 0 {
            return Err(UnfoldError::unsupported(NAME, "a backing file"));
        }
        if be32(&header, 32) != 0 {
            return Err(UnfoldError::unsupported(NAME, "encryption"));
        }
        let (bits, size) = (be32(&header, 20), be64(&header, 24));
        if !(9..=21).contains(&bits) {
            return Err(malformed("clusters have an impossible size", 20));
        }
        let covered = 1u64 << (2 * bits - 3);
        let entries = u64::from(be32(&header, 36));
        if entries * 8 > MAX_TABLE || size.div_ceil(covered) > entries {
            return Err(malformed("the first table has an impossible size", 36));
        }
        let table = read(bytes, be64(&header, 40), (entries * 8) as usize)?;
        let (snapshots, kept) = (be32(&header, 60), Mutex::default());
        Ok(Self { bytes, bits, size, table, method, snapshots, kept })
    }

    /// Reads inside one cluster.
    fn cluster(&self, offset: u64, buffer: &mut [u8]) -> Result<(), UnfoldError> {
        const OFFSET: u64 = 0x00ff_ffff_ffff_fe00;
        let (bits, inside) = (self.bits, offset & ((1 << self.bits) - 1));
        let first = be64(&self.table, (offset >> (2 * bits - 3)) as usize * 8) & OFFSET;
        let mut kept = self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if first == 0 {
            buffer.fill(0);
            return Ok(());
        }
        if kept.table.0 != first {
            kept.table = (first, read(self.bytes, first, 1 << bits)?);
        }
        let at = (offset >> bits) & ((1 << (bits - 3)) - 1);
        let entry = be64(&kept.table.1, at as usize * 8);
        if entry >> 62 & 1 == 1 {
            // The place, and behind it the number of further sectors of 512 bytes.
            let split = 62 - (bits - 8);
            let place = entry & ((1 << split) - 1);
            let sectors = (entry & ((1 << 62) - 1)) >> split;
            if kept.cluster.as_ref().is_none_or(|(kept, _)| *kept != place) {
                let length = (sectors + 1) * 512 - (place & 511);
                let length = length.min(self.bytes.len().saturating_sub(place));
                let packed = read(self.bytes, place, length as usize)?;
                let cluster = Codec::new(self.method).block(&packed, 1 << bits, Beyond::Left);
                let cluster = cluster.filter(|cluster| cluster.len() == 1 << bits);
                let cluster = cluster.ok_or_else(|| malformed("a cluster is damaged", place))?;
                kept.cluster = Some((place, cluster));
            }
            let cluster = kept.cluster.as_ref().map_or(&[][..], |(_, cluster)| cluster);
            let part = cluster.get(inside as usize..inside as usize + buffer.len());
            let part = part.ok_or_else(|| malformed("a cluster is damaged", place))?;
            buffer.copy_from_slice(part);
            return Ok(());
        }
        match entry & OFFSET {
            0 => buffer.fill(0),
            _ if entry & 1 == 1 => buffer.fill(0),
            place => self.bytes.read_at(place + inside, buffer)?,
        }
        Ok(())
    }
}

impl Bytes for Qcow2<'_> {
    fn len(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, mut buffer: &mut [u8]) -> io::Result<()> {
        let end = offset.checked_add(buffer.len() as u64);
        if end.is_none_or(|end| end > self.size) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut at = offset;
        while !buffer.is_empty() {
            let left = (1 << self.bits) - (at & ((1 << self.bits) - 1));
            let count = (left as usize).min(buffer.len());
            let (now, later) = buffer.split_at_mut(count);
            self.cluster(at, now)?;
            at += count as u64;
            buffer = later;
        }
        Ok(())
    }
}

pub(crate) fn walk(bytes: &dyn Bytes, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    let disk = Qcow2::open(bytes)?;
    let entry = Entry::plain(b"disk".to_vec(), EntryKind::File(disk.size));
    if disk.snapshots > 0 {
        walk.unread(b"", &format!("qcow2: {} snapshots are not read", disk.snapshots));
    }
    if disk.size > walk.limits.bytes {
        let limit = walk.limits.bytes;
        walk.unread(
            b"disk",
            &format!("it has {} bytes, more than the limit of {limit}", disk.size),
        );
        return Ok(());
    }
    walk.part(&entry, &disk)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Format,
        testing::{damaged, refused, walked},
    };

    /// A disk of four clusters of 512 bytes: plain, absent, compressed, zeros.
    fn disk() -> Vec<u8> {
        let mut bytes = vec![0; 512 * 5];
        bytes[..4].copy_from_slice(b"QFI\xfb");
        for (at, value) in [(4, 3), (20, 9), (28, 2048), (36, 1), (44, 512), (100, 104)] {
            bytes[at..at + 4].copy_from_slice(&u32::to_be_bytes(value));
        }
        bytes[512..520].copy_from_slice(&u64::to_be_bytes(1024 | 1 << 63));
        let compressed = 2048 | 1 << 62;
        for (number, entry) in [(0, 1536 | 1 << 63), (2, compressed), (3, 1536 | 1)] {
            bytes[1024 + number * 8..1032 + number * 8].copy_from_slice(&u64::to_be_bytes(entry));
        }
        bytes[1536..2048].fill(7);
        // Deflate: a literal 5, then a match of 258 and one of 253 with distance 1.
        let packed: &[u8] = &[0x01, 0x00, 0x02, 0xff, 0xfd];
        bytes[2048..2053].copy_from_slice(packed);
        bytes[2053..2560].fill(5);
        bytes.resize(2053 + 512, 5);
        bytes
    }

    #[test]
    fn clusters_of_all_kinds_are_read() {
        let mut bytes = disk();
        // The stored block needs one sector more than the place's own.
        bytes[1024 + 16..1032 + 16].copy_from_slice(&u64::to_be_bytes(2048 | 1 << 62 | 1 << 61));
        let seen = walked(Format::Qcow2, &bytes);
        let content = seen.get("disk").1;
        let expected = [[7; 512], [0; 512], [5; 512], [0; 512]].concat();
        assert!(content == expected);
        let (disk, mut part) = (Qcow2::open(&bytes).unwrap(), [1; 600]);
        disk.read_at(500, &mut part).unwrap();
        assert_eq!((part[11], part[12], part[599]), (7, 0, 5));
        assert!(disk.read_at(2000, &mut part).is_err());
        damaged(Format::Qcow2, &bytes);
    }

    #[test]
    fn what_is_not_read_is_named() {
        for (at, value, why) in [
            (15, 1, "qcow2: a backing file is not supported"),
            (35, 1, "qcow2: encryption is not supported"),
            (79, 4, "qcow2: an external data file is not supported"),
            (7, 4, "qcow2: version 4 is not supported"),
            (
                24,
                0x7f,
                "it is no well-formed qcow2: the first table has an impossible size at byte 36",
            ),
        ] {
            let mut bytes = disk();
            bytes[at] = value;
            assert_eq!(refused(Format::Qcow2, &bytes), why);
        }
    }
}
