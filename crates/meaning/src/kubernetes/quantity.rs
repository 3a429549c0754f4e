//! Quantities: `500m`, `0.5`, `1Gi`; k8s.io/apimachinery `resource.Quantity`.

use crate::keyed::{Segment, Value};

/// Whether two values of a resource are the same quantity.
pub(super) fn is_same(path: &[Segment], a: Option<&Value>, b: Option<&Value>) -> bool {
    let among = |segment: &Segment| match segment {
        Segment::Key(key) => {
            matches!(
                key.as_str(),
                "limits" | "requests" | "capacity" | "hard" | "sizeLimit" | "overhead"
            )
        }
        _ => false,
    };
    let read = |value: Option<&Value>| quantity(&value?.shown());
    path.iter().any(among) && read(a).is_some() && read(a) == read(b)
}

/// In thousandths.
fn quantity(text: &str) -> Option<i128> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    if part.len() > 3 || whole.is_empty() {
        return None;
    }
    let thousandths = format!("{whole}{part:0<3}").parse::<i128>().ok()?;
    let kilo = |power: u32| 1000i128.checked_pow(power);
    let kibi = |power: u32| 1024i128.checked_pow(power);
    let factor = match unit {
        "" => 1,
        "m" => return (thousandths % 1000 == 0).then_some(thousandths / 1000),
        "k" => kilo(1)?,
        "M" => kilo(2)?,
        "G" => kilo(3)?,
        "T" => kilo(4)?,
        "P" => kilo(5)?,
        "E" => kilo(6)?,
        "Ki" => kibi(1)?,
        "Mi" => kibi(2)?,
        "Gi" => kibi(3)?,
        "Ti" => kibi(4)?,
        "Pi" => kibi(5)?,
        "Ei" => kibi(6)?,
        _ => return None,
    };
    thousandths.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_quantity_has_many_spellings() {
        for [a, b] in [["500m", "0.5"], ["1Gi", "1024Mi"], ["1000m", "1"], ["1.5k", "1500"]] {
            assert_eq!(quantity(a), quantity(b), "{a} {b}");
            assert!(quantity(a).is_some());
        }
        assert_ne!(quantity("1G"), quantity("1Gi"));
        assert_eq!((quantity("x"), quantity(""), quantity("1.2345")), (None, None, None));
    }
}
