//! Types of variables, as far as they say which field lies at which place.
//!
//! BTF and DWARF are both read into [`Types`]. What they refer to is not checked when it is read: a
//! question that meets a type that is not there, or goes too deep, has no answer.

use super::words::{hex, name, quoted};
use std::{cell::Cell, collections::HashMap};

/// Types of types of types.
pub(super) const DEEPEST: usize = 32;
/// How many members may be looked at in all: real structures have hundreds, hostile ones millions.
const WORK: usize = 1 << 26;
/// Fields of a variable that are compared one by one.
const FIELDS: usize = 1024;

/// All types of a file, by number, and the variables that have them.
#[derive(Debug, Default)]
pub(crate) struct Types<'a> {
    pub(super) types: Vec<Type<'a>>,
    pub(super) variables: HashMap<&'a [u8], usize>,
    /// Members that were looked at.
    pub(super) work: Cell<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type<'a> {
    /// Bytes.
    Number {
        size: u64,
        is_signed: bool,
        is_bool: bool,
    },
    Enumeration {
        size: u64,
        is_signed: bool,
        names: Vec<(&'a [u8], i64)>,
    },
    Pointer,
    /// A name or a qualifier of another type.
    Alias(usize),
    Array {
        of: usize,
        count: u64,
    },
    /// A structure or union.
    Compound {
        size: u64,
        members: Vec<Member<'a>>,
    },
    /// Something without fields.
    Other {
        size: u64,
    },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member<'a> {
    /// Empty for members without a name.
    pub(super) name: &'a [u8],
    /// Where it starts, in bits.
    pub(super) start: u64,
    /// In bits, if it is a bit field.
    pub(super) bits: Option<u64>,
    pub(super) of: usize,
}

/// The smallest thing that has a name at some place of a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    /// `[1].family`.
    pub(super) path: String,
    /// In the variable, in bits.
    pub(super) start: u64,
    pub(super) bits: u64,
    of: usize,
}

impl<'a> Types<'a> {
    fn get(&self, number: usize) -> Option<(usize, &Type<'a>)> {
        let mut number = number;
        for _ in 0..DEEPEST {
            match self.types.get(number)? {
                Type::Alias(of) => number = *of,
                other => return Some((number, other)),
            }
        }
        None
    }

    fn size(&self, number: usize, pointer: u64) -> Option<u64> {
        let (mut number, mut times) = (number, 1u64);
        for _ in 0..DEEPEST {
            let size = match self.get(number)?.1 {
                Type::Number { size, .. }
                | Type::Enumeration { size, .. }
                | Type::Compound { size, .. }
                | Type::Other { size } => *size,
                Type::Pointer => pointer,
                Type::Array { of, count } => {
                    (number, times) = (*of, times.checked_mul(*count)?);
                    continue;
                }
                Type::Alias(_) => return None,
            };
            return times.checked_mul(size);
        }
        None
    }

    /// Whether a variable has a type that is as large as it.
    pub(super) fn fits(&self, variable: &[u8], size: u64, pointer: u64) -> bool {
        let of = self.variables.get(variable);
        of.and_then(|of| self.size(*of, pointer)) == Some(size)
    }

    /// The field at a bit of a variable. `pointer` is the size of pointers in bytes.
    pub(super) fn field(&self, variable: &[u8], bit: u64, pointer: u64) -> Option<Field> {
        let mut at = *self.variables.get(variable)?;
        let (mut path, mut start) = (String::new(), 0u64);
        for _ in 0..DEEPEST {
            let (number, found) = self.get(at)?;
            let inside = bit.checked_sub(start)?;
            match found {
                Type::Array { of, .. } if !self.is_byte(*of) => {
                    let size = self.size(*of, pointer)?.checked_mul(8).filter(|size| *size > 0)?;
                    let index = inside / size;
                    path += &format!("[{index}]");
                    start = start.checked_add(index.checked_mul(size)?)?;
                    at = *of;
                }
                Type::Compound { members, .. } => {
                    let work = self.work.get().saturating_add(members.len());
                    self.work.set(work);
                    if work > WORK {
                        return None;
                    }
                    let member = members.iter().find(|member| {
                        let bits =
                            member.bits.or_else(|| self.size(member.of, pointer)?.checked_mul(8));
                        let end = bits.and_then(|bits| member.start.checked_add(bits));
                        member.start <= inside && end.is_some_and(|end| inside < end)
                    })?;
                    if !member.name.is_empty() {
                        path += &format!(".{}", name(member.name));
                    }
                    start = start.checked_add(member.start)?;
                    if let Some(bits) = member.bits {
                        return Some(Field { path, start, bits, of: member.of });
                    }
                    at = member.of;
                }
                _ => {
                    let bits = self.size(number, pointer)?.checked_mul(8)?;
                    return Some(Field { path, start, bits, of: number });
                }
            }
        }
        None
    }

    fn is_byte(&self, number: usize) -> bool {
        matches!(self.get(number), Some((_, Type::Number { size: 1, is_bool: false, .. })))
    }

