//! Files with holes: GNU's old map in the header, and the maps of PAX in versions 0.0, 0.1 and 1.0.

use super::{MAX_EXTENSION, header::Header, header::number, malformed, pax::Records};
use crate::{UnfoldError, source::Source};
use std::io::{self, Read};

/// Where a stretch of stored bytes belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Segment {
    offset: u64,
    length: u64,
}

/// Where all stored bytes belong.
pub(super) struct Map {
    pub(super) segments: Vec<Segment>,
    /// How long the file is, holes and all.
    pub(super) size: u64,
    /// Whether the map stands before the content (1.0).
    pub(super) map_is_content: bool,
}

/// Segments as a header or a further block has them: pairs of numbers of 12 bytes.
fn pairs(field: &[u8], segments: &mut Vec<Segment>) -> Option<()> {
    for pair in field.chunks_exact(24) {
        let (offset, length) = pair.split_at(12);
        if offset.first() == Some(&0) || length.first() == Some(&0) {
            break;
        }
        let offset = u64::try_from(number(offset)?).ok()?;
        segments.push(Segment { offset, length: u64::try_from(number(length)?).ok()? });
    }
    Some(())
}

/// The map of an entry of kind `S`: four segments in the header, 21 in each block that follows.
pub(super) fn old(header: &Header, source: &mut Source<'_>) -> Result<Map, UnfoldError> {
    let mut segments = Vec::new();
    let bad = |source: &Source<'_>| malformed("the map of a sparse file is damaged", source);
    let size = number(header.part(483, 12)).and_then(|size| u64::try_from(size).ok());
    let size = size.ok_or_else(|| bad(source))?;
    pairs(header.part(386, 96), &mut segments).ok_or_else(|| bad(source))?;
    let mut more = header.part(482, 1) != [0];
    while more {
        let block: [u8; 512] =
            source.block()?.ok_or(io::ErrorKind::UnexpectedEof).map_err(io::Error::from)?;
        pairs(block.get(..504).unwrap_or_default(), &mut segments).ok_or_else(|| bad(source))?;
        more = block.get(504) != Some(&0);
        if segments.len() as u64 * 24 > MAX_EXTENSION {
            return Err(malformed("the map of a sparse file is too long", source));
        }
    }
    check(&segments, size).ok_or_else(|| bad(source))?;
    Ok(Map { segments, size, map_is_content: false })
}

/// Segments follow each other and stay inside the file.
fn check(segments: &[Segment], size: u64) -> Option<()> {
    let mut at = 0;
    for segment in segments {
        let end = segment.offset.checked_add(segment.length)?;
        if segment.offset < at || end > size {
            return None;
        }
        at = end;
    }
    Some(())
}

/// The map that PAX records have or announce.
pub(super) fn of_records(records: &Records) -> Result<Option<Map>, String> {
    let size = records.number("GNU.sparse.realsize")?.or(records.number("GNU.sparse.size")?);
    let Some(size) = size else { return Ok(None) };
    match (records.number("GNU.sparse.major")?, records.number("GNU.sparse.minor")?) {
        (Some(1), Some(0)) => {
            return Ok(Some(Map { segments: Vec::new(), size, map_is_content: true }));
        }
        (None, _) | (Some(0), _) => {}
        (Some(major), _) => return Err(format!("sparse files of version {major} are unknown")),
    }
    let number = |text: &[u8]| std::str::from_utf8(text).ok().and_then(|text| text.parse().ok());
    let mut numbers: Vec<u64> = Vec::new();
    for (key, value) in records.all() {
        match key {
            b"GNU.sparse.map" => {
                numbers = value.split(|byte| *byte == b',').filter_map(number).collect();
            }
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => numbers.extend(number(value)),
            _ => {}
        }
    }
    let pairs = numbers.chunks_exact(2);
    let segments: Vec<Segment> = pairs
        .filter_map(|pair| Some(Segment { offset: *pair.first()?, length: *pair.get(1)? }))
        .collect();
    check(&segments, size).ok_or("the map of a sparse file is damaged")?;
    Ok(Some(Map { segments, size, map_is_content: false }))
}

/// The map before the content: decimal lines, the number of segments first, up to a whole block.
pub(super) fn in_content(
    source: &mut Source<'_>,
    stored: u64,
) -> Result<Vec<Segment>, UnfoldError> {
    let start = source.at();
    let mut left = stored.min(MAX_EXTENSION);
    let mut line = || {
        let mut value: Option<u64> = None;
        loop {
            left = left
                .checked_sub(1)
                .ok_or_else(|| malformed("a sparse map does not end", source))?;
            match source.vec(1)?.first() {
                Some(b'\n') => break,
                Some(digit @ b'0'..=b'9') => {
                    let more = value.unwrap_or(0).checked_mul(10);
                    value = more.and_then(|value| value.checked_add(u64::from(digit - b'0')));
                }
                _ => return Err(malformed("the map of a sparse file is no number", source)),
            }
        }
        value.ok_or_else(|| malformed("the map of a sparse file is no number", source))
    };
    let count = line()?;
    let mut segments = Vec::new();
    for _ in 0..count {
        segments.push(Segment { offset: line()?, length: line()? });
    }
    let read = source.at() - start;
    source.skip((512 - read % 512) % 512)?;
    check(&segments, u64::MAX).ok_or_else(|| malformed("a sparse map is damaged", source))?;
    Ok(segments)
}

/// A file with its holes as zeros.
pub(super) struct Sparse<R> {
    stored: R,
    segments: std::vec::IntoIter<Segment>,
    current: Option<Segment>,
    at: u64,
    size: u64,
}

impl<R: Read> Sparse<R> {
    pub(super) fn new(stored: R, segments: Vec<Segment>, size: u64) -> Self {
        let mut segments = segments.into_iter();
        let current = segments.next();
        Self { stored, segments, current, at: 0, size }
    }
}

impl<R: Read> Read for Sparse<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_some_and(|segment| segment.offset + segment.length <= self.at) {
            self.current = self.segments.next();
        }
        let inside = self.current.filter(|segment| segment.offset <= self.at);
        let end = match (inside, self.current) {
            (Some(segment), _) => segment.offset + segment.length,
            (None, Some(next)) => next.offset,
            (None, None) => self.size,
        };
        let left = end.min(self.size).saturating_sub(self.at);
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        let Some(buffer) = buffer.get_mut(..most).filter(|buffer| !buffer.is_empty()) else {
            return Ok(0);
        };
        let count = if inside.is_some() {
            match self.stored.read(buffer)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => count,
            }
        } else {
            buffer.fill(0);
            most
        };
        self.at += count as u64;
        Ok(count)
    }
}
