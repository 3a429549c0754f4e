//! Why a request did not hold: the facts, and the sentence that tells them.

use crate::{Place, Request, Value, kconfig::Type};
use std::fmt;

/// A request that the resolved configuration does not keep. `Display` is one sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// The symbol, without `CONFIG_`.
    pub symbol: String,
    /// What was asked for, and where.
    pub asked: Request,
    /// What it became; nothing if the resolved configuration does not name it.
    pub became: Option<Value>,
    /// Why.
    pub reason: Reason,
}

/// Why a request did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// This kernel has no symbol of this name.
    UnknownSymbol {
        /// The name that may be meant.
        nearest: Option<String>,
    },
    /// The symbol cannot have such a value.
    WrongType {
        /// Its type.
        kind: Type,
    },
    /// It depends on what does not hold.
    Unmet(Vec<Obstacle>),
    /// Its value is not for people to choose, since its prompt depends on what does not hold.
    Hidden(Vec<Obstacle>),
    /// It depends on what only the toolchain decides; nothing else is in the way.
    Toolchain(Vec<Obstacle>),
    /// Others switch it on.
    Selected(Vec<Source>),
    /// Of a choice, another member was chosen.
    OtherChosen {
        /// The words of the choice.
        choice: String,
        /// Its line.
        place: Place,
        /// The member that is on.
        chosen: Option<String>,
    },
    /// One member of its choice has to be on, and no other one is asked for.
    OnlyChoice {
        /// The words of the choice.
        choice: String,
        /// Its line.
        place: Place,
    },
    /// It has no prompt: only its defaults and other symbols set it.
    NoPrompt {
        /// Its line.
        place: Place,
        /// The lines of its defaults.
        defaults: Vec<Place>,
        /// Who may select it.
        selectors: Vec<Source>,
    },
    /// The number is not in its range.
    OutOfRange {
        /// The least number.
        low: String,
        /// The greatest number.
        high: String,
        /// The line of `range`.
        place: Place,
    },
    /// There are no modules in this configuration.
    NoModules {
        /// The symbol that allows them, if there is one.
        symbol: Option<String>,
    },
    /// Nothing in the Kconfig files says why.
    Unexplained {
        /// The line of the symbol.
        place: Place,
    },
}

/// A part of a condition that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Obstacle {
    /// The part, as people read it.
    pub condition: String,
    /// The line that says it.
    pub place: Place,
    /// Its symbols with what they are; nothing for one that no file defines.
    pub values: Vec<(String, Option<String>)>,
    /// Why it is so, if the part is one symbol.
    pub cause: Option<Cause>,
}

/// Why a symbol on which another depends is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// No file that was read defines it.
    Undefined,
    /// What it depends on in turn.
    Needs(Vec<Obstacle>),
    /// Nothing is in its way: it can be asked for with this value.
    Free(Value),
    /// It has no prompt: only its defaults and others switch it on.
    NoPrompt {
        /// The lines of its defaults.
        defaults: Vec<Place>,
        /// Who may select it.
        selectors: Vec<Source>,
    },
}

/// A symbol that selects another, and the line of its `select`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The symbol.
    pub symbol: String,
    /// The line.
    pub place: Place,
}

/// How many of many are named in a sentence: symbols,
const NAMED: usize = 3;
/// and parts of a condition.
const LISTED: usize = 6;

impl fmt::Display for Dropped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Dropped { symbol, asked, became, reason } = self;
        write!(f, "CONFIG_{symbol}={} was asked for at {}, but ", asked.value, asked.place)?;
        match reason {
            Reason::UnknownSymbol { nearest } => {
                f.write_str("this kernel has no such symbol")?;
                return match nearest {
                    Some(name) => write!(f, ": is CONFIG_{name} meant?"),
                    None => Ok(()),
                };
            }
            Reason::WrongType { kind } => {
                write!(f, "it is of type {kind}: write {}", remedy(symbol, *kind, &asked.value))?;
                return Ok(());
            }
            _ => {}
        }
        match (became, asked.value.tristate()) {
            (Some(value), _) => write!(f, "it became {value}: {reason}"),
            (None, Some(_)) => write!(f, "it became n: {reason}"),
            (None, None) => write!(f, "it has no value: {reason}"),
        }
    }
}

