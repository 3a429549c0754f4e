//! What differs between two resolved configurations, as `scripts/diffconfig` of Linux shows it.

use super::{Config, Value};
use std::{collections::BTreeMap, fmt};

/// What became of a symbol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is no longer named; it had this value.
    Removed(Value),
    /// It had the first value and has the second.
    Changed(Value, Value),
    /// It is new with this value.
    Added(Value),
}

/// All symbols that differ, by name. `Display` writes what `diffconfig` prints: first what is gone,
/// then what changed, then what is new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConfigDiff(BTreeMap<String, Change>);

impl ConfigDiff {
    /// Compares two configurations.
    pub fn new(old: &Config, new: &Config) -> ConfigDiff {
        let mut changes = BTreeMap::new();
        for (symbol, setting) in old.settings() {
            let before = setting.value.clone();
            let change = match new.get(symbol) {
                None => Change::Removed(before),
                Some(after) if *after != before => Change::Changed(before, after.clone()),
                Some(_) => continue,
            };
            changes.insert(symbol.clone(), change);
        }
        for (symbol, setting) in new.settings() {
            if old.get(symbol).is_none() {
                changes.insert(symbol.clone(), Change::Added(setting.value.clone()));
            }
        }
        ConfigDiff(changes)
    }

    /// The changes by symbol, sorted.
    pub fn changes(&self) -> &BTreeMap<String, Change> {
        &self.0
    }
}

impl fmt::Display for ConfigDiff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (symbol, change) in &self.0 {
            if let Change::Removed(value) = change {
                writeln!(f, "-{symbol} {value}")?;
            }
        }
        for (symbol, change) in &self.0 {
            if let Change::Changed(before, after) = change {
                writeln!(f, " {symbol} {before} -> {after}")?;
            }
        }
        for (symbol, change) in &self.0 {
            if let Change::Added(value) = change {
                writeln!(f, "+{symbol} {value}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gone_changed_and_new_symbols_are_shown_in_this_order() {
        let parsed = |text: &str| Config::parse("c", text.as_bytes()).unwrap();
        let old = parsed("CONFIG_A=y\nCONFIG_B=y\nCONFIG_Z=\"a\"\nCONFIG_SAME=1\n");
        let new = parsed("CONFIG_AA=0x1\n# CONFIG_B is not set\nCONFIG_Z=\"b\"\nCONFIG_SAME=1\n");
        let shown = ConfigDiff::new(&old, &new).to_string();
        assert_eq!(shown, "-A y\n B y -> n\n Z \"a\" -> \"b\"\n+AA 0x1\n");
        assert!(ConfigDiff::new(&old, &old).changes().is_empty());
    }
}
