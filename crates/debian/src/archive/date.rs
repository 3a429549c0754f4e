//! The dates of `Release` files: `Sat, 10 Jun 2023 08:16:54 UTC`, as seconds since 1970.

/// Why a text is not a date.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a date like `Sat, 10 Jun 2023 08:16:54 UTC`")]
pub struct DateError(String);

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads a date of RFC 5322 form in UTC; the day of the week is not checked.
pub fn parse_date(text: &str) -> Result<u64, DateError> {
    read(text).ok_or_else(|| DateError(text.to_owned()))
}

fn read(text: &str) -> Option<u64> {
    let date = text.split_once(", ").map_or(text, |(_, date)| date);
    let words: Vec<&str> = date.split_ascii_whitespace().collect();
    let [day, month, year, clock, zone] = words.as_slice() else { return None };
    if !matches!(*zone, "UTC" | "GMT" | "Z" | "+0000") {
        return None;
    }
    let month = MONTHS.iter().position(|name| name == month)? as u64 + 1;
    let (day, year): (u64, u64) = (day.parse().ok()?, year.parse().ok()?);
    let clock: Vec<u64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hour, minute, second] = clock.as_slice() else { return None };
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let last = match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let fits = (1..=last).contains(&day) && (1970..=9999).contains(&year);
    if !fits || *hour > 23 || *minute > 59 || *second > 60 {
        return None;
    }
    Some(((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar; years are counted from March on.
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let from_march = (month + 9) % 12;
    let of_year = (153 * from_march + 2) / 5 + day - 1;
    year * 365 + year / 4 - year / 100 + year / 400 + of_year - 719_468
}

/// Writes seconds since 1970 as `2023-06-10 08:16:54 UTC`.
pub(crate) fn show_date(seconds: u64) -> String {
    let (mut days, clock) = (seconds / 86_400 + 719_468, seconds % 86_400);
    // Whole cycles of 400 years, then the day of the cycle; years begin in March.
    let cycle = days / 146_097;
    days %= 146_097;
    let year = (days - days / 1_460 + days / 36_524 - days / 146_096) / 365;
    let of_year = days - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = cycle * 400 + year + u64::from(month <= 2);
    let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
    format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_read_as_seconds() {
        assert_eq!(parse_date("Thu, 01 Jan 1970 00:00:00 UTC"), Ok(0));
        assert_eq!(parse_date("Sat, 10 Jun 2023 08:16:54 UTC"), Ok(1_686_385_014));
        assert_eq!(parse_date("Thu, 29 Feb 2024 23:59:59 GMT"), Ok(1_709_251_199));
        assert_eq!(parse_date("1 Mar 2100 00:00:00 +0000"), Ok(4_107_542_400));
    }

    #[test]
    fn seconds_are_shown_as_dates() {
        assert_eq!(show_date(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(show_date(1_686_385_014), "2023-06-10 08:16:54 UTC");
        assert_eq!(show_date(1_709_251_199), "2024-02-29 23:59:59 UTC");
        assert_eq!(show_date(4_107_542_400), "2100-03-01 00:00:00 UTC");
        assert_eq!(show_date(1_735_689_599), "2024-12-31 23:59:59 UTC");
    }

    #[test]
    fn other_forms_are_refused() {
        for text in [
            "",
            "yesterday",
            "Sat, 10 Jun 2023 08:16:54 CEST",
            "Sat, 31 Jun 2023 08:16:54 UTC",
            "Sat, 29 Feb 2023 08:16:54 UTC",
            "Sat, 10 Jun 2023 24:00:00 UTC",
            "Sat, 10 Jun 1969 08:16:54 UTC",
        ] {
            assert_eq!(parse_date(text), Err(DateError(text.to_owned())), "{text}");
        }
    }
}
