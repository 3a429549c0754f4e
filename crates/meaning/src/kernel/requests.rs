//! What a kernel was asked for beside what it became: a request that moved, where its value did not.
//!
//! Kconfig may drop what is asked for, and may have had it already. A request that moved and was obeyed
//! is told by the option itself; what is told here is the rest.

use crate::{Finding, Kind};
use groundup_kernel::{Config, Requests, Value};
use std::collections::BTreeSet;

/// What was asked for, and what it became.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// Names and bytes of the fragments, and of the options of the recipe.
    pub fragments: &'a [(String, Vec<u8>)],
    /// The resolved configuration.
    pub resolved: &'a [u8],
}

/// The requests that moved without their option following.
pub fn requests(before: &Asked<'_>, after: &Asked<'_>) -> Result<Vec<Finding>, Finding> {
    let sides = [before, after].map(read);
    let [(was, old), (is, new)] = match sides {
        [Ok(before), Ok(after)] => [before, after],
        [Err(error), _] | [_, Err(error)] => {
            return Err(Finding::not_compared("what the kernel was asked for", error));
        }
    };
    let symbols = was.iter().chain(is.iter()).map(|(symbol, _)| symbol);
    let symbols: BTreeSet<&str> = symbols.collect();
    let found = symbols.into_iter().filter_map(|symbol| {
        let [was, is] = [&was, &is].map(|all| all.get(symbol).map(|request| &request.value));
        let moved = match (was, is) {
            (Some(a), Some(b)) => !a.agrees(b),
            (a, b) => a.is_some() || b.is_some(),
        };
        let [old, new] = [&old, &new].map(|config| config.get(symbol).unwrap_or(&Value::NO));
        let holds = is.is_none_or(|value| value.agrees(new));
        let follows = !old.agrees(new) && holds;
        if !moved || follows {
            return None;
        }
        let what = format!("CONFIG_{symbol} asked for");
        let kind = if holds { Kind::Encoding } else { Kind::KernelOption };
        let finding = match (was, is) {
            (Some(a), Some(b)) => Finding::changed(kind, what, a.to_string(), b.to_string()),
            (None, Some(b)) => Finding::added(kind, what, b.to_string()),
            (Some(a), None) => Finding::removed(kind, what, a.to_string()),
            (None, None) => return None,
        };
        let note = match (old.agrees(new), holds) {
            (true, true) => format!("it is {new} as before"),
            (true, false) => format!("it does not hold: it is {new} as before"),
            (false, _) => format!("it does not hold: it was {old} and is {new}"),
        };
        Some(finding.note(note))
    });
    Ok(found.collect())
}

fn read(asked: &Asked<'_>) -> Result<(Requests, Config), String> {
    let first = |errors: Vec<groundup_kernel::config::ConfigError>| {
        errors.first().map(ToString::to_string).unwrap_or_default()
    };
    let fragments = asked.fragments.iter().map(|(name, bytes)| Config::parse(name, bytes));
    let fragments: Vec<Config> = fragments.collect::<Result<_, _>>().map_err(first)?;
    let requests = Requests::join(&fragments).map_err(first)?;
    let resolved = Config::parse_resolved("config", asked.resolved).map_err(first)?;
    Ok((requests, resolved))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of two kernels: what they were asked for, and what they are.
    fn told(before: [&str; 2], after: [&str; 2]) -> Vec<String> {
        let fragments =
            [before, after].map(|[asked, _]| vec![("x.config".to_owned(), asked.into())]);
        let [a, b] = [(&fragments[0], before[1]), (&fragments[1], after[1])]
            .map(|(fragments, resolved)| Asked { fragments, resolved: resolved.as_bytes() });
        let found = requests(&a, &b).unwrap();
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        found
            .iter()
            .map(|it| {
                let (before, after, note) = (text(&it.before), text(&it.after), text(&it.note));
                format!("{:?} {} {before} -> {after} ({note})", it.kind, it.what)
            })
            .collect()
    }

    #[test]
    fn a_request_that_was_obeyed_is_told_by_the_option_alone() {
        let none = told(["CONFIG_X=y\n", "CONFIG_X=y\n"], ["CONFIG_X=m\n", "CONFIG_X=m\n"]);
        assert!(none.is_empty(), "{none:?}");
        let gone = told(["CONFIG_X=y\n", "CONFIG_X=y\n"], ["", "# CONFIG_X is not set\n"]);
        assert!(gone.is_empty(), "{gone:?}");
        let same =
            told(["CONFIG_X=y\n", "CONFIG_X=y\n"], ["CONFIG_X=y\n", "# CONFIG_X is not set\n"]);
        assert!(same.is_empty(), "the request did not move: {same:?}");
    }

    #[test]
    fn a_request_that_does_not_hold_is_told_with_what_the_option_is() {
        assert_eq!(
            told(["CONFIG_X=m\n", "CONFIG_X=m\n"], ["CONFIG_X=y\n", "CONFIG_X=m\n"]),
            ["KernelOption CONFIG_X asked for m -> y (it does not hold: it is m as before)"]
        );
        assert_eq!(
            told(["", "CONFIG_X=m\n"], ["CONFIG_X=y\n", "# CONFIG_X is not set\n"]),
            ["KernelOption CONFIG_X asked for  -> y (it does not hold: it was m and is n)"]
        );
    }

    #[test]
    fn a_request_for_what_is_there_already_changes_nothing() {
        assert_eq!(
            told(["", "CONFIG_X=y\n"], ["CONFIG_X=y\n", "CONFIG_X=y\n"]),
            ["Encoding CONFIG_X asked for  -> y (it is y as before)"]
        );
        assert_eq!(
            told(["CONFIG_X=y\n", "CONFIG_X=y\n"], ["", "CONFIG_X=y\n"]),
            ["Encoding CONFIG_X asked for y ->  (it is y as before)"]
        );
    }

    #[test]
    fn fragments_that_contradict_each_other_are_named() {
        let twice = [
            ("a".to_owned(), b"CONFIG_X=y\n".to_vec()),
            ("b".to_owned(), b"CONFIG_X=m\n".to_vec()),
        ];
        let asked = Asked { fragments: &twice, resolved: b"" };
        assert_eq!(requests(&asked, &asked).unwrap_err().kind, Kind::NotCompared);
    }
}
