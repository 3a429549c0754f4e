//! The same tests again, as an ordinary user.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::process::Command;

/// The uid and gid of nobody.
const NOBODY: u32 = 65534;

/// Runs all tests of this test program but the one named `this` again, with umask 077, and as an
/// ordinary user if this process is root's.
///
/// Root hides most mistakes with permissions; a strict umask shows modes that were left to chance.
pub fn again_as_ordinary_user(this: &str) {
    let folder = tempfile::tempdir().unwrap();
    let temp = folder.path().join("tmp");
    // The program itself may lie where only root may look.
    let program = folder.path().join("tests");
    // By a process of its own: a fork of another test might hold it open for writing when it is run.
    let copied = Command::new("cp").arg(std::env::current_exe().unwrap()).arg(&program).status();
    assert!(copied.unwrap().success());
    fs::create_dir(&temp).unwrap();
    for path in [folder.path(), &program] {
        fs::set_permissions(path, Permissions::from_mode(0o755)).unwrap();
    }
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "umask 077; exec \"$0\" --skip \"$1\""]).arg(&program).arg(this);
    command.env("TMPDIR", &temp).current_dir(&temp);
    if rustix::process::geteuid().is_root() {
        chown(&temp, Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("test result: ok. ") && !text.contains(" 0 passed"), "{text}");
}
