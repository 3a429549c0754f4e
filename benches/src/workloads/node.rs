//! A node's images from its root, beside the bare tools that write such images: all of a large root,
//! and a root of which one file has changed.

use super::{material::collect, unpack::copy_folder};
use crate::{
    bench::{Bench, Contender, Ready, once, output, remove, timed},
    error::{BenchError, Result, Tried},
    process::Taken,
    record::{Mark, Outcome},
};
use std::{
    cell::Cell,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

pub(super) const STORE: &str = "node-store";
const TOOLS: &str = "rootfs.node-tools";
const BARE: &str = "bare tools";
/// Most memory of one process while an image is written.
const MEMORY: u64 = 1_000_000_000;

/// A large root, then a smaller one of which a file has changed.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Outcome>> {
    let million = 1_000_000;
    let large = Node::new(bench, "large", bench.sized(1000, 100) * million)?;
    let assembly = large.measure(
        "node-assembly",
        "from a root tree in the store",
        // The root is composed before; what is measured begins with its tree.
        &|| large.edit().and_then(|()| output(&mut large.build("node.bench:facts")).map(drop)),
        vec![Mark::Times { peer: BARE.into(), most: 1.0 / 0.8 }, Mark::Memory(MEMORY)],
    )?;
    let small = Node::new(bench, "small", bench.sized(150, 50) * million)?;
    let edit = small.measure(
        "node-edit",
        "after one of its files has changed, everything else known",
        &|| small.edit(),
        vec![Mark::Times { peer: BARE.into(), most: 1.2 }, Mark::Within(5.0)],
    )?;
    // Each turn leaves several times the root in the store.
    output(bench.groundup(&small.workspace, STORE).args(["store", "collect"]))?;
    Ok(vec![assembly, edit])
}

/// A workspace with a node whose root has so many bytes.
struct Node<'a> {
    bench: &'a Bench,
    workspace: PathBuf,
    /// What the bare tools begin with: `root`, `kernel`, `initrd.cpio`, `cmdline`.
    bare: PathBuf,
    bytes: u64,
    files: usize,
    /// What makes this run unlike all before.
    run: String,
    edits: Cell<u32>,
}

impl<'a> Node<'a> {
    fn new(bench: &'a Bench, name: &str, bytes: u64) -> Result<Self> {
        let workspace = bench.folder(&format!("node-{name}-{}", bytes / 1_000_000));
        once(&workspace.join("filled"), |folder| fill(bench, folder, bytes))?;
        for file in ["groundup.toml", "groundup.lock"] {
            let from = bench.repository.join(file);
            fs::copy(&from, workspace.join(file)).tried("copy", from)?;
        }
        copy_folder(&bench.repository.join("recipes"), &workspace.join("recipes"))?;
        let recipe = workspace.join("recipes/bench-node.toml");
        fs::write(&recipe, RECIPE).tried("write", recipe)?;
        let mut files = Vec::new();
        collect(&workspace.join("filled"), &mut files)?;
        let run = jiff::Timestamp::now().as_second().to_string();
        let (bare, files, edits) = (workspace.join("bare"), files.len(), Cell::new(0));
        let node = Self { bench, workspace, bare, bytes, files, run, edits };
        node.edit()?;
        node.prepare()?;
        Ok(node)
    }

    fn edit(&self) -> Result<()> {
        self.edits.set(self.edits.get() + 1);
        let path = self.workspace.join("edited");
        fs::write(&path, format!("{} {}\n", self.run, self.edits.get())).tried("write", path)
    }

    fn build(&self, target: &str) -> Command {
        let mut command = self.bench.groundup(&self.workspace, STORE);
        command.args(["build", "--no-out", target]);
        command
    }

    /// Builds the node, kernel and all, and lays out for the bare tools what ours are given.
    fn prepare(&self) -> Result<()> {
        let out = self.workspace.join("given");
        let mut build = self.bench.groundup(&self.workspace, STORE);
        let targets = ["rootfs.bench-root", "kernel.micro", "node.bench", TOOLS];
        build.arg("build").args(targets).arg("--out").arg(&out);
        output(&mut build)?;
        remove(&self.bare)?;
        fs::create_dir_all(&self.bare).tried("make", &self.bare)?;
        for (from, to) in [("rootfs.bench-root", "root"), ("node.bench", "node"), (TOOLS, "tools")]
        {
            let (from, to) = (out.join(from), self.bare.join(to));
            fs::rename(&from, to).tried("move", from)?;
        }
        // Of the unified image: what the initramfs was before it was compressed.
        self.peer(
            "objcopy -O binary --only-section=.initrd node/uki.efi initrd.zst\n\
             zstd -q -d -f initrd.zst -o initrd.cpio",
        )
        .map(drop)
    }

    /// A script among the tools of nodes.
    fn peer(&self, script: &str) -> Result<Taken> {
        let root = self.bare.join("tools");
        self.bench.peer_in(&root, 1, &self.bare, &["sh", "-euc", script])
    }

