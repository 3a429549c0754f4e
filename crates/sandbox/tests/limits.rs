//! Each limit ends a run with its name, by whatever means this host and user have.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]
mod support;

use std::time::Duration;

use groundup_sandbox::{Ending, Enforcement, LimitKind};
use support::Fixture;

#[test]
fn these_claims_hold_for_an_ordinary_user_too() {
    support::again_as_an_ordinary_user("these_claims_hold_for_an_ordinary_user_too", &[]);
}

#[test]
fn memory() {
    let mut fixture = Fixture::probe("eat memory");
    fixture.spec.limits.memory = Some(150 << 20);
    let outcome = fixture.run();
    assert_eq!(outcome.ending, Ending::Limit(LimitKind::Memory), "{}", fixture.log());
    assert!(outcome.usage.peak_memory > 50 << 20, "{outcome:?}");
    assert_ne!(outcome.enforced.memory, Enforcement::NotAsked);
}

#[test]
fn memory_of_all_processes_together() {
    let mut fixture = Fixture::probe("eat memory in children");
    fixture.spec.limits.memory = Some(200 << 20);
    assert_eq!(fixture.run().ending, Ending::Limit(LimitKind::Memory), "{}", fixture.log());
}

#[test]
fn a_step_within_its_memory_is_left_alone() {
    let mut fixture = Fixture::shell("head -c 30000000 /dev/zero | tail -c 1 | wc -c");
    fixture.spec.limits.memory = Some(300 << 20);
    fixture.spec.limits.processes = Some(50);
    fixture.spec.limits.output_bytes = Some(1 << 20);
    assert_eq!(fixture.succeed(), "1\n");
}

#[test]
fn a_fork_bomb() {
    let mut fixture =
        Fixture::shell("bomb() { bomb | bomb & }; bomb; sleep 31536").env("MARK", support::mark());
    fixture.spec.limits.processes = Some(60);
    // Should the limit not hold, the bomb ends with this.
    fixture.spec.limits.wall = Some(Duration::from_secs(20));
    let outcome = fixture.run();
    assert_eq!(outcome.ending, Ending::Limit(LimitKind::Processes), "{outcome:?}");
    assert_eq!(support::marked(&fixture.spec.env["MARK"]), 0);
}

#[test]
fn wall_time() {
    let mut fixture = Fixture::shell("while :; do echo busy; sleep 0.01; done");
    fixture.spec.limits.wall = Some(Duration::from_millis(300));
    fixture.spec.limits.idle_output = Some(Duration::from_secs(60));
    let outcome = fixture.run();
    assert_eq!(outcome.ending, Ending::Limit(LimitKind::Wall));
    assert!(outcome.usage.wall >= Duration::from_millis(300));
}

#[test]
fn time_without_output() {
    let mut fixture = Fixture::shell("echo once; sleep 31536");
    fixture.spec.limits.idle_output = Some(Duration::from_millis(300));
    assert_eq!(fixture.run().ending, Ending::Limit(LimitKind::IdleOutput));
    assert_eq!(fixture.log(), "once\n");
}

#[test]
fn filling_the_disk_with_one_file() {
    let mut fixture = Fixture::shell("head -c 500000000 /dev/zero > /out/file; sleep 31536");
    fixture.spec.limits.output_bytes = Some(20 << 20);
    assert_eq!(fixture.run().ending, Ending::Limit(LimitKind::OutputBytes));
    assert!(fixture.out("file").metadata().unwrap().len() <= 21 << 20);
}

#[test]
fn filling_the_disk_with_many_files_anywhere() {
    for place in ["/out", "/build", "/tmp", "/etc"] {
        let mut fixture = Fixture::shell(&format!(
            "i=0; while [ $i -lt 5000 ]; do i=$((i+1)); head -c 1000000 /dev/zero > {place}/$i; done"
        ));
        fixture.spec.limits.output_bytes = Some(20 << 20);
        let ending = fixture.run().ending;
        assert_eq!(ending, Ending::Limit(LimitKind::OutputBytes), "{place}");
    }
}

#[test]
fn bytes_of_log_to_the_byte() {
    let mut fixture = Fixture::shell("yes");
    fixture.spec.limits.log_bytes = Some(100_001);
    let outcome = fixture.run();
    assert_eq!(outcome.ending, Ending::Limit(LimitKind::LogBytes));
    assert_eq!(fixture.log().len(), 100_001);
    assert_eq!(outcome.enforced.log_bytes, Enforcement::Counted);
}

#[test]
fn no_cgroup_is_left_behind() {
    let mut fixture = Fixture::shell("true");
    fixture.spec.limits.memory = Some(100 << 20);
    fixture.spec.limits.processes = Some(10);
    fixture.spec.env.insert("A".into(), "b".into());
    let outcome = fixture.run();
    assert!(outcome.ending.is_success(), "{outcome:?} {}", fixture.log());
    let own = format!("groundup-{}-", std::process::id());
    let output = std::process::Command::new("find")
        .args(["/sys/fs/cgroup", "-maxdepth", "6", "-name", &format!("{own}*")])
        .output()
        .unwrap();
    // Other tests of this program may have theirs at this moment, but each has a process in it.
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        support::until(|| {
            let members = std::fs::read_to_string(format!("{line}/cgroup.procs"));
            members.map_or(true, |members| !members.is_empty())
        });
    }
}

/// Not a claim: what this program does inside.
#[test]
fn probe() {
    match std::env::var(support::PROBE).as_deref() {
        Ok("eat memory") => eat(1 << 30),
        Ok("eat memory in children") => {
            let child = || {
                std::process::Command::new("/proc/self/exe")
                    .args(["probe", "--exact"])
                    .env(support::PROBE, "eat some memory")
                    .spawn()
                    .unwrap()
            };
            let children = [child(), child(), child()];
            for mut child in children {
                child.wait().unwrap();
            }
        }
        Ok("eat some memory") => {
            eat(100 << 20);
            std::thread::sleep(Duration::from_secs(30));
        }
        _ => {}
    }
}

/// Touches memory as fast as a compiler might.
fn eat(bytes: usize) {
    let mut eaten = Vec::new();
    for _ in 0..bytes >> 20 {
        eaten.push(vec![1_u8; 1 << 20]);
        std::thread::sleep(Duration::from_millis(1));
    }
    std::hint::black_box(eaten);
}
