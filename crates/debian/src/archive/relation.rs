//! Relation fields (`Depends` and its kin): `a (>= 1) | b:any [amd64] <!nocheck>, c` (Policy 7.1).
//!
//! The parser copies nothing and allocates nothing: names and versions are slices of the field.

use super::version;
use std::{cmp::Ordering, fmt};

/// How a version must stand to the named one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<<`
    Earlier,
    /// `<=`
    EarlierEqual,
    /// `=`
    Equal,
    /// `>=`
    LaterEqual,
    /// `>>`
    Later,
}

/// One alternative of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Relation<'a> {
    /// The package, real or virtual.
    pub name: &'a str,
    /// What stands after a colon: `any`, `native` or an architecture.
    pub qualifier: Option<&'a str>,
    /// The constraint on the version.
    pub version: Option<(Operator, &'a str)>,
    /// The words in `[…]` (source fields only): architectures, each maybe after `!`.
    pub architectures: Option<&'a str>,
    /// What stands from the first `<` to the last `>` (source fields only): build profiles.
    pub profiles: Option<&'a str>,
    /// Whether the next relation is another choice for the same need (`|` follows).
    pub or: bool,
}

/// Why a relation field cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{relation}`: expected {expected}")]
pub struct RelationError {
    /// The relation, up to the next comma.
    pub relation: String,
    /// What should stand there.
    pub expected: &'static str,
}

/// The relations of a field, in order.
#[derive(Debug, Clone)]
pub struct Relations<'a> {
    rest: &'a str,
}

/// Reads a relation field.
pub fn relations(field: &str) -> Relations<'_> {
    Relations { rest: field.trim_ascii() }
}

impl Operator {
    /// Whether `version` stands so to `to`.
    pub fn holds(self, version: &str, to: &str) -> bool {
        let order = version::compare(version, to);
        match self {
            Self::Earlier => order == Ordering::Less,
            Self::EarlierEqual => order != Ordering::Greater,
            Self::Equal => order == Ordering::Equal,
            Self::LaterEqual => order != Ordering::Less,
            Self::Later => order == Ordering::Greater,
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Earlier => "<<",
            Self::EarlierEqual => "<=",
            Self::Equal => "=",
            Self::LaterEqual => ">=",
            Self::Later => ">>",
        })
    }
}

impl<'a> Relation<'a> {
    /// Whether the architecture list (if any) takes in `arch`.
    pub fn applies_to(&self, arch: &str) -> bool {
        let Some(words) = self.architectures else { return true };
        let matches = |word: &str| word == arch || word == "any" || word == "linux-any";
        let mut words = words.split_ascii_whitespace().peekable();
        match words.peek().is_some_and(|word| word.starts_with('!')) {
            true => !words.any(|word| matches(word.trim_start_matches('!'))),
            false => words.any(matches),
        }
    }

    fn parse(text: &'a str, or: bool) -> Result<Self, RelationError> {
        let fail = |expected| RelationError { relation: text.to_owned(), expected };
        let end = text.find(|c: char| c.is_ascii_whitespace() || "([<".contains(c));
        let (name, mut rest) = text.split_at(end.unwrap_or(text.len()));
        let (name, qualifier) = match name.split_once(':') {
            Some((name, qualifier)) if !qualifier.is_empty() => (name, Some(qualifier)),
            Some(_) => return Err(fail("an architecture after the colon")),
            None => (name, None),
        };
        if name.is_empty() || !name.bytes().all(is_name_byte) {
            return Err(fail("a package name (letters, digits, `+`, `-`, `.`)"));
        }
        let mut relation =
            Self { name, qualifier, version: None, architectures: None, profiles: None, or };
        rest = rest.trim_ascii();
        if let Some(inside) = rest.strip_prefix('(') {
            let (inside, after) = inside.split_once(')').ok_or_else(|| fail("a closing `)`"))?;
            relation.version = Some(constraint(inside.trim_ascii()).ok_or_else(|| {
                fail("one of << <= = >= >> and a version between the parentheses")
            })?);
            rest = after.trim_ascii();
        }
        if let Some(inside) = rest.strip_prefix('[') {
            let (inside, after) = inside.split_once(']').ok_or_else(|| fail("a closing `]`"))?;
            relation.architectures = Some(inside.trim_ascii());
            rest = after.trim_ascii();
        }
        if rest.starts_with('<') && rest.ends_with('>') {
            relation.profiles = Some(rest);
            rest = "";
        }
        match rest.is_empty() {
            true => Ok(relation),
            false => Err(fail("a comma, `|` or the end")),
        }
    }
}

