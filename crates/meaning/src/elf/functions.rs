//! Functions whose instructions differ, came or went; those that only moved are counted.

use super::{
    align::align,
    code::{Step, Steps, steps},
    layout::{Layout, Piece, Target, What, stem},
    pairs::Pairs,
    words::{count, name, quoted},
};
use crate::{Finding, Kind};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::{DefaultHasher, Hash, Hasher},
};

/// Differences inside of one function that are told one by one.
const TOLD: usize = 12;
/// How much work comparing lists of instructions may be, for one function and for a file.
const WORK: usize = 4 << 20;
const WORK_IN_ALL: usize = 64 << 20;

/// What became of the functions of a file.
#[derive(Debug, Default)]
pub(super) struct Functions<'a> {
    pub(super) findings: Vec<Finding>,
    /// Names, without numbers, of those that differ, came or went.
    pub(super) changed: BTreeSet<&'a [u8]>,
    /// Those with other bytes that do the same.
    pub(super) moved: usize,
    /// Those in which all that differs are offsets, by how much.
    shifted: BTreeMap<i64, Vec<Finding>>,
    /// Those in which all that differs are texts that they use: which, and what is told.
    pub(super) reworded: Vec<(Vec<(String, String)>, Finding)>,
    /// Those in which all that differs are numbers of lines of their sources.
    lines: Vec<Finding>,
    work: usize,
}

/// Compares all functions.
pub(super) fn compare<'a>(
    before: &Layout<'a, '_>,
    after: &Layout<'a, '_>,
    pairs: &Pairs,
) -> Functions<'a> {
    let mut found = Functions::default();
    for (old, new) in &pairs.both {
        let (Some(old), Some(new)) = (before.pieces.get(*old), after.pieces.get(*new)) else {
            continue;
        };
        if new.what == What::Function && !is_table(after, new) {
            found.pair(before, old, after, new);
        }
    }
    found.came_and_went(before, after, pairs);
    found.unnamed(before, after);
    found.fold_shifted();
    found.fold_lines();
    found
}

fn is_table(layout: &Layout<'_, '_>, piece: &Piece<'_>) -> bool {
    let section = layout.section(piece);
    section.is_some_and(|section| super::sections::Class::of(section.name).is_table())
}

impl<'a> Functions<'a> {
    fn pair(
        &mut self,
        before: &Layout<'a, '_>,
        old: &Piece<'a>,
        after: &Layout<'a, '_>,
        new: &Piece<'a>,
    ) {
        let (a, b) = (before.bytes(old), after.bytes(new));
        if a == b && is_related(before, old, after, new) {
            return;
        }
        let title = title(new);
        let (Some(x), Some(y)) = (steps(before, old), steps(after, new)) else {
            if a != b {
                self.changed.extend(new.name.map(stem));
                self.findings.push(
                    Finding::changed(Kind::Code, title, size(old), size(new))
                        .note("too long to be compared by instructions"),
                );
            }
            return;
        };
        if x.is_same(&y) {
            self.moved += usize::from(a != b);
            return;
        }
        self.changed.extend(new.name.map(stem));
        let operations = self.operations(&x, &y);
        let shift = operations.as_ref().and_then(|operations| one_shift(operations, &x, &y));
        let finding = difference(title, operations.as_deref(), (old, &x), (new, &y));
        let texts = operations.as_ref().and_then(|operations| only_texts(operations, &x, &y));
        let is_lines = operations.is_some_and(|operations| only_lines(&operations, &x, &y));
        match shift {
            Some(shift) => self.shifted.entry(shift).or_default().push(finding),
            None if is_lines => self.lines.push(finding),
            None if texts.is_some() => self.reworded.extend(texts.map(|texts| (texts, finding))),
            None => self.findings.push(finding),
        }
    }

