//! Blocks that are compressed one by one, as file systems and disks have them.

use crate::lz4;
use std::{cell::RefCell, io::Read};
use zlib_rs::{Inflate, InflateFlush, Status};

/// What xz may take of memory; Linux's own decoder takes no dictionary larger than 1 MiB.
pub(crate) const XZ_MEMORY: u64 = 160 << 20;
/// The window of zstd, as the power of two; its own tools take no larger one unasked.
pub(crate) const ZSTD_WINDOW: u32 = 27;

/// How blocks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Zlib,
    Deflate,
    Xz,
    Zstd,
    Lz4,
}

/// What may be in a block beyond what is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Beyond {
    /// Nothing.
    Refused,
    /// More, which is left.
    Left,
}

/// A decoder that is used for many blocks.
pub(crate) struct Codec {
    method: Method,
    inflate: RefCell<Option<Inflate>>,
    zstd: RefCell<Option<zstd::bulk::Decompressor<'static>>>,
}

impl Codec {
    pub(crate) fn new(method: Method) -> Self {
        Self { method, inflate: RefCell::new(None), zstd: RefCell::new(None) }
    }

    /// What a block holds, at most `most` bytes; nothing if it is damaged or holds more.
    pub(crate) fn block(&self, packed: &[u8], most: usize, beyond: Beyond) -> Option<Vec<u8>> {
        match self.method {
            Method::Zlib => self.inflated(packed, most, true, beyond),
            Method::Deflate => self.inflated(packed, most, false, beyond),
            Method::Xz => unpacked_xz(packed, most),
            Method::Zstd if beyond == Beyond::Left => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(packed).ok()?;
                decoder.window_log_max(ZSTD_WINDOW).ok()?;
                let mut out = Vec::new();
                decoder.single_frame().take(most as u64).read_to_end(&mut out).ok()?;
                Some(out)
            }
            Method::Zstd => {
                let mut kept = self.zstd.borrow_mut();
                let decoder = match &mut *kept {
                    Some(decoder) => decoder,
                    empty => empty.insert(zstd::bulk::Decompressor::new().ok()?),
                };
                decoder.decompress(packed, most).ok()
            }
            Method::Lz4 => {
                let mut out = Vec::with_capacity(most);
                match lz4::partial(packed, &mut out, most)? {
                    false if beyond == Beyond::Refused => None,
                    _ => Some(out),
                }
            }
        }
    }

    fn inflated(&self, packed: &[u8], most: usize, zlib: bool, beyond: Beyond) -> Option<Vec<u8>> {
        let mut kept = self.inflate.borrow_mut();
        let inflate = match &mut *kept {
            Some(inflate) => {
                inflate.reset(zlib);
                inflate
            }
            empty => empty.insert(Inflate::new(zlib, 15)),
        };
        let mut out = vec![0; most];
        let status = inflate.decompress(packed, &mut out, InflateFlush::Finish);
        let count = usize::try_from(inflate.total_out()).ok()?;
        match status {
            Ok(Status::StreamEnd) => {}
            Ok(_) if beyond == Beyond::Left && count == most => {}
            _ => return None,
        }
        out.truncate(count);
        Some(out)
    }
}

fn unpacked_xz(packed: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut stream = liblzma::stream::Stream::new_stream_decoder(XZ_MEMORY, 0).ok()?;
    let mut out = Vec::with_capacity(most);
    match stream.process_vec(packed, &mut out, liblzma::stream::Action::Finish).ok()? {
        liblzma::stream::Status::StreamEnd if out.len() <= most => Some(out),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_as_long_as_they_may_be() {
        let content = b"content ".repeat(100);
        let zstd = zstd::encode_all(&content[..], 3).unwrap();
        let mut xz = Vec::new();
        liblzma::read::XzEncoder::new(&content[..], 6).read_to_end(&mut xz).unwrap();
        for (method, packed) in [(Method::Zstd, zstd), (Method::Xz, xz)] {
            let codec = Codec::new(method);
            for _ in 0..2 {
                assert_eq!(codec.block(&packed, 800, Beyond::Refused).as_ref(), Some(&content));
                assert_eq!(codec.block(&packed, 799, Beyond::Refused), None);
                assert_eq!(codec.block(&packed[..9], 800, Beyond::Refused), None);
            }
        }
        // One stored block with an Adler sum around it.
        let zlib = [0x78, 1, 1, 3, 0, 0xfc, 0xff, b'a', b'b', b'c', 0x02, 0x4d, 0x01, 0x27];
        let codec = Codec::new(Method::Zlib);
        assert_eq!(codec.block(&zlib, 9, Beyond::Refused).as_deref(), Some(&b"abc"[..]));
        assert_eq!(codec.block(&zlib, 2, Beyond::Refused), None);
        assert_eq!(codec.block(&zlib, 2, Beyond::Left).as_deref(), Some(&b"ab"[..]));
        assert_eq!(
            Codec::new(Method::Deflate).block(&zlib[2..], 9, Beyond::Refused).unwrap(),
            b"abc"
        );
    }
}
