//! The libFuzzer program: `fuzz [FLAGS] CORPUS… -ignore_remaining_args=1 TARGET`.
//!
//! One program for all targets, since each is nearly all of the code. It is built with coverage by
//! `cargo xtask fuzz`, which also says how.

#![no_main]

use groundup_fuzz::{Target, target};
use libfuzzer_sys::{Corpus, fuzz_target};
use std::sync::OnceLock;

static CHOSEN: OnceLock<&Target> = OnceLock::new();

fn choose() {
    // Behind this flag, arguments are ours.
    let mut rest = std::env::args().skip_while(|argument| argument != "-ignore_remaining_args=1");
    let name = rest.nth(1).unwrap_or_default();
    let chosen = target(&name).unwrap_or_else(|| panic!("there is no target `{name}`"));
    CHOSEN.get_or_init(|| chosen);
}

fuzz_target!(init: choose(), |data: &[u8]| -> Corpus {
    let chosen = CHOSEN.get().expect("`choose` runs first");
    if data.len() > chosen.longest {
        return Corpus::Reject;
    }
    (chosen.run)(data);
    Corpus::Keep
});