    fn fold_lines(&mut self) {
        let findings = std::mem::take(&mut self.lines);
        if !findings.is_empty() {
            let what = format!("{}: numbers of lines", count(findings.len(), "function"));
            let note = "all that differs in them are numbers beside the name of a source file, \
                        as messages of errors have them";
            self.findings.push(Finding::bare(Kind::Code, what).note(note).with(findings));
        }
    }

    /// Functions in which only offsets differ, and all by as much, have one cause.
    fn fold_shifted(&mut self) {
        for (shift, findings) in std::mem::take(&mut self.shifted) {
            if findings.len() == 1 {
                self.findings.extend(findings);
                continue;
            }
            let what = format!("{}: offsets {shift:+#x}", count(findings.len(), "function"));
            let note = "nothing else differs in them: a structure that they use has another layout";
            self.findings.push(Finding::bare(Kind::Code, what).note(note).with(findings));
        }
    }

    /// What has to be done to come from one list of steps to the other; nothing if that is too much
    /// work to find out.
    fn operations(&mut self, x: &Steps<'a>, y: &Steps<'a>) -> Option<Vec<DiffOp>> {
        let same = |(a, b): &(&Step<'_>, &Step<'_>)| a == b;
        let start = x.steps.iter().zip(&y.steps).take_while(same).count();
        let rests = [&x.steps[start..], &y.steps[start..]];
        let end = rests[0].iter().rev().zip(rests[1].iter().rev()).take_while(same).count();
        let middles = rests.map(|rest| &rest[..rest.len() - end]);
        let work = middles[0].len().saturating_mul(middles[1].len());
        if work > WORK || self.work.saturating_add(work) > WORK_IN_ALL {
            return None;
        }
        self.work += work;
        let mut numbers: HashMap<&Step<'a>, u32> = HashMap::new();
        let [a, b] = middles.map(|middle| {
            let steps = middle.iter().map(|step| {
                let next = numbers.len() as u32;
                *numbers.entry(step).or_insert(next)
            });
            steps.collect::<Vec<u32>>()
        });
        let mut operations = capture_diff_slices(Algorithm::Myers, &a, &b);
        for operation in &mut operations {
            shift(operation, start);
        }
        Some(operations)
    }

