//! `node`: a machine that boots.

use crate::{At, FileContent, Overlay, Placement, Platform, TargetName};
use std::{collections::BTreeMap, time::Duration};

/// A machine that boots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// The root file system.
    pub rootfs: At<TargetName>,
    /// The kernel.
    pub kernel: At<TargetName>,
    /// What the initramfs is made of besides its `/init`.
    pub initrd: At<TargetName>,
    /// What images are written with.
    pub tools: At<TargetName>,
    /// The kernel command line, besides what the root needs.
    pub cmdline: Option<At<String>>,
    /// The content of `/etc/hostname`.
    pub hostname: Option<At<String>>,
    /// What `/etc/machine-id` is.
    pub machine_id: MachineId,
    /// Units of systemd.
    pub units: Vec<Unit>,
    /// Images that the root carries as OCI archives.
    pub images: Vec<At<TargetName>>,
    /// Kernel parameters.
    pub sysctl: BTreeMap<String, String>,
    /// Kernel modules that systemd loads.
    pub modules_load: Vec<At<String>>,
    /// Trees on top of the root.
    pub trees: Vec<Placement>,
    /// Files on top of everything.
    pub overlay: Overlay,
    /// Bytes of the disk; what it takes where there is none.
    pub disk_size: Option<At<u64>>,
    /// How it is tested.
    pub test: Option<BootTest>,
    /// The platforms that it is made for.
    pub platforms: Vec<At<Platform>>,
}

/// What `/etc/machine-id` is (machine-id(5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MachineId {
    /// Empty: each boot draws one.
    Transient,
    /// `uninitialized`: systemd takes the boot for the first.
    Uninitialized,
}

/// A unit of systemd.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its file name.
    pub name: At<String>,
    /// Its content.
    pub content: FileContent,
    /// Units that start it.
    pub wanted_by: Vec<At<String>>,
}

/// How a node is booted, and what must come of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BootTest {
    /// What has the emulator.
    pub emulator: At<TargetName>,
    /// How it boots.
    pub firmware: Firmware,
    /// What must stand on the console, in this order.
    pub console: Vec<At<String>>,
    /// Pages that it must answer with.
    pub http: Vec<HttpCheck>,
    /// What runs inside once it is up.
    pub script: Option<At<String>>,
    /// Bytes of memory.
    pub memory: Option<At<u64>>,
    /// When it has failed.
    pub timeout: Option<At<Duration>>,
}

/// A page that a node must answer with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpCheck {
    /// The TCP port of the node.
    pub port: At<u16>,
    /// What is asked for; `/` where there is none.
    pub path: Option<At<String>>,
    /// Text that must stand in the answer.
    pub expect: At<String>,
}

/// How a machine finds its kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Firmware {
    /// The emulator loads it.
    None,
    /// UEFI, from the disk.
    Uefi,
}
