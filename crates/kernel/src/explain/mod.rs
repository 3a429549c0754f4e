//! Why the resolved configuration is not what was asked for.

mod evaluate;
mod reason;

pub use reason::{Cause, Dropped, Obstacle, Reason, Source};

use crate::{
    Config, Kconfig, Place, Request, Requests, Value,
    config::Tristate,
    kconfig::{Choice, Condition, Definition, Expression, Operand, Symbol, Type},
    nearest::nearest,
};
use std::collections::BTreeSet;

use evaluate::{Resolved, outside, parse_number};

/// All requests that `resolved` does not keep, by symbol. One for `n` is kept when the symbol is not
/// named, or is unknown.
pub fn explain(requests: &Requests, resolved: &Config, kconfig: &Kconfig) -> Vec<Dropped> {
    let values = Resolved { kconfig, config: resolved };
    let dropped = requests.iter().filter_map(|(symbol, asked)| {
        let became = resolved.get(symbol).cloned();
        let reason = values.complaint(symbol, asked, became.as_ref())?;
        Some(Dropped { symbol: symbol.to_owned(), asked: asked.clone(), became, reason })
    });
    dropped.collect()
}

impl<'a> Resolved<'a> {
    /// Why the request does not hold; nothing if it does.
    fn complaint(&self, name: &str, asked: &Request, became: Option<&Value>) -> Option<Reason> {
        if asked.value == Value::NO && became.is_none_or(|value| *value == Value::NO) {
            return None;
        }
        let symbol = self.kconfig.symbol(name).filter(|symbol| !symbol.definitions.is_empty());
        let Some(symbol) = symbol else {
            let names = self.kconfig.symbols().map(|(name, _)| name);
            return Some(Reason::UnknownSymbol {
                nearest: nearest(name, names).map(str::to_owned),
            });
        };
        if let Some(kind) = symbol.kind.filter(|kind| !fits(*kind, &asked.value)) {
            return Some(Reason::WrongType { kind });
        }
        if became.is_some_and(|became| agrees(symbol.kind, became, &asked.value)) {
            return None;
        }
        Some(match asked.value.tristate() {
            Some(wanted) => self.switched(name, symbol, wanted),
            None => self.valued(symbol, &asked.value),
        })
    }

    /// Why a `bool` or `tristate` is not as wanted.
    fn switched(&self, name: &str, symbol: &Symbol, wanted: Tristate) -> Reason {
        let is = self.tristate(name);
        let kind = symbol.kind.unwrap_or(Type::Tristate);
        if wanted == Tristate::Module && is == Tristate::Yes && self.modules() == Tristate::No {
            return Reason::NoModules { symbol: self.kconfig.modules().map(str::to_owned) };
        }
        // What is selected of a choice counts for nothing: the choice alone decides.
        let chosen = symbol.definitions.iter().any(|one| one.choice.is_some());
        if wanted < is && !chosen {
            let by = self.selectors_that_are_on(name, kind, is);
            if !by.is_empty() {
                return Reason::Selected(by);
            }
        }
        // A bool may be y where what it depends on is m.
        let needed = if kind == Type::Bool { Tristate::Module } else { wanted };
        let needed = needed.max(Tristate::Module);
        let Some(definition) = self.easiest(symbol, needed) else {
            return self.promptless(name, symbol);
        };
        let obstacles = self.obstacles(definition, needed);
        if !obstacles.definite.is_empty() {
            return match wanted > is {
                true => Reason::Unmet(obstacles.definite),
                false => Reason::Hidden(obstacles.definite),
            };
        }
        // Of a choice that is m, each member is m or n by itself.
        if let Some(choice) =
            self.kconfig.choice(definition).filter(|_| wanted > is || is == Tristate::Yes)
        {
            return self.chosen(name, choice, wanted > is);
        }
        match obstacles.unknown.is_empty() {
            true => Reason::Unexplained { place: definition.place.clone() },
            false => Reason::Toolchain(obstacles.unknown),
        }
    }

    /// Why a number or a text is not as wanted.
    fn valued(&self, symbol: &Symbol, wanted: &Value) -> Reason {
        let Some(definition) = self.easiest(symbol, Tristate::Module) else {
            return self.promptless("", symbol);
        };
        let obstacles = self.obstacles(definition, Tristate::Module);
        if !obstacles.definite.is_empty() {
            return Reason::Hidden(obstacles.definite);
        }
        if let Some(reason) = self.out_of_range(symbol, wanted) {
            return reason;
        }
        match obstacles.unknown.is_empty() {
            true => Reason::Unexplained { place: definition.place.clone() },
            false => Reason::Toolchain(obstacles.unknown),
        }
    }

