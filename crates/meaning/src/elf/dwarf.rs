//! Types of variables out of DWARF, as `cc -g` writes it.
//!
//! Only what says which field lies where is read: variables of files, structures, arrays, numbers,
//! enumerations. Of files that are not yet linked, offsets into other sections stand in relocations.
//!
//! Source: DWARF 5, chapters 5 (types) and 7 (encoding); DWARF 4 for its units.

use super::{
    abbreviations::{Attribute, Table, Tables},
    binary::{Binary, Destination, Relocation, name_at},
    types::{DEEPEST, Member, Type, Types},
};

/// Larger debug information is not read: it would take more memory than comparing the file.
const LARGEST: usize = 16 << 20;
/// Attributes of a file: hostile ones take no bytes.
const ATTRIBUTES: usize = 1 << 26;

/// Reads types; nothing if there is no debug information that can be read.
pub(super) fn read<'a>(binary: &Binary<'a>) -> Option<Types<'a>> {
    let info = binary.section(b".debug_info")?;
    if info.data.len() > LARGEST || info.flags & object::elf::SHF_COMPRESSED.0 != 0 {
        return None;
    }
    let data = |name: &[u8]| binary.section(name).map(|one| one.data).unwrap_or_default();
    let mut reader = Reader {
        binary,
        info: info.data,
        relocations: &info.relocations,
        texts: data(b".debug_str"),
        lines: data(b".debug_line_str"),
        offsets: data(b".debug_str_offsets"),
        found: Types { types: vec![Type::Other { size: 0 }], ..Types::default() },
        places: Vec::new(),
        variables: Vec::new(),
        left: ATTRIBUTES,
    };
    let mut tables = Tables::of(data(b".debug_abbrev"));
    let mut at = 0;
    // What is damaged ends the walk; what was read before it counts.
    while let Some(end) = reader.unit(at, &mut tables) {
        at = end;
    }
    Some(reader.finished())
}

/// A variable as it is declared or defined: where, name, type, and what it is a definition of.
type Variable<'a> = (u64, Option<&'a [u8]>, Option<u64>, Option<u64>);

struct Reader<'a, 'b> {
    binary: &'b Binary<'a>,
    info: &'a [u8],
    relocations: &'b [Relocation<'a>],
    texts: &'a [u8],
    lines: &'a [u8],
    offsets: &'a [u8],
    /// Until the end, types name others by their places in the section.
    found: Types<'a>,
    /// Where each type stands, in order, and its number.
    places: Vec<(u64, usize)>,
    variables: Vec<Variable<'a>>,
    /// Attributes that may still be read.
    left: usize,
}

/// How a unit writes values.
#[derive(Debug, Clone, Copy, Default)]
struct Form {
    start: u64,
    version: u64,
    /// Of offsets and of addresses, in bytes.
    offset: usize,
    address: usize,
    /// Where its texts by number start.
    texts: u64,
}

#[derive(Debug, Clone, Copy)]
enum Value<'a> {
    Number(u64),
    Text(&'a [u8]),
    /// A place in the section.
    Place(u64),
    Block(&'a [u8]),
    Other,
}

/// What is asked of an entry.
#[derive(Debug, Default, Clone, Copy)]
struct Entry<'a> {
    name: Option<&'a [u8]>,
    size: Option<u64>,
    of: Option<u64>,
    specification: Option<u64>,
    encoding: u64,
    bits: Option<u64>,
    bit_offset: Option<u64>,
    data_bit_offset: Option<u64>,
    location: u64,
    upper: Option<u64>,
    count: Option<u64>,
    constant: u64,
    texts: Option<u64>,
}

