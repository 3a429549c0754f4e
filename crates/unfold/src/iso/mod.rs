//! ISO 9660 with the names, modes and links of Rock Ridge, or the names of Joliet.
//!
//! ```text
//! system area (32 KiB) | volume descriptors, one a sector | directories and files in any order
//! ```
//!
//! Where the first directory has Rock Ridge, it is used, else Joliet if it is there, else the plain
//! names without their versions. Boot catalogs (El Torito) are told on the top directory only;
//! compressed files (zisofs) and UDF are not read. Sources: ECMA-119; the Rock Ridge interchange
//! protocol 1.12 and SUSP 1.12 (IEEE P1282, P1281).

mod record;
mod rock;

use crate::{
    Bytes, EntryKind, UnfoldError,
    numbers::{byte, le16, le32, read, trimmed, utf16},
    volume::{self, Node, Piece, Pieces, Volume, Work, Xattrs},
    walk::Walk,
};
use record::Record;
use rock::Rock;
use std::io::Read;

const NAME: &str = "ISO 9660";
const SECTOR: u64 = 2048;
/// The most volume descriptors, and bytes of a directory.
const MAX_DESCRIPTORS: u64 = 64;
const MAX_DIRECTORY: u64 = 256 << 20;
/// The most that is read at once.
const PIECE: u64 = 256 << 10;

fn malformed(what: &str, offset: u64) -> UnfoldError {
    UnfoldError::malformed(NAME, what, offset)
}

/// Which names are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Names {
    /// Those of Rock Ridge, whose fields start so many bytes into what a system may use.
    Rock(usize),
    Joliet,
    Plain,
}

struct Iso<'a> {
    bytes: &'a dyn Bytes,
    work: Work,
    block: u64,
    root: Record,
    names: Names,
}

pub(crate) fn walk(bytes: &dyn Bytes, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    let (mut primary, mut joliet, mut boots) = (None, None, false);
    for number in 16..16 + MAX_DESCRIPTORS {
        let sector = read(bytes, number * SECTOR, 2048)?;
        if sector.get(1..6) != Some(b"CD001") {
            return Err(malformed("a volume descriptor is damaged", number * SECTOR));
        }
        match byte(&sector, 0) {
            0 => boots |= sector.get(7..30) == Some(b"EL TORITO SPECIFICATION"),
            1 if primary.is_none() => primary = Some(sector),
            2 if matches!(sector.get(88..91), Some(b"%/@" | b"%/C" | b"%/E")) => {
                joliet = Some(sector);
            }
            255 => break,
            _ => {}
        }
    }
    let primary = primary.ok_or_else(|| malformed("there is no volume", 16 * SECTOR))?;
    let block = u64::from(le16(&primary, 128));
    if !matches!(block, 512 | 1024 | 2048) {
        return Err(malformed("blocks have an impossible size", 16 * SECTOR + 128));
    }
    let root = |sector: &[u8]| Record::root(sector.get(156..190).unwrap_or_default());
    let mut iso =
        Iso { bytes, work: Work::new(walk), block, root: root(&primary), names: Names::Plain };
    if let Some(skip) = iso.rock_ridge()? {
        iso.names = Names::Rock(skip);
    } else if let Some(sector) = joliet {
        (iso.names, iso.root) = (Names::Joliet, root(&sector));
    }
    let text = |start: usize, end: usize| {
        String::from_utf8_lossy(trimmed(primary.get(start..end).unwrap_or_default())).into_owned()
    };
    let names = match iso.names {
        Names::Rock(_) => "Rock Ridge",
        Names::Joliet => "Joliet",
        Names::Plain => "plain",
    };
    let mut facts = vec![
        ("iso.label", text(40, 72)),
        ("iso.publisher", text(318, 446)),
        ("iso.application", text(574, 702)),
        ("iso.made", text(813, 829)),
        ("iso.names", names.to_owned()),
    ];
    facts.retain(|(_, value)| !value.is_empty());
    if boots {
        facts.push(("iso.boots", "El Torito".to_owned()));
    }
    volume::walk(&iso, facts, walk)
}

