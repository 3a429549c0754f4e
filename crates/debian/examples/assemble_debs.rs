//! Assembles `.deb` files to a root file system and writes it to a directory, to be looked at with
//! other tools (`dpkg --root`, `ldconfig -r`, `chroot`).
//!
//!     cargo run -p groundup-debian --example assemble_debs -- OUT ARCH DEB…
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for people")]

use groundup_debian::{
    archive::deb822,
    package::unpack,
    rootfs::{PackageInput, RootfsSpec, assemble},
};
use groundup_store::{ExportOptions, OpenOptions, Store};
use groundup_tree::{Kind, TreePath};
use std::{error::Error, path::PathBuf, time::Instant};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let usage = "usage: assemble_debs OUT ARCH DEB…";
    let out = PathBuf::from(arguments.next().ok_or(usage)?);
    let arch = arguments.next().ok_or(usage)?.into_string().map_err(|_| usage)?;
    let temp = tempfile::tempdir()?;
    let store = Store::open(&temp.path().join("store"), &OpenOptions::default())?;
    let start = Instant::now();
    let mut spec = RootfsSpec { arch, ..RootfsSpec::default() };
    for deb in arguments {
        let blob = store.put_blob(&std::fs::read(&deb)?)?.blob;
        spec.packages.push(package(&store, unpack(&store, blob)?)?);
    }
    println!("{} packages unpacked in {:.1?}", spec.packages.len(), start.elapsed());
    let start = Instant::now();
    let assembled = assemble(&store, &spec)?;
    println!("assembled in {:.1?}: {}", start.elapsed(), assembled.tree);
    spec.packages.reverse();
    let again = assemble(&store, &spec)?;
    println!("the other way round: {}", if again == assembled { "equal" } else { "DIFFERENT" });
    let tree = store.load_tree(assembled.tree)?;
    println!("{} paths, {} bytes", tree.len(), tree.size());
    store.export(assembled.tree, &out, ExportOptions::default())?;
    Ok(())
}

/// Reads name, version and architecture from the control data.
fn package(
    store: &Store,
    unpacked: groundup_debian::package::Unpacked,
) -> Result<PackageInput, Box<dyn Error>> {
    let control = store.load_tree(unpacked.control)?;
    let node = control.get(&TreePath::parse(b"control")?).ok_or("no control file")?;
    let Kind::File { blob, .. } = node.kind else { return Err("control is no file".into()) };
    let text = store.read_blob(blob)?;
    let stanza = deb822::stanzas(&text)?.next().ok_or("control is empty")??;
    let name = stanza.require("Package")?.to_owned();
    Ok(PackageInput {
        label: format!("deb:{name}"),
        name,
        version: stanza.require("Version")?.to_owned(),
        arch: stanza.require("Architecture")?.to_owned(),
        data: unpacked.data,
        control: unpacked.control,
    })
}
