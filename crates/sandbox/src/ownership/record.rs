//! The register: one record per inode whose metadata is not what the disk shows.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::AsFd;

use serde::{Deserialize, Serialize};

use super::raw::{self, Status};
use super::{DeviceNode, Owner};

/// The set-id and sticky bits, which are never on disk.
pub(crate) const SPECIAL: u32 = 0o7000;

/// What is data of one file; the default is that of a file of root's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    /// Of the mode, the bits of [`SPECIAL`].
    pub(crate) special: u32,
    pub(crate) device: Option<DeviceNode>,
    pub(crate) capability: Option<Vec<u8>>,
}

/// One inode, for as long as there is a file system.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct Key {
    device: (u32, u32),
    inode: u64,
    handle: Vec<u8>,
}

impl Key {
    /// The inode behind a descriptor; `None` where the file system has no handles.
    pub(crate) fn of(file: impl AsFd, status: &Status) -> io::Result<Option<Self>> {
        let handle = raw::handle(file.as_fd())?;
        Ok(handle.map(|handle| Self { device: status.device(), inode: status.inode(), handle }))
    }
}

/// All records.
#[derive(Debug, Default)]
pub(crate) struct Register {
    records: HashMap<Key, Record>,
    /// Numbers of inodes that have or had a record: most files have none, and need no handle to say so.
    inodes: HashSet<u64>,
}

impl Register {
    pub(crate) fn from_rows(rows: Vec<(Key, Record)>) -> Self {
        let mut register = Self::default();
        rows.into_iter().for_each(|(key, record)| register.put(key, record));
        register
    }

    /// The rows, in no order.
    pub(crate) fn rows(&self) -> Vec<(&Key, &Record)> {
        self.records.iter().collect()
    }

    /// The record of a file, if it has one.
    pub(crate) fn of(&self, file: impl AsFd, status: &Status) -> io::Result<Option<&Record>> {
        if !self.inodes.contains(&status.inode()) {
            return Ok(None);
        }
        Ok(Key::of(file, status)?.and_then(|key| self.records.get(&key)))
    }

    /// The record of a file, made now if there is none.
    pub(crate) fn entry(&mut self, key: Key) -> &mut Record {
        self.inodes.insert(key.inode);
        self.records.entry(key).or_default()
    }

    pub(crate) fn put(&mut self, key: Key, record: Record) {
        self.inodes.insert(key.inode);
        self.records.insert(key, record);
    }
}

impl Record {
    pub(crate) fn of(owner: &Owner) -> Self {
        Self {
            uid: owner.uid,
            gid: owner.gid,
            special: owner.mode & SPECIAL,
            device: owner.device,
            capability: owner.capability.clone(),
        }
    }

    /// What the record and the mode on disk are together.
    pub(crate) fn owner(&self, mode_on_disk: u32) -> Owner {
        Owner {
            uid: self.uid,
            gid: self.gid,
            mode: (mode_on_disk & 0o7777) | self.special,
            device: self.device,
            capability: self.capability.clone(),
        }
    }
}
