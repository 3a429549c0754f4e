//! Disks: the partitions of GPT and MBR, each an entry whose content is that partition.
//!
//! A partition is called by its number and what it is labelled, or its type: `1-ESP`, `2-83`. What the
//! table says of it stands on the entry, what it says of the disk on the top directory; boot code in
//! the first sector is the entry `boot-code`.

pub(crate) mod gpt;
pub(crate) mod mbr;

use crate::{Bytes, Entry, EntryKind, UnfoldError, numbers, walk::Walk};

/// The name of a partition; what cannot stand in a path becomes `_`.
fn called(number: usize, label: &str) -> Vec<u8> {
    let plain = |char: char| if char == '/' || char.is_control() { '_' } else { char };
    let label: String = label.chars().map(plain).collect();
    format!("{number}-{label}").into_bytes()
}

/// The boot code of the first sector, if there is some.
fn boot_code(bytes: &dyn Bytes, walk: &mut Walk<'_>) -> Result<(), UnfoldError> {
    let code = numbers::read(bytes, 0, 440)?;
    if code.iter().any(|byte| *byte != 0) {
        let entry = Entry::plain(b"boot-code".to_vec(), EntryKind::File(440));
        walk.range(entry, bytes, 0, 440)?;
    }
    Ok(())
}
