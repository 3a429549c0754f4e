//! Cutting an input into parts.

/// An input that is taken apart from the front; where it ends, the parts are empty.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    /// The first byte, which chooses a variant, and the rest.
    pub(crate) fn split(data: &'a [u8]) -> (u8, &'a [u8]) {
        data.split_first().map_or((0, data), |(first, rest)| (*first, rest))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let (first, rest) = Self::split(self.0);
        self.0 = rest;
        first
    }

    pub(crate) fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A part with its length (two bytes, little-endian) before it.
    pub(crate) fn part(&mut self) -> &'a [u8] {
        let length = usize::from(self.byte()) | usize::from(self.byte()) << 8;
        self.take(length)
    }
}

/// The parts of a text that start with lines `=== NAME`: names and contents.
pub(crate) fn sections(data: &[u8]) -> Vec<(&str, &[u8])> {
    const MARK: &[u8] = b"=== ";
    let mut found: Vec<(&str, &[u8])> = Vec::new();
    let (mut at, mut open) = (0, None);
    for line in data.split_inclusive(|byte| *byte == b'\n') {
        if let Some(name) = line.strip_prefix(MARK) {
            if let Some((name, start)) = open.take() {
                found.push((name, &data[start..at]));
            }
            let name = std::str::from_utf8(name.trim_ascii()).unwrap_or("");
            open = Some((name, at + line.len()));
        }
        at += line.len();
    }
    found.extend(open.map(|(name, start)| (name, &data[start..])));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_have_names_and_the_bytes_between() {
        let found = sections(b"talk\n=== a\n1\n2\n=== b/c\n\xff");
        assert_eq!(found, [("a", &b"1\n2\n"[..]), ("b/c", b"\xff")]);
        assert!(sections(b"").is_empty());
    }
}
