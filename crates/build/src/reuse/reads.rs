//! What a program read and looked for: the part of a child step's key that is known after it ran.
//!
//! Encoded with `groundup_digest`'s writer: a version (`u32`), the paths in order (text, a byte for
//! the kind, a digest or a text where the kind has one), then perhaps the symbols (path of the
//! header, and each symbol with two optional texts). Stored as zstd.

use super::symbols::Value;
use groundup_digest::{BlobId, DecodeError, Reader, StepKey, Writer};
use std::collections::BTreeMap;

const FORMAT: u32 = 1;
/// The encoded form is not longer: far above what a compiler reads, and a bound for what is damaged.
const MOST: usize = 64 << 20;

/// What was at every path that a program named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Reads {
    pub(crate) paths: BTreeMap<String, State>,
    /// The header that counts by symbols, and those that the texts read with it name.
    pub(crate) symbols: Option<(String, BTreeMap<String, Value>)>,
}

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    /// Nothing.
    Absent,
    /// A file with these bytes.
    File(BlobId),
    /// A directory; its entries are paths of their own.
    Directory,
    /// A symbolic link to this.
    Link(String),
    /// A device, a socket, a pipe.
    Other,
    /// Below a link: not at this path, strictly.
    Elsewhere,
}

impl Reads {
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.u32(FORMAT);
        writer.seq(&self.paths, |writer, (path, state)| {
            writer.str(path);
            match state {
                State::Absent => writer.u8(0),
                State::File(blob) => writer.u8(1).digest(blob.as_bytes()),
                State::Directory => writer.u8(2),
                State::Link(target) => writer.u8(3).str(target),
                State::Other => writer.u8(4),
                State::Elsewhere => writer.u8(5),
            };
        });
        writer.option(self.symbols.as_ref(), |writer, (header, symbols)| {
            writer.str(header);
            writer.seq(symbols, |writer, (name, (own, module))| {
                writer.str(name);
                for text in [own, module] {
                    writer.option(text.as_ref(), |writer, text| {
                        writer.str(text);
                    });
                }
            });
        });
        writer.finish()
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.u32()? != FORMAT {
            return Err(reader.invalid("format"));
        }
        let paths = reader.seq(|reader| {
            let path = reader.str()?.to_owned();
            let state = match reader.u8()? {
                0 => State::Absent,
                1 => State::File(BlobId::from_bytes(reader.digest()?)),
                2 => State::Directory,
                3 => State::Link(reader.str()?.to_owned()),
                4 => State::Other,
                5 => State::Elsewhere,
                _ => return Err(reader.invalid("state")),
            };
            Ok((path, state))
        })?;
        let text = |reader: &mut Reader<'_>| reader.str().map(str::to_owned);
        let symbols = reader.option(|reader| {
            let header = text(reader)?;
            let symbols = reader
                .seq(|reader| Ok((text(reader)?, (reader.option(text)?, reader.option(text)?))))?;
            Ok((header, symbols.into_iter().collect()))
        })?;
        reader.end()?;
        Ok(Self { paths: paths.into_iter().collect(), symbols })
    }

    /// The key of a command that read this.
    pub(super) fn key(&self, command: StepKey) -> StepKey {
        let mut writer = Writer::new();
        writer.str("reuse").digest(command.as_bytes());
        writer.digest(BlobId::of(&self.to_bytes()).as_bytes());
        StepKey::of_encoded(writer.as_bytes())
    }

    pub(super) fn compress(&self) -> std::io::Result<Vec<u8>> {
        zstd::bulk::compress(&self.to_bytes(), 3)
    }

    pub(super) fn decompress(bytes: &[u8]) -> Option<Self> {
        let bytes = zstd::bulk::decompress(bytes, MOST).ok()?;
        Self::from_bytes(&bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads() -> Reads {
        let states = [
            State::Absent,
            State::File(BlobId::of(b"x")),
            State::Directory,
            State::Link("../x".into()),
            State::Other,
            State::Elsewhere,
        ];
        let paths = states.into_iter().enumerate();
        let paths = paths.map(|(number, state)| (format!("/build/{number}"), state)).collect();
        let symbols = [
            ("CONFIG_A".to_owned(), (Some("1".to_owned()), None)),
            ("CONFIG_B".to_owned(), (None, Some("1".to_owned()))),
        ];
        Reads { paths, symbols: Some(("/build/autoconf.h".into(), symbols.into())) }
    }

    #[test]
    fn reads_come_back_as_they_were() {
        assert_eq!(Reads::decompress(&reads().compress().unwrap()), Some(reads()));
        assert_eq!(Reads::from_bytes(&Reads::default().to_bytes()), Ok(Reads::default()));
    }

    #[test]
    fn damage_is_no_reads() {
        let bytes = reads().to_bytes();
        for length in 0..bytes.len() {
            assert!(Reads::from_bytes(&bytes[..length]).is_err());
        }
        assert_eq!(Reads::decompress(b"not zstd"), None);
    }

    #[test]
    fn whatever_was_read_changes_the_key() {
        let command = StepKey::of_encoded(b"gcc");
        let mut keys = vec![reads().key(command), reads().key(StepKey::of_encoded(b"cc"))];
        let edits: [&dyn Fn(&mut Reads); 4] = [
            &|reads| drop(reads.paths.insert("/build/0".into(), State::Directory)),
            &|reads| drop(reads.paths.insert("/build/9".into(), State::Absent)),
            &|reads| drop(reads.paths.remove("/build/1")),
            &|reads| reads.symbols = None,
        ];
        for edit in edits {
            let mut reads = reads();
            edit(&mut reads);
            keys.push(reads.key(command));
        }
        let count = keys.len();
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }
}
