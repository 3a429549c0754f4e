//! Functions as lists of instructions that do not depend on where the function lies.
//!
//! In each [`Step`] the fields that hold an address or a distance are blanked, and what they point to
//! stands beside it by name. Two functions with equal steps do the same, wherever they and what they
//! use were put. What the length decoder does not understand is taken as bytes, and said.

use super::{
    binary::{MACHINE_AARCH64, MACHINE_X86_64, Relocation},
    layout::{Layout, Piece, Target},
    x86,
};

/// Longer functions are compared as bytes: real ones are far shorter.
const LONGEST: usize = 1 << 20;

/// One instruction, or some bytes that are not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Step<'a> {
    bytes: [u8; 15],
    length: u8,
    /// Which bytes are blanked, bit by bit.
    blank: u16,
    immediate: u8,
    /// What is added to registers for an address: start and size.
    displacement: (u8, u8),
    targets: [Option<Target<'a>>; 2],
}

/// A function in that form.
#[derive(Debug, Default)]
pub(super) struct Steps<'a> {
    pub(super) steps: Vec<Step<'a>>,
    /// Where each lies in the function.
    pub(super) offsets: Vec<u32>,
    /// Jumps inside of the function: which step jumps to which offset.
    jumps: Vec<(usize, u64)>,
    /// From where on it is taken as bytes.
    pub(super) raw_from: Option<usize>,
}

impl Steps<'_> {
    /// Whether both do the same: equal steps, and jumps between the same ones.
    pub(super) fn is_same(&self, other: &Steps<'_>) -> bool {
        let to = |steps: &Self, offset: u64| {
            let offset = u32::try_from(offset).ok()?;
            steps.offsets.binary_search(&offset).ok()
        };
        self.steps == other.steps
            && self.jumps.len() == other.jumps.len()
            && self.jumps.iter().zip(&other.jumps).all(|(a, b)| {
                let both = [to(self, a.1), other.step_at(b.1)];
                a.0 == b.0 && if both == [None, None] { a.1 == b.1 } else { both[0] == both[1] }
            })
    }

    fn step_at(&self, offset: u64) -> Option<usize> {
        self.offsets.binary_search(&u32::try_from(offset).ok()?).ok()
    }
}

impl<'a> Step<'a> {
    fn new(bytes: &[u8]) -> Self {
        let mut own = [0; 15];
        let length = bytes.len().min(15);
        own[..length].copy_from_slice(&bytes[..length]);
        let (length, targets) = (length as u8, [None; 2]);
        Self { bytes: own, length, blank: 0, immediate: 0, displacement: (0, 0), targets }
    }

    /// Blanks a field that points to something.
    fn blank(&mut self, at: usize, width: usize, target: Option<Target<'a>>) {
        for index in at..at.saturating_add(width).min(usize::from(self.length)) {
            self.bytes[index] = 0;
            self.blank |= 1 << index;
        }
        if let Some(free) = self.targets.iter_mut().find(|slot| slot.is_none()) {
            *free = target;
        }
    }

    /// Whether it does nothing and only fills space.
    pub(super) fn is_padding(&self) -> bool {
        let bytes = &self.bytes[..usize::from(self.length)];
        let body: &[u8] = match bytes.iter().position(|byte| !matches!(byte, 0x66 | 0x2e)) {
            Some(at) => &bytes[at..],
            None => return true,
        };
        matches!(body, [0x90 | 0xcc] | [0x0f, 0x1f, ..] | [0x00, 0x00])
    }

    pub(super) fn targets(&self) -> impl Iterator<Item = Target<'a>> + use<'a> {
        self.targets.into_iter().flatten()
    }

    /// A field as a signed number, and the bytes around it; nothing if it is blanked.
    fn field(&self, start: usize, size: usize) -> Option<(i64, &[u8], &[u8])> {
        let (before, rest) = self.bytes[..usize::from(self.length)].split_at_checked(start)?;
        let (number, after) = rest.split_at_checked(size)?;
        let value = number.iter().rev().fold(0i64, |value, byte| value << 8 | i64::from(*byte));
        let value = match size {
            1 => i64::from(value as u8 as i8),
            2 => i64::from(value as u16 as i16),
            4 => i64::from(value as u32 as i32),
            8 => value,
            _ => return None,
        };
        (self.blank >> start & ((1 << size) - 1) == 0).then_some((value, before, after))
    }

