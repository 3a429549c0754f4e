//! Texts without what differs from run to run: dates, directories of builders, random words.

use super::Class;

/// What stands for a word that was taken out.
const TIME: &str = "\u{1}time";
const PATH: &str = "\u{1}path";
const SEED: &str = "\u{1}seed";

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
/// What a duration is measured in.
const UNITS: [&str; 10] =
    ["s", "ms", "us", "µs", "ns", "sec", "secs", "second", "seconds", "milliseconds"];

/// A text without what these classes allow to differ. `is_time` says which seconds since 1970 can be
/// the time of a run.
pub(super) fn without(text: &str, out: &[Class], is_time: impl Fn(u64) -> bool) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = None;
    while let Some(sign) = rest.chars().next() {
        let starts = !before.is_some_and(|it: char| it.is_alphanumeric());
        let mut taken = None;
        if starts && out.contains(&Class::Time) {
            taken = time(rest, &is_time).map(|length| (length, TIME));
        }
        if taken.is_none() && sign == '/' && out.contains(&Class::Path) && before != Some(':') {
            taken = directory(rest).map(|length| (length, PATH));
        }
        if taken.is_none() && starts && out.contains(&Class::Seed) {
            taken = random(rest, before).map(|length| (length, SEED));
        }
        let length = match taken {
            Some((length, mark)) => {
                plain.push_str(mark);
                length
            }
            // A word that is not taken out stands whole.
            None if starts && sign.is_alphanumeric() => {
                let length = word(rest).len();
                plain.push_str(&rest[..length]);
                length
            }
            None => {
                plain.push(sign);
                sign.len_utf8()
            }
        };
        before = rest[..length].chars().next_back();
        rest = &rest[length..];
    }
    plain
}

fn word(text: &str) -> &str {
    let end = text.find(|sign: char| !sign.is_alphanumeric()).unwrap_or(text.len());
    &text[..end]
}

fn digits(text: &str) -> &str {
    let end = text.find(|sign: char| !sign.is_ascii_digit()).unwrap_or(text.len());
    &text[..end]
}

/// How long the time is that a text begins with.
fn time(text: &str, is_time: &impl Fn(u64) -> bool) -> Option<usize> {
    let first = word(text);
    if DAYS.contains(&first) {
        return Some(first.len());
    }
    if MONTHS.iter().any(|month| first.starts_with(month)) && first.chars().all(char::is_alphabetic)
    {
        return month(text, first.len());
    }
    let number = digits(text);
    let after = &text[number.len()..];
    match number.len() {
        0 => None,
        // 16:53:16, with or without a fraction.
        1 | 2 if after.starts_with(':') => clock(text),
        // 22 Nov 2026
        1 | 2 => {
            let (gap, rest) = after.split_at_checked(1)?;
            let name = word(rest);
            let is_month = MONTHS.iter().any(|month| name.starts_with(month)) && name.len() <= 9;
            if [" ", "-"].contains(&gap) && is_month {
                let behind = number.len() + 1 + name.len();
                let year = text[behind..].strip_prefix([' ', '-']).map_or("", digits);
                return Some(if year.len() == 4 { behind + 5 } else { behind });
            }
            duration(text, number)
        }
        // 2026-11-22, 2026/11/22
        4 if after.starts_with(['-', '/']) && is_year(number) => {
            let gap = &after[..1];
            let month = digits(&after[1..]);
            let rest = after[1 + month.len()..].strip_prefix(gap)?;
            let day = digits(rest);
            ((1..=2).contains(&month.len()) && (1..=2).contains(&day.len()))
                .then(|| number.len() + 2 + month.len() + day.len() + joined(&rest[day.len()..]))
        }
        // 20261122, 20261122165316
        8 | 12 | 14 if is_year(&number[..4]) && is_date(&number[4..8]) => {
            Some(number.len() + joined(after))
        }
        // Seconds since 1970, and parts of them.
        10 | 13 | 16 | 19 => {
            let seconds: u64 = number[..10].parse().ok()?;
            let fraction = after.strip_prefix('.').map_or(0, |rest| match digits(rest).len() {
                0 => 0,
                length => length + 1,
            });
            let is_word = word(text).len() == number.len();
            (is_word && is_time(seconds)).then_some(number.len() + fraction)
        }
        _ => duration(text, number),
    }
}

/// A clock behind a date: `T16:53:16Z`, ` 16:53:16 UTC`.
fn joined(text: &str) -> usize {
    let Some(rest) = text.strip_prefix(['T', ' ', '-', '_']) else {
        return usize::from(text.starts_with('Z'));
    };
    let plain = digits(rest).len();
    match clock(rest) {
        Some(length) => 1 + length,
        None if plain == 6 => 1 + plain + usize::from(rest[plain..].starts_with('Z')),
        None => 0,
    }
}

