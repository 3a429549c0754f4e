//! What scripts leave that is of one moment or one machine, and what becomes of it.
//!
//! It goes at the end of the step that runs them, so that two runs leave the same. The table is the one
//! of `docs/debian.md`.

use std::fmt::Write;

/// What becomes of a path; `*` does not cross a slash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fate {
    /// It goes, a directory with all that it holds.
    Gone,
    /// A directory: all files below it go, but what is emptied; directories and links stay.
    FilesGone,
    /// A file stays without content.
    Emptied,
}

/// Each path with its fate and why.
const VOLATILE: [(&str, Fate, &str); 37] = [
    ("/etc/.pwd.lock", Fate::Gone, "a lock"),
    ("/etc/group-", Fate::Gone, "an earlier state"),
    ("/etc/gshadow-", Fate::Gone, "an earlier state"),
    ("/etc/machine-id", Fate::Emptied, "random; made on the first boot"),
    ("/etc/passwd-", Fate::Gone, "an earlier state"),
    ("/etc/shadow-", Fate::Gone, "an earlier state"),
    ("/etc/ssh/ssh_host_*", Fate::Gone, "random keys"),
    ("/etc/ssl/certs/ssl-cert-snakeoil.pem", Fate::Gone, "the certificate of a random key"),
    ("/etc/ssl/private/ssl-cert-snakeoil.key", Fate::Gone, "a random key"),
    ("/etc/subgid-", Fate::Gone, "an earlier state"),
    ("/etc/subuid-", Fate::Gone, "an earlier state"),
    ("/run", Fate::FilesGone, "in memory on a running system"),
    ("/var/backups/*", Fate::Gone, "earlier states"),
    ("/var/cache/apt/*.bin", Fate::Gone, "times of files"),
    ("/var/cache/apt/archives/lock", Fate::Gone, "a lock"),
    ("/var/cache/debconf/*-old", Fate::Gone, "earlier states"),
    ("/var/cache/fontconfig/*", Fate::Gone, "times of directories"),
    ("/var/cache/ldconfig/aux-cache", Fate::Gone, "inode numbers and times"),
    ("/var/cache/man", Fate::FilesGone, "times of files"),
    ("/var/lib/apt/lists/lock", Fate::Gone, "a lock"),
    ("/var/lib/dbus/machine-id", Fate::Gone, "random; made on the first boot"),
    ("/var/lib/dpkg/*-old", Fate::Gone, "earlier states"),
    ("/var/lib/dpkg/lock*", Fate::Gone, "locks"),
    ("/var/lib/dpkg/triggers/Lock", Fate::Gone, "a lock"),
    ("/var/lib/dpkg/updates/*", Fate::Gone, "dpkg's own journal"),
    ("/var/lib/groundup", Fate::Gone, "groundup's own tables"),
    ("/var/lib/systemd/credential.secret", Fate::Gone, "random"),
    ("/var/lib/systemd/random-seed", Fate::Gone, "random"),
    ("/var/lib/ucf/hashfile.*", Fate::Gone, "earlier states"),
    ("/var/lib/ucf/registry.*", Fate::Gone, "earlier states"),
    ("/var/lib/urandom/random-seed", Fate::Gone, "random"),
    ("/var/log", Fate::FilesGone, "logs with the time"),
    ("/var/log/btmp", Fate::Emptied, "logins"),
    ("/var/log/faillog", Fate::Emptied, "logins"),
    ("/var/log/lastlog", Fate::Emptied, "logins"),
    ("/var/log/wtmp", Fate::Emptied, "logins"),
    ("/var/tmp/*", Fate::Gone, "temporary"),
];

/// The table as commands of a shell, with what is rewritten: the days of the last change in
/// `/etc/shadow` become empty, as they are without scripts. 0, which asks for a new password, stays.
pub(super) fn commands() -> String {
    let mut text = String::new();
    let emptied: Vec<&str> =
        VOLATILE.iter().filter(|(_, fate, _)| *fate == Fate::Emptied).map(|row| row.0).collect();
    for path in &emptied {
        let _ = writeln!(text, "[ ! -f {path} ] || : > {path}");
    }
    for (path, fate, _) in VOLATILE {
        match fate {
            Fate::Gone => drop(writeln!(text, "rm -rf {path}")),
            Fate::FilesGone => {
                let kept = emptied.iter().filter(|kept| kept.starts_with(path));
                let kept: String = kept.map(|kept| format!(" ! -path {kept}")).collect();
                let _ = writeln!(text, "[ ! -d {path} ] || find {path} -type f{kept} -delete");
            }
            Fate::Emptied => {}
        }
    }
    text.push_str(
        "[ ! -f /etc/shadow ] || sed -i 's/^\\([^:]*:[^:]*\\):[1-9][0-9]*:/\\1::/' /etc/shadow\n\
         [ ! -d /etc/ssl/certs ] || find /etc/ssl/certs -lname ssl-cert-snakeoil.pem -delete\n",
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_every_row() {
        let text = include_str!("../../../../../docs/debian.md");
        for (path, fate, why) in VOLATILE {
            let fate = match fate {
                Fate::Gone => "removed",
                Fate::FilesGone => "files below removed",
                Fate::Emptied => "emptied",
            };
            let row = format!("| `{path}` | {fate} | {why} |");
            assert!(text.contains(&row), "docs/debian.md lacks: {row}");
        }
    }

    #[test]
    fn what_is_emptied_outlives_the_removal_of_its_brothers() {
        let text = commands();
        let line = text.lines().find(|line| line.contains("find /var/log ")).unwrap();
        assert!(line.contains("! -path /var/log/wtmp"), "{line}");
        assert!(text.contains("\nrm -rf /etc/ssh/ssh_host_*\n"));
    }
}
