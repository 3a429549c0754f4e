//! Variables and other initialised data: which bytes differ, in which variable, and what they are.

use super::{
    binary::{Binary, Relocation},
    btf, dwarf,
    functions::Functions,
    layout::{Layout, Piece, Target, What},
    pairs::Pairs,
    sections::Class,
    texts,
    types::{Field, Types},
    words::{count, hex, name, quoted},
};
use crate::{Finding, Kind};
use object::elf;
use std::{cell::OnceCell, collections::BTreeMap};

/// Places of one variable that are told one by one.
const TOLD: usize = 32;

/// What became of the variables of a file.
#[derive(Debug, Default)]
pub(super) struct Variables {
    pub(super) findings: Vec<Finding>,
    /// Other bytes that point to the same things.
    pub(super) moved: usize,
    /// Places in functions that changed, as tables of jumps hold them.
    pub(super) followed: usize,
}

/// Both sides of a comparison.
pub(super) struct Sides<'s, 'a, 'b> {
    pub(super) before: &'s Layout<'a, 'b>,
    pub(super) after: &'s Layout<'a, 'b>,
    pub(super) functions: &'s Functions<'a>,
    /// Types of both; read when a variable differs.
    pub(super) types: OnceCell<[Types<'a>; 2]>,
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

fn is_content(layout: &Layout<'_, '_>, piece: &Piece<'_>) -> bool {
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
    fn tell(&mut self, title: String, (mut found, more): (Vec<Finding>, usize)) {
        if more == 0 {
            self.findings.append(&mut found);
            return;
        }
        let places = format!("{} places differ, the first {} are told", found.len() + more, TOLD);
        self.findings.push(Finding::bare(Kind::Data, title).note(places).with(found));
    }

    /// Where two pieces of the same size differ, and how many more places there are.
    fn places(
        &mut self,
        sides: &Sides<'_, '_, '_>,
        title: &str,
        old: &Piece<'_>,
        new: &Piece<'_>,
    ) -> (Vec<Finding>, usize) {
        let Sides { before, after, .. } = sides;
        let (a, b) = (before.bytes(old), after.bytes(new));
        let (mut found, mut more) = (Vec::new(), 0);
        let mut add = |finding: Finding| match found.len() < TOLD {
            true => found.push(finding),
            false => more += 1,
        };
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
            add(match sides.field(old, new, bit) {
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
            if let Some(end) = is_fixed.then(|| self.pointer(sides, a, b, offset)).flatten() {
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
            if let Some((end, note)) = sides.told(old, new, bit, a, b) {
                let last = (offset..end).rev().find(|at| a.get(*at) != b.get(*at));
                let bytes = [a, b].map(|side| {
                    let range = offset..last.map_or(end, |last| last + 1);
                    hex(side.get(range).unwrap_or_default())
                });
                let [x, y] = bytes;
                let finding = Finding::changed(Kind::Data, place(title, offset as u64), x, y);
                add(finding.note(note));
                at = end.max(offset + 1);
                continue;
            }
            let limit = offsets.get(next).map_or(a.len(), |(start, _)| *start as usize);
            let limit = limit.min(a.len()).min(b.len());
            if let Some((start, end, texts)) = text_around(a, b, offset, at, limit) {
                let [old, new] = texts;
                add(Finding::changed(Kind::Data, place(title, start as u64), old, new));
                at = end;
                continue;
            }
            let end = (offset..limit).find(|index| a.get(*index) == b.get(*index)).unwrap_or(limit);
            let bytes = [a, b].map(|side| side.get(offset..end).unwrap_or_default());
            let [x, y] = bytes.map(hex);
            let finding = Finding::changed(Kind::Data, place(title, offset as u64), x, y);
            add(match number(sides, a, b, offset, end) {
                Some(note) => finding.note(note),
                None => finding,
            });
            at = end.max(offset + 1);
        }
        (found, more)
    }

    /// Whether the word around an offset holds an address on both sides (of files that are never
    /// moved); then where it ends.
    fn pointer(
        &mut self,
        sides: &Sides<'_, '_, '_>,
        a: &[u8],
        b: &[u8],
        offset: usize,
    ) -> Option<usize> {
        let width = if sides.after.binary.header.is_64 { 8 } else { 4 };
        let start = offset - offset % width;
        let old = sides.before.binary.word(a.get(start..)?, width)?;
        let new = sides.after.binary.word(b.get(start..)?, width)?;
        let targets = (sides.before.target(old), sides.after.target(new));
        if matches!(targets, (Target::Number(_), _) | (_, Target::Number(_))) {
            return None;
        }
        if targets.0 == targets.1 {
            self.moved += 1;
            return Some(start + width);
        }
        if sides.follows(Some(targets.0), Some(targets.1)) {
            self.followed += 1;
            return Some(start + width);
        }
        None
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

    /// Data that no symbol names, section by section.
    fn gaps(&mut self, sides: &Sides<'_, '_, '_>) {
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

impl<'a> Sides<'_, 'a, '_> {
    fn types(&self) -> &[Types<'a>; 2] {
        self.types.get_or_init(|| [self.before, self.after].map(|side| of_binary(side.binary)))
    }

    fn pointer(&self) -> u64 {
        if self.after.binary.header.is_64 { 8 } else { 4 }
    }

    /// The field at a bit of a variable, if both builds have the same one there.
    fn field(&self, old: &Piece<'_>, new: &Piece<'_>, bit: u64) -> Option<(Field, Field)> {
        let [before, after] = self.types();
        let (name, other, pointer) = (old.name?, new.name?, self.pointer());
        if !before.fits(name, old.size, pointer) || !after.fits(other, new.size, pointer) {
            return None; // a variable of the same name elsewhere
        }
        let (old, new) = (before.field(name, bit, pointer)?, after.field(other, bit, pointer)?);
        let is_same = (&old.path, old.start, old.bits) == (&new.path, new.start, new.bits);
        is_same.then_some((old, new))
    }

    /// Whether a place only follows its function, which is told as changed.
    fn follows(&self, old: Option<Target<'_>>, new: Option<Target<'_>>) -> bool {
        match (old, new) {
            (Some(Target::Symbol(a, x)), Some(Target::Symbol(b, y))) => {
                a == b && (x, y) != (0, 0) && self.functions.changed.contains(a)
            }
            _ => false,
        }
    }

    /// All fields of a variable whose type differs, by name.
    fn fields(&self, old: &Piece<'a>, new: &Piece<'a>) -> Option<Vec<Finding>> {
        let mut sides: [BTreeMap<String, String>; 2] = Default::default();
        let mut order = Vec::new();
        let both = [(self.before, old), (self.after, new)];
        for ((side, types), (layout, piece)) in sides.iter_mut().zip(self.types()).zip(both) {
            let fields = types.fields(piece.name?, piece.size, self.pointer())?;
            let (bytes, fills) = (layout.bytes(piece), fills(layout, piece));
            for field in fields {
                let filled = fills.get(&(field.start / 8)).map(|(_, target)| target.shown());
                let shown = match filled {
                    Some(target) => target,
                    None => types.shown(&field, bytes, layout.binary.header.is_big)?,
                };
                order.push(field.path.clone());
                side.insert(field.path, shown);
            }
        }
        let title = name(new.name?);
        let mut found = Vec::new();
        for path in order {
            let what = format!("{title}{path}");
            found.extend(match (sides[0].remove(&path), sides[1].remove(&path)) {
                (Some(old), Some(new)) if old != new => {
                    Some(Finding::changed(Kind::Data, what, old, new))
                }
                (Some(old), None) => Some(Finding::removed(Kind::Data, what, old)),
                (None, Some(new)) => Some(Finding::added(Kind::Data, what, new)),
                _ => None,
            });
        }
        let more = found.len().saturating_sub(2 * TOLD);
        if more > 0 {
            found.truncate(2 * TOLD);
            found.push(Finding::bare(Kind::Data, title).note(format!("{more} more fields differ")));
        }
        Some(found)
    }

    /// What the field at a bit held and holds, and where it ends; of bit fields that share bytes, all.
    fn told(
        &self,
        old: &Piece<'_>,
        new: &Piece<'_>,
        bit: u64,
        a: &[u8],
        b: &[u8],
    ) -> Option<(usize, String)> {
        let title = name(new.name?);
        let is_big = self.after.binary.header.is_big;
        let (mut bit, mut notes) = (bit, Vec::new());
        while let Some((x, y)) = self.field(old, new, bit) {
            let [before, after] = self.types();
            let (from, to) = (before.shown(&x, a, is_big)?, after.shown(&y, b, is_big)?);
            if from != to {
                notes.push(format!("{title}{}: {from} -> {to}", y.path));
            }
            bit = y.start.checked_add(y.bits.max(1))?;
            if bit.is_multiple_of(8) {
                break;
            }
        }
        let end = usize::try_from(bit.div_ceil(8)).ok()?;
        (!notes.is_empty()).then(|| (end, notes.join("; ")))
    }
}

/// The types that a file holds; none if it holds none that can be read.
fn of_binary<'a>(binary: &Binary<'a>) -> Types<'a> {
    let data = |name: &[u8]| binary.section(name).map(|section| section.data);
    let base = data(b".BTF.base");
    let types = data(b".BTF").and_then(|own| btf::read(own, base).ok());
    let types = types.filter(|types| !types.variables.is_empty());
    types.or_else(|| dwarf::read(binary)).unwrap_or_default()
}

/// The places of a piece that are filled when it is linked or loaded: width and target by offset.
fn fills<'a>(layout: &Layout<'a, '_>, piece: &Piece<'a>) -> BTreeMap<u64, (usize, Target<'a>)> {
    let fill = |relocation: Relocation<'a>| {
        let width = layout.binary.width(relocation.kind);
        (relocation.offset, (width, layout.destination(relocation.to, 0)))
    };
    layout.relocations(piece).map(fill).collect()
}

/// How much more often the second side points to something than the first.
fn used<'a>(sides: [(&Layout<'a, '_>, &[&Piece<'a>]); 2]) -> BTreeMap<Target<'a>, i64> {
    let mut used: BTreeMap<Target<'a>, i64> = BTreeMap::new();
    for ((layout, pieces), one) in sides.into_iter().zip([-1, 1]) {
        for piece in pieces {
            for (_, target) in fills(layout, piece).into_values() {
                *used.entry(target).or_default() += one;
            }
        }
    }
    used
}

