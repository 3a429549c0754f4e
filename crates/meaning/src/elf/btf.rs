//! BTF, the type data of Linux kernels, modules and BPF programs.
//!
//! ```text
//! magic 9f eb | version | flags | size of header | types at, length | texts at, length
//! type: name u32 | kind, count, flag u32 | size or type u32 | what the kind asks for
//! ```
//!
//! The types of a module continue those of its kernel: their numbers and the offsets of their texts
//! go on where those of the kernel end. Without the kernel's, such types have no meaning, and none
//! are read.
//!
//! Source: Linux 6.1, Documentation/bpf/btf.rst and include/uapi/linux/btf.h.

use super::types::{Member, Type, Types};

/// Why there are no types.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum BtfError {
    #[error("it does not begin as type data does")]
    Header,
    #[error("it ends in the middle of a type")]
    Cut,
    #[error("it has a kind of type that is not known: {0}")]
    Kind(u32),
    #[error("it continues the type data of a kernel, which is not here")]
    Split,
}

struct Part<'a> {
    types: &'a [u8],
    texts: &'a [u8],
    is_big: bool,
}

/// Reads types, with those that they continue if there are any.
pub(crate) fn read<'a>(own: &'a [u8], base: Option<&'a [u8]>) -> Result<Types<'a>, BtfError> {
    let mut types = Types { types: vec![Type::Other { size: 0 }], ..Types::default() };
    let mut texts = Vec::new();
    for part in base.into_iter().chain([own]) {
        let part = part_of(part)?;
        texts.push(part.texts);
        part.read(&texts, &mut types)?;
    }
    Ok(types)
}

fn part_of(bytes: &[u8]) -> Result<Part<'_>, BtfError> {
    let is_big = match bytes {
        [0x9f, 0xeb, ..] => false,
        [0xeb, 0x9f, ..] => true,
        _ => return Err(BtfError::Header),
    };
    let word = |at: usize| {
        let bytes = bytes.get(at..)?.first_chunk::<4>()?;
        let word = if is_big { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) };
        Some(word as usize)
    };
    let range = |at: usize| {
        let start = word(4)?.checked_add(word(at)?)?;
        bytes.get(start..start.checked_add(word(at + 4)?)?)
    };
    let (types, texts) = range(8).zip(range(16)).ok_or(BtfError::Header)?;
    Ok(Part { types, texts, is_big })
}

impl<'a> Part<'a> {
    fn word(&self, at: usize) -> Option<u32> {
        let bytes = self.types.get(at..)?.first_chunk::<4>()?;
        Some(if self.is_big { u32::from_be_bytes(*bytes) } else { u32::from_le_bytes(*bytes) })
    }

