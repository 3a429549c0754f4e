//! Opening the store for a command.

use crate::{error::CliError, out};
use groundup_store::{Access, Create, OpenError, OpenOptions, Store, StoreErrorKind, owner_of};
use std::{
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::Path,
    process::Command,
};

/// Opens the store at `path`, making it if the command builds things.
pub(crate) fn open_store(path: &Path, create: Create) -> Result<Store, CliError> {
    become_owner(path)?;
    let options = OpenOptions { create, access: Access::ReadWrite };
    let store = Store::open(path, &options)?;
    for notice in store.notices() {
        out::warn(notice.to_string());
    }
    Ok(store)
}

/// Opens the store at `path` to look at it only: one that cannot be written is read as it is.
pub(crate) fn open_to_look(path: &Path) -> Result<Store, CliError> {
    become_owner(path)?;
    let options = OpenOptions { create: Create::Never, access: Access::ReadWrite };
    let store = match Store::open(path, &options) {
        Err(error) if cannot_be_written(&error) => {
            out::warn("the store cannot be written; it is only read");
            Store::open(path, &OpenOptions { access: Access::ReadOnly, ..options })?
        }
        store => store?,
    };
    store.notices().iter().for_each(|notice| out::warn(notice.to_string()));
    Ok(store)
}

fn cannot_be_written(error: &OpenError) -> bool {
    let kind = StoreErrorKind::of_surroundings(error);
    let refused = [StoreErrorKind::ReadOnlyFileSystem, StoreErrorKind::PermissionDenied];
    matches!(error, OpenError::ReadOnlyFeature { .. })
        || kind.is_some_and(|kind| refused.contains(&kind))
}

/// A store belongs to one user. Root drops, with its groups, to that user, by executing this command again.
fn become_owner(path: &Path) -> Result<(), CliError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let Some(owner) = owner_of(path)?.filter(|owner| *owner != 0) else { return Ok(()) };
    let failed = |error: std::io::Error| {
        let shown = path.display();
        CliError::environment(format!(
            "the store `{shown}` belongs to user {owner}, and root cannot act as that user: {error}"
        ))
    };
    let group = path.metadata().map_err(failed)?.gid();
    let program = std::env::current_exe().map_err(failed)?;
    let mut again = Command::new(program);
    again.args(std::env::args_os().skip(1)).uid(owner).gid(group);
    Err(failed(again.exec()))
}
