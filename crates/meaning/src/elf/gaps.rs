//! Data that no symbol names: texts, constants, tables of jumps.

use super::{
    data::{Variables, is_content},
    layout::{Layout, Piece, What},
    sides::{Sides, fills, told_uses, used},
    texts,
    words::{count, name},
};
use crate::{Finding, Kind};
use std::collections::BTreeMap;

impl Variables {
    /// Data that no symbol names, section by section.
    pub(super) fn gaps(&mut self, sides: &Sides<'_, '_, '_>) {
        let Sides { before, after, .. } = sides;
        let mut by_section: BTreeMap<&[u8], [Vec<&Piece<'_>>; 2]> = BTreeMap::new();
        for (side, layout) in [before, after].into_iter().enumerate() {
            let gaps = layout.pieces.iter().filter(|piece| piece.what == What::Gap);
            for piece in gaps.filter(|piece| is_content(layout, piece)) {
                let section = layout.section(piece).filter(|section| !section.is_code());
                if let Some(section) = section {
                    by_section.entry(section.name).or_default()[side].push(piece);
                }
            }
        }
        for (section, [old, new]) in by_section {
            self.section(sides, section, &old, &new);
        }
    }

    fn section(
        &mut self,
        sides: &Sides<'_, '_, '_>,
        section: &[u8],
        old: &[&Piece<'_>],
        new: &[&Piece<'_>],
    ) {
        let Sides { before, after, .. } = sides;
        let all = |layout: &Layout<'_, '_>, pieces: &[&Piece<'_>]| {
            pieces.iter().all(|piece| layout.section(piece).is_some_and(|one| one.is_strings()))
        };
        let only_texts = all(before, old) && all(after, new);
        let (a, b) = (joined(before, old), joined(after, new));
        let is_even =
            old.len() == new.len() && old.iter().zip(new).all(|(old, new)| old.size == new.size);
        if a == b && is_even && only_texts {
            return;
        }
        let title = name(section);
        if only_texts {
            let findings = texts::compare(&title, texts::all(&a), texts::all(&b));
            if findings.is_empty() && a != b {
                self.moved += 1;
            }
            self.findings.extend(findings);
            return;
        }
        let texts = texts::compare(&title, texts::found(&a), texts::found(&b));
        let has_fills = |layout: &Layout<'_, '_>, pieces: &[&Piece<'_>]| {
            pieces.iter().any(|piece| layout.relocations(piece).next().is_some())
        };
        let is_filled = has_fills(before, old) || has_fills(after, new);
        if is_even && (texts.is_empty() || is_filled) {
            for (old, new) in old.iter().zip(new) {
                let base = sides.after.section(new).map_or(0, |section| section.address);
                let title = match new.address.wrapping_sub(base) {
                    0 => title.clone(),
                    at => format!("{title}+{at:#x}"),
                };
                let found = self.places(sides, &title, old, new);
                self.tell(title, found);
            }
            return;
        }
        // Texts move what lies behind them: the rest is only compared as a whole.
        if is_filled {
            let used = used([(before, old), (after, new)]);
            self.findings.extend(told_uses(used, &format!("{title} points to")));
        }
        self.findings.extend(texts);
        let rests = [texts::without(&a), texts::without(&b)];
        if rests[0] == rests[1] {
            self.moved += 1;
        } else if rests[0].len() == rests[1].len() && rests[0].len() <= 64 << 20 {
            let differ = rests[0].iter().zip(&rests[1]).filter(|(a, b)| a != b).count();
            let what = format!("{title}, where nothing has a name");
            let of = count(rests[0].len(), "byte");
            let note = format!("{differ} of {of} differ, apart from texts");
            self.findings.push(Finding::bare(Kind::Data, what).note(note));
        } else {
            let sizes = [a.len(), b.len()].map(|size| count(size, "byte"));
            let [from, to] = sizes;
            let what = format!("{title}, where nothing has a name");
            let note = "constants and tables of jumps that cannot be told apart";
            let finding = Finding::changed(Kind::Data, what, from, to).note(note);
            self.findings.push(finding);
        }
    }
}

/// Data without names; blanked is what is filled later, and what leads into code as tables of jumps
/// do.
fn joined(layout: &Layout<'_, '_>, pieces: &[&Piece<'_>]) -> Vec<u8> {
    let mut all = Vec::new();
    for piece in pieces {
        let from = all.len();
        all.extend_from_slice(layout.bytes(piece));
        for (offset, (width, _)) in fills(layout, piece) {
            let at = from.saturating_add(usize::try_from(offset).unwrap_or(usize::MAX));
            if let Some(bytes) = all.get_mut(at..at.saturating_add(width)) {
                bytes.fill(0);
            }
        }
        if layout.binary.header.kind == object::elf::ET_EXEC.0 {
            let width = if layout.binary.header.is_64 { 8 } else { 4 };
            let start = aligned(piece.address, width);
            for at in (start as usize..all.len() - from).step_by(width as usize) {
                let word = all.get_mut(from + at..from + at + width as usize);
                let Some(word) = word else { continue };
                let address = layout.binary.word(word, width as usize).unwrap_or_default();
                if layout.is_code(address) {
                    word.fill(0);
                }
            }
        }
        let start = aligned(piece.address, 4);
        for at in (start as usize..all.len() - from).step_by(4) {
            if let Some(word) = all.get_mut(from + at..from + at + 4)
                && is_jump(layout, piece.address.wrapping_add(at as u64), word)
            {
                word.fill(0);
            }
        }
    }
    all
}

/// How far the next multiple is.
fn aligned(address: u64, to: u64) -> u64 {
    (to - address % to) % to
}

/// Whether the word around an offset, in data without a name, is a distance into code on both sides,
/// as tables of jumps hold it; then where it ends.
pub(super) fn jump(
    sides: &Sides<'_, '_, '_>,
    (old, a): (&Piece<'_>, &[u8]),
    (new, b): (&Piece<'_>, &[u8]),
    offset: usize,
) -> Option<usize> {
    let start = offset - (new.address.wrapping_add(offset as u64) % 4) as usize % (offset + 1);
    let is_jump = |layout: &Layout<'_, '_>, piece: &Piece<'_>, side: &[u8]| {
        let word = side.get(start..start + 4);
        let at = piece.address.wrapping_add(start as u64);
        piece.name.is_none() && word.is_some_and(|word| is_jump(layout, at, word))
    };
    let both = is_jump(sides.before, old, a) && is_jump(sides.after, new, b);
    both.then_some(start + 4)
}

/// Whether a word, added to where it stands, leads into code.
fn is_jump(layout: &Layout<'_, '_>, address: u64, word: &[u8]) -> bool {
    let Some(word) = layout.binary.word(word, 4) else { return false };
    let distance = i64::from(word as u32 as i32);
    layout.binary.is_linked()
        && distance.unsigned_abs() > 64
        && layout.is_code(address.wrapping_add_signed(distance))
}
