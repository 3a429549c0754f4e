//! Where the functions and variables of a binary lie, and what lies at an address.
//!
//! ```text
//! .text   |--- mark_tg ---|pad|--- mark_mt ---|      pieces with a name, and gaps between them
//! .rodata |"a text"|??????????|- table -|            targets: symbol+offset, a text, or the section
//! ```
//!
//! An address means something only in its own build. A [`Target`] means the same in two builds: the
//! name of what lies there. Numbers that compilers append to names are left out of it.

use super::{
    binary::{Binary, Destination, MACHINE_X86_64, Relocation, Section, Starts},
    frames, words,
};
use object::elf;
use std::collections::HashMap;

/// Longer texts are not shown as texts.
const LONGEST_TEXT: usize = 400;

/// A part of a section with a name, or what lies between two of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece<'a> {
    /// Nothing in gaps, and in functions of stripped files.
    pub(super) name: Option<&'a [u8]>,
    pub(super) section: usize,
    pub(super) address: u64,
    pub(super) size: u64,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum What {
    Function,
    Variable,
    Gap,
}

/// What lies at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Target<'a> {
    /// The name, without numbers of the compiler, and how far behind its start.
    Symbol(&'a [u8], i64),
    /// A text that no symbol names.
    Text(&'a [u8]),
    /// Somewhere in a section where nothing has a name.
    Section(&'a [u8]),
    /// Right behind a section.
    End(&'a [u8]),
    /// A function that has no name.
    Unnamed,
    /// No place of the file.
    Number(u64),
}

impl Target<'_> {
    /// As it is told.
    pub(super) fn shown(&self) -> String {
        match self {
            Target::Symbol(name, 0) => words::name(name),
            Target::Symbol(name, offset) if *offset < 0 => {
                format!("{}-{:#x}", words::name(name), offset.unsigned_abs())
            }
            Target::Symbol(name, offset) => format!("{}+{offset:#x}", words::name(name)),
            Target::Text(text) => words::quoted(text),
            Target::Section(name) => format!("somewhere in {}", words::name(name)),
            Target::End(name) => format!("the end of {}", words::name(name)),
            Target::Unnamed => "a function without a name".to_owned(),
            Target::Number(number) => format!("{number:#x}"),
        }
    }
}

/// A binary with its places.
pub(super) struct Layout<'a, 'b> {
    pub(super) binary: &'b Binary<'a>,
    /// All pieces of loaded sections, by address.
    pub(super) pieces: Vec<Piece<'a>>,
    starts: Starts,
    /// Slots that jump to, or hold the address of, something foreign.
    slots: HashMap<u64, &'a [u8]>,
}

impl<'a, 'b> Layout<'a, 'b> {
    pub(super) fn new(binary: &'b Binary<'a>) -> Self {
        let starts = Starts::of(binary);
        let pieces = pieces(binary, &starts);
        let slots = slots(binary);
        Self { binary, pieces, starts, slots }
    }

    /// What lies at an address.
    pub(super) fn target(&self, address: u64) -> Target<'a> {
        if let Some(name) = self.slots.get(&address) {
            return Target::Symbol(name, 0);
        }
        let Some((index, offset)) = self.starts.find(address) else {
            let ended = self.starts.ending(address);
            let ended = ended.and_then(|index| self.binary.sections.get(index));
            return ended.map_or(Target::Number(address), |section| Target::End(section.name));
        };
        let Some(section) = self.binary.sections.get(index) else {
            return Target::Number(address);
        };
        match self.piece(address) {
            Some(Piece { name: Some(name), address: start, .. }) => {
                Target::Symbol(stem(name), address.wrapping_sub(*start).cast_signed())
            }
            Some(Piece { what: What::Function, .. }) => Target::Unnamed,
            _ => match text(section, offset) {
                Some(text) => Target::Text(text),
                None => Target::Section(section.name),
            },
        }
    }

    /// What a relocation points to. `behind` is added where the distance counts from.
    pub(super) fn destination(&self, to: Destination<'a>, behind: i64) -> Target<'a> {
        match to {
            Destination::Address(address) => self.target(address.wrapping_add_signed(behind)),
            Destination::Foreign(name, addend) => Target::Symbol(name, addend.wrapping_add(behind)),
        }
    }

    /// Whether an address is of instructions.
    pub(super) fn is_code(&self, address: u64) -> bool {
        let section = self.starts.find(address);
        let section = section.and_then(|(index, _)| self.binary.sections.get(index));
        section.is_some_and(Section::is_code)
    }

    fn piece(&self, address: u64) -> Option<&Piece<'a>> {
        let after = self.pieces.partition_point(|piece| piece.address <= address);
        let piece = self.pieces.get(after.checked_sub(1)?)?;
        (address.checked_sub(piece.address)? < piece.size).then_some(piece)
    }

    /// The bytes of a piece; none where the file holds none.
    pub(super) fn bytes(&self, piece: &Piece<'a>) -> &'a [u8] {
        let Some(section) = self.binary.sections.get(piece.section) else { return &[] };
        let start = piece.address.wrapping_sub(section.address);
        let end = start.saturating_add(piece.size);
        let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
        range.and_then(|(start, end)| section.data.get(start..end)).unwrap_or_default()
    }

    /// The relocations in a piece, with their offsets counted from its start.
    pub(super) fn relocations(
        &self,
        piece: &Piece<'a>,
    ) -> impl Iterator<Item = Relocation<'a>> + use<'a, 'b> {
        let section = self.binary.sections.get(piece.section);
        let relocations = section.map(|section| &section.relocations[..]).unwrap_or_default();
        let base = section.map_or(0, |section| piece.address.wrapping_sub(section.address));
        let end = base.saturating_add(piece.size);
        let from = relocations.partition_point(|relocation| relocation.offset < base);
        let to = relocations.partition_point(|relocation| relocation.offset < end);
        let found = relocations.get(from..to).unwrap_or_default().iter();
        found.map(move |relocation| Relocation { offset: relocation.offset - base, ..*relocation })
    }

    pub(super) fn section(&self, piece: &Piece<'a>) -> Option<&'b Section<'a>> {
        self.binary.sections.get(piece.section)
    }
}

/// Cuts loaded sections into pieces.
fn pieces<'a>(binary: &Binary<'a>, starts: &Starts) -> Vec<Piece<'a>> {
    let mut named = named(binary);
    let has_names = |section: &Section<'_>| section.is_loaded() && section.is_code();
    if binary.stripped && binary.sections.iter().any(has_names) {
        named.extend(frames::functions(binary).into_iter().filter_map(|(address, size)| {
            let (section, _) = starts.find(address)?;
            let piece = Piece { name: None, section, address, size, what: What::Function };
            Some((piece, Rank::Frame))
        }));
    }
    // The longest at an address first, and of equal ones that which others see.
    named.sort_by(|(a, rank), (b, other)| {
        let order = (a.section, a.address).cmp(&(b.section, b.address));
        let names = a.name.map(<[u8]>::len).cmp(&b.name.map(<[u8]>::len));
        let order = order.then(rank.is_label().cmp(&other.is_label())).then(b.size.cmp(&a.size));
        order.then(rank.cmp(other)).then(names).then(a.name.cmp(&b.name))
    });
    let mut order: Vec<usize> = (0..binary.sections.len()).collect();
    order.sort_by_key(|index| {
        binary.sections.get(*index).map(|section| (section.address, section.size))
    });
    let mut found = Vec::new();
    for index in order {
        let Some(section) = binary.sections.get(index) else { continue };
        let is_thread = section.flags & elf::SHF_TLS.0 != 0 && section.data.is_empty();
        if !section.is_loaded() || section.size == 0 || is_thread {
            continue;
        }
        let from = named.partition_point(|(piece, _)| piece.section < index);
        let to = named.partition_point(|(piece, _)| piece.section <= index);
        cut(section, index, named.get(from..to).unwrap_or_default(), &mut found);
    }
    found
}