/// `16:53`, `16:53:16`, `16:53:16.25`, with `Z`, ` UTC` or `+01:00` behind.
fn clock(text: &str) -> Option<usize> {
    let is_part = |text: &str| digits(text).len() == 2;
    // `01:00`
    let is_zone = |text: &str| {
        let minutes = text.get(2..).and_then(|rest| rest.strip_prefix(':'));
        is_part(text) && minutes.is_some_and(|minutes| digits(minutes).len() >= 2)
    };
    let first = digits(text).len();
    if !(1..=2).contains(&first) || !text[first..].starts_with(':') || !is_part(&text[first + 1..])
    {
        return None;
    }
    let mut length = first + 3;
    if text[length..].starts_with(':') && is_part(&text[length + 1..]) {
        length += 3;
    }
    if let Some(fraction) = text[length..].strip_prefix(['.', ',']) {
        let fraction = digits(fraction).len();
        length += if fraction > 0 { fraction + 1 } else { 0 };
    }
    let zone = &text[length..];
    let zone = if zone.starts_with('Z') {
        1
    } else if zone.starts_with(" UTC") || zone.starts_with(" GMT") {
        4
    } else {
        let sign = zone.trim_start_matches(' ');
        let gap = zone.len() - sign.len();
        match sign.strip_prefix(['+', '-']) {
            Some(offset) if gap <= 1 && digits(offset).len() == 4 => gap + 5,
            Some(offset) if gap == 0 && is_zone(offset) => 6,
            _ => 0,
        }
    };
    Some(length + zone)
}

/// `Nov 22 2026`, `Nov 22 16:53:16 2026`, `November 2026`.
fn month(text: &str, name: usize) -> Option<usize> {
    if name > 9 {
        return None;
    }
    let mut length = name;
    // A day below ten has two spaces before it.
    let gap = text[length..].len() - text[length..].trim_start_matches(' ').len();
    let day = digits(&text[length + gap..]);
    if !(1..=2).contains(&gap) || !(day.len() <= 2 || day.len() == 4) || day.is_empty() {
        return None;
    }
    length += gap + day.len();
    for _ in 0..2 {
        let rest = text[length..].strip_prefix(',').map_or(&text[length..], |rest| rest);
        let comma = text[length..].len() - rest.len();
        let Some(rest) = rest.strip_prefix(' ') else { break };
        let year = digits(rest);
        if let Some(clock) = clock(rest) {
            length += comma + 1 + clock;
        } else if year.len() == 4 && is_year(year) {
            length += comma + 1 + 4;
        } else {
            break;
        }
    }
    Some(length)
}

/// `0.42s`, `12 seconds`.
fn duration(text: &str, number: &str) -> Option<usize> {
    let mut length = number.len();
    if let Some(rest) = text[length..].strip_prefix('.') {
        let fraction = digits(rest).len();
        length += if fraction > 0 { fraction + 1 } else { 0 };
    }
    let gap = usize::from(text[length..].starts_with(' '));
    let unit = word(&text[length + gap..]);
    UNITS.contains(&unit).then_some(length + gap + unit.len())
}

fn is_year(text: &str) -> bool {
    text.starts_with("19") || text.starts_with("20")
}

/// Whether four digits are a month and a day.
fn is_date(text: &str) -> bool {
    let number = |text: &str| text.parse::<u32>().unwrap_or_default();
    (1..=12).contains(&number(&text[..2])) && (1..=31).contains(&number(&text[2..]))
}

/// How long the directories are of the path that a text begins with: of one in `/tmp` those down to the
/// name below it, of others all but the last name, if there are two or more.
fn directory(text: &str) -> Option<usize> {
    let end = text
        .find(|sign: char| !(sign.is_alphanumeric() || "/._-+@~%".contains(sign)))
        .unwrap_or(text.len());
    let path = &text[..end];
    for temporary in ["/tmp/", "/var/tmp/", "/dev/shm/"] {
        if let Some(rest) = path.strip_prefix(temporary) {
            return Some(temporary.len() + rest.find('/').unwrap_or(rest.len()));
        }
    }
    let last = path.rfind('/')?;
    (path[..last].matches('/').count() >= 2).then_some(last)
}

/// How long the word is that a text begins with, if chance can have made it.
fn random(text: &str, before: Option<char>) -> Option<usize> {
    if let Some(length) = uuid(text) {
        return Some(length);
    }
    let word = word(text);
    let has = |is: fn(char) -> bool| word.chars().any(is);
    let number = has(|sign| sign.is_ascii_digit());
    let (lower, upper) =
        (has(|sign| sign.is_ascii_lowercase()), has(|sign| sign.is_ascii_uppercase()));
    let is_hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_ascii = word.is_ascii();
    let long = word.len() >= 8 && number && (is_hex || upper || lower);
    // The letters that mktemp(3) appends.
    let temporary = before == Some('.') && (6..=16).contains(&word.len()) && upper && lower;
    let wide = word.len() >= 16 && upper && lower;
    let is_number = word.len() >= 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    (is_ascii && (long || temporary || wide || is_number)).then_some(word.len())
}

/// RFC 9562: 8, 4, 4, 4 and 12 hexadecimal digits.
fn uuid(text: &str) -> Option<usize> {
    let mut parts = text.get(..36)?.split('-');
    let fits = [8, 4, 4, 4, 12].iter().all(|length| {
        parts.next().is_some_and(|part| {
            part.len() == *length && part.bytes().all(|byte| byte.is_ascii_hexdigit())
        })
    });
    fits.then_some(36)
}