fn told_uses(used: BTreeMap<Target<'_>, i64>, what: &str) -> Vec<Finding> {
    let told = |target: &Target<'_>| matches!(target, Target::Symbol(..) | Target::Text(_));
    let changed = used.into_iter().filter(|(target, count)| *count != 0 && told(target));
    let findings = changed.map(|(target, count)| match count < 0 {
        true => Finding::removed(Kind::Data, what, target.shown()),
        false => Finding::added(Kind::Data, what, target.shown()),
    });
    findings.take(TOLD).collect()
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
fn text_around(
    a: &[u8],
    b: &[u8],
    offset: usize,
    floor: usize,
    limit: usize,
) -> Option<(usize, usize, [String; 2])> {
    const LONGEST: usize = 400;
    let is_shown = |byte: Option<&u8>| byte.is_some_and(|byte| texts::is_shown(*byte));
    let mut start = offset;
    while start > floor && offset - start < LONGEST && is_shown(a.get(start - 1)) {
        start -= 1;
    }
    let text = |side: &[u8]| {
        let rest = side.get(start..limit.min(side.len()))?;
        let length = rest.iter().take(LONGEST).position(|byte| *byte == 0)?;
        let text = &rest[..length];
        texts::is_text(text).then(|| (quoted(text), length))
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

/// Data without names, with what is filled later and what looks like tables of jumps blanked.
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
        let start = piece.address.next_multiple_of(4) - piece.address;
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

/// Whether the word around an offset, in data without a name, is a distance into code on both sides,
/// as tables of jumps hold it; then where it ends.
fn jump(
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
