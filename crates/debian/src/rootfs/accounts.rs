//! Users and groups: `/etc/passwd`, `group`, `shadow`, `gshadow`.
//!
//! The base is that of `base-passwd`, whose master files hold Debian's fixed numbers; without that
//! package it is `root` and `nobody` alone. Users that maintainer scripts would add with a number
//! of their choosing are not there unless the recipe declares them.

use super::{Draft, Group, RootfsError, User, draft::constant};
use groundup_tree::{Meta, Mode, Xattrs};
use std::fmt::Write;

const PASSWD: &str = "/etc/passwd";
const GROUP: &str = "/etc/group";
const SHADOW: &str = "/etc/shadow";
const GSHADOW: &str = "/etc/gshadow";

const MINIMAL_PASSWD: &str = "root:*:0:0:root:/root:/bin/sh\n\
    nobody:*:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
const MINIMAL_GROUP: &str = "root:*:0:\nnogroup:*:65534:\n";

/// Writes the four files, unless a package ships them.
pub(super) fn write_base(draft: &mut Draft<'_>) -> Result<(), RootfsError> {
    if draft.finds(&constant(PASSWD)) || draft.finds(&constant(GROUP)) {
        return Ok(());
    }
    let master = |draft: &Draft<'_>, name: &str, other: &str| {
        let master = draft.read(&constant(&format!("/usr/share/base-passwd/{name}.master")))?;
        Ok::<_, RootfsError>(match master {
            Some(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            None => other.to_owned(),
        })
    };
    let (passwd, shadow) = shadowed(&master(draft, "passwd", MINIMAL_PASSWD)?, "::0:99999:7:::");
    let (group, gshadow) = shadowed(&master(draft, "group", MINIMAL_GROUP)?, "::");
    store(draft, [&passwd, &group, &shadow, &gshadow])
}

/// Moves the password field of each line into a shadow file, where it says that no password fits.
///
/// The day of the last change stays empty: it would be a clock's.
fn shadowed(lines: &str, rest: &str) -> (String, String) {
    let (mut open, mut shadow) = (String::new(), String::new());
    for line in lines.lines().filter(|line| !line.is_empty()) {
        let mut fields = line.splitn(3, ':');
        let name = fields.next().unwrap_or_default();
        let others = fields.nth(1).unwrap_or_default();
        let _ = writeln!(open, "{name}:x:{others}");
        let _ = writeln!(shadow, "{name}:*{rest}");
    }
    (open, shadow)
}

/// Adds what the recipe declares to what the tree holds by now.
pub(super) fn declare(
    draft: &mut Draft<'_>,
    users: &[User],
    groups: &[Group],
) -> Result<(), RootfsError> {
    if users.is_empty() && groups.is_empty() {
        return Ok(());
    }
    write_base(draft)?;
    let mut files = Vec::new();
    for path in [PASSWD, GROUP, SHADOW, GSHADOW] {
        let bytes = draft.read(&constant(path))?.unwrap_or_default();
        let mut text = String::from_utf8_lossy(&bytes).into_owned();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        files.push(text);
    }
    let [passwd, group, shadow, gshadow] = &mut files[..] else {
        unreachable!("four paths give four texts")
    };
    let mut add_group = |name: &str, gid: u32| -> Result<(), RootfsError> {
        field("group", name)?;
        match line_of(group, name) {
            Some(line) if number(line) == gid.to_string() => {}
            Some(line) => return Err(taken("group", name, gid, number(line), GROUP)),
            None => {
                let _ = writeln!(group, "{name}:x:{gid}:");
                let _ = writeln!(gshadow, "{name}:*::");
            }
        }
        Ok(())
    };
    for declared in groups {
        add_group(&declared.name, declared.gid)?;
    }
    for user in users {
        field("user", &user.name)?;
        for value in [&user.comment, &user.home, &user.shell] {
            field("account field", value)?;
        }
        match line_of(passwd, &user.name) {
            Some(line) if number(line) == user.uid.to_string() => continue,
            Some(line) => return Err(taken("user", &user.name, user.uid, number(line), PASSWD)),
            None => {}
        }
        let User { name, uid, gid, home, shell, comment, .. } = user;
        let _ = writeln!(passwd, "{name}:x:{uid}:{gid}:{comment}:{home}:{shell}");
        let _ = writeln!(shadow, "{name}:*::0:99999:7:::");
    }
    // A main group that nobody has declared gets the user's name.
    for user in users {
        let gid = user.gid.to_string();
        if !group.lines().any(|line| number(line) == gid) {
            match line_of(group, &user.name) {
                Some(line) => {
                    return Err(taken("group", &user.name, user.gid, number(line), GROUP));
                }
                None => {
                    let _ = writeln!(group, "{}:x:{gid}:", user.name);
                    let _ = writeln!(gshadow, "{}:*::", user.name);
                }
            }
        }
        for name in &user.groups {
            if !join(group, name, &user.name) {
                let (user, group) = (user.name.clone(), name.clone());
                return Err(RootfsError::NoGroup { user, group });
            }
            // A tree on top may have brought groups without a shadow file.
            let _ = join(gshadow, name, &user.name);
        }
    }
    let files = [&files[0], &files[1], &files[2], &files[3]].map(String::as_str);
    store(draft, files)
}

