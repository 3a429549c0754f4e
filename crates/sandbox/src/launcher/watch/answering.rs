//! How the loop answers the filter: for every run a fixed machine, for some the owners of files.

use std::os::fd::{AsFd, OwnedFd};

use super::Watch;
use crate::launcher::answers;
use crate::launcher::ownership::Desk;
use crate::ownership::raw::answer_in_turn;
use crate::wire::Failure;
use crate::{Ending, Ownership};

impl Watch<'_> {
    /// Answers what the filter asks.
    pub(super) fn answer(&mut self) {
        let Some(listener) = &self.listener else { return };
        let goes_on = match &mut self.desk {
            None => Ok(answers::next(listener, self.hostname, self.tracer.as_mut())),
            Some(desk) => desk.next(listener, self.hostname),
        };
        match goes_on {
            Ok(true) => {}
            Ok(false) => self.listener = None,
            Err(failure) => self.fail(failure),
        }
    }

    /// Ends the run for a reason that is no limit.
    fn fail(&mut self, failure: Failure) {
        self.failure.get_or_insert(failure);
        self.stop(Ending::Cancelled);
    }

    /// Starts to answer for the files of a root that stands.
    pub(super) fn answer_for(&mut self, root: &OwnedFd) {
        let Ownership::Data(seeds) = self.ownership else { return };
        match Desk::open(root, &self.scratch, seeds) {
            Ok(desk) => {
                self.desk = Some(desk);
                if let Some(listener) = &self.listener {
                    answer_in_turn(listener.as_fd());
                }
            }
            Err(failure) => self.fail(failure),
        }
    }
}
