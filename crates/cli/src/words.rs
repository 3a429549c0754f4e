//! Quantities in words.

use groundup_build::Children;
use std::time::Duration;

/// Bytes with a binary unit: `17 B`, `4.2 MiB`.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{count} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// A duration as people say it: `0.3 s`, `12 s`, `3 min 20 s`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..10 => format!("{:.1} s", time.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A count with its noun: `1 step`, `2 steps`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// The first of some names, and how many more there are.
pub(crate) fn some(names: &[String], most: usize) -> String {
    let shown = names.iter().take(most).cloned().collect::<Vec<_>>().join(", ");
    match names.len().checked_sub(most) {
        None | Some(0) => shown,
        Some(more) => format!("{shown} and {more} more"),
    }
}

/// A line that others wrote: what a terminal would obey is shown instead.
pub(crate) fn visible(line: &str) -> String {
    let shown = |c: char| match c.is_control() {
        true if c == '\t' => vec![' ', ' '],
        true => c.escape_default().collect(),
        false => vec![c],
    };
    line.chars().flat_map(shown).collect()
}

/// What became of the programs that a command handed over.
pub(crate) fn children(children: &Children) -> String {
    let Children { reused, ran, unkept } = children;
    let mut text = format!("{} run, {reused} reused", ran + unkept);
    if *unkept > 0 {
        text.push_str(&format!(" ({unkept} not kept)"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_and_counted() {
        let names: Vec<String> = ["a", "b", "c"].map(str::to_owned).into();
        assert_eq!(some(&names, 3), "a, b, c");
        assert_eq!(some(&names, 2), "a, b and 1 more");
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown() {
        assert_eq!(visible("a\tb\u{1b}[2J"), "a  b\\u{1b}[2J");
    }

    #[test]
    fn quantities_read_well() {
        assert_eq!(bytes(17), "17 B");
        assert_eq!(bytes(5 << 20), "5.0 MiB");
        assert_eq!(duration(Duration::from_millis(300)), "0.3 s");
        assert_eq!(duration(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(count(2, "step"), "2 steps");
        let some = Children { reused: 1900, ran: 7, unkept: 1 };
        assert_eq!(children(&some), "8 run, 1900 reused (1 not kept)");
    }
}
