//! Unit files of systemd, as far as a comparison needs them (systemd.syntax(7)): what each line sets.

use serde::Serialize;
use std::collections::BTreeMap;

/// What a unit file or drop-in sets: section, then key, then its values in order. An empty value, which
/// takes back what stood before, is one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Unit(pub BTreeMap<String, BTreeMap<String, Vec<String>>>);

/// Reads a unit file; what is no setting is passed over, as systemd does.
pub fn parse_unit(text: &str) -> Unit {
    let mut unit = Unit::default();
    let mut section = String::new();
    let mut whole = String::new();
    for line in text.lines() {
        let comment = line.trim_start().starts_with(['#', ';']);
        if comment {
            // Also between the parts of a line that goes on.
            continue;
        }
        if let Some(part) = line.strip_suffix('\\') {
            whole.push_str(part);
            whole.push(' ');
            continue;
        }
        whole.push_str(line);
        let line = std::mem::take(&mut whole);
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((key, value)) = line.split_once('=')
            && !section.is_empty()
        {
            let keys = unit.0.entry(section.clone()).or_default();
            keys.entry(key.trim_end().to_owned()).or_default().push(value.trim_start().to_owned());
        }
    }
    unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_as_systemd_reads_them() {
        let unit = parse_unit(
            "lost=1\n[Unit]\nDescription = a b \n# no\n[Service]\nExecStart=\nExecStart=/bin/a \\\n\
             ; still no\n  b\nLimitNOFILE=infinity\nnothing\n",
        );
        let values = |section: &str, key: &str| unit.0[section][key].clone();
        assert_eq!(values("Unit", "Description"), ["a b"]);
        assert_eq!(values("Service", "ExecStart"), ["", "/bin/a    b"]);
        assert_eq!(values("Service", "LimitNOFILE"), ["infinity"]);
        assert_eq!(unit.0.len(), 2);
    }
}