    /// The range that counts is the first whose condition holds.
    fn out_of_range(&self, symbol: &Symbol, wanted: &Value) -> Option<Reason> {
        let ranges = symbol
            .definitions
            .iter()
            .flat_map(|definition| definition.ranges.iter().map(move |range| (definition, range)));
        let (_, range) = ranges.into_iter().find(|(definition, range)| {
            let around = self.kconfig.depends(definition);
            self.all(around.into_iter().chain(&range.condition)).high > Tristate::No
        })?;
        let (low, high) = (self.text(&range.low)?, self.text(&range.high)?);
        let number = |text| parse_number(symbol.kind, text);
        outside(number(wanted.raw())?, number(low)?, number(high)?)?;
        let (low, high, place) = (low.to_owned(), high.to_owned(), range.place.clone());
        Some(Reason::OutOfRange { low, high, place })
    }

    fn promptless(&self, name: &str, symbol: &Symbol) -> Reason {
        let place = symbol.definitions.first().map(|definition| definition.place.clone());
        let place = place.unwrap_or_else(|| Place::new("", 0));
        Reason::NoPrompt { place, defaults: defaults(symbol), selectors: self.selectors(name) }
    }

    fn chosen(&self, name: &str, choice: &Choice, wanted_more: bool) -> Reason {
        let words = choice.prompt.as_ref().map_or("a choice", |prompt| &prompt.text).to_owned();
        let place = choice.place.clone();
        if !wanted_more {
            return Reason::OnlyChoice { choice: words, place };
        }
        let others = choice.members.iter().filter(|member| *member != name);
        let chosen = others.max_by_key(|member| self.tristate(member));
        let chosen = chosen.filter(|member| self.tristate(member) > Tristate::No).cloned();
        Reason::OtherChosen { choice: words, place, chosen }
    }

    /// All who may select a symbol.
    fn selectors(&self, name: &str) -> Vec<Source> {
        let all = self.kconfig.selectors(name).map(|(by, _, selection)| Source {
            symbol: by.to_owned(),
            place: selection.place.clone(),
        });
        all.collect()
    }

    /// Those who select a symbol to at least what it is.
    fn selectors_that_are_on(&self, name: &str, kind: Type, is: Tristate) -> Vec<Source> {
        let least = if kind == Type::Bool { Tristate::Module } else { is };
        let all = self.kconfig.selectors(name).filter(|(by, definition, selection)| {
            let around = self.kconfig.depends(definition);
            let bounds = self.all(around.into_iter().chain(&selection.condition));
            self.tristate(by).min(bounds.high) >= least
        });
        let all = all.map(|(by, _, selection)| Source {
            symbol: by.to_owned(),
            place: selection.place.clone(),
        });
        all.collect()
    }

