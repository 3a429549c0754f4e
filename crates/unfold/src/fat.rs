//! FAT12, FAT16 and FAT32 with long names, such as EFI system partitions.
//!
//! ```text
//! boot sector, reserved | tables | root (12, 16) | clusters
//! ```
//!
//! FAT has neither owners nor modes; read-only, hidden and system stand on an entry as
//! `fat.attributes`. Times have no zone and are taken as UTC. Short names beyond ASCII are read as
//! Latin-1. Source: Microsoft's "FAT: General Overview of On-Disk Format" 1.03.

use crate::{
    Bytes, EntryKind, UnfoldError,
    numbers::{byte, dos_time, le16, le32, read, trimmed, utf16},
    volume::{self, Node, Piece, Pieces, Volume, Work, Xattrs},
    walk::Walk,
};
use std::io::Read;

const NAME: &str = "FAT";
/// The most bytes of one directory (the format's own limit).
const MAX_DIRECTORY: u64 = 65_536 * 32;

const VOLUME: u8 = 8;
const DIRECTORY: u8 = 0x10;
const LONG: u8 = 0x0f;

/// Whether a first sector can be that of FAT.
pub(crate) fn is_boot_sector(sector: &[u8]) -> bool {
    Shape::of(sector).is_some()
}

/// Where everything is, in bytes from the start.
struct Shape {
    width: Width,
    cluster: u64,
    /// Clusters there are; the first has number 2.
    count: u64,
    table: u64,
    /// The root of FAT12 and FAT16, and its length; of FAT32, it starts in a cluster.
    root: Root,
    data: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Width {
    Twelve,
    Sixteen,
    ThirtyTwo,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    At(u64, u64),
    Cluster(u32),
}

impl Shape {
    fn of(sector: &[u8]) -> Option<Self> {
        let jumps = matches!((byte(sector, 0), byte(sector, 2)), (0xeb, 0x90) | (0xe9, _));
        let (size, per_cluster) = (u64::from(le16(sector, 11)), u64::from(byte(sector, 13)));
        let (reserved, tables) = (u64::from(le16(sector, 14)), u64::from(byte(sector, 16)));
        let media = byte(sector, 21);
        let is_fat = jumps
            && le16(sector, 510) == 0xaa55
            && matches!(size, 512 | 1024 | 2048 | 4096)
            && per_cluster.is_power_of_two()
            && reserved > 0
            && matches!(tables, 1..=4)
            && (media == 0xf0 || media >= 0xf8);
        if !is_fat {
            return None;
        }
        let either = |short: usize, long: usize| match le16(sector, short) {
            0 => u64::from(le32(sector, long)),
            short => u64::from(short),
        };
        let (table_size, total) = (either(22, 36), either(19, 32));
        let root = u64::from(le16(sector, 17)) * 32;
        let first = reserved + tables * table_size + root.div_ceil(size);
        let count = total.checked_sub(first)? / per_cluster;
        let width = match count {
            0 => return None,
            _ if le16(sector, 22) == 0 => Width::ThirtyTwo,
            1..4085 => Width::Twelve,
            _ => Width::Sixteen,
        };
        Some(Self {
            width,
            cluster: per_cluster * size,
            count,
            table: reserved * size,
            root: match width {
                Width::ThirtyTwo => Root::Cluster(le32(sector, 44)),
                _ => Root::At((reserved + tables * table_size) * size, root),
            },
            data: first * size,
        })
    }
}

struct Fat<'a> {
    bytes: &'a dyn Bytes,
    shape: Shape,
    work: Work,
}

/// What a line of a directory says beyond what all file systems say.
struct Line {
    cluster: u32,
    size: u64,
    attributes: u8,
    is_root: bool,
}

fn malformed(what: &str, offset: u64) -> UnfoldError {
    UnfoldError::malformed(NAME, what, offset)
}

pub(crate) fn walk(bytes: &dyn Bytes, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    let sector = read(bytes, 0, 512)?;
    let shape = Shape::of(&sector).ok_or_else(|| malformed("the first sector is damaged", 11))?;
    let (name, id) = match shape.width {
        Width::Twelve => ("12", 39),
        Width::Sixteen => ("16", 39),
        Width::ThirtyTwo => ("32", 67),
    };
    let volume = le32(&sector, id);
    let fat = Fat { bytes, shape, work: Work::new(walk) };
    let mut facts = vec![
        ("fat.bits", name.to_owned()),
        ("fat.volume", format!("{:04x}-{:04x}", volume >> 16, volume & 0xffff)),
    ];
    facts.extend(fat.label().map(|label| ("fat.label", label)));
    volume::walk(&fat, facts, walk)
}

