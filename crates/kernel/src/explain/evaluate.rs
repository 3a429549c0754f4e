//! What an expression is under resolved values, as far as it can be known.
//!
//! The rules are those of Kconfig (`expr_calc_value` of Linux): `&&` is the lesser, `||` the greater,
//! `!` turns around, and a comparison is of numbers where both sides are numbers. What only the
//! toolchain knows has every value at once, so that an answer is a pair of bounds.

use crate::{
    Config, Kconfig,
    config::Tristate,
    kconfig::{Comparison, Condition, Expression, Operand, Type},
};
use std::{cmp::Ordering, iter};

/// The least and the greatest value that an expression may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    pub(crate) low: Tristate,
    pub(crate) high: Tristate,
}

impl Bounds {
    const ANY: Bounds = Bounds { low: Tristate::No, high: Tristate::Yes };

    fn exactly(value: Tristate) -> Bounds {
        Bounds { low: value, high: value }
    }
}

/// Resolved values beside the symbols that they belong to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resolved<'a> {
    pub(crate) kconfig: &'a Kconfig,
    pub(crate) config: &'a Config,
}

impl<'a> Resolved<'a> {
    /// The value of a symbol where a tristate is asked for; what is not in the configuration is off.
    pub(crate) fn tristate(&self, name: &str) -> Tristate {
        let value = self.config.get(name).and_then(|value| value.tristate());
        value.unwrap_or(Tristate::No)
    }

    /// Whether modules are allowed.
    pub(crate) fn modules(&self) -> Tristate {
        self.kconfig.modules().map_or(Tristate::No, |name| self.tristate(name))
    }

    pub(crate) fn all<'c>(&self, conditions: impl IntoIterator<Item = &'c Condition>) -> Bounds {
        let parts = conditions.into_iter().map(|condition| self.value(&condition.expression));
        parts.fold(Bounds::exactly(Tristate::Yes), lesser)
    }

    pub(crate) fn value(&self, expression: &Expression) -> Bounds {
        match expression {
            Expression::Operand(operand) => self.operand(operand),
            Expression::Compare(how, left, right) => self.compare(*how, left, right),
            Expression::Not(inner) => {
                let inner = self.value(inner);
                Bounds { low: inner.high.negated(), high: inner.low.negated() }
            }
            Expression::And(parts) => parts
                .iter()
                .map(|part| self.value(part))
                .fold(Bounds::exactly(Tristate::Yes), lesser),
            Expression::Or(parts) => parts
                .iter()
                .map(|part| self.value(part))
                .fold(Bounds::exactly(Tristate::No), greater),
        }
    }

    fn operand(&self, operand: &Operand) -> Bounds {
        Bounds::exactly(match operand {
            // Kconfig rewrites `m` to `m && MODULES`.
            Operand::Constant(Tristate::Module) if self.modules() == Tristate::No => Tristate::No,
            Operand::Constant(value) => *value,
            Operand::Word(name) => self.tristate(name),
            Operand::Text(_) => Tristate::No,
            Operand::Unknown(_) => return Bounds::ANY,
        })
    }

    fn compare(&self, how: Comparison, left: &Operand, right: &Operand) -> Bounds {
        let (Some(a), Some(b)) = (self.text(left), self.text(right)) else { return Bounds::ANY };
        let ordering = match (self.number(left, a), self.number(right, b)) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.cmp(b),
        };
        Bounds::exactly(if how.holds(ordering) { Tristate::Yes } else { Tristate::No })
    }

    /// The text of an operand in a comparison, unless only the toolchain knows it.
    pub(crate) fn text<'b>(&self, operand: &'b Operand) -> Option<&'b str>
    where
        'a: 'b,
    {
        match operand {
            Operand::Constant(value) => Some(value.as_str()),
            Operand::Text(text) => Some(text),
            Operand::Unknown(_) => None,
            Operand::Word(name) => Some(match (self.kconfig.kind(name), self.config.get(name)) {
                (_, Some(value)) => value.raw(),
                (Some(Type::Bool | Type::Tristate), None) => "n",
                (Some(_), None) => "",
                // A word that is no symbol stands for itself.
                (None, None) => name,
            }),
        }
    }

    fn number(&self, operand: &Operand, text: &str) -> Option<i128> {
        let kind = match operand {
            Operand::Constant(_) => Some(Type::Tristate),
            Operand::Word(name) => self.kconfig.kind(name),
            _ => None,
        };
        parse_number(kind, text)
    }
}

/// A value as a number, by the type of its symbol; texts that are numbers compare as such.
pub(crate) fn parse_number(kind: Option<Type>, text: &str) -> Option<i128> {
    let hex = |text: &str| {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        u64::from_str_radix(digits, 16).ok().map(i128::from)
    };
    match kind {
        Some(Type::Bool | Type::Tristate) => match text {
            "n" => Some(0),
            "m" => Some(1),
            "y" => Some(2),
            _ => None,
        },
        Some(Type::Int) => text.parse::<i64>().ok().map(i128::from),
        Some(Type::Hex) => hex(text),
        Some(Type::String) | None if text.starts_with("0x") || text.starts_with("0X") => hex(text),
        Some(Type::String) | None => text.parse::<i64>().ok().map(i128::from),
    }
}

fn lesser(a: Bounds, b: Bounds) -> Bounds {
    Bounds { low: a.low.min(b.low), high: a.high.min(b.high) }
}

fn greater(a: Bounds, b: Bounds) -> Bounds {
    Bounds { low: a.low.max(b.low), high: a.high.max(b.high) }
}

/// Where a number stands beside the ends of a range.
pub(crate) fn outside(number: i128, low: i128, high: i128) -> Option<Ordering> {
    let sides =
        iter::once((number < low, Ordering::Less)).chain([(number > high, Ordering::Greater)]);
    sides.into_iter().find_map(|(out, side)| out.then_some(side))
}