    /// The numbers of two instructions that differ in nothing else.
    pub(super) fn numbers(&self, other: &Self) -> Option<(i64, i64)> {
        let field = |step: &Self| {
            let size = usize::from(step.immediate);
            Some((usize::from(step.length).checked_sub(size)?, size))
        };
        self.differ_in(other, field(self)?, field(other)?)
    }

    /// The texts that two instructions lead to, if they differ in nothing else.
    pub(super) fn texts(&self, other: &Self) -> Option<(&'a [u8], &'a [u8])> {
        let only = |step: &Self| match step.targets {
            [Some(Target::Text(text)), None] => Some((text, Self { targets: [None; 2], ..*step })),
            _ => None,
        };
        let ((a, rest), (b, other_rest)) = (only(self)?, only(other)?);
        (rest == other_rest && a != b).then_some((a, b))
    }

    /// Whether all that differs is a number that may be one of a line: what a register is set to.
    pub(super) fn is_line(&self, other: &Self) -> bool {
        let is_move = self.length == 5 && matches!(self.bytes[0], 0xb8..=0xbf);
        let is_line = |number: i64| (2..200_000).contains(&number);
        is_move && self.numbers(other).is_some_and(|(a, b)| is_line(a) && is_line(b))
    }

    /// The offsets behind a register of two instructions that differ in nothing else.
    pub(super) fn offsets(&self, other: &Self) -> Option<(i64, i64)> {
        let field =
            |step: &Self| (usize::from(step.displacement.0), usize::from(step.displacement.1));
        self.differ_in(other, field(self), field(other))
    }

    fn differ_in(
        &self,
        other: &Self,
        mine: (usize, usize),
        others: (usize, usize),
    ) -> Option<(i64, i64)> {
        let (a, before, after) = self.field(mine.0, mine.1)?;
        let (b, other_before, other_after) = other.field(others.0, others.1)?;
        let is_same = before == other_before && after == other_after;
        (is_same && a != b && self.targets == other.targets).then_some((a, b))
    }

    /// Its bytes, and what it points to.
    pub(super) fn shown(&self) -> String {
        let bytes = self.bytes.iter().take(usize::from(self.length)).enumerate();
        let words: Vec<String> = bytes
            .map(|(index, byte)| match self.blank >> index & 1 {
                0 => format!("{byte:02x}"),
                _ => "..".to_owned(),
            })
            .collect();
        let mut text = words.join(" ");
        for target in self.targets() {
            text += &format!(" [{}]", target.shown());
        }
        text
    }
}

/// A function as steps; nothing if it is too long for that.
pub(super) fn steps<'a>(layout: &Layout<'a, '_>, piece: &Piece<'a>) -> Option<Steps<'a>> {
    let bytes = layout.bytes(piece);
    if bytes.len() > LONGEST {
        return None;
    }
    let relocations: Vec<Relocation<'a>> = layout.relocations(piece).collect();
    let found = Steps::default();
    let is_fixed = layout.binary.header.kind == object::elf::ET_EXEC.0;
    let (relocations, pages) = (&relocations[..], [None; 32]);
    let mut walk = Walk { layout, piece, relocations, is_fixed, pages, found };
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let length = match layout.binary.header.machine {
            MACHINE_X86_64 => walk.x86(rest, at),
            MACHINE_AARCH64 => walk.aarch64(rest, at),
            _ => None,
        };
        match length {
            Some(length) => at += length,
            None => {
                walk.raw(rest, at);
                break;
            }
        }
    }
    Some(walk.found)
}

struct Walk<'a, 'b, 'c> {
    layout: &'c Layout<'a, 'b>,
    piece: &'c Piece<'a>,
    /// Those that are still ahead.
    relocations: &'c [Relocation<'a>],
    /// Whether the file is never moved.
    is_fixed: bool,
    /// Pages whose addresses registers hold (AArch64).
    pages: [Option<u64>; 32],
    found: Steps<'a>,
}

