//! An ELF file as values: header, sections, symbols, relocations and what the dynamic linker reads.
//!
//! Both classes and both byte orders become the same [`Binary`], in which every place has an address.
//! Files that are not yet linked have none; their sections are laid out one after the other, so that
//! the same questions can be asked of a kernel module as of a program.
//!
//! Source: System V ABI, chapters 4 and 5 (gabi 4.1); Linux Standard Base 5.0, chapter 10 (versions).

use super::read::read;
use object::{Endianness, elf};
use std::collections::HashMap;

/// Names are cut here: hostile ones may be as long as the file.
const LONGEST_NAME: usize = 4096;

/// An ELF file.
#[derive(Debug, Default)]
pub(crate) struct Binary<'a> {
    pub(super) header: Header<'a>,
    pub(super) sections: Vec<Section<'a>>,
    pub(super) segments: Vec<Segment>,
    /// What `.symtab` names; of a stripped file, what `.dynsym` does.
    pub(super) symbols: Vec<Symbol<'a>>,
    /// What the dynamic linker sees.
    pub(super) dynamic_symbols: Vec<Symbol<'a>>,
    /// Entries of `.dynamic` in order: tag, value, and its text where the tag says that it is one.
    pub(super) dynamic: Vec<(i64, u64, Option<&'a [u8]>)>,
    /// Library and version: `libc.so.6`, `GLIBC_2.36`.
    pub(super) needed_versions: Vec<(&'a [u8], &'a [u8])>,
    /// Whether `.symtab` is missing.
    pub(super) stripped: bool,
    /// The first section of each name.
    pub(super) by_name: HashMap<&'a [u8], usize>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header<'a> {
    pub(super) is_64: bool,
    pub(super) is_big: bool,
    pub(super) abi: u8,
    pub(super) kind: u16,
    pub(super) machine: u16,
    pub(super) flags: u32,
    pub(super) entry: u64,
    pub(super) interpreter: Option<&'a [u8]>,
}

#[derive(Debug, Clone)]
pub(crate) struct Section<'a> {
    pub(super) name: &'a [u8],
    pub(super) kind: u32,
    pub(super) flags: u64,
    pub(super) address: u64,
    pub(super) size: u64,
    pub(super) data: &'a [u8],
    /// Sorted by offset.
    pub(super) relocations: Vec<Relocation<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Segment {
    pub(super) kind: u32,
    pub(super) flags: u32,
    pub(super) address: u64,
    pub(super) size: u64,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Symbol<'a> {
    pub(super) name: &'a [u8],
    /// Its version and whether that is the default one; dynamic symbols only.
    pub(super) version: Option<(&'a [u8], Preferred)>,
    pub(super) kind: u8,
    pub(super) binding: u8,
    pub(super) visibility: u8,
    /// Where it is defined; nothing if it is not, or is no place.
    pub(super) section: Option<usize>,
    pub(super) is_undefined: bool,
    pub(super) address: u64,
    pub(super) size: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Preferred {
    Yes,
    No,
}

/// A place that the linker or the loader fills.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Relocation<'a> {
    /// In the section.
    pub(super) offset: u64,
    pub(super) kind: u32,
    pub(super) to: Destination<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Destination<'a> {
    /// A place of the file.
    Address(u64),
    /// Something that another file has, and what is added to it.
    Foreign(&'a [u8], i64),
}

/// Why a file is not compared as ELF.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ElfError {
    #[error("it is no well-formed ELF file")]
    Malformed(#[from] object::Error),
    #[error("its sections overlap: together they are longer than the file")]
    Overlap,
    #[error("it has more relocations than fit into it")]
    Relocations,
    #[error("its class is neither 32 nor 64 bits")]
    Class,
}

impl<'a> Binary<'a> {
    /// Reads a file.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, ElfError> {
        match bytes.get(4) {
            Some(1) => read::<elf::FileHeader32<Endianness>>(bytes),
            Some(2) => read::<elf::FileHeader64<Endianness>>(bytes),
            _ => Err(ElfError::Class),
        }
    }

    pub(super) fn is_linked(&self) -> bool {
        self.header.kind != elf::ET_REL.0
    }

    /// Forgets names that only `.symtab` has.
    pub(super) fn strip(&mut self) {
        self.symbols = self.dynamic_symbols.clone();
        self.stripped = true;
    }

    pub(super) fn section(&self, name: &[u8]) -> Option<&Section<'a>> {
        self.sections.get(*self.by_name.get(name)?)
    }

    /// What a relocation of this type fills, in bytes.
    pub(super) fn width(&self, kind: u32) -> usize {
        match (self.header.machine, kind) {
            (MACHINE_X86_64, 1 | 5..=8 | 16..=18 | 24 | 25 | 27 | 33 | 37) => 8,
            (MACHINE_X86_64, 12 | 13) => 2,
            (MACHINE_X86_64, 14 | 15) => 1,
            (MACHINE_AARCH64, 257 | 260 | 1024..=1032) => 8,
            (MACHINE_X86_64 | MACHINE_AARCH64, _) => 4,
            _ if self.header.is_64 => 8,
            _ => 4,
        }
    }

    pub(super) fn word(&self, bytes: &[u8], width: usize) -> Option<u64> {
        let bytes = bytes.get(..width)?;
        let fold = |value: u64, byte: &u8| value << 8 | u64::from(*byte);
        Some(match self.header.is_big {
            true => bytes.iter().fold(0, fold),
            false => bytes.iter().rev().fold(0, fold),
        })
    }
}

pub(super) const MACHINE_X86_64: u16 = elf::EM_X86_64.0;
pub(super) const MACHINE_AARCH64: u16 = elf::EM_AARCH64.0;

impl Section<'_> {
    pub(super) fn is_loaded(&self) -> bool {
        self.flags & elf::SHF_ALLOC.0 != 0
    }

    pub(super) fn is_code(&self) -> bool {
        self.flags & elf::SHF_EXECINSTR.0 != 0
    }

    pub(super) fn is_writable(&self) -> bool {
        self.flags & elf::SHF_WRITE.0 != 0
    }

    /// Whether it holds texts that end with a zero, and nothing else.
    pub(super) fn is_strings(&self) -> bool {
        self.flags & elf::SHF_STRINGS.0 != 0
    }

    pub(super) fn end(&self) -> u64 {
        self.address.saturating_add(self.size)
    }
}

