//! The records of PAX headers: `LENGTH KEY=VALUE\n`.

/// Records in their order; of equal keys the last holds.
#[derive(Default)]
pub(super) struct Records(Vec<(Vec<u8>, Vec<u8>)>);

impl Records {
    /// Adds what an extended header says.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> Result<(), String> {
        while !bytes.is_empty() {
            // Some writers fill up with zeros.
            if bytes.iter().all(|byte| *byte == 0) {
                break;
            }
            let (key, value, rest) = record(bytes).ok_or("a PAX record is malformed")?;
            self.0.push((key.to_vec(), value.to_vec()));
            bytes = rest;
        }
        Ok(())
    }

    /// Puts those of the whole archive before its own.
    pub(super) fn below(&mut self, global: &Self) {
        if !global.0.is_empty() {
            self.0.splice(0..0, global.0.iter().cloned());
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(key, value)| (&key[..], &value[..]))
    }

    /// The last value of a key; an empty one takes back an earlier.
    pub(super) fn get(&self, key: &str) -> Option<&[u8]> {
        let found = self.0.iter().rev().find(|(own, _)| own == key.as_bytes());
        found.map(|(_, value)| &value[..]).filter(|value| !value.is_empty())
    }

    pub(super) fn number(&self, key: &str) -> Result<Option<u64>, String> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let number = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
        number.map(Some).ok_or_else(|| format!("the PAX record `{key}` is no number"))
    }

    /// Whole seconds; what is behind the point is rounded down.
    pub(super) fn mtime(&self) -> Option<i64> {
        let text = std::str::from_utf8(self.get("mtime")?).ok()?;
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let seconds: i64 = whole.parse().ok()?;
        let below = whole.starts_with('-') && fraction.bytes().any(|digit| digit != b'0');
        seconds.checked_sub(i64::from(below))
    }

    /// Extended attributes, and ACLs as the text that they are.
    pub(super) fn xattrs(&self) -> Vec<(Vec<u8>, Vec<u8>)> {
        let named = self.0.iter().filter_map(|(key, value)| {
            let name = match key.strip_prefix(b"SCHILY.xattr.") {
                Some(name) => name.to_vec(),
                None if key == b"RHT.security.selinux" => b"security.selinux".to_vec(),
                None => [b"tar.acl.", key.strip_prefix(b"SCHILY.acl.")?].concat(),
            };
            Some((name, value.clone()))
        });
        let unique: std::collections::BTreeMap<_, _> = named.collect();
        unique.into_iter().collect()
    }
}

fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(bytes.get(..space)?).ok()?.parse().ok()?;
    let body = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    Some((body.get(..equals)?, body.get(equals + 1..)?, bytes.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_record_holds_and_lengths_are_checked() {
        let mut records = Records::default();
        records
            .read(b"9 a=1234\n9 a=5678\n17 mtime=-1.5000\n27 SCHILY.xattr.user.k=a\nb\n")
            .unwrap();
        assert_eq!(records.get("a"), Some(&b"5678"[..]));
        assert_eq!(records.mtime(), Some(-2));
        assert_eq!(records.xattrs(), [(b"user.k".to_vec(), b"a\nb".to_vec())]);
        for bad in [&b"5 a=1\n"[..], b"99 a=1\n", b"a=1\n", b"6 a=12", b"4 a\n", b"0 a=1\n"] {
            assert!(Records::default().read(bad).is_err(), "{}", bad.escape_ascii());
        }
    }
}
