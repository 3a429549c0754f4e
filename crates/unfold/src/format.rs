//! What something is, by bytes at their places, and who walks it.

use crate::{
    Bytes, UnfoldError, ar,
    compressed::{self, Stream},
    cpio,
    disk::{gpt, mbr},
    erofs, ext, fat, iso, linux, lz4, numbers, pe, qcow2,
    source::Source,
    squashfs, tar,
    walk::Walk,
    zip,
};

/// What can be walked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Format {
    /// gzip; one entry.
    Gzip,
    /// xz; one entry.
    Xz,
    /// Zstandard; one entry.
    Zstd,
    /// bzip2; one entry.
    Bzip2,
    /// LZ4 frames; one entry.
    Lz4,
    /// tar.
    Tar,
    /// cpio, and initramfs made of several.
    Cpio,
    /// ar, and so Debian packages and static libraries.
    Ar,
    /// zip, jar, whl.
    Zip,
    /// A PE program; its sections.
    Pe,
    /// A kernel image of Linux; its parts.
    Linux,
    /// A disk with a GUID partition table; its partitions.
    Gpt,
    /// A disk with a partition table of DOS; its partitions.
    Mbr,
    /// A qcow2 disk; one entry.
    Qcow2,
    /// A squashfs file system.
    Squashfs,
    /// An EROFS file system.
    Erofs,
    /// An ext2, ext3 or ext4 file system.
    Ext,
    /// A FAT file system.
    Fat,
    /// An ISO 9660 file system.
    Iso,
    /// Something with entries that is known and not read: its name. Walking it is an error.
    Unread(&'static str),
}

/// What is known by its first bytes.
const MAGIC: &[(&[u8], Format)] = &[
    (b"\x1f\x8b\x08", Format::Gzip),
    (b"\xfd7zXZ\0", Format::Xz),
    (b"\x28\xb5\x2f\xfd", Format::Zstd),
    (b"BZh", Format::Bzip2),
    (b"070701", Format::Cpio),
    (b"070702", Format::Cpio),
    (b"070707", Format::Cpio),
    (b"!<arch>\n", Format::Ar),
    (b"!<thin>\n", Format::Ar),
    (b"PK\x03\x04", Format::Zip),
    (b"PK\x05\x06", Format::Zip),
    (b"hsqs", Format::Squashfs),
    (b"sqsh", Format::Unread("big-endian squashfs")),
    (b"QFI\xfb", Format::Qcow2),
    (b"XFSB\0\0", Format::Unread("XFS")),
    (b"LUKS\xba\xbe", Format::Unread("LUKS")),
    (b"KDMV\x01\0\0\0", Format::Unread("VMDK")),
    (b"vhdxfile", Format::Unread("VHDX")),
    (b"conectix", Format::Unread("VHD")),
    (b"7z\xbc\xaf\x27\x1c", Format::Unread("7z")),
    (b"Rar!\x1a\x07", Format::Unread("RAR")),
    (b"MSCF\0\0\0\0", Format::Unread("cabinet")),
    (b"\xed\xab\xee\xdb", Format::Unread("RPM package")),
    (b"\x89LZO\0\r\n\x1a\n", Format::Unread("lzop")),
    (b"LZIP\x01", Format::Unread("lzip")),
];

/// What bytes that start so are, as far as the first 512 tell.
pub fn recognise_start(start: &[u8]) -> Option<Format> {
    let known = MAGIC.iter().find(|(magic, _)| start.starts_with(magic)).map(|(_, format)| *format);
    let skippable = numbers::le32(start, 0) >> 4 == 0x0184_d2a5;
    match known {
        Some(Format::Bzip2) if !matches!(start.get(4..8), Some(b"1AY&" | b"\x17rE8")) => None,
        Some(format) => Some(format),
        None if skippable && start.len() >= 8 => Some(Format::Zstd),
        None if lz4::is_frame(start) => Some(Format::Lz4),
        None if tar::is_header(start) => Some(Format::Tar),
        None => None,
    }
}

