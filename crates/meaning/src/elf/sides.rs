//! Both builds side by side, with what their type data says of a place.

use super::{
    binary::{Binary, Relocation},
    btf,
    data::TOLD,
    dwarf,
    functions::Functions,
    layout::{Layout, Piece, Target},
    types::{Field, Types},
    words::name,
};
use crate::{Finding, Kind};
use std::{cell::OnceCell, collections::BTreeMap};

/// Both sides of a comparison.
pub(super) struct Sides<'s, 'a, 'b> {
    pub(super) before: &'s Layout<'a, 'b>,
    pub(super) after: &'s Layout<'a, 'b>,
    pub(super) functions: &'s Functions<'a>,
    /// Types of both; read when a variable differs.
    pub(super) types: OnceCell<[Types<'a>; 2]>,
}

impl<'a> Sides<'_, 'a, '_> {
    fn types(&self) -> &[Types<'a>; 2] {
        self.types.get_or_init(|| [self.before, self.after].map(|side| of_binary(side.binary)))
    }

    fn pointer(&self) -> u64 {
        if self.after.binary.header.is_64 { 8 } else { 4 }
    }

    /// The field at a bit of a variable, if both builds have the same one there.
    pub(super) fn field(
        &self,
        old: &Piece<'_>,
        new: &Piece<'_>,
        bit: u64,
    ) -> Option<(Field, Field)> {
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
    pub(super) fn follows(&self, old: Option<Target<'_>>, new: Option<Target<'_>>) -> bool {
        match (old, new) {
            (Some(Target::Symbol(a, x)), Some(Target::Symbol(b, y))) => {
                a == b && (x, y) != (0, 0) && self.functions.changed.contains(a)
            }
            _ => false,
        }
    }

    /// All fields of a variable whose type differs, by name.
    pub(super) fn fields(&self, old: &Piece<'a>, new: &Piece<'a>) -> Option<Vec<Finding>> {
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
    pub(super) fn told(
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
pub(super) fn fills<'a>(
    layout: &Layout<'a, '_>,
    piece: &Piece<'a>,
) -> BTreeMap<u64, (usize, Target<'a>)> {
    let fill = |relocation: Relocation<'a>| {
        let width = layout.binary.width(relocation.kind);
        (relocation.offset, (width, layout.destination(relocation.to, 0)))
    };
    layout.relocations(piece).map(fill).collect()
}

/// How much more often the second side points to something than the first.
pub(super) fn used<'a>(sides: [(&Layout<'a, '_>, &[&Piece<'a>]); 2]) -> BTreeMap<Target<'a>, i64> {
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

/// Symbols and texts that one side points to more often.
pub(super) fn told_uses(used: BTreeMap<Target<'_>, i64>, what: &str) -> Vec<Finding> {
    let told = |target: &Target<'_>| matches!(target, Target::Symbol(..) | Target::Text(_));
    let changed = used.into_iter().filter(|(target, count)| *count != 0 && told(target));
    let findings = changed.map(|(target, count)| match count < 0 {
        true => Finding::removed(Kind::Data, what, target.shown()),
        false => Finding::added(Kind::Data, what, target.shown()),
    });
    findings.take(TOLD).collect()
}
