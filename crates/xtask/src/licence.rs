//! Licence expressions (SPDX, annex D, and the older form with a slash) against an allow list.

/// Licences that may stand in what we link: permissive ones only. `deny.toml` has the same list.
pub(crate) const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
    "bzip2-1.0.6",
];

/// Whether an expression can be met with allowed licences alone; a malformed one cannot.
pub(crate) fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let mut words = Words(spaced.split_whitespace().collect());
    words.0.reverse();
    words.either() == Some(true) && words.0.is_empty()
}

/// The words of an expression that are not read yet, the next one last.
struct Words<'e>(Vec<&'e str>);

impl Words<'_> {
    fn take(&mut self, word: &str) -> bool {
        let found = self.0.last() == Some(&word);
        if found {
            self.0.pop();
        }
        found
    }

    /// `a OR b`.
    fn either(&mut self) -> Option<bool> {
        let mut allowed = self.both()?;
        while self.take("OR") {
            allowed |= self.both()?;
        }
        Some(allowed)
    }

    /// `a AND b`, which binds closer.
    fn both(&mut self) -> Option<bool> {
        let mut allowed = self.one()?;
        while self.take("AND") {
            allowed &= self.one()?;
        }
        Some(allowed)
    }

    fn one(&mut self) -> Option<bool> {
        if self.take("(") {
            let allowed = self.either()?;
            return self.take(")").then_some(allowed);
        }
        let mut name = self.0.pop()?.to_owned();
        if self.take("WITH") {
            name = format!("{name} WITH {}", self.0.pop()?);
        }
        Some(ALLOWED.contains(&name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_read_by_their_operators() {
        assert!(is_allowed("MIT OR GPL-3.0-only"));
        assert!(is_allowed("MIT/Apache-2.0"));
        assert!(is_allowed("ISC AND (GPL-2.0-only OR ISC)"));
        assert!(is_allowed("GPL-3.0-only OR Apache-2.0 WITH LLVM-exception"));
        assert!(!is_allowed("MIT AND GPL-3.0-only"));
        assert!(!is_allowed("MIT AND GPL-3.0-only OR LGPL-2.1-only"));
        assert!(!is_allowed("(MIT"));
        assert!(!is_allowed("MIT MIT"));
        assert!(!is_allowed(""));
    }
}