/// A line that has the type.
fn remedy(symbol: &str, kind: Type, asked: &Value) -> String {
    match (kind, asked) {
        (Type::Bool, Value::Tristate(_)) => format!("`CONFIG_{symbol}=y`, since it is no module"),
        (Type::Bool, _) => format!("`CONFIG_{symbol}=y` or `# CONFIG_{symbol} is not set`"),
        (Type::Tristate, _) => {
            format!("`CONFIG_{symbol}=y`, `CONFIG_{symbol}=m` or `# CONFIG_{symbol} is not set`")
        }
        (Type::Int, _) => format!("a decimal number behind `CONFIG_{symbol}=`"),
        (Type::Hex, Value::Number(digits)) if !digits.starts_with('-') => {
            let decimal = digits.parse::<u64>();
            let decimal =
                decimal.map(|number| format!(", or `{number:#x}` for the decimal number"));
            format!("`CONFIG_{symbol}=0x{digits}`{}", decimal.unwrap_or_default())
        }
        (Type::Hex, _) => format!("a number with `0x` behind `CONFIG_{symbol}=`"),
        (Type::String, value) => format!("`CONFIG_{symbol}=\"{}\"`", value.raw()),
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::UnknownSymbol { .. } => f.write_str("this kernel has no such symbol"),
            Reason::WrongType { kind } => write!(f, "it is of type {kind}"),
            Reason::Unmet(obstacles) => write!(f, "it depends on {}", listed(obstacles)),
            Reason::Hidden(obstacles) => {
                write!(f, "it can be set only with {}", listed(obstacles))
            }
            Reason::Toolchain(obstacles) => write!(f, "it depends on {}", listed(obstacles)),
            Reason::Selected(by) => {
                let verb = if by.len() == 1 { "selects" } else { "select" };
                let shown =
                    |source: &Source| format!("CONFIG_{} ({})", source.symbol, source.place);
                write!(f, "{} {verb} it", some(by, shown, "and"))
            }
            Reason::OtherChosen { choice, place, chosen: Some(chosen) } => {
                write!(f, "CONFIG_{chosen} is chosen of \"{choice}\" ({place})")
            }
            Reason::OtherChosen { choice, place, chosen: None } => {
                write!(f, "\"{choice}\" is not open to a choice ({place})")
            }
            Reason::OnlyChoice { choice, place } => {
                write!(f, "one of \"{choice}\" has to be y, and no other is asked for ({place})")
            }
            Reason::NoPrompt { place, defaults, selectors } => {
                write!(f, "it has no prompt ({place}): {}", setters(defaults, selectors))
            }
            Reason::OutOfRange { low, high, place } => {
                write!(f, "its range is {low} to {high} ({place})")
            }
            Reason::NoModules { symbol: Some(symbol) } => {
                write!(f, "there are no modules, since CONFIG_{symbol} is n")
            }
            Reason::NoModules { symbol: None } => f.write_str("this kernel has no modules"),
            Reason::Unexplained { place } => write!(
                f,
                "nothing in its definition says why ({place}); was the configuration resolved from \
                 these requests and this source?"
            ),
        }
    }
}

/// Obstacles, and behind them why they are, as far as one is not the cause of another.
fn listed(obstacles: &[Obstacle]) -> String {
    let shown = &obstacles[..obstacles.len().min(LISTED)];
    let mut text = joined(shown, ", and on ");
    if shown.len() < obstacles.len() {
        text += &format!(", and on {} more", obstacles.len() - shown.len());
    }
    let mut missing = Vec::new();
    for obstacle in shown {
        let it = &obstacle.condition;
        match &obstacle.cause {
            None | Some(Cause::Undefined) => {}
            Some(Cause::Needs(more)) => {
                let is_listed = |one: &&Obstacle| {
                    obstacles.iter().any(|known| known.condition == one.condition)
                };
                let more: Vec<&Obstacle> = more.iter().filter(|one| !is_listed(one)).collect();
                let more = &more[..more.len().min(NAMED)];
                if !more.is_empty() {
                    text += &format!("; {it} in turn needs {}", joined(more, ", and "));
                }
            }
            Some(Cause::Free(value)) => missing.push(format!("{it}={value}")),
            Some(Cause::NoPrompt { defaults, selectors }) => {
                text += &format!("; {it} has no prompt: {}", setters(defaults, selectors));
            }
        }
    }
    if !missing.is_empty() {
        text += &format!("; add {}", missing.join(" and "));
    }
    text
}

fn joined<T: ToString>(all: impl IntoIterator<Item = T>, with: &str) -> String {
    let all: Vec<String> = all.into_iter().map(|one| one.to_string()).collect();
    all.join(with)
}

/// Who sets a symbol that people cannot.
fn setters(defaults: &[Place], selectors: &[Source]) -> String {
    let lines = some(defaults, |place| place.to_string(), "or");
    let by = some(selectors, |source| format!("CONFIG_{} ({})", source.symbol, source.place), "or");
    match (defaults.is_empty(), selectors.is_empty()) {
        (true, true) => "nothing sets it".to_owned(),
        (false, true) => format!("only its default sets it ({lines})"),
        (true, false) => format!("it is on only where {by} selects it"),
        (false, false) => format!("only its default sets it ({lines}), or {by} selects it"),
    }
}

/// The first of many, and how many more there are.
fn some<T>(all: &[T], shown: impl Fn(&T) -> String, word: &str) -> String {
    let mut named: Vec<String> = all.iter().take(NAMED).map(shown).collect();
    match all.len().saturating_sub(NAMED) {
        0 => {}
        1 => named.push("another".to_owned()),
        more => named.push(format!("{more} others")),
    }
    match named.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} {word} {last}", first.join(", ")),
        None => String::new(),
    }
}

/// `CONFIG_Y, which is n (net/Kconfig:40)`.
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Obstacle { condition, place, values, .. } = self;
        f.write_str(condition)?;
        match values.as_slice() {
            [] => {}
            [(name, Some(value))] if name == condition => write!(f, ", which is {value}")?,
            [(name, None)] if name == condition => f.write_str(", which no file defines")?,
            values if values.iter().all(|(_, value)| value.is_none()) => {
                f.write_str(", which no file defines")?;
            }
            values => {
                let known: Vec<&(String, Option<String>)> =
                    values.iter().filter(|(_, value)| value.is_some()).collect();
                let shown = |(name, value): &&(String, Option<String>)| {
                    format!("{name} is {}", value.as_deref().unwrap_or_default())
                };
                write!(f, ", where {}", some(&known, shown, "and"))?;
            }
        }
        write!(f, " ({place})")
    }
}
