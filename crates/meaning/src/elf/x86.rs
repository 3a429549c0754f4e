//! How long instructions of x86-64 are, and where they hold a distance to another place.
//!
//! This is no disassembler: it finds the end of each instruction and the field that depends on where
//! the instruction lies, so that two functions can be compared as if both lay at the same place.
//! Whatever is not sure to be understood ends the walk: the caller then compares bytes.
//!
//! Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, chapter 2
//! (instruction format) and appendix A (opcode maps).

/// One instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Instruction {
    /// In bytes, 1 to 15.
    pub(super) length: usize,
    /// A field with the distance from the end of the instruction to a place: where it starts, and its
    /// size (1 or 4).
    pub(super) distance: Option<(usize, usize)>,
    /// Whether the distance is of a jump or call, so that the place holds instructions.
    pub(super) is_branch: bool,
    /// How many bytes at its end are a number.
    pub(super) immediate: usize,
    /// What is added to registers for an address: where it starts, and its size (1 or 4).
    pub(super) displacement: Option<(usize, usize)>,
}

/// What follows an opcode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rest {
    /// Nothing.
    No,
    /// A byte for operands (ModR/M) and what that asks for.
    M,
    /// The same and an immediate byte.
    M8,
    /// The same and two immediate bytes.
    M16,
    /// The same and an immediate of the size of operands.
    Mz,
    /// `F6`, `F7`: the immediate belongs to `test` only.
    Test8,
    Testz,
    I8,
    I16,
    /// `enter`.
    I24,
    Iz,
    /// `mov` of as many bytes as the register has.
    Iv,
    /// An address of the whole width.
    Address,
    Rel8,
    Rel32,
    /// Not an instruction of 64-bit code, or not known here.
    Bad,
}

use Rest::{Address, Bad, I8, I16, I24, Iv, Iz, M, M8, M16, Mz, No, Rel8, Rel32, Test8, Testz};

/// Opcodes of one byte. Prefixes and escapes are taken before it is asked.
#[rustfmt::skip]
const ONE: [Rest; 256] = [
    M, M, M, M, I8, Iz, Bad, Bad, M, M, M, M, I8, Iz, Bad, Bad, // 00
    M, M, M, M, I8, Iz, Bad, Bad, M, M, M, M, I8, Iz, Bad, Bad, // 10
    M, M, M, M, I8, Iz, Bad, Bad, M, M, M, M, I8, Iz, Bad, Bad, // 20
    M, M, M, M, I8, Iz, Bad, Bad, M, M, M, M, I8, Iz, Bad, Bad, // 30
    Bad, Bad, Bad, Bad, Bad, Bad, Bad, Bad, Bad, Bad, Bad, Bad, Bad, Bad, Bad, Bad, // 40: REX
    No, No, No, No, No, No, No, No, No, No, No, No, No, No, No, No, // 50
    Bad, Bad, Bad, M, Bad, Bad, Bad, Bad, Iz, Mz, I8, M8, No, No, No, No, // 60
    Rel8, Rel8, Rel8, Rel8, Rel8, Rel8, Rel8, Rel8, Rel8, Rel8, Rel8, Rel8, Rel8, Rel8, Rel8, Rel8, // 70
    M8, Mz, Bad, M8, M, M, M, M, M, M, M, M, M, M, M, M, // 80
    No, No, No, No, No, No, No, No, No, No, Bad, No, No, No, No, No, // 90
    Address, Address, Address, Address, No, No, No, No, I8, Iz, No, No, No, No, No, No, // A0
    I8, I8, I8, I8, I8, I8, I8, I8, Iv, Iv, Iv, Iv, Iv, Iv, Iv, Iv, // B0
    M8, M8, I16, No, Bad, Bad, M8, Mz, I24, No, I16, No, No, I8, Bad, No, // C0
    M, M, M, M, Bad, Bad, Bad, No, M, M, M, M, M, M, M, M, // D0
    Rel8, Rel8, Rel8, Rel8, I8, I8, I8, I8, Rel32, Rel32, Bad, Rel8, No, No, No, No, // E0
    Bad, No, Bad, Bad, No, No, Test8, Testz, No, No, No, No, No, No, M, M, // F0
];

