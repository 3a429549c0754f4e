//! The machine that every step sees: constants instead of the host's facts.
//!
//! Changing one changes what a step can observe: raise [`crate::VERSION`].

/// `uname -r`: the oldest kernel that some C libraries and configure scripts accept today.
pub(super) const RELEASE: &str = "6.1.0-groundup";
/// `uname -v`.
pub(super) const BUILD: &str = "#1 SMP groundup";
/// The domain name, as a host without one has it.
pub(super) const DOMAIN: &str = "(none)";
/// Bytes of memory that the machine seems to have.
pub(super) const MEMORY: u64 = 8 << 30;
/// Seconds since it seems to have started.
pub(super) const UPTIME: u64 = 3600;
/// The processors that files show.
const PROCESSORS: [u32; 2] = [0, 1];

/// Files of `/proc` with their fixed content; what is missing on a host is left missing.
pub(super) fn proc_files() -> Vec<(&'static str, String)> {
    vec![
        ("cpuinfo", cpuinfo()),
        ("filesystems", filesystems()),
        ("loadavg", "0.00 0.00 0.00 1/2 2\n".into()),
        ("meminfo", meminfo()),
        ("stat", stat()),
        ("sys/kernel/osrelease", format!("{RELEASE}\n")),
        ("sys/kernel/random/boot_id", "00000000-0000-4000-8000-000000000000\n".into()),
        ("sys/kernel/version", format!("{BUILD}\n")),
        ("uptime", format!("{UPTIME}.00 {}.00\n", UPTIME * 2)),
        ("version", format!("Linux version {RELEASE} (groundup) {BUILD}\n")),
    ]
}

/// Files of `/proc` that read as empty: the host's hardware, load, secrets and switches.
pub(super) const EMPTY_FILES: [&str; 30] = [
    "buddyinfo",
    "cmdline",
    "config.gz",
    "consoles",
    "crypto",
    "devices",
    "diskstats",
    "dma",
    "interrupts",
    "iomem",
    "ioports",
    "kallsyms",
    "kcore",
    "key-users",
    "keys",
    "kmsg",
    "latency_stats",
    "locks",
    "misc",
    "modules",
    "pagetypeinfo",
    "partitions",
    "sched_debug",
    "schedstat",
    "slabinfo",
    "softirqs",
    "sysrq-trigger",
    "timer_list",
    "vmstat",
    "zoneinfo",
];

/// Directories of `/proc` that are empty, for the same reasons.
pub(super) const EMPTY_DIRECTORIES: [&str; 9] =
    ["acpi", "asound", "bus", "driver", "dynamic_debug", "fs", "irq", "pressure", "scsi"];

/// `/sys`: no more than the processors, where C libraries and language runtimes count them.
pub(super) fn sys_files() -> Vec<(String, String)> {
    let base = "devices/system/cpu";
    let range = format!("0-{}\n", PROCESSORS.len() - 1);
    let lists = ["online", "possible", "present"];
    let mut files: Vec<_> =
        lists.map(|list| (format!("{base}/{list}"), range.clone())).into_iter().collect();
    files.extend(PROCESSORS.map(|cpu| (format!("{base}/cpu{cpu}/online"), "1\n".into())));
    files
}

/// The features of x86-64's first level, so that what is tuned by this file is tuned for all.
#[cfg(target_arch = "x86_64")]
fn cpuinfo() -> String {
    let one = |cpu: u32| {
        format!(
            "processor\t: {cpu}\n\
             vendor_id\t: groundup\n\
             cpu family\t: 6\n\
             model\t\t: 0\n\
             model name\t: groundup\n\
             stepping\t: 0\n\
             cpu MHz\t\t: 1000.000\n\
             cache size\t: 1024 KB\n\
             physical id\t: 0\n\
             siblings\t: {count}\n\
             core id\t\t: {cpu}\n\
             cpu cores\t: {count}\n\
             fpu\t\t: yes\n\
             flags\t\t: fpu tsc cx8 cmov mmx fxsr sse sse2 syscall nx lm\n\
             bogomips\t: 2000.00\n\
             clflush size\t: 64\n\
             cache_alignment\t: 64\n\
             address sizes\t: 48 bits physical, 48 bits virtual\n\n",
            count = PROCESSORS.len(),
        )
    };
    PROCESSORS.map(one).concat()
}

#[cfg(not(target_arch = "x86_64"))]
fn cpuinfo() -> String {
    let one = |cpu: u32| format!("processor\t: {cpu}\nBogoMIPS\t: 100.00\n\n");
    PROCESSORS.map(one).concat()
}

fn filesystems() -> String {
    ["proc", "tmpfs", "devpts", "overlay", "sysfs", "devtmpfs", "pipefs", "sockfs"]
        .map(|name| format!("nodev\t{name}\n"))
        .concat()
}

fn meminfo() -> String {
    let total = MEMORY / 1024;
    let rows = [
        ("MemTotal", total),
        ("MemFree", total),
        ("MemAvailable", total),
        ("Buffers", 0),
        ("Cached", 0),
        ("SwapCached", 0),
        ("Active", 0),
        ("Inactive", 0),
        ("SwapTotal", 0),
        ("SwapFree", 0),
        ("Shmem", 0),
        ("Slab", 0),
        ("CommitLimit", total),
        ("Committed_AS", 0),
    ];
    rows.map(|(name, kib)| format!("{:<16}{kib:>8} kB\n", format!("{name}:"))).concat()
}

fn stat() -> String {
    let zeros = " 0 0 0 0 0 0 0 0 0 0\n";
    let cpus = PROCESSORS.map(|cpu| format!("cpu{cpu}{zeros}")).concat();
    format!(
        "cpu {zeros}{cpus}intr 0\nctxt 0\nbtime 315619200\nprocesses 2\nprocs_running 1\nprocs_blocked 0\n"
    )
}
