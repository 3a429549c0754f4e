//! One record of a directory.

use crate::numbers::{byte, le32, seconds};

/// A record as it stands, without the fields of extensions taken apart.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) name: Vec<u8>,
    /// The first block.
    pub(super) block: u32,
    /// Blocks and lengths of all pieces; most files have one.
    pub(super) pieces: Vec<(u32, u32)>,
    pub(super) is_directory: bool,
    /// Whether the next record is a further piece of the same file.
    pub(super) continues: bool,
    pub(super) mtime: Option<i64>,
    /// What systems may use.
    pub(super) system: Vec<u8>,
}

impl Record {
    /// The record at the start of these bytes, and what follows.
    pub(super) fn parse(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let length = usize::from(byte(bytes, 0));
        let (own, rest) = bytes.split_at_checked(length).filter(|_| length >= 34)?;
        let name_end = 33 + usize::from(byte(own, 32));
        let name = own.get(33..name_end)?.to_vec();
        let padding = usize::from(name.len() % 2 == 0);
        let system = own.get(name_end + padding..).unwrap_or_default().to_vec();
        let flags = byte(own, 25);
        // An attribute record of its own may stand before the content.
        let block = le32(own, 2).wrapping_add(byte(own, 1).into());
        let record = Self {
            name,
            block,
            pieces: vec![(block, le32(own, 10))],
            is_directory: flags & 2 != 0,
            continues: flags & 0x80 != 0,
            mtime: time(own.get(18..25).unwrap_or_default()),
            system,
        };
        Some((record, rest))
    }

    /// The record of the top directory, which stands in the volume descriptor.
    pub(super) fn root(bytes: &[u8]) -> Self {
        let (block, length) = (le32(bytes, 2), le32(bytes, 10));
        Self {
            name: vec![0],
            block,
            pieces: vec![(block, length)],
            is_directory: true,
            continues: false,
            mtime: time(bytes.get(18..25).unwrap_or_default()),
            system: Vec::new(),
        }
    }

    pub(super) fn size(&self) -> u64 {
        self.pieces.iter().map(|(_, length)| u64::from(*length)).sum()
    }
}

/// Seven bytes: years since 1900 to seconds, and the zone in quarters of an hour.
pub(super) fn time(field: &[u8]) -> Option<i64> {
    let number = |at: usize| i64::from(byte(field, at));
    let zone = i64::from(byte(field, 6) as i8) * 15 * 60;
    let clock = number(3) * 3600 + number(4) * 60 + number(5);
    let day = (u32::from(byte(field, 1)), u32::from(byte(field, 2)));
    (day.1 > 0).then(|| seconds(1900 + number(0), day.0, day.1, clock) - zone)
}
