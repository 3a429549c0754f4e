//! On a host that forbids user namespaces nothing runs: every command that would run something says
//! which setting forbids it and how to change it, and ends with 3.

use groundup_tests::tiny::{Said, Tiny};
use std::process::Command;

/// A change of the host that a container or its administrator may have made, as a shell command in
/// namespaces that stand for the host.
const NO_NAMESPACES: &str = "echo 0 > /proc/sys/user/max_user_namespaces";
const COVERED_PROC: &str = "mount --bind /dev/null /proc/version";

/// Runs the program on a host that was changed.
fn on_host(change: &str, tiny: &Tiny, arguments: &[&str]) -> Said {
    let plain = tiny.command(arguments);
    let mut command = Command::new("unshare");
    let script = format!("{change} || exit 99; exec \"$@\"");
    command.args(["-U", "-r", "-m", "sh", "-c", &script, "sh"]);
    command.arg(plain.get_program()).args(plain.get_args());
    if let Some(folder) = plain.get_current_dir() {
        command.current_dir(folder);
    }
    for (name, value) in plain.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    tiny.said(&command.output().expect("unshare starts"))
}

#[test]
fn commands_that_run_something_name_the_setting_and_end_with_3() {
    let tiny = Tiny::of_script("echo made > /out/file");
    let setting = ["`user.max_user_namespaces` is 0", "sysctl -w user.max_user_namespaces="];
    on_host(NO_NAMESPACES, &tiny, &["build", "build.x"]).expect(3, &setting);
    let covered = ["a /proc of its own", "--security-opt systempaths=unconfined"];
    on_host(COVERED_PROC, &tiny, &["build", "build.x"]).expect(3, &covered);
    // What runs no command works there: the root file system is made and stays made.
    on_host(NO_NAMESPACES, &tiny, &["build", "rootfs.base"]).expect(0, &[]);
    for command in [&["run", "rootfs.base", "--", "/bin/sh"][..], &["shell", "build.x"]] {
        on_host(NO_NAMESPACES, &tiny, command).expect(3, &setting);
        on_host(COVERED_PROC, &tiny, command).expect(3, &covered);
    }
    // Nothing was run in another way, and nothing wrong was recorded.
    assert_eq!(tiny.build(&["build.x"]).built, 1);
}

#[test]
fn doctor_names_what_is_missing_and_how_to_get_it() {
    let tiny = Tiny::empty();
    for (change, name, remedy) in [
        (NO_NAMESPACES, "user namespaces", "sysctl -w user.max_user_namespaces="),
        (COVERED_PROC, "a /proc of its own", "--security-opt systempaths=unconfined"),
    ] {
        let said = on_host(change, &tiny, &["doctor"]);
        assert_eq!(said.code, 1, "{said}");
        let mut lines = said.out.lines();
        let row = lines.find(|line| line.starts_with(&format!("missing {name}")));
        assert!(row.is_some(), "{said}");
        assert!(lines.next().is_some_and(|line| line.contains(remedy)), "{said}");
        let answer = on_host(change, &tiny, &["doctor", "--json"]).answer();
        assert_eq!(answer["can_build"], false);
        let checks = answer["checks"].as_array().expect("rows");
        let row = checks.iter().find(|row| row["name"] == name).expect("the row");
        assert_eq!(row["status"], "missing");
        assert!(row["remedy"].as_str().is_some_and(|text| text.contains(remedy)), "{row}");
    }
    let said = on_host("true", &tiny, &["doctor"]);
    assert!(said.code == 0 && !said.out.contains("missing "), "{said}");
}