/// Which of several names of a place is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Global,
    Weak,
    Local,
    Frame,
    /// Has no size: it reaches to the next one.
    Label,
}

impl Rank {
    fn is_label(self) -> bool {
        self == Rank::Label
    }
}

fn named<'a>(binary: &Binary<'a>) -> Vec<(Piece<'a>, Rank)> {
    let symbols = binary.symbols.iter().filter(|symbol| !symbol.name.is_empty());
    let named = symbols.filter_map(|symbol| {
        let index = symbol.section?;
        let section = binary.sections.get(index)?;
        let inside = section.address..section.end();
        if !section.is_loaded() || !inside.contains(&symbol.address) {
            return None;
        }
        let kind = elf::SymbolType(symbol.kind);
        let is_place =
            matches!(kind, elf::STT_FUNC | elf::STT_OBJECT | elf::STT_NOTYPE | elf::STT_GNU_IFUNC);
        let is_mark = symbol.name.starts_with(b"$") || symbol.name.starts_with(b".L");
        if !is_place || (is_mark && kind == elf::STT_NOTYPE) {
            return None;
        }
        let what = if section.is_code() { What::Function } else { What::Variable };
        let local = symbol.binding == elf::STB_LOCAL.0;
        let rank = match elf::SymbolBind(symbol.binding) {
            _ if symbol.size == 0 => Rank::Label,
            elf::STB_LOCAL => Rank::Local,
            elf::STB_WEAK => Rank::Weak,
            _ => Rank::Global,
        };
        // Marks of linkers and assemblers in data are no variables.
        let is_label = rank == Rank::Label;
        if is_label && (what == What::Variable || (local && kind == elf::STT_NOTYPE)) {
            return None;
        }
        let left = section.end() - symbol.address;
        let size = if is_label { left } else { symbol.size.min(left) };
        let piece =
            Piece { name: Some(symbol.name), section: index, address: symbol.address, size, what };
        Some((piece, rank))
    });
    named.collect()
}

