//! zip, jar, whl and their like, as the central directory at the end says.
//!
//! ```text
//! [local header, name, extra, content]* [central header, name, extra, comment]* end
//! ```
//!
//! Stored, deflate, bzip2, xz and zstd; zip64. Contents that overlap, as in bombs, are told and not
//! read. Sums are compared. Source: PKWARE's APPNOTE 6.3.10; fields of Info-ZIP for owners and times.

mod central;

use crate::{
    Bytes, Entry, EntryKind, UnfoldError, Window,
    compressed::Inflated,
    numbers::{le16, le32, read},
    source::Source,
    walk::{Damage, Walk},
};
use central::Central;
use std::{
    collections::BTreeMap,
    io::{self, Read},
};

const NAME: &str = "zip";
/// The longest target of a symlink.
const MAX_LINK: u64 = 64 << 10;

pub(crate) fn walk(bytes: &dyn Bytes, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    let directory = central::find(bytes)?;
    let part = Window::new(bytes, directory.start, directory.length);
    let part = part.ok_or_else(|| {
        UnfoldError::malformed(NAME, "the central directory is not all there", directory.start)
    })?;
    let mut source = Source::of_bytes(&part);
    let mut met = BTreeMap::new();
    for _ in 0..directory.entries {
        let entry = central::next(&mut source, directory.start)?;
        let Some(path) = walk.path(&entry.name) else { continue };
        one(bytes, walk, path, entry, &mut met, directory.shift)?;
    }
    Ok(())
}

fn one(
    bytes: &dyn Bytes,
    walk: &mut Walk<'_>,
    path: Vec<u8>,
    central: Central,
    met: &mut BTreeMap<u64, u64>,
    shift: u64,
) -> Result<(), UnfoldError> {
    let mut entry = Entry {
        mode: central
            .mode
            .map_or_else(|| Entry::plain(Vec::new(), EntryKind::Fifo).mode, |mode| mode & 0o7777),
        uid: central.uid,
        gid: central.gid,
        mtime: central.mtime,
        ..Entry::plain(path, EntryKind::File(central.size))
    };
    if central.is_directory() {
        entry.kind = EntryKind::Directory;
        entry.mode = central.mode.map_or(0o755, |mode| mode & 0o7777);
        return walk.bare(&entry);
    }
    let (mut start, problem) = match data(bytes, &central, shift, met) {
        Ok(start) => (start, None),
        Err(error) => (0, Some(error)),
    };
    let problem = problem.or_else(|| central.problem());
    if let Some(error) = problem {
        walk.count()?;
        return walk.flaw(&entry.path, error);
    }
    if start > bytes.len() {
        start = bytes.len();
    }
    let packed = Window::new(bytes, start, central.packed)
        .ok_or_else(|| UnfoldError::from(io::Error::from(io::ErrorKind::UnexpectedEof)));
    let packed = match packed {
        Ok(packed) => packed,
        Err(error) => {
            walk.count()?;
            return walk.flaw(&entry.path, error);
        }
    };
    let mut source = Source::of_bytes(&packed);
    let mut content = Content {
        decoder: decoder(central.method, &mut source)?,
        left: central.size,
        sum: crc32fast::Hasher::new(),
        expected: central.sum,
    };
    if central.size == 0
        && let Err(error) = content.check_end()
    {
        walk.count()?;
        return walk.flaw(&entry.path, error.into());
    }
    if central.is_symlink() {
        let mut target = Vec::new();
        if let Err(error) = (&mut content).take(MAX_LINK).read_to_end(&mut target) {
            walk.count()?;
            return walk.flaw(&entry.path, error.into());
        }
        entry.kind = EntryKind::Symlink(target);
        return walk.bare(&entry);
    }
    // Stored as it is.
    entry.at = (central.method == 0).then_some(start);
    walk.entry(&entry, &mut content, Damage::Local)
}

/// Where the content starts: behind the local header, whose name and extra field may differ.
fn data(
    bytes: &dyn Bytes,
    central: &Central,
    shift: u64,
    met: &mut BTreeMap<u64, u64>,
) -> Result<u64, UnfoldError> {
    let malformed = |what: &str| UnfoldError::malformed(NAME, what, central.offset);
    let at = central.offset.checked_add(shift).ok_or_else(|| malformed("a place is too large"))?;
    let local = read(bytes, at, 30)?;
    if le32(&local, 0) != 0x0403_4b50 {
        return Err(malformed("there is no local header"));
    }
    let name = u64::from(le16(&local, 26));
    if read(bytes, at + 30, name as usize)? != central.raw_name {
        return Err(malformed("its local header has another name"));
    }
    let start = at + 30 + name + u64::from(le16(&local, 28));
    let end = start.checked_add(central.packed).ok_or_else(|| malformed("a size is too large"))?;
    let before = met.range(..end).next_back();
    if before.is_some_and(|(_, before_end)| *before_end > at) {
        return Err(malformed("its content overlaps that of another entry"));
    }
    met.insert(at, end);
    Ok(start)
}

fn decoder<'a>(method: u16, source: &'a mut Source<'_>) -> Result<Box<dyn Read + 'a>, UnfoldError> {
    Ok(match method {
        0 => Box::new(source),
        8 => Box::new(Inflated::raw(source)),
        12 => Box::new(bzip2::bufread::BzDecoder::new(source)),
        93 => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(source)?;
            decoder.window_log_max(crate::codec::ZSTD_WINDOW)?;
            Box::new(decoder)
        }
        95 => {
            let memory = crate::codec::XZ_MEMORY;
            let stream = liblzma::stream::Stream::new_stream_decoder(memory, 0);
            let stream = stream.map_err(io::Error::from)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(source, stream))
        }
        method => return Err(central::unknown_method(method)),
    })
}

fn damaged(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("zip: {what}"))
}

/// Content as long as the directory says, with the sum that it says.
struct Content<R> {
    decoder: R,
    left: u64,
    sum: crc32fast::Hasher,
    expected: u32,
}

impl<R: Read> Read for Content<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let count = self.decoder.read(buffer)?;
        self.sum.update(buffer.get(..count).unwrap_or_default());
        let left = self.left.checked_sub(count as u64);
        self.left = left.ok_or_else(|| damaged("the content is longer than the directory says"))?;
        match (count, self.left) {
            (0, 1..) => return Err(io::ErrorKind::UnexpectedEof.into()),
            (1.., 0) => self.check_end()?,
            _ => {}
        }
        Ok(count)
    }
}

impl<R: Read> Content<R> {
    /// Once all was read: nothing follows, and the sum fits.
    fn check_end(&mut self) -> io::Result<()> {
        if self.decoder.read(&mut [0])? > 0 {
            return Err(damaged("the content is longer than the directory says"));
        }
        match self.sum.clone().finalize() == self.expected {
            true => Ok(()),
            false => Err(damaged("the sum of the content does not fit")),
        }
    }
}

#[cfg(test)]
mod tests;
