//! A tar reader for archives of strangers: bounded memory, no extraction, named errors.
//!
//! It reads what OCI layers and image archives are made of: ustar, PAX (`path`, `linkpath`, `size`,
//! `uid`, `gid`, `SCHILY.xattr.*`) and GNU long names. Sparse files and unknown kinds are refused.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};
use tar::{EntryType, Header};

/// The most bytes that one PAX header or GNU long name may have.
const MAX_EXTENSION: u64 = 1 << 20;

/// Why a tar stream is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReadTarError {
    /// The stream broke off or could not be decompressed.
    #[error("cannot read the archive")]
    Read(#[from] io::Error),
    /// A block is no tar header.
    #[error("entry {entry} of the archive has a damaged header")]
    Header {
        /// Number of the entry, from 1.
        entry: u64,
    },
    /// A PAX header or long name is too large.
    #[error(
        "entry {entry} of the archive has an extension header of {size} bytes, over the limit of {MAX_EXTENSION}"
    )]
    Extension {
        /// Number of the entry, from 1.
        entry: u64,
        /// Its size.
        size: u64,
    },
    /// A PAX header is malformed.
    #[error("entry {entry} of the archive has a malformed PAX record")]
    Pax {
        /// Number of the entry, from 1.
        entry: u64,
    },
    /// A sparse file, whose content is not what stands in the archive.
    #[error("entry {entry} of the archive is a sparse file, which layers do not have")]
    Sparse {
        /// Number of the entry, from 1.
        entry: u64,
    },
}

/// The header of one entry, extensions applied.
pub(crate) struct TarEntry {
    pub(crate) header: Header,
    pub(crate) path: Vec<u8>,
    pub(crate) link: Vec<u8>,
    pub(crate) size: u64,
    pub(crate) uid: u64,
    pub(crate) gid: u64,
    pub(crate) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// Reads entry by entry; the content of the current one is what [`TarReader::content`] gives.
pub(crate) struct TarReader<R> {
    input: R,
    entry: u64,
    content: u64,
    padding: u64,
}

#[derive(Default)]
struct Extensions {
    pax: BTreeMap<Vec<u8>, Vec<u8>>,
    long_path: Option<Vec<u8>>,
    long_link: Option<Vec<u8>>,
}

impl<R: Read> TarReader<R> {
    pub(crate) fn new(input: R) -> Self {
        Self { input, entry: 0, content: 0, padding: 0 }
    }

    /// The next entry; none at the end of the archive. Content that was not read is skipped.
    pub(crate) fn next(&mut self) -> Result<Option<TarEntry>, ReadTarError> {
        self.entry += 1;
        let mut extensions = Extensions::default();
        loop {
            self.skip_content()?;
            let Some(header) = self.read_header()? else { return Ok(None) };
            let size =
                header.entry_size().map_err(|_| ReadTarError::Header { entry: self.entry })?;
            match header.entry_type() {
                EntryType::XHeader => {
                    let bytes = self.read_extension(size)?;
                    extensions.pax = self.parse_pax(&bytes)?;
                }
                EntryType::GNULongName => extensions.long_path = Some(self.read_long(size)?),
                EntryType::GNULongLink => extensions.long_link = Some(self.read_long(size)?),
                // Comments of the whole archive, such as git writes.
                EntryType::XGlobalHeader => drop(self.read_extension(size)?),
                EntryType::GNUSparse => return Err(ReadTarError::Sparse { entry: self.entry }),
                _ => return self.entry(header, extensions, size).map(Some),
            }
        }
    }

    /// The content of the current entry.
    pub(crate) fn content(&mut self) -> impl Read + '_ {
        Content { reader: self }
    }

    /// Reads on to the very end, so that whoever hashes the stream sees all of it.
    pub(crate) fn drain(mut self) -> io::Result<()> {
        io::copy(&mut self.input, &mut io::sink()).map(drop)
    }

