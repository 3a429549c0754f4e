//! Unpacks a source package, whose files lie beside its `.dsc`, and writes it to a directory, to be
//! compared with what `dpkg-source -x` gives.
//!
//!     cargo run -p groundup-debian --example unpack_dsc -- DSC OUT
#![allow(clippy::print_stdout, reason = "a program for people")]

use groundup_debian::source::unpack_dsc;
use groundup_store::{ExportOptions, OpenOptions, Store};
use std::{error::Error, fs, path::PathBuf, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let usage = "usage: unpack_dsc DSC OUT";
    let (dsc, out) = (arguments.next().ok_or(usage)?, arguments.next().ok_or(usage)?);
    let temp = tempfile::tempdir()?;
    let store = Store::open(&temp.path().join("store"), &OpenOptions::default())?;
    let text = fs::read(&dsc)?;
    let mut files = Vec::new();
    // Every file that the text names, signed or not; which ones count is for the library to say.
    for word in String::from_utf8_lossy(&text).split_ascii_whitespace() {
        let path = dsc.with_file_name(word);
        if word.contains('_') && !files.iter().any(|(name, _)| name == word) && path.is_file() {
            files.push((word.to_owned(), store.put_blob(&fs::read(path)?)?.blob));
        }
    }
    let dsc = store.put_blob(&text)?.blob;
    let start = Instant::now();
    let tree = unpack_dsc(&store, dsc, &files)?;
    println!("{} files unpacked in {:.1?}: {tree}", files.len(), start.elapsed());
    store.export(tree, &out, ExportOptions::default())?;
    Ok(())
}
