//! Tar archives (POSIX ustar, with GNU's long names and pax attributes), entry by entry as told:
//! also such as no good writer would make.

/// One entry of a tar archive.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TarEntry {
    /// The name as it stands in the archive.
    pub name: Vec<u8>,
    /// The type flag: `b'0'` file, `b'1'` hard link, `b'2'` symbolic link, `b'3'` and `b'4'`
    /// devices, `b'5'` directory, `b'6'` fifo.
    pub flag: u8,
    /// Permission bits.
    pub mode: u32,
    /// Owner and group.
    pub owner: (u32, u32),
    /// Seconds since 1970.
    pub time: u64,
    /// The target of a link.
    pub link: Vec<u8>,
    /// Device numbers.
    pub device: (u32, u32),
    /// The content of a file.
    pub content: Vec<u8>,
    /// Extended attributes, written as pax records `SCHILY.xattr.NAME`.
    pub xattrs: Vec<(String, Vec<u8>)>,
}

impl TarEntry {
    fn new(name: impl AsRef<[u8]>, flag: u8, mode: u32) -> Self {
        let (name, link, content, xattrs) = (name.as_ref().to_vec(), vec![], vec![], vec![]);
        let (owner, device, time) = ((0, 0), (0, 0), 0);
        Self { name, flag, mode, owner, time, link, device, content, xattrs }
    }

    /// A file.
    pub fn file(name: impl AsRef<[u8]>, content: impl AsRef<[u8]>, mode: u32) -> Self {
        Self { content: content.as_ref().to_vec(), ..Self::new(name, b'0', mode) }
    }

    /// A directory.
    pub fn directory(name: impl AsRef<[u8]>, mode: u32) -> Self {
        Self::new(name, b'5', mode)
    }

    /// A symbolic link.
    pub fn symlink(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self { link: target.as_ref().to_vec(), ..Self::new(name, b'2', 0o777) }
    }

    /// A hard link to an entry before.
    pub fn hard_link(name: impl AsRef<[u8]>, target: impl AsRef<[u8]>) -> Self {
        Self { link: target.as_ref().to_vec(), ..Self::new(name, b'1', 0o644) }
    }

    /// A character device.
    pub fn char_device(name: impl AsRef<[u8]>, major: u32, minor: u32, mode: u32) -> Self {
        Self { device: (major, minor), ..Self::new(name, b'3', mode) }
    }

    /// A fifo.
    pub fn fifo(name: impl AsRef<[u8]>, mode: u32) -> Self {
        Self::new(name, b'6', mode)
    }

    /// The same, owned by somebody.
    pub fn owned(self, uid: u32, gid: u32) -> Self {
        Self { owner: (uid, gid), ..self }
    }

    /// The same, with an extended attribute.
    pub fn xattr(mut self, name: &str, value: &[u8]) -> Self {
        self.xattrs.push((name.to_owned(), value.to_vec()));
        self
    }
}

/// A tar archive that grows.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Tar(Vec<u8>);

impl Tar {
    /// An archive of these entries, ended.
    pub fn of<'e>(entries: impl IntoIterator<Item = &'e TarEntry>) -> Vec<u8> {
        let mut tar = Self::default();
        entries.into_iter().for_each(|entry| tar.add(entry));
        tar.finish()
    }

    /// Adds an entry.
    pub fn add(&mut self, entry: &TarEntry) {
        if !entry.xattrs.is_empty() {
            let records = entry.xattrs.iter().flat_map(|(name, value)| pax(name, value));
            self.raw(&TarEntry { content: records.collect(), ..TarEntry::new("pax", b'x', 0o644) });
        }
        for (flag, long) in [(b'L', &entry.name), (b'K', &entry.link)] {
            if long.len() > 100 {
                let content = [long.as_slice(), b"\0"].concat();
                self.raw(&TarEntry { content, ..TarEntry::new("././@LongLink", flag, 0o644) });
            }
        }
        self.raw(entry);
    }

    /// Ends the archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }

    fn raw(&mut self, entry: &TarEntry) {
        let mut header = [0u8; 512];
        let mut put = |at: usize, bytes: &[u8]| header[at..at + bytes.len()].copy_from_slice(bytes);
        let octal = |number: u64, width: usize| format!("{number:0width$o}").into_bytes();
        put(0, &entry.name[..entry.name.len().min(100)]);
        put(100, &octal(entry.mode.into(), 7));
        put(108, &octal(entry.owner.0.into(), 7));
        put(116, &octal(entry.owner.1.into(), 7));
        put(124, &octal(entry.content.len() as u64, 11));
        put(136, &octal(entry.time, 11));
        put(148, b"        ");
        put(156, &[entry.flag]);
        put(157, &entry.link[..entry.link.len().min(100)]);
        put(257, b"ustar  \0");
        put(329, &octal(entry.device.0.into(), 7));
        put(337, &octal(entry.device.1.into(), 7));
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend(header);
        self.0.extend(&entry.content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
    }
}

/// A pax record: its length in digits, which count themselves, a blank, `key=value` and a newline.
fn pax(name: &str, value: &[u8]) -> Vec<u8> {
    let body = [b" SCHILY.xattr.", name.as_bytes(), b"=", value, b"\n"].concat();
    let mut length = body.len();
    while length != body.len() + length.to_string().len() {
        length = body.len() + length.to_string().len();
    }
    [length.to_string().as_bytes(), &body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn the_tar_of_the_host_lists_what_was_put_in() {
        let long = "d/".repeat(80) + "end";
        let entries = [
            TarEntry::directory("./d/", 0o755),
            TarEntry::file(&long, "content", 0o4755).owned(3, 5),
            TarEntry::hard_link("hard", &long),
            TarEntry::symlink("soft", "to"),
            TarEntry::char_device("null", 1, 3, 0o666),
            TarEntry::file("marked", "", 0o644).xattr("user.a", b"b"),
        ];
        let mut tar = Command::new("tar");
        let child = tar.args(["-tvf", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let Ok(mut child) = child else { return }; // The host has no tar.
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), &Tar::of(&entries)).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{text}");
        let expected =
            ["drwxr-xr-x", "-rwsr-xr-x 3/5", "hard link to", "soft -> to", "1,3", "marked"];
        assert!(text.lines().count() == entries.len(), "{text}");
        for (line, expected) in text.lines().zip(expected) {
            assert!(line.contains(expected), "{line}");
        }
    }

    #[test]
    fn the_length_of_a_record_counts_itself() {
        assert_eq!(pax("user.a", b"b"), b"25 SCHILY.xattr.user.a=b\n");
        let record = pax("user.a", &[b'x'; 77]);
        assert!(record.starts_with(format!("{} ", record.len()).as_bytes()));
    }
}
