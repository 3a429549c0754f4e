//! Machines that boot: the archive of an initramfs, and what a kernel and a root must have.

mod check;
mod cpio;

pub use check::{CheckError, Lack, Need, Set, check_step, test_check_step};
pub use cpio::{CpioError, cpio_step, write_cpio};
