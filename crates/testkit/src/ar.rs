//! The `ar` archive of a `.deb` (deb(5)).

/// Writes an `ar` archive of the named members, root-owned, mode 0644, time 0.
pub fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, content) in members {
        assert!(name.len() <= 16, "the name {name} is too long for a header of `ar`");
        let (size, owner, mode) = (content.len(), 0, "100644");
        let header = format!("{name:<16}{:<12}{owner:<6}{owner:<6}{mode:<8}{size:<10}`\n", 0);
        assert_eq!(header.len(), 60);
        archive.extend(header.as_bytes());
        archive.extend(*content);
        if size % 2 == 1 {
            archive.push(b'\n');
        }
    }
    archive
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_start_at_even_offsets() {
        let archive = ar(&[("a", b"1"), ("b", b"22")]);
        assert_eq!(archive.len(), 8 + 60 + 2 + 60 + 2);
        assert_eq!(&archive[8..10], b"a ");
        assert_eq!(&archive[70..72], b"b ");
    }
}
