//! Files and directories that the scripts of basic packages make on a first installation, from
//! what those packages ship: `base-files`, `libc-bin`, `debianutils`, `tzdata`.

use super::{
    Draft, RootfsError,
    draft::{STATE, constant, follow_parents},
};
use groundup_tree::{Meta, Mode, Node, TreePath, Xattrs};

const MAIL: u32 = 8;
const UTMP: u32 = 43;

/// Shipped defaults that become configuration if there is none: from, to.
const DEFAULTS: [(&str, &str); 6] = [
    ("/usr/share/base-files/dot.bashrc", "/root/.bashrc"),
    ("/usr/share/base-files/dot.profile", "/root/.profile"),
    ("/usr/share/base-files/motd", "/etc/motd"),
    ("/usr/share/base-files/nsswitch.conf", "/etc/nsswitch.conf"),
    ("/usr/share/base-files/profile", "/etc/profile"),
    ("/usr/share/libc-bin/nsswitch.conf", "/etc/nsswitch.conf"),
];

/// Directories that `base-files` makes: path, mode, group.
const DIRECTORIES: [(&str, u32, u32); 18] = [
    ("/etc/opt", 0o755, 0),
    ("/media", 0o755, 0),
    ("/mnt", 0o755, 0),
    ("/opt", 0o755, 0),
    ("/run", 0o755, 0),
    ("/run/lock", 0o1777, 0),
    ("/srv", 0o755, 0),
    ("/usr/local", 0o755, 0),
    ("/usr/local/bin", 0o755, 0),
    ("/usr/local/etc", 0o755, 0),
    ("/usr/local/games", 0o755, 0),
    ("/usr/local/include", 0o755, 0),
    ("/usr/local/lib", 0o755, 0),
    ("/usr/local/sbin", 0o755, 0),
    ("/usr/local/share/man", 0o755, 0),
    ("/usr/local/src", 0o755, 0),
    ("/var/mail", 0o2775, MAIL),
    ("/var/opt", 0o755, 0),
];

/// Makes all of it, as far as the packages are in the set.
pub(super) fn write(draft: &mut Draft<'_>, packages: &[&str]) -> Result<(), RootfsError> {
    for (from, to) in DEFAULTS {
        let (from, to) = (constant(from), constant(to));
        match draft.find(&from).cloned() {
            Some(node) if !node.is_directory() && !draft.finds(&to) => {
                draft.put(&to, node, STATE)?
            }
            _ => {}
        }
    }
    let has = |name: &str| packages.contains(&name);
    if has("base-files") {
        write_base(draft)?;
    }
    if has("debianutils") {
        write_shells(draft)?;
    }
    if has("tzdata") && draft.finds(&constant("/usr/share/zoneinfo/Etc/UTC")) {
        draft.make_link("/etc/localtime", "/usr/share/zoneinfo/Etc/UTC")?;
        if !draft.finds(&constant("/etc/timezone")) {
            draft.put_state("/etc/timezone", b"Etc/UTC\n", 0o644)?;
        }
    }
    Ok(())
}

fn write_base(draft: &mut Draft<'_>) -> Result<(), RootfsError> {
    for (path, mode, gid) in DIRECTORIES {
        draft.make_directory(path, Meta { gid, ..Meta::root_owned(mode) })?;
    }
    for (link, target) in [("/var/lock", "/run/lock"), ("/var/run", "/run")] {
        let path = constant(link);
        // Shipped as a directory; one that holds something is kept, as rmdir would.
        if draft.tree.within(&path).count() == 1
            && draft.tree.get(&path).is_some_and(Node::is_directory)
        {
            draft.tree.remove(&path);
        }
        draft.make_link(link, target)?;
    }
    draft.make_link("/usr/local/man", "share/man")?;
    draft.make_link("/var/spool/mail", "../mail")?;
    if draft.finds(&constant("/etc/dpkg/origins/debian")) {
        draft.make_link("/etc/dpkg/origins/default", "debian")?;
    }
    for (name, mode) in [("btmp", 0o660), ("lastlog", 0o664), ("wtmp", 0o664)] {
        let path = constant(&format!("/var/log/{name}"));
        if !draft.finds(&path) {
            let mode = Mode::from_bits(mode);
            let meta = Meta { mode, uid: 0, gid: UTMP, xattrs: Xattrs::none() };
            draft.put_state_at(&path, b"", meta)?;
        }
    }
    Ok(())
}

/// `/etc/shells`, as `update-shells` makes it from the lists that shells ship, with the record of
/// what it has added.
fn write_shells(draft: &mut Draft<'_>) -> Result<(), RootfsError> {
    let template = constant("/usr/share/debianutils/shells");
    if draft.finds(&constant("/etc/shells")) || !draft.finds(&template) {
        return Ok(());
    }
    let directory = constant("/usr/share/debianutils/shells.d");
    let lists = draft.tree.within(&directory).filter(|(_, node)| !node.is_directory());
    let mut lists: Vec<_> = lists.map(|(path, _)| path.clone()).collect();
    lists.insert(0, template.clone());
    let mut shells: Vec<String> = Vec::new();
    for list in lists {
        let list = draft.read(&list)?.unwrap_or_default();
        for line in String::from_utf8_lossy(&list).lines() {
            let shell = line.split('#').next().unwrap_or_default();
            let Ok(path) = TreePath::parse(shell.as_bytes()) else { continue };
            if shell.is_empty() {
                continue;
            }
            // A shell counts by the name where merged /usr has it, too.
            let real = follow_parents(&draft.tree, &path).unwrap_or(path);
            for name in [shell.to_owned(), real.to_string()] {
                if !shells.contains(&name) {
                    shells.push(name);
                }
            }
        }
    }
    let text = draft.read(&template)?.unwrap_or_default();
    let mut text = String::from_utf8_lossy(&text).into_owned();
    for shell in &shells {
        if !text.lines().any(|line| line == shell) {
            text.push_str(shell);
            text.push('\n');
        }
    }
    let state: String = shells.iter().map(|shell| format!("{shell}\n")).collect();
    draft.put_state("/var/lib/shells.state", state.as_bytes(), 0o644)?;
    draft.put_state("/etc/shells", text.as_bytes(), 0o644)
}
