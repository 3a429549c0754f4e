//! The table of DWARF that says which attributes entries have.
//!
//! Source: DWARF 5, section 7.5.3.

use super::dwarf::{leb, signed_leb};
use std::{collections::HashMap, rc::Rc};

/// How often the section may be read in all: units share tables, hostile ones overlap them.
const TIMES: usize = 4;

/// All tables of a file.
pub(super) struct Tables<'a> {
    section: &'a [u8],
    known: HashMap<usize, Rc<Table>>,
    left: usize,
}

/// Entries by their code.
#[derive(Debug, Default)]
pub(super) struct Table(HashMap<u64, Abbreviation>);

/// What entries with a code have.
#[derive(Debug)]
pub(super) struct Abbreviation {
    pub(super) tag: u64,
    pub(super) has_children: bool,
    pub(super) attributes: Vec<Attribute>,
}

#[derive(Debug)]
pub(super) struct Attribute {
    pub(super) name: u64,
    pub(super) form: u64,
    /// The value, if it stands here.
    pub(super) constant: i64,
}

impl<'a> Tables<'a> {
    pub(super) fn of(section: &'a [u8]) -> Self {
        let left = section.len().saturating_mul(TIMES);
        Self { section, known: HashMap::new(), left }
    }

    /// The table at an offset.
    pub(super) fn at(&mut self, offset: usize) -> Option<Rc<Table>> {
        if let Some(known) = self.known.get(&offset) {
            return Some(known.clone());
        }
        let rest = self.section.get(offset..)?;
        let (table, length) = Table::read(rest.get(..rest.len().min(self.left))?)?;
        self.left = self.left.saturating_sub(length);
        let table = Rc::new(table);
        self.known.insert(offset, table.clone());
        Some(table)
    }
}

impl Table {
    pub(super) fn get(&self, code: u64) -> Option<&Abbreviation> {
        self.0.get(&code)
    }

    fn read(bytes: &[u8]) -> Option<(Self, usize)> {
        let (mut table, mut at) = (Self::default(), 0);
        let number = |at: &mut usize| {
            let (value, length) = leb(bytes.get(*at..)?)?;
            *at += length;
            Some(value)
        };
        loop {
            let code = number(&mut at)?;
            if code == 0 {
                return Some((table, at));
            }
            let tag = number(&mut at)?;
            let has_children = *bytes.get(at)? != 0;
            at += 1;
            let mut attributes = Vec::new();
            loop {
                let (name, form) = (number(&mut at)?, number(&mut at)?);
                if (name, form) == (0, 0) {
                    break;
                }
                let mut constant = 0;
                if form == 0x21 {
                    constant = signed_leb(bytes.get(at..)?)?;
                    number(&mut at)?;
                }
                attributes.push(Attribute { name, form, constant });
            }
            table.0.insert(code, Abbreviation { tag, has_children, attributes });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_read_and_a_cut_one_is_none() {
        let bytes = [1, 0x34, 0, 0x03, 0x08, 0x1c, 0x21, 0x7f, 0, 0, 0];
        let (table, length) = Table::read(&bytes).unwrap();
        assert_eq!(length, bytes.len());
        let entry = table.get(1).unwrap();
        assert_eq!((entry.tag, entry.has_children, entry.attributes.len()), (0x34, false, 2));
        assert_eq!(entry.attributes[1].constant, -1);
        for length in 0..bytes.len() {
            assert!(Table::read(&bytes[..length]).is_none(), "{length}");
        }
    }

    #[test]
    fn numbers_of_variable_length_have_an_end() {
        assert_eq!(leb(&[0xe5, 0x8e, 0x26]), Some((624_485, 3)));
        assert_eq!(signed_leb(&[0x80, 0x7f]), Some(-128));
        assert_eq!(leb(&[0x80; 20]), None);
        assert_eq!(leb(&[]), None);
    }
}
