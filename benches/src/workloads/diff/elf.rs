//! Programs and libraries that were built anew with small changes: what it costs to say what the
//! changes do.

use super::differs;
use crate::{
    bench::{Bench, Contender, Ready, once, output},
    error::{Result, Tried},
    record::{Mark, Outcome},
    setup,
    workloads::unpack::copy_folder,
};
use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Functions of each program.
const FUNCTIONS: u32 = 1100;
/// Most processor seconds, for forty files.
const MOST: f64 = 0.5;
const PEER: &str = "diffoscope";
/// How often each is run at most: the peer takes a minute or more.
const ROUNDS: usize = 2;

/// Two directories of such files.
pub(super) fn measure(bench: &Bench) -> Result<Outcome> {
    let count = bench.sized(40, 8);
    let folder = bench.folder(&format!("diff-elf-{count}"));
    once(&folder.join("built"), |built| build(bench, built, count))?;
    let built = folder.join("built");
    let mut bytes = 0;
    for number in 0..count {
        let path = built.join(format!("new/{number}"));
        bytes += path.metadata().tried("look at", path)?.len();
    }
    let compare = || {
        let mut command = Command::new(&bench.groundup);
        command.current_dir(&built).args(["diff", "old", "new", "--all"]);
        differs(&mut command)
    };
    let (root, version) = peer(bench)?;
    let script = "diffoscope --no-default-limits --text said old new; test $? = 1";
    let theirs = || bench.peer_in(&root, 1, &built, &["sh", "-c", script]);
    let few = Bench { rounds: bench.rounds.min(ROUNDS), ..bench.clone() };
    few.measure(Ready {
        workload: "diff-elf".into(),
        what: format!(
            "{count} ELF files of {:.1} MB in total, half of them stripped libraries; in each a \
             function is new, another and a variable have changed, and what follows has moved",
            bytes as f64 / 1e6
        ),
        per: 1,
        contenders: vec![
            Contender::new("groundup", "groundup diff old new --all", compare),
            Contender::new(PEER, "diffoscope --no-default-limits --text said old new", theirs),
        ],
        marks: vec![Mark::Processor(MOST)],
        notes: vec![format!(
            "diffoscope {version} shows the disassembly of both sides and calls readelf and objdump \
             for each file; groundup names what has changed, in process."
        )],
    })
}

/// The root of the peer, from the workspace in which the tests compare with it, and its version.
fn peer(bench: &Bench) -> Result<(PathBuf, String)> {
    let workspace = bench.folder(PEER);
    copy_folder(&bench.repository.join("tests/compared/workspace"), &workspace)?;
    let out = workspace.join("peers");
    let mut build = bench.groundup(&workspace, setup::STORE);
    output(build.args(["build", "rootfs.diffoscope", "--out"]).arg(&out))?;
    let lock = workspace.join("groundup.lock");
    let lock = fs::read_to_string(&lock).tried("read", lock)?;
    let line = lock.lines().find_map(|line| line.strip_prefix("\"diffoscope-minimal "));
    let version = line.and_then(|line| line.split(' ').next()).unwrap_or_default().to_owned();
    Ok((out.join("rootfs.diffoscope"), version))
}

/// Compiles both versions of all, by the compiler of the peers.
fn build(bench: &Bench, folder: &Path, count: u32) -> Result<()> {
    let mut makefile = String::new();
    let mut targets = String::new();
    for version in ["old", "new"] {
        for place in [folder.join(version), folder.join("source").join(version)] {
            fs::create_dir_all(&place).tried("make", place)?;
        }
        for number in 0..count {
            let from = format!("source/{version}/{number}.c");
            let path = folder.join(&from);
            fs::write(&path, source(number, version)).tried("write", path)?;
            let (to, form) = (
                format!("{version}/{number}"),
                match number % 2 {
                    0 => "-shared -fPIC -s",
                    _ => "-pie -fPIE",
                },
            );
            // Writing to a text does not fail. Without a shell, make runs the compiler itself.
            let _ = write!(makefile, "{to}:\n\tgcc -O1 {form} -o {to} {from}\n");
            let _ = write!(targets, " {to}");
        }
    }
    let path = folder.join("Makefile");
    fs::write(&path, format!("all:{targets}\n{makefile}")).tried("write", path)?;
    let compiler = bench.folder("peers/rootfs.bench-compiler");
    bench.peer_in(&compiler, 1, folder, &["make", "-s", "-j2", "all"]).map(drop)
}

fn source(number: u32, version: &str) -> String {
    let new = version == "new";
    let limit = if new { 65_536 } else { 4096 };
    let mut text = format!(
        "struct setting {{ const char *name; long low, high; }};\n\
         struct setting settings_{number}[] = {{ {{\"depth\", 1, 64}}, {{\"limit\", 16, {limit}}} }};\n"
    );
    for function in 0..FUNCTIONS {
        if function == FUNCTIONS / 3 && new {
            text += "int added(int x) { return x * 31 + 7; }\n";
        }
        let step = if function == FUNCTIONS / 2 && new { 3 } else { 2 };
        let other = (function * 7 + number) % 1000 + 2;
        let _ = writeln!(
            text,
            "int work_{number}_{function}(int x, const char *s) {{\n\
             for (int i = 0; s[i] && i < {other}; i += {step}) x = x * {other} + (s[i] ^ {function});\n\
             return x < settings_{number}[{}].high ? x : {other};\n}}",
            function % 2
        );
    }
    text + &format!("int main(int n, char **v) {{ return work_{number}_1(n, *v); }}\n")
}
