//! What a kernel and a root file system must have to boot, found before anything is written.

use groundup_digest::TreeId;
use groundup_store::{Store, StoreError};
use groundup_tree::{FileTree, Kind, TreePath};
use std::collections::BTreeSet;

/// Options that the way from the firmware to `/sbin/init` needs, each with what needs it. They are
/// built in: the initramfs loads no modules.
const NEEDED: [(&str, &str); 16] = [
    ("64BIT", "programs of amd64"),
    ("BINFMT_ELF", "every program"),
    ("BINFMT_SCRIPT", "/init of the initramfs"),
    ("BLK_DEV_INITRD", "the initramfs"),
    ("RD_ZSTD", "the compressed initramfs in the UKI"),
    ("DEVTMPFS", "/dev"),
    ("PROC_FS", "/proc"),
    ("SYSFS", "/sys"),
    ("TMPFS", "/run, /tmp and /var"),
    ("EFI_PARTITION", "the GPT of the disk"),
    ("EFI_STUB", "a start by UEFI"),
    ("BLK_DEV_DM", "the device mapper"),
    ("DM_VERITY", "the hash tree of the root"),
    ("CRYPTO_SHA256", "the digests of the hash tree"),
    ("SQUASHFS", "the root"),
    ("SQUASHFS_ZSTD", "the compression of the root"),
];

/// Drivers of disks of which one must be built in.
const DISKS: [&str; 9] = [
    "VIRTIO_BLK",
    "SCSI_VIRTIO",
    "BLK_DEV_NVME",
    "SATA_AHCI",
    "ATA_PIIX",
    "MMC_BLOCK",
    "USB_STORAGE",
    "HYPERV_STORAGE",
    "XEN_BLKDEV_FRONTEND",
];

/// What systemd cannot do without (its README, "REQUIREMENTS"), beside what every root needs.
const SYSTEMD: [&str; 7] =
    ["CGROUPS", "EPOLL", "FHANDLE", "INOTIFY_USER", "SIGNALFD", "TIMERFD", "UNIX"];

/// A feature of the kernel that something needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// Symbols, without `CONFIG_`, of which one must be set.
    pub any_of: Vec<String>,
    /// What a symbol must be.
    pub set: Set,
    /// What needs it.
    pub by: String,
}

/// What a symbol must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// `y`.
    BuiltIn,
    /// `y` or `m`.
    AtAll,
}

impl Need {
    fn built_in(any_of: &[&str], by: &str) -> Self {
        let any_of = any_of.iter().map(|symbol| (*symbol).to_owned()).collect();
        Self { any_of, set: Set::BuiltIn, by: by.to_owned() }
    }
}

/// What is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// A kernel option.
    Option(Need),
    /// An init.
    Init,
    /// systemd as the init, which is this program.
    Systemd(TreePath),
}

/// Why a node would not boot.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The store does not give an object.
    #[error("cannot use the store")]
    Store(#[from] StoreError),
    /// The tree of the configuration has no such file.
    #[error("the kernel's configuration has no file `config`")]
    NoConfig,
    /// Something is missing.
    #[error("the node would not boot:{}", list(.0))]
    Lacks(Vec<Lack>),
    /// Something is missing for the machine of the test.
    #[error("the test of the node could not pass:{}", list(.0))]
    Untestable(Vec<Lack>),
}

fn list(lacks: &[Lack]) -> String {
    let line = |lack: &Lack| match lack {
        Lack::Option(Need { any_of, set, by }) => {
            let value = if *set == Set::BuiltIn { "=y" } else { "=y or =m" };
            let all: Vec<String> =
                any_of.iter().map(|symbol| format!("CONFIG_{symbol}{value}")).collect();
            match all.as_slice() {
                [only] => format!("\n  the kernel lacks {only}, which {by} needs"),
                all => format!("\n  the kernel lacks one of {}, which {by} needs", all.join(", ")),
            }
        }
        Lack::Init => "\n  the root file system has no program at /sbin/init (with systemd, the \
                       package `systemd-sysv` has it)"
            .to_owned(),
        Lack::Systemd(init) => {
            format!("\n  /sbin/init is {init}, not systemd, which starts the `script`")
        }
    };
    lacks.iter().map(line).collect()
}

