//! Numbers at places of headers. Whoever asks has read that many bytes; past their end, all is zero.

use crate::{Bytes, UnfoldError};

fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let part = at.checked_add(N).and_then(|end| bytes.get(at..end));
    part.and_then(|part| part.try_into().ok()).unwrap_or([0; N])
}

pub(crate) fn byte(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or_default()
}

pub(crate) fn le16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array(bytes, at))
}

pub(crate) fn le32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array(bytes, at))
}

pub(crate) fn le64(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array(bytes, at))
}

pub(crate) fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes(array(bytes, at))
}

pub(crate) fn be64(bytes: &[u8], at: usize) -> u64 {
    u64::from_be_bytes(array(bytes, at))
}

/// The bytes up to the first zero.
pub(crate) fn until_zero(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    bytes.get(..end).unwrap_or_default()
}

/// Without the zeros and spaces at the end.
pub(crate) fn trimmed(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|byte| !matches!(byte, 0 | b' ')).map_or(0, |last| last + 1);
    bytes.get(..end).unwrap_or_default()
}

/// So many bytes from a place; only as many as there are take memory.
pub(crate) fn read(bytes: &dyn Bytes, offset: u64, count: usize) -> Result<Vec<u8>, UnfoldError> {
    if offset.checked_add(count as u64).is_none_or(|end| end > bytes.len()) {
        return Err(std::io::Error::from(std::io::ErrorKind::UnexpectedEof).into());
    }
    let mut read = vec![0; count];
    bytes.read_at(offset, &mut read)?;
    Ok(read)
}

/// A GUID as EFI writes it: the first three fields little-endian.
pub(crate) fn guid(bytes: &[u8], at: usize) -> String {
    let rest = be64(bytes, at + 8);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        le32(bytes, at),
        le16(bytes, at + 4),
        le16(bytes, at + 6),
        rest >> 48,
        rest & 0xffff_ffff_ffff
    )
}

/// A UUID in the order in which its bytes stand.
pub(crate) fn uuid(bytes: &[u8], at: usize) -> String {
    let (high, low) = (be64(bytes, at), be64(bytes, at + 8));
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// Text in UTF-16, up to the first zero; what is no text becomes the replacement character.
pub(crate) fn utf16(bytes: &[u8]) -> String {
    let units = bytes.chunks_exact(2).map(|unit| le16(unit, 0)).take_while(|unit| *unit != 0);
    char::decode_utf16(units).map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Seconds since 1970 of a day and time, proleptic Gregorian (Howard Hinnant's `days_from_civil`).
pub(crate) fn seconds(year: i64, month: u32, day: u32, clock: i64) -> i64 {
    let month = i64::from(month.clamp(1, 12));
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5;
    let of_year = of_year + i64::from(day.clamp(1, 31)) - 1;
    let day_of_era = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    (era * 146_097 + day_of_era - 719_468) * 86_400 + clock
}

/// A date and time of DOS; the zone is not known, and taken as UTC.
pub(crate) fn dos_time(date: u16, time: u16) -> Option<i64> {
    let (date, time) = (u32::from(date), i64::from(time));
    let clock = (time >> 11) * 3600 + (time >> 5 & 63) * 60 + (time & 31) * 2;
    let year = 1980 + i64::from(date >> 9);
    (date != 0).then(|| seconds(year, date >> 5 & 15, date & 31, clock))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_past_the_end_are_zero() {
        assert_eq!(
            (le32(&[1, 2, 3], 0), le16(&[1, 2, 3], 1), le64(&[], usize::MAX)),
            (0, 0x302, 0)
        );
    }

    #[test]
    fn guids_and_times_are_as_others_print_them() {
        let esp = [
            0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba, 0x4b, 0, 0xa0, 0xc9, 0x3e, 0xc9,
            0x3b,
        ];
        assert_eq!(guid(&esp, 0), "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
        assert_eq!(seconds(1970, 1, 1, 0), 0);
        assert_eq!(seconds(2000, 2, 29, 3600), 951_786_000);
    }
}
