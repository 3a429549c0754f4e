//! As much of X.509 as names a certificate: RFC 5280, section 4.1; DER as in X.690.

/// Who a certificate is of, and how long it is valid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Certificate {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) from: String,
    pub(super) until: String,
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT: u8 = 0x06;
/// `[0] EXPLICIT`: the version.
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;

/// Attributes that are told, by the end of their object identifier (2.5.4.x).
const NAMES: &[(&[u8], &str)] = &[
    (&[0x55, 4, 3], "CN"),
    (&[0x55, 4, 6], "C"),
    (&[0x55, 4, 7], "L"),
    (&[0x55, 4, 8], "ST"),
    (&[0x55, 4, 10], "O"),
    (&[0x55, 4, 11], "OU"),
    (&[0x55, 4, 5], "serialNumber"),
];

/// Reads values one after another.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// The tag and the content of the next value.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (tag, first) = (*self.0.first()?, usize::from(*self.0.get(1)?));
        let (length, head) = match first {
            0..=0x7f => (first, 2),
            0x81..=0x84 => {
                let count = first - 0x80;
                let bytes = self.0.get(2..2 + count)?;
                (bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)), 2 + count)
            }
            _ => return None,
        };
        let content = self.0.get(head..head.checked_add(length)?)?;
        self.0 = &self.0[head + length..];
        Some((tag, content))
    }

    fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|value| value.0 == tag).map(|value| value.1)
    }
}

impl Certificate {
    /// Reads a certificate; nothing if it is none.
    pub(super) fn read(bytes: &[u8]) -> Option<Self> {
        let whole = Reader(bytes).expect(SEQUENCE)?;
        let mut signed = Reader(Reader(whole).expect(SEQUENCE)?);
        if signed.0.first() == Some(&VERSION) {
            signed.next()?;
        }
        let (_serial, _algorithm) = (signed.next()?, signed.next()?);
        let issuer = name(signed.expect(SEQUENCE)?)?;
        let mut validity = Reader(signed.expect(SEQUENCE)?);
        let (from, until) = (time(validity.next()?)?, time(validity.next()?)?);
        let subject = name(signed.expect(SEQUENCE)?)?;
        Some(Self { subject, issuer, from, until })
    }
}

/// `CN=x, O=y`, in the order in which it is written.
fn name(bytes: &[u8]) -> Option<String> {
    let mut sets = Reader(bytes);
    let mut parts = Vec::new();
    while !sets.0.is_empty() {
        let mut attributes = Reader(sets.expect(SET)?);
        while !attributes.0.is_empty() {
            let mut attribute = Reader(attributes.expect(SEQUENCE)?);
            let kind = attribute.expect(OBJECT)?;
            let (tag, value) = attribute.next()?;
            // BMPString has two bytes for a character.
            let text = match tag {
                0x1e => value.chunks_exact(2).map(|pair| char::from(pair[1])).collect(),
                _ => String::from_utf8_lossy(value).into_owned(),
            };
            if let Some((_, key)) = NAMES.iter().find(|name| name.0 == kind) {
                parts.push(format!("{key}={text}"));
            }
        }
    }
    Some(if parts.is_empty() { "without a name".to_owned() } else { parts.join(", ") })
}

/// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ`, as a date.
fn time((tag, value): (u8, &[u8])) -> Option<String> {
    let text = std::str::from_utf8(value).ok().filter(|text| text.is_ascii())?;
    let full = match (tag, text.get(..2)?) {
        (UTC_TIME, year) if year >= "50" => format!("19{text}"),
        (UTC_TIME, _) => format!("20{text}"),
        _ => text.to_owned(),
    };
    Some(format!("{}-{}-{}", full.get(..4)?, full.get(4..6)?, full.get(6..8)?))
}