impl<'a> Reader<'a, '_> {
    fn number(&self, at: &mut usize, width: usize) -> Option<u64> {
        let bytes = self.info.get(*at..at.checked_add(width)?)?;
        *at += width;
        self.binary.word(bytes, width)
    }

    /// An offset into another section, which may stand in a relocation.
    fn offset(&self, at: &mut usize, width: usize) -> Option<u64> {
        let place = *at as u64;
        let own = self.number(at, width)?;
        let index = self.relocations.partition_point(|one| one.offset < place);
        Some(match self.relocations.get(index) {
            Some(Relocation { offset, to: Destination::Address(to), .. }) if *offset == place => {
                *to
            }
            _ => own,
        })
    }

    fn leb(&self, at: &mut usize) -> Option<u64> {
        let (value, length) = leb(self.info.get(*at..)?)?;
        *at += length;
        Some(value)
    }

    /// Reads a unit; gives where the next one starts.
    fn unit(&mut self, start: usize, tables: &mut Tables<'a>) -> Option<usize> {
        let mut at = start;
        let mut form = Form { start: start as u64, offset: 4, ..Form::default() };
        let mut length = self.number(&mut at, 4)?;
        if length == 0xffff_ffff {
            length = self.number(&mut at, 8)?;
            form.offset = 8;
        }
        let end = at.checked_add(usize::try_from(length).ok()?)?;
        if end > self.info.len() || end <= start {
            return None;
        }
        form.version = self.number(&mut at, 2)?;
        let table = match form.version {
            2..=4 => {
                let table = self.offset(&mut at, form.offset)?;
                form.address = self.number(&mut at, 1)? as usize;
                table
            }
            5 => {
                let kind = self.number(&mut at, 1)?;
                form.address = self.number(&mut at, 1)? as usize;
                let table = self.offset(&mut at, form.offset)?;
                match kind {
                    4 | 5 => at = at.checked_add(8)?,
                    2 | 6 => at = at.checked_add(8 + form.offset)?,
                    _ => {}
                }
                table
            }
            _ => return Some(end),
        };
        form.texts = if form.offset == 4 { 8 } else { 16 };
        if let Some(table) = tables.at(usize::try_from(table).ok()?) {
            self.entries(at, end, form, &table);
        }
        Some(end)
    }

    /// Reads the entries of a unit; those that stand in others belong to them.
    fn entries(&mut self, mut at: usize, end: usize, mut form: Form, table: &Table) -> Option<()> {
        // The types that are open, and what is none of ours as nothing.
        let mut open: Vec<Option<usize>> = Vec::new();
        while at < end {
            let place = at as u64;
            let code = self.leb(&mut at)?;
            if code == 0 {
                if let Some(Some(number)) = open.pop() {
                    self.close(number);
                }
                continue;
            }
            let abbreviation = table.get(code)?;
            self.left = self.left.checked_sub(abbreviation.attributes.len())?;
            let mut entry = Entry::default();
            for attribute in &abbreviation.attributes {
                self.attribute(&mut at, attribute, form, &mut entry)?;
            }
            if open.is_empty() {
                form.texts = entry.texts.unwrap_or(form.texts);
            }
            let parent = open.last().copied().flatten();
            let is_file = open.len() <= 1;
            let number = self.entry(abbreviation.tag, place, &entry, parent, is_file);
            if abbreviation.has_children {
                open.push(number);
            }
        }
        Some(())
    }

    /// Takes one entry; gives the number of the type that it is.
    fn entry(
        &mut self,
        tag: u64,
        place: u64,
        entry: &Entry<'a>,
        parent: Option<usize>,
        is_file: bool,
    ) -> Option<usize> {
        let of = entry.of.unwrap_or_default() as usize;
        let size = entry.size.unwrap_or_default();
        let found = match tag {
            // base type: its encoding says whether it has a sign
            0x24 => match entry.encoding {
                0x04 | 0x03 => Type::Other { size },
                encoding => Type::Number {
                    size,
                    is_signed: matches!(encoding, 0x05 | 0x06 | 0x0d),
                    is_bool: encoding == 0x02,
                },
            },
            0x0f | 0x10 | 0x42 => Type::Pointer,
            // typedef, const, volatile, restrict, atomic
            0x16 | 0x26 | 0x35 | 0x37 | 0x47 => Type::Alias(of),
            0x13 | 0x02 | 0x17 => Type::Compound { size, members: Vec::new() },
            0x01 => Type::Array { of, count: u64::MAX },
            0x04 => Type::Enumeration { size, is_signed: true, names: Vec::new() },
            0x15 => Type::Other { size },
            0x0d => {
                self.member(parent?, entry);
                return None;
            }
            0x28 => {
                if let Some(Type::Enumeration { names, .. }) = self.found.types.get_mut(parent?) {
                    names.push((entry.name?, entry.constant.cast_signed()));
                }
                return None;
            }
            0x21 => {
                let count = entry.count.or(entry.upper.map(|upper| upper.wrapping_add(1)));
                self.dimension(parent?, count.unwrap_or_default());
                return None;
            }
            0x34 => {
                if is_file {
                    self.variables.push((place, entry.name, entry.of, entry.specification));
                }
                return None;
            }
            _ => return None,
        };
        let number = self.found.types.len();
        self.found.types.push(found);
        self.places.push((place, number));
        Some(number)
    }

    fn member(&mut self, parent: usize, entry: &Entry<'a>) {
        let Some(Type::Compound { members, .. }) = self.found.types.get_mut(parent) else { return };
        let start = entry.location.wrapping_mul(8);
        let start = match (entry.bits, entry.data_bit_offset, entry.bit_offset) {
            (_, Some(offset), _) => start.wrapping_add(offset),
            // Before DWARF 4 bits were counted from the high end of a unit of storage.
            (Some(bits), None, Some(offset)) => start
                .wrapping_add(entry.size.unwrap_or(4).wrapping_mul(8))
                .wrapping_sub(offset)
                .wrapping_sub(bits),
            _ => start,
        };
        let name = entry.name.unwrap_or_default();
        let of = entry.of.unwrap_or_default() as usize;
        members.push(Member { name, start, bits: entry.bits, of });
    }

    /// A dimension of an array; behind the first, the array holds arrays.
    fn dimension(&mut self, parent: usize, count: u64) {
        // Down to the innermost, past those that were made here.
        let mut at = parent;
        let mut depth = 0;
        while let Some(Type::Array { of, .. }) = self.found.types.get(at)
            && of & OWN != 0
        {
            at = of & !OWN;
            depth += 1;
            if depth > DEEPEST {
                return; // such types have no fields
            }
        }
        let inner = self.found.types.len();
        let Some(Type::Array { of, count: own }) = self.found.types.get_mut(at) else { return };
        if *own == u64::MAX {
            *own = count;
            return;
        }
        // Numbers of types are told from places by their highest bit until the end.
        let element = std::mem::replace(of, inner | OWN);
        self.found.types.push(Type::Array { of: element, count });
    }

    /// Ends a type whose parts stood in it.
    fn close(&mut self, number: usize) {
        match self.found.types.get_mut(number) {
            Some(Type::Array { count, .. }) if *count == u64::MAX => *count = 0,
            Some(Type::Enumeration { is_signed, names, .. }) => {
                *is_signed = names.iter().any(|(_, value)| *value < 0);
            }
            _ => {}
        }
    }

    fn attribute(
        &self,
        at: &mut usize,
        attribute: &Attribute,
        form: Form,
        entry: &mut Entry<'a>,
    ) -> Option<()> {
        let value = self.value(at, attribute.form, attribute.constant, form)?;
        let number = match value {
            Value::Number(number) => Some(number),
            _ => None,
        };
        let place = match value {
            Value::Place(place) => Some(place),
            _ => None,
        };
        match (attribute.name, value) {
            (0x03, Value::Text(text)) => entry.name = Some(text),
            (0x0b, _) => entry.size = number,
            (0x0c, _) => entry.bit_offset = number,
            (0x0d, _) => entry.bits = number,
            (0x1c, _) => entry.constant = number.unwrap_or_default(),
            (0x2f, _) => entry.upper = number,
            (0x37, _) => entry.count = number,
            (0x38, Value::Block([0x23, rest @ ..])) => entry.location = leb(rest)?.0,
            (0x38, _) => entry.location = number.unwrap_or_default(),
            (0x3e, _) => entry.encoding = number.unwrap_or_default(),
            (0x47, _) => entry.specification = place,
            (0x49, _) => entry.of = place,
            (0x6b, _) => entry.data_bit_offset = number,
            (0x72, _) => entry.texts = number,
            _ => {}
        }
        Some(())
    }

    fn value(&self, at: &mut usize, kind: u64, constant: i64, form: Form) -> Option<Value<'a>> {
        let pass = |at: &mut usize, length: u64| {
            let end = at.checked_add(usize::try_from(length).ok()?)?;
            let block = self.info.get(*at..end)?;
            *at = end;
            Some(block)
        };
        let own = |place: u64| Value::Place(form.start.wrapping_add(place));
        Some(match kind {
            0x01 => Value::Number(self.number(at, form.address.min(8))?),
            0x03 | 0x04 | 0x0a => {
                let width = [0, 0, 0, 2, 4, 0, 0, 0, 0, 0, 1].get(kind as usize).copied()?;
                let length = self.number(at, width)?;
                Value::Block(pass(at, length)?)
            }
            0x09 | 0x18 => {
                let length = self.leb(at)?;
                Value::Block(pass(at, length)?)
            }
            0x05 => Value::Number(self.number(at, 2)?),
            0x06 => Value::Number(self.number(at, 4)?),
            0x07 => Value::Number(self.number(at, 8)?),
            0x0b | 0x0c => Value::Number(self.number(at, 1)?),
            0x08 => {
                let text = name_at(self.info, *at);
                // A cut name is not at its zero: the entry is hostile.
                (self.info.get(*at + text.len()) == Some(&0)).then_some(())?;
                *at += text.len() + 1;
                Value::Text(text)
            }
            0x0d => {
                let (_, length) = leb(self.info.get(*at..)?)?;
                let value = signed_leb(self.info.get(*at..)?)?;
                *at += length;
                Value::Number(value.cast_unsigned())
            }
            0x0f => Value::Number(self.leb(at)?),
            0x0e => {
                let offset = self.offset(at, form.offset)?;
                Value::Text(name_at(self.texts, usize::try_from(offset).ok()?))
            }
            0x1f => {
                let offset = self.offset(at, form.offset)?;
                Value::Text(name_at(self.lines, usize::try_from(offset).ok()?))
            }
            0x10 => {
                let width = if form.version == 2 { form.address.min(8) } else { form.offset };
                Value::Place(self.offset(at, width)?)
            }
            0x11 => own(self.number(at, 1)?),
            0x12 => own(self.number(at, 2)?),
            0x13 => own(self.number(at, 4)?),
            0x14 => own(self.number(at, 8)?),
            0x15 => own(self.leb(at)?),
            0x17 => Value::Number(self.offset(at, form.offset)?),
            0x19 => Value::Number(1),
            0x1a => self.text(self.leb(at)?, form),
            0x25..=0x28 => self.text(self.number(at, kind as usize - 0x24)?, form),
            0x1b | 0x22 | 0x23 | 0x1f01 | 0x1f02 => {
                self.leb(at)?;
                Value::Other
            }
            0x29..=0x2c => {
                self.number(at, kind as usize - 0x28)?;
                Value::Other
            }
            0x1c => {
                self.number(at, 4)?;
                Value::Other
            }
            0x1d | 0x1f20 | 0x1f21 => {
                self.number(at, form.offset)?;
                Value::Other
            }
            0x20 | 0x24 => {
                self.number(at, 8)?;
                Value::Other
            }
            0x1e => Value::Block(pass(at, 16)?),
            0x21 => Value::Number(constant.cast_unsigned()),
            _ => return None,
        })
    }

    /// A text by its number.
    fn text(&self, number: u64, form: Form) -> Value<'a> {
        let find = || {
            let at = number.checked_mul(form.offset as u64)?.checked_add(form.texts)?;
            let rest = self.offsets.get(usize::try_from(at).ok()?..)?;
            let offset = self.binary.word(rest, form.offset)?;
            Some(name_at(self.texts, usize::try_from(offset).ok()?))
        };
        find().map_or(Value::Other, Value::Text)
    }

    /// Places become numbers, and definitions get the names of their declarations.
    fn finished(mut self) -> Types<'a> {
        let places = std::mem::take(&mut self.places);
        let number = |place: usize| match place {
            own if own & OWN != 0 => own & !OWN,
            place => {
                let found = places.binary_search_by_key(&(place as u64), |(place, _)| *place);
                found.ok().and_then(|index| places.get(index)).map_or(0, |(_, number)| *number)
            }
        };
        for found in &mut self.found.types {
            match found {
                Type::Alias(of) | Type::Array { of, .. } => *of = number(*of),
                Type::Compound { members, .. } => {
                    members.iter_mut().for_each(|member| member.of = number(member.of));
                }
                _ => {}
            }
        }
        for (_, name, of, specification) in &self.variables {
            let declared = specification.and_then(|place| {
                let found = self.variables.binary_search_by_key(&place, |(place, ..)| *place);
                self.variables.get(found.ok()?)
            });
            let name = name.or(declared.and_then(|one| one.1));
            let of = of.or(declared.and_then(|one| one.2));
            if let (Some(name), Some(of)) = (name, of) {
                self.found.variables.entry(name).or_insert(number(of as usize));
            }
        }
        self.found
    }
}

/// Marks numbers of types among places.
const OWN: usize = 1 << (usize::BITS - 1);

/// A number of variable length, and how long it is.
pub(super) fn leb(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        value |= u64::from(byte & 0x7f).checked_shl(7 * index as u32).unwrap_or_default();
        if byte & 0x80 == 0 {
            return Some((value, index + 1));
        }
    }
    None
}

/// The same with a sign.
pub(super) fn signed_leb(bytes: &[u8]) -> Option<i64> {
    let (value, length) = leb(bytes)?;
    let bits = (7 * length).min(64) as u32;
    let unused = 64 - bits;
    Some((value << unused).cast_signed() >> unused)
}
