//! Kernel parameters as systemd-sysctl sets them (sysctl.d(5)): files in the order of their names,
//! those of `/etc` before those of the same name elsewhere, the last line of a parameter counts.

use serde::Serialize;
use std::collections::BTreeMap;

/// A parameter's value and where it is set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sysctl {
    /// The value.
    pub value: String,
    /// The file.
    pub file: String,
    /// The line in it.
    pub line: usize,
}

/// What files of parameters set together. Names have dots, as in `net.ipv4.ip_forward`; patterns
/// (`net.ipv4.conf.*.rp_filter`) stay as they are.
pub fn sysctls<'a>(
    files: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> BTreeMap<String, Sysctl> {
    let mut by_name: BTreeMap<&str, (&str, &str)> = BTreeMap::new();
    let mut last = None;
    for (path, text) in files {
        let name = path.rsplit('/').next().unwrap_or(path);
        if path == "/etc/sysctl.conf" {
            // Debian links it as 99-sysctl.conf; read by itself, it comes last.
            last = Some((path, text));
            continue;
        }
        let known = by_name.get(name).is_some_and(|(known, _)| known.starts_with("/etc/"));
        if !known {
            by_name.insert(name, (path, text));
        }
    }
    let mut set = BTreeMap::new();
    for (path, text) in by_name.into_values().chain(last) {
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            let Some((name, value)) = line.split_once('=') else { continue };
            // A minus: a failure to set it is no error.
            let name = dotted(name.trim().trim_start_matches('-'));
            let (value, file) = (value.trim().to_owned(), path.to_owned());
            set.insert(name, Sysctl { value, file, line: number + 1 });
        }
    }
    set
}

/// Either separator may be used; the first one decides (sysctl.d(5)).
fn dotted(name: &str) -> String {
    match name.find(['.', '/']) {
        Some(at) if name[at..].starts_with('/') => name
            .chars()
            .map(|c| match c {
                '/' => '.',
                '.' => '/',
                c => c,
            })
            .collect(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_file_by_name_counts_and_etc_hides_others() {
        let set = sysctls([
            ("/usr/lib/sysctl.d/50-default.conf", "a.b = 1\n-c.d=2\n"),
            ("/usr/lib/sysctl.d/60-x.conf", "a.b=3\n"),
            ("/etc/sysctl.d/60-x.conf", "# nothing\n\nnet/ipv4/conf/eth0.1/x = 5 \n"),
            ("/etc/sysctl.conf", "c.d = 9\n"),
        ]);
        let at = |name: &str| {
            let Sysctl { value, file, line } = &set[name];
            (value.as_str(), file.as_str(), *line)
        };
        assert_eq!(at("a.b"), ("1", "/usr/lib/sysctl.d/50-default.conf", 1));
        assert_eq!(at("c.d"), ("9", "/etc/sysctl.conf", 1));
        assert_eq!(at("net.ipv4.conf.eth0/1.x"), ("5", "/etc/sysctl.d/60-x.conf", 3));
    }
}
