//! Compressed streams: one entry `content`, whose size is known once it was read, and `rest` if something
//! else follows.
//!
//! gzip (RFC 1952, several members), xz (several streams), zstd (RFC 8878, several and skippable
//! frames), bzip2 (several streams), lz4. What gzip says of the file stands on the entry: its time,
//! and its name as `gzip.name`. The ratio of [`Limits`](crate::Limits) is watched all the way.

use crate::{
    Entry, EntryKind, Limits, UNKNOWN_SIZE, UnfoldError,
    codec::{XZ_MEMORY, ZSTD_WINDOW},
    lz4,
    numbers::{byte, le16, le32, until_zero},
    source::Source,
    walk::{Damage, Walk},
};
use std::{
    cell::Cell,
    io::{self, BufRead, Read},
};
use zlib_rs::{Inflate, InflateFlush, Status};

/// How a stream is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stream {
    Gzip,
    Xz,
    Zstd,
    Bzip2,
    Lz4,
}

pub(crate) fn walk(
    stream: Stream,
    source: &mut Source<'_>,
    walk: &mut Walk<'_>,
) -> Result<(), UnfoldError> {
    let mut entry = Entry::plain(b"content".to_vec(), EntryKind::File(UNKNOWN_SIZE));
    if stream == Stream::Gzip {
        gzip_header(source.fill_buf()?, &mut entry);
    }
    let (taken, trailing) = (Cell::new(0), Cell::new(false));
    let limits = *walk.limits;
    let counted = Counted { source: &mut *source, taken: &taken };
    let mut content = Bounded {
        decoder: Joined::new(stream, counted, &trailing),
        taken: &taken,
        given: 0,
        limits,
    };
    let rest = Entry::plain(b"rest".to_vec(), EntryKind::File(UNKNOWN_SIZE));
    if !walk.wants(&entry.path) && walk.wants(&rest.path) {
        io::copy(&mut content, &mut io::sink())?;
    }
    walk.entry(&entry, &mut content, Damage::Fatal)?;
    if trailing.get() {
        walk.entry(&rest, source, Damage::Fatal)?;
    }
    Ok(())
}

/// One compressed stream, with what comes after it still to be read.
enum Member<R: BufRead> {
    Gzip(Inflated<R>),
    Xz(Box<liblzma::bufread::XzDecoder<R>>),
    Zstd(zstd::stream::read::Decoder<'static, R>),
    Bzip2(bzip2::bufread::BzDecoder<R>),
    Lz4(lz4::Frames<R>),
}

impl<R: BufRead> Member<R> {
    fn new(stream: Stream, input: R) -> io::Result<Self> {
        Ok(match stream {
            Stream::Gzip => Self::Gzip(Inflated::gzip(input)),
            Stream::Xz => {
                let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, 0)?;
                Self::Xz(Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream)))
            }
            Stream::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?.single_frame();
                decoder.window_log_max(ZSTD_WINDOW)?;
                Self::Zstd(decoder)
            }
            Stream::Bzip2 => Self::Bzip2(bzip2::bufread::BzDecoder::new(input)),
            Stream::Lz4 => Self::Lz4(lz4::Frames::new(input)),
        })
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Gzip(decoder) => decoder.read(buffer),
            Self::Xz(decoder) => decoder.read(buffer),
            Self::Zstd(decoder) => decoder.read(buffer),
            Self::Bzip2(decoder) => decoder.read(buffer),
            Self::Lz4(decoder) => decoder.read(buffer),
        }
    }

    fn into_inner(self) -> R {
        match self {
            Self::Gzip(decoder) => decoder.input,
            Self::Xz(decoder) => decoder.into_inner(),
            Self::Zstd(decoder) => decoder.finish(),
            Self::Bzip2(decoder) => decoder.into_inner(),
            Self::Lz4(decoder) => decoder.into_inner(),
        }
    }
}

/// Streams of one kind one after the other, with zeros between them, as content.
struct Joined<'c, R: BufRead> {
    stream: Stream,
    member: Option<Member<R>>,
    input: Option<R>,
    begun: bool,
    trailing: &'c Cell<bool>,
}

impl<'c, R: BufRead> Joined<'c, R> {
    fn new(stream: Stream, input: R, trailing: &'c Cell<bool>) -> Self {
        Self { stream, member: None, input: Some(input), begun: false, trailing }
    }

