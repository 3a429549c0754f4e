//! Differences of values as findings; texts of several lines in a value as files.

use super::{
    Value,
    compare::{Difference, How, key_of},
};
use crate::{Finding, Kind, Limits, Pair};

impl Difference<'_> {
    /// As a finding.
    pub(crate) fn finding(&self, kind: Kind, what: String, limits: &Limits) -> Finding {
        let shown = |value: Option<&Value>| value.map(Value::shown);
        let mut finding = Finding::bare(kind, what);
        (finding.before, finding.after) = (shown(self.before), shown(self.after));
        match self.how {
            How::Spelling => {
                finding.kind = Kind::Encoding;
                finding.note("the same number")
            }
            How::Moved => {
                finding.kind = Kind::Encoding;
                finding.note("the same items in another order")
            }
            How::Order => finding.note("the same items in another order"),
            How::Value => match (self.before, self.after) {
                (Some(Value::Text(a)), Some(Value::Text(b))) if is_file(a, b, limits) => {
                    file(finding, key_of(&self.path), a, b, limits)
                }
                (Some(Value::Text(a)), Some(Value::Text(b))) if a.len() + b.len() > 80 => {
                    finding.note(crate::text::moved(a, b))
                }
                (Some(a), Some(b)) if a.noun() != b.noun() => {
                    let quoted =
                        |v: &Value| matches!(v, Value::Text(_)).then(|| format!("{:?}", v.shown()));
                    finding.before = quoted(a).or(finding.before);
                    finding.after = quoted(b).or(finding.after);
                    finding.note(format!("{} was {}", b.noun(), a.noun()))
                }
                _ => finding,
            },
        }
    }
}

/// Nesting below which a text in a value is not read as a file.
const SHALLOW: usize = 8;
/// Findings of a file in a value.
const NESTED: usize = 50;

/// Whether two texts have lines, as files in values have.
fn is_file(a: &str, b: &str, limits: &Limits) -> bool {
    limits.depth >= SHALLOW && [a, b].iter().any(|text| text.trim_end().contains('\n'))
}

/// Compares two texts as files that are called as their key.
fn file(finding: Finding, key: &str, a: &str, b: &str, limits: &Limits) -> Finding {
    // A file in a file in a file … ends soon.
    let inner = Limits { findings: NESTED, depth: limits.depth / 2, ..*limits };
    let pair = Pair { path: key, before: a.as_bytes(), after: b.as_bytes() };
    let meaning = crate::compare(&pair, &inner);
    let mut finding = finding.with(meaning.findings);
    let lines = |text: &str| Some(format!("{} lines", text.lines().count()));
    (finding.before, finding.after) = (lines(a), lines(b));
    if finding.inside.iter().all(|one| one.kind.is_boring()) {
        finding.kind = Kind::Encoding;
    }
    let name = meaning.format.name();
    finding.note(match meaning.more {
        0 => format!("as {name}"),
        more => format!("as {name}; {more} more differences"),
    })
}