    fn read(&self, texts: &[&'a [u8]], types: &mut Types<'a>) -> Result<(), BtfError> {
        let mut at = 0;
        while at < self.types.len() {
            let word = |number: usize| self.word(at + 4 * number).ok_or(BtfError::Cut);
            let (name, info, size) = (word(0)?, word(1)?, word(2)?);
            let (kind, count) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
            let has_bits = info >> 31 == 1;
            let words = match kind {
                1 | 14 | 17 => 1,
                3 => 3,
                4 | 5 | 15 | 19 => 3 * count,
                6 | 13 => 2 * count,
                2 | 7..=12 | 16 | 18 => 0,
                _ => return Err(BtfError::Kind(kind)),
            };
            let name = text(texts, name)?;
            let end = at + 12 + 4 * words;
            if end > self.types.len() {
                return Err(BtfError::Cut);
            }
            let of = size as usize;
            let found = match kind {
                1 => {
                    let encoding = word(3)? >> 24;
                    let (is_signed, is_bool) = (encoding & 1 != 0, encoding & 4 != 0);
                    Type::Number { size: size.into(), is_signed, is_bool }
                }
                2 => Type::Pointer,
                3 => Type::Array { of: word(3)? as usize, count: word(5)?.into() },
                4 | 5 => {
                    let members = (0..count).map(|number| {
                        let first = 3 + 3 * number;
                        let place = word(first + 2)?;
                        let bits = (has_bits && place >> 24 != 0).then_some(u64::from(place >> 24));
                        let start = if has_bits { place & 0xff_ffff } else { place };
                        let name = text(texts, word(first)?)?;
                        let of = word(first + 1)? as usize;
                        Ok(Member { name, start: start.into(), bits, of })
                    });
                    let members = members.collect::<Result<_, BtfError>>()?;
                    Type::Compound { size: size.into(), members }
                }
                6 | 19 => {
                    let wide = usize::from(kind == 19);
                    let names = (0..count).map(|number| {
                        let first = 3 + (2 + wide) * number;
                        let low = word(first + 1)?;
                        let value = match (wide, has_bits) {
                            (1, _) => (u64::from(word(first + 2)?) << 32 | u64::from(low)) as i64,
                            (_, true) => i64::from(low.cast_signed()),
                            _ => i64::from(low),
                        };
                        Ok((text(texts, word(first)?)?, value))
                    });
                    let names = names.collect::<Result<_, BtfError>>()?;
                    Type::Enumeration { size: size.into(), is_signed: has_bits, names }
                }
                14 => {
                    types.variables.insert(name, of);
                    Type::Alias(of)
                }
                8..=11 | 18 => Type::Alias(of),
                16 => Type::Other { size: size.into() },
                _ => Type::Other { size: 0 },
            };
            types.types.push(found);
            at = end;
        }
        Ok(())
    }
}

/// A text by its offset, in all parts one after the other.
fn text<'a>(texts: &[&'a [u8]], offset: u32) -> Result<&'a [u8], BtfError> {
    let mut offset = offset as usize;
    for part in texts {
        if offset < part.len() {
            return Ok(super::binary::name_at(part, offset));
        }
        offset -= part.len();
    }
    if offset == 0 && texts.iter().all(|part| part.is_empty()) {
        return Ok(b"");
    }
    Err(BtfError::Split)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(types: &[u32], texts: &[u8]) -> Vec<u8> {
        let length = 4 * types.len() as u32;
        let header = [24, 0, length, length, texts.len() as u32];
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        bytes.extend(header.iter().chain(types).flat_map(|word| word.to_le_bytes()));
        bytes.extend(texts);
        bytes
    }

    const TEXTS: &[u8] = b"\0u8\0reg\0family\0";

    fn whole() -> Vec<u8> {
        let int = [1, 1 << 24, 1, 8];
        let compound = [0, 4 << 24 | 1, 1, 8, 1, 0];
        let array = [0, 3 << 24, 0, 2, 1, 2];
        let variable = [4, 14 << 24, 3, 0];
        data(&[&int[..], &compound, &array, &variable].concat(), TEXTS)
    }

    #[test]
    fn a_variable_has_its_fields() {
        let bytes = whole();
        let types = read(&bytes, None).unwrap();
        let field = types.field(b"reg", 8, 8).unwrap();
        assert_eq!(field.path, "[1].family");
        assert_eq!(types.shown(&field, &[2, 10], false).unwrap(), "10");
    }

    #[test]
    fn damage_is_named_and_the_types_of_a_module_need_the_kernels() {
        let bytes = whole();
        for length in 0..bytes.len() {
            assert!(read(&bytes[..length], None).is_err(), "{length}");
        }
        assert_eq!(read(b"nothing", None).err(), Some(BtfError::Header));
        let unknown = data(&[0, 30 << 24, 0], TEXTS);
        assert_eq!(read(&unknown, None).err(), Some(BtfError::Kind(30)));
        let base = data(&[1, 1 << 24, 1, 8], TEXTS);
        let after = TEXTS.len() as u32;
        let own = data(&[after + 1, 14 << 24, 1, 0], b"\0x\0");
        assert_eq!(read(&own, None).err(), Some(BtfError::Split));
        let types = read(&own, Some(&base)).unwrap();
        assert_eq!(types.field(b"x", 0, 8).unwrap().bits, 8);
    }
}
