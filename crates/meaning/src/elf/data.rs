//! Variables and other initialised data: which bytes differ, in which variable, and what they are.

use super::{
    gaps::jump,
    layout::{Layout, Piece, Target, What},
    pairs::Pairs,
    sections::Class,
    sides::{Sides, fills, told_uses, used},
    texts,
    words::{count, hex, name, quoted},
};
use crate::{Finding, Kind};
use object::elf;

/// Places of one variable that are told one by one.
pub(super) const TOLD: usize = 32;

/// What became of the variables of a file.
#[derive(Debug, Default)]
pub(super) struct Variables {
    pub(super) findings: Vec<Finding>,
    /// Other bytes that point to the same things.
    pub(super) moved: usize,
    /// Places in functions that changed, as tables of jumps hold them.
    pub(super) followed: usize,
}

/// Compares all variables, and the data between them.
pub(super) fn compare(sides: &Sides<'_, '_, '_>, pairs: &Pairs) -> Variables {
    let mut found = Variables::default();
    let Sides { before, after, .. } = sides;
    for (old, new) in &pairs.both {
        let (Some(old), Some(new)) = (before.pieces.get(*old), after.pieces.get(*new)) else {
            continue;
        };
        if new.what == What::Variable && is_content(after, new) {
            found.pair(sides, old, new);
        }
    }
    for (list, layout, is_new) in [(&pairs.gone, before, false), (&pairs.new, after, true)] {
        for piece in list.iter().filter_map(|index| layout.pieces.get(*index)) {
            if piece.what != What::Variable || !is_content(layout, piece) {
                continue;
            }
            let what = format!("variable {}", name(piece.name.unwrap_or_default()));
            let size = count(piece.size as usize, "byte");
            found.findings.push(match is_new {
                true => Finding::added(Kind::Data, what, size),
                false => Finding::removed(Kind::Data, what, size),
            });
        }
    }
    found.gaps(sides);
    found
}

pub(super) fn is_content(layout: &Layout<'_, '_>, piece: &Piece<'_>) -> bool {
    let section = layout.section(piece);
    section.is_some_and(|section| !Class::of(section.name).is_table())
}

