//! Reads the parts of an ELF file into a [`Binary`], for both classes and byte orders.

use super::binary::{
    Binary, Destination, ElfError, Header, MACHINE_AARCH64, Preferred, Relocation, Section,
    Segment, Starts, Symbol, has_short_texts, name_at,
};
use object::{
    Endianness, SymbolIndex, elf,
    read::elf::{FileHeader, ProgramHeader, Rel, Rela, SectionHeader, SectionTable, Sym},
};

/// Tables of versions of real libraries are a few kilobytes; they are chains of chains.
const LARGEST_VERSIONS: usize = 64 << 10;
/// Between sections of a file without addresses, so that the end of one is not the start of the next.
const GAP: u64 = 1 << 12;

/// Reads a file of one class.
pub(super) fn read<Elf: FileHeader<Endian = Endianness>>(
    bytes: &[u8],
) -> Result<Binary<'_>, ElfError> {
    Reader::<Elf>::new(bytes)?.read()
}

struct Reader<'a, Elf: FileHeader> {
    bytes: &'a [u8],
    elf: &'a Elf,
    endian: Elf::Endian,
    table: SectionTable<'a, Elf>,
    binary: Binary<'a>,
}

impl<'a, Elf: FileHeader<Endian = Endianness>> Reader<'a, Elf> {
    fn new(bytes: &'a [u8]) -> Result<Self, ElfError> {
        let elf = Elf::parse(bytes)?;
        let endian = elf.endian()?;
        let table = elf.sections(endian, bytes)?;
        Ok(Self { bytes, elf, endian, table, binary: Binary::default() })
    }

