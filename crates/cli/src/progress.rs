//! What a person sees while a build runs: one live line per running step on a terminal, plain
//! lines elsewhere.

use crate::{
    out::{self, BOLD, DIM, GREEN, RED, YELLOW},
    words,
};
use groundup_build::{Differing, Event, Holder, Outcome, Reason};
use groundup_plan::{Plan, StepIndex, StepKind};
use std::{
    collections::BTreeMap,
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

/// Renders events; call [`Progress::finish`] at the end.
pub(crate) struct Progress<'a> {
    plan: &'a Plan,
    live: bool,
    planned: usize,
    ended: usize,
    running: BTreeMap<StepIndex, Running>,
    drawn_lines: usize,
    drawn_at: Option<Instant>,
}

struct Running {
    since: Instant,
    expected: Option<Duration>,
    bytes: Option<(u64, Option<u64>)>,
    waiting: Option<Holder>,
}

/// The live part is drawn again at most this often.
const REDRAW: Duration = Duration::from_millis(80);
/// Quick steps are not worth a line in a log; failures always are.
const WORTH_A_LINE: Duration = Duration::from_millis(500);

impl<'a> Progress<'a> {
    /// A renderer for one build.
    pub(crate) fn new(plan: &'a Plan, ci: bool) -> Self {
        let live = std::io::stderr().is_terminal() && !ci;
        let (running, planned, ended) = (BTreeMap::new(), 0, 0);
        Self { plan, live, planned, ended, running, drawn_lines: 0, drawn_at: None }
    }

    /// Takes in what happened.
    pub(crate) fn event(&mut self, event: &Event) {
        match event {
            Event::Planned { steps, reused } => {
                self.planned = steps - reused;
                if self.planned > 0 {
                    let reused = words::count(*reused, "step");
                    self.print(format!("{DIM}{reused} known, {} to look at{DIM:#}", self.planned));
                }
            }
            Event::Started { step, reason, expected, .. } => {
                let since = Instant::now();
                let (expected, waiting) = (*expected, None);
                self.running.insert(*step, Running { since, expected, bytes: None, waiting });
                if !self.live && self.is_command(*step) {
                    let why = match reason {
                        Reason::New => "",
                        Reason::ContentGone => " (its content is gone from the store)",
                        Reason::Asked => " (again, as asked)",
                    };
                    self.print(format!("start {}{why}", self.plan.step(*step).label));
                }
            }
            Event::Waiting { step, holder } => {
                if let Some(running) = self.running.get_mut(step) {
                    running.waiting = Some(*holder);
                }
                if !self.live {
                    let label = &self.plan.step(*step).label;
                    self.print(format!("wait  {label}: {} is building it", name(*holder)));
                }
            }
            Event::Progress { step, bytes, total } => {
                if let Some(running) = self.running.get_mut(step) {
                    running.bytes = Some((*bytes, *total));
                }
            }
            Event::Children { step, children, unkept } => {
                let label = &self.plan.step(*step).label;
                self.print(format!("reuse {label}: {}", words::children(children)));
                if let Some(unkept) = unkept {
                    self.print(format!("      the first that is not kept is {unkept}"));
                }
            }
            Event::Finished { step, outcome, took, .. } => {
                self.running.remove(step);
                self.ended += 1;
                let worth = *took >= WORTH_A_LINE || self.is_command(*step);
                let label = &self.plan.step(*step).label;
                let took = words::duration(*took);
                match outcome {
                    Outcome::Failed => self.print(format!("{RED}fail{RED:#}  {label}  {took}")),
                    Outcome::Built if worth => {
                        self.print(format!("{GREEN}done{GREEN:#}  {label}  {DIM}{took}{DIM:#}"));
                    }
                    _ => {}
                }
            }
            Event::Differs { step, outputs, .. } => {
                let label = &self.plan.step(*step).label;
                let names: Vec<&str> = outputs.iter().map(|it| it.output.as_str()).collect();
                let names = names.join(", ");
                self.print(format!(
                    "{YELLOW}unstable{YELLOW:#}  {label}: the same inputs gave another {names} \
                     than before; the first answer stays"
                ));
                for Differing { first, other, .. } in outputs {
                    self.print(format!("          `groundup diff {first} {other}` says by what"));
                }
            }
        }
        self.redraw();
    }

    /// Takes the live part away.
    pub(crate) fn finish(&mut self) {
        self.clear();
        self.running.clear();
    }

    fn is_command(&self, step: StepIndex) -> bool {
        matches!(self.plan.step(step).kind, StepKind::Run(_))
    }

    fn print(&mut self, line: impl AsRef<str>) {
        self.clear();
        out::say(line);
    }

    fn clear(&mut self) {
        if self.live && self.drawn_lines > 0 {
            // Up over the drawn lines, and erase from there to the end of the screen.
            let _ = write!(anstream::stderr(), "\x1b[{}A\x1b[0J", self.drawn_lines);
            self.drawn_lines = 0;
            self.drawn_at = None;
        }
    }

    fn redraw(&mut self) {
        let due = self.drawn_at.is_none_or(|at| at.elapsed() >= REDRAW);
        if !self.live || !due {
            return;
        }
        self.clear();
        let mut lines = Vec::new();
        for (step, running) in self.running.iter().take(MOST_LINES) {
            lines.push(self.running_line(*step, running));
        }
        if self.running.len() > MOST_LINES {
            lines.push(format!("  and {} more", self.running.len() - MOST_LINES));
        }
        if !lines.is_empty() {
            let (ended, all) = (self.ended, self.planned.max(self.ended));
            lines.insert(0, format!("{BOLD}{ended}/{all}{BOLD:#}"));
            self.drawn_lines = lines.len();
            let _ = writeln!(anstream::stderr(), "{}", lines.join("\n"));
        }
        self.drawn_at = Some(Instant::now());
    }

    fn running_line(&self, step: StepIndex, running: &Running) -> String {
        let label = self.plan.step(step).label.to_string();
        let mut notes = vec![words::duration(running.since.elapsed())];
        if let Some(expected) = running.expected {
            notes.push(format!("of about {}", words::duration(expected)));
        }
        match running.bytes {
            Some((bytes, Some(total))) if total > 0 => {
                notes.push(format!("{} of {}", words::bytes(bytes), words::bytes(total)));
            }
            Some((bytes, _)) if bytes > 0 => notes.push(words::bytes(bytes)),
            _ => {}
        }
        if let Some(holder) = running.waiting {
            notes.push(format!("waiting for {}", name(holder)));
        }
        // Lines that wrap would not be cleared; terminals narrower than this are rare.
        let text = format!("  {label}  {}", notes.join(", "));
        text.chars().take(78).collect()
    }
}

/// Who builds a step that another one waits for.
fn name(holder: Holder) -> &'static str {
    match holder {
        Holder::EqualStep => "an equal step of this build",
        Holder::OtherProcess => "another process",
    }
}

const MOST_LINES: usize = 8;
