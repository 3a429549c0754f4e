//! Lists what is in an archive or image, one line an entry: `cargo run -p groundup-unfold --example
//! list -- FILE [PATH]`. With a path, only that entry, and its content to stdout.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for developers")]

use groundup_unfold::{Entry, EntryKind, Limits, Sink, recognise, unfold, unfold_only};
use std::{
    error::Error,
    io::{self, Read, Write},
};

struct Lines {
    contents: bool,
}

impl Sink for Lines {
    fn entry(&mut self, entry: &Entry, content: &mut dyn Read) -> io::Result<()> {
        if self.contents {
            return io::copy(content, &mut io::stdout().lock()).map(drop);
        }
        let (mut sum, mut size, mut buffer) = (crc32fast::Hasher::new(), 0, vec![0; 64 << 10]);
        loop {
            let count = content.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            sum.update(buffer.get(..count).unwrap_or_default());
            size += count;
        }
        let Entry { mode, uid, gid, mtime, .. } = entry;
        let (kind, more) = match &entry.kind {
            EntryKind::Directory => ('d', String::new()),
            EntryKind::File(_) => ('-', format!("{size} {:08x}", sum.finalize())),
            EntryKind::Symlink(target) => ('l', format!("-> {}", target.escape_ascii())),
            EntryKind::HardLink(first) => ('h', format!("= {}", first.escape_ascii())),
            EntryKind::CharacterDevice(major, minor) => ('c', format!("{major},{minor}")),
            EntryKind::BlockDevice(major, minor) => ('b', format!("{major},{minor}")),
            EntryKind::Fifo => ('p', String::new()),
            EntryKind::Socket => ('s', String::new()),
        };
        let path = entry.path.escape_ascii();
        let mtime = mtime.map_or("-".to_owned(), |mtime| mtime.to_string());
        let mut out = io::stdout().lock();
        writeln!(out, "{kind} {mode:04o} {uid}:{gid} {mtime} {path} {more}")?;
        for (name, value) in &entry.xattrs {
            writeln!(out, "    {}={}", name.escape_ascii(), value.escape_ascii())?;
        }
        Ok(())
    }

    fn unread(&mut self, path: &[u8], why: &str) {
        println!("! {} {why}", path.escape_ascii());
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("which file?")?;
    let bytes = std::fs::File::open(&file)?;
    let format = recognise(&bytes).ok_or("it is nothing that is known here")?;
    eprintln!("{}", format.name());
    let limits = Limits::default();
    match arguments.next() {
        None => unfold(format, &bytes, &limits, &mut Lines { contents: false })?,
        Some(path) => {
            let paths = [path.into_bytes()].into();
            unfold_only(format, &bytes, &limits, &paths, &mut Lines { contents: true })?;
        }
    }
    Ok(())
}
