//! Statements: entries, their attributes, and the blocks around them.

use super::{
    Choice, ChoiceId, Condition, DEEPEST_BLOCK, DEEPEST_FILE, Definition, Expression, Files,
    Kconfig, KconfigError, Limits, Operand, Problem, Scope, ScopeId,
    lines::Lines,
    macros::{Assignment, Here, Macros},
    operands::Operands,
    source::{Presence, inclusion, resolve},
    tokens::{Ending, tokenize},
};
use crate::Place;
use std::{collections::BTreeMap, mem, sync::Arc};

impl Kconfig {
    /// Reads `root` and all that it includes. `variables` are what the build system would set in
    /// the environment, `SRCARCH` among them; what is not there is unknown.
    pub fn parse(
        files: &dyn Files,
        root: &str,
        variables: BTreeMap<String, String>,
        limits: Limits,
    ) -> Result<Kconfig, KconfigError> {
        let mut parser = Parser {
            files,
            limits,
            macros: Macros::new(variables, limits),
            kconfig: Kconfig::default(),
            scope: None,
            blocks: Vec::new(),
            entry: Entry::None,
            open: Vec::new(),
            bytes: 0,
        };
        let Some(text) = files.read(root) else {
            return Err(KconfigError::NoRoot(root.to_owned()));
        };
        parser.file(root.into(), &text).map_err(|error| *error)?;
        Ok(parser.kconfig.finished())
    }
}

impl Kconfig {
    /// Fills in what can be said only when all is read.
    fn finished(mut self) -> Kconfig {
        for choice in &mut self.choices {
            let first = choice.members.iter().find_map(|name| self.symbols.get(name)?.kind);
            choice.kind = choice.kind.or(first);
            for name in &choice.members {
                let symbol = self.symbols.entry(name.clone()).or_default();
                symbol.kind = symbol.kind.or(choice.kind);
            }
        }
        for (name, symbol) in &self.symbols {
            for (at, definition) in symbol.definitions.iter().enumerate() {
                for (index, selection) in definition.selects.iter().enumerate() {
                    let by = (name.clone(), at, index);
                    self.selects.entry(selection.symbol.clone()).or_default().push(by);
                }
            }
        }
        self
    }
}

/// An error with its place is large beside what is returned without one.
type Result1<T> = Result<T, Box<KconfigError>>;

pub(super) struct Parser<'a> {
    files: &'a dyn Files,
    limits: Limits,
    macros: Macros,
    pub(super) kconfig: Kconfig,
    /// The innermost block.
    pub(super) scope: Option<ScopeId>,
    blocks: Vec<Block>,
    /// What attributes belong to.
    pub(super) entry: Entry,
    /// The files that are being read, from the outermost.
    open: Vec<Arc<str>>,
    bytes: usize,
}

/// A block that is open.
struct Block {
    word: &'static str,
    outside: Option<ScopeId>,
    place: Place,
}

pub(super) enum Entry {
    None,
    Config(String, Box<Definition>),
    Choice(ChoiceId),
    Menu,
    Comment,
}