/// Cuts one section; what lies inside of another piece is no piece of its own.
fn cut<'a>(
    section: &Section<'a>,
    index: usize,
    named: &[(Piece<'a>, Rank)],
    found: &mut Vec<Piece<'a>>,
) {
    let gap = |from: u64, to: u64| Piece {
        name: None,
        section: index,
        address: from,
        size: to.saturating_sub(from),
        what: What::Gap,
    };
    let mut at = section.address;
    for (number, (piece, rank)) in named.iter().enumerate() {
        if piece.address < at {
            continue;
        }
        let mut piece = *piece;
        if rank.is_label() {
            let next = named.get(number + 1..).unwrap_or_default().iter();
            let next = next.map(|(next, _)| next.address).find(|next| *next > piece.address);
            piece.size = next.unwrap_or(section.end()).saturating_sub(piece.address);
        }
        if piece.address > at {
            found.push(gap(at, piece.address));
        }
        at = piece.address.saturating_add(piece.size);
        found.push(piece);
    }
    if at < section.end() {
        found.push(gap(at, section.end()));
    }
}

/// Slots of the tables through which foreign things are reached, with what they are for.
fn slots<'a>(binary: &Binary<'a>) -> HashMap<u64, &'a [u8]> {
    let mut slots = HashMap::new();
    if !binary.is_linked() {
        return slots;
    }
    for section in binary.sections.iter().filter(|section| section.name.starts_with(b".got")) {
        for relocation in &section.relocations {
            if let Destination::Foreign(name, _) = relocation.to {
                slots.insert(section.address.wrapping_add(relocation.offset), name);
            }
        }
    }
    if binary.header.machine != MACHINE_X86_64 {
        return slots;
    }
    let mut jumps = Vec::new();
    for section in binary.sections.iter().filter(|section| section.name.starts_with(b".plt")) {
        // Each entry jumps through its slot: `ff 25 DISTANCE`. Entries are 16 bytes, or 8.
        let size = if section.name == b".plt.got" && section.data.len() % 16 != 0 { 8 } else { 16 };
        for (number, entry) in section.data.chunks(size).enumerate() {
            let Some(at) = entry.windows(2).position(|two| two == [0xff, 0x25]) else { continue };
            let Some(distance) = entry.get(at + 2..at + 6) else { continue };
            let distance = binary.word(distance, 4).unwrap_or_default() as u32 as i32;
            let start = section.address.wrapping_add((number * size) as u64);
            let slot = start.wrapping_add(at as u64 + 6).wrapping_add_signed(i64::from(distance));
            if let Some(name) = slots.get(&slot) {
                jumps.push((start, *name));
            }
        }
    }
    slots.extend(jumps);
    slots
}

/// The text at an offset of read-only data, if it is one.
fn text<'a>(section: &Section<'a>, offset: u64) -> Option<&'a [u8]> {
    if section.is_code() || (section.is_writable() && !section.is_strings()) {
        return None;
    }
    let rest = section.data.get(usize::try_from(offset).ok()?..)?;
    let end = rest.iter().take(LONGEST_TEXT).position(|byte| *byte == 0)?;
    let text = &rest[..end];
    let shown = |byte: &u8| matches!(byte, b'\t'..=b'\r' | 0x1b | b' '..=b'~' | 0x80..);
    // Kernel messages begin with a level behind byte 1.
    let body = text.strip_prefix(b"\x01").unwrap_or(text);
    let is_text = section.is_strings() || (!body.is_empty() && body.iter().all(shown));
    (is_text && std::str::from_utf8(text).is_ok()).then_some(text)
}

/// A name without what compilers number: `__func__.7`, `foo.part.0`, `__UNIQUE_ID_ddebug123.4`.
pub(super) fn stem(name: &[u8]) -> &[u8] {
    let mut stem = name;
    loop {
        let digits = stem.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        let before = &stem[..stem.len() - digits];
        match before {
            _ if digits == 0 => return stem,
            [.., b'.'] if before.len() > 1 => stem = &before[..before.len() - 1],
            _ if name.starts_with(b"__UNIQUE_ID_") => stem = before,
            _ => return stem,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_compiler_do_not_count() {
        let cases = [
            ("foo", "foo"),
            ("foo1", "foo1"),
            ("__func__.7", "__func__"),
            ("foo.isra.0.part.12", "foo.isra.0.part"),
            ("__UNIQUE_ID_ddebug123.4", "__UNIQUE_ID_ddebug"),
            ("crc32", "crc32"),
            (".1", ".1"),
            ("7", "7"),
        ];
        for (name, expected) in cases {
            assert_eq!(stem(name.as_bytes()), expected.as_bytes());
        }
    }
}
