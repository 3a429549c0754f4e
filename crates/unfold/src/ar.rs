//! `ar`: packages of Debian and static libraries, with GNU's and BSD's long names.
//!
//! A member is a header of 60 bytes and its content, padded to an even length. Sources: `ar(5)` of
//! FreeBSD, the GNU binutils manual ("ar"), `deb(5)`. A symbol index is no entry: how many symbols it
//! has is told on the top directory as `ar.index`. A thin archive has no contents.

use crate::{
    Entry, EntryKind, UnfoldError,
    numbers::{le32, trimmed},
    source::Source,
    walk::{Damage, Walk},
};
use std::io::Read;

const NAME: &str = "ar";
/// The most bytes of the table of long names, or of one name.
const MAX_NAMES: u64 = 16 << 20;

fn malformed(what: &str, source: &Source<'_>) -> UnfoldError {
    UnfoldError::malformed(NAME, what, source.at())
}

fn number(field: &[u8], radix: u32) -> Option<u64> {
    let text = std::str::from_utf8(trimmed(field)).ok()?;
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, radix).ok() }
}

pub(crate) fn walk(source: &mut Source<'_>, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    match source.block::<8>()?.as_ref() {
        Some(b"!<arch>\n") => {}
        Some(b"!<thin>\n") => {
            return Err(UnfoldError::unsupported(NAME, "an archive without contents"));
        }
        _ => return Err(malformed("it does not start with `!<arch>`", source)),
    }
    let mut names = Vec::new();
    while let Some(header) = source.block::<60>()? {
        let field = |start: usize, end: usize| header.get(start..end).unwrap_or_default();
        if field(58, 60) != b"`\n" {
            return Err(malformed("a header does not end with a backquote and a newline", source));
        }
        let size =
            number(field(48, 58), 10).ok_or_else(|| malformed("a size is no number", source))?;
        let padding = size % 2;
        let (raw, mut left) = (trimmed(field(0, 16)), size);
        let name = match raw {
            b"//" | b"ARFILENAMES/" => {
                if size > MAX_NAMES {
                    return Err(malformed("the table of names is too long", source));
                }
                names = source.vec(size as usize)?;
                source.skip(padding)?;
                continue;
            }
            b"/" => index(source, walk, Index::Gnu, &mut left)?,
            b"/SYM64/" => index(source, walk, Index::Gnu64, &mut left)?,
            b"__.SYMDEF" | b"__.SYMDEF SORTED" => index(source, walk, Index::Bsd, &mut left)?,
            [b'/', digits @ ..] => {
                let at = number(digits, 10).and_then(|at| usize::try_from(at).ok());
                let name = at.and_then(|at| names.get(at..)).filter(|name| !name.is_empty());
                let name =
                    name.and_then(|name| name.split(|byte| matches!(byte, b'\n' | 0)).next());
                let name =
                    name.ok_or_else(|| malformed("a long name is not in the table", source))?;
                Some(name.strip_suffix(b"/").unwrap_or(name).to_vec())
            }
            [b'#', b'1', b'/', digits @ ..] => {
                let length = number(digits, 10).filter(|length| *length <= size.min(4096));
                let length = length.ok_or_else(|| malformed("a long name is too long", source))?;
                left -= length;
                let name = source.vec(length as usize)?;
                let name = trimmed(&name).to_vec();
                match name.starts_with(b"__.SYMDEF") {
                    true => index(source, walk, Index::Bsd, &mut left)?,
                    false => Some(name),
                }
            }
            name => Some(name.strip_suffix(b"/").unwrap_or(name).to_vec()),
        };
        let end = source.at().checked_add(left).and_then(|end| end.checked_add(padding));
        let end = end.ok_or_else(|| malformed("a size is too large", source))?;
        if let Some(path) = name.and_then(|name| walk.path(&name)) {
            let bad = || malformed("a number of a header is damaged", source);
            let entry = Entry {
                mode: (number(field(40, 48), 8).ok_or_else(bad)? & 0o7777) as u32,
                uid: number(field(28, 34), 10).ok_or_else(bad)? as u32,
                gid: number(field(34, 40), 10).ok_or_else(bad)? as u32,
                mtime: i64::try_from(number(field(16, 28), 10).ok_or_else(bad)?).ok(),
                at: Some(source.at()),
                ..Entry::plain(path, EntryKind::File(left))
            };
            let mut content = source.by_ref().take(left);
            walk.entry(&entry, &mut Whole(&mut content), Damage::Fatal)?;
        }
        // The last byte of padding is often left out.
        match source.skip((end - source.at()).saturating_sub(padding)) {
            Ok(()) if padding == 1 => drop(source.block::<1>()?),
            other => other?,
        }
    }
    Ok(())
}

