//! What stands below an entry: its type, prompt, defaults, dependencies and the like.

use super::{
    Condition, Definition, Expression, Problem, Prompt, Property, Range, Selection, Type,
    operands::Operands,
    parse::{Entry, Parser},
};
use crate::Place;

impl Parser<'_> {
    /// An attribute of the entry; whether it is one.
    pub(super) fn attribute(
        &mut self,
        word: &str,
        words: &mut Operands,
        place: &Place,
    ) -> Result<bool, Problem> {
        let placed = match word {
            "depends" => self.depends(words, place)?,
            "visible" => self.visible(words, place)?,
            "bool" | "tristate" | "int" | "hex" | "string" => self.typed(word, words, place)?,
            "prompt" => {
                let prompt = prompt(words, place)?;
                self.prompt_slot().map(|slot| *slot = Some(prompt))
            }
            "default" | "def_bool" | "def_tristate" => self.default(word, words, place)?,
            "select" => {
                let selection = selection(words, place)?;
                self.definition().map(|one| one.selects.push(selection))
            }
            "imply" => {
                let selection = selection(words, place)?;
                self.definition().map(|one| one.implies.push(selection))
            }
            "range" => {
                let (low, high) = (words.operand()?, words.operand()?);
                let condition = condition(words, place)?;
                let range = Range { low, high, condition, place: place.clone() };
                self.definition().map(|one| one.ranges.push(range))
            }
            "modules" => self.modules(),
            "optional" => matches!(self.entry, Entry::Choice(_)).then_some(()),
            "transitional" => self.definition().map(drop),
            "option" => self.option(words)?,
            _ => return Ok(false),
        };
        placed.map(|()| true).ok_or_else(|| Problem::Misplaced(word.to_owned()))
    }

    /// The definition that attributes belong to, if it is one.
    fn definition(&mut self) -> Option<&mut Definition> {
        match &mut self.entry {
            Entry::Config(_, definition) => Some(definition),
            _ => None,
        }
    }

    /// Where the entry has its prompt.
    fn prompt_slot(&mut self) -> Option<&mut Option<Prompt>> {
        match &mut self.entry {
            Entry::Config(_, definition) => Some(&mut definition.prompt),
            Entry::Choice(id) => Some(&mut self.kconfig.choices[id.0].prompt),
            _ => None,
        }
    }

    /// Gives the entry a type, unless it has one.
    fn set_type(&mut self, kind: Option<Type>) {
        let slot = match &self.entry {
            Entry::Config(name, _) => {
                &mut self.kconfig.symbols.entry(name.clone()).or_default().kind
            }
            Entry::Choice(id) => &mut self.kconfig.choices[id.0].kind,
            _ => return,
        };
        *slot = slot.or(kind);
    }

    /// `depends on A`, or `depends on A if B`, which is `A || !B`.
    fn depends(&mut self, words: &mut Operands, place: &Place) -> Result<Option<()>, Problem> {
        words.takes("on");
        let mut expression = words.expression()?;
        if let Some(only_if) = words.condition()? {
            let otherwise = Expression::Not(Box::new(only_if));
            expression = Expression::Or(vec![expression, otherwise]);
        }
        let condition = Condition { expression, place: place.clone() };
        match (&mut self.entry, self.scope) {
            (Entry::Config(_, definition), _) => definition.depends.push(condition),
            (Entry::Menu | Entry::Choice(_), Some(scope)) => {
                self.kconfig.scopes[scope.0].depends.push(condition);
            }
            (Entry::Comment, _) => {}
            _ => return Ok(None),
        }
        Ok(Some(()))
    }

    fn visible(&mut self, words: &mut Operands, place: &Place) -> Result<Option<()>, Problem> {
        let condition = condition(words, place)?;
        let (Entry::Menu, Some(scope)) = (&self.entry, self.scope) else { return Ok(None) };
        self.kconfig.scopes[scope.0].visible.extend(condition);
        Ok(Some(()))
    }

    fn typed(
        &mut self,
        word: &str,
        words: &mut Operands,
        place: &Place,
    ) -> Result<Option<()>, Problem> {
        let prompt = if words.is_empty() { None } else { Some(prompt(words, place)?) };
        self.set_type(entry_type(word));
        Ok(self.prompt_slot().map(|slot| *slot = prompt.or(slot.take())))
    }

    fn default(
        &mut self,
        word: &str,
        words: &mut Operands,
        place: &Place,
    ) -> Result<Option<()>, Problem> {
        let value = words.expression()?;
        let condition = condition(words, place)?;
        let property = Property { value, condition, place: place.clone() };
        self.set_type(entry_type(word));
        match &mut self.entry {
            Entry::Config(_, definition) => definition.defaults.push(property),
            Entry::Choice(id) => self.kconfig.choices[id.0].defaults.push(property),
            _ => return Ok(None),
        }
        Ok(Some(()))
    }

    fn modules(&mut self) -> Option<()> {
        let Entry::Config(name, _) = &self.entry else { return None };
        self.kconfig.modules = Some(name.clone());
        Some(())
    }

    /// `option modules` of older kernels; the other options say nothing of what depends on what.
    fn option(&mut self, words: &mut Operands) -> Result<Option<()>, Problem> {
        let option = words.name()?;
        while !words.is_empty() {
            words.skip();
        }
        Ok(if option == "modules" { self.modules() } else { self.definition().map(drop) })
    }
}

fn entry_type(word: &str) -> Option<Type> {
    match word {
        "bool" | "def_bool" => Some(Type::Bool),
        "tristate" | "def_tristate" => Some(Type::Tristate),
        "int" => Some(Type::Int),
        "hex" => Some(Type::Hex),
        "string" => Some(Type::String),
        _ => None,
    }
}

fn prompt(words: &mut Operands, place: &Place) -> Result<Prompt, Problem> {
    Ok(Prompt { text: words.text()?, condition: condition(words, place)? })
}

fn selection(words: &mut Operands, place: &Place) -> Result<Selection, Problem> {
    let symbol = words.name()?;
    Ok(Selection { symbol, condition: condition(words, place)?, place: place.clone() })
}

fn condition(words: &mut Operands, place: &Place) -> Result<Option<Condition>, Problem> {
    let expression: Option<Expression> = words.condition()?;
    Ok(expression.map(|expression| Condition { expression, place: place.clone() }))
}
