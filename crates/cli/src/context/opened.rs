//! Opening the store for a command.

use crate::{error::CliError, out};
use groundup_store::{Access, Create, OpenOptions, Store};
use std::path::Path;

/// Opens the store at `path`, making it if the command builds things.
pub(crate) fn open_store(path: &Path, create: Create) -> Result<Store, CliError> {
    let options = OpenOptions { create, access: Access::ReadWrite };
    let store = Store::open(path, &options)?;
    for notice in store.notices() {
        out::warn(notice.to_string());
    }
    Ok(store)
}
