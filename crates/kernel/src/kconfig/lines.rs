//! The lines of a file, with their numbers, and the text of `help` that is skipped among them.

/// What is not read yet of a file.
#[derive(Debug)]
pub(crate) struct Lines<'a> {
    rest: &'a str,
    /// The number of the line that was read last.
    pub(crate) number: usize,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(text: &'a str) -> Lines<'a> {
        Lines { rest: text, number: 0 }
    }

    /// The next line, without what ends it.
    pub(crate) fn next(&mut self) -> Option<&'a str> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
        self.rest = rest;
        self.number += 1;
        Some(line.strip_suffix('\r').unwrap_or(line))
    }

    /// Skips the text of a `help`: it goes as far as lines are indented at least as its first one.
    pub(crate) fn skip_help(&mut self) {
        let mut least = None;
        while let Some(line) = self.peek() {
            let width = indentation(line);
            let blank = line.trim_matches([' ', '\t', '\r']).is_empty();
            if !blank && (width == 0 || least.is_some_and(|least| width < least)) {
                return;
            }
            if !blank && least.is_none() {
                least = Some(width);
            }
            self.next();
        }
    }

    fn peek(&self) -> Option<&'a str> {
        let line = self.rest.split_once('\n').map_or(self.rest, |(line, _)| line);
        (!self.rest.is_empty()).then_some(line)
    }
}

/// The width of the blanks before a line, where a tab goes to the next multiple of eight.
fn indentation(line: &str) -> usize {
    let mut width = 0;
    for byte in line.bytes() {
        match byte {
            b'\t' => width = (width / 8 + 1) * 8,
            b' ' => width += 1,
            _ => break,
        }
    }
    width
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_help(text: &str) -> Option<(usize, &str)> {
        let mut lines = Lines::new(text);
        lines.skip_help();
        lines.next().map(|line| (lines.number, line))
    }

    #[test]
    fn help_ends_where_the_indentation_does() {
        assert_eq!(after_help("\t  one\n\n\t    two\nconfig A\n"), Some((4, "config A")));
        assert_eq!(after_help("\n          ten\n\tbool\n"), Some((3, "\tbool")));
        // The first line of help may be the least indented one; a tab is as wide as it looks.
        assert_eq!(after_help("   \tone\n        two\n  config A"), Some((3, "  config A")));
    }

    #[test]
    fn help_may_be_missing_or_last() {
        assert_eq!(after_help("config A\n"), Some((1, "config A")));
        assert_eq!(after_help("\n\n  only\n"), None);
        assert_eq!(after_help(""), None);
    }
}
