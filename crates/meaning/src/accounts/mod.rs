//! Users and groups: passwd(5), group(5), shadow(5), gshadow(5), subuid(5). No password hash is ever
//! told.

mod read;

pub(crate) use read::Base;

use crate::{
    Finding, Kind, Pair,
    root::{Files, Section},
    rows::{Order, compare},
};

/// Compares two versions of one of the files.
pub(crate) fn file(pair: &Pair<'_>, base: Base) -> Vec<Finding> {
    let read = |text: &[u8]| base.records(&String::from_utf8_lossy(text));
    compare(Kind::Account, &read(pair.before), &read(pair.after), Order::Free)
}

/// Compares the accounts of two roots.
pub(crate) fn section(before: &dyn Files, after: &dyn Files) -> Section {
    let mut section = Section::new("accounts");
    for (path, base) in Base::ALL {
        let (a, b) = (before.read(path), after.read(path));
        if a.is_none() && b.is_none() {
            continue;
        }
        let (a, b) = (a.unwrap_or_default(), b.unwrap_or_default());
        section.findings.extend(file(&Pair { path, before: &a, after: &b }, *base));
        section.explains.insert((*path).to_owned());
    }
    section
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(base: Base, before: &str, after: &str) -> Vec<Finding> {
        file(&Pair { path: "", before: before.as_bytes(), after: after.as_bytes() }, base)
    }

    #[test]
    fn a_shell_and_a_second_root_are_told() {
        let passwd = "root:x:0:0:root:/root:/bin/bash\n";
        let found = told(Base::Passwd, passwd, "root:x:0:0:root:/root:/usr/sbin/nologin\n");
        assert_eq!(found[0].what, "user root: shell");
        let found = told(Base::Passwd, passwd, &format!("{passwd}toor:x:0:0::/:/bin/sh\n"));
        assert_eq!(found[0].what, "user toor");
        assert!(found[0].note.as_ref().unwrap().contains("uid 0"));
    }

    #[test]
    fn hashes_are_never_told_and_empty_passwords_always() {
        let before = "root:$y$j9T$abc$def:19000:0:99999:7:::\nx:*:1::::::\n";
        let found = told(Base::Shadow, before, &before.replace("$def", "$xyz"));
        assert_eq!(found.len(), 1);
        assert!(!format!("{found:?}").contains("abc") && !format!("{found:?}").contains("xyz"));
        let found = told(Base::Shadow, before, &before.replace("x:*:", "x::"));
        assert_eq!(found[0].after.as_deref(), Some("empty: anyone can log in without a password"));
        let found = told(Base::Shadow, before, &before.replace("root:$y", "root:!$y"));
        assert_eq!(found[0].after.as_deref(), Some("locked, with a hash (yescrypt)"));
    }

    #[test]
    fn members_of_groups_are_a_set() {
        assert!(told(Base::Group, "a:x:1:b,c\n", "a:x:1:c,b\n").is_empty());
        let found = told(Base::Group, "sudo:x:27:\n", "sudo:x:27:eve\n");
        assert_eq!(
            (found[0].what.as_str(), found[0].after.as_deref()),
            ("group sudo: members", Some("eve"))
        );
    }

    #[test]
    fn lines_that_are_too_short_are_records_still() {
        assert_eq!(told(Base::Passwd, "", "broken\n").len(), 1);
    }
}
