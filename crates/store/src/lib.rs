//! The store: objects on disk, embedded, without a daemon, safe for many processes at once.
//!
//! ```text
//! store/
//!   format            version, owner, salt, features; what has it is a store
//!   blobs/ab/cdef…    contents of files, mode 0644; `.x` is the executable twin, mode 0755
//!   trees/journal     directory and root objects of trees
//!   results/journal   step key -> output ids; the first stays
//!   records/journal   step and build records
//!   hints/journal     SHA-256 and sizes of blobs, durations of steps
//!   logs/             build logs: plain in `running/`, zstd in `ab/`
//!   checkouts/        trees on disk, each made once
//!   roots/            names that keep objects
//!   leases/           what living processes rely on
//!   locks/            one process per step; `sweep` keeps leases and collections apart
//!   index/            a view of the journals that can be made again, and their history
//!   stat-cache/       hashes of a person's files, so that they are not read again
//!   answers/          what builds gave, as long as nothing that they rest on changes
//!   tmp/              scratch; what a dead process left is swept by the next
//! ```
//!
//! What is promised:
//! - An object appears whole: by rename from `tmp/`, or as a checked frame of a journal.
//! - A result, record or root is written after all that it names is on the disk.
//! - A process that dies anywhere leaves only scratch, unlocked leases and a torn end of a journal,
//!   all of which the next one removes. Liveness is a held lock, never a process id.
//! - What a process puts or leases stays until it closes the store, whatever is collected.
//! - Bytes are checked when read; damage is an error that names the object.
//!
//! The formats stand in `docs/formats/store.md`. The store knows nothing of recipes.

mod answers;
mod below;
mod blob_io;
mod blobs;
mod checkout;
mod collect;
mod disk;
mod durability;
mod error;
mod format;
#[doc(hidden)]
pub mod fuzzing;
mod group;
mod held;
mod hints;
mod history;
mod index;
mod ingest;
mod inventory;
mod journal;
mod leases;
mod locks;
mod logs;
mod records;
mod recover;
mod results;
mod roots;
mod snapshot;
mod status;
mod store;
mod tmp;
mod trees;
mod verify;

pub use answers::Basis;
pub use blob_io::{BlobReader, BlobWriter, StoredBlob};
pub use blobs::Executable;
pub use checkout::*;
pub use collect::{
    CollectPlan, Collected, Dropped, KeepCheckouts, KeepLogs, KeepOptions, KeepReason,
};
pub use error::{StoreError, StoreErrorKind};
pub use format::{OpenError, owner_of, repair_format};
pub use group::GroupCommit;
pub use history::{
    History, Holder, IdPrefix, Mentions, ParsePrefixError, ReadMentions, Series, Stretch, ToldBuild,
};
pub use index::Notice;
pub use ingest::*;
pub use leases::Lease;
pub use locks::StepLock;
pub use logs::{LogName, LogWriter, ParseLogNameError, RunningLog};
pub use records::RecordKind;
pub use results::{ResultsView, StepResult, Stored, Unstable};
pub use roots::Root;
pub use snapshot::*;
pub use status::{FreeSpace, Status, Total};
pub use store::{Access, Create, OpenOptions, Store};
pub use tmp::TempDir;
pub use verify::{Problem, Progress, Repaired, Report};