impl fmt::Display for Relation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)?;
        if let Some(qualifier) = self.qualifier {
            write!(f, ":{qualifier}")?;
        }
        match self.version {
            Some((operator, version)) => write!(f, " ({operator} {version})"),
            None => Ok(()),
        }
    }
}

impl<'a> Iterator for Relations<'a> {
    type Item = Result<Relation<'a>, RelationError>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(rest) = self.rest.strip_prefix(',') {
            self.rest = rest.trim_ascii_start();
        }
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.find([',', '|']).unwrap_or(self.rest.len());
        let (text, after) = self.rest.split_at(end);
        let or = after.starts_with('|');
        self.rest = after.get(1..).unwrap_or("").trim_ascii_start();
        let relation = Relation::parse(text.trim_ascii(), or);
        if relation.is_err() {
            self.rest = "";
        }
        Some(relation)
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-._".contains(&byte)
}

/// `>= 1.2`; the single `<` and `>` of old mean `<=` and `>=`.
fn constraint(text: &str) -> Option<(Operator, &str)> {
    let end = text.find(|c| !"<>=".contains(c))?;
    let operator = match &text[..end] {
        "<<" => Operator::Earlier,
        "<=" | "<" => Operator::EarlierEqual,
        "=" | "" => Operator::Equal,
        ">=" | ">" => Operator::LaterEqual,
        ">>" => Operator::Later,
        _ => return None,
    };
    let version = text[end..].trim_ascii();
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".+-~:".contains(&byte);
    (!version.is_empty() && version.bytes().all(allowed)).then_some((operator, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_a_relation_is_read() {
        let field = "a (>= 1:2~3) | b:any,\n c(<<4)[!arm64 !i386] <!nocheck> <cross>, d [amd64],";
        let read: Vec<_> = relations(field).collect::<Result<_, _>>().unwrap();
        assert_eq!(read[0].version, Some((Operator::LaterEqual, "1:2~3")));
        assert!(read[0].or && !read[1].or);
        assert_eq!((read[1].name, read[1].qualifier), ("b", Some("any")));
        assert_eq!(read[2].version, Some((Operator::Earlier, "4")));
        assert_eq!(read[2].profiles, Some("<!nocheck> <cross>"));
        assert!(read[2].applies_to("amd64") && !read[2].applies_to("arm64"));
        assert!(read[3].applies_to("amd64") && !read[3].applies_to("arm64"));
        assert_eq!(read.len(), 4);
        assert_eq!(read[0].to_string(), "a (>= 1:2~3)");
    }

    #[test]
    fn malformed_relations_say_what_was_expected() {
        for (field, expected) in [
            ("a (>= 1", "a closing `)`"),
            ("a (!! 1)", "one of << <= = >= >> and a version between the parentheses"),
            ("a (>= )", "one of << <= = >= >> and a version between the parentheses"),
            ("a b", "a comma, `|` or the end"),
            ("a: (= 1)", "an architecture after the colon"),
            ("ä", "a package name (letters, digits, `+`, `-`, `.`)"),
        ] {
            let error = relations(field).next().unwrap().unwrap_err();
            assert_eq!(error.expected, expected, "{field}");
        }
    }

    #[test]
    fn operators_hold_as_their_signs_say() {
        assert!(Operator::Earlier.holds("1~", "1") && !Operator::Earlier.holds("1", "1"));
        assert!(Operator::EarlierEqual.holds("1", "1") && Operator::Equal.holds("0:1", "1"));
        assert!(Operator::LaterEqual.holds("2", "1") && !Operator::Later.holds("1", "1"));
    }
}
