//! Machines that boot: the archive of an initramfs, what a kernel and a root must have, and what a node is.

mod check;
mod cpio;
pub mod facts;

pub use check::{CheckError, Lack, Need, Set, Starter, check_step, test_check_step};
pub use cpio::{CpioError, cpio_step, write_cpio};
