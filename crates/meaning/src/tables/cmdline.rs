//! The command line of a kernel: Documentation/admin-guide/kernel-parameters.rst of Linux. Of most words
//! the last one counts; `console` and its like are lists.

use crate::{Finding, Kind, Pair, settings::lines::words, text::edits::edits};
use std::collections::{BTreeMap, BTreeSet};

/// Words of which all count, in their order.
const LISTS: &[&str] = &[
    "console",
    "earlycon",
    "ip",
    "memmap",
    "pci",
    "module_blacklist",
    "rd.luks.uuid",
    "rd.lvm.lv",
    "systemd.setenv",
    "systemd.mask",
    "systemd.wants",
    "hugepagesz",
    "hugepages",
    "rd.driver.pre",
    "modprobe.blacklist",
    "dm-mod.create",
];

/// Whether one line without a telling name is such a line.
pub(crate) fn looks_like(text: &str) -> bool {
    let line = text.trim();
    !line.contains('\n')
        && line.len() < 4096
        && ["root=", "console=", "init=", "BOOT_IMAGE="]
            .iter()
            .any(|word| line.split_whitespace().any(|part| part.starts_with(word)))
}

/// Compares two command lines.
pub(crate) fn command_line(pair: &Pair<'_>) -> Vec<Finding> {
    let texts = [pair.before, pair.after].map(|text| String::from_utf8_lossy(text).into_owned());
    let (a, b) = (split(&texts[0]), split(&texts[1]));
    let mut findings = Vec::new();
    for part in [Part::Kernel, Part::Init] {
        let of = |words: &[(Part, String)]| -> Vec<(String, String)> {
            let words = words.iter().filter(|word| word.0 == part);
            let pairs = words.map(|(_, word)| word.split_once('=').unwrap_or((word, "")));
            pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
        };
        compare(part, &of(&a), &of(&b), &mut findings);
    }
    findings
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Kernel,
    /// What stands behind `--`.
    Init,
}

fn split(text: &str) -> Vec<(Part, String)> {
    let mut part = Part::Kernel;
    let mut found = Vec::new();
    for word in words(text) {
        if word == "--" {
            part = Part::Init;
        } else {
            found.push((part, word));
        }
    }
    found
}

/// The kernel takes `-` and `_` of names for the same.
fn name(key: &str) -> String {
    key.replace('-', "_")
}

fn compare(part: Part, a: &[(String, String)], b: &[(String, String)], out: &mut Vec<Finding>) {
    let index = |words: &[(String, String)]| -> BTreeMap<String, Vec<String>> {
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (key, value) in words {
            let key = if part == Part::Kernel { name(key) } else { key.clone() };
            found.entry(key).or_default().push(value.clone());
        }
        found
    };
    let (x, y) = (index(a), index(b));
    let before = out.len();
    let is_list = |key: &str| LISTS.iter().any(|list| name(list) == key);
    for key in x.keys().chain(y.keys()).collect::<BTreeSet<_>>() {
        let none = Vec::new();
        let (was, is) = (x.get(key).unwrap_or(&none), y.get(key).unwrap_or(&none));
        if was == is {
            continue;
        }
        let written = b.iter().chain(a).find(|(word, _)| name(word) == name(key));
        let what = match part {
            Part::Kernel => written.map_or(key.clone(), |(word, _)| word.clone()),
            Part::Init => format!("argument of init {key}"),
        };
        let tell = |value: Option<&String>, other: &[String]| {
            value.map(|value| match value.as_str() {
                "" if other.len() <= 1 => "given".to_owned(),
                value => value.to_owned(),
            })
        };
        if is_list(key) {
            for edit in edits(was, is) {
                for at in 0..edit.before.len().max(edit.after.len()) {
                    let of = |words: &[String], range: &std::ops::Range<usize>| {
                        (at < range.len()).then(|| words.get(range.start + at).cloned()).flatten()
                    };
                    let mut finding = Finding::bare(Kind::CommandLine, &*what);
                    (finding.before, finding.after) = (of(was, &edit.before), of(is, &edit.after));
                    out.push(finding);
                }
            }
            continue;
        }
        let mut finding = Finding::bare(Kind::CommandLine, &*what);
        (finding.before, finding.after) = (tell(was.last(), was), tell(is.last(), is));
        let times = [was.len(), is.len()];
        if finding.before == finding.after {
            finding.kind = Kind::Encoding;
            finding.note =
                Some(format!("there {} and {} times, the last counts", times[0], times[1]));
        } else if times[1] > 1 {
            finding.note = Some(format!("there {} times, the last counts", times[1]));
        } else if ["roothash", "usrhash", "dm_mod.create", "systemd.verity_root_hash"]
            .contains(&&**key)
        {
            finding.note = Some("root hash of the image".to_owned());
        }
        out.push(finding);
    }
    let keys =
        |words: &[(String, String)]| words.iter().map(|word| word.0.clone()).collect::<Vec<_>>();
    if out.len() == before && keys(a) != keys(b) {
        out.push(Finding::bare(Kind::Encoding, "order of words"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> Vec<Finding> {
        command_line(&Pair { path: "", before: before.as_bytes(), after: after.as_bytes() })
    }

    #[test]
    fn words_are_told_and_the_last_counts() {
        let found = told("root=/dev/a ro quiet", "root=/dev/b ro");
        let whats: Vec<&str> = found.iter().map(|one| one.what.as_str()).collect();
        assert_eq!(whats, ["quiet", "root"]);
        let found = told("a=1 b=2", "a=2 b=2 a=1");
        assert_eq!((found.len(), found[0].kind), (1, Kind::Encoding));
        assert_eq!(told("console=ttyS0 console=tty0", "console=tty0 console=ttyS0").len(), 2);
        assert_eq!(told("a b", "b a")[0].kind, Kind::Encoding);
        assert_eq!(
            told("roothash=aa", "roothash=bb")[0].note.as_deref(),
            Some("root hash of the image")
        );
    }
}
