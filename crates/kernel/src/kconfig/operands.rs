//! The tokens of a statement, read from the front; expressions among them.

use super::{Comparison, DEEPEST_BLOCK, Expression, Operand, Problem, tokens::Token};

/// What is not read yet of a statement.
#[derive(Debug)]
pub(crate) struct Operands(std::iter::Peekable<std::vec::IntoIter<Token>>);

impl Operands {
    pub(crate) fn new(tokens: Vec<Token>) -> Operands {
        Operands(tokens.into_iter().peekable())
    }

    /// Takes the next token if it is the word `word`.
    pub(crate) fn takes(&mut self, word: &str) -> Option<()> {
        self.0.next_if(|token| matches!(token, Token::Word(found) if found == word)).map(drop)
    }

    /// The word that a statement starts with.
    pub(crate) fn statement(&mut self) -> Result<String, Problem> {
        match self.0.next() {
            Some(Token::Word(word) | Token::Unknown(word)) => Ok(word),
            other => Err(expected("a statement", other)),
        }
    }

    /// Takes a token, whatever it is.
    pub(crate) fn skip(&mut self) {
        self.0.next();
    }

    pub(crate) fn is_empty(&mut self) -> bool {
        self.0.peek().is_none()
    }

    /// The name of a symbol.
    pub(crate) fn name(&mut self) -> Result<String, Problem> {
        match self.0.next() {
            Some(Token::Word(name)) => Ok(name),
            other => Err(expected("the name of a symbol", other)),
        }
    }

    /// A quoted text; a macro of unknown value stands as it is written.
    pub(crate) fn text(&mut self) -> Result<String, Problem> {
        match self.0.next() {
            Some(Token::Quoted(text) | Token::Unknown(text) | Token::Word(text)) => Ok(text),
            other => Err(expected("a text in quotes", other)),
        }
    }

    /// The path of a file.
    pub(crate) fn path(&mut self) -> Result<String, Problem> {
        match self.0.next() {
            Some(Token::Quoted(path)) => Ok(path),
            Some(Token::Unknown(written)) => Err(Problem::UnknownPath(written)),
            other => Err(expected("a path in quotes", other)),
        }
    }

    /// `if EXPRESSION`, if it is there.
    pub(crate) fn condition(&mut self) -> Result<Option<Expression>, Problem> {
        self.takes("if").map(|()| self.expression()).transpose()
    }

    /// Nothing may follow.
    pub(crate) fn end(&mut self) -> Result<(), Problem> {
        match self.0.next() {
            None => Ok(()),
            other => Err(expected("the end of the line", other)),
        }
    }

    pub(crate) fn expression(&mut self) -> Result<Expression, Problem> {
        self.any(0)
    }

    /// `A || B`, which binds least.
    fn any(&mut self, depth: usize) -> Result<Expression, Problem> {
        if depth > DEEPEST_BLOCK {
            return Err(Problem::Limit {
                what: "parentheses inside each other",
                most: DEEPEST_BLOCK,
            });
        }
        let mut parts = vec![self.all(depth)?];
        while self.0.next_if_eq(&Token::Or).is_some() {
            parts.push(self.all(depth)?);
        }
        Ok(single_or(parts, Expression::Or))
    }

    fn all(&mut self, depth: usize) -> Result<Expression, Problem> {
        let mut parts = vec![self.one(depth)?];
        while self.0.next_if_eq(&Token::And).is_some() {
            parts.push(self.one(depth)?);
        }
        Ok(single_or(parts, Expression::And))
    }

    fn one(&mut self, depth: usize) -> Result<Expression, Problem> {
        // Two signs cancel out; so many of them need no depth.
        let mut negated = false;
        while self.0.next_if_eq(&Token::Not).is_some() {
            negated = !negated;
        }
        let inner = if self.0.next_if_eq(&Token::Open).is_some() {
            let inner = self.any(depth + 1)?;
            match self.0.next() {
                Some(Token::Close) => inner,
                other => return Err(expected("`)`", other)),
            }
        } else {
            let left = self.operand()?;
            match self.comparison() {
                Some(how) => Expression::Compare(how, left, self.operand()?),
                None => Expression::Operand(left),
            }
        };
        Ok(if negated { Expression::Not(Box::new(inner)) } else { inner })
    }

    fn comparison(&mut self) -> Option<Comparison> {
        match self.0.next_if(|token| matches!(token, Token::Compare(_)))? {
            Token::Compare(how) => Some(how),
            _ => None,
        }
    }

    /// A symbol or a constant.
    pub(crate) fn operand(&mut self) -> Result<Operand, Problem> {
        match self.0.next() {
            Some(Token::Word(word)) => Ok(Operand::named(word, Operand::Word)),
            Some(Token::Quoted(text)) => Ok(Operand::named(text, Operand::Text)),
            Some(Token::Unknown(written)) => Ok(Operand::Unknown(written)),
            other => Err(expected("a symbol or a value", other)),
        }
    }
}

fn single_or(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    match parts.pop() {
        Some(only) if parts.is_empty() => only,
        last => {
            parts.extend(last);
            many(parts)
        }
    }
}

fn expected(expected: &'static str, found: Option<Token>) -> Problem {
    let found = found.map_or_else(|| "the end of the line".to_owned(), |token| token.to_string());
    Problem::Expected { expected, found }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kconfig::{
        Limits, Type,
        macros::{Here, Macros},
        tokens::tokenize,
    };
    use std::collections::BTreeMap;

    fn parsed(text: &str) -> Result<Expression, Problem> {
        let mut macros = Macros::new(BTreeMap::new(), Limits::default());
        let mut tokens = Vec::new();
        tokenize(text, &mut macros, Here { file: "Kconfig", line: 1 }, &mut tokens)?;
        let mut operands = Operands::new(tokens);
        let expression = operands.expression()?;
        operands.end()?;
        Ok(expression)
    }

    fn shown(text: &str) -> String {
        parsed(text).unwrap().shown(&|name| (name != "64").then_some(Type::Bool))
    }

    #[test]
    fn precedence_is_that_of_kconfig() {
        assert_eq!(shown("A || B && !C"), "CONFIG_A || CONFIG_B && !CONFIG_C");
        assert_eq!(shown("(A || B) && !(C && m)"), "(CONFIG_A || CONFIG_B) && !(CONFIG_C && m)");
        // `!` takes the whole comparison.
        assert_eq!(shown("!A = 64"), "!(CONFIG_A=64)");
        assert_eq!(shown("A!=\"x\" || B<=C"), "CONFIG_A!=\"x\" || CONFIG_B<=CONFIG_C");
        assert_eq!(shown("!!(A)"), "CONFIG_A");
    }

    #[test]
    fn what_all_has_to_hold_is_told_apart() {
        let parts = parsed("A && (B || C) && !(D || !E) && !(F && G)").unwrap().conjuncts();
        let shown: Vec<String> = parts.iter().map(|part| part.shown(&|_| None)).collect();
        let expected = [
            "CONFIG_A",
            "CONFIG_B || CONFIG_C",
            "!CONFIG_D",
            "CONFIG_E",
            "!(CONFIG_F && CONFIG_G)",
        ];
        assert_eq!(shown, expected);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in ["", "A &&", "(A", "A)", "A B", "= A", "A = B = C", "A = (B)", "!"] {
            assert!(parsed(text).is_err(), "{text}");
        }
        let deep = "(".repeat(100_000);
        assert!(matches!(parsed(&deep), Err(Problem::Limit { .. })));
        assert!(parsed(&format!("{}A", "!".repeat(100_000))).is_ok());
    }
}
