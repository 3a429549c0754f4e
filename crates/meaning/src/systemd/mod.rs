//! Configuration of systemd: one unit file as keys here, effective units of a root in `effective`.

mod defaults;
pub(crate) mod effective;
mod enabled;
mod keys;
mod managers;
mod unit;

pub(crate) use effective::{Units, units};
pub(crate) use managers::sections;
pub(crate) use unit::Unit;

use crate::{Finding, Kind, Pair, unread::Unread};

/// Compares two unit files (or drop-ins, or files of networkd and the managers) by section and key.
pub(crate) fn unit(pair: &Pair<'_>) -> Result<Vec<Finding>, Unread> {
    let read = |text: &[u8]| Unit::read(&String::from_utf8_lossy(text), pair.path);
    Ok(unit::compare(Kind::Setting, "", &read(pair.before)?, &read(pair.after)?))
}
