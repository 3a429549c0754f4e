//! How far the work is: one live line on a terminal, a plain line now and then elsewhere.

use crate::{
    out::{self, DIM},
    words,
};
use std::{
    io::{IsTerminal, Write},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Whether a live line may be drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Live {
    /// Where stderr is a terminal.
    IfTerminal,
    /// Nowhere.
    No,
}

/// Counts from many threads.
pub(super) struct Meter {
    verb: &'static str,
    all: usize,
    live: bool,
    state: Mutex<State>,
}

struct State {
    done: usize,
    bytes: u64,
    told: Instant,
    drawn: bool,
}

/// The live line is drawn again at most this often.
const REDRAW: Duration = Duration::from_millis(80);
/// A plain line is written at most this often.
const PLAIN: Duration = Duration::from_secs(10);

impl Meter {
    pub(super) fn new(verb: &'static str, all: usize, live: Live) -> Self {
        let live = live == Live::IfTerminal && std::io::stderr().is_terminal();
        let state = State { done: 0, bytes: 0, told: Instant::now(), drawn: false };
        Self { verb, all, live, state: Mutex::new(state) }
    }

    /// One more input is done, with so many bytes.
    pub(super) fn done(&self, bytes: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.done += 1;
        state.bytes += bytes;
        let pause = if self.live { REDRAW } else { PLAIN };
        if state.told.elapsed() < pause {
            return;
        }
        state.told = Instant::now();
        let bytes = words::bytes(state.bytes);
        let text = format!("{} {} of {} inputs, {bytes}", self.verb, state.done, self.all);
        match self.live {
            true => {
                let up = if state.drawn { "\x1b[1A\x1b[0J" } else { "" };
                let _ = writeln!(anstream::stderr(), "{up}{DIM}{text}{DIM:#}");
                state.drawn = true;
            }
            false => out::say(text),
        }
    }

    /// Takes the live line away.
    pub(super) fn finish(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if std::mem::take(&mut state.drawn) {
            let _ = write!(anstream::stderr(), "\x1b[1A\x1b[0J");
        }
    }
}
