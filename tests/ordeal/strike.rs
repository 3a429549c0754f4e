//! One fault at one call of a command, and how the command has to end.

use super::{Ordeal, Scenario, place};
use crate::{
    tiny::Said,
    trace::{Change, Deed, Site, Watch},
};

/// What happens to a program at one of its calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// It is killed before the call.
    Kill,
    /// It is killed after half of a write.
    Torn,
    /// The call fails: the disk cannot do it.
    Io,
    /// The disk is full from now on.
    Full,
    /// Half of a write gets onto the disk, which is full from now on.
    Short,
    /// The file system is read-only from now on.
    ReadOnly,
}

impl Fault {
    /// All of them.
    pub const ALL: [Fault; 6] =
        [Fault::Kill, Fault::Torn, Fault::Io, Fault::Full, Fault::Short, Fault::ReadOnly];

    /// Whether it means something for this change.
    pub fn suits(self, change: Change) -> bool {
        match self {
            Fault::Torn | Fault::Short => change == Change::Write,
            Fault::Full => takes_room(change),
            Fault::Kill | Fault::Io | Fault::ReadOnly => true,
        }
    }

    /// Whether the program dies of it.
    pub fn kills(self) -> bool {
        matches!(self, Fault::Kill | Fault::Torn)
    }

    fn deed(self, change: Change, first: bool) -> Deed {
        match self {
            Fault::Kill => Deed::Kill,
            Fault::Torn => Deed::HalfAndKill,
            Fault::Io if first => Deed::Fail(libc::EIO),
            Fault::Short if first => Deed::Half,
            Fault::Full | Fault::Short if takes_room(change) => Deed::Fail(libc::ENOSPC),
            Fault::ReadOnly if change != Change::Sync => Deed::Fail(libc::EROFS),
            Fault::Io | Fault::Full | Fault::Short | Fault::ReadOnly => Deed::Go,
        }
    }
}

fn takes_room(change: Change) -> bool {
    matches!(change, Change::Create | Change::Write | Change::Make | Change::Resize | Change::Link)
}

/// A fault at one call of a program.
#[derive(Debug)]
pub struct Strike {
    /// At calls like this one, as [`place`] names them.
    pub place: String,
    /// At which of them, counted from 0.
    pub nth: usize,
    /// What happens.
    pub fault: Fault,
    /// How many such calls are still let through; none once the fault has begun.
    left: Option<usize>,
}

impl Strike {
    /// A fault at the `nth` call of this kind.
    pub fn new(place: &str, nth: usize, fault: Fault) -> Self {
        Self { place: place.to_owned(), nth, fault, left: Some(nth) }
    }

    /// Whether the call came.
    pub fn has_hit(&self) -> bool {
        self.left.is_none()
    }
}

impl Watch for Strike {
    fn enters(&mut self, site: &Site) -> Deed {
        let Some(left) = self.left else { return self.fault.deed(site.change, false) };
        if place(site) != self.place {
            return Deed::Go;
        }
        self.left = left.checked_sub(1);
        if self.left.is_none() { self.fault.deed(site.change, true) } else { Deed::Go }
    }
}

impl Ordeal {
    /// Lets a fault happen to the command of a scenario, and says what was wrong about how the
    /// command ended or with what it left. Gives none if the call never came.
    pub fn strike(&self, scenario: Scenario, strike: &mut Strike) -> Option<Result<(), String>> {
        let watched = self.run(scenario, None, strike);
        if !strike.has_hit() {
            return None;
        }
        let said = self.tiny.said(&watched.output);
        let ended = if strike.fault.kills() { Ok(()) } else { named(scenario, &said) };
        Some(ended.and_then(|()| {
            self.check(scenario).map_err(|problem| format!("{problem}\nafter: {said}"))
        }))
    }
}

/// A command that was refused something goes on without it, or ends with an error of the
/// environment that says what the system said, where, and what to do.
fn named(scenario: Scenario, said: &Said) -> Result<(), String> {
    if said.code == 0 || said.code == 1 && scenario == Scenario::Repair {
        return Ok(());
    }
    let of_the_index =
        ["disk I/O error", "is full", "unable to open database file", "readonly database"];
    let of_files = ["(os error 5)", "(os error 28)", "(os error 30)"];
    let mut cause = of_files.iter().chain(&of_the_index);
    let named = cause.any(|cause| said.err.contains(cause));
    match said.code == 3 && named && said.err.contains("help") {
        true => Ok(()),
        false => Err(format!("no named error with a remedy: {said}")),
    }
}
