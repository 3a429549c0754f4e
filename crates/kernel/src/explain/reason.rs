//! Why a request did not hold: the facts, and the sentence that tells them.

use crate::{Place, Request, Value, kconfig::Type};
use std::fmt::{self, Write as _};

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
    /// Its symbols with what they are.
    pub values: Vec<(String, String)>,
    /// Why it is so, if the part is one symbol.
    pub cause: Option<Cause>,
}

/// Why a symbol on which another depends is off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// No file defines it.
    Undefined,
    /// What it depends on in turn.
    Needs(Vec<Obstacle>),
    /// Nothing is in its way: it can be asked for with this value.
    Free(Value),
    /// Only others switch it on.
    OnlySelected(Vec<Source>),
}

/// A symbol that selects another, and the line of its `select`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The symbol.
    pub symbol: String,
    /// The line.
    pub place: Place,
}

/// How many of many are named in a sentence.
const NAMED: usize = 3;

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
                write!(f, "{} {verb} it", sources(by))
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
            Reason::NoPrompt { place, selectors } => {
                f.write_str("it has no prompt, so that ")?;
                match selectors.is_empty() {
                    true => write!(f, "only its defaults set it ({place})"),
                    false => write!(f, "it is on only where {} selects it", sources(selectors)),
                }
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

/// Obstacles, and behind them why they are.
fn listed(obstacles: &[Obstacle]) -> String {
    let mut text = String::new();
    for (at, obstacle) in obstacles.iter().enumerate() {
        let _ = write!(text, "{}{obstacle}", if at == 0 { "" } else { ", and on " });
    }
    for obstacle in obstacles {
        let it = &obstacle.condition;
        let _ = match &obstacle.cause {
            None | Some(Cause::Undefined) => Ok(()),
            Some(Cause::Needs(more)) => {
                let more: Vec<String> = more.iter().map(ToString::to_string).collect();
                write!(text, "; {it} in turn needs {}", more.join(", and "))
            }
            Some(Cause::Free(value)) => write!(text, "; add {it}={value}"),
            Some(Cause::OnlySelected(by)) if by.is_empty() => {
                write!(text, "; {it} has no prompt, only its defaults set it")
            }
            Some(Cause::OnlySelected(by)) => {
                write!(text, "; {it} has no prompt, it is on only where {} selects it", sources(by))
            }
        };
    }
    text
}

fn sources(all: &[Source]) -> String {
    let mut named: Vec<String> = all
        .iter()
        .take(NAMED)
        .map(|source| format!("CONFIG_{} ({})", source.symbol, source.place))
        .collect();
    match all.len().saturating_sub(NAMED) {
        0 => {}
        1 => named.push("another".to_owned()),
        more => named.push(format!("{more} others")),
    }
    match named.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => "nothing".to_owned(),
    }
}

/// `CONFIG_Y, which is n (net/Kconfig:40)`.
impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Obstacle { condition, place, values, cause } = self;
        f.write_str(condition)?;
        match values.as_slice() {
            _ if *cause == Some(Cause::Undefined) => f.write_str(", which nothing defines")?,
            [] => {}
            [(name, value)] if name == condition => write!(f, ", which is {value}")?,
            values => {
                let named: Vec<String> =
                    values.iter().map(|(name, value)| format!("{name} is {value}")).collect();
                write!(f, ", where {}", named.join(" and "))?;
            }
        }
        write!(f, " ({place})")
    }
}
