//! The fields of Rock Ridge: two letters, a length, a version, and what they say.

use super::{Iso, both, malformed, record};
use crate::{EntryKind, UnfoldError, numbers::byte, numbers::read};

/// The most places in which the fields of one record go on, and bytes of a name or target.
const MAX_PLACES: usize = 64;
const MAX_TEXT: usize = 64 << 10;

/// What the fields of one record say.
#[derive(Debug, Default)]
pub(super) struct Rock {
    pub(super) name: Vec<u8>,
    /// With the kind.
    pub(super) mode: Option<u32>,
    pub(super) links: u64,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) mtime: Option<i64>,
    /// What it is, where that is more than a mode says.
    pub(super) kind: Option<EntryKind>,
    /// Where a directory was moved to.
    pub(super) child: Option<u32>,
    /// Whether this is such a directory, in the place where it stands only for others.
    pub(super) is_relocated: bool,
    pub(super) is_compressed: bool,
    target: Target,
    device: Option<(u32, u32)>,
}

/// The target of a symlink as it is put together.
#[derive(Debug, Default)]
struct Target {
    path: Vec<u8>,
    /// Whether the last name goes on in the next component.
    goes_on: bool,
}

impl Target {
    fn add(&mut self, mut components: &[u8]) {
        while components.len() >= 2 && self.path.len() < MAX_TEXT {
            let (flags, length) = (byte(components, 0), usize::from(byte(components, 1)));
            let text = components.get(2..2 + length).unwrap_or_default();
            components = components.get(2 + length..).unwrap_or_default();
            let text: &[u8] = match flags & 0xe {
                2 => b".",
                4 => b"..",
                8 => b"",
                _ => text,
            };
            let slash = !self.goes_on && !self.path.is_empty() && self.path != b"/";
            if slash || flags & 8 != 0 {
                self.path.push(b'/');
            }
            self.path.extend_from_slice(text);
            self.goes_on = flags & 1 != 0;
        }
    }
}

impl Iso<'_> {
    pub(super) fn rock_fields(&self, system: &[u8]) -> Result<Rock, UnfoldError> {
        let mut rock = Rock { links: 1, ..Rock::default() };
        let mut fields = system.to_vec();
        for _ in 0..MAX_PLACES {
            let Some((block, offset, length)) = rock.read(&fields) else {
                rock.finish();
                return Ok(rock);
            };
            if length > 64 << 10 || rock.name.len() > MAX_TEXT {
                return Err(malformed("the fields of a record are too long", self.place(block)));
            }
            self.work.spend(length as usize)?;
            fields = read(self.bytes, self.place(block) + u64::from(offset), length as usize)?;
        }
        Err(malformed("the fields of a record do not end", 0))
    }
}

impl Rock {
    /// Takes the fields that stand in one place; says where they go on.
    fn read(&mut self, mut fields: &[u8]) -> Option<(u32, u32, u32)> {
        let mut next = None;
        while fields.len() >= 4 {
            let length = usize::from(byte(fields, 2));
            let Some((field, rest)) = fields.split_at_checked(length).filter(|_| length >= 4)
            else {
                break;
            };
            fields = rest;
            let text = field.get(5..).unwrap_or_default();
            match field.get(..2) {
                Some(b"NM") if byte(field, 4) & 6 == 0 => self.name.extend_from_slice(text),
                Some(b"PX") if length >= 36 => {
                    self.mode = Some(both(field, 4));
                    self.links = both(field, 12).into();
                    (self.uid, self.gid) = (both(field, 20), both(field, 28));
                }
                Some(b"PN") if length >= 20 => {
                    self.device = Some((both(field, 4), both(field, 12)));
                }
                Some(b"SL") => self.target.add(text),
                Some(b"TF") => self.mtime = modified(byte(field, 4), text).or(self.mtime),
                Some(b"CL") if length >= 12 => self.child = Some(both(field, 4)),
                Some(b"RE") => self.is_relocated = true,
                Some(b"ZF") => self.is_compressed = true,
                Some(b"CE") if length >= 28 => {
                    next = Some((both(field, 4), both(field, 12), both(field, 20)));
                }
                Some(b"ST") => break,
                _ => {}
            }
        }
        next
    }

    fn finish(&mut self) {
        let packed = |(high, low): (u32, u32)| match high {
            // One number of 32 bits, or the parts in two.
            0 => crate::volume::device(low),
            high => (high, low),
        };
        self.kind = match self.mode.unwrap_or_default() & 0o170_000 {
            0o120_000 => Some(EntryKind::Symlink(std::mem::take(&mut self.target.path))),
            0o010_000 => Some(EntryKind::Fifo),
            0o140_000 => Some(EntryKind::Socket),
            0o020_000 => {
                let (major, minor) = packed(self.device.unwrap_or_default());
                Some(EntryKind::CharacterDevice(major, minor))
            }
            0o060_000 => {
                let (major, minor) = packed(self.device.unwrap_or_default());
                Some(EntryKind::BlockDevice(major, minor))
            }
            _ => None,
        };
    }
}

/// The time of the last change among those that a field lists: it is the second.
fn modified(flags: u8, times: &[u8]) -> Option<i64> {
    let at = usize::from(flags & 1);
    if flags & 2 == 0 {
        return None;
    }
    if flags & 0x80 == 0 {
        return record::time(times.get(at * 7..at * 7 + 7)?);
    }
    // Seventeen bytes: digits of the date and time, and the zone.
    let field = times.get(at * 17..at * 17 + 17)?;
    let digits = std::str::from_utf8(field.get(..16)?).ok()?;
    let number = |start: usize, end: usize| digits.get(start..end)?.parse::<i64>().ok();
    let clock = number(8, 10)? * 3600 + number(10, 12)? * 60 + number(12, 14)?;
    let (month, day) = (number(4, 6)? as u32, number(6, 8)? as u32);
    let zone = i64::from(byte(field, 16) as i8) * 15 * 60;
    Some(crate::numbers::seconds(number(0, 4)?, month, day, clock) - zone)
}
