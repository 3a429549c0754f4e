//! What the cache needs to know of a library: its soname and for which loader it is.

use object::{
    Endianness, elf,
    read::elf::{FileHeader, ProgramHeader},
};

const LIBC6: u32 = 3;

/// A shared library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Library {
    /// `DT_SONAME`, where there is one.
    pub(super) soname: Option<String>,
    /// The flags of its entry (`FLAG_*` of glibc's `ldconfig.h`).
    pub(super) flags: u32,
}

/// The multiarch directory of a Debian architecture whose cache we can write.
pub(super) fn triplet(arch: &str) -> Option<&'static str> {
    match arch {
        "amd64" => Some("x86_64-linux-gnu"),
        "arm64" => Some("aarch64-linux-gnu"),
        _ => None,
    }
}

impl Library {
    /// Reads an ELF shared object; none for anything else.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        // The fifth byte is the class: 32 or 64 bits.
        match bytes.get(..5)? {
            [0x7f, b'E', b'L', b'F', 2] => {
                parse(elf::FileHeader64::<Endianness>::parse(bytes).ok()?, bytes)
            }
            [0x7f, b'E', b'L', b'F', 1] => {
                parse(elf::FileHeader32::<Endianness>::parse(bytes).ok()?, bytes)
            }
            _ => None,
        }
    }
}

fn parse<H: FileHeader<Endian = Endianness>>(header: &H, bytes: &[u8]) -> Option<Library> {
    let endian = header.endian().ok()?;
    if header.e_type(endian) != elf::ET_DYN {
        return None;
    }
    let flags = LIBC6
        | match (header.e_machine(endian), header.is_class_64()) {
            (elf::EM_X86_64, true) => 0x0300,
            (elf::EM_X86_64, false) => 0x0800,
            (elf::EM_386, false) => 0,
            (elf::EM_AARCH64, true) => 0x0a00,
            _ => return None,
        };
    let segments = header.program_headers(endian, bytes).ok()?;
    let dynamic = segments.iter().find_map(|s| s.dynamic(endian, bytes).ok().flatten())?;
    let (mut strings, mut soname) = (None, None);
    for entry in dynamic {
        use object::read::elf::Dyn;
        let value: u64 = entry.d_val(endian).into();
        match entry.d_tag(endian) {
            elf::DT_NULL => break,
            elf::DT_STRTAB => strings = Some(value),
            elf::DT_SONAME => soname = Some(value),
            _ => {}
        }
    }
    let soname = soname.and_then(|offset| {
        let address = strings?.checked_add(offset)?;
        let text = segments.iter().find_map(|segment| {
            let start: u64 = segment.p_vaddr(endian).into();
            let size: u64 = segment.p_filesz(endian).into();
            let inside = address.checked_sub(start).filter(|inside| *inside < size)?;
            if segment.p_type(endian) != elf::PT_LOAD {
                return None;
            }
            segment.data(endian, bytes).ok()?.get(usize::try_from(inside).ok()?..)
        })?;
        let end = text.iter().position(|byte| *byte == 0)?;
        String::from_utf8(text[..end].to_vec()).ok()
    });
    Some(Library { soname, flags })
}