    /// Goes to the next stream, if there is one.
    fn next(&mut self) -> io::Result<bool> {
        let Some(mut input) = self.input.take() else { return Ok(false) };
        loop {
            let held = input.fill_buf()?;
            let zeros = held.iter().take_while(|byte| **byte == 0).count();
            if held.is_empty() && self.begun {
                return Ok(false);
            }
            if zeros > 0 && self.begun {
                input.consume(zeros);
                continue;
            }
            if self.begun && !self.stream.starts(held) {
                self.trailing.set(true);
                return Ok(false);
            }
            self.begun = true;
            self.member = Some(Member::new(self.stream, input)?);
            return Ok(true);
        }
    }
}

impl<R: BufRead> Read for Joined<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            let Some(member) = &mut self.member else {
                if self.next()? {
                    continue;
                }
                return Ok(0);
            };
            let count = member.read(buffer)?;
            if count > 0 {
                return Ok(count);
            }
            self.input = self.member.take().map(Member::into_inner);
        }
        Ok(0)
    }
}

impl Stream {
    /// Whether these bytes, which may be few, can start one more stream.
    fn starts(self, held: &[u8]) -> bool {
        let skippable = matches!(held, [0x50..=0x5f, rest @ ..] if b"*M\x18".starts_with(rest.get(..3.min(rest.len())).unwrap_or_default()));
        let magic: &[u8] = match self {
            Self::Gzip => b"\x1f\x8b",
            Self::Xz => b"\xfd7zXZ",
            Self::Zstd if skippable => return true,
            Self::Zstd => b"\x28\xb5\x2f\xfd",
            Self::Bzip2 => b"BZh",
            Self::Lz4 => return false,
        };
        let count = magic.len().min(held.len());
        held.get(..count) == magic.get(..count)
    }
}

/// Time and name, if they are in what is buffered.
fn gzip_header(start: &[u8], entry: &mut Entry) {
    let flags = byte(start, 3);
    let time = le32(start, 4);
    entry.mtime = (time != 0).then_some(i64::from(time));
    let extra = if flags & 4 != 0 { 2 + usize::from(le16(start, 10)) } else { 0 };
    let name = start.get(10 + extra..).filter(|_| flags & 8 != 0);
    if let Some(name) = name.map(until_zero).filter(|name| name.len() <= 4096) {
        entry.xattrs.push((b"gzip.name".to_vec(), name.to_vec()));
    }
}

/// The compressed bytes, counted.
struct Counted<'c, 's, 'a> {
    source: &'s mut Source<'a>,
    taken: &'c Cell<u64>,
}

impl Read for Counted<'_, '_, '_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.taken.set(self.taken.get() + count as u64);
        Ok(count)
    }
}

impl BufRead for Counted<'_, '_, '_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.source.fill_buf()
    }

    fn consume(&mut self, count: usize) {
        self.taken.set(self.taken.get() + count as u64);
        self.source.consume(count);
    }
}

/// The content, as long as it stays in proportion.
struct Bounded<'c, R> {
    decoder: R,
    taken: &'c Cell<u64>,
    given: u64,
    limits: Limits,
}

impl<R: Read> Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.decoder.read(buffer)?;
        self.given = self.given.saturating_add(count as u64);
        let Limits { ratio, bytes, .. } = self.limits;
        if self.given > bytes / 256 && self.given / ratio.max(1) > self.taken.get() {
            let what = "bytes of content for each compressed byte";
            return Err(UnfoldError::Limit { what, limit: ratio }.into());
        }
        Ok(count)
    }
}

/// A deflate stream, in the form of gzip or alone.
pub(crate) struct Inflated<R> {
    input: R,
    inflate: Inflate,
    ended: bool,
}

impl<R: BufRead> Inflated<R> {
    /// One member of a gzip file.
    fn gzip(input: R) -> Self {
        // A header and its sums are read by the decoder: a window of 15 bits, and gzip.
        Self { input, inflate: Inflate::new(true, 31), ended: false }
    }

    /// A stream without header and sums.
    pub(crate) fn raw(input: R) -> Self {
        Self { input, inflate: Inflate::new(false, 15), ended: false }
    }
}

