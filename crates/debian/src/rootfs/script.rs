//! Diversions that maintainer scripts would make if they ran.
//!
//! A script that calls `dpkg-divert` to add a diversion changes where files go, so not running it
//! silently would be wrong. Scripts are read word by word, not interpreted: what cannot be read is
//! reported as it stands.

/// Packages whose scripts add diversions only when there is an earlier state, which an empty root
/// never has; `docs/debian.md` says why for each.
pub(super) const HARMLESS: &[(&str, &str)] =
    &[("dash", "takes /bin/sh over from a diversion of ash or bash, if there is one")];

/// Diversions to such names keep dpkg from removing what has moved below `/usr` while it upgrades
/// (Debian's DEP 17, mitigation M8). In a root that is merged from the start they move nothing.
const PROTECTIVE: &str = ".usr-is-merged";

/// The paths that `script` would divert, as it writes them.
pub(super) fn diverted_paths(script: &str) -> Vec<String> {
    let joined = script.replace("\\\n", " ");
    let mut paths = Vec::new();
    for line in joined.lines() {
        let code = line.trim_start();
        if code.starts_with('#') {
            continue;
        }
        for command in code.split([';', '|', '&', '(', ')', '`']) {
            let words: Vec<&str> = command.split_ascii_whitespace().collect();
            let Some(at) = words.iter().position(|word| word.ends_with("dpkg-divert")) else {
                continue;
            };
            // A word of a test (`command -v dpkg-divert`, `[ -x … ]`) or of a message.
            if words[..at]
                .iter()
                .any(|word| matches!(*word, "-v" | "-x" | "echo" | "which" | "type"))
            {
                continue;
            }
            paths.extend(added(&words[at + 1..]));
        }
    }
    paths
}

/// The path that one call of `dpkg-divert` adds a diversion for; none if it does something else.
fn added(words: &[&str]) -> Option<String> {
    const OTHER: [&str; 6] =
        ["--remove", "--list", "--listpackage", "--truename", "--help", "--version"];
    let words: Vec<&str> = words.iter().map(|word| word.trim_matches(['"', '\''])).collect();
    if words.iter().any(|word| OTHER.contains(word)) {
        return None;
    }
    let mut path = None;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        match *word {
            "--divert" => {
                if rest.next().is_some_and(|to| to.ends_with(PROTECTIVE)) {
                    return None;
                }
            }
            _ if word.starts_with("--divert=") && word.ends_with(PROTECTIVE) => return None,
            "--package" | "--admindir" | "--instdir" | "--root" => {
                rest.next();
            }
            _ if word.starts_with('-') || word.contains('>') => {}
            _ => path = Some((*word).to_owned()),
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn added_diversions_are_seen_in_their_spellings() {
        let script = "#!/bin/sh\n# dpkg-divert --add /never\n\
            if true; then dpkg-divert --package x --rename \\\n  --divert /usr/bin/a.orig --add \"/usr/bin/a\"; fi\n\
            dpkg-divert --add --rename /usr/bin/b >/dev/null 2>&1 || true\n\
            dpkg-divert --quiet --package x /usr/lib/$f\n";
        assert_eq!(diverted_paths(script), ["/usr/bin/a", "/usr/bin/b", "/usr/lib/$f"]);
    }

    #[test]
    fn questions_and_removals_are_no_diversions() {
        let script = "P=$(dpkg-divert --truename /bin/ping)\n\
            dpkg-divert --package x --remove --rename /usr/bin/a\n\
            if command -v dpkg-divert >/dev/null; then :; fi\n\
            dpkg-divert --add --no-rename --divert \"/.$d.usr-is-merged\" \"/$d\"\n\
            dpkg-divert --add --divert=/lib64/ld.so.usr-is-merged /lib64/ld.so\n\
            dpkg-divert --list /etc/os-release | grep -q x\n";
        assert_eq!(diverted_paths(script), [] as [&str; 0]);
    }
}
