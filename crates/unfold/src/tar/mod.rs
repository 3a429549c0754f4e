//! Tar as others write it: ustar and v7, GNU long names and large numbers, PAX, sparse files.
//!
//! ```text
//! [x: PAX records]* [L, K: GNU long names]* header (512) content, to 512; … ; zeros
//! ```
//!
//! Sources: POSIX.1-2017 `pax` (ustar and extended headers), the GNU tar manual, "Basic Tar Format"
//! and "Storing Sparse Files". Content of several volumes and unknown kinds are told as unread.

mod header;
mod pax;
mod sparse;

use crate::{
    Entry, EntryKind, UnfoldError,
    source::Source,
    walk::{Damage, Walk},
};
use header::Header;
use pax::Records;
use sparse::Sparse;
use std::io::Read;

pub(crate) use header::is_header;

const NAME: &str = "tar";
/// The most bytes of one extended header or long name, and of the map of one sparse file.
const MAX_EXTENSION: u64 = 4 << 20;
/// The most extended headers before one entry.
const MAX_EXTENSIONS: usize = 64;

fn malformed(what: impl Into<String>, source: &Source<'_>) -> UnfoldError {
    UnfoldError::malformed(NAME, what, source.at())
}

/// What stands before the header of an entry and changes it.
#[derive(Default)]
struct Extensions {
    records: Records,
    path: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    count: usize,
}

pub(crate) fn walk(source: &mut Source<'_>, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    let (mut global, mut extensions, mut ended) =
        (Records::default(), Extensions::default(), false);
    while let Some(block) = source.block::<512>()? {
        if block.iter().all(|byte| *byte == 0) {
            // Two blocks of zeros are the end; one alone is jumped over, as GNU tar does.
            if std::mem::replace(&mut ended, true) {
                return Ok(());
            }
            continue;
        }
        ended = false;
        let header = Header::parse(block).map_err(|what| malformed(what, source))?;
        match header.flag() {
            b'x' | b'X' => {
                let bytes = extension(source, header.size, &mut extensions)?;
                extensions.records.read(&bytes).map_err(|what| malformed(what, source))?;
            }
            b'g' => {
                let bytes = extension(source, header.size, &mut extensions)?;
                global.read(&bytes).map_err(|what| malformed(what, source))?;
            }
            b'L' => extensions.path = Some(long(source, header.size, &mut extensions)?),
            b'K' => extensions.link = Some(long(source, header.size, &mut extensions)?),
            _ => {
                let mut extensions = std::mem::take(&mut extensions);
                extensions.records.below(&global);
                entry(source, walk, &header, extensions)?;
            }
        }
    }
    Ok(())
}

/// The content of an extended header.
fn extension(
    source: &mut Source<'_>,
    size: u64,
    extensions: &mut Extensions,
) -> Result<Vec<u8>, UnfoldError> {
    extensions.count += 1;
    if size > MAX_EXTENSION || extensions.count > MAX_EXTENSIONS {
        return Err(malformed("an extended header is too large", source));
    }
    let bytes = source.vec(size as usize)?;
    source.skip(padding(size))?;
    Ok(bytes)
}

fn long(
    source: &mut Source<'_>,
    size: u64,
    extensions: &mut Extensions,
) -> Result<Vec<u8>, UnfoldError> {
    let bytes = extension(source, size, extensions)?;
    Ok(crate::numbers::until_zero(&bytes).to_vec())
}

fn padding(size: u64) -> u64 {
    (512 - size % 512) % 512
}

fn entry(
    source: &mut Source<'_>,
    walk: &mut Walk<'_>,
    header: &Header,
    extensions: Extensions,
) -> Result<(), UnfoldError> {
    let Extensions { records, path, link, .. } = extensions;
    let number = |key: &str, otherwise: u64| match records.number(key) {
        Ok(value) => Ok(value.unwrap_or(otherwise)),
        Err(what) => Err(what),
    };
    let size = number("size", header.size).map_err(|what| malformed(what, source))?;
    let sparse_name = records.get("GNU.sparse.name").map(<[u8]>::to_vec);
    let raw = sparse_name
        .or_else(|| records.get("path").map(<[u8]>::to_vec))
        .or(path)
        .unwrap_or_else(|| header.path());
    let link =
        records.get("linkpath").map(<[u8]>::to_vec).or(link).unwrap_or_else(|| header.link());
    let is_file = matches!(header.flag(), b'0' | 0 | b'7' | b'S') && !raw.ends_with(b"/");
    // As GNU tar and Go have it: these have no content, whatever their size says.
    let stored = if matches!(header.flag(), b'1'..=b'6') { 0 } else { size };
    let mut segments = match header.flag() {
        b'S' => Some(sparse::old(header, source)?),
        _ if is_file => sparse::of_records(&records).map_err(|what| malformed(what, source))?,
        _ => None,
    };
    let start = source.at();
    let end = start.checked_add(stored).and_then(|end| end.checked_add(padding(stored)));
    let end = end.ok_or_else(|| malformed("a size is too large", source))?;
    let kind = match header.flag() {
        b'1' => walk.path(&link).map(EntryKind::HardLink),
        b'2' => Some(EntryKind::Symlink(link)),
        b'3' => Some(EntryKind::CharacterDevice(header.major, header.minor)),
        b'4' => Some(EntryKind::BlockDevice(header.major, header.minor)),
        b'5' | b'D' => Some(EntryKind::Directory),
        b'6' => Some(EntryKind::Fifo),
        _ if is_file => Some(EntryKind::File(segments.as_ref().map_or(size, |sparse| sparse.size))),
        b'0' | 0 | b'7' => Some(EntryKind::Directory),
        // The label of a volume is no entry.
        b'V' => None,
        flag => {
            let why = format!("tar: entries of kind `{}` are not supported", flag.escape_ascii());
            walk.count()?;
            walk.unread(&raw, &why);
            None
        }
    };
    if let (Some(kind), Some(path)) = (kind, walk.path(&raw)) {
        let id = |key: &str, own: i64| {
            let otherwise = u64::from(u32::try_from(own).unwrap_or(u32::MAX));
            number(key, otherwise).map(|id| u32::try_from(id).unwrap_or(u32::MAX))
        };
        let entry = Entry {
            path,
            mode: header.mode & 0o7777,
            uid: id("uid", header.uid).map_err(|what| malformed(what, source))?,
            gid: id("gid", header.gid).map_err(|what| malformed(what, source))?,
            mtime: Some(records.mtime().unwrap_or(header.mtime)),
            xattrs: records.xattrs(),
            at: (segments.is_none() && matches!(kind, EntryKind::File(_))).then_some(start),
            kind,
        };
        if let Some(sparse) = &mut segments
            && sparse.map_is_content
        {
            sparse.segments = sparse::in_content(source, stored)?;
        }
        let left = end - padding(stored) - source.at().min(end - padding(stored));
        match segments {
            None => walk.entry(&entry, &mut Content(source, left), Damage::Fatal)?,
            Some(map) => {
                let mut content = Sparse::new(Content(source, left), map.segments, map.size);
                walk.entry(&entry, &mut content, Damage::Fatal)?;
            }
        }
    }
    let left = end.checked_sub(source.at());
    source.skip(left.ok_or_else(|| malformed("a map leads out of its file", source))?)?;
    Ok(())
}

/// What is left of the content of an entry; that it ends too early is an error.
struct Content<'s, 'a>(&'s mut Source<'a>, u64);

impl Read for Content<'_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = usize::try_from(self.1).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..most).filter(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        let count = self.0.read(buffer)?;
        if count == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        self.1 -= count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