impl Variables {
    fn pair<'a>(&mut self, sides: &Sides<'_, 'a, '_>, old: &Piece<'a>, new: &Piece<'a>) {
        let title = name(new.name.unwrap_or_default());
        let names = [sides.before.section(old), sides.after.section(new)];
        let sections = names.map(|section| section.map_or(&b""[..], |section| section.name));
        if sections[0] != sections[1] {
            let [from, to] = sections.map(name);
            let finding = Finding::changed(Kind::Section, format!("{title}: section"), from, to);
            self.findings.push(finding);
        }
        if old.size != new.size {
            self.resized(sides, &title, old, new);
            return;
        }
        let found = self.places(sides, &title, old, new);
        self.tell(title, found);
    }

    /// Of many places the first are told, and how many there are.
    pub(super) fn tell(&mut self, title: String, (mut found, more): (Vec<Finding>, usize)) {
        if more == 0 {
            self.findings.append(&mut found);
            return;
        }
        let places = format!("{} places differ, the first {} are told", found.len() + more, TOLD);
        self.findings.push(Finding::bare(Kind::Data, title).note(places).with(found));
    }

    /// Where two pieces of the same size differ, and how many more places there are.
    pub(super) fn places(
        &mut self,
        sides: &Sides<'_, '_, '_>,
        title: &str,
        old: &Piece<'_>,
        new: &Piece<'_>,
    ) -> (Vec<Finding>, usize) {
        let Sides { before, after, .. } = sides;
        let (a, b) = (before.bytes(old), after.bytes(new));
        let mut rows = Rows::default();
        // What is filled later, by offset: as far as both sides fill the same places, only what they
        // are filled with counts.
        let filled = [fills(before, old), fills(after, new)];
        let mut offsets: Vec<(u64, usize)> =
            filled.iter().flatten().map(|(offset, (width, _))| (*offset, *width)).collect();
        offsets.sort_unstable();
        offsets.dedup_by_key(|(offset, _)| *offset);
        for (offset, width) in &offsets {
            let at = usize::try_from(*offset).unwrap_or(usize::MAX);
            let shown = |side: usize, bytes: &[u8]| match filled[side].get(offset) {
                Some((_, target)) => target.shown(),
                None => hex(bytes.get(at..at.saturating_add(*width)).unwrap_or_default()),
            };
            let targets = [0, 1].map(|side| filled[side].get(offset).map(|(_, target)| *target));
            if targets[0] == targets[1] {
                continue;
            }
            if sides.follows(targets[0], targets[1]) {
                self.followed += 1;
                continue;
            }
            let finding =
                Finding::changed(Kind::Data, place(title, *offset), shown(0, a), shown(1, b));
            let bit = offset.saturating_mul(8);
            rows.add(match sides.field(old, new, bit) {
                Some((field, _)) => finding.note(format!("{title}{}", field.path)),
                None => finding,
            });
        }
        let mut at = 0;
        let mut next = 0;
        let is_fixed = before.binary.header.kind == elf::ET_EXEC.0
            && after.binary.header.kind == elf::ET_EXEC.0;
        while let Some(offset) = differs(a, b, at) {
            while offsets
                .get(next)
                .is_some_and(|(start, width)| start.saturating_add(*width as u64) <= offset as u64)
            {
                next += 1;
            }
            if let Some((start, width)) =
                offsets.get(next).filter(|(start, _)| *start <= offset as u64)
            {
                at = usize::try_from(*start).unwrap_or(usize::MAX).saturating_add(*width);
                continue;
            }
            if let Some((start, end, names)) =
                is_fixed.then(|| self.pointer(sides, a, b, offset)).flatten()
            {
                if let Some([old, new]) = names {
                    rows.add(Finding::changed(Kind::Data, place(title, start as u64), old, new));
                }
                at = end;
                continue;
            }
            if let Some(end) = jump(sides, (old, a), (new, b), offset) {
                self.followed += 1;
                at = end;
                continue;
            }
            let first = a.get(offset).zip(b.get(offset)).map_or(0, |(a, b)| a ^ b);
            let bit = (offset as u64).saturating_mul(8) + u64::from(first.trailing_zeros() % 8);
            if rows.found.len() >= TOLD {
                // Behind what is told, places are only counted.
                rows.more += 1;
                let rest = a.iter().zip(b).skip(offset);
                at = offset + rest.take_while(|(a, b)| a != b).count().max(1);
                continue;
            }
            if let Some((end, note)) = sides.told(old, new, bit, a, b) {
                let last = (offset..end).rev().find(|at| a.get(*at) != b.get(*at));
                let bytes = [a, b].map(|side| {
                    let range = offset..last.map_or(end, |last| last + 1);
                    hex(side.get(range).unwrap_or_default())
                });
                let [x, y] = bytes;
                let finding = Finding::changed(Kind::Data, place(title, offset as u64), x, y);
                rows.add(finding.note(note));
                at = end.max(offset + 1);
                continue;
            }
            let limit = offsets.get(next).map_or(a.len(), |(start, _)| *start as usize);
            let limit = limit.min(a.len()).min(b.len());
            if let Some((start, end, texts)) = text_around(a, b, offset, at, limit) {
                let [old, new] = texts;
                rows.add(texts::changed(place(title, start as u64), old, new));
                at = end;
                continue;
            }
            let end = (offset..limit).find(|index| a.get(*index) == b.get(*index)).unwrap_or(limit);
            let bytes = [a, b].map(|side| side.get(offset..end).unwrap_or_default());
            let [x, y] = bytes.map(hex);
            let finding = Finding::changed(Kind::Data, place(title, offset as u64), x, y);
            rows.add(match number(sides, a, b, offset, end) {
                Some(note) => finding.note(note),
                None => finding,
            });
            at = end.max(offset + 1);
        }
        (rows.found, rows.more)
    }

    /// The word around an offset, if it holds an address on both sides (of files that are never
    /// moved): where it starts and ends, and what it leads to if that is not the same.
    fn pointer(
        &mut self,
        sides: &Sides<'_, '_, '_>,
        a: &[u8],
        b: &[u8],
        offset: usize,
    ) -> Option<(usize, usize, Option<[String; 2]>)> {
        let width = if sides.after.binary.header.is_64 { 8 } else { 4 };
        let start = offset - offset % width;
        let old = sides.before.binary.word(a.get(start..)?, width)?;
        let new = sides.after.binary.word(b.get(start..)?, width)?;
        let targets = [sides.before.target(old), sides.after.target(new)];
        let is_place = |target: &Target<'_>| !matches!(target, Target::Number(_) | Target::End(_));
        if !targets.iter().all(is_place) {
            return None;
        }
        let end = start + width;
        if targets[0] == targets[1] {
            self.moved += 1;
            return Some((start, end, None));
        }
        if sides.follows(Some(targets[0]), Some(targets[1])) {
            self.followed += 1;
            return Some((start, end, None));
        }
        Some((start, end, Some(targets.map(|target| target.shown()))))
    }

    fn resized<'a>(
        &mut self,
        sides: &Sides<'_, 'a, '_>,
        title: &str,
        old: &Piece<'a>,
        new: &Piece<'a>,
    ) {
        let sizes = [old, new].map(|piece| count(piece.size as usize, "byte"));
        let [from, to] = sizes;
        let mut finding =
            Finding::changed(Kind::Data, format!("variable {title}"), from, to).note("its size");
        let (a, b) = (sides.before.bytes(old), sides.after.bytes(new));
        let texts = [a, b].map(|bytes| {
            let text = bytes.strip_suffix(b"\0").unwrap_or(bytes);
            texts::is_text(text).then(|| quoted(text))
        });
        if let [Some(x), Some(y)] = texts {
            finding.inside.push(Finding::changed(Kind::Data, "text", x, y));
        } else if !a.is_empty() && !b.is_empty() {
            let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
            finding.note = Some(format!("its size; the first {} are equal", count(same, "byte")));
        }
        if let Some(fields) = sides.fields(old, new) {
            finding.inside = fields;
            finding.note = Some("its size, or its type".to_owned());
            self.findings.push(finding);
            return;
        }
        let used = used([(sides.before, &[old]), (sides.after, &[new])]);
        finding.inside.extend(told_uses(used, "points to"));
        self.findings.push(finding);
    }
}