impl Parser<'_> {
    fn file(&mut self, name: Arc<str>, bytes: &[u8]) -> Result1<()> {
        let first = Place::new(Arc::clone(&name), 1);
        self.bytes = self.bytes.saturating_add(bytes.len());
        self.kconfig.files += 1;
        let (bytes_most, files_most) = (self.limits.bytes, self.limits.files);
        if self.bytes > bytes_most {
            let problem = Problem::Limit { what: "bytes of Kconfig files", most: bytes_most };
            return Err(at(first, problem));
        }
        if self.kconfig.files > files_most {
            return Err(at(first, Problem::Limit { what: "Kconfig files", most: files_most }));
        }
        self.open.push(Arc::clone(&name));
        let outside = self.blocks.len();
        let text = String::from_utf8_lossy(bytes);
        let mut lines = Lines::new(&text);
        while let Some(line) = lines.next() {
            let place = Place::new(Arc::clone(&name), lines.number);
            if let Some(inclusion) = self
                .statement(line, &mut lines, &place, outside)
                .map_err(|problem| at(place.clone(), problem))?
            {
                self.include(inclusion, place)?;
            }
        }
        self.close_entry();
        self.open.pop();
        match self.blocks.len() > outside {
            true => Err(self.unclosed()),
            false => Ok(()),
        }
    }

    fn unclosed(&mut self) -> Box<KconfigError> {
        let block = self.blocks.pop();
        let (word, place) =
            block.map_or(("block", Place::new("", 0)), |block| (block.word, block.place));
        at(place, Problem::Unclosed(word))
    }

    /// Reads a file that is included; the entry before it is closed by then.
    fn include(&mut self, (path, presence): (String, Presence), place: Place) -> Result1<()> {
        if self.open.iter().any(|open| **open == *path) {
            return Err(at(place, Problem::Cycle(path)));
        }
        if self.open.len() >= DEEPEST_FILE {
            let problem =
                Problem::Limit { what: "inclusions inside each other", most: DEEPEST_FILE };
            return Err(at(place, problem));
        }
        match (self.files.read(&path), presence) {
            (Some(text), _) => self.file(path.into(), &text),
            (None, Presence::Optional) => Ok(()),
            (None, Presence::Required) => Err(at(place, Problem::NoFile(path))),
        }
    }

    /// One statement or attribute, which may take further lines; gives the file to be included.
    fn statement(
        &mut self,
        line: &str,
        lines: &mut Lines<'_>,
        place: &Place,
        outside: usize,
    ) -> Result<Option<(String, Presence)>, Problem> {
        let file = Arc::clone(&place.file);
        if let Some((name, how, text)) = assignment(line) {
            let here = Here { file: &file, line: place.line };
            self.macros.assign(name, how, text, here)?;
            return Ok(None);
        }
        let mut tokens = Vec::new();
        let mut line = line;
        while tokenize(
            line,
            &mut self.macros,
            Here { file: &file, line: lines.number },
            &mut tokens,
        )? == Ending::NextLine
        {
            let Some(next) = lines.next() else { break };
            line = next;
        }
        let mut words = Operands::new(tokens);
        if words.is_empty() {
            return Ok(None);
        }
        let word = words.statement()?;
        if word.starts_with('$') {
            return Ok(None);
        }
        if let Some((anchor, presence)) = inclusion(&word) {
            self.close_entry();
            let path = words.path()?;
            words.end()?;
            return Ok(Some((resolve(&path, &file, anchor)?, presence)));
        }
        if matches!(word.as_str(), "help" | "---help---") {
            words.end()?;
            lines.skip_help();
            return Ok(None);
        }
        let known = self.block(&word, &mut words, place, outside)?
            || self.attribute(&word, &mut words, place)?;
        if !known {
            return Err(Problem::Statement(word));
        }
        words.end()?;
        Ok(None)
    }

    /// A statement that opens or closes an entry or a block; whether it is one.
    fn block(
        &mut self,
        word: &str,
        words: &mut Operands,
        place: &Place,
        outside: usize,
    ) -> Result<bool, Problem> {
        match word {
            "config" | "menuconfig" => {
                self.close_entry();
                let definition = Definition::new(place.clone(), self.scope);
                self.entry = Entry::Config(words.name()?, Box::new(definition));
            }
            "if" => {
                self.close_entry();
                let expression = words.expression()?;
                let condition = Condition { expression, place: place.clone() };
                let scope = Scope { depends: vec![condition], ..Scope::default() };
                self.open_block("if", scope, place)?;
            }
            "menu" => {
                self.close_entry();
                words.text()?;
                self.open_block("menu", Scope::default(), place)?;
                self.entry = Entry::Menu;
            }
            "choice" => {
                self.close_entry();
                if !words.is_empty() {
                    words.name()?;
                }
                let id = ChoiceId(self.kconfig.choices.len());
                self.kconfig.choices.push(Choice::new(place.clone()));
                let scope = Scope { choice: Some(id), ..Scope::default() };
                self.open_block("choice", scope, place)?;
                self.entry = Entry::Choice(id);
            }
            "endif" => self.close_block("if", "endif", outside)?,
            "endmenu" => self.close_block("menu", "endmenu", outside)?,
            "endchoice" => self.close_block("choice", "endchoice", outside)?,
            "comment" => {
                self.close_entry();
                words.text()?;
                self.entry = Entry::Comment;
            }
            "mainmenu" => {
                self.close_entry();
                words.text()?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn open_block(
        &mut self,
        word: &'static str,
        mut scope: Scope,
        place: &Place,
    ) -> Result<(), Problem> {
        if self.blocks.len() >= DEEPEST_BLOCK {
            return Err(Problem::Limit { what: "blocks inside each other", most: DEEPEST_BLOCK });
        }
        scope.parent = self.scope;
        let id = ScopeId(self.kconfig.scopes.len());
        self.kconfig.scopes.push(scope);
        self.blocks.push(Block { word, outside: self.scope, place: place.clone() });
        self.scope = Some(id);
        Ok(())
    }

    fn close_block(
        &mut self,
        word: &'static str,
        end: &'static str,
        outside: usize,
    ) -> Result<(), Problem> {
        self.close_entry();
        match self.blocks.pop_if(|block| block.word == word) {
            Some(block) if self.blocks.len() >= outside => {
                self.scope = block.outside;
                Ok(())
            }
            _ => Err(Problem::Unopened(end)),
        }
    }

    /// Puts the entry that was read to the others.
    fn close_entry(&mut self) {
        let Entry::Config(name, mut definition) = mem::replace(&mut self.entry, Entry::None) else {
            return;
        };
        if definition.prompt.is_some() {
            let choice = self.kconfig.scopes(&definition).find_map(|scope| scope.choice);
            definition.choice = choice.filter(|id| self.joins(&name, &definition, *id));
        }
        self.kconfig.symbols.entry(name).or_default().definitions.push(*definition);
    }

    /// Makes a symbol a member of a choice, unless it depends on another member: then it is an
    /// option of that one.
    fn joins(&mut self, name: &str, definition: &Definition, choice: ChoiceId) -> bool {
        let members = &mut self.kconfig.choices[choice.0].members;
        let parts = definition.depends.iter().flat_map(|one| one.expression.conjuncts());
        let is_member = |word: &str| members.iter().any(|member| member == word);
        let below = parts.into_iter().any(|part| match part {
            Expression::Operand(Operand::Word(word)) => is_member(&word),
            _ => false,
        });
        if !below && !is_member(name) {
            members.push(name.to_owned());
        }
        !below
    }
}

fn at(place: Place, problem: Problem) -> Box<KconfigError> {
    Box::new(KconfigError::Line { place, problem })
}

/// `NAME := text` and its like: the name, how it is assigned, and the text as it stands.
fn assignment(line: &str) -> Option<(&str, Assignment, &str)> {
    let blanks = [' ', '\t'];
    let line = line.trim_start_matches(blanks);
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let (name, rest) = line.split_at(line.find(|c| !is_name(c))?);
    let rest = rest.trim_start_matches(blanks);
    let signs =
        [(":=", Assignment::Simple), ("+=", Assignment::Append), ("=", Assignment::Recursive)];
    let (text, how) =
        signs.iter().find_map(|(sign, how)| Some((rest.strip_prefix(sign)?, *how)))?;
    (!name.is_empty()).then(|| (name, how, text.trim_start_matches(blanks)))
}

impl Definition {
    fn new(place: Place, scope: Option<ScopeId>) -> Definition {
        Definition {
            place,
            scope,
            choice: None,
            depends: Vec::new(),
            prompt: None,
            defaults: Vec::new(),
            selects: Vec::new(),
            implies: Vec::new(),
            ranges: Vec::new(),
        }
    }
}

impl Choice {
    fn new(place: Place) -> Choice {
        Choice { place, kind: None, prompt: None, defaults: Vec::new(), members: Vec::new() }
    }
}