impl Fat<'_> {
    /// The cluster after this one; nothing at the end of a file.
    fn next(&self, cluster: u32) -> Result<Option<u32>, UnfoldError> {
        let (number, table) = (u64::from(cluster), self.shape.table);
        self.work.spend(8)?;
        let (next, end) = match self.shape.width {
            Width::Twelve => {
                let pair = le16(&read(self.bytes, table + number + number / 2, 2)?, 0);
                (u32::from(if number % 2 == 0 { pair & 0xfff } else { pair >> 4 }), 0xff7)
            }
            Width::Sixteen => {
                (u32::from(le16(&read(self.bytes, table + number * 2, 2)?, 0)), 0xfff7)
            }
            Width::ThirtyTwo => {
                (le32(&read(self.bytes, table + number * 4, 4)?, 0) & 0x0fff_ffff, 0x0fff_fff7)
            }
        };
        Ok((next < end).then_some(next))
    }

    fn place(&self, cluster: u32) -> Result<u64, UnfoldError> {
        let number = u64::from(cluster).checked_sub(2).filter(|number| *number < self.shape.count);
        let number =
            number.ok_or_else(|| malformed("a cluster is not on the disk", self.shape.table))?;
        Ok(self.shape.data + number * self.shape.cluster)
    }

    /// All bytes of a directory.
    fn directory(&self, line: &Line) -> Result<Vec<u8>, UnfoldError> {
        let first = match self.shape.root {
            Root::At(at, length) if line.is_root => return read(self.bytes, at, length as usize),
            Root::Cluster(first) if line.is_root => first,
            _ => line.cluster,
        };
        let (mut found, mut next) = (Vec::new(), Some(first));
        while let Some(cluster) = next {
            self.work.spend(self.shape.cluster as usize)?;
            found.extend(read(self.bytes, self.place(cluster)?, self.shape.cluster as usize)?);
            if found.len() as u64 > MAX_DIRECTORY {
                return Err(malformed("a directory does not end", self.shape.table));
            }
            next = self.next(cluster)?;
        }
        Ok(found)
    }

    fn label(&self) -> Option<String> {
        let top = self.directory(&self.top()).ok()?;
        let lines = top.chunks_exact(32).take_while(|line| byte(line, 0) != 0);
        let mut labels =
            lines.filter(|line| byte(line, 11) & 0x18 == VOLUME && byte(line, 11) != LONG);
        let label = trimmed(labels.next()?.get(..11)?).to_vec();
        Some(label.iter().map(|byte| char::from(*byte)).collect())
    }

    fn top(&self) -> Line {
        Line { cluster: 0, size: 0, attributes: DIRECTORY, is_root: true }
    }
}

/// The name of eight and three.
fn short_name(line: &[u8]) -> Vec<u8> {
    let lower = byte(line, 12);
    let part = |start: usize, end: usize, is_lower: bool| {
        let part = trimmed(line.get(start..end).unwrap_or_default());
        let part: String = part.iter().map(|byte| char::from(*byte)).collect();
        if is_lower { part.to_lowercase() } else { part }
    };
    let (name, extension) = (part(0, 8, lower & 8 != 0), part(8, 11, lower & 16 != 0));
    // A first byte of 0xe5 would mean a deleted line.
    let name =
        if byte(line, 0) == 5 { format!("å{}", name.get(1..).unwrap_or_default()) } else { name };
    let name = if extension.is_empty() { name } else { format!("{name}.{extension}") };
    name.into_bytes()
}

/// The sum of a short name that the lines of its long name have.
fn sum(line: &[u8]) -> u8 {
    let name = line.get(..11).unwrap_or_default();
    name.iter().fold(0u8, |sum, byte| sum.rotate_right(1).wrapping_add(*byte))
}

/// The parts of a long name, collected from the last to the first.
#[derive(Default)]
struct LongName {
    units: Vec<u8>,
    sum: u8,
    next: u8,
}

