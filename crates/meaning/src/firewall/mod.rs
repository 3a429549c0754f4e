//! Rule sets of firewalls: what `iptables-save` writes, and scripts of nft.

mod iptables;
mod nft;

pub(crate) use iptables::{iptables, looks_like as looks_like_iptables};
pub(crate) use nft::{looks_like as looks_like_nft, nft};

use crate::{Finding, Kind, text::cut, text::edits::edits};

/// Compares the rules of one chain, whose order decides.
fn rules(chain: &str, before: &[String], after: &[String]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut sorted = [before.to_vec(), after.to_vec()];
    sorted.iter_mut().for_each(|rules| rules.sort_unstable());
    let is_order = sorted[0] == sorted[1];
    for edit in edits(before, after) {
        let gone = before.get(edit.before.clone()).unwrap_or_default();
        let new = after.get(edit.after.clone()).unwrap_or_default();
        let pairs = gone.len() == new.len();
        for at in 0..gone.len().max(new.len()) {
            let (a, b) = (gone.get(at), new.get(at));
            let is_pair = pairs && a.zip(b).is_some();
            let what = |place: usize| format!("{chain} rule {}", place + at + 1);
            if let (Some(a), Some(b), true) = (a, b, is_pair) {
                let finding = Finding::changed(Kind::Rule, what(edit.after.start), cut(a), cut(b));
                findings.push(finding.note(crate::text::moved(a, b)));
                continue;
            }
            findings
                .extend(a.map(|a| Finding::removed(Kind::Rule, what(edit.before.start), cut(a))));
            findings.extend(b.map(|b| Finding::added(Kind::Rule, what(edit.after.start), cut(b))));
        }
    }
    if is_order && !findings.is_empty() {
        let count = findings.len();
        let finding = Finding::bare(Kind::Rule, format!("{chain} order of rules"));
        return vec![
            finding.note(format!("the same rules in another order, {count} moves")).with(findings),
        ];
    }
    findings
}
