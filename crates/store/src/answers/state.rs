//! What `stat` says of names in a directory, as one digest.

use crate::snapshot::Stamp;
use groundup_digest::{BlobId, DecodeError, Reader, Writer};
use rustix::fs::{self, AtFlags, Mode, OFlags, Stat};

/// One directory of an answer's basis.
pub(super) struct Directory<'a> {
    path: &'a [u8],
    listing: bool,
    states: [u8; 32],
    names: &'a [u8],
}

impl<'a> Directory<'a> {
    pub(super) fn write(
        writer: &mut Writer,
        path: &[u8],
        listing: bool,
        states: &[u8; 32],
        names: &[u8],
    ) {
        writer.bytes(path).u8(u8::from(listing)).digest(states).bytes(names);
    }

    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let (path, listing) = (reader.bytes()?, reader.u8()? == 1);
        Ok(Self { path, listing, states: reader.digest()?, names: reader.bytes()? })
    }

    pub(super) fn is_unchanged(&self) -> bool {
        Seen::look(self.path, self.listing, self.names).states == self.states
    }
}

/// What `stat` said.
pub(super) struct Seen {
    /// Digest of all of it.
    pub(super) states: [u8; 32],
    /// Of all stamps, the one with the latest change.
    pub(super) newest: Option<Stamp>,
    /// Whether a name is of nothing.
    pub(super) lacks_some: bool,
}

impl Seen {
    /// Looks at a directory's own state, if `listing`, and that of each name in it.
    pub(super) fn look(path: &[u8], listing: bool, names: &[u8]) -> Self {
        let mut bytes = Vec::with_capacity(64 + names.len() * 6);
        let (mut newest, mut lacks_some) = (None, false);
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if let Ok(dir) = fs::open(path, flags, Mode::empty()) {
            bytes.push(1);
            if listing {
                add(&mut bytes, &mut newest, fs::fstat(&dir).ok());
            }
            for name in names.split_inclusive(|byte| *byte == 0) {
                let name = std::ffi::CStr::from_bytes_with_nul(name);
                let stat = name
                    .ok()
                    .and_then(|name| fs::statat(&dir, name, AtFlags::SYMLINK_NOFOLLOW).ok());
                lacks_some |= stat.is_none();
                add(&mut bytes, &mut newest, stat);
            }
        } else {
            lacks_some = !names.is_empty();
        }
        Self { states: *BlobId::of(&bytes).as_bytes(), newest, lacks_some }
    }
}

/// Adds one state: a zero byte if nothing is there, else mode, place, size and times.
#[allow(
    clippy::unnecessary_cast,
    clippy::useless_conversion,
    reason = "the width of the mode differs between architectures"
)]
fn add(bytes: &mut Vec<u8>, newest: &mut Option<Stamp>, stat: Option<Stat>) {
    let Some(stat) = stat else {
        bytes.push(0);
        return;
    };
    let stamp = Stamp::of(&stat);
    bytes.push(1);
    bytes.extend((stat.st_mode as u32).to_le_bytes());
    for number in [stamp.device, stamp.inode, stamp.size] {
        bytes.extend(number.to_le_bytes());
    }
    for (seconds, nanoseconds) in [stamp.modified, stamp.changed] {
        bytes.extend(seconds.to_le_bytes());
        bytes.extend(nanoseconds.to_le_bytes());
    }
    let latest = |stamp: &Stamp| stamp.changed.max(stamp.modified);
    if newest.as_ref().is_none_or(|newest| latest(newest) < latest(&stamp)) {
        *newest = Some(stamp);
    }
}
