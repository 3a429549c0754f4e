//! One directory as an object of the Merkle structure.

use crate::{Device, Kind, Meta, Mode, Name, Node, Xattrs};
use groundup_digest::{BlobId, DecodeError, DirId, Reader, Writer};

/// What an entry is; unlike [`Kind`] a directory names its content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EntryKind {
    /// A directory with this content.
    Directory(DirId),
    /// Anything but a directory.
    Other(Kind),
}

/// A named node of a directory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// Its name.
    pub name: Name,
    /// Mode, owner, extended attributes.
    pub meta: Meta,
    /// What it is.
    pub kind: EntryKind,
}

impl Entry {
    /// The node that this entry stands for, without the content of a directory.
    pub fn node(&self) -> Node {
        let kind = match &self.kind {
            EntryKind::Directory(_) => Kind::Directory,
            EntryKind::Other(kind) => kind.clone(),
        };
        Node { meta: self.meta.clone(), kind }
    }
}

/// The entries of one directory, sorted by the bytes of their unique names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Directory {
    entries: Vec<Entry>,
}

impl Directory {
    /// Takes entries that are sorted by name and unique; none if they are not.
    pub fn from_sorted(entries: Vec<Entry>) -> Option<Self> {
        let sorted = entries.is_sorted_by(|a, b| a.name < b.name);
        let valid = entries.iter().all(|entry| match &entry.kind {
            EntryKind::Other(Kind::Directory) => false,
            EntryKind::Other(Kind::Symlink { target }) => {
                !target.is_empty() && !target.contains(&0)
            }
            _ => true,
        });
        (sorted && valid).then_some(Self { entries })
    }

    /// The entries in the order of their names.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The canonical encoding, as `docs/formats/tree.md` has it.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.seq(&self.entries, |writer, entry| {
            writer.bytes(entry.name.as_bytes());
            write_meta(writer, &entry.meta);
            write_kind(writer, &entry.kind);
        });
        writer.finish()
    }

    /// Reads the canonical encoding; whatever is not canonical is refused.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let entries = reader.seq(|reader| {
            let name = reader.bytes()?;
            let name = Name::new(name).map_err(|_| reader.invalid("file name"))?;
            let meta = read_meta(reader)?;
            let kind = read_kind(reader)?;
            Ok(Entry { name, meta, kind })
        })?;
        let directory = Self::from_sorted(entries).ok_or(reader.invalid("order of entries"))?;
        reader.end()?;
        Ok(directory)
    }
}

pub(crate) fn write_meta(writer: &mut Writer, meta: &Meta) {
    writer.u16(meta.mode.bits()).u32(meta.uid).u32(meta.gid);
    writer.seq(meta.xattrs.iter(), |writer, (name, value)| {
        writer.bytes(name).bytes(value);
    });
}

pub(crate) fn read_meta(reader: &mut Reader<'_>) -> Result<Meta, DecodeError> {
    let bits = reader.u16()?;
    if bits > 0o7777 {
        return Err(reader.invalid("mode"));
    }
    let (uid, gid) = (reader.u32()?, reader.u32()?);
    let mut xattrs = Xattrs::none();
    let mut last: Option<Vec<u8>> = None;
    reader.seq(|reader| {
        let (name, value) = (reader.bytes()?, reader.bytes()?);
        if last.as_deref().is_some_and(|last| last >= name) || !xattrs.insert(name, value) {
            return Err(reader.invalid("extended attribute"));
        }
        last = Some(name.to_vec());
        Ok(())
    })?;
    Ok(Meta { mode: Mode::from_bits(bits.into()), uid, gid, xattrs })
}

fn write_kind(writer: &mut Writer, kind: &EntryKind) {
    match kind {
        EntryKind::Directory(id) => writer.u8(1).digest(id.as_bytes()),
        EntryKind::Other(Kind::Directory) => unreachable!("`from_sorted` refuses it"),
        EntryKind::Other(Kind::File { blob, size }) => {
            writer.u8(2).digest(blob.as_bytes()).u64(*size)
        }
        EntryKind::Other(Kind::Symlink { target }) => writer.u8(3).bytes(target),
        EntryKind::Other(Kind::CharDevice(device)) => {
            writer.u8(4).u32(device.major).u32(device.minor)
        }
        EntryKind::Other(Kind::BlockDevice(device)) => {
            writer.u8(5).u32(device.major).u32(device.minor)
        }
        EntryKind::Other(Kind::Fifo) => writer.u8(6),
    };
}

fn read_kind(reader: &mut Reader<'_>) -> Result<EntryKind, DecodeError> {
    let device = |reader: &mut Reader<'_>| {
        Ok::<_, DecodeError>(Device { major: reader.u32()?, minor: reader.u32()? })
    };
    Ok(match reader.u8()? {
        1 => EntryKind::Directory(DirId::from_bytes(reader.digest()?)),
        2 => {
            let blob = BlobId::from_bytes(reader.digest()?);
            EntryKind::Other(Kind::File { blob, size: reader.u64()? })
        }
        3 => EntryKind::Other(Kind::Symlink { target: reader.bytes()?.into() }),
        4 => EntryKind::Other(Kind::CharDevice(device(reader)?)),
        5 => EntryKind::Other(Kind::BlockDevice(device(reader)?)),
        6 => EntryKind::Other(Kind::Fifo),
        _ => return Err(reader.invalid("kind of entry")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, kind: Kind) -> Entry {
        let name = Name::new(name.as_bytes()).unwrap();
        Entry { name, meta: Meta::root_owned(0o644), kind: EntryKind::Other(kind) }
    }

    #[test]
    fn rejects_unsorted_and_duplicate_entries() {
        let (a, b) = (entry("a", Kind::Fifo), entry("b", Kind::Fifo));
        assert!(Directory::from_sorted(vec![b.clone(), a.clone()]).is_none());
        assert!(Directory::from_sorted(vec![a.clone(), a.clone()]).is_none());
        assert!(Directory::from_sorted(vec![a, b]).is_some());
    }

    #[test]
    fn rejects_a_mode_beyond_twelve_bits() {
        let directory = Directory::from_sorted(vec![entry("a", Kind::Fifo)]).unwrap();
        let mut bytes = directory.to_bytes();
        assert_eq!(Directory::from_bytes(&bytes), Ok(directory));
        bytes[8 + 8 + 1 + 1] = 0xff;
        assert!(Directory::from_bytes(&bytes).is_err());
    }
}
