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

/// What is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lack {
    /// A kernel option.
    Option {
        /// The symbol, without `CONFIG_`.
        symbol: &'static str,
        /// What needs it.
        by: &'static str,
    },
    /// An init.
    Init,
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
}

fn list(lacks: &[Lack]) -> String {
    let line = |lack: &Lack| match lack {
        Lack::Option { symbol, by } => {
            format!("\n  the kernel lacks CONFIG_{symbol}=y, which {by} needs")
        }
        Lack::Init => "\n  the root file system has no program at /sbin/init (with systemd, the \
                       package `systemd-sysv` has it)"
            .to_owned(),
    };
    lacks.iter().map(line).collect()
}

/// Checks the resolved configuration of a kernel and a root.
pub fn check_step(store: &Store, config: TreeId, root: TreeId) -> Result<(), CheckError> {
    let config = store.load_tree(config)?;
    let file = TreePath::parse(b"config").ok().and_then(|path| config.get(&path).cloned());
    let Some(Kind::File { blob, .. }) = file.map(|node| node.kind) else {
        return Err(CheckError::NoConfig);
    };
    let text = store.read_blob(blob)?;
    let text = String::from_utf8_lossy(&text);
    let lacks = lacks(&text, &store.load_tree(root)?);
    if lacks.is_empty() { Ok(()) } else { Err(CheckError::Lacks(lacks)) }
}

fn lacks(config: &str, root: &FileTree) -> Vec<Lack> {
    let set: BTreeSet<&str> = config
        .lines()
        .filter_map(|line| line.strip_prefix("CONFIG_")?.strip_suffix("=y"))
        .collect();
    let missing = NEEDED.into_iter().filter(|(symbol, _)| !set.contains(symbol));
    let mut lacks: Vec<_> = missing.map(|(symbol, by)| Lack::Option { symbol, by }).collect();
    if !has_program(root, b"sbin/init") {
        lacks.push(Lack::Init);
    }
    lacks
}

/// How many links are followed at most, as the kernel does.
const MOST_LINKS: usize = 40;

/// Whether a path is a file that may be executed, through links as they are inside the tree.
fn has_program(tree: &FileTree, path: &[u8]) -> bool {
    let mut names: Vec<Vec<u8>> = split(path);
    names.reverse();
    let (mut at, mut links) = (TreePath::root(), 0);
    while let Some(name) = names.pop() {
        if name == b".." {
            at = at.parent().unwrap_or_default();
            continue;
        }
        let Ok(next) = TreePath::parse(&[at.as_bytes(), b"/", &name].concat()) else {
            return false;
        };
        match tree.get(&next).map(|node| (&node.kind, node.meta.mode.bits())) {
            Some((Kind::Symlink { target }, _)) => {
                links += 1;
                if links > MOST_LINKS {
                    return false;
                }
                if target.starts_with(b"/") {
                    at = TreePath::root();
                }
                names.extend(split(target).into_iter().rev());
            }
            Some((Kind::File { .. }, mode)) => return names.is_empty() && mode & 0o111 != 0,
            Some((Kind::Directory, _)) => at = next,
            _ => return false,
        }
    }
    false
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
            assert!(has_program(&root(&links, 0o755), b"sbin/init"), "{init}");
            assert!(!has_program(&root(&links, 0o644), b"sbin/init"), "not executable");
        }
        let circle = [("sbin", "usr/sbin"), ("usr/sbin/init", "init")];
        assert!(!has_program(&root(&circle, 0o755), b"sbin/init"));
        assert!(!has_program(&root(&merged, 0o755), b"sbin/init"));
    }

    #[test]
    fn each_missing_option_is_named_with_what_needs_it() {
        let all: String = NEEDED.iter().map(|(symbol, _)| format!("CONFIG_{symbol}=y\n")).collect();
        let links = [("sbin/init", "/usr/lib/systemd/systemd")];
        let tree = root(&links, 0o755);
        assert_eq!(lacks(&all, &tree), []);
        let config = all.replace("CONFIG_DM_VERITY=y", "CONFIG_DM_VERITY=m");
        let found = CheckError::Lacks(lacks(&config, &tree)).to_string();
        assert!(found.contains("CONFIG_DM_VERITY=y, which the hash tree of the root needs"));
        assert_eq!(lacks(&all, &root(&[], 0o755)), [Lack::Init]);
    }
}
