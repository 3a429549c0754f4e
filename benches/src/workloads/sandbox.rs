//! What a sandbox costs around a program that does nothing, beside bubblewrap.

use crate::{
    bench::{Bench, Contender, Ready, remove, timed},
    error::{BenchError, Result, Tried},
    record::{Mark, Outcome},
};
use groundup_sandbox::{Control, Spec, Stdio, discard, run};
use std::{
    fs::{self, File},
    path::Path,
    process::Command,
};

/// Sandboxes one after the other, each around `busybox true`.
pub(super) fn measure(bench: &Bench) -> Result<Vec<Outcome>> {
    let count = bench.sized(300, 50);
    let root = bench.folder("sandbox-root");
    remove(&root)?;
    let bin = root.join("bin");
    for folder in ["bin", "proc", "dev", "build", "out", "tmp"] {
        let folder = root.join(folder);
        fs::create_dir_all(&folder).tried("make", folder)?;
    }
    let program = bench.peers().join("usr/bin/busybox");
    fs::copy(&program, bin.join("busybox")).tried("copy", program)?;
    let scratch = bench.folder("sandbox-scratch");
    let me = std::env::current_exe().tried("find", "this program")?;
    let ours = || {
        timed(Command::new(&me).args(["sandboxes", &count.to_string()]).arg(&root).arg(&scratch))
    };
    let inside = |name: &str| scratch.join(name).to_string_lossy().into_owned();
    let (build, out, tmp) = (inside("build"), inside("out"), inside("tmp"));
    let root_text = root.to_string_lossy().into_owned();
    let words = [
        "bwrap",
        "--unshare-all",
        "--unshare-user",
        "--hostname",
        "groundup",
        "--uid",
        "1000",
        "--gid",
        "1000",
        "--die-with-parent",
        "--new-session",
        "--cap-drop",
        "ALL",
        "--ro-bind",
        &root_text,
        "/",
        "--bind",
        &build,
        "/build",
        "--bind",
        &out,
        "/out",
        "--bind",
        &tmp,
        "/tmp",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--chdir",
        "/build",
        "/bin/busybox",
        "true",
    ];
    let theirs = || bench.peer_times(count, &scratch, &words);
    let folders = || {
        remove(&scratch)?;
        for folder in [&build, &out, &tmp] {
            fs::create_dir_all(folder).tried("make", folder)?;
        }
        Ok(())
    };
    let outcome = bench.measure(Ready {
        workload: "sandbox".into(),
        what: "one sandbox around `busybox true`, from start to end".into(),
        per: count,
        contenders: vec![
            Contender::new("groundup", "the sandbox of a step", ours).reset(folders),
            Contender::new("bubblewrap", "bwrap with the same namespaces and mounts", theirs)
                .reset(folders),
        ],
        marks: vec![Mark::Times { peer: "bubblewrap".into(), most: 1.0 }],
        notes: vec![
            "groundup's has an overlay as its root, a seccomp filter that answers some calls, a \
             log and fresh scratch folders, as a step has; bubblewrap's has none of these."
                .into(),
        ],
    })?;
    Ok(vec![outcome])
}

/// Runs that many sandboxes, as the builder does for steps.
pub fn run_sandboxes(count: u32, root: &Path, scratch: &Path) -> Result<()> {
    let failed = |source| BenchError::Run { what: "a sandbox".into(), source };
    let control = Control::new().map_err(failed)?;
    let argv = vec!["/bin/busybox".to_owned(), "true".to_owned()];
    for number in 0..count {
        let place = scratch.join(number.to_string());
        fs::create_dir_all(&place).tried("make", &place)?;
        let log = place.join("log");
        let mut spec = Spec::new(vec![root.to_owned()], place.clone(), argv.clone());
        spec.stdio =
            Stdio::Log(File::options().create(true).append(true).open(&log).tried("open", log)?);
        let outcome = run(&spec, &control).map_err(|error| failed(std::io::Error::other(error)))?;
        if !matches!(outcome.ending, groundup_sandbox::Ending::Exited(0)) {
            return Err(BenchError::Answer(format!("a sandbox ended so: {:?}", outcome.ending)));
        }
        discard(&place).map_err(|error| failed(std::io::Error::other(error)))?;
    }
    Ok(())
}
