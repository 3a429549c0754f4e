//! Variables and functions: `NAME := value`, `$(NAME)`, `$(function,argument)`.
//!
//! What the shell would say is not known here, and so is not whatever is made from it. Arguments are
//! expanded before a function is called, as Kconfig does, so that known values keep being known.

use super::{DEEPEST_MACRO, Limits, Problem};
use std::collections::BTreeMap;

/// What a text expands to; `None` is a text that only the toolchain knows.
pub(crate) type Expansion = Option<String>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Assignment {
    /// `:=` expands now.
    Simple,
    /// `=` expands when it is used.
    Recursive,
    /// `+=`
    Append,
}

#[derive(Debug, Clone)]
enum Variable {
    Simple(Expansion),
    Recursive(String),
}

/// Where an expansion is made, for `$(filename)` and `$(lineno)`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Here<'a> {
    pub(crate) file: &'a str,
    pub(crate) line: usize,
}

/// All variables, and what may still be expanded.
#[derive(Debug)]
pub(crate) struct Macros {
    given: BTreeMap<String, String>,
    variables: BTreeMap<String, Variable>,
    limits: Limits,
    bytes: usize,
    references: usize,
}

impl Macros {
    pub(crate) fn new(given: BTreeMap<String, String>, limits: Limits) -> Macros {
        Macros { given, variables: BTreeMap::new(), limits, bytes: 0, references: 0 }
    }

    pub(crate) fn assign(
        &mut self,
        name: &str,
        how: Assignment,
        text: &str,
        here: Here<'_>,
    ) -> Result<(), Problem> {
        let old = self.variables.get(name).cloned();
        let new = match (how, old) {
            (Assignment::Simple, _) => Variable::Simple(self.expand(text, here)?),
            (Assignment::Append, Some(Variable::Simple(old))) => {
                let more = self.expand(text, here)?;
                Variable::Simple(old.zip(more).map(|(old, more)| format!("{old} {more}")))
            }
            (Assignment::Append, Some(Variable::Recursive(old))) => {
                Variable::Recursive(format!("{old} {text}"))
            }
            (Assignment::Append | Assignment::Recursive, _) => Variable::Recursive(text.to_owned()),
        };
        let kept = match &new {
            Variable::Simple(text) => text.as_ref().map_or(0, String::len),
            Variable::Recursive(text) => text.len(),
        };
        self.spend(kept)?;
        self.variables.insert(name.to_owned(), new);
        Ok(())
    }

    /// Expands all references in `text`.
    pub(crate) fn expand(&mut self, text: &str, here: Here<'_>) -> Result<Expansion, Problem> {
        self.expand_with(text, &[], here, 0)
    }

    fn expand_with(
        &mut self,
        text: &str,
        arguments: &[Expansion],
        here: Here<'_>,
        depth: usize,
    ) -> Result<Expansion, Problem> {
        if depth > DEEPEST_MACRO {
            return Err(Problem::Limit { what: "macros inside each other", most: DEEPEST_MACRO });
        }
        let mut made = Some(String::new());
        let mut rest = text;
        while let Some(at) = rest.find("$(") {
            let length = reference(&rest[at..]).ok_or(Problem::OpenReference)?;
            let inside = &rest[at + 2..at + length - 1];
            let value = self.reference(inside, arguments, here, depth + 1)?;
            made = made.zip(value).map(|(made, value)| made + &rest[..at] + &value);
            rest = &rest[at + length..];
        }
        let made = made.map(|made| made + rest);
        self.spend(made.as_ref().map_or(0, String::len))?;
        Ok(made)
    }

    /// What stands between `$(` and `)`.
    fn reference(
        &mut self,
        inside: &str,
        arguments: &[Expansion],
        here: Here<'_>,
        depth: usize,
    ) -> Result<Expansion, Problem> {
        self.references += 1;
        if self.references > self.limits.references {
            let most = self.limits.references;
            return Err(Problem::Limit { what: "references to macros", most });
        }
        if let Some(argument) = position(inside).and_then(|at| arguments.get(at)) {
            return Ok(argument.clone());
        }
        let mut parts = split_arguments(inside).into_iter();
        let name = self.expand_with(parts.next().unwrap_or(""), arguments, here, depth)?;
        let Some(name) = name else { return Ok(None) };
        let parts: Result<Vec<Expansion>, Problem> =
            parts.map(|part| self.expand_with(part, arguments, here, depth)).collect();
        let parts = parts?;
        match self.variables.get(&name).cloned() {
            Some(Variable::Simple(value)) => Ok(value),
            Some(Variable::Recursive(text)) => self.expand_with(&text, &parts, here, depth),
            None => self.built_in(&name, &parts, here),
        }
    }

