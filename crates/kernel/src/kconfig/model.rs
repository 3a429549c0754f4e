//! What Kconfig files say, as values.
//!
//! Expressions stay as they are written, each with its place: what a symbol depends on is its own
//! `depends on` and those of the blocks around it, found by going up the [`Scope`]s.

use super::Expression;
use crate::Place;
use std::{collections::BTreeMap, fmt};

/// All that the files of a tree say.
#[derive(Debug, Clone, Default)]
pub struct Kconfig {
    pub(crate) symbols: BTreeMap<String, Symbol>,
    pub(crate) choices: Vec<Choice>,
    pub(crate) scopes: Vec<Scope>,
    /// Who names a symbol in `select`: name, index of the definition, index of the selection.
    pub(crate) selects: BTreeMap<String, Vec<(String, usize, usize)>>,
    pub(crate) modules: Option<String>,
    pub(crate) files: usize,
}

/// What a symbol can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Type {
    /// `y` or `n`.
    Bool,
    /// `y`, `m` or `n`.
    Tristate,
    /// A decimal number.
    Int,
    /// A hexadecimal number.
    Hex,
    /// A text.
    String,
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::Bool => "bool",
            Type::Tristate => "tristate",
            Type::Int => "int",
            Type::Hex => "hex",
            Type::String => "string",
        })
    }
}

/// A symbol with all its definitions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Symbol {
    /// Its type; the first that is given counts. A member of a choice has that of the choice.
    pub kind: Option<Type>,
    /// Its definitions, as they are read.
    pub definitions: Vec<Definition>,
}

/// One `config` entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The line of `config`.
    pub place: Place,
    /// The blocks around it.
    pub scope: Option<ScopeId>,
    /// The choice of which it is a member.
    pub choice: Option<ChoiceId>,
    /// Its `depends on`.
    pub depends: Vec<Condition>,
    /// What makes it visible to people.
    pub prompt: Option<Prompt>,
    /// Its defaults; the first whose condition holds counts.
    pub defaults: Vec<Property>,
    /// What it switches on, whatever that depends on.
    pub selects: Vec<Selection>,
    /// What it switches on unless somebody says otherwise.
    pub implies: Vec<Selection>,
    /// Between what its value has to be.
    pub ranges: Vec<Range>,
}

/// A prompt, with the condition under which it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its words.
    pub text: String,
    /// When it is shown.
    pub condition: Option<Condition>,
}

/// A default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// The value.
    pub value: Expression,
    /// When it counts.
    pub condition: Option<Condition>,
    /// Its line.
    pub place: Place,
}

/// A `select` or `imply`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selection {
    /// The symbol that is switched on.
    pub symbol: String,
    /// When it is.
    pub condition: Option<Condition>,
    /// Its line.
    pub place: Place,
}

/// A `range`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    /// The least value.
    pub low: super::Operand,
    /// The greatest value.
    pub high: super::Operand,
    /// When it counts.
    pub condition: Option<Condition>,
    /// Its line.
    pub place: Place,
}

/// An expression that has to hold, and where that is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The expression.
    pub expression: Expression,
    /// Its line.
    pub place: Place,
}

/// Names a [`Scope`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScopeId(pub(crate) usize);

/// Names a [`Choice`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChoiceId(pub(crate) usize);

/// A block that stands around definitions: `if`, `menu` or `choice`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    /// The block around it.
    pub parent: Option<ScopeId>,
    /// What everything inside depends on.
    pub depends: Vec<Condition>,
    /// What prompts inside need to be shown.
    pub visible: Vec<Condition>,
    /// The choice, if it is one.
    pub choice: Option<ChoiceId>,
}

/// Symbols of which one is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The line of `choice`.
    pub place: Place,
    /// Its type, if it is given.
    pub kind: Option<Type>,
    /// Its words.
    pub prompt: Option<Prompt>,
    /// What is chosen if nobody says.
    pub defaults: Vec<Property>,
    /// Its symbols, in their order.
    pub members: Vec<String>,
}

impl Kconfig {
    /// A symbol that is defined.
    pub fn symbol(&self, name: &str) -> Option<&Symbol> {
        self.symbols.get(name)
    }

    /// All symbols that are defined, sorted by name.
    pub fn symbols(&self) -> impl Iterator<Item = (&str, &Symbol)> {
        self.symbols.iter().map(|(name, symbol)| (name.as_str(), symbol))
    }

    /// The type of a symbol, if it is defined with one.
    pub fn kind(&self, name: &str) -> Option<Type> {
        self.symbols.get(name).and_then(|symbol| symbol.kind)
    }

    /// All choices, as they are read.
    pub fn choices(&self) -> &[Choice] {
        &self.choices
    }

    /// The symbol that allows modules, if there is one.
    pub fn modules(&self) -> Option<&str> {
        self.modules.as_deref()
    }

    /// How many files were read, each counted as often as it is included.
    pub fn files(&self) -> usize {
        self.files
    }

    /// The scopes around a definition, from the inside.
    pub fn scopes(&self, definition: &Definition) -> impl Iterator<Item = &Scope> {
        let first = definition.scope.map(|id| &self.scopes[id.0]);
        std::iter::successors(first, |scope| scope.parent.map(|id| &self.scopes[id.0]))
    }

    /// The choice of which a definition is a member.
    pub fn choice(&self, definition: &Definition) -> Option<&Choice> {
        definition.choice.map(|id| &self.choices[id.0])
    }

    /// Who selects a symbol: the name of each, its definition, and the selection.
    pub fn selectors(&self, name: &str) -> impl Iterator<Item = (&str, &Definition, &Selection)> {
        self.selects.get(name).into_iter().flatten().filter_map(|(by, definition, selection)| {
            let definition = self.symbols.get(by)?.definitions.get(*definition)?;
            Some((by.as_str(), definition, definition.selects.get(*selection)?))
        })
    }

    /// What has to hold for a definition to count: its own conditions first, then those around it.
    pub fn depends<'a>(&'a self, definition: &'a Definition) -> Vec<&'a Condition> {
        let mut found: Vec<&Condition> = definition.depends.iter().collect();
        for scope in self.scopes(definition) {
            found.extend(&scope.depends);
            let choice = scope.choice.map(|id| &self.choices[id.0]);
            let prompt = choice.and_then(|choice| choice.prompt.as_ref());
            found.extend(prompt.and_then(|prompt| prompt.condition.as_ref()));
        }
        found
    }

    /// What has to hold for people to be able to set it at a definition, beside [`Self::depends`];
    /// nothing if there is no prompt.
    pub fn shown<'a>(&'a self, definition: &'a Definition) -> Option<Vec<&'a Condition>> {
        let prompt = definition.prompt.as_ref()?;
        let around = self.scopes(definition).flat_map(|scope| &scope.visible);
        Some(prompt.condition.iter().chain(around).collect())
    }
}