impl<'a> Walk<'a, '_, '_> {
    /// The relocations before an offset, which are then passed.
    fn passed(&mut self, end: usize) -> Vec<Relocation<'a>> {
        let count = self.relocations.partition_point(|one| one.offset < end as u64);
        let (passed, ahead) = self.relocations.split_at(count);
        self.relocations = ahead;
        passed.to_vec()
    }

    fn push(&mut self, step: Step<'a>, at: usize) {
        self.found.steps.push(step);
        self.found.offsets.push(at as u32);
    }

    fn relocated(&mut self, step: &mut Step<'a>, at: usize, length: usize) -> bool {
        let end = at + length;
        let passed = self.passed(end);
        for relocation in &passed {
            let offset = relocation.offset as usize;
            let is_relative = self.layout.binary.header.machine == MACHINE_X86_64
                && matches!(relocation.kind, 2 | 4 | 9 | 13 | 15 | 22 | 24 | 26 | 41 | 42);
            let behind = if is_relative { (end - offset) as i64 } else { 0 };
            let target = self.layout.destination(relocation.to, behind);
            let width = self.layout.binary.width(relocation.kind);
            step.blank(offset.saturating_sub(at), width, Some(target));
        }
        !passed.is_empty()
    }

    /// A distance inside of the function is a jump, any other a target.
    fn distance(&mut self, to: u64) -> Option<Target<'a>> {
        let offset = to.wrapping_sub(self.piece.address);
        if offset < self.piece.size {
            self.found.jumps.push((self.found.steps.len(), offset));
            return None;
        }
        Some(self.layout.target(to))
    }

    fn x86(&mut self, rest: &'a [u8], at: usize) -> Option<usize> {
        let instruction = x86::decode(rest)?;
        let bytes = rest.get(..instruction.length)?;
        let mut step = Step::new(bytes);
        let is_relocated = self.relocated(&mut step, at, instruction.length);
        step.immediate = instruction.immediate as u8;
        let (start, size) = instruction.displacement.unwrap_or_default();
        step.displacement = (start as u8, size as u8);
        if let Some((field, width)) = instruction.distance.filter(|_| !is_relocated) {
            let distance = self.layout.binary.word(bytes.get(field..)?, width)?;
            let distance = match width {
                1 => i64::from(distance as u8 as i8),
                _ => i64::from(distance as u32 as i32),
            };
            let end = self.piece.address.wrapping_add((at + instruction.length) as u64);
            let target = self.distance(end.wrapping_add_signed(distance));
            // Near and far forms of a jump are chosen by distance.
            let short = match bytes {
                [0x0f, near, ..] if instruction.is_branch => Some([near.wrapping_sub(0x10), 0]),
                [0xe9, ..] => Some([0xeb, 0]),
                _ => None,
            };
            match short.filter(|_| target.is_none()) {
                Some(short) => {
                    step = Step::new(&short);
                    step.blank(1, 1, None);
                }
                None => step.blank(field, width, target),
            }
            if instruction.is_branch {
                step.immediate = 0;
            }
        }
        if self.is_fixed && !is_relocated && !instruction.is_branch {
            self.addresses(&mut step, &instruction, bytes);
        }
        self.push(step, at);
        Some(instruction.length)
    }

    /// In files that are never moved, numbers may be addresses: of what is a place of the file.
    fn addresses(&self, step: &mut Step<'a>, instruction: &x86::Instruction, bytes: &[u8]) {
        let size = instruction.immediate;
        let immediate = (instruction.length.saturating_sub(size), size);
        for (start, size) in [Some(immediate), instruction.displacement].into_iter().flatten() {
            let number = bytes.get(start..).and_then(|rest| self.layout.binary.word(rest, size));
            let address = match (number, size) {
                (Some(number), 4) => i64::from(number as u32 as i32).cast_unsigned(),
                (Some(number), 8) => number,
                _ => continue,
            };
            let target = self.layout.target(address);
            if !matches!(target, Target::Number(_) | Target::End(_)) {
                step.blank(start, size, Some(target));
            }
        }
    }

    /// Instructions of four bytes; distances are blanked bit by bit.
    ///
    /// Source: Arm Architecture Reference Manual for A-profile, chapter C4.
    fn aarch64(&mut self, rest: &'a [u8], at: usize) -> Option<usize> {
        let bytes = rest.get(..4)?;
        let word = self.layout.binary.word(bytes, 4)? as u32;
        let mut step = Step::new(bytes);
        if !self.relocated(&mut step, at, 4) {
            let here = self.piece.address.wrapping_add(at as u64);
            let (register, base) = ((word & 31) as usize, (word >> 5 & 31) as usize);
            let page = self.pages[base];
            if word & 0xfc00_0000 == 0x9400_0000 {
                self.pages = [None; 32]; // a call may change any register
            }
            self.pages[register] = None;
            let (mask, to) = match (arm_distance(word), page) {
                (Some((mask, distance, Reach::Near)), _) => {
                    (mask, self.distance(here.wrapping_add_signed(distance)))
                }
                (Some((mask, distance, Reach::Page)), _) => {
                    let page = (here & !0xfff).wrapping_add_signed(distance << 12);
                    self.pages[register] = Some(page);
                    (mask, None) // what lies on it is added behind
                }
                (None, Some(page)) => match arm_offset(word) {
                    Some(offset) => (0x003f_fc00, self.distance(page.wrapping_add(offset))),
                    None => (0, None),
                },
                (None, None) => (0, None),
            };
            let own = (word & !mask).to_le_bytes();
            step.bytes[..4].copy_from_slice(&own);
            step.targets[0] = to;
        }
        self.push(step, at);
        Some(4)
    }

    /// The rest as bytes, but for what is relocated.
    fn raw(&mut self, rest: &'a [u8], at: usize) {
        self.found.raw_from = Some(at);
        let mut open = at; // the end of the last field that is relocated
        for (number, bytes) in rest.chunks(8).enumerate() {
            let at = at + number * 8;
            let mut step = Step::new(bytes);
            step.blank(0, open.saturating_sub(at), None);
            let ahead = self.relocations;
            self.relocated(&mut step, at, bytes.len());
            let passed = ahead.len() - self.relocations.len();
            if let Some(last) = ahead.get(..passed).and_then(<[_]>::last) {
                let width = self.layout.binary.width(last.kind);
                open = usize::try_from(last.offset).unwrap_or(at).saturating_add(width);
            }
            self.push(step, at);
        }
    }
}

