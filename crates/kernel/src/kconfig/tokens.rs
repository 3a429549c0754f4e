//! The words and signs of a statement, with macros expanded.

use super::{
    Comparison, Problem,
    macros::{Here, Macros, reference},
};
use std::fmt;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token {
    Word(String),
    Quoted(String),
    /// A word or quoted text with a macro of unknown value, as it is written.
    Unknown(String),
    Compare(Comparison),
    Or,
    And,
    Not,
    Open,
    Close,
}

/// Whether the statement goes on in the next line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Here,
    NextLine,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Token::Word(text) | Token::Unknown(text) => write!(f, "`{text}`"),
            Token::Quoted(text) => write!(f, "\"{text}\""),
            Token::Compare(_) => f.write_str("a comparison"),
            Token::Or => f.write_str("`||`"),
            Token::And => f.write_str("`&&`"),
            Token::Not => f.write_str("`!`"),
            Token::Open => f.write_str("`(`"),
            Token::Close => f.write_str("`)`"),
        }
    }
}

/// Adds the tokens of one line. Signs that Kconfig does not know are skipped, as it does.
pub(crate) fn tokenize(
    line: &str,
    macros: &mut Macros,
    here: Here<'_>,
    tokens: &mut Vec<Token>,
) -> Result<Ending, Problem> {
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        if first == '#' {
            break;
        }
        if rest == "\\" {
            return Ok(Ending::NextLine);
        }
        if let Some((sign, length)) = sign(rest) {
            tokens.push(sign);
            rest = &rest[length..];
        } else if first == '"' || first == '\'' {
            let length = quoted_length(rest, first)?;
            tokens.push(quoted(&rest[..length], first, macros, here)?);
            rest = &rest[length..];
        } else if is_word(first) || first == '$' {
            let length = word_length(rest)?;
            tokens.extend(word(&rest[..length], macros, here)?);
            rest = &rest[length..];
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    Ok(Ending::Here)
}

fn sign(text: &str) -> Option<(Token, usize)> {
    const SIGNS: &[(&str, Token)] = &[
        ("||", Token::Or),
        ("&&", Token::And),
        ("!=", Token::Compare(Comparison::Unequal)),
        ("<=", Token::Compare(Comparison::AtMost)),
        (">=", Token::Compare(Comparison::AtLeast)),
        ("=", Token::Compare(Comparison::Equal)),
        ("<", Token::Compare(Comparison::Less)),
        (">", Token::Compare(Comparison::Greater)),
        ("!", Token::Not),
        ("(", Token::Open),
        (")", Token::Close),
    ];
    let (sign, token) = SIGNS.iter().find(|(sign, _)| text.starts_with(sign))?;
    Some((token.clone(), sign.len()))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == '-'
}

/// The length of a word, which goes through references: `A_$(f,b c)_D` is one.
fn word_length(text: &str) -> Result<usize, Problem> {
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        if text[at..].starts_with("$(") {
            at += reference(&text[at..]).ok_or(Problem::OpenReference)?;
        } else if is_word(next) || next == '$' {
            at += 1;
        } else {
            break;
        }
    }
    Ok(at)
}

/// The token of a word; none if it expands to nothing.
fn word(written: &str, macros: &mut Macros, here: Here<'_>) -> Result<Option<Token>, Problem> {
    if !written.contains('$') {
        return Ok(Some(Token::Word(written.to_owned())));
    }
    Ok(match macros.expand(written, here)? {
        Some(text) if text.is_empty() => None,
        Some(text) => Some(Token::Word(text)),
        None => Some(Token::Unknown(written.to_owned())),
    })
}

/// The length of a quoted text with both quotes; quotes inside of references do not end it.
fn quoted_length(text: &str, quote: char) -> Result<usize, Problem> {
    let mut at = 1;
    while let Some(next) = text[at..].chars().next() {
        if text[at..].starts_with("$(") {
            at += reference(&text[at..]).ok_or(Problem::OpenReference)?;
            continue;
        }
        at += next.len_utf8();
        if next == quote {
            return Ok(at);
        }
        if next == '\\' {
            at += text[at..].chars().next().map_or(0, char::len_utf8);
        }
    }
    Err(Problem::OpenString)
}

fn quoted(
    written: &str,
    quote: char,
    macros: &mut Macros,
    here: Here<'_>,
) -> Result<Token, Problem> {
    let inside = &written[1..written.len() - quote.len_utf8()];
    let mut text = String::new();
    let mut rest = inside;
    while let Some(next) = rest.chars().next() {
        let length = if rest.starts_with("$(") {
            let length = reference(rest).ok_or(Problem::OpenReference)?;
            match macros.expand(&rest[..length], here)? {
                Some(value) => text.push_str(&value),
                None => return Ok(Token::Unknown(written.to_owned())),
            }
            length
        } else if next == '\\' {
            let escaped = rest[1..].chars().next();
            text.extend(escaped);
            1 + escaped.map_or(0, char::len_utf8)
        } else {
            text.push(next);
            next.len_utf8()
        };
        rest = &rest[length..];
    }
    Ok(Token::Quoted(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kconfig::Limits;
    use std::collections::BTreeMap;

    fn tokens(line: &str) -> Result<(Vec<Token>, Ending), Problem> {
        let given = BTreeMap::from([("ARCH".to_owned(), "x86".to_owned())]);
        let mut macros = Macros::new(given, Limits::default());
        let mut found = Vec::new();
        let here = Here { file: "Kconfig", line: 1 };
        let ending = tokenize(line, &mut macros, here, &mut found)?;
        Ok((found, ending))
    }

    fn shown(line: &str) -> String {
        let found: Vec<String> = tokens(line).unwrap().0.iter().map(ToString::to_string).collect();
        found.join(" ")
    }

    #[test]
    fn words_signs_and_texts_are_told_apart() {
        assert_eq!(
            shown("depends on !A&&(B||C) # x"),
            "`depends` `on` `!` `A` `&&` `(` `B` `||` `C` `)`"
        );
        assert_eq!(
            shown("prompt \"a \\\"b\\\" 'c' #\" if X"),
            "`prompt` \"a \"b\" 'c' #\" `if` `X`"
        );
        assert_eq!(shown("default 'it''s'"), "`default` \"it\" \"s\"");
    }

    #[test]
    fn references_are_expanded_inside_words_and_texts() {
        assert_eq!(shown("A_$(ARCH)_B \"arch/$(ARCH)\""), "`A_x86_B` \"arch/x86\"");
        assert_eq!(shown("def_bool $(cc-option,-a b)"), "`def_bool` `$(cc-option,-a b)`");
        assert_eq!(shown("default \"$(shell,echo \"a\")\""), "`default` `\"$(shell,echo \"a\")\"`");
        assert_eq!(shown("$(info,x)"), "");
    }

    #[test]
    fn a_backslash_at_the_end_goes_on_but_not_in_a_comment() {
        assert_eq!(tokens("A && \\").unwrap().1, Ending::NextLine);
        assert_eq!(tokens("A # \\").unwrap().1, Ending::Here);
        assert_eq!(tokens("\"open \\").unwrap_err(), Problem::OpenString);
        assert_eq!(tokens("$(open").unwrap_err(), Problem::OpenReference);
    }
}
