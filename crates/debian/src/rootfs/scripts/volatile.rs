//! What scripts leave that is of one moment or one machine, and what becomes of it.
//!
//! The table is the one of `docs/debian.md`. Paths are globs: `*` does not cross a slash, `**` does.

use super::super::{
    Draft, RootfsError,
    draft::{constant, follow},
    overlay,
};
use groundup_tree::{Kind, Node, TreePath};

/// What becomes of a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// It goes, a directory with all that it holds.
    Gone,
    /// It goes unless it is a directory.
    FilesGone,
    /// A file stays without content.
    Emptied,
}

/// Each glob with its fate and why; the first that fits counts.
pub(super) const VOLATILE: [(&str, Fate, &str); 32] = [
    ("/var/lib/groundup", Fate::Gone, "groundup's own tables"),
    ("/var/log/btmp", Fate::Emptied, "logins"),
    ("/var/log/faillog", Fate::Emptied, "logins"),
    ("/var/log/lastlog", Fate::Emptied, "logins"),
    ("/var/log/wtmp", Fate::Emptied, "logins"),
    ("/var/log/**", Fate::FilesGone, "logs with the time"),
    ("/run/**", Fate::FilesGone, "in memory on a running system"),
    ("/tmp/*", Fate::Gone, "temporary"),
    ("/var/tmp/*", Fate::Gone, "temporary"),
    ("/var/backups/*", Fate::Gone, "earlier states"),
    ("/etc/{passwd,group,shadow,gshadow,subuid,subgid}-", Fate::Gone, "earlier states"),
    ("/etc/.pwd.lock", Fate::Gone, "a lock"),
    ("/etc/machine-id", Fate::Emptied, "random; made on the first boot"),
    ("/var/lib/dbus/machine-id", Fate::Gone, "random; made on the first boot"),
    ("/etc/ssh/ssh_host_*", Fate::Gone, "random keys"),
    ("/etc/ssl/private/ssl-cert-snakeoil.key", Fate::Gone, "a random key"),
    ("/etc/ssl/certs/ssl-cert-snakeoil.pem", Fate::Gone, "the certificate of a random key"),
    ("/var/lib/systemd/random-seed", Fate::Gone, "random"),
    ("/var/lib/systemd/credential.secret", Fate::Gone, "random"),
    ("/var/lib/urandom/random-seed", Fate::Gone, "random"),
    ("/var/cache/ldconfig/aux-cache", Fate::Gone, "inode numbers and times"),
    ("/var/cache/debconf/*-old", Fate::Gone, "earlier states"),
    ("/var/cache/fontconfig/*", Fate::Gone, "times of directories"),
    ("/var/cache/man/**", Fate::FilesGone, "times of files"),
    ("/var/cache/apt/*.bin", Fate::Gone, "times of files"),
    ("/var/cache/apt/archives/lock", Fate::Gone, "a lock"),
    ("/var/lib/apt/lists/lock", Fate::Gone, "a lock"),
    ("/var/lib/dpkg/*-old", Fate::Gone, "earlier states"),
    ("/var/lib/dpkg/lock*", Fate::Gone, "a lock"),
    ("/var/lib/dpkg/triggers/Lock", Fate::Gone, "a lock"),
    ("/var/lib/dpkg/updates/*", Fate::Gone, "dpkg's own journal"),
    ("/var/lib/ucf/{hashfile,registry}.*", Fate::Gone, "earlier states"),
];

/// Applies the table, and takes the days out of the shadow file.
pub(super) fn remove(draft: &mut Draft<'_>) -> Result<(), RootfsError> {
    let globs: Vec<String> = VOLATILE.iter().map(|(glob, ..)| (*glob).to_owned()).collect();
    let globs: Result<Vec<_>, _> =
        globs.iter().map(|glob| overlay::globs(std::slice::from_ref(glob))).collect();
    let globs = globs?;
    let fate = |path: &TreePath| {
        globs.iter().position(|set| overlay::takes(set, path)).map(|row| VOLATILE[row].1)
    };
    let all = draft.tree.iter().filter_map(|(path, node)| {
        let fate = fate(path)?;
        let dir = node.is_directory();
        (fate == Fate::Gone || !dir).then(|| (path.clone(), fate))
    });
    for (path, fate) in all.collect::<Vec<_>>() {
        match (fate, draft.tree.get(&path).cloned()) {
            (_, None) => {}
            (Fate::Emptied, Some(Node { meta, kind: Kind::File { .. } })) => {
                draft.put_state_at(&path, b"", meta)?;
            }
            _ => drop(draft.tree.remove(&path)),
        }
    }
    remove_dangling_certificates(draft);
    forget_days(draft)
}

/// Links by hash to the certificate that went.
fn remove_dangling_certificates(draft: &mut Draft<'_>) {
    let place = constant("/etc/ssl/certs");
    let dangling = draft.tree.within(&place).filter(|(_, node)| {
        matches!(&node.kind, Kind::Symlink { target } if &**target == b"ssl-cert-snakeoil.pem")
    });
    for path in dangling.map(|(path, _)| path.clone()).collect::<Vec<_>>() {
        draft.tree.remove(&path);
    }
}

/// The third field of `/etc/shadow`: the day of the last change becomes empty, as it is without scripts.
fn forget_days(draft: &mut Draft<'_>) -> Result<(), RootfsError> {
    let path = constant("/etc/shadow");
    let (Some(bytes), Some(place)) = (draft.read(&path)?, follow(&draft.tree, &path)) else {
        return Ok(());
    };
    let Some(meta) = draft.tree.get(&place).map(|node| node.meta.clone()) else { return Ok(()) };
    let text = String::from_utf8_lossy(&bytes);
    let lines = text.lines().map(|line| {
        let mut fields: Vec<&str> = line.split(':').collect();
        if let Some(day) = fields.get_mut(2)
            // 0 asks for a new password at the next login.
            && *day != "0"
        {
            *day = "";
        }
        fields.join(":") + "\n"
    });
    let forgotten: String = lines.collect();
    match forgotten.as_bytes() == bytes {
        true => Ok(()),
        false => draft.put_state_at(&place, forgotten.as_bytes(), meta),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_glob_is_one() {
        for (glob, _, why) in VOLATILE {
            overlay::globs(&[glob.to_owned()]).unwrap();
            assert!(glob.starts_with('/') && !why.is_empty(), "{glob}");
        }
    }

    #[test]
    fn the_documentation_has_every_row() {
        let text = include_str!("../../../../../docs/debian.md");
        for (glob, fate, why) in VOLATILE {
            let fate = match fate {
                Fate::Gone => "removed",
                Fate::FilesGone => "files removed",
                Fate::Emptied => "emptied",
            };
            let row = format!("| `{glob}` | {fate} | {why} |");
            assert!(text.contains(&row), "docs/debian.md lacks: {row}");
        }
    }
}