enum Reach {
    Near,
    /// Pages of 4096 bytes.
    Page,
}

/// The bits of a distance in an instruction of AArch64, and the distance.
fn arm_distance(word: u32) -> Option<(u32, i64, Reach)> {
    let signed =
        |bits: u32, width: u32| i64::from((bits << (32 - width)).cast_signed() >> (32 - width));
    Some(match word {
        // b, bl
        w if w & 0x7c00_0000 == 0x1400_0000 => (0x03ff_ffff, signed(w, 26) * 4, Reach::Near),
        // b.cond; cbz and cbnz; ldr of a literal
        w if w & 0xff00_0010 == 0x5400_0000
            || w & 0x7e00_0000 == 0x3400_0000
            || w & 0x3b00_0000 == 0x1800_0000 =>
        {
            (0x00ff_ffe0, signed(w >> 5, 19) * 4, Reach::Near)
        }
        // tbz and tbnz
        w if w & 0x7e00_0000 == 0x3600_0000 => (0x0007_ffe0, signed(w >> 5, 14) * 4, Reach::Near),
        // adr, adrp
        w if w & 0x1f00_0000 == 0x1000_0000 => {
            let distance = signed(w >> 5, 19) << 2 | i64::from(w >> 29 & 3);
            let reach = if w >> 31 == 0 { Reach::Near } else { Reach::Page };
            (0x60ff_ffe0, distance, reach)
        }
        _ => return None,
    })
}

/// What an addition, a load or a store of AArch64 adds to a register.
fn arm_offset(word: u32) -> Option<u64> {
    let bits = u64::from(word >> 10 & 0xfff);
    match word {
        w if w & 0xffc0_0000 == 0x9100_0000 => Some(bits),
        w if w & 0x3b00_0000 == 0x3900_0000 => {
            let is_wide = w & 0x0480_0000 == 0x0480_0000;
            Some(bits << if is_wide { 4 } else { w >> 30 })
        }
        _ => None,
    }
}