/// What bytes are, if it is something that can be walked.
pub fn recognise(bytes: &dyn Bytes) -> Option<Format> {
    let start = numbers::read(bytes, 0, bytes.len().min(512) as usize).ok()?;
    let has = |offset, magic: &[u8]| {
        numbers::read(bytes, offset, magic.len()).is_ok_and(|found| found == magic)
    };
    if let Some(format) = recognise_start(&start) {
        return Some(format);
    }
    Some(match () {
        _ if linux::is_image(bytes) => Format::Linux,
        _ if pe::header(bytes).is_some() => Format::Pe,
        // Disks that start by either way have both; their files are in the file system.
        _ if has(0x8001, b"CD001") => Format::Iso,
        _ if gpt::sector(bytes).is_some() => Format::Gpt,
        _ if has(1080, b"\x53\xef") && ext::is_plausible(bytes) => Format::Ext,
        _ if has(1024, &erofs::MAGIC.to_le_bytes()) => Format::Erofs,
        _ if has(0x10040, b"_BHRfS_M") => Format::Unread("btrfs"),
        _ if has(512, b"LABELONE") => Format::Unread("LVM"),
        _ if fat::is_boot_sector(&start) => Format::Fat,
        _ if mbr::is_table(&start, bytes.len()) => Format::Mbr,
        _ => return None,
    })
}

impl Format {
    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
            Self::Lz4 => "lz4",
            Self::Tar => "tar",
            Self::Cpio => "cpio",
            Self::Ar => "ar",
            Self::Zip => "zip",
            Self::Pe => "PE program",
            Self::Linux => "Linux kernel",
            Self::Gpt => "GPT",
            Self::Mbr => "MBR",
            Self::Qcow2 => "qcow2",
            Self::Squashfs => "squashfs",
            Self::Erofs => "EROFS",
            Self::Ext => "ext",
            Self::Fat => "FAT",
            Self::Iso => "ISO 9660",
            Self::Unread(name) => name,
        }
    }

    /// Whether it is one compressed stream, whose only entry is `content`.
    pub fn is_compression(self) -> bool {
        self.stream().is_some()
    }

    /// Whether it can be walked from front to back, with [`unfold_stream`](crate::unfold_stream).
    pub fn is_stream(self) -> bool {
        self.is_compression() || matches!(self, Self::Tar | Self::Cpio | Self::Ar)
    }

    fn stream(self) -> Option<Stream> {
        Some(match self {
            Self::Gzip => Stream::Gzip,
            Self::Xz => Stream::Xz,
            Self::Zstd => Stream::Zstd,
            Self::Bzip2 => Stream::Bzip2,
            Self::Lz4 => Stream::Lz4,
            _ => return None,
        })
    }

    pub(crate) fn walk(self, bytes: &dyn Bytes, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
        match self {
            Self::Zip => zip::walk(bytes, walk),
            Self::Pe => pe::walk(bytes, walk),
            Self::Linux => linux::walk(bytes, walk),
            Self::Gpt => gpt::walk(bytes, walk),
            Self::Mbr => mbr::walk(bytes, walk),
            Self::Qcow2 => qcow2::walk(bytes, walk),
            Self::Squashfs => squashfs::walk(bytes, walk),
            Self::Erofs => erofs::walk(bytes, walk),
            Self::Ext => ext::walk(bytes, walk),
            Self::Fat => fat::walk(bytes, walk),
            Self::Iso => iso::walk(bytes, walk),
            stream => stream.walk_stream(&mut Source::of_bytes(bytes), walk),
        }
    }

    pub(crate) fn walk_stream(
        self,
        source: &mut Source<'_>,
        walk: &mut Walk<'_>,
    ) -> Result<(), UnfoldError> {
        match (self, self.stream()) {
            (_, Some(stream)) => compressed::walk(stream, source, walk),
            (Self::Tar, _) => tar::walk(source, walk),
            (Self::Cpio, _) => cpio::walk(source, walk),
            (Self::Ar, _) => ar::walk(source, walk),
            (Self::Unread(name), _) => Err(UnfoldError::unsupported(name, "what is in it")),
            (other, _) => Err(UnfoldError::unsupported(other.name(), "reading it as a stream")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_nothing_known_is_not_recognised() {
        for bytes in [&b""[..], b"x", b"BZhello", b"PK", b"LZIP is", b"\x7fELF", &[0; 70_000]] {
            assert_eq!(recognise(&bytes.to_vec()), None);
        }
        assert_eq!(recognise(&b"XFSB\0\0\x10\0".to_vec()), Some(Format::Unread("XFS")));
    }
}
