//! Archives and images of others.

use crate::{input::Input, tar::with_checksums};
use groundup_unfold::{
    Entry, EntryKind, Format, Limits, Sink, UNKNOWN_SIZE, recognise, unfold, unfold_only,
    unfold_stream,
};
use std::io::{self, Read};

const LIMITS: Limits = Limits { entries: 300, bytes: 1 << 20, ratio: 1100, path: 1024, depth: 24 };

/// What the first byte of an input chooses, one more than the place in here; 0 lets the bytes tell.
const FORMATS: &[Format] = &[
    Format::Gzip,
    Format::Xz,
    Format::Zstd,
    Format::Bzip2,
    Format::Lz4,
    Format::Tar,
    Format::Cpio,
    Format::Ar,
    Format::Zip,
    Format::Pe,
    Format::Linux,
    Format::Gpt,
    Format::Mbr,
    Format::Qcow2,
    Format::Squashfs,
    Format::Erofs,
    Format::Ext,
    Format::Fat,
    Format::Iso,
];

/// In the first byte: the rest is an image with its zeros left out ([`spread`]), or a tar whose
/// checksums are to fit.
const SPREAD: u8 = 0x80;
const CHECKSUMS: u8 = 0x40;

/// All that a walk gives, checked.
#[derive(Default)]
struct Taken {
    entries: Vec<(Entry, Vec<u8>)>,
    unread: usize,
}

impl Sink for Taken {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        check(entry);
        let mut read = Vec::new();
        content.read_to_end(&mut read)?;
        match entry.kind {
            EntryKind::File(size) if size != UNKNOWN_SIZE => {
                assert_eq!(read.len() as u64, size, "content is as long as it is said to be");
            }
            EntryKind::File(_) => {}
            _ => assert!(read.is_empty(), "only files have content"),
        }
        self.entries.push((entry.clone(), read));
        Ok(())
    }

    fn unread(&mut self, _: &[u8], why: &str) {
        assert!(!why.is_empty());
        self.unread += 1;
    }
}

fn check(entry: &Entry) {
    assert_eq!(entry.mode & !0o7777, 0);
    assert!(entry.path.len() <= LIMITS.path);
    let mut names = entry.path.split(|byte| *byte == b'/');
    let plain = |name: &[u8]| !matches!(name, b"" | b"." | b"..") && !name.contains(&0);
    assert!(entry.path.is_empty() || names.all(plain), "paths are plain");
    assert!(entry.xattrs.is_sorted());
}

/// The image of a size (in 512 bytes) with parts at places (in 64 bytes): all numbers of two bytes,
/// each part behind its length.
pub fn spread(data: &[u8]) -> Vec<u8> {
    let mut input = Input(data);
    let number = |input: &mut Input<'_>| usize::from(input.byte()) | usize::from(input.byte()) << 8;
    let mut image = vec![0; number(&mut input).min(2048) * 512];
    while !input.is_empty() {
        let at = number(&mut input) * 64;
        let part = input.part();
        if let Some(place) = image.get_mut(at..at + part.len()) {
            place.copy_from_slice(part);
        }
    }
    image
}

/// Walks the bytes, and asks for one entry of them again.
pub(crate) fn walked(data: &[u8]) {
    let (variant, rest) = Input::split(data);
    let bytes = match variant {
        variant if variant & SPREAD != 0 => spread(rest),
        variant if variant & CHECKSUMS != 0 => with_checksums(rest),
        _ => rest.to_vec(),
    };
    let chosen = usize::from(variant & 0x1f).checked_sub(1).and_then(|at| FORMATS.get(at).copied());
    let Some(format) = chosen.or_else(|| recognise(&bytes)) else { return };
    let mut taken = Taken::default();
    let whole = unfold(format, &bytes, &LIMITS, &mut taken);
    if format.is_stream() {
        let mut streamed = Taken::default();
        let again = unfold_stream(format, &mut &bytes[..], &LIMITS, &mut streamed);
        assert_eq!(again.is_ok(), whole.is_ok(), "a stream is read as bytes are");
        assert!(streamed.entries == taken.entries);
    }
    if whole.is_err() {
        return;
    }
    let mut files =
        taken.entries.iter().rev().filter(|(entry, _)| matches!(entry.kind, EntryKind::File(_)));
    let Some((entry, content)) = files.next() else { return };
    let (mut again, paths) = (Taken::default(), [entry.path.clone()].into());
    let found = unfold_only(format, &bytes, &LIMITS, &paths, &mut again);
    assert!(found.is_ok(), "one entry is found where all were");
    let same =
        again.entries.iter().any(|(other, again)| other.path == entry.path && again == content);
    assert!(same, "one entry is what it was among all");
    assert!(again.entries.iter().all(|(other, _)| other.path == entry.path));
}