impl<R: BufRead> Read for Inflated<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.ended && !buffer.is_empty() {
            let held = self.input.fill_buf()?;
            let ends = held.is_empty();
            let (taken, given) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(held, buffer, InflateFlush::NoFlush);
            let taken = (self.inflate.total_in() - taken) as usize;
            let given = (self.inflate.total_out() - given) as usize;
            self.input.consume(taken);
            match status {
                Ok(Status::StreamEnd) => self.ended = true,
                Ok(_) if given == 0 && ends => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) if given == 0 && taken == 0 => return Err(damaged()),
                Ok(_) => {}
                Err(_) => return Err(damaged()),
            }
            if given > 0 {
                return Ok(given);
            }
        }
        Ok(0)
    }
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "deflate: the compressed data are damaged")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Format,
        testing::{SMALL, Seen, damaged, refused, walked},
        unfold,
    };
    use std::process::{Command, Stdio};

    fn through(program: &str, arguments: &[&str], content: &[u8]) -> Vec<u8> {
        let mut child = Command::new(program);
        child.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = child.spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let content = content.to_vec();
        let writer =
            std::thread::spawn(move || io::Write::write_all(&mut input, &content).unwrap());
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert!(output.status.success());
        output.stdout
    }

    fn sample() -> Vec<u8> {
        (0..60_000u32).flat_map(|number| (number * number).to_le_bytes()).collect()
    }

    #[test]
    fn gzip_of_the_host_is_read_member_by_member() {
        let content = sample();
        let one = through("gzip", &["-c"], &content);
        let mut two = [&one[..], &through("gzip", &["-1c"], b"more")].concat();
        let seen = walked(Format::Gzip, &two);
        assert!(seen.get("content").1 == [&content[..], b"more"].concat());
        two.extend_from_slice(&[0; 100]);
        assert!(walked(Format::Gzip, &two).unread.is_empty());
        two.extend_from_slice(b"what follows");
        let seen = walked(Format::Gzip, &two);
        assert_eq!((seen.paths().len(), seen.get("rest").1), (2, &b"what follows"[..]));
        let rest = crate::testing::only(Format::Gzip, &two, "rest").unwrap();
        assert_eq!((rest.paths().len(), rest.get("rest").1), (1, &b"what follows"[..]));
        assert_eq!(refused(Format::Gzip, &one[..one.len() - 9].to_vec()), "it ends too early");
        let mut bad = one;
        let sum = bad.len() - 8;
        bad[sum] ^= 1;
        assert!(refused(Format::Gzip, &bad).contains("the compressed data are damaged"));
    }

    #[test]
    fn names_and_times_of_gzip_are_told() {
        let packed = through("gzip", &["-nc"], b"x");
        let mut named = packed[..10].to_vec();
        (named[3], named[4]) = (8, 9);
        named.extend_from_slice(b"was\0");
        named.extend_from_slice(&packed[10..]);
        let seen = walked(Format::Gzip, &named);
        assert_eq!(seen.get("content").0.mtime, Some(9));
        assert_eq!(seen.facts("content")["gzip.name"], "was");
        assert_eq!(walked(Format::Gzip, &packed).get("content").0.mtime, None);
        damaged(Format::Gzip, &named);
    }

    #[test]
    fn all_kinds_are_read() {
        let content = sample();
        let mut xz = Vec::new();
        liblzma::read::XzEncoder::new(&content[..], 1).read_to_end(&mut xz).unwrap();
        let mut bzip2 = Vec::new();
        bzip2::read::BzEncoder::new(&content[..], bzip2::Compression::fast())
            .read_to_end(&mut bzip2)
            .unwrap();
        let zstd = zstd::encode_all(&content[..], 1).unwrap();
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..], &zstd].concat();
        for (format, packed) in
            [(Format::Xz, xz), (Format::Bzip2, bzip2), (Format::Zstd, skippable)]
        {
            assert_eq!(crate::recognise(&packed), Some(format));
            // Tools that join initramfs fill up to four bytes between them.
            let twice = [&packed[..], &[0; 3], &packed, &[0; 9]].concat();
            assert!(walked(format, &twice).get("content").1 == [&content[..], &content].concat());
            assert!(
                unfold(format, &packed[..packed.len() / 2].to_vec(), &SMALL, &mut Seen::default())
                    .is_err()
            );
            damaged(format, &packed[..packed.len().min(3000)]);
        }
    }

    #[test]
    fn a_bomb_is_stopped() {
        let zeros = vec![0; 8 << 20];
        let bomb = zstd::encode_all(&zeros[..], 19).unwrap();
        let limits = Limits { bytes: 64 << 20, ..SMALL };
        let error = unfold(Format::Zstd, &bomb, &limits, &mut Seen::default()).unwrap_err();
        let ratio = "it has more than 1100 bytes of content for each compressed byte";
        assert_eq!(error.to_string(), ratio);
        let gzip = through("gzip", &["-c"], &zeros);
        let seen = &mut Seen::default();
        assert!(unfold(Format::Gzip, &gzip, &limits, seen).is_ok());
        let error = refused(Format::Gzip, &gzip);
        assert_eq!(error, "it has more than 1048576 bytes of content");
    }
}