/// The first rows of many.
#[derive(Default)]
struct Rows {
    found: Vec<Finding>,
    more: usize,
}

impl Rows {
    fn add(&mut self, finding: Finding) {
        match self.found.len() < TOLD {
            true => self.found.push(finding),
            false => self.more += 1,
        }
    }
}

/// The first place at or behind an offset where two byte strings differ.
fn differs(a: &[u8], b: &[u8], at: usize) -> Option<usize> {
    const STEP: usize = 256;
    let mut at = at;
    loop {
        let end = at.saturating_add(STEP);
        let (x, y) = (a.get(at..end.min(a.len()))?, b.get(at..end.min(b.len()))?);
        if x.is_empty() || y.is_empty() {
            return None;
        }
        if x != y {
            let same = x.iter().zip(y).take_while(|(a, b)| a == b).count();
            return (same < x.len().min(y.len())).then_some(at + same);
        }
        at = end;
    }
}

/// The texts that hold an offset in both, if both are texts there: start, end, and both.
fn text_around<'t>(
    a: &'t [u8],
    b: &'t [u8],
    offset: usize,
    floor: usize,
    limit: usize,
) -> Option<(usize, usize, [&'t [u8]; 2])> {
    const LONGEST: usize = 400;
    let is_shown = |byte: Option<&u8>| byte.is_some_and(|byte| texts::is_shown(*byte));
    let mut start = offset;
    while start > floor && offset - start < LONGEST && is_shown(a.get(start - 1)) {
        start -= 1;
    }
    let text = |side: &'t [u8]| {
        let rest = side.get(start..limit.min(side.len()))?;
        let length = rest.iter().take(LONGEST).position(|byte| *byte == 0)?;
        let text = &rest[..length];
        texts::is_text(text).then_some((text, length))
    };
    let (old, long) = text(a)?;
    let (new, other) = text(b)?;
    // One letter may be a number as well.
    let is_long = long >= 3 && other >= 3;
    is_long.then(|| (start, start + long.max(other), [old, new]))
}

/// What a run of bytes is as a number, if it lies as one.
fn number(
    sides: &Sides<'_, '_, '_>,
    a: &[u8],
    b: &[u8],
    start: usize,
    end: usize,
) -> Option<String> {
    let width = [2, 4, 8].into_iter().find(|width| start % width + (end - start) <= *width)?;
    let from = start - start % width;
    let old = sides.before.binary.word(a.get(from..)?, width)?;
    let new = sides.after.binary.word(b.get(from..)?, width)?;
    let is_two = end - start > 1;
    is_two.then(|| format!("as a number of {width} bytes: {old} -> {new}"))
}

fn place(title: &str, offset: u64) -> String {
    format!("{title}+{offset:#x}")
}
