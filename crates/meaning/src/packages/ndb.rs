//! rpm's own database, which SUSE uses: slots at the front of `Packages.db`, blobs behind them in
//! blocks of 16 bytes (rpm, lib/backend/ndb/rpmpkg.c describes the layout).

use crate::unread::Unread;

const BLOCK: usize = 16;
const PAGE: usize = 4096;

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
}

/// The blobs of a database.
pub(super) fn blobs(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Unread> {
    let cut = || Unread::Other("the database is damaged".into());
    if !bytes.starts_with(b"RpmP") {
        return Err(Unread::Other("it is no database of rpm".into()));
    }
    let pages = word(bytes, 12).ok_or_else(cut)?;
    let end = pages.checked_mul(PAGE).filter(|end| *end <= bytes.len()).ok_or_else(cut)?;
    let (mut found, mut left) = (Vec::new(), bytes.len());
    // The header takes two slots.
    for slot in (32..end).step_by(BLOCK) {
        let (Some(index), Some(offset)) = (word(bytes, slot + 4), word(bytes, slot + 8)) else {
            break;
        };
        if bytes.get(slot..slot + 4) != Some(b"Slot") || index == 0 {
            continue;
        }
        let start = offset.checked_mul(BLOCK).ok_or_else(cut)?;
        let size = word(bytes, start.saturating_add(12)).ok_or_else(cut)?;
        if bytes.get(start..start + 4) != Some(b"BlbS") {
            return Err(cut());
        }
        left = left.checked_sub(size).ok_or_else(cut)?;
        let data = bytes.get(start + 16..).and_then(|rest| rest.get(..size)).ok_or_else(cut)?;
        found.push(data.to_vec());
    }
    Ok(found)
}
