//! What commands act on: the workspace around the current directory, settings, store.

mod home;
mod loader;
mod opened;
mod revision;
mod workspace;

pub(crate) use home::{Environment, Home, read_if_there};
pub(crate) use loader::DiskLoader;
pub(crate) use opened::{open_store, open_to_look};
pub(crate) use revision::RevisionLoader;
pub(crate) use workspace::{
    Context, Place, color_choice, find_root, load_lock, read_lock, start_dir, store_path,
};
