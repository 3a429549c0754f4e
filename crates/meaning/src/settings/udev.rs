//! udev(7): one record for each rule, named by what it matches; its fields are what it assigns.

use super::lines::lines;
use crate::rows::Record;

pub(crate) fn udev(text: &str) -> Vec<Record> {
    lines(text).iter().map(|line| rule(line)).collect()
}

fn rule(line: &str) -> Record {
    let (mut matches, mut assigns) = (Vec::new(), Vec::new());
    for token in tokens(line) {
        let is_match = token.contains("==") || token.contains("!=");
        if is_match { matches.push(token) } else { assigns.push(token) }
    }
    let name = match matches.is_empty() {
        true => "rule for everything".to_owned(),
        false => format!("rule {}", matches.join(", ")),
    };
    // A label has no effect but as a place; it is told apart by its name.
    match assigns.as_slice() {
        [one] if one.starts_with("LABEL=") && matches.is_empty() => Record::value(one, "here"),
        _ => Record::value(name, assigns.join(", ")),
    }
}

/// `KEY op "value"` parts, split at commas outside of quotes, without blanks around the operator.
fn tokens(line: &str) -> Vec<String> {
    let mut found: Vec<String> = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in line.chars() {
        match c {
            '"' if !escaped => quoted = !quoted,
            ',' if !quoted => {
                found.push(String::new());
                continue;
            }
            c if c.is_whitespace() && !quoted => continue,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = found.last_mut() {
            last.push(c);
        }
    }
    found.retain(|token| !token.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_named_by_what_it_matches() {
        let found = udev("SUBSYSTEM==\"net\",  ACTION == \"add\", NAME=\"a,b\" , GOTO=\"end\"\n");
        assert_eq!(found[0].what, "rule SUBSYSTEM==\"net\", ACTION==\"add\"");
        assert_eq!(found[0].shown(), "NAME=\"a,b\", GOTO=\"end\"");
    }
}
