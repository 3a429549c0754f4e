//! Headers that speak of the next entry: GNU long names, and PAX records.

use super::{TarError, lossy};
use std::io::{self, Read};

/// Long names and PAX headers above this many bytes are refused.
const EXTENSION_MAX: u64 = 1 << 20;

/// What extension headers say about the next entry.
#[derive(Default)]
pub(super) struct Extensions {
    pub(super) path: Option<Vec<u8>>,
    pub(super) link: Option<Vec<u8>>,
    pub(super) uid: Option<u32>,
    pub(super) gid: Option<u32>,
    pub(super) size: Option<u64>,
    pub(super) xattrs: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The whole content of an extension header.
fn extension<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Vec<u8>, TarError> {
    let size = entry.header().entry_size().unwrap_or(u64::MAX);
    if size > EXTENSION_MAX {
        let kind = format!("extension headers of more than {EXTENSION_MAX} bytes");
        return Err(TarError::Unsupported { path: lossy(entry.header()), kind });
    }
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(TarError::Read)?;
    if bytes.len() as u64 != size {
        return Err(TarError::Read(io::ErrorKind::UnexpectedEof.into()));
    }
    Ok(bytes)
}

pub(super) fn long_name<R: Read>(entry: &mut tar::Entry<'_, R>) -> Result<Vec<u8>, TarError> {
    let mut name = extension(entry)?;
    if let Some(end) = name.iter().position(|byte| *byte == 0) {
        name.truncate(end);
    }
    Ok(name)
}

/// Reads the records `LENGTH KEY=VALUE\n` of a PAX header; a value may hold any byte.
pub(super) fn pax<R: Read>(
    entry: &mut tar::Entry<'_, R>,
    extensions: &mut Extensions,
) -> Result<(), TarError> {
    let records = extension(entry)?;
    let mut records = records.as_slice();
    let bad = |field| TarError::Header { path: "PAX header".to_owned(), field };
    while !records.is_empty() {
        let space = records.iter().position(|byte| *byte == b' ').ok_or_else(|| bad("length"))?;
        let length = number(&records[..space]).ok_or_else(|| bad("length"))? as usize;
        if length <= space + 1 || length > records.len() || records[length - 1] != b'\n' {
            return Err(bad("length"));
        }
        let record = &records[space + 1..length - 1];
        records = &records[length..];
        let equals = record.iter().position(|byte| *byte == b'=').ok_or_else(|| bad("record"))?;
        let (key, value) = (&record[..equals], &record[equals + 1..]);
        let id = || number(value).and_then(|id| u32::try_from(id).ok());
        match key {
            b"path" => extensions.path = Some(value.into()),
            b"linkpath" => extensions.link = Some(value.into()),
            b"uid" => extensions.uid = Some(id().ok_or_else(|| bad("uid"))?),
            b"gid" => extensions.gid = Some(id().ok_or_else(|| bad("gid"))?),
            b"size" => extensions.size = Some(number(value).ok_or_else(|| bad("size"))?),
            _ if key.starts_with(b"GNU.sparse.") => {
                let (path, kind) = ("PAX header".to_owned(), "sparse files".to_owned());
                return Err(TarError::Unsupported { path, kind });
            }
            _ => {
                if let Some(name) = key.strip_prefix(b"SCHILY.xattr.") {
                    extensions.xattrs.push((name.into(), value.into()));
                }
            }
        }
    }
    Ok(())
}

fn number(digits: &[u8]) -> Option<u64> {
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}