    /// Functions of which only one build has the name.
    fn came_and_went(&mut self, before: &Layout<'a, '_>, after: &Layout<'a, '_>, pairs: &Pairs) {
        let functions = |layout: &Layout<'a, '_>, list: &[usize]| -> Vec<Piece<'a>> {
            let pieces = list.iter().filter_map(|index| layout.pieces.get(*index).copied());
            let pieces = pieces.filter(|piece| piece.what == What::Function);
            pieces.filter(|piece| !is_table(layout, piece)).collect()
        };
        let (gone, new) = (functions(before, &pairs.gone), functions(after, &pairs.new));
        // The same instructions under another name.
        let mut by_content: HashMap<u64, Vec<usize>> = HashMap::new();
        for (index, piece) in gone.iter().enumerate().rev() {
            if let Some(hash) = content(before, piece).filter(|_| piece.size > 16) {
                by_content.entry(hash).or_default().push(index);
            }
        }
        let mut renamed = BTreeSet::new();
        for piece in &new {
            self.changed.extend(piece.name.map(stem));
            let title = title(piece);
            let hash = content(after, piece).filter(|_| piece.size > 16);
            let old = hash.and_then(|hash| by_content.get_mut(&hash)?.pop());
            self.findings.push(match old.and_then(|old| Some((old, gone.get(old)?))) {
                Some((index, old)) => {
                    renamed.insert(index);
                    let names = [old, piece].map(|piece| name(piece.name.unwrap_or_default()));
                    let [old, new] = names;
                    let finding = Finding::changed(Kind::Code, "name of a function", old, new);
                    finding.note("the same instructions under another name")
                }
                None => Finding::added(Kind::Code, title, size(piece)),
            });
        }
        for (index, piece) in gone.iter().enumerate() {
            self.changed.extend(piece.name.map(stem));
            if !renamed.contains(&index) {
                self.findings.push(Finding::removed(Kind::Code, title(piece), size(piece)));
            }
        }
    }

    /// Functions without names: those with equal content are the same; of what is left between two
    /// of these, as many as there are on both sides are taken for pairs.
    fn unnamed(&mut self, before: &Layout<'a, '_>, after: &Layout<'a, '_>) {
        let [a, b] = [before, after].map(|layout| {
            let pieces = layout.pieces.iter().filter(|piece| {
                piece.name.is_none()
                    && !is_table(layout, piece)
                    && match piece.what {
                        What::Function => true,
                        What::Variable => false,
                        What::Gap => is_code_without_name(layout, piece),
                    }
            });
            pieces.copied().collect::<Vec<Piece<'a>>>()
        });
        if a.is_empty() && b.is_empty() {
            return;
        }
        let hashes = |layout: &Layout<'a, '_>, pieces: &[Piece<'a>]| {
            let hashes = pieces.iter().map(|piece| content(layout, piece).unwrap_or_default());
            hashes.collect::<Vec<u64>>()
        };
        let (x, y) = (hashes(before, &a), hashes(after, &b));
        let aligned = align(&x, &y);
        for (old, new) in aligned.same {
            if let (Some(one), Some(other)) = (a.get(old), b.get(new)) {
                self.moved += usize::from(before.bytes(one) != after.bytes(other));
            }
        }
        for open in aligned.open {
            self.gap(before, after, (&a, &b), open);
        }
    }

    fn gap(
        &mut self,
        before: &Layout<'a, '_>,
        after: &Layout<'a, '_>,
        (a, b): (&[Piece<'a>], &[Piece<'a>]),
        (old, new): (Vec<usize>, Vec<usize>),
    ) {
        if old.len() == new.len() {
            for (old, new) in old.into_iter().zip(new) {
                if let (Some(old), Some(new)) = (a.get(old), b.get(new)) {
                    self.pair(before, old, after, new);
                }
            }
            return;
        }
        for piece in old.into_iter().filter_map(|index| a.get(index)) {
            self.findings.push(Finding::removed(Kind::Code, title(piece), size(piece)));
        }
        for piece in new.into_iter().filter_map(|index| b.get(index)) {
            self.findings.push(Finding::added(Kind::Code, title(piece), size(piece)));
        }
    }
}

