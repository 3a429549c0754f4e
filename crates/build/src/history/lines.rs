//! Where a pin or a declaration stands in the files as they are now.
//!
//! A record says where a step's pin stood when it was built. Lines move; what is pinned is found
//! again by its name, version and file, not by a number.

use groundup_provenance::label_parts;

/// A lock, to find pins in.
#[derive(Debug, Clone, Copy)]
pub struct PinLines<'a> {
    text: &'a str,
}

/// A line of a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinLine<'a> {
    /// Its number, from 1.
    pub line: usize,
    /// What it says.
    pub text: &'a str,
}

impl<'a> PinLines<'a> {
    /// The lines of a lock.
    pub fn new(text: &'a str) -> Self {
        Self { text }
    }

    /// The line that pins what the step of this label fetches; none if nothing pins it any more.
    pub fn of_step(&self, label: &str) -> Option<PinLine<'a>> {
        let parts = label_parts(label);
        let what = parts.role.strip_prefix("fetch")?.trim_start();
        if let Some(package) = parts.owner.strip_prefix("package ") {
            let (name, arch) = package.split_once(':')?;
            let pinned = format!("\"{name} {what} {arch} ");
            return self.in_section("[package]", |line| line.starts_with(&pinned));
        }
        if let Some(archive) = parts.owner.strip_prefix("archive ") {
            let section = format!("[archive.{archive}]");
            if let Some(index) = what.strip_prefix("index ") {
                let section = format!("[archive.{archive}.indexes]");
                let pinned = format!("\"{index}\" ");
                return self.in_section(&section, |line| line.starts_with(&pinned));
            }
            let key = what.to_ascii_lowercase();
            return self.in_section(&section, |line| line.starts_with(&format!("{key} =")));
        }
        let section = format!("[{}]", parts.owner);
        if what.is_empty() {
            // A single file: its digest where it stands on a line of its own, else the section.
            let keys = ["sha256", "commit", "digest"];
            let pinned = keys.iter().find_map(|key| {
                let key = format!("{key} =");
                self.in_section(&section, |line| line.starts_with(&key))
            });
            return pinned
                .or_else(|| self.section(&section).map(|(line, text)| PinLine { line, text }));
        }
        let file = format!("/{what}\"");
        let bare = format!("\"{what}\"");
        self.in_section(&section, |line| line.contains(&file) || line.contains(&bare))
    }

    fn section(&self, header: &str) -> Option<(usize, &'a str)> {
        let mut lines = self.text.lines().enumerate();
        lines.find(|(_, line)| line.trim() == header).map(|(number, line)| (number + 1, line))
    }

    fn in_section(&self, header: &str, is: impl Fn(&str) -> bool) -> Option<PinLine<'a>> {
        let mut lines = self.text.lines().enumerate().skip_while(|(_, line)| line.trim() != header);
        lines.next()?;
        lines
            .take_while(|(_, line)| !line.starts_with('['))
            .map(|(number, line)| PinLine { line: number + 1, text: line.trim() })
            .find(|line| is(line.text))
    }
}

impl PinLine<'_> {
    /// What is pinned, in a few words: the name of the entry, or the path of the file.
    pub fn subject(&self) -> String {
        let text = self.text.trim_end_matches(',');
        if let Some((key, _)) = text.strip_prefix('"').and_then(|rest| rest.split_once("\" =")) {
            return key.to_owned();
        }
        let quoted = text.split('"').nth(1).unwrap_or(text);
        quoted.rsplit('/').next().unwrap_or(quoted).to_owned()
    }

    /// The source package of a pinned package, as the path in the archive has it.
    pub fn source_package(&self) -> Option<&str> {
        let path = self.text.split('"').find(|part| part.starts_with("pool/"))?;
        path.rsplit('/').nth(1)
    }
}