/// Checks the resolved configuration of a kernel and a root.
pub fn check_step(store: &Store, config: TreeId, root: TreeId) -> Result<(), CheckError> {
    let config = read(store, config)?;
    let lacks = lacks(&config, &store.load_tree(root)?);
    if lacks.is_empty() { Ok(()) } else { Err(CheckError::Lacks(lacks)) }
}

/// What starts the script of a test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Starter {
    /// Nothing: there is no script.
    None,
    /// systemd.
    Systemd,
}

/// Checks that the resolved configuration of a kernel, and a root, have what a test needs.
pub fn test_check_step(
    store: &Store,
    config: TreeId,
    root: TreeId,
    needs: Vec<Need>,
    starter: Starter,
) -> Result<(), CheckError> {
    let mut lacks = missing(&read(store, config)?, needs);
    if starter == Starter::Systemd {
        let init = program(&store.load_tree(root)?, b"sbin/init");
        // Without an init, the node itself is refused.
        lacks.extend(init.filter(|init| !is_systemd(init)).map(Lack::Systemd));
    }
    if lacks.is_empty() { Ok(()) } else { Err(CheckError::Untestable(lacks)) }
}

fn read(store: &Store, config: TreeId) -> Result<String, CheckError> {
    let config = store.load_tree(config)?;
    let file = TreePath::parse(b"config").ok().and_then(|path| config.get(&path).cloned());
    let Some(Kind::File { blob, .. }) = file.map(|node| node.kind) else {
        return Err(CheckError::NoConfig);
    };
    Ok(String::from_utf8_lossy(&store.read_blob(blob)?).into_owned())
}

fn missing(config: &str, needs: Vec<Need>) -> Vec<Lack> {
    let set = |end: &str| -> BTreeSet<&str> {
        let lines = config.lines();
        lines.filter_map(|line| line.strip_prefix("CONFIG_")?.strip_suffix(end)).collect()
    };
    let (built_in, modules) = (set("=y"), set("=m"));
    let has = |need: &Need| {
        need.any_of.iter().map(String::as_str).any(|symbol| {
            built_in.contains(symbol) || need.set == Set::AtAll && modules.contains(symbol)
        })
    };
    needs.into_iter().filter(|need| !has(need)).map(Lack::Option).collect()
}

fn lacks(config: &str, root: &FileTree) -> Vec<Lack> {
    let init = program(root, b"sbin/init");
    let mut needs: Vec<Need> =
        NEEDED.iter().map(|(symbol, by)| Need::built_in(&[*symbol], by)).collect();
    needs.push(Need::built_in(&DISKS, "the disk"));
    if init.as_ref().is_some_and(is_systemd) {
        needs.extend(SYSTEMD.map(|symbol| Need::built_in(&[symbol], "systemd")));
    }
    let mut lacks = missing(config, needs);
    lacks.extend(init.is_none().then_some(Lack::Init));
    lacks
}

fn is_systemd(init: &TreePath) -> bool {
    init.as_bytes().ends_with(b"/systemd")
}

/// How many links are followed at most, as the kernel does.
const MOST_LINKS: usize = 40;

/// The file that a path is, through links as they are inside the tree, if it may be executed.
fn program(tree: &FileTree, path: &[u8]) -> Option<TreePath> {
    let mut names: Vec<Vec<u8>> = split(path);
    names.reverse();
    let (mut at, mut links) = (TreePath::root(), 0);
    while let Some(name) = names.pop() {
        if name == b".." {
            at = at.parent().unwrap_or_default();
            continue;
        }
        let next = TreePath::parse(&[at.as_bytes(), b"/", &name].concat()).ok()?;
        match tree.get(&next).map(|node| (&node.kind, node.meta.mode.bits())) {
            Some((Kind::Symlink { target }, _)) => {
                links += 1;
                if links > MOST_LINKS {
                    return None;
                }
                if target.starts_with(b"/") {
                    at = TreePath::root();
                }
                names.extend(split(target).into_iter().rev());
            }
            Some((Kind::File { .. }, mode)) => {
                return (names.is_empty() && mode & 0o111 != 0).then_some(next);
            }
            Some((Kind::Directory, _)) => at = next,
            _ => return None,
        }
    }
    None
}

