//! rpm's database before 2020: a hash of Berkeley DB, whose values lie on chains of overflow pages
//! (Berkeley DB, dbinc/db_page.h describes pages). Read page by page, not by the hash.

use crate::unread::Unread;

/// The magic number of a hash.
const HASH: usize = 0x0006_1561;
/// Kinds of pages: hash, sorted hash.
const PAGES: [u8; 2] = [2, 13];
/// A value that is on overflow pages.
const OFF_PAGE: u8 = 3;
const HEADER: usize = 26;

/// The order of the bytes of numbers, which is that of the machine that wrote them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Little,
    Big,
}

impl Order {
    fn number(self, bytes: &[u8], at: usize, count: usize) -> Option<usize> {
        let part = bytes.get(at..at.checked_add(count)?)?;
        let add = |sum: usize, byte: &u8| sum << 8 | usize::from(*byte);
        Some(match self {
            Self::Little => part.iter().rev().fold(0, add),
            Self::Big => part.iter().fold(0, add),
        })
    }
}

/// The blobs of a database.
pub(super) fn blobs(bytes: &[u8]) -> Result<Vec<Vec<u8>>, Unread> {
    let cut = || Unread::Other("the database is damaged".into());
    let orders = [Order::Little, Order::Big];
    let order = orders.into_iter().find(|order| order.number(bytes, 12, 4) == Some(HASH));
    let order = order.ok_or_else(|| Unread::Other("it is no hash of Berkeley DB".into()))?;
    let size = order.number(bytes, 20, 4).filter(|size| (512..=65536).contains(size));
    let size = size.ok_or_else(cut)?;
    let (mut found, mut left) = (Vec::new(), bytes.len());
    for page in bytes.chunks_exact(size).skip(1) {
        if !page.get(25).is_some_and(|kind| PAGES.contains(kind)) {
            continue;
        }
        let count = order.number(page, 20, 2).ok_or_else(cut)?;
        // Keys and values alternate.
        for entry in (1..count).step_by(2) {
            let at = order.number(page, HEADER + entry * 2, 2).ok_or_else(cut)?;
            if page.get(at) != Some(&OFF_PAGE) {
                continue;
            }
            let first = order.number(page, at + 4, 4).ok_or_else(cut)?;
            let length = order.number(page, at + 8, 4).ok_or_else(cut)?;
            left = left.checked_sub(length).ok_or_else(cut)?;
            found.push(chain(bytes, size, order, first, length).ok_or_else(cut)?);
        }
    }
    Ok(found)
}

/// What lies on a chain of overflow pages.
fn chain(bytes: &[u8], size: usize, order: Order, first: usize, length: usize) -> Option<Vec<u8>> {
    let (mut data, mut next) = (Vec::new(), first);
    while data.len() < length {
        let start = next.checked_mul(size)?;
        let page = bytes.get(start..start.checked_add(size)?)?;
        let part = order.number(page, 22, 2).filter(|part| *part > 0)?;
        data.extend_from_slice(page.get(HEADER..HEADER.checked_add(part)?)?);
        next = order.number(page, 16, 4)?;
    }
    data.truncate(length);
    Some(data)
}
