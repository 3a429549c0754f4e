//! Scripts of nft(8), by line within table and chain: braces open and close blocks.

use super::rules;
use crate::{Finding, Kind, Pair, unread::Unread};
use std::collections::{BTreeMap, BTreeSet};

/// Whether a text is such a script.
pub(crate) fn looks_like(text: &str) -> bool {
    let line = |line: &str| {
        let table = line.strip_prefix("table ").is_some_and(|rest| rest.trim_end().ends_with('{'));
        table || line.starts_with("#!/usr/sbin/nft") || line.starts_with("#!/sbin/nft")
    };
    text.lines().map(str::trim).any(line)
}

/// Compares two scripts.
pub(crate) fn nft(pair: &Pair<'_>) -> Result<Vec<Finding>, Unread> {
    let (before, after) = (read(pair.before)?, read(pair.after)?);
    let blocks: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut findings = Vec::new();
    for name in blocks {
        let what = if name.is_empty() { "top" } else { name };
        match (before.get(name), after.get(name)) {
            (Some(a), Some(b)) => findings.extend(rules(what, a, b)),
            (Some(a), None) => {
                findings.push(Finding::removed(Kind::Rule, what, format!("{} rules", a.len())));
                findings.extend(rules(what, a, &[]));
            }
            (None, Some(b)) => {
                findings.push(Finding::added(Kind::Rule, what, format!("{} rules", b.len())));
                findings.extend(rules(what, &[], b));
            }
            (None, None) => {}
        }
    }
    Ok(findings)
}

/// The statements of each block, by the names of the blocks around it.
fn read(text: &[u8]) -> Result<BTreeMap<String, Vec<String>>, Unread> {
    let text = String::from_utf8_lossy(text);
    let mut blocks: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut open: Vec<String> = Vec::new();
    for (at, raw) in text.lines().enumerate() {
        let line = without_comment(raw).split_whitespace().collect::<Vec<_>>().join(" ");
        let statement = line.trim();
        if statement.is_empty() {
            continue;
        }
        // Sets within a line, `{ 22, 80 }`, are no blocks.
        let (opens, closes) = (statement.matches('{').count(), statement.matches('}').count());
        if opens == closes + 1 && statement.ends_with('{') {
            if open.len() >= 16 {
                return Err(Unread::Deep(16));
            }
            open.push(statement.trim_end_matches('{').trim().to_owned());
            blocks.entry(open.join(" ")).or_default();
        } else if statement.trim_end_matches(';') == "}" {
            if open.pop().is_none() {
                return Err(Unread::line(at + 1, "a brace closes nothing"));
            }
        } else {
            for part in statement.split(';').map(str::trim).filter(|part| !part.is_empty()) {
                blocks.entry(open.join(" ")).or_default().push(part.to_owned());
            }
        }
    }
    match open.last() {
        Some(name) => Err(Unread::Other(format!("`{name}` does not end"))),
        None => Ok(blocks),
    }
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return &line[..at],
            _ => {}
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_told_in_its_table_and_chain() {
        let before = "#!/usr/sbin/nft -f\nflush ruleset\ntable inet filter {\n  chain input {\n    \
            type filter hook input priority 0; policy accept;\n    tcp dport { 22, 80 } accept # ssh\n  }\n}\n";
        let after = before.replace("policy accept", "policy drop").replace("# ssh", "# web");
        let pair = Pair { path: "", before: before.as_bytes(), after: after.as_bytes() };
        let found = nft(&pair).unwrap();
        assert_eq!(found.len(), 1, "{found:#?}");
        assert_eq!(found[0].what, "table inet filter chain input rule 2");
    }
}
