//! A kernel from nothing beside a plain `make` in the same sandbox, and a node after one symbol of its
//! kernel has changed.

use super::unpack::copy_folder;
use crate::{
    bench::{Bench, Contender, Ready, output, timed},
    error::{BenchError, Result, Tried},
    record::{Mark, Outcome},
};
use std::{cell::Cell, fs, path::Path};

const STORE: &str = "kernel-store";

/// The whole kernel, then one symbol of it.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Outcome>> {
    let kernel = bench.sized("edge", "tiny");
    // A tiny kernel boots nothing.
    let whole = bench.sized("node.bench", "kernel.bench");
    let workspace = bench.folder("kernel");
    let recipes = Recipes::new(&workspace, kernel);
    fs::create_dir_all(&workspace).tried("make", &workspace)?;
    for file in ["groundup.toml", "groundup.lock"] {
        let from = bench.repository.join(file);
        fs::copy(&from, workspace.join(file)).tried("copy", from)?;
    }
    copy_folder(&bench.repository.join("recipes"), &workspace.join("recipes"))?;
    let groundup = |words: &[&str]| {
        let mut command = bench.groundup(&workspace, STORE);
        command.args(["build", "--no-out"]).args(words);
        command
    };
    // Another root file system each time: no compilation of an earlier turn is the same.
    let anew = || {
        recipes.turn()?;
        output(&mut groundup(&["build.bench-config"])).map(drop)
    };
    let cold = bench.measure(Ready {
        workload: "kernel-cold".into(),
        what: format!("kernel.{kernel} from its resolved configuration, nothing compiled before"),
        per: 1,
        contenders: vec![
            Contender::new("groundup", "groundup build kernel.bench", || {
                timed(&mut groundup(&["kernel.bench"]))
            })
            .reset(anew),
            Contender::new("make", "make -j2 in the same sandbox", || {
                timed(&mut groundup(&["build.bench-make"]))
            })
            .reset(anew),
        ],
        marks: vec![Mark::Times { peer: "make".into(), most: 1.1 }],
        notes: vec![
            "Every compilation of groundup's is a step with a key of all that it read, in a sandbox \
             of its own; make's share one. Both install the modules and make their indexes."
                .into(),
        ],
    })?;
    output(&mut groundup(&[whole]))?;
    let edit = || recipes.change();
    let symbol = bench.measure(Ready {
        workload: "kernel-symbol".into(),
        what: format!(
            "one symbol of kernel.{kernel} changed, to the new node: root, UKI, disk, qcow2"
        ),
        per: 1,
        contenders: vec![
            Contender::new("groundup", format!("groundup build {whole}"), || {
                timed(&mut groundup(&[whole]))
            })
            .reset(edit),
        ],
        marks: vec![Mark::Within(60.0)],
        notes: vec![counts(bench, &recipes, whole)?],
    })?;
    Ok(vec![cold, symbol])
}

/// How many files are compiled after a change, by us and by make where it has just compiled the rest.
fn counts(bench: &Bench, recipes: &Recipes<'_>, whole: &str) -> Result<String> {
    recipes.change()?;
    let groundup = |words: &[&str]| {
        let mut command = bench.groundup(recipes.workspace, STORE);
        output(command.args(words))
    };
    let said = groundup(&["build", "--no-out", "--json", whole])?;
    let events = said.lines().filter_map(|line| serde_json::from_str(line).ok());
    let children = events
        .filter(|event: &serde_json::Value| event["event"] == "children")
        .map(|event| event["children"].clone())
        .next_back()
        .ok_or_else(|| BenchError::Answer("the build said nothing of its children".into()))?;
    let count = |name: &str| children[name].as_u64().unwrap_or(0);
    let (ran, reused) = (count("ran") + count("unkept"), count("reused"));
    groundup(&["build", "--no-out", "build.bench-again"])?;
    let log = groundup(&["log", "build.bench-again"])?;
    let compiled = log.lines().last().unwrap_or_default();
    Ok(format!(
        "After the change groundup ran {ran} programs (compilers, and objtool on what they made) and \
         reused {reused}. A warm incremental make, in a directory that it has just built, {compiled}."
    ))
}

/// Recipes that change from turn to turn.
struct Recipes<'a> {
    workspace: &'a Path,
    kernel: &'a str,
    /// What makes this run unlike all before.
    run: String,
    root: Cell<u32>,
    symbol: Cell<u32>,
}

impl<'a> Recipes<'a> {
    fn new(workspace: &'a Path, kernel: &'a str) -> Self {
        let run = jiff::Timestamp::now().as_second().to_string();
        Self { workspace, kernel, run, root: Cell::new(0), symbol: Cell::new(0) }
    }

    /// Another root file system, in which nothing was compiled.
    fn turn(&self) -> Result<()> {
        self.root.set(self.root.get() + 1);
        self.write()
    }

    /// Another value of one symbol.
    fn change(&self) -> Result<()> {
        self.symbol.set(self.symbol.get() + 1);
        self.write()
    }

    fn write(&self) -> Result<()> {
        let (kernel, run) = (self.kernel, &self.run);
        let (root, symbol) = (self.root.get(), self.symbol.get());
        let text = format!(
            r#"
[rootfs.bench-toolchain]
trees = ["rootfs.toolchain-kernel"]
files = [{{ path = "/etc/turn", text = "{run} {root}\n" }}]

[kernel.bench]
extends = "kernel.{kernel}"
toolchain = "rootfs.bench-toolchain"
options = {{ DEFAULT_HOSTNAME = "\"turn{symbol}\"" }}

[node.bench]
rootfs = "rootfs.micro"
kernel = "kernel.bench"
initrd = "rootfs.initrd"
tools = "rootfs.node-tools"
cmdline = "console=ttyS0"

[build.bench-config]
rootfs = "rootfs.bench-toolchain"
deps = {{ config = "kernel.bench:config" }}
script = "cp /deps/config/config /out"

[build.bench-make]
rootfs = "rootfs.bench-toolchain"
sources = {{ linux = "source.linux" }}
deps = {{ config = "kernel.bench:config" }}
script = """{MAKE}"""

[build.bench-again]
rootfs = "rootfs.bench-toolchain"
sources = {{ linux = "source.linux" }}
deps = {{ config = "kernel.bench:config" }}
script = """{MAKE}
/src/linux/scripts/config --file .config --set-str DEFAULT_HOSTNAME again
$make $targets > again.log
echo "compiled $(grep -c '^  [CA][CS] ' again.log) files"
"""
"#
        );
        let path = self.workspace.join("recipes/bench-kernel.toml");
        fs::write(&path, text).tried("write", path)
    }
}

/// A plain build of a kernel with a resolved configuration.
const MAKE: &str = r#"
export KBUILD_BUILD_USER=groundup KBUILD_BUILD_HOST=groundup KBUILD_BUILD_VERSION=1
export KBUILD_BUILD_TIMESTAMP=@$SOURCE_DATE_EPOCH
cp /deps/config/config .config
make="make -C /src/linux O=/build -j$GROUNDUP_JOBS"
targets=bzImage
if grep -q '^CONFIG_MODULES=y$' .config; then targets="bzImage modules"; fi
$make $targets
mkdir -p /out/usr
case $targets in *modules)
    make -s -C /src/linux O=/build modules_install INSTALL_MOD_PATH=/out/usr DEPMOD=true
    depmod -b /out/usr -F System.map "$(make -s -C /src/linux O=/build kernelrelease)"
esac
cp arch/x86/boot/bzImage vmlinux /out
"#;
