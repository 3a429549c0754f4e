//! What a build needs of the world around it.

use crate::{Assemblers, DefaultLimits};
use groundup_digest::ObjectId;
use groundup_plan::Fetch;
use groundup_recipe::Platform;
use groundup_store::Store;
use std::{error::Error, sync::atomic::AtomicBool};

/// A clock, read only for records and durations.
pub trait Clock: Sync {
    /// Milliseconds since 1970.
    fn now_ms(&self) -> u64;
}

/// Gets pinned bytes into the store; the bytes are checked against the pin.
pub trait Inputs: Sync {
    /// Performs one fetch step; gives its output `out`. `what` names it for messages.
    fn fetch(
        &self,
        fetch: &Fetch,
        what: &str,
        progress: &dyn Fn(u64),
        cancel: &AtomicBool,
    ) -> Result<ObjectId, Box<dyn Error + Send + Sync>>;
}

/// What steps are executed with.
pub struct Surroundings<'a> {
    /// Where objects are.
    pub store: &'a Store,
    /// Gets pinned bytes.
    pub inputs: &'a dyn Inputs,
    /// The registered assemblers.
    pub assemblers: &'a dyn Assemblers,
    /// What this machine can execute.
    pub host: Platform,
    /// Limits of commands whose recipe sets none.
    pub limits: DefaultLimits,
    /// For records.
    pub clock: &'a dyn Clock,
    /// `user@host`, for records.
    pub by: String,
    /// Version of groundup, for records.
    pub version: String,
    /// How many jobs a command is told to use (`GROUNDUP_JOBS`).
    pub jobs_hint: usize,
}