/// The line of a recipe in which a target says something of one of `words` (a path, a key), the
/// first of them that it speaks of, from its header at `header` (from 1) on; the header itself where
/// no line does. None if the target is not there.
pub fn recipe_line(text: &str, owner: &str, header: usize, words: &[&str]) -> Option<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let (table, below) = (format!("[{owner}]"), format!("[{owner}."));
    let is_own = |line: &str| line.starts_with(&table) || line.starts_with(&below);
    let at_header = |number: usize| lines.get(number).is_some_and(|line| is_own(line));
    let start = header
        .checked_sub(1)
        .filter(|number| at_header(*number))
        .or_else(|| lines.iter().position(|line| is_own(line)))?;
    let of_another =
        |line: &str| line.starts_with('[') && line.trim_end().ends_with(']') && !is_own(line);
    let own: Vec<(usize, &str)> = lines
        .iter()
        .enumerate()
        .skip(start)
        .take_while(|(_, line)| !of_another(line))
        .map(|(number, line)| (number, *line))
        .collect();
    let said = words.iter().find_map(|word| {
        let (quoted, key) = (format!("\"{word}\""), format!("{word} ="));
        let says = |line: &str| line.contains(&quoted) || line.trim_start().starts_with(&key);
        own.iter().find(|(_, line)| says(line)).map(|(number, _)| *number)
    });
    Some(said.unwrap_or(start) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCK: &str = "\
# A lock.
version = 1

[archive.debian]
suite = \"bookworm\"
inrelease = [\"dists/bookworm/InRelease\", 1, \"aa\"]
keyring = [\"pool/k.deb\", 1, \"bb\"]

[archive.debian.indexes]
\"main amd64\" = [\"dists/x\", 1, \"cc\"]

[package]
\"nginx 1.22 amd64 debian\" = [\"pool/main/n/nginx-src/nginx_1.22_amd64.deb\", 1, \"dd\"]
\"nginx 1.22-1 amd64 debian\" = [\"pool/main/n/nginx-src/nginx_1.22-1_amd64.deb\", 1, \"ee\"]

[source.x]
dsc = \"x\"
files = [
  [\"pool/main/x/x/x_1.dsc\", 1, \"ff\"],
  [\"pool/main/x/x/x_1.orig.tar.xz\", 1, \"00\"],
]

[source.u]
url = \"https://example.org/u.tar\"
sha256 = \"11\"
";

    #[test]
    fn a_pin_is_found_by_what_it_pins() {
        let lines = PinLines::new(LOCK);
        let at = |label: &str| lines.of_step(label).map(|line| line.line);
        assert_eq!(at("package nginx:amd64 fetch 1.22"), Some(13));
        assert_eq!(at("package nginx:amd64 fetch 1.22-1"), Some(14));
        assert_eq!(at("package nginx:amd64 fetch 1.2"), None);
        assert_eq!(at("archive debian fetch InRelease"), Some(6));
        assert_eq!(at("archive debian fetch keyring"), Some(7));
        assert_eq!(at("archive debian fetch index main amd64"), Some(10));
        assert_eq!(at("source.x fetch x_1.orig.tar.xz"), Some(20));
        assert_eq!(at("source.u fetch"), Some(25));
        assert_eq!(at("source.y fetch"), None);
        assert_eq!(at("build.x run linux/amd64"), None);
    }

    #[test]
    fn a_pin_names_its_subject_and_its_source_package() {
        let lines = PinLines::new(LOCK);
        let line = lines.of_step("package nginx:amd64 fetch 1.22").unwrap();
        assert_eq!(line.subject(), "nginx 1.22 amd64 debian");
        assert_eq!(line.source_package(), Some("nginx-src"));
        let line = lines.of_step("source.x fetch x_1.dsc").unwrap();
        assert_eq!(line.subject(), "x_1.dsc");
    }

    const RECIPE: &str = "\
[rootfs.web]
files = [
    { path = \"/etc/a\", text = \"b\" },
]

[rootfs.web.links]
\"/sbin/init\" = \"x\"

[image.web]
hostname = \"h\"
files = [{ path = \"/etc/a\", text = \"c\" }]
";

    #[test]
    fn a_declaration_is_found_in_its_target_though_lines_moved() {
        let line =
            |owner, header, word: Option<&str>| recipe_line(RECIPE, owner, header, word.as_slice());
        assert_eq!(line("rootfs.web", 1, Some("/etc/a")), Some(3));
        assert_eq!(line("image.web", 9, Some("/etc/a")), Some(11));
        // The record is of a time when the target stood elsewhere.
        assert_eq!(line("image.web", 4, Some("/etc/a")), Some(11));
        assert_eq!(line("image.web", 4000, Some("hostname")), Some(10));
        assert_eq!(line("rootfs.web", 1, Some("/sbin/init")), Some(7));
        assert_eq!(line("rootfs.web", 1, Some("/nothing")), Some(1));
        assert_eq!(line("rootfs.web", 1, None), Some(1));
        assert_eq!(line("rootfs.gone", 1, None), None);
        assert_eq!(recipe_line(RECIPE, "image.web", 9, &["/x/h", "h"]), Some(10));
    }
}
