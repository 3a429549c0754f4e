//! Compressed streams: one entry `content`, whose size is known once it was read.
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
    let counted = Counted { source, taken: &taken };
    let decoder = decoder(stream, counted, &trailing)?;
    let mut content = Bounded { decoder, taken: &taken, given: 0, limits };
    walk.entry(&entry, &mut content, Damage::Fatal)?;
    if trailing.get() {
        walk.unread(b"", "what follows the compressed content is not read");
    }
    Ok(())
}

fn decoder<'a, R: BufRead + 'a>(
    stream: Stream,
    input: R,
    trailing: &'a Cell<bool>,
) -> Result<Box<dyn Read + 'a>, UnfoldError> {
    Ok(match stream {
        Stream::Gzip => Box::new(Members { input, inflate: None, begun: false, trailing }),
        Stream::Xz => {
            let flags = liblzma::stream::CONCATENATED;
            let stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, flags);
            let stream = stream.map_err(io::Error::from)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(input, stream))
        }
        Stream::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
            decoder.window_log_max(ZSTD_WINDOW)?;
            Box::new(decoder)
        }
        Stream::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(input)),
        Stream::Lz4 => Box::new(lz4::Frames::new(input)),
    })
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

/// The members of a gzip file, one after the other.
struct Members<'c, R> {
    input: R,
    inflate: Option<Inflate>,
    begun: bool,
    trailing: &'c Cell<bool>,
}

impl<R: BufRead> Read for Members<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !buffer.is_empty() {
            let held = self.input.fill_buf()?;
            let ends = held.is_empty();
            let inflate = match &mut self.inflate {
                Some(inflate) => inflate,
                None if ends => return Ok(0),
                None if self.begun && byte(held, 0) != 0x1f => {
                    // Tapes are filled up with zeros.
                    let zeros = held.iter().take_while(|byte| **byte == 0).count();
                    if zeros == 0 {
                        self.trailing.set(true);
                        return Ok(0);
                    }
                    self.input.consume(zeros);
                    continue;
                }
                // A header and its sums are read by the decoder: a window of 15 bits, and gzip.
                None => self.inflate.insert(Inflate::new(true, 31)),
            };
            self.begun = true;
            let (taken, given) = (inflate.total_in(), inflate.total_out());
            let status = inflate.decompress(held, buffer, InflateFlush::NoFlush);
            let taken = (inflate.total_in() - taken) as usize;
            let given = (inflate.total_out() - given) as usize;
            self.input.consume(taken);
            match status {
                Ok(Status::StreamEnd) => self.inflate = None,
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
    io::Error::new(io::ErrorKind::InvalidData, "gzip: the compressed data are damaged")
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
        two.extend_from_slice(b"rest");
        assert_eq!(walked(Format::Gzip, &two).unread.len(), 1);
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
            let twice = [&packed[..], &packed].concat();
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
