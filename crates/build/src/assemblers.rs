//! The functions behind assemble steps, registered by the program that has them.

use groundup_digest::ObjectId;
use groundup_plan::Assembler;
use groundup_store::Store;
use std::{collections::BTreeMap, error::Error, sync::atomic::AtomicBool};

/// One call of an assembler.
pub struct AssembleCall<'a> {
    /// Where objects are.
    pub store: &'a Store,
    /// The function.
    pub assembler: Assembler,
    /// Its parameters as JSON.
    pub params: &'a str,
    /// Its inputs by name.
    pub inputs: &'a BTreeMap<String, ObjectId>,
    /// Set when the build is being interrupted; long calls look at it.
    pub cancel: &'a AtomicBool,
}

/// Why an assembler gives nothing: an error of the crate that it lives in.
pub type AssembleError = Box<dyn Error + Send + Sync>;

/// The registered assemblers. They are pure: equal calls give equal outputs.
pub trait Assemblers: Sync {
    /// Calls one; gives its outputs by name.
    fn call(&self, call: &AssembleCall<'_>) -> Result<BTreeMap<String, ObjectId>, AssembleError>;
}
