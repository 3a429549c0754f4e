//! Writes a lock: sorted, one package a line, the same bytes for equal values.

use super::{FilePin, KeyringPin, LOCK_VERSION, Lock, SourcePin};
use std::fmt::Write;

const HEADER: &str = "\
# Every pin of every input from outside this repository.
# Written by `groundup lock` and `groundup update`; `groundup build` only reads it.
";

impl Lock {
    /// The text of the lock file.
    pub fn to_text(&self) -> String {
        let mut out = Text(String::from(HEADER));
        out.line(&format!("version = {LOCK_VERSION}"));
        for (name, pin) in &self.archives {
            out.table(&["archive", name]);
            out.key("suite", &quote(&pin.suite));
            out.key("components", &list(pin.components.iter()));
            out.key("date", &quote(&pin.date));
            out.key("verified", &quote(&pin.verified));
            out.key("signed_by", &list(pin.signed_by.iter()));
            out.key("inrelease", &file(&pin.inrelease));
            match &pin.keyring {
                KeyringPin::Package { package, member } => {
                    out.key("keyring", &file(package));
                    out.key("keyring_member", &quote(member));
                    if let Some(archive) = &pin.keyring_archive {
                        out.key("keyring_archive", &quote(archive));
                    }
                }
                KeyringPin::File { file, sha256 } => {
                    let items = [file.clone(), sha256.to_string()];
                    out.key("keyring_file", &list(items.iter()));
                }
            }
            out.table(&["archive", name, "indexes"]);
            for (index, pin) in &pin.indexes {
                out.key(&quote(&index.to_string()), &file(pin));
            }
        }
        if !self.packages.is_empty() {
            out.table(&["package"]);
            for (id, pin) in &self.packages {
                out.key(&quote(&id.to_string()), &file(pin));
            }
        }
        for ((name, platform), pin) in &self.rootfs {
            out.table(&["rootfs", name, &quote(platform.as_str())]);
            out.key("request", &quote(&pin.request.to_string()));
            let mut packages: Vec<String> = pin.packages.iter().map(|at| at.to_string()).collect();
            packages.sort();
            out.lines("packages", packages.iter().map(|package| quote(package)));
        }
        for (name, pin) in &self.sources {
            out.table(&["source", name]);
            source(pin, &mut out);
        }
        out.0
    }
}

fn source(pin: &SourcePin, out: &mut Text) {
    match pin {
        SourcePin::Url { url, size, sha256 } => {
            out.key("url", &quote(url));
            out.key("size", &size.to_string());
            out.key("sha256", &quote(&sha256.to_string()));
        }
        SourcePin::Git { url, rev, commit, tree } => {
            out.key("git", &quote(url));
            out.key("rev", &quote(rev));
            out.key("commit", &quote(commit));
            out.key("tree", &quote(tree));
        }
        SourcePin::Dsc { archive, package, version, files } => {
            out.key("dsc", &quote(package));
            out.key("archive", &quote(archive));
            out.key("version", &quote(version));
            out.lines("files", files.iter().map(file));
        }
        SourcePin::Deb { location, package, version, arch, size, sha256 } => {
            out.key("deb", &quote(location));
            out.key("package", &quote(package));
            out.key("version", &quote(version));
            out.key("arch", &quote(arch));
            out.key("size", &size.to_string());
            out.key("sha256", &quote(&sha256.to_string()));
        }
        SourcePin::Oci { location, digest, size, media_type } => {
            out.key("oci", &quote(location));
            out.key("digest", &quote(&digest.oci()));
            out.key("size", &size.to_string());
            out.key("media_type", &quote(media_type));
        }
    }
}

fn file(pin: &FilePin) -> String {
    format!("[{}, {}, {}]", quote(&pin.path), pin.size, quote(&pin.sha256.to_string()))
}

fn list<'a>(items: impl Iterator<Item = &'a String>) -> String {
    let items: Vec<String> = items.map(|item| quote(item)).collect();
    format!("[{}]", items.join(", "))
}

/// A basic string of TOML.
fn quote(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => {
                write!(out, "\\u{:04X}", c as u32).expect("writing to a string does not fail");
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

struct Text(String);

impl Text {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn table(&mut self, path: &[&str]) {
        self.line(&format!("\n[{}]", path.join(".")));
    }

    fn key(&mut self, key: &str, value: &str) {
        self.line(&format!("{key} = {value}"));
    }

    fn lines(&mut self, key: &str, items: impl Iterator<Item = String>) {
        self.line(&format!("{key} = ["));
        items.for_each(|item| self.line(&format!("  {item},")));
        self.line("]");
    }
}
