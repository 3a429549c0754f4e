//! Headers of rpm, as its databases keep them: counts of entries and of bytes, big-endian; entries of
//! tag, type, offset and count; then the bytes (rpm documentation, "Package format", Header).

const NAME: u32 = 1000;
const VERSION: u32 = 1001;
const RELEASE: u32 = 1002;
const EPOCH: u32 = 1003;
const ARCH: u32 = 1022;
const SOURCE: u32 = 1044;
const DIGESTS: u32 = 1035;
const INDEXES: u32 = 1116;
const BASENAMES: u32 = 1117;
const FOLDERS: u32 = 1118;

/// Entries of one header, and items of one entry.
const MOST: usize = 1 << 20;

/// A header whose entries are in bounds.
pub(super) struct Header<'a> {
    entries: Vec<(u32, u32, usize, usize)>,
    store: &'a [u8],
}

fn word(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_be_bytes(four.try_into().ok()?)).ok()
}

impl<'a> Header<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (count, size) = (word(bytes, 0)?, word(bytes, 4)?);
        if count > MOST.min(bytes.len() / 16) {
            return None;
        }
        let start = 8 + count * 16;
        let store = bytes.get(start..start.checked_add(size)?)?;
        let mut entries = Vec::with_capacity(count);
        for at in 0..count {
            let at = 8 + at * 16;
            let (tag, kind) = (word(bytes, at)?, word(bytes, at + 4)?);
            let (offset, count) = (word(bytes, at + 8)?, word(bytes, at + 12)?);
            entries.push((u32::try_from(tag).ok()?, u32::try_from(kind).ok()?, offset, count));
        }
        Some(Self { entries, store })
    }

    fn entry(&self, tag: u32) -> Option<(&'a [u8], usize)> {
        let (_, _, offset, count) = self.entries.iter().find(|entry| entry.0 == tag)?;
        Some((self.store.get(*offset..)?, (*count).min(MOST)))
    }

    fn texts(&self, tag: u32) -> Vec<String> {
        let Some((bytes, count)) = self.entry(tag) else { return Vec::new() };
        let parts = bytes.split(|byte| *byte == 0).take(count);
        parts.map(|text| String::from_utf8_lossy(text).into_owned()).collect()
    }

    fn text(&self, tag: u32) -> String {
        self.texts(tag).into_iter().next().unwrap_or_default()
    }

    fn numbers(&self, tag: u32) -> Vec<usize> {
        let Some((bytes, count)) = self.entry(tag) else { return Vec::new() };
        (0..count).map_while(|at| word(bytes, at * 4)).collect()
    }

    /// The package; nothing for a header that names none.
    pub(super) fn package(&self) -> Option<super::Package> {
        let name = self.text(NAME);
        // Keys are kept as packages and are none.
        if name.is_empty() || name == "gpg-pubkey" {
            return None;
        }
        let epoch = self.numbers(EPOCH).first().map_or(String::new(), |epoch| format!("{epoch}:"));
        let source = self.text(SOURCE);
        // NAME-VERSION-RELEASE.src.rpm
        let source = source.rsplitn(3, '-').nth(2).unwrap_or(&name).to_owned();
        Some(super::Package {
            version: format!("{epoch}{}-{}", self.text(VERSION), self.text(RELEASE)),
            architecture: self.text(ARCH),
            state: String::new(),
            source,
            name,
        })
    }

    /// Its files and their digests in hexadecimal.
    pub(super) fn files(&self) -> Vec<(String, String)> {
        let (folders, digests) = (self.texts(FOLDERS), self.texts(DIGESTS));
        let indexes = self.numbers(INDEXES);
        let names = self.texts(BASENAMES).into_iter().enumerate();
        let join = |(at, name): (usize, String)| {
            let folder = indexes.get(at).and_then(|index| folders.get(*index))?;
            Some((format!("{folder}{name}"), digests.get(at).cloned().unwrap_or_default()))
        };
        names.filter_map(join).collect()
    }
}
