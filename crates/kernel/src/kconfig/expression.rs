//! Expressions of Kconfig, and how they read.

use super::Type;
use crate::config::Tristate;
use std::fmt;

/// A condition or a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    /// A symbol or a constant.
    Operand(Operand),
    /// `A = B` and its like.
    Compare(Comparison, Operand, Operand),
    /// `!A`
    Not(Box<Expression>),
    /// `A && B && …`, at least two.
    And(Vec<Expression>),
    /// `A || B || …`, at least two.
    Or(Vec<Expression>),
}

/// What an expression is made of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operand {
    /// `y`, `m` or `n`, quoted or not.
    Constant(Tristate),
    /// A bare word: a symbol if one is defined by this name, else a text such as a number.
    Word(String),
    /// A quoted text.
    Text(String),
    /// A macro whose value only the toolchain knows, as it is written.
    Unknown(String),
}

/// How two operands are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `=`
    Equal,
    /// `!=`
    Unequal,
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `>`
    Greater,
    /// `>=`
    AtLeast,
}

impl Comparison {
    /// Whether it holds of two things that compare so.
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Comparison::Equal => ordering.is_eq(),
            Comparison::Unequal => ordering.is_ne(),
            Comparison::Less => ordering.is_lt(),
            Comparison::AtMost => ordering.is_le(),
            Comparison::Greater => ordering.is_gt(),
            Comparison::AtLeast => ordering.is_ge(),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::Unequal => "!=",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::Greater => ">",
            Comparison::AtLeast => ">=",
        }
    }
}

impl Operand {
    /// The operand that a word or a quoted text is.
    pub(crate) fn named(text: String, word: fn(String) -> Operand) -> Operand {
        match text.as_str() {
            "y" => Operand::Constant(Tristate::Yes),
            "m" => Operand::Constant(Tristate::Module),
            "n" => Operand::Constant(Tristate::No),
            _ => word(text),
        }
    }
}

impl Expression {
    /// The parts that all have to hold, where `!(A || B)` counts as `!A && !B`.
    pub fn conjuncts(&self) -> Vec<Expression> {
        let mut parts = Vec::new();
        self.split(&mut parts);
        parts
    }

    fn split(&self, parts: &mut Vec<Expression>) {
        match self {
            Expression::And(all) => all.iter().for_each(|part| part.split(parts)),
            Expression::Not(inner) => match &**inner {
                Expression::Not(twice) => twice.split(parts),
                Expression::Or(any) => {
                    any.iter().for_each(|part| Expression::Not(Box::new(part.clone())).split(parts))
                }
                _ => parts.push(self.clone()),
            },
            _ => parts.push(self.clone()),
        }
    }

    /// All operands, in their order, with repetitions.
    pub fn operands(&self) -> Vec<&Operand> {
        let mut found = Vec::new();
        self.collect(&mut found);
        found
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a Operand>) {
        match self {
            Expression::Operand(operand) => found.push(operand),
            Expression::Compare(_, left, right) => found.extend([left, right]),
            Expression::Not(inner) => inner.collect(found),
            Expression::And(parts) | Expression::Or(parts) => {
                parts.iter().for_each(|part| part.collect(found));
            }
        }
    }

    /// How it reads to people, with `CONFIG_` before symbols; `kind` says which words are symbols.
    pub fn shown(&self, kind: &dyn Fn(&str) -> Option<Type>) -> String {
        match self {
            Expression::Operand(operand) => operand.shown(true, kind),
            Expression::Compare(how, left, right) => {
                format!("{}{}{}", left.shown(true, kind), how.as_str(), right.shown(false, kind))
            }
            Expression::Not(inner) => format!("!{}", inner.grouped(Group::Not, kind)),
            Expression::And(parts) => joined(parts, " && ", Group::And, kind),
            Expression::Or(parts) => joined(parts, " || ", Group::Or, kind),
        }
    }

    fn grouped(&self, outside: Group, kind: &dyn Fn(&str) -> Option<Type>) -> String {
        let loose = match self {
            Expression::Operand(_) | Expression::Not(_) => false,
            Expression::Compare(..) => outside == Group::Not,
            Expression::And(_) => outside == Group::Not,
            Expression::Or(_) => outside != Group::Or,
        };
        if loose { format!("({})", self.shown(kind)) } else { self.shown(kind) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Group {
    Not,
    And,
    Or,
}

fn joined(
    parts: &[Expression],
    with: &str,
    group: Group,
    kind: &dyn Fn(&str) -> Option<Type>,
) -> String {
    let parts: Vec<String> = parts.iter().map(|part| part.grouped(group, kind)).collect();
    parts.join(with)
}

impl Operand {
    /// On the left of a comparison, or alone, a word is a symbol although none has its name.
    fn shown(&self, stands_for_symbol: bool, kind: &dyn Fn(&str) -> Option<Type>) -> String {
        match self {
            Operand::Word(name) if stands_for_symbol || kind(name).is_some() => {
                format!("CONFIG_{name}")
            }
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Constant(value) => value.fmt(f),
            Operand::Word(name) => f.write_str(name),
            Operand::Text(text) => write!(f, "\"{text}\""),
            Operand::Unknown(written) => f.write_str(written),
        }
    }
}
