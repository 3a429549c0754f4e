//! The format of `iptables-save` and `iptables-restore`: tables, policies and counters of chains, rules.

use super::rules;
use crate::{Finding, Kind, Pair, unread::Unread};
use std::collections::{BTreeMap, BTreeSet};

/// A table: chains with their policies, and their rules in order.
#[derive(Default)]
struct Table {
    policies: BTreeMap<String, String>,
    chains: BTreeMap<String, Vec<String>>,
}

/// Whether a text is such a rule set.
pub(crate) fn looks_like(text: &str) -> bool {
    let mut lines =
        text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.next().is_some_and(|line| line.starts_with('*') && line.len() < 20)
        && text.lines().any(|line| line.trim() == "COMMIT")
}

/// Compares two rule sets.
pub(crate) fn iptables(pair: &Pair<'_>) -> Result<Vec<Finding>, Unread> {
    let (before, after) = (read(pair.before)?, read(pair.after)?);
    let mut findings = Vec::new();
    let tables: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let none = Table::default();
    for name in tables {
        let (a, b) = (before.get(name).unwrap_or(&none), after.get(name).unwrap_or(&none));
        let chains: BTreeSet<&String> = [a, b]
            .into_iter()
            .flat_map(|table| table.policies.keys().chain(table.chains.keys()))
            .collect();
        for chain in chains {
            let what = format!("table {name} chain {chain}");
            let (was, is) = (a.policies.get(chain), b.policies.get(chain));
            if was != is {
                let shown = |policy: Option<&String>| {
                    policy.map(|policy| match policy.as_str() {
                        "-" => "there".to_owned(),
                        policy => policy.to_owned(),
                    })
                };
                let mut finding = Finding::bare(Kind::Rule, format!("{what} policy"));
                (finding.before, finding.after) = (shown(was), shown(is));
                findings.push(finding);
            }
            let empty = Vec::new();
            let (x, y) =
                (a.chains.get(chain).unwrap_or(&empty), b.chains.get(chain).unwrap_or(&empty));
            findings.extend(rules(&what, x, y));
        }
    }
    Ok(findings)
}

fn read(text: &[u8]) -> Result<BTreeMap<String, Table>, Unread> {
    let text = String::from_utf8_lossy(text);
    let mut tables: BTreeMap<String, Table> = BTreeMap::new();
    let mut open = String::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') || line == "COMMIT" {
            continue;
        }
        if let Some(name) = line.strip_prefix('*') {
            open = name.trim().to_owned();
            tables.entry(open.clone()).or_default();
            continue;
        }
        let table = tables.get_mut(&open);
        let table = table.ok_or_else(|| Unread::line(at + 1, "a rule stands before any table"))?;
        if let Some(chain) = line.strip_prefix(':') {
            let mut words = chain.split_whitespace();
            let name = words.next().unwrap_or_default();
            table.policies.insert(name.to_owned(), words.next().unwrap_or("-").to_owned());
            continue;
        }
        // Counters in front of a rule: [packets:bytes].
        let rule = match line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((_, rule)) => rule.trim(),
            None => line,
        };
        let mut words = rule.splitn(3, ' ');
        let (Some(verb), Some(chain)) = (words.next(), words.next()) else {
            return Err(Unread::line(at + 1, "neither a chain nor a rule"));
        };
        if !verb.starts_with('-') {
            return Err(Unread::line(at + 1, "neither a chain nor a rule"));
        }
        let rest = words.next().unwrap_or_default();
        let rule = match verb {
            "-A" | "--append" => rest.to_owned(),
            _ => format!("{verb} {rest}"),
        };
        table.chains.entry(chain.to_owned()).or_default().push(rule);
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: &str = "# Generated\n*filter\n:INPUT ACCEPT [10:20]\n:KUBE - [0:0]\n\
        -A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -j KUBE\nCOMMIT\n";

    fn told(before: &str, after: &str) -> Vec<Finding> {
        iptables(&Pair { path: "", before: before.as_bytes(), after: after.as_bytes() }).unwrap()
    }

    #[test]
    fn policies_and_rules_are_told_by_chain() {
        let found = told(RULES, &RULES.replace("INPUT ACCEPT", "INPUT DROP"));
        assert_eq!(found[0].what, "table filter chain INPUT policy");
        let found = told(RULES, &RULES.replace("--dport 22", "--dport 2222"));
        assert_eq!(found[0].what, "table filter chain INPUT rule 1");
        assert_eq!(found[0].note.as_deref(), Some("characters 16-17: \"22\" -> \"2222\""));
    }

    #[test]
    fn counters_say_nothing_and_order_does() {
        assert!(told(RULES, &RULES.replace("[10:20]", "[0:0]")).is_empty());
        let swapped = "*filter\n:INPUT ACCEPT [10:20]\n:KUBE - [0:0]\n-A INPUT -j KUBE\n\
            -A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n";
        let found = told(RULES, swapped);
        assert_eq!(found[0].what, "table filter chain INPUT order of rules");
    }

    #[test]
    fn text_before_a_table_is_refused() {
        let pair = Pair { path: "", before: b"-A INPUT -j DROP\n", after: b"" };
        assert!(iptables(&pair).is_err());
    }
}