/// The lines of what the recipe declares, by file below `/etc`: for those who add them earlier.
pub(super) fn lines(
    users: &[User],
    groups: &[Group],
) -> Result<[(&'static str, String); 4], RootfsError> {
    let [mut passwd, mut group, mut shadow, mut gshadow] = [const { String::new() }; 4];
    let mut add_group = |name: &str, gid: u32| -> Result<(), RootfsError> {
        field("group", name)?;
        if line_of(&group, name).is_none() {
            let _ = writeln!(group, "{name}:x:{gid}:");
            let _ = writeln!(gshadow, "{name}:*::");
        }
        Ok(())
    };
    for declared in groups {
        add_group(&declared.name, declared.gid)?;
    }
    for User { name, uid, gid, home, shell, comment, .. } in users {
        for value in [name, comment, home, shell] {
            field("account field", value)?;
        }
        if !groups.iter().any(|group| group.gid == *gid) && uid == gid {
            add_group(name, *gid)?;
        }
        let _ = writeln!(passwd, "{name}:x:{uid}:{gid}:{comment}:{home}:{shell}");
        let _ = writeln!(shadow, "{name}:*::0:99999:7:::");
    }
    Ok([("passwd", passwd), ("group", group), ("shadow", shadow), ("gshadow", gshadow)])
}

fn store(draft: &mut Draft<'_>, files: [&str; 4]) -> Result<(), RootfsError> {
    let shadow_gid = line_of(files[1], "shadow").and_then(|line| number(line).parse().ok());
    let hidden = Meta {
        mode: Mode::from_bits(if shadow_gid.is_some() { 0o640 } else { 0o600 }),
        uid: 0,
        gid: shadow_gid.unwrap_or(0),
        xattrs: Xattrs::none(),
    };
    let metas = [Meta::root_owned(0o644), Meta::root_owned(0o644), hidden.clone(), hidden];
    for ((path, text), meta) in [PASSWD, GROUP, SHADOW, GSHADOW].iter().zip(files).zip(metas) {
        draft.put_state_at(&constant(path), text.as_bytes(), meta)?;
    }
    Ok(())
}

fn line_of<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find(|line| line.split(':').next() == Some(name))
}

/// The third field: the number of a user or group.
fn number(line: &str) -> &str {
    line.split(':').nth(2).unwrap_or_default()
}

/// Adds `user` to the last field of the line of `group`; `false` if there is no such line.
fn join(text: &mut String, group: &str, user: &str) -> bool {
    let mut found = false;
    let lines = text.lines().map(|line| {
        if line.split(':').next() != Some(group) {
            return format!("{line}\n");
        }
        found = true;
        let members = line.rsplit(':').next().unwrap_or_default();
        if members.split(',').any(|member| member == user) {
            return format!("{line}\n");
        }
        let comma = if members.is_empty() { "" } else { "," };
        format!("{line}{comma}{user}\n")
    });
    let joined: String = lines.collect();
    *text = joined;
    found
}

fn taken(
    what: &'static str,
    name: &str,
    wanted: u32,
    found: &str,
    file: &'static str,
) -> RootfsError {
    RootfsError::Account { what, name: name.to_owned(), wanted, found: found.to_owned(), file }
}

fn field(what: &'static str, value: &str) -> Result<(), RootfsError> {
    match value.contains([':', '\n']) {
        true => Err(RootfsError::AccountField { what, value: value.to_owned() }),
        false => Ok(()),
    }
}
