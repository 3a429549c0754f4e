//! Names, texts and bytes of binaries as they are told.

/// Longer texts are cut in the middle of what is told.
const LONGEST: usize = 200;

/// A name, whatever bytes it is of.
pub(crate) fn name(bytes: &[u8]) -> String {
    cut(&String::from_utf8_lossy(bytes))
}

/// A text in quotes, with control characters escaped.
pub(crate) fn quoted(bytes: &[u8]) -> String {
    cut(&format!("{:?}", String::from_utf8_lossy(bytes)))
}

/// Bytes in hexadecimal: `02 0a`.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let shown = bytes.iter().take(16).map(|byte| format!("{byte:02x}"));
    let mut text = shown.collect::<Vec<_>>().join(" ");
    if bytes.len() > 16 {
        text += &format!(" … ({} bytes)", bytes.len());
    }
    text
}

/// `1 byte`, `2 bytes`.
pub(crate) fn count(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

fn cut(text: &str) -> String {
    let length = text.chars().count();
    if length <= LONGEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST / 2).collect();
    let end: String = text.chars().skip(length - LONGEST / 2).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_and_control_characters_shown() {
        assert_eq!(quoted(b"a\nb\xff"), "\"a\\nb\u{fffd}\"");
        assert_eq!(quoted(&[b'x'; 1000]).chars().count(), LONGEST + 1);
        assert_eq!(hex(&[2, 10]), "02 0a");
        assert!(hex(&[0; 99]).ends_with("(99 bytes)"));
        assert_eq!((count(1, "byte"), count(2, "byte")), ("1 byte".into(), "2 bytes".into()));
    }
}