    fn measure(
        &self,
        workload: &str,
        what: &str,
        reset: &dyn Fn() -> Result<()>,
        marks: Vec<Mark>,
    ) -> Result<Outcome> {
        let jobs = std::thread::available_parallelism().map_or(1, usize::from);
        let script = format!("jobs={jobs}\n{SCRIPT}");
        let ours = || timed(&mut self.build("node.bench"));
        let outcome = self.bench.measure(Ready {
            workload: workload.into(),
            what: format!(
                "squashfs, hash tree, UKI, disk and qcow2 of a node with a root of {} MB in {} \
                 files, {what}",
                self.bytes / 1_000_000,
                self.files
            ),
            per: 1,
            contenders: vec![
                Contender::new("groundup", "groundup build --no-out node.bench", ours).reset(reset),
                Contender::new(
                    BARE,
                    "mksquashfs, veritysetup format, zstd, objcopy, mkfs.vfat, mcopy, sfdisk, dd, \
                     qemu-img convert",
                    || self.peer(&script),
                ),
            ],
            marks,
            notes: vec![
                "groundup checks every file of the root against its BLAKE3 and everything that it \
                 writes by a tool (veritysetup verify, sfdisk --verify, qemu-img compare), and \
                 takes it into its store, synced. The bare tools read a directory, write and check \
                 nothing, with the same options; nothing of theirs is synced."
                    .into(),
            ],
        })?;
        Ok(outcome)
    }
}

/// Copies of a compiler, no two with the same bytes, until there are so many bytes.
pub(super) fn fill(bench: &Bench, folder: &Path, bytes: u64) -> Result<()> {
    let compiler = bench.folder("peers/rootfs.bench-compiler");
    let mut files = Vec::new();
    collect(&compiler, &mut files)?;
    let mut left = bytes;
    for copy in 0.. {
        for file in &files {
            let inner = file.strip_prefix(&compiler).unwrap_or(file);
            let to = folder.join(copy.to_string()).join(inner);
            let size = file.metadata().tried("look at", file)?.len();
            if size > left {
                return Ok(());
            }
            left -= size;
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent).tried("make", parent)?;
            }
            fs::copy(file, &to).tried("copy", file)?;
            let mut copied = fs::File::options().append(true).open(&to).tried("open", &to)?;
            writeln!(copied, "copy {copy}").tried("write", to)?;
        }
    }
    Err(BenchError::Answer("the compiler has no files".into()))
}

const RECIPE: &str = r#"
[source.bench-filled]
path = "filled"

[rootfs.bench-root]
trees = ["rootfs.micro", { from = "source.bench-filled", to = "/data" }]
files = [{ path = "/etc/edited", source = "edited" }]

[node.bench]
rootfs = "rootfs.bench-root"
kernel = "kernel.micro"
initrd = "rootfs.initrd"
tools = "rootfs.node-tools"
cmdline = "console=ttyS0"
"#;

/// What the steps of a node do, without the checks.
const SCRIPT: &str = r#"
rm -rf out
mkdir out
mksquashfs root out/root.squashfs -comp zstd -Xcompression-level 3 -b 131072 -processors $jobs \
    -all-root -noappend -no-progress -quiet > out/said
veritysetup format --hash=sha256 --data-block-size=4096 --hash-block-size=4096 \
    --salt=00 --uuid=00000000-0000-4000-8000-000000000000 \
    --root-hash-file=out/roothash out/root.squashfs out/root.verity > out/said
zstd -q -10 --no-check -T1 -o out/initrd initrd.cpio
objcopy --add-section .cmdline=node/cmdline --change-section-vma .cmdline=0x30000 \
    --add-section .linux=node/vmlinuz --change-section-vma .linux=0x2000000 \
    --add-section .initrd=out/initrd --change-section-vma .initrd=0x3000000 \
    /usr/lib/systemd/boot/efi/linuxx64.efi.stub out/uki.efi
mib() { echo $((($(stat -c %s "$1") + 1048575) / 1048576)); }
esp=36
root=$(mib out/root.squashfs)
verity=$(mib out/root.verity)
truncate -s ${esp}M out/esp
mkfs.vfat --invariant -F 32 -s 1 -n ESP out/esp > out/said
export MTOOLS_SKIP_CHECK=1
mmd -i out/esp ::EFI ::EFI/BOOT
mcopy -i out/esp out/uki.efi ::EFI/BOOT/BOOTX64.EFI
truncate -s $((1 + esp + root + verity + 1))M out/disk.raw
sfdisk --quiet --no-reread --no-tell-kernel out/disk.raw <<EOF
label: gpt
unit: sectors
first-lba: 2048
start=2048, size=$((esp * 2048)), type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
start=$(((1 + esp) * 2048)), size=$((root * 2048)), type=4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709
start=$(((1 + esp + root) * 2048)), size=$((verity * 2048)), type=2C7357ED-EBD2-46D9-AEC1-23D437EC2BF5
EOF
put() { dd if="out/$1" of=out/disk.raw bs=1M seek="$2" conv=notrunc,sparse status=none; }
put esp 1
put root.squashfs $((1 + esp))
put root.verity $((1 + esp + root))
qemu-img convert -f raw -O qcow2 -m 1 -o compat=1.1,cluster_size=65536 out/disk.raw out/disk.qcow2
"#;