impl Iso<'_> {
    /// Where the fields of Rock Ridge start, if the first directory has them.
    fn rock_ridge(&self) -> Result<Option<usize>, UnfoldError> {
        let first = read(self.bytes, self.place(self.root.block), 2048)?;
        let own = Record::parse(&first).map(|(record, _)| record.system);
        let field = own.unwrap_or_default();
        let is_susp = field.starts_with(b"SP\x07\x01\xbe\xef");
        Ok(is_susp.then(|| usize::from(byte(&field, 6))))
    }

    fn place(&self, block: u32) -> u64 {
        u64::from(block) * self.block
    }

    fn rock(&self, record: &Record) -> Result<Rock, UnfoldError> {
        match self.names {
            Names::Rock(skip) => self.rock_fields(record.system.get(skip..).unwrap_or_default()),
            _ => Ok(Rock::default()),
        }
    }

    /// The records of a directory; pieces of one file are put together.
    fn records(&self, directory: &Record, most: u64) -> Result<Vec<Record>, UnfoldError> {
        let (start, length) = (self.place(directory.block), directory.size());
        if length > MAX_DIRECTORY {
            return Err(malformed("a directory is too long", start));
        }
        let mut found: Vec<Record> = Vec::new();
        let mut open = false;
        for sector in 0..length.div_ceil(SECTOR) {
            self.work.spend(SECTOR as usize)?;
            let sector = read(self.bytes, start + sector * SECTOR, 2048)?;
            let mut rest = &sector[..];
            // No record crosses the end of a sector: what is left is zeros.
            while let Some((record, after)) = Record::parse(rest) {
                rest = after;
                let continues = record.continues;
                match found.last_mut().filter(|last| open && last.name == record.name) {
                    Some(last) => last.pieces.extend(record.pieces),
                    None => found.push(record),
                }
                open = continues;
                if found.len() as u64 > most.saturating_add(2) {
                    return Ok(found);
                }
            }
            if byte(rest, 0) != 0 {
                return Err(malformed("a record of a directory is damaged", start));
            }
        }
        Ok(found)
    }

    fn name(&self, record: &Record, rock: &Rock) -> Vec<u8> {
        match self.names {
            Names::Rock(_) if !rock.name.is_empty() => rock.name.clone(),
            Names::Joliet => {
                let units = record.name.chunks_exact(2);
                let swapped: Vec<u8> =
                    units.flat_map(|unit| [byte(unit, 1), byte(unit, 0)]).collect();
                plain(utf16(&swapped).as_bytes())
            }
            _ => plain(&record.name),
        }
    }
}

/// A name without its version, and the point before an extension that is not there.
fn plain(name: &[u8]) -> Vec<u8> {
    let name = name.split(|byte| *byte == b';').next().unwrap_or_default();
    name.strip_suffix(b".").unwrap_or(name).to_vec()
}

impl Volume for Iso<'_> {
    type Own = Record;
    type Place = Record;

    fn root(&self) -> Result<Node<Record>, UnfoldError> {
        let mut root = self.node(&self.root)?;
        // What Rock Ridge says of the top stands in its own first record.
        let own = self.records(&self.root, 1)?.into_iter().next();
        if let Some(own) = own {
            let rock = self.rock(&own)?;
            (root.uid, root.gid) = (rock.uid, rock.gid);
            root.mode = rock.mode.map_or(root.mode, |mode| mode & 0o7777);
            root.mtime = rock.mtime.or(root.mtime);
        }
        Ok(root)
    }

    fn node(&self, record: &Record) -> Result<Node<Record>, UnfoldError> {
        let mut record = record.clone();
        let rock = self.rock(&record)?;
        if let Some(block) = rock.child {
            // A directory that was moved to keep the tree flat.
            (record.block, record.is_directory) = (block, true);
            let own = read(self.bytes, self.place(block), 2048)?;
            let size = Record::parse(&own).map_or(0, |(own, _)| own.size());
            record.pieces = vec![(block, u32::try_from(size).unwrap_or(u32::MAX))];
        }
        let size = record.size();
        let kind = match (record.is_directory, rock.kind) {
            (true, _) => EntryKind::Directory,
            (false, Some(kind)) => kind,
            (false, None) => EntryKind::File(size),
        };
        if rock.is_compressed {
            return Err(UnfoldError::unsupported(NAME, "a compressed file (zisofs)"));
        }
        let mode = if record.is_directory { 0o755 } else { 0o644 };
        // Names of one file have the same first block; empty files have none.
        let id = match (&kind, size) {
            (EntryKind::Directory, _) => u64::from(record.block),
            (EntryKind::File(_), 1..) => 1 << 40 | u64::from(record.block),
            _ => u64::MAX,
        };
        let links = if id == u64::MAX { 1 } else { rock.links };
        Ok(Node {
            id,
            links,
            mode: rock.mode.map_or(mode, |mode| mode & 0o7777),
            uid: rock.uid,
            gid: rock.gid,
            mtime: rock.mtime.or(record.mtime),
            kind,
            own: record,
        })
    }

    fn children(
        &self,
        directory: &Node<Record>,
        most: u64,
        found: &mut Vec<(Vec<u8>, Record)>,
    ) -> Result<(), UnfoldError> {
        for record in self.records(&directory.own, most)? {
            // The directory itself and the one above have names of one byte.
            if matches!(&record.name[..], [0] | [1]) {
                continue;
            }
            let rock = self.rock(&record)?;
            if !rock.is_relocated {
                found.push((self.name(&record, &rock), record));
            }
        }
        Ok(())
    }

    fn xattrs(&self, _: &Node<Record>) -> Result<Xattrs, UnfoldError> {
        Ok(Vec::new())
    }

    fn content<'s>(&'s self, node: &'s Node<Record>) -> Result<Box<dyn Read + 's>, UnfoldError> {
        Ok(Box::new(Pieces::new(node.own.size(), move |offset| {
            let mut before = 0;
            for (block, length) in &node.own.pieces {
                let inside = offset - before;
                if let Some(left) = u64::from(*length).checked_sub(inside).filter(|left| *left > 0)
                {
                    let at = self.place(*block) + inside;
                    return Ok(Piece::Bytes(read(self.bytes, at, left.min(PIECE) as usize)?));
                }
                before += u64::from(*length);
            }
            Err(malformed("a piece of a file is missing", self.place(node.own.block)))
        })))
    }
}

/// The number that Rock Ridge writes in both orders.
fn both(field: &[u8], at: usize) -> u32 {
    le32(field, at)
}
