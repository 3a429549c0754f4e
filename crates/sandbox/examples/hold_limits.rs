//! Runs a step that eats memory and one that forks without end, and says how each was ended and
//! held: for hosts that the tests do not run on, such as the guest of `cgroup_v2`.
//!
//!     cargo run -p groundup-sandbox --example hold_limits
//!
//! Needs `/bin/sh` and `/bin/tail`. One line per limit, such as `memory: Limit(Memory) by CgroupV2`.

#![allow(clippy::print_stdout, reason = "a program for people")]

use std::path::Path;
use std::time::Duration;

use groundup_sandbox::{Control, Limits, Mount, MountMode, Outcome, Spec, Stdio, discard, run};

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let top = tempfile::tempdir()?;
    // Should a limit not hold, the step ends with this.
    let wall = Some(Duration::from_secs(120));
    let memory = Limits { memory: Some(100 << 20), wall, ..Limits::default() };
    // `tail` keeps a line without end.
    let outcome = step(top.path(), "tail /dev/zero", memory)?;
    println!("memory: {:?} by {:?}", outcome.ending, outcome.enforced.memory);
    println!("peak memory: {} of {}", outcome.usage.peak_memory, 100 << 20);
    let processes = Limits { processes: Some(60), wall, ..Limits::default() };
    let outcome = step(top.path(), "bomb() { bomb | bomb & }; bomb; sleep 31536", processes)?;
    println!("processes: {:?} by {:?}", outcome.ending, outcome.enforced.processes);
    Ok(())
}

/// Runs a shell command in a root file system out of the host's `/usr`.
fn step(top: &Path, script: &str, limits: Limits) -> Result<Outcome, Failure> {
    let lower = top.join("lower");
    let scratch = top.join("scratch");
    std::fs::create_dir_all(&lower)?;
    std::fs::create_dir(&scratch)?;
    for name in ["bin", "lib", "lib64"] {
        let _ = std::os::unix::fs::symlink(Path::new("usr").join(name), lower.join(name));
    }
    let argv = ["/bin/sh", "-c", script].map(Into::into).into();
    let mut spec = Spec::new(vec![lower], scratch, argv);
    let (source, target) = ("/usr".into(), "/usr".into());
    spec.mounts.push(Mount { source, target, mode: MountMode::ReadOnly });
    spec.stdio = Stdio::Log(std::fs::File::create(top.join("log"))?);
    spec.limits = limits;
    let outcome = run(&spec, &Control::new()?)?;
    discard(&spec.scratch)?;
    Ok(outcome)
}
