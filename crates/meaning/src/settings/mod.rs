//! Settings of the kernel and of the system that are lists of lines: sysctl, modules, udev, tmpfiles,
//! sysusers; one file each, and all of a root in the order in which they take effect.

mod folders;
pub(crate) mod lines;
mod modules;
mod sysctl;
mod sysusers;
mod tmpfiles;
mod udev;

pub(crate) use folders::sections;

use crate::{
    Finding, Kind, Pair,
    rows::{Order, Record, compare},
};

/// Who reads one kind of such files.
pub(crate) type Reader = fn(&str) -> Vec<Record>;

pub(crate) use modules::{modprobe, modules_load};
pub(crate) use sysctl::sysctl;
pub(crate) use sysusers::sysusers;
pub(crate) use tmpfiles::tmpfiles;
pub(crate) use udev::udev;

/// Compares two files of one kind.
pub(crate) fn file(pair: &Pair<'_>, reader: Reader, order: Order) -> Vec<Finding> {
    let read = |text: &[u8]| reader(&String::from_utf8_lossy(text));
    compare(Kind::Setting, &read(pair.before), &read(pair.after), order)
}
