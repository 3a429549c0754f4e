//! Ctrl-C: the first ends the build in order, the second ends the program at once.

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};
use std::sync::{Arc, atomic::AtomicBool};

/// A flag that the first interrupt sets. Sandboxes die with this program, so a second interrupt may
/// end it at once: what it leaves is swept by the next run.
pub(crate) fn flag() -> Arc<AtomicBool> {
    let cancel = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        // Registration fails only for signals that cannot be caught.
        let _ = flag::register_conditional_shutdown(signal, 130, Arc::clone(&cancel));
        let _ = flag::register(signal, Arc::clone(&cancel));
    }
    cancel
}