    /// All fields of a variable in order; nothing if there are too many.
    pub(super) fn fields(&self, variable: &[u8], size: u64, pointer: u64) -> Option<Vec<Field>> {
        let end = size.checked_mul(8).filter(|_| self.fits(variable, size, pointer))?;
        let (mut bit, mut fields) = (0, Vec::new());
        let mut steps = 0;
        while bit < end {
            steps += 1;
            if steps > 2 * FIELDS {
                return None;
            }
            match self.field(variable, bit, pointer) {
                Some(field) => {
                    bit = field.start.checked_add(field.bits.max(1))?.max(bit + 1);
                    fields.push(field);
                }
                // Between fields.
                None if self.variables.contains_key(variable) => bit = (bit / 8 + 1) * 8,
                None => return None,
            }
            if bit > end {
                break;
            }
        }
        Some(fields)
    }

    /// Asks every variable for its fields, and gives how many types there are.
    pub(super) fn asked(&self) -> usize {
        for (variable, of) in &self.variables {
            let size = self.size(*of, 8).unwrap_or_default();
            let bytes = vec![0x41; usize::try_from(size.min(1 << 12)).unwrap_or_default()];
            for field in self.fields(variable, size, 8).into_iter().flatten() {
                self.shown(&field, &bytes, false);
            }
        }
        self.types.len()
    }

    /// What a field holds, in words.
    pub(super) fn shown(&self, field: &Field, bytes: &[u8], is_big: bool) -> Option<String> {
        let (from, to) = (field.start / 8, (field.start.checked_add(field.bits)?).div_ceil(8));
        let range = usize::try_from(from).ok()?..usize::try_from(to).ok()?;
        let own = bytes.get(range)?;
        let is_part = !field.start.is_multiple_of(8) || !field.bits.is_multiple_of(8);
        if own.len() > 8 || (is_part && is_big) {
            return Some(self.long(field, own));
        }
        let word = match is_big {
            true => own.iter().fold(0u64, |word, byte| word << 8 | u64::from(*byte)),
            false => own.iter().rev().fold(0u64, |word, byte| word << 8 | u64::from(*byte)),
        };
        let bits = field.bits.min(64) as u32;
        let mask = if bits == 64 { u64::MAX } else { (1 << bits) - 1 };
        let word = word >> (field.start % 8) & mask;
        let unused = 64 - bits.max(1);
        let signed = (word << unused).cast_signed() >> unused;
        Some(match self.get(field.of)?.1 {
            Type::Number { is_bool: true, .. } if word < 2 => (word == 1).to_string(),
            Type::Number { is_signed: true, .. } => signed.to_string(),
            Type::Number { .. } => word.to_string(),
            Type::Enumeration { is_signed, names, .. } => {
                let value = if *is_signed { signed } else { word.cast_signed() };
                match names.iter().find(|(_, own)| *own == value) {
                    Some((bytes, _)) => format!("{} ({value})", name(bytes)),
                    None => value.to_string(),
                }
            }
            Type::Pointer => format!("{word:#x}"),
            _ => self.long(field, own),
        })
    }

    fn long(&self, field: &Field, bytes: &[u8]) -> String {
        let is_array = matches!(self.get(field.of), Some((_, Type::Array { .. })));
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        let (text, rest) = bytes.split_at(end);
        let is_text =
            rest.iter().all(|byte| *byte == 0) && (text.is_empty() || super::texts::is_text(text));
        if is_array && is_text { quoted(text) } else { hex(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `struct { char name[4]; u8 family; u8 low : 3; u8 high : 5; short s; } reg[2]`
    fn types() -> Types<'static> {
        let number = |size, is_signed| Type::Number { size, is_signed, is_bool: false };
        let member =
            |name: &'static str, start, bits, of| Member { name: name.as_bytes(), start, bits, of };
        let members = vec![
            member("name", 0, None, 2),
            member("family", 32, None, 1),
            member("low", 40, Some(3), 1),
            member("high", 43, Some(5), 1),
            member("s", 48, None, 3),
        ];
        Types {
            types: vec![
                Type::Other { size: 0 },
                number(1, false),
                Type::Array { of: 1, count: 4 },
                number(2, true),
                Type::Compound { size: 8, members },
                Type::Array { of: 6, count: 2 },
                Type::Alias(4),
            ],
            variables: HashMap::from([(&b"reg"[..], 5)]),
            work: Cell::default(),
        }
    }

    #[test]
    fn a_place_is_a_field_with_its_path_and_value() {
        let types = types();
        let bytes = b"abc\0\x02\x0a\xfe\xff xy\0\x0a\x55\x00\x80";
        let told = |bit| {
            let field = types.field(b"reg", bit, 8).unwrap();
            let shown = types.shown(&field, bytes, false).unwrap();
            format!("reg{}: {shown}", field.path)
        };
        assert_eq!(told(0), "reg[0].name: \"abc\"");
        assert_eq!(told(32), "reg[0].family: 2");
        assert_eq!(told(40), "reg[0].low: 2");
        assert_eq!(told(44), "reg[0].high: 1");
        assert_eq!(told(48), "reg[0].s: -2");
        assert_eq!(told(64 + 32), "reg[1].family: 10");
        assert_eq!(types.fields(b"reg", 16, 8).unwrap().len(), 10);
        assert!(types.field(b"none", 0, 8).is_none());
    }

    #[test]
    fn types_that_run_in_circles_have_no_fields() {
        let array = Type::Array { of: 1, count: u64::MAX };
        let circle = Types {
            types: vec![Type::Alias(0), array],
            variables: HashMap::from([(&b"a"[..], 0), (&b"b"[..], 1)]),
            work: Cell::default(),
        };
        assert!(circle.field(b"a", 0, 8).is_none() && circle.field(b"b", 7, 8).is_none());
    }
}