fn split(path: &[u8]) -> Vec<Vec<u8>> {
    let names = path.split(|byte| *byte == b'/').filter(|name| !matches!(*name, b"" | b"."));
    names.map(<[u8]>::to_vec).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use groundup_digest::BlobId;
    use groundup_tree::Node;

    fn root(links: &[(&str, &str)], mode: u32) -> FileTree {
        let mut tree = FileTree::new();
        let file = Node::file(BlobId::of(b"x"), 1, mode);
        let path = |text: &str| TreePath::parse(text.as_bytes()).unwrap();
        tree.insert_with_parents(path("usr/lib/systemd/systemd"), file).unwrap();
        for (at, target) in links {
            tree.insert_with_parents(path(at), Node::symlink(*target)).unwrap();
        }
        tree
    }

    #[test]
    fn an_init_is_found_through_links_inside_the_root() {
        let merged = [("sbin", "usr/sbin"), ("lib", "usr/lib")];
        for init in ["/lib/systemd/systemd", "../lib/systemd/systemd"] {
            let links = [&merged[..], &[("usr/sbin/init", init)]].concat();
            let found = program(&root(&links, 0o755), b"sbin/init").unwrap();
            assert_eq!(found.as_bytes(), b"usr/lib/systemd/systemd", "{init}");
            assert!(program(&root(&links, 0o644), b"sbin/init").is_none(), "not executable");
        }
        let circle = [("sbin", "usr/sbin"), ("usr/sbin/init", "init")];
        assert!(program(&root(&circle, 0o755), b"sbin/init").is_none());
        assert!(program(&root(&merged, 0o755), b"sbin/init").is_none());
    }

    #[test]
    fn each_missing_option_is_named_with_what_needs_it() {
        let symbols = NEEDED.iter().map(|(symbol, _)| *symbol).chain(SYSTEMD).chain(["VIRTIO_BLK"]);
        let all: String = symbols.map(|symbol| format!("CONFIG_{symbol}=y\n")).collect();
        let systemd = root(&[("sbin/init", "/usr/lib/systemd/systemd")], 0o755);
        assert_eq!(lacks(&all, &systemd), []);
        let said = |without: &str| {
            let config = all.replace(&format!("CONFIG_{without}=y"), "CONFIG_OTHER=y");
            CheckError::Lacks(lacks(&config, &systemd)).to_string()
        };
        let found = said("DM_VERITY");
        assert!(found.ends_with(
            "the kernel lacks CONFIG_DM_VERITY=y, which the hash tree of the root needs"
        ));
        assert!(said("VIRTIO_BLK").contains("one of CONFIG_VIRTIO_BLK=y, CONFIG_SCSI_VIRTIO=y"));
        assert!(said("VIRTIO_BLK").ends_with("which the disk needs"));
        assert!(said("SIGNALFD").ends_with("CONFIG_SIGNALFD=y, which systemd needs"));
        assert_eq!(lacks(&all, &root(&[], 0o755)), [Lack::Init]);
    }

    #[test]
    fn a_module_is_enough_only_where_modules_are_loaded() {
        let need = |set| Need { any_of: vec!["VIRTIO_NET".into()], set, by: "`http`".into() };
        assert_eq!(missing("CONFIG_VIRTIO_NET=m\n", vec![need(Set::AtAll)]), []);
        assert_eq!(missing("CONFIG_VIRTIO_NET=m\n", vec![need(Set::BuiltIn)]).len(), 1);
        assert_eq!(missing("CONFIG_VIRTIO_NET=y\n", vec![need(Set::BuiltIn)]), []);
        let found = CheckError::Untestable(missing("", vec![need(Set::AtAll)])).to_string();
        assert!(found.ends_with("lacks CONFIG_VIRTIO_NET=y or =m, which `http` needs"), "{found}");
        let busybox = Lack::Systemd(TreePath::parse(b"bin/busybox").unwrap());
        let found = CheckError::Untestable(vec![busybox]).to_string();
        assert!(
            found.ends_with("is /bin/busybox, not systemd, which starts the `script`"),
            "{found}"
        );
    }
}