    fn entry(
        &mut self,
        header: Header,
        extensions: Extensions,
        size: u64,
    ) -> Result<TarEntry, ReadTarError> {
        let entry = self.entry;
        let mut pax = extensions.pax;
        if pax.keys().any(|key| key.starts_with(b"GNU.sparse.")) {
            return Err(ReadTarError::Sparse { entry });
        }
        let mut number = |key: &[u8], otherwise: io::Result<u64>| match pax.remove(key) {
            None => otherwise.map_err(|_| ReadTarError::Header { entry }),
            Some(value) => std::str::from_utf8(&value)
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or(ReadTarError::Pax { entry }),
        };
        let size = number(b"size", Ok(size))?;
        let uid = number(b"uid", header.uid())?;
        let gid = number(b"gid", header.gid())?;
        let path = pax.remove(&b"path"[..]).or(extensions.long_path);
        let link = pax.remove(&b"linkpath"[..]).or(extensions.long_link);
        let xattrs = pax
            .into_iter()
            .filter_map(|(key, value)| Some((key.strip_prefix(b"SCHILY.xattr.")?.to_vec(), value)));
        let xattrs = xattrs.collect();
        // As Go's reader has it: these kinds never have content, whatever their size field says.
        let kind = header.entry_type();
        let bare = kind.is_hard_link()
            || kind.is_symlink()
            || kind.is_dir()
            || kind.is_character_special()
            || kind.is_block_special()
            || kind.is_fifo();
        let stored = if bare { 0 } else { size };
        self.expect(stored);
        Ok(TarEntry {
            path: path.unwrap_or_else(|| header.path_bytes().into_owned()),
            link: link.unwrap_or_else(|| {
                header.link_name_bytes().map(|l| l.into_owned()).unwrap_or_default()
            }),
            size: stored,
            uid,
            gid,
            xattrs,
            header,
        })
    }

    fn expect(&mut self, size: u64) {
        self.content = size;
        self.padding = (512 - size % 512) % 512;
    }

    fn skip_content(&mut self) -> Result<(), ReadTarError> {
        let left = u128::from(self.content) + u128::from(self.padding);
        (self.content, self.padding) = (0, 0);
        let left = u64::try_from(left).map_err(|_| ReadTarError::Header { entry: self.entry })?;
        let skipped = io::copy(&mut (&mut self.input).take(left), &mut io::sink())?;
        if skipped < left {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        Ok(())
    }

    fn read_header(&mut self) -> Result<Option<Header>, ReadTarError> {
        let mut header = Header::new_old();
        let block = header.as_mut_bytes();
        let mut filled = 0;
        while filled < block.len() {
            match self.input.read(&mut block[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
        match filled {
            // Some writers leave out the empty blocks at the end.
            0 => return Ok(None),
            512 => {}
            _ => return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into()),
        }
        if header.as_bytes().iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        let bytes = header.as_bytes();
        let sum = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).sum::<u32>();
        let expected = sum(&bytes[..148]) + 8 * u32::from(b' ') + sum(&bytes[156..]);
        match header.cksum() {
            Ok(written) if written == expected => Ok(Some(header)),
            _ => Err(ReadTarError::Header { entry: self.entry }),
        }
    }

    fn read_extension(&mut self, size: u64) -> Result<Vec<u8>, ReadTarError> {
        if size > MAX_EXTENSION {
            return Err(ReadTarError::Extension { entry: self.entry, size });
        }
        let mut bytes = Vec::new();
        self.expect(size);
        self.content().read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn read_long(&mut self, size: u64) -> Result<Vec<u8>, ReadTarError> {
        let mut bytes = self.read_extension(size)?;
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        bytes.truncate(end);
        Ok(bytes)
    }

    fn parse_pax(&self, mut bytes: &[u8]) -> Result<BTreeMap<Vec<u8>, Vec<u8>>, ReadTarError> {
        let mut records = BTreeMap::new();
        while !bytes.is_empty() {
            let (record, rest) =
                split_pax_record(bytes).ok_or(ReadTarError::Pax { entry: self.entry })?;
            records.insert(record.0.to_vec(), record.1.to_vec());
            bytes = rest;
        }
        Ok(records)
    }
}

/// The key and value of the first record, and the bytes after it.
#[allow(clippy::type_complexity, reason = "a pair and a rest, used once")]
fn split_pax_record(bytes: &[u8]) -> Option<((&[u8], &[u8]), &[u8])> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    let body = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    Some(((&body[..equals], &body[equals + 1..]), &bytes[length..]))
}

struct Content<'a, R> {
    reader: &'a mut TarReader<R>,
}

impl<R: Read> Read for Content<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = usize::try_from(self.reader.content).unwrap_or(usize::MAX).min(buffer.len());
        let count = self.reader.input.read(&mut buffer[..most])?;
        if count == 0 && most > 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.reader.content -= count as u64;
        Ok(count)
    }
}