/// Opcodes behind `0F`.
#[rustfmt::skip]
const TWO: [Rest; 256] = [
    M, M, M, M, Bad, No, No, No, No, No, Bad, No, Bad, M, No, M8, // 00
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, // 10
    M, M, M, M, Bad, Bad, Bad, Bad, M, M, M, M, M, M, M, M, // 20
    No, No, No, No, No, No, Bad, No, Bad, Bad, Bad, Bad, Bad, Bad, Bad, Bad, // 30
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, // 40
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, // 50
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, // 60
    M8, M8, M8, M8, M, M, M, No, M, M, Bad, Bad, M, M, M, M, // 70
    Rel32, Rel32, Rel32, Rel32, Rel32, Rel32, Rel32, Rel32, Rel32, Rel32, Rel32, Rel32, Rel32, Rel32, Rel32, Rel32, // 80
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, // 90
    No, No, No, M, M8, M, M, M, No, No, No, M, M8, M, M, M, // A0
    M, M, M, M, M, M, M, M, M, M, M8, M, M, M, M, M, // B0
    M, M, M8, M, M8, M8, M8, M, No, No, No, No, No, No, No, No, // C0
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, // D0
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, // E0
    M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, M, // F0
];

/// The instruction at the start of some bytes; nothing if it is not understood or cut off.
pub(super) fn decode(bytes: &[u8]) -> Option<Instruction> {
    let mut at = 0;
    let (mut small, mut wide, mut short_address, mut repeats) = (false, false, false, false);
    loop {
        match bytes.get(at)? {
            0x66 => small = true,
            0x67 => short_address = true,
            0xf2 => repeats = true,
            0x26 | 0x2e | 0x36 | 0x3e | 0x64 | 0x65 | 0xf0 | 0xf3 => {}
            _ => break,
        }
        at += 1;
    }
    if let Some(rex @ 0x40..=0x4f) = bytes.get(at) {
        wide = rex & 8 != 0;
        at += 1;
    }
    let opcode = *bytes.get(at)?;
    at += 1;
    let (opcode, map, rest, taken) = match opcode {
        0x0f => match *bytes.get(at)? {
            0x38 => (*bytes.get(at + 1)?, 2, M, 2),
            0x3a => (*bytes.get(at + 1)?, 3, M8, 2),
            // Immediates of SSE4a.
            0x78 if small || repeats => (0x78, 1, M16, 1),
            next => (next, 1, TWO[usize::from(next)], 1),
        },
        // VEX: two bytes, or three, of which the first names the map.
        0xc5 => vector(bytes, at, 1, 1)?,
        0xc4 => vector(bytes, at, *bytes.get(at)? & 0x1f, 2)?,
        // EVEX: four bytes.
        0x62 => vector(bytes, at, *bytes.get(at)? & 7, 3)?,
        // XOP of AMD lies where `pop` would have an invalid operand.
        0x8f if bytes.get(at)? & 0x38 != 0 => return None,
        other => (other, 0, ONE[usize::from(other)], 0),
    };
    at += taken;
    let operand = if small && !wide { 2 } else { 4 };
    let modrm = bytes.get(at).copied();
    let extension = modrm.map(|modrm| modrm >> 3 & 7);
    let immediate = match rest {
        No | M => 0,
        M8 | I8 | Rel8 => 1,
        M16 | I16 => 2,
        I24 => 3,
        Mz | Iz => operand,
        Iv if wide => 8,
        Iv => operand,
        Address if short_address => 4,
        Address => 8,
        Rel32 => 4,
        Test8 => usize::from(extension? < 2),
        Testz if extension? < 2 => operand,
        Testz => 0,
        Bad => return None,
    };
    let (mut distance, mut displacement) = (None, None);
    let mut is_branch = false;
    match rest {
        M | M8 | M16 | Mz | Test8 | Testz => {
            let modrm = modrm?;
            at += 1;
            let mut shift = match modrm >> 6 {
                1 => 1,
                2 => 4,
                _ => 0, // none, or a register
            };
            match (modrm >> 6, modrm & 7) {
                (3, _) => {}
                (mode, 4) => {
                    let base = bytes.get(at)? & 7;
                    at += 1;
                    if mode == 0 && base == 5 {
                        shift = 4;
                    }
                }
                (0, 5) => {
                    shift = 4;
                    distance = Some((at, 4));
                }
                _ => {}
            }
            displacement = (shift > 0 && distance.is_none()).then_some((at, shift));
            at += shift;
            // `xbegin` holds where an aborted transaction goes on.
            if rest == Mz && map == 0 && opcode == 0xc7 && modrm == 0xf8 {
                (distance, is_branch) = (Some((at, 4)), true);
            }
        }
        Rel8 | Rel32 => (distance, is_branch) = (Some((at, immediate)), true),
        _ => {}
    }
    let length = at + immediate;
    let found = Instruction { length, distance, is_branch, immediate, displacement };
    (length <= 15 && length <= bytes.len()).then_some(found)
}

