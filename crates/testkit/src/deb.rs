//! Debian packages, as small as they may be (deb(5)).

use crate::{Tar, TarEntry, ar};
use groundup_digest::Sha256;
use std::fmt::Write;

/// How the parts of a package are compressed.
#[derive(Clone, Copy)]
pub struct Compression {
    /// The end of the member's name: `.xz`, `.zst`, `.gz`, or nothing.
    pub suffix: &'static str,
    /// The encoder.
    pub compress: fn(&[u8]) -> Vec<u8>,
}

impl Compression {
    /// None at all, which dpkg reads as well.
    pub const NONE: Compression = Compression { suffix: "", compress: |bytes| bytes.to_vec() };
}

impl std::fmt::Debug for Compression {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Compression({:?})", self.suffix)
    }
}

/// A package to be made.
#[derive(Clone, Debug)]
pub struct Deb {
    fields: Vec<(String, String)>,
    control: Vec<TarEntry>,
    data: Vec<TarEntry>,
    compression: Compression,
    raw: Option<Vec<u8>>,
}

impl Deb {
    /// A package with the fields that each must have, and no files but `./`.
    pub fn new(name: &str, version: &str, architecture: &str) -> Self {
        let fields = [
            ("Package", name),
            ("Version", version),
            ("Architecture", architecture),
            ("Maintainer", "Nobody <nobody@example.invalid>"),
            ("Description", "made by a test"),
        ];
        let fields = fields.map(|(field, value)| (field.to_owned(), value.to_owned()));
        let data = vec![TarEntry::directory("./", 0o755)];
        Self {
            fields: fields.into(),
            control: vec![],
            data,
            compression: Compression::NONE,
            raw: None,
        }
    }

    /// Sets a field of the control file, in place of one of that name.
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.retain(|(field, _)| field != name);
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a member to the control archive: `conffiles`, `postinst`, `md5sums` ...
    pub fn control(mut self, name: &str, content: &str) -> Self {
        let script = ["preinst", "postinst", "prerm", "postrm", "config"].contains(&name);
        let mode = if script { 0o755 } else { 0o644 };
        self.control.push(TarEntry::file(format!("./{name}"), content, mode));
        self
    }

    /// Adds an entry to the data archive as it is.
    pub fn entry(mut self, entry: TarEntry) -> Self {
        self.data.push(entry);
        self
    }

    /// Adds a file, given as `usr/bin/x`, with the directories above it that are not there.
    pub fn file(mut self, path: &str, content: impl AsRef<[u8]>, mode: u32) -> Self {
        self.directories(path);
        self.entry(TarEntry::file(format!("./{path}"), content, mode))
    }

    /// Adds a symbolic link, with the directories above it.
    pub fn symlink(mut self, path: &str, target: &str) -> Self {
        self.directories(path);
        self.entry(TarEntry::symlink(format!("./{path}"), target))
    }

    /// Adds a hard link to another file, both given as `usr/bin/x`.
    pub fn hard_link(mut self, path: &str, target: &str) -> Self {
        self.directories(path);
        self.entry(TarEntry::hard_link(format!("./{path}"), format!("./{target}")))
    }

    fn directories(&mut self, path: &str) {
        for (end, _) in path.match_indices('/') {
            let name = format!("./{}/", &path[..end]).into_bytes();
            if !self.data.iter().any(|entry| entry.name == name) {
                self.data.push(TarEntry::directory(name, 0o755));
            }
        }
    }

    /// Compresses both archives of the package.
    pub fn compression(self, compression: Compression) -> Self {
        Self { compression, ..self }
    }

    /// Lets its file be these bytes, whatever the rest says.
    pub fn raw(self, bytes: Vec<u8>) -> Self {
        Self { raw: Some(bytes), ..self }
    }

    /// The value of a field.
    pub fn get(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|(field, _)| field == name);
        field.map_or("", |(_, value)| value)
    }

    /// The name of its file: `name_version_architecture.deb`, the epoch left out.
    pub fn file_name(&self) -> String {
        let version = self.get("Version");
        let version = version.split_once(':').map_or(version, |(_, version)| version);
        format!("{}_{version}_{}.deb", self.get("Package"), self.get("Architecture"))
    }

    /// The text of the control file.
    pub fn control_text(&self) -> String {
        self.fields.iter().fold(String::new(), |mut text, (name, value)| {
            writeln!(text, "{name}: {value}").unwrap();
            text
        })
    }

    /// The package.
    pub fn build(&self) -> Vec<u8> {
        if let Some(bytes) = &self.raw {
            return bytes.clone();
        }
        let control = TarEntry::file("./control", self.control_text(), 0o644);
        let top = TarEntry::directory("./", 0o755);
        let control = Tar::of([&top, &control].into_iter().chain(&self.control));
        let part = |name: &str, tar: &[u8]| {
            let name = format!("{name}.tar{}", self.compression.suffix);
            (name, (self.compression.compress)(tar))
        };
        let (control_name, control) = part("control", &control);
        let (data_name, data) = part("data", &Tar::of(&self.data));
        ar(&[("debian-binary", b"2.0\n"), (&control_name, &control), (&data_name, &data)])
    }

    /// The stanza of `Packages` for this package, whose file lies at `path`.
    pub fn stanza(&self, path: &str) -> String {
        let bytes = self.build();
        let (size, sha256) = (bytes.len(), Sha256::of(&bytes));
        format!("{}Filename: {path}\nSize: {size}\nSHA256: {sha256}\n", self.control_text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn dpkg_reads_the_package() {
        let deb = Deb::new("tiny", "1:2-3", "all")
            .field("Depends", "libc6")
            .control("conffiles", "/etc/tiny.conf\n")
            .file("etc/tiny.conf", "x=1\n", 0o644)
            .file("usr/bin/tiny", "#!/bin/sh\n", 0o755)
            .hard_link("usr/bin/tiny2", "usr/bin/tiny")
            .symlink("usr/bin/t", "tiny");
        assert_eq!(deb.file_name(), "tiny_2-3_all.deb");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(deb.file_name());
        std::fs::write(&path, deb.build()).unwrap();
        let run = |argument: &str| Command::new("dpkg-deb").arg(argument).arg(&path).output();
        let Ok(output) = run("--contents") else { return }; // The host is no Debian.
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(text.lines().count(), 8, "{text}");
        assert!(text.contains("./usr/bin/tiny2 link to ./usr/bin/tiny"), "{text}");
        let output = run("--field").unwrap();
        assert!(String::from_utf8(output.stdout).unwrap().contains("Version: 1:2-3\n"));
    }
}