/// Where loaded sections lie.
pub(super) struct Starts(Vec<(u64, u64, usize)>);

impl Starts {
    pub(super) fn of(binary: &Binary<'_>) -> Self {
        let sections = binary.sections.iter().enumerate();
        // Thread-local data without content takes no addresses.
        let is_thread = |section: &Section<'_>| {
            section.kind == elf::SHT_NOBITS.0 && section.flags & elf::SHF_TLS.0 != 0
        };
        let sections = sections.filter(|(_, section)| section.is_loaded() && !is_thread(section));
        let mut starts: Vec<_> = sections
            .map(|(index, section)| (section.address, section.end(), index))
            .filter(|(start, end, _)| start < end)
            .collect();
        starts.sort_unstable();
        Self(starts)
    }

    /// The section that holds an address, and how far in.
    pub(super) fn find(&self, address: u64) -> Option<(usize, u64)> {
        let after = self.0.partition_point(|(start, _, _)| *start <= address);
        let (start, end, index) = self.0.get(after.checked_sub(1)?)?;
        (address < *end).then_some((*index, address - start))
    }

    /// The section that ends at an address, where no other starts.
    pub(super) fn ending(&self, address: u64) -> Option<usize> {
        let after = self.0.partition_point(|(start, _, _)| *start <= address);
        let (_, end, index) = self.0.get(after.checked_sub(1)?)?;
        (address == *end).then_some(*index)
    }
}

/// The text at an offset, without the zero that ends it.
pub(super) fn name_at(strings: &[u8], offset: usize) -> &[u8] {
    let rest = strings.get(offset..).unwrap_or_default();
    let rest = &rest[..rest.len().min(LONGEST_NAME)];
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
    &rest[..end]
}

/// Whether no text of a table is so long that finding the ends of many of them takes long.
pub(super) fn has_short_texts(strings: &[u8]) -> bool {
    strings.split(|byte| *byte == 0).all(|text| text.len() <= LONGEST_NAME << 4)
}