/// A vector instruction: opcode, map, what follows, and how many bytes lead up to that.
fn vector(bytes: &[u8], at: usize, map: u8, prefix: usize) -> Option<(u8, u8, Rest, usize)> {
    let opcode = *bytes.get(at + prefix)?;
    let rest = match (map, opcode) {
        (1, 0x77) => No,
        (1, 0x70..=0x73 | 0xc2 | 0xc4..=0xc6) | (3, _) => M8,
        (1 | 2 | 5 | 6, _) => M,
        _ => return None,
    };
    Some((opcode, map, rest, prefix + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        let words = text.split_whitespace();
        words.map(|word| u8::from_str_radix(word, 16).unwrap()).collect()
    }

    #[test]
    fn lengths_are_those_of_the_manual() {
        let cases = [
            ("c3", 1),
            ("f3 0f 1e fa", 4),                    // endbr64
            ("55", 1),                             // push rbp
            ("48 89 e5", 3),                       // mov rbp,rsp
            ("48 83 ec 10", 4),                    // sub rsp,16
            ("48 81 ec 00 10 00 00", 7),           // sub rsp,4096
            ("66 c7 04 24 34 12", 6),              // mov word [rsp],0x1234
            ("48 c7 c0 ff ff ff ff", 7),           // mov rax,-1
            ("48 b8 01 02 03 04 05 06 07 08", 10), // movabs
            ("66 b8 34 12", 4),                    // mov ax
            ("0f b6 44 24 0c", 5),                 // movzx eax,[rsp+12]
            ("8b 04 85 00 00 00 00", 7),           // mov eax,[rax*4+0]
            ("f6 c1 01", 3),                       // test cl,1
            ("f6 d9", 2),                          // neg cl
            ("f7 c1 01 00 00 00", 6),              // test ecx,1
            ("f7 d9", 2),                          // neg ecx
            ("66 0f 1f 84 00 00 00 00 00", 9),     // nop
            ("0f 3a 0f c1 04", 5),                 // palignr mm0
            ("66 0f 38 00 c1", 5),                 // pshufb
            ("c5 f8 77", 3),                       // vzeroupper
            ("c5 fd 70 c1 1b", 5),                 // vpshufd
            ("c4 e2 7d 00 c1", 5),                 // vpshufb
            ("c4 e3 7d 39 c1 01", 6),              // vextracti128
            ("62 f1 7c 48 28 c1", 6),              // vmovaps zmm
            ("62 f3 fd 48 3b c1 01", 7),           // vextracti64x4
            ("c8 10 00 00", 4),                    // enter
            ("a8 01", 2),                          // test al,1
            ("f0 0f b1 0f", 4),                    // lock cmpxchg
            ("64 48 8b 04 25 28 00 00 00", 9),     // mov rax,fs:0x28
            ("c6 05 00 00 00 00 01", 7),           // mov byte [rip+0],1
        ];
        for (text, length) in cases {
            let found = decode(&bytes(text)).map(|instruction| instruction.length);
            assert_eq!(found, Some(length), "{text}");
        }
    }

    #[test]
    fn distances_are_found_where_they_stand() {
        let distance = |text: &str| decode(&bytes(text)).unwrap().distance;
        assert_eq!(distance("e8 00 00 00 00"), Some((1, 4)));
        assert_eq!(distance("eb 10"), Some((1, 1)));
        assert_eq!(distance("0f 84 00 00 00 00"), Some((2, 4)));
        assert_eq!(distance("48 8d 3d 00 00 00 00"), Some((3, 4)));
        assert_eq!(distance("c6 05 00 00 00 00 01"), Some((2, 4)));
        assert_eq!(distance("c5 fd 6f 05 00 00 00 00"), Some((4, 4)));
        assert_eq!(distance("66 66 48 e8 00 00 00 00"), Some((4, 4)));
        assert_eq!(distance("48 8b 05 01 00 00 00"), Some((3, 4)));
        assert_eq!(distance("48 8b 44 24 08"), None);
    }

    #[test]
    fn what_is_no_instruction_or_cut_off_is_said() {
        for text in ["06", "62 08 00 00 00 00", "e8 00 00", "0f", "48", "c5", "8f e8 78 c0", ""] {
            assert_eq!(decode(&bytes(text)), None, "{text}");
        }
        assert_eq!(decode(&[0x66; 20]), None);
    }
}