impl LongName {
    fn add(&mut self, line: &[u8]) {
        let number = byte(line, 0);
        if number & 0x40 != 0 {
            *self = Self { units: Vec::new(), sum: byte(line, 13), next: number & 0x3f };
        }
        if self.next == 0 || self.next != number & 0x3f || self.sum != byte(line, 13) {
            *self = Self::default();
            return;
        }
        let parts = [line.get(1..11), line.get(14..26), line.get(28..32)];
        let part: Vec<u8> = parts.into_iter().flatten().flatten().copied().collect();
        self.units.splice(0..0, part);
        self.next -= 1;
    }

    /// The name, if it is whole and that of this line.
    fn of(self, line: &[u8]) -> Option<Vec<u8>> {
        let fits = !self.units.is_empty() && self.next == 0 && self.sum == sum(line);
        fits.then(|| utf16(&self.units).into_bytes())
    }
}

impl Volume for Fat<'_> {
    type Own = Line;
    type Place = Vec<u8>;

    fn root(&self) -> Result<Node<Line>, UnfoldError> {
        let mut root = self.node(&vec![0; 32])?;
        (root.kind, root.mode, root.own) = (EntryKind::Directory, 0o755, self.top());
        Ok(root)
    }

    fn node(&self, line: &Vec<u8>) -> Result<Node<Line>, UnfoldError> {
        let attributes = byte(line, 11);
        let mut cluster = u32::from(le16(line, 26));
        if self.shape.width == Width::ThirtyTwo {
            cluster |= u32::from(le16(line, 20)) << 16;
        }
        let size = u64::from(le32(line, 28));
        let (kind, mode) = match attributes & DIRECTORY {
            0 => (EntryKind::File(size), 0o644),
            _ => (EntryKind::Directory, 0o755),
        };
        Ok(Node {
            id: cluster.into(),
            links: 1,
            mode,
            uid: 0,
            gid: 0,
            mtime: dos_time(le16(line, 24), le16(line, 22)),
            kind,
            own: Line { cluster, size, attributes, is_root: false },
        })
    }

    fn children(
        &self,
        directory: &Node<Line>,
        most: u64,
        found: &mut Vec<(Vec<u8>, Vec<u8>)>,
    ) -> Result<(), UnfoldError> {
        let mut long = LongName::default();
        for line in self.directory(&directory.own)?.chunks_exact(32) {
            match (byte(line, 0), byte(line, 11)) {
                (0, _) => break,
                (0xe5, _) => long = LongName::default(),
                (_, LONG) => long.add(line),
                (_, attributes) if attributes & VOLUME != 0 => long = LongName::default(),
                (_, _) if found.len() as u64 >= most => break,
                _ => {
                    let name = std::mem::take(&mut long).of(line);
                    found.push((name.unwrap_or_else(|| short_name(line)), line.to_vec()));
                }
            }
        }
        Ok(())
    }

    fn xattrs(&self, node: &Node<Line>) -> Result<Xattrs, UnfoldError> {
        let known = [(1, "read-only"), (2, "hidden"), (4, "system")];
        let set = known.iter().filter(|(bit, _)| node.own.attributes & bit != 0);
        let set: Vec<&str> = set.map(|(_, name)| *name).collect();
        let text = (b"fat.attributes".to_vec(), set.join(" ").into_bytes());
        Ok(Vec::from_iter((!set.is_empty()).then_some(text)))
    }

    fn content<'s>(&'s self, node: &'s Node<Line>) -> Result<Box<dyn Read + 's>, UnfoldError> {
        let (size, cluster) = (node.own.size, self.shape.cluster);
        let mut next = Some(node.own.cluster);
        let piece = move |offset: u64| {
            let current = next.ok_or_else(|| malformed("a file has too few clusters", offset))?;
            next = self.next(current)?;
            let length = cluster.min(size - offset) as usize;
            Ok(Piece::Bytes(read(self.bytes, self.place(current)?, length)?))
        };
        Ok(Box::new(Pieces::new(size, piece)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Format, recognise,
        testing::{damaged, only, walked},
    };

    fn line(name: &str, attributes: u8, cluster: u16, size: u32) -> Vec<u8> {
        let mut line = format!("{name:<11}").into_bytes();
        line.resize(32, 0);
        line[11] = attributes;
        line[24..26].copy_from_slice(&0x5821u16.to_le_bytes());
        line[26..28].copy_from_slice(&cluster.to_le_bytes());
        line[28..32].copy_from_slice(&size.to_le_bytes());
        line
    }

    fn long(name: &str, short: &str) -> Vec<u8> {
        let mut units: Vec<u16> = name.encode_utf16().chain([0]).collect();
        units.resize(units.len().next_multiple_of(13), 0xffff);
        let count = units.len() / 13;
        let mut out = Vec::new();
        for number in (0..count).rev() {
            let part: Vec<u8> =
                units[number * 13..][..13].iter().flat_map(|u| u.to_le_bytes()).collect();
            let last = if number + 1 == count { 0x40 } else { 0 };
            let head = [
                &[(number as u8 + 1) | last][..],
                &part[..10],
                &[LONG, 0, sum(&line(short, 0, 0, 0))],
            ];
            out.extend([&head.concat()[..], &part[10..22], &[0, 0], &part[22..]].concat());
        }
        out
    }

    /// FAT12 of 16 clusters of 512 bytes, which are 2 to 17 from sector 3 on.
    fn disk() -> Vec<u8> {
        let mut disk = vec![0; 19 * 512];
        disk[..3].copy_from_slice(&[0xeb, 0x3c, 0x90]);
        for (at, value) in [(11, 512u16), (14, 1), (17, 16), (19, 19), (22, 1), (510, 0xaa55)] {
            disk[at..at + 2].copy_from_slice(&value.to_le_bytes());
        }
        (disk[13], disk[16], disk[21]) = (1, 1, 0xf8);
        disk[39..43].copy_from_slice(&0x1234_abcdu32.to_le_bytes());
        let next = [0xff8u16, 0xfff, 0xfff, 5, 0, 4 | 0xff8, 0xfff, 6];
        for (pair, numbers) in next.chunks(2).enumerate() {
            let packed = u32::from(numbers[0]) | u32::from(numbers[1]) << 12;
            disk[512 + pair * 3..515 + pair * 3].copy_from_slice(&packed.to_le_bytes()[..3]);
        }
        let root =
            [line("ESP", VOLUME, 0, 0), line("EFI", DIRECTORY, 2, 0), line("\u{e5}GONE", 0, 3, 5)];
        let mut root = root.concat();
        root.truncate(64);
        root.extend(long("a name that is long.conf", "ANAMET~1CON"));
        root.extend(line("ANAMET~1CON", 3, 3, 600));
        disk[1024..1024 + root.len()].copy_from_slice(&root);
        let inner = [
            line(".", DIRECTORY, 2, 0),
            line("..", DIRECTORY, 0, 0),
            line("LOOP", DIRECTORY, 2, 0),
            line("SHORT   TXT", 0, 9, 5),
        ];
        let mut inner = inner.concat();
        inner[3 * 32 + 12] = 0x18;
        disk[1536..1536 + inner.len()].copy_from_slice(&inner);
        disk[2048..2560].fill(b'x');
        disk[1536 + 3 * 512..1536 + 4 * 512].fill(b'y');
        disk[1536 + 7 * 512..][..5].copy_from_slice(b"hello");
        disk
    }

    #[test]
    fn long_and_short_names_are_read() {
        let disk = disk();
        assert_eq!(recognise(&disk), Some(Format::Fat));
        let seen = walked(Format::Fat, &disk);
        assert_eq!(seen.paths(), ["", "EFI", "EFI/short.txt", "a name that is long.conf"]);
        assert_eq!(seen.get("EFI/short.txt").1, b"hello");
        let (entry, content) = seen.get("a name that is long.conf");
        assert_eq!(content, [vec![b'x'; 512], vec![b'y'; 88]].concat());
        assert_eq!(entry.mtime, Some(1_704_067_200));
        assert_eq!(seen.facts("a name that is long.conf")["fat.attributes"], "read-only hidden");
        let facts = seen.facts("");
        assert_eq!((&facts["fat.label"][..], &facts["fat.volume"][..]), ("ESP", "1234-abcd"));
        assert_eq!(seen.unread[0].0, b"EFI/LOOP");
        assert_eq!(only(Format::Fat, &disk, "EFI/short.txt").unwrap().entries.len(), 1);
    }

    #[test]
    fn chains_that_end_early_or_never_are_told() {
        let mut disk = disk();
        disk[516..519].fill(0xff);
        let seen = walked(Format::Fat, &disk);
        assert!(seen.unread.iter().any(|(_, why)| why.contains("a file has too few clusters")));
        damaged(Format::Fat, &disk);
    }
}
