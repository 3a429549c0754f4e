//! Claims about `.deb` files, root file systems and source packages, on packages that are made here.

mod ld_cache;
mod make;
mod merge;
mod source;
mod state;
mod unpack;