    fn read(mut self) -> Result<Binary<'a>, ElfError> {
        let (elf, endian) = (self.elf, self.endian);
        self.binary.header = Header {
            is_64: elf.is_class_64(),
            is_big: elf.is_big_endian(),
            abi: elf.e_ident().os_abi.0,
            kind: elf.e_type(endian).0,
            machine: elf.e_machine(endian).0,
            flags: elf.e_flags(endian).0,
            entry: elf.e_entry(endian).into(),
            interpreter: None,
        };
        self.segments()?;
        self.sections()?;
        self.symbols()?;
        self.relocations()?;
        self.dynamic()?;
        Ok(self.binary)
    }

    fn segments(&mut self) -> Result<(), ElfError> {
        for segment in self.elf.program_headers(self.endian, self.bytes)? {
            self.binary.segments.push(Segment {
                kind: segment.p_type(self.endian).0,
                flags: segment.p_flags(self.endian).0,
                address: segment.p_vaddr(self.endian).into(),
                size: segment.p_memsz(self.endian).into(),
            });
            if segment.p_type(self.endian) == elf::PT_INTERP {
                self.binary.header.interpreter =
                    segment.data(self.endian, self.bytes).ok().map(|data| name_at(data, 0));
            }
        }
        Ok(())
    }

    fn sections(&mut self) -> Result<(), ElfError> {
        let names = self.elf.shstrndx(self.endian, self.bytes)?;
        let names = self.table.iter().nth(names as usize);
        let names = names.and_then(|names| names.data(self.endian, self.bytes).ok());
        let names = names.unwrap_or_default();
        let (mut total, mut next) = (0usize, GAP);
        for header in self.table.iter() {
            let data = header.data(self.endian, self.bytes)?;
            total = total.saturating_add(data.len());
            if total > self.bytes.len().saturating_mul(2) {
                return Err(ElfError::Overlap);
            }
            let flags = header.sh_flags(self.endian).0;
            let size: u64 = header.sh_size(self.endian).into();
            let mut address: u64 = header.sh_addr(self.endian).into();
            if !self.binary.is_linked() && flags & elf::SHF_ALLOC.0 != 0 {
                let align: u64 = header.sh_addralign(self.endian).into();
                next = next.checked_next_multiple_of(align.clamp(1, GAP)).unwrap_or(u64::MAX);
                address = next;
                next = next.saturating_add(size).saturating_add(GAP);
            }
            let name = name_at(names, header.sh_name(self.endian) as usize);
            self.binary.by_name.entry(name).or_insert(self.binary.sections.len());
            self.binary.sections.push(Section {
                name,
                kind: header.sh_type(self.endian).0,
                flags,
                address,
                size,
                data,
                relocations: Vec::new(),
            });
        }
        Ok(())
    }

    fn symbols(&mut self) -> Result<(), ElfError> {
        self.binary.dynamic_symbols = self.table_of_symbols(elf::SHT_DYNSYM)?;
        self.binary.symbols = self.table_of_symbols(elf::SHT_SYMTAB)?;
        self.binary.stripped = self.binary.symbols.is_empty();
        if self.binary.stripped {
            self.binary.symbols = self.binary.dynamic_symbols.clone();
        }
        Ok(())
    }

    fn table_of_symbols(&self, kind: elf::SectionType) -> Result<Vec<Symbol<'a>>, ElfError> {
        let endian = self.endian;
        let table = self.table.symbols(endian, self.bytes, kind)?;
        let names = self.binary.sections.get(table.string_section().0);
        let names = names.map(|names| names.data).unwrap_or_default();
        let is_small = self.binary.sections.iter().all(|section| {
            !matches!(elf::SectionType(section.kind), elf::SHT_GNU_VERNEED | elf::SHT_GNU_VERDEF)
                || section.data.len() <= LARGEST_VERSIONS
        });
        let versions = match kind == elf::SHT_DYNSYM && is_small && has_short_texts(names) {
            true => self.table.versions(endian, self.bytes)?,
            false => None,
        };
        let symbols = table.enumerate().map(|(index, symbol)| {
            let shndx = symbol.st_shndx(endian);
            let section = table.symbol_section(endian, symbol, index).ok().flatten();
            let section = section.map(|section| section.0).filter(|section| *section != 0);
            let version = versions.as_ref().and_then(|versions| {
                let index = versions.version_index(endian, index);
                let version = versions.version(index.index()).ok().flatten()?;
                let default = if index.is_hidden() { Preferred::No } else { Preferred::Yes };
                Some((version.name(), default))
            });
            let mut address: u64 = symbol.st_value(endian).into();
            if !self.binary.is_linked() {
                let base = section.and_then(|section| self.binary.sections.get(section));
                address = address.wrapping_add(base.map_or(0, |base| base.address));
            }
            Symbol {
                name: name_at(names, symbol.st_name(endian) as usize),
                version,
                kind: symbol.st_type().0,
                binding: symbol.st_bind().0,
                visibility: symbol.st_visibility().0,
                section,
                is_undefined: shndx == elf::SHN_UNDEF,
                address,
                size: symbol.st_size(endian).into(),
            }
        });
        Ok(symbols.skip(1).collect())
    }

    fn relocations(&mut self) -> Result<(), ElfError> {
        let endian = self.endian;
        let symbols = self.table.symbols(endian, self.bytes, elf::SHT_SYMTAB)?;
        let dynamic = self.table.symbols(endian, self.bytes, elf::SHT_DYNSYM)?;
        let mut left = self.bytes.len() / 4;
        let mut found: Vec<(usize, Relocation<'a>)> = Vec::new();
        let starts = Starts::of(&self.binary);
        for (header, section) in self.table.iter().zip(&self.binary.sections) {
            let linked = section.is_loaded();
            let names = if linked { &self.binary.dynamic_symbols } else { &self.binary.symbols };
            let table = if linked { dynamic.section() } else { symbols.section() };
            let fixed = (!linked).then_some(header.sh_info(endian) as usize);
            if self.binary.is_linked() != linked {
                continue; // of a linked file, relocations that are not loaded were kept for tools
            }
            let to = |symbol: Option<SymbolIndex>, addend: i64| match symbol {
                None => Destination::Address(addend.cast_unsigned()),
                Some(index) => match index.0.checked_sub(1).and_then(|index| names.get(index)) {
                    Some(symbol) if symbol.is_undefined || (linked && symbol.section.is_none()) => {
                        Destination::Foreign(symbol.name, addend)
                    }
                    Some(symbol) => {
                        Destination::Address(symbol.address.wrapping_add_signed(addend))
                    }
                    None => Destination::Address(addend.cast_unsigned()),
                },
            };
            let place = |offset: u64| match fixed {
                Some(section) => Some((section, offset)),
                None => starts.find(offset),
            };
            let mut add = |offset: u64, kind: u32, to: Destination<'a>| {
                left = left.checked_sub(1).ok_or(ElfError::Relocations)?;
                if let Some((section, offset)) = place(offset) {
                    found.push((section, Relocation { offset, kind, to }));
                }
                Ok::<(), ElfError>(())
            };
            if let Some((entries, link)) = header.rela(endian, self.bytes)? {
                if link != table && link.0 != 0 {
                    continue;
                }
                for entry in entries {
                    let symbol = entry.symbol(endian, self.elf.is_mips64el(endian));
                    let kind = entry.r_type(endian, self.elf.is_mips64el(endian)).0;
                    let addend: i64 = entry.r_addend(endian).into();
                    add(entry.r_offset(endian).into(), kind, to(symbol, addend))?;
                }
            }
            let in_place = |offset: u64, width: usize| {
                let (section, offset) = place(offset)?;
                let data = self.binary.sections.get(section)?.data;
                let word = self.binary.word(data.get(usize::try_from(offset).ok()?..)?, width)?;
                Some(if width == 4 { i64::from(word as u32 as i32) } else { word.cast_signed() })
            };
            let word = if self.binary.header.is_64 { 8 } else { 4 };
            if let Some((entries, link)) = header.rel(endian, self.bytes)? {
                if link != table && link.0 != 0 {
                    continue;
                }
                for entry in entries {
                    let offset = entry.r_offset(endian).into();
                    let kind = entry.r_type(endian).0;
                    let addend = in_place(offset, self.binary.width(kind)).unwrap_or_default();
                    add(offset, kind, to(entry.symbol(endian), addend))?;
                }
            }
            // These have no type: each is an address of the file itself.
            let relative = if self.binary.header.machine == MACHINE_AARCH64 { 1027 } else { 8 };
            for offset in header.relr(endian, self.bytes)?.into_iter().flatten() {
                let addend = in_place(offset.into(), word).unwrap_or_default();
                add(offset.into(), relative, to(None, addend))?;
            }
        }
        for (section, relocation) in found {
            if let Some(section) = self.binary.sections.get_mut(section) {
                section.relocations.push(relocation);
            }
        }
        for section in &mut self.binary.sections {
            section.relocations.sort_by_key(|relocation| relocation.offset);
        }
        Ok(())
    }

    fn dynamic(&mut self) -> Result<(), ElfError> {
        let Some((entries, link)) = self.table.dynamic(self.endian, self.bytes)? else {
            return Ok(());
        };
        let strings = self.binary.sections.get(link.0).map(|section| section.data);
        let strings = strings.unwrap_or_default();
        use object::read::elf::Dyn;
        for entry in entries {
            let tag = entry.d_tag(self.endian);
            if tag == elf::DT_NULL {
                break;
            }
            let value = entry.val(self.endian);
            let text = entry.is_string(self.endian).then(|| name_at(strings, value as usize));
            self.binary.dynamic.push((tag.0, value, text));
        }
        let needed = self.table.iter().find_map(|section| {
            let is_small = section.data(self.endian, self.bytes).ok()?.len() <= LARGEST_VERSIONS;
            is_small.then(|| section.gnu_verneed(self.endian, self.bytes).ok().flatten())?
        });
        let Some((mut files, link)) = needed else { return Ok(()) };
        let strings = self.binary.sections.get(link.0).map(|section| section.data);
        let strings = strings.unwrap_or_default();
        while let Ok(Some((file, mut versions))) = files.next() {
            let file = name_at(strings, file.vn_file.get(self.endian) as usize);
            while let Ok(Some(version)) = versions.next() {
                let version = name_at(strings, version.vna_name.get(self.endian) as usize);
                self.binary.needed_versions.push((file, version));
            }
        }
        Ok(())
    }
}