/// Tells how two functions differ.
fn difference<'a>(
    title: String,
    operations: Option<&[DiffOp]>,
    (old, x): (&Piece<'a>, &Steps<'a>),
    (new, y): (&Piece<'a>, &Steps<'a>),
) -> Finding {
    let (mut gone, mut came, mut details) = (0, 0, Vec::new());
    let offset = |steps: &Steps<'_>, index: usize| steps.offsets.get(index).copied();
    let mut add = |index: Option<u32>, a: Option<&Step<'_>>, b: Option<&Step<'_>>| {
        let what = format!("+{:#x}", index.unwrap_or_default());
        let mut finding = Finding::bare(Kind::Code, what);
        (finding.before, finding.after) = (a.map(Step::shown), b.map(Step::shown));
        if let Some((a, b)) = a.zip(b) {
            if let Some((a, b)) = a.numbers(b) {
                finding = finding.note(format!("the number in it: {a} -> {b}"));
            } else if let Some((a, b)) = a.offsets(b) {
                finding = finding.note(format!("the offset in it: {a:#x} -> {b:#x}"));
            }
        }
        details.push(finding);
    };
    for operation in operations.into_iter().flatten() {
        if let DiffOp::Equal { .. } = operation {
            continue;
        }
        let (from, to) = (operation.old_range(), operation.new_range());
        gone += from.len();
        came += to.len();
        for number in 0..from.len().max(to.len()).min(TOLD + 1) {
            let one = (number < from.len()).then(|| from.start + number);
            let other = (number < to.len()).then(|| to.start + number);
            let place = match other {
                Some(index) => offset(y, index),
                None => one.and_then(|index| offset(x, index)),
            };
            let step = |steps: &'_ Steps<'a>, index: Option<usize>| {
                index.and_then(|index| steps.steps.get(index)).copied()
            };
            let (a, b) = (step(x, one), step(y, other));
            if details_left(gone, came) {
                add(place, a.as_ref(), b.as_ref());
            }
        }
    }
    let only = (gone == 1 && came == 1 && details.len() == 1).then(|| details.pop()).flatten();
    let total = x.steps.len().max(y.steps.len());
    if let Some(only) = only {
        let place = only.what.clone();
        let mut finding = only;
        finding.what = format!("{}{place}", title.trim_start_matches("function "));
        let what = format!("one instruction of {total}");
        finding.note = Some(match finding.note {
            Some(note) => format!("{what}; {note}"),
            None => what,
        });
        return finding;
    }
    let mut notes = Vec::new();
    match (operations, gone, came) {
        (None, _, _) => notes.push("too different to be compared step by step".to_owned()),
        (_, 0, 0) => notes.push("the same instructions, but jumps go elsewhere".to_owned()),
        (_, 0, came) => notes.push(format!("{came} of {total} instructions are new")),
        (_, gone, 0) => notes.push(format!("{gone} of {total} instructions are gone")),
        _ => notes.push(format!("{} of {total} instructions differ", gone.max(came))),
    }
    if let Some(at) = x.raw_from.into_iter().chain(y.raw_from).min() {
        notes.push(format!("from +{at:#x} on compared as bytes"));
    }
    let mut inside = uses(x, y);
    details.truncate(TOLD.saturating_sub(inside.len().min(TOLD / 2)));
    inside.extend(details);
    let finding = match old.size == new.size {
        true => Finding::bare(Kind::Code, title),
        false => Finding::changed(Kind::Code, title, size(old), size(new)),
    };
    finding.note(notes.join("; ")).with(inside)
}

/// The texts that two functions use, if nothing else differs.
fn only_texts(
    operations: &[DiffOp],
    x: &Steps<'_>,
    y: &Steps<'_>,
) -> Option<Vec<(String, String)>> {
    let mut texts = Vec::new();
    for operation in operations.iter().filter(|one| !matches!(one, DiffOp::Equal { .. })) {
        let (from, to) = (x.steps.get(operation.old_range())?, y.steps.get(operation.new_range())?);
        if from.len() != to.len() {
            return None;
        }
        for (a, b) in from.iter().zip(to) {
            let (a, b) = a.texts(b)?;
            texts.push((quoted(a), quoted(b)));
        }
    }
    texts.sort();
    texts.dedup();
    (!texts.is_empty()).then_some(texts)
}

/// Whether nothing differs but numbers that are those of lines: the function names a source file.
fn only_lines(operations: &[DiffOp], x: &Steps<'_>, y: &Steps<'_>) -> bool {
    const SOURCES: [&[u8]; 8] = [b".c", b".h", b".cc", b".cpp", b".cxx", b".hpp", b".rs", b".S"];
    let is_source = |target| match target {
        Target::Text(text) => SOURCES.iter().any(|end| text.ends_with(end)),
        _ => false,
    };
    let mut differing = operations.iter().filter(|one| !matches!(one, DiffOp::Equal { .. }));
    y.steps.iter().flat_map(Step::targets).any(is_source)
        && differing.all(|operation| {
            let ranges = (x.steps.get(operation.old_range()), y.steps.get(operation.new_range()));
            matches!(ranges, (Some(from), Some(to)) if from.len() == to.len()
                && from.iter().zip(to).all(|(a, b)| a.is_line(b)))
        })
}

