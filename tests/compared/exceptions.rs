//! Claims of diffoscope that are not ours to tell, each with the reason.

use super::Claim;
use std::cell::Cell;

/// The table that is kept with this code.
const TABLE: &str = include_str!("exceptions.txt");

/// One line of the table.
pub struct Exception {
    pair: String,
    place: String,
    kind: String,
    what: String,
    /// Why it is none of ours.
    pub reason: String,
    /// How many claims it has excused.
    pub used: Cell<usize>,
}

/// The table: `PAIR  PLACE  KIND  WHAT  REASON…`, where `*` stands for any text.
pub fn table() -> Vec<Exception> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(Exception::parse).collect()
}

impl Exception {
    fn parse(line: &str) -> Self {
        let mut words = line.splitn(5, char::is_whitespace).map(str::trim);
        let mut next = || {
            words
                .next()
                .filter(|it| !it.is_empty())
                .unwrap_or_else(|| panic!("five words: {line}"))
                .to_owned()
        };
        let (pair, place, kind, what) = (next(), next(), next(), next());
        Self { pair, place, kind, what, reason: next(), used: Cell::new(0) }
    }

    /// Whether it speaks of a claim; then it is noted that it is of use.
    pub fn excuses(&self, pair: &str, claim: &Claim) -> bool {
        let place = claim.place.to_string();
        let texts = [(&self.pair, pair), (&self.place, &place), (&self.kind, claim.kind.name())];
        let fits = texts.into_iter().all(|(pattern, text)| is_like(pattern, text))
            && is_like(&self.what, &claim.what.replace(' ', "-"));
        self.used.set(self.used.get() + usize::from(fits));
        fits
    }

    /// How it stands in the table.
    pub fn pattern(&self) -> String {
        format!("{} {} {} {}", self.pair, self.place, self.kind, self.what)
    }
}

/// Whether a text is what a pattern says, in which `*` is any text.
fn is_like(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            (0..=text.len())
                .filter(|at| text.is_char_boundary(*at))
                .any(|at| is_like(rest, &text[at..]))
        }),
    }
}