    /// The definition with a prompt that has the fewest obstacles.
    fn easiest<'s>(&self, symbol: &'s Symbol, needed: Tristate) -> Option<&'s Definition> {
        let with_prompt = symbol.definitions.iter().filter(|one| one.prompt.is_some());
        with_prompt.min_by_key(|one| {
            let obstacles = self.obstacles_here(one, needed);
            (obstacles.definite.len(), obstacles.unknown.len())
        })
    }

    /// What keeps a definition from being set to `needed`, with causes.
    fn obstacles(&self, definition: &Definition, needed: Tristate) -> Obstacles {
        let mut found = self.obstacles_here(definition, needed);
        for obstacle in &mut found.definite {
            obstacle.cause = self.cause(obstacle, needed);
        }
        found
    }

    fn obstacles_here(&self, definition: &Definition, needed: Tristate) -> Obstacles {
        let mut found = Obstacles::default();
        let mut seen = BTreeSet::new();
        let mut conditions = self.kconfig.depends(definition);
        conditions.extend(self.kconfig.shown(definition).into_iter().flatten());
        for condition in conditions {
            for part in condition.expression.conjuncts() {
                let bounds = self.value(&part);
                if bounds.low >= needed {
                    continue;
                }
                let obstacle = self.obstacle(&part, condition);
                if !seen.insert(obstacle.condition.clone()) {
                    continue;
                }
                match bounds.high < needed {
                    true => found.definite.push(obstacle),
                    false => found.unknown.push(obstacle),
                }
            }
        }
        found
    }

    fn obstacle(&self, part: &Expression, condition: &Condition) -> Obstacle {
        let mut values: Vec<(String, Option<String>)> = Vec::new();
        let numeral = |name: &str| name.starts_with(|first: char| first.is_ascii_digit());
        for operand in part.operands() {
            let (shown, value) = match operand {
                Operand::Word(name) if self.kconfig.kind(name).is_some() => {
                    (format!("CONFIG_{name}"), Some(self.shown_value(name)))
                }
                Operand::Word(name) if !numeral(name) => (format!("CONFIG_{name}"), None),
                Operand::Unknown(written) => {
                    (written.clone(), Some("for the toolchain to say".to_owned()))
                }
                _ => continue,
            };
            if !values.iter().any(|(known, _)| *known == shown) {
                values.push((shown, value));
            }
        }
        if let (Expression::Operand(Operand::Constant(Tristate::Module)), Some(name)) =
            (part, self.kconfig.modules())
        {
            values.push((format!("CONFIG_{name}"), Some(self.shown_value(name))));
        }
        let undefined = matches!(part, Expression::Operand(Operand::Word(name))
            if self.kconfig.symbol(name).is_none());
        Obstacle {
            condition: part.shown(&|name| self.kconfig.kind(name)),
            place: condition.place.clone(),
            values,
            cause: undefined.then_some(Cause::Undefined),
        }
    }

    fn shown_value(&self, name: &str) -> String {
        match self.config.get(name) {
            Some(value) => value.to_string(),
            None => match self.kconfig.kind(name) {
                Some(Type::Bool | Type::Tristate) | None => "n".to_owned(),
                Some(_) => "without a value".to_owned(),
            },
        }
    }

    /// Why the one symbol that an obstacle is made of is not as needed.
    fn cause(&self, obstacle: &Obstacle, needed: Tristate) -> Option<Cause> {
        if obstacle.cause.is_some() {
            return obstacle.cause.clone();
        }
        let name = obstacle.condition.strip_prefix("CONFIG_")?;
        let symbol = self.kconfig.symbol(name)?;
        let Some(definition) = self.easiest(symbol, needed) else {
            let (defaults, selectors) = (defaults(symbol), self.selectors(name));
            return Some(Cause::NoPrompt { defaults, selectors });
        };
        let more = self.obstacles_here(definition, needed);
        if !more.definite.is_empty() {
            return Some(Cause::Needs(more.definite));
        }
        let value = match symbol.kind {
            Some(Type::Tristate) => needed,
            Some(Type::Bool) => Tristate::Yes,
            _ => return None,
        };
        more.unknown.is_empty().then_some(Cause::Free(Value::Tristate(value)))
    }
}

/// What stands in the way: surely, and perhaps.
#[derive(Debug, Default)]
struct Obstacles {
    definite: Vec<Obstacle>,
    unknown: Vec<Obstacle>,
}

/// The lines of all defaults.
fn defaults(symbol: &Symbol) -> Vec<Place> {
    let all = symbol.definitions.iter().flat_map(|definition| &definition.defaults);
    all.map(|default| default.place.clone()).collect()
}

/// Whether both mean the same. Kconfig writes a hexadecimal default as it is spelt, without `0x` too.
fn agrees(kind: Option<Type>, became: &Value, asked: &Value) -> bool {
    let number = |value: &Value| parse_number(kind, value.raw());
    became.agrees(asked)
        || kind == Some(Type::Hex) && number(became).is_some() && number(became) == number(asked)
}

/// Whether a value is one that the type may have.
fn fits(kind: Type, value: &Value) -> bool {
    match (kind, value) {
        (Type::Bool, Value::Tristate(value)) => *value != Tristate::Module,
        (Type::Tristate, Value::Tristate(_)) => true,
        (Type::Int, Value::Number(_)) | (Type::Hex, Value::Hex(_)) => true,
        // Kconfig takes the digits for hexadecimal ones; of a single digit it is the same.
        (Type::Hex, Value::Number(digits)) => digits.len() == 1,
        (Type::String, Value::Text(_)) => true,
        // `is not set` leaves a number or a text to its default.
        _ => false,
    }
}
