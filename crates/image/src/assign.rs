//! Which layer a label belongs to: by its name alone, never by size, version or history.
//!
//! So a package that grows moves its own layer only, and one that is added joins one layer.
//! With `max` layers, from the bottom to the top (the often changing above the stable):
//!
//! | layers | what is in them |
//! |---|---|
//! | the first | Debian packages (`deb:NAME`), by a hash of their family |
//! | a quarter of `max` | other inputs (`build.app`, `source.site`), by a hash of their label |
//! | the last but one | `files`, and paths without a label |
//! | the last | `state`: what is derived from all packages, such as their database |
//!
//! A budget under four layers joins these groups.

use groundup_digest::BlobId;

/// The layer, counted from 0, of what `label` gave, in a plan of `max` layers (at least one).
pub fn layer_of(label: Option<&str>, max: usize) -> usize {
    let groups = Groups::of(max);
    match label {
        Some(label) if label.starts_with("deb:") => bucket(family(&label[4..]), groups.packages),
        None | Some("files") => groups.files,
        Some("state") => groups.state,
        Some(label) => groups.others_from + bucket(label, groups.others),
    }
}

struct Groups {
    packages: usize,
    others_from: usize,
    others: usize,
    files: usize,
    state: usize,
}

impl Groups {
    fn of(max: usize) -> Self {
        match max {
            0 | 1 => Self { packages: 1, others_from: 0, others: 1, files: 0, state: 0 },
            2 => Self { packages: 1, others_from: 1, others: 1, files: 1, state: 1 },
            3 => Self { packages: 1, others_from: 1, others: 1, files: 1, state: 2 },
            _ => {
                let others = (max / 4).max(1);
                let packages = max - others - 2;
                let (files, state) = (max - 2, max - 1);
                Self { packages, others_from: packages, others, files, state }
            }
        }
    }
}

/// A place among `count` that depends on the name alone.
fn bucket(name: &str, count: usize) -> usize {
    let hash = BlobId::of(name.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.as_bytes()[..8]);
    (u64::from_le_bytes(first) % count as u64) as usize
}

/// What packages of one source have in common by the habits of Debian's names, so that they, which
/// change together, stay together: `libperl5.36`, `perl-base` and `perl-modules-5.36` are `perl`.
fn family(package: &str) -> &str {
    let name = package.split([':', '-', '_']).next().unwrap_or(package);
    let name = name.strip_prefix("lib").filter(|rest| !rest.is_empty()).unwrap_or(name);
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+'));
    if stem.is_empty() { package } else { stem }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_one_source_are_one_family() {
        for package in ["perl", "libperl5.36", "perl-base", "perl-modules-5.36"] {
            assert_eq!(family(package), "perl");
        }
        for package in ["gcc", "gcc-12-base", "libgcc-s1", "libgcc-12-dev"] {
            assert_eq!(family(package), "gcc");
        }
        assert_eq!(family("libc6"), family("libc-bin"));
        assert_eq!(family("libstdc++6"), "stdc");
        assert_eq!(family("lib32z1"), "32z");
        assert_eq!(family("7zip"), "7zip");
        assert_eq!(family("libssl3"), family("libssl1.1"));
    }

    #[test]
    fn every_label_has_a_layer_within_the_budget() {
        let labels = ["deb:libc6", "deb:", "build.app", "files", "state", ""];
        for max in 1..130 {
            for label in labels {
                assert!(layer_of(Some(label), max) < max);
            }
            assert!(layer_of(None, max) < max);
        }
    }

    #[test]
    fn groups_stay_apart_where_the_budget_allows() {
        assert!(layer_of(Some("deb:libc6"), 24) < 16);
        assert!((16..22).contains(&layer_of(Some("build.app"), 24)));
        assert_eq!(layer_of(Some("files"), 24), 22);
        assert_eq!(layer_of(Some("state"), 24), 23);
    }

    /// These places are in the layers of published images: a change needs a new version.
    #[test]
    fn places_are_pinned() {
        let labels = ["deb:libc6", "deb:nginx", "deb:bash", "build.iptables"];
        assert_eq!(labels.map(|label| layer_of(Some(label), 24)), [10, 7, 12, 20]);
    }
}