    fn built_in(
        &self,
        name: &str,
        arguments: &[Expansion],
        here: Here<'_>,
    ) -> Result<Expansion, Problem> {
        let empty = Ok(Some(String::new()));
        match (name, arguments) {
            ("filename", []) => Ok(Some(here.file.to_owned())),
            ("lineno", []) => Ok(Some(here.line.to_string())),
            ("info", [_]) | ("warning-if", [_, _]) => empty,
            ("error-if", [Some(condition), why]) if condition == "y" => {
                Err(Problem::Refused(why.clone().unwrap_or_default()))
            }
            ("error-if", [_, _]) => empty,
            // An argument that was not given.
            (number, []) if position(number).is_some() => empty,
            (name, []) => Ok(self.given.get(name).cloned()),
            _ => Ok(None),
        }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Problem> {
        self.bytes = self.bytes.saturating_add(bytes);
        if self.bytes > self.limits.expansion {
            return Err(Problem::Limit {
                what: "bytes made by macros",
                most: self.limits.expansion,
            });
        }
        Ok(())
    }
}

/// The index of an argument: `1` is the first.
fn position(name: &str) -> Option<usize> {
    name.parse::<usize>().ok().and_then(|number| number.checked_sub(1))
}

/// The length of the reference at the start of `text`, from `$(` to its `)`.
pub(crate) fn reference(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' => open += 1,
            b')' if open == 1 => return Some(at + 1),
            b')' => open -= 1,
            _ => {}
        }
    }
    None
}

/// A name and its arguments, at commas outside parentheses.
fn split_arguments(inside: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut open, mut start) = (0_usize, 0);
    for (at, byte) in inside.bytes().enumerate() {
        match byte {
            b'(' => open += 1,
            b')' => open = open.saturating_sub(1),
            b',' if open == 0 => {
                parts.push(&inside[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&inside[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Here<'static> = Here { file: "a/Kconfig", line: 7 };

    fn macros(assignments: &[(&str, Assignment, &str)]) -> Macros {
        let given = BTreeMap::from([("SRCARCH".to_owned(), "x86".to_owned())]);
        let mut macros = Macros::new(given, Limits::default());
        for (name, how, text) in assignments {
            macros.assign(name, *how, text, HERE).unwrap();
        }
        macros
    }

    #[test]
    fn variables_and_functions_expand_as_far_as_they_are_known() {
        use Assignment::{Append, Recursive, Simple};
        let mut macros = macros(&[
            ("comma", Simple, ","),
            ("late", Recursive, "$(later)"),
            ("later", Simple, "1"),
            ("later", Append, "2"),
            ("swap", Recursive, "<$(2)$(comma)$(1)>"),
            ("success", Recursive, "$(shell,{ $(1); } && echo y)"),
        ]);
        let known = |text: &str| Some(text.to_owned());
        let mut expand = |text| macros.expand(text, HERE).unwrap();
        assert_eq!(expand("arch/$(SRCARCH)/Kconfig"), known("arch/x86/Kconfig"));
        assert_eq!(expand("$(late) $x $"), known("1 2 $x $"));
        assert_eq!(expand("$(swap,a (b,c),d)"), known("<d,a (b,c)>"));
        assert_eq!(expand("$(swap,a)"), known("<,a>"));
        assert_eq!(expand("$(filename):$(lineno)"), known("a/Kconfig:7"));
        assert_eq!(expand("$(warning-if,$(success,false),no)"), known(""));
        assert_eq!(expand("-$(success,true)-"), None);
        assert_eq!(expand("$(NO_SUCH)"), None);
        assert_eq!(expand("$($(success,x))"), None);
    }

    #[test]
    fn an_assignment_from_the_shell_is_unknown_and_stays_so() {
        use Assignment::{Append, Recursive, Simple};
        let mut macros = macros(&[
            ("version", Simple, "$(shell,cc --version)"),
            ("version", Append, "more"),
            ("flag", Recursive, "$(version)"),
        ]);
        assert_eq!(macros.expand("$(flag)", HERE), Ok(None));
    }

    #[test]
    fn macros_without_end_are_refused() {
        use Assignment::Recursive;
        let mut own = macros(&[("a", Recursive, "$(b)"), ("b", Recursive, "$(a)")]);
        assert!(matches!(own.expand("$(a)", HERE), Err(Problem::Limit { .. })));
        // Each doubles the one before.
        let names: Vec<String> = (0..60).map(|n| format!("v{n}")).collect();
        let mut wide = macros(&[("v0", Recursive, "x")]);
        for pair in names.windows(2) {
            let twice = format!("$({0})$({0})", pair[0]);
            wide.assign(&pair[1], Recursive, &twice, HERE).unwrap();
        }
        assert!(matches!(wide.expand("$(v59)", HERE), Err(Problem::Limit { .. })));
        assert_eq!(wide.expand("$(v0", HERE), Err(Problem::OpenReference));
    }

    #[test]
    fn a_source_that_refuses_is_an_error_with_its_words() {
        let refused = macros(&[]).expand("$(error-if,y,too old)", HERE);
        assert_eq!(refused, Err(Problem::Refused("too old".into())));
    }
}