/// By how much all that differs was moved, if nothing but offsets behind registers differs.
fn one_shift(operations: &[DiffOp], x: &Steps<'_>, y: &Steps<'_>) -> Option<i64> {
    let mut shift = None;
    for operation in operations {
        if let DiffOp::Equal { .. } = operation {
            continue;
        }
        let (from, to) = (x.steps.get(operation.old_range())?, y.steps.get(operation.new_range())?);
        if from.len() != to.len() {
            return None;
        }
        for (a, b) in from.iter().zip(to) {
            let (a, b) = a.offsets(b)?;
            let own = b.checked_sub(a)?;
            if shift.is_some_and(|shift| shift != own) {
                return None;
            }
            shift = Some(own);
        }
    }
    shift
}

fn details_left(gone: usize, came: usize) -> bool {
    gone.max(came) <= 4 * TOLD
}

/// What one function uses and the other does not.
fn uses(x: &Steps<'_>, y: &Steps<'_>) -> Vec<Finding> {
    let mut counts: BTreeMap<Target<'_>, i64> = BTreeMap::new();
    for (steps, one) in [(x, -1), (y, 1)] {
        for target in steps.steps.iter().flat_map(Step::targets) {
            *counts.entry(target).or_default() += one;
        }
    }
    let told = |target: &Target<'_>| matches!(target, Target::Symbol(..) | Target::Text(_));
    let changed = counts.into_iter().filter(|(target, count)| *count != 0 && told(target));
    let findings = changed.map(|(target, count)| match count < 0 {
        true => Finding::removed(Kind::Code, "uses", target.shown()),
        false => Finding::added(Kind::Code, "uses", target.shown()),
    });
    findings.take(TOLD).collect()
}

/// Whether bytes that are equal also point to the same things.
fn is_related(
    before: &Layout<'_, '_>,
    old: &Piece<'_>,
    after: &Layout<'_, '_>,
    new: &Piece<'_>,
) -> bool {
    let (mut a, mut b) = (before.relocations(old), after.relocations(new));
    loop {
        match (a.next(), b.next()) {
            (None, None) => return true,
            (Some(a), Some(b)) => {
                let targets = [before.destination(a.to, 0), after.destination(b.to, 0)];
                if (a.offset, a.kind) != (b.offset, b.kind) || targets[0] != targets[1] {
                    return false;
                }
            }
            _ => return false,
        }
    }
}

/// Whether a gap in code is more than padding.
fn is_code_without_name(layout: &Layout<'_, '_>, piece: &Piece<'_>) -> bool {
    let is_code = layout.section(piece).is_some_and(|section| section.is_code());
    if !is_code || layout.bytes(piece).iter().all(|byte| matches!(byte, 0 | 0x90 | 0xcc)) {
        return false;
    }
    let padding = |steps: Steps<'_>| steps.steps.iter().all(Step::is_padding);
    piece.size > 64 || !steps(layout, piece).is_some_and(padding)
}

/// What stands for the content of a function wherever it lies; nothing if it is too long.
fn content(layout: &Layout<'_, '_>, piece: &Piece<'_>) -> Option<u64> {
    let mut hasher = DefaultHasher::new();
    steps(layout, piece)?.steps.hash(&mut hasher);
    Some(hasher.finish())
}

fn title(piece: &Piece<'_>) -> String {
    match piece.name {
        Some(bytes) => format!("function {}", name(bytes)),
        None => format!("function at {:#x}", piece.address),
    }
}

fn size(piece: &Piece<'_>) -> String {
    count(piece.size as usize, "byte")
}

fn shift(operation: &mut DiffOp, by: usize) {
    match operation {
        DiffOp::Equal { old_index, new_index, .. }
        | DiffOp::Delete { old_index, new_index, .. }
        | DiffOp::Insert { old_index, new_index, .. }
        | DiffOp::Replace { old_index, new_index, .. } => {
            *old_index += by;
            *new_index += by;
        }
    }
}