/// How a symbol index says how long it is.
#[derive(Clone, Copy)]
enum Index {
    /// A number of symbols, big-endian.
    Gnu,
    /// The same in 64 bits.
    Gnu64,
    /// The bytes of a table with eight for each symbol, little-endian.
    Bsd,
}

/// Tells of a symbol index, of which its length is read.
fn index(
    source: &mut Source<'_>,
    walk: &mut Walk<'_>,
    kind: Index,
    left: &mut u64,
) -> Result<Option<Vec<u8>>, UnfoldError> {
    let length = if let Index::Gnu64 = kind { 8 } else { 4 };
    let symbols = if *left < length {
        0
    } else {
        let field = source.vec(length as usize)?;
        *left -= length;
        match kind {
            Index::Bsd => u64::from(le32(&field, 0)) / 8,
            _ => field.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
        }
    };
    let mut top = Entry::plain(Vec::new(), EntryKind::Directory);
    top.fact("ar.index", format!("{symbols} symbols"));
    walk.bare(&top)?;
    Ok(None)
}

/// Content that is as long as it should be, or an error.
pub(crate) struct Whole<'a, R>(pub(crate) &'a mut std::io::Take<R>);

impl<R: Read> Read for Whole<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.read(buffer)?;
        if count == 0 && self.0.limit() > 0 && !buffer.is_empty() {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        Format,
        testing::{damaged, only, refused, text, walked},
    };

    fn member(name: &str, content: &[u8]) -> Vec<u8> {
        let mut out =
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 7, 1, 2, "100644", content.len());
        out.push_str(&String::from_utf8_lossy(content));
        if content.len() % 2 == 1 {
            out.push('\n');
        }
        out.into_bytes()
    }

    fn archive() -> Vec<u8> {
        let members = [
            member("/", b"\0\0\0\x02\0\0\0\x08\0\0\0\x08one\0two\0"),
            member("//", b"a-name-that-is-long.o/\nanother/\n"),
            member("debian-binary", b"2.0"),
            member("short.o/", b"even"),
            member("/0", b"1"),
            member("/23", b"2"),
            member("#1/20", b"a name of BSD\0\0\0\0\0\0\0x"),
            member("__.SYMDEF SORTED", b"\x18\0\0\0"),
            member("#1/12", b"__.SYMDEF\0\0\0\x08\0\0\0"),
            member("/SYM64/", b"\0\0\0\0\0\0\0\x09"),
        ];
        [&b"!<arch>\n"[..], &members.concat()].concat()
    }

    #[test]
    fn names_of_all_kinds_are_read() {
        let seen = walked(Format::Ar, &archive());
        let names =
            ["debian-binary", "short.o", "a-name-that-is-long.o", "another", "a name of BSD"];
        let paths = seen.paths();
        let members: Vec<_> = paths.iter().filter(|path| !path.is_empty()).collect();
        assert_eq!(members, names);
        let tops = seen.entries.iter().filter(|(entry, _)| entry.path.is_empty());
        let told: Vec<_> = tops.map(|(entry, _)| text(&entry.xattrs[0].1)).collect();
        assert_eq!(told, ["2 symbols", "3 symbols", "1 symbols", "9 symbols"]);
        let at = seen.get("another").0.at.unwrap() as usize;
        assert_eq!(archive()[at], b'2');
        let (entry, content) = seen.get("debian-binary");
        assert_eq!((content, entry.mode, entry.uid, entry.gid), (&b"2.0"[..], 0o644, 1, 2));
        assert_eq!(seen.get("a name of BSD").1, b"x");
        assert_eq!(only(Format::Ar, &archive(), "another").unwrap().get("another").1, b"2");
    }

    #[test]
    fn damage_is_named() {
        let bytes = archive();
        assert_eq!(refused(Format::Ar, &bytes[..100].to_vec()), "it ends too early");
        let thin = b"!<thin>\n".to_vec();
        assert_eq!(refused(Format::Ar, &thin), "ar: an archive without contents is not supported");
        let lost = [&b"!<arch>\n"[..], &member("/99", b"1")].concat();
        assert!(refused(Format::Ar, &lost).contains("a long name is not in the table"));
        damaged(Format::Ar, &bytes);
    }
}
