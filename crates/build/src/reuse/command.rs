//! The command of a child step: what of a call enters its key, and which calls are worth one.

use groundup_digest::{ObjectId, StepKey, Writer};
use groundup_sandbox::Message;
use std::collections::BTreeMap;

/// A program with all that it is given, but for the files that it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) argv: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    pub(super) cwd: String,
}

/// What `make` tells its children of itself: how many jobs run must change no answer.
const OF_MAKE: [&str; 6] =
    ["GROUNDUP_JOBS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "MAKE_TERMERR", "MAKE_TERMOUT"];

impl Command {
    /// What a call asks for; `initial` is the environment that the run began with.
    pub(super) fn of(message: &Message, initial: &BTreeMap<String, String>) -> Self {
        let mut env = match &message.env {
            Some(env) => env.iter().cloned().collect(),
            None => initial.clone(),
        };
        env.retain(|name, _| !OF_MAKE.contains(&name.as_str()));
        Self { argv: message.argv.clone(), env, cwd: message.cwd.clone() }
    }

    /// The part of the key that is known before it runs.
    pub(super) fn key(&self, sandbox: u32, root: ObjectId) -> StepKey {
        let mut writer = Writer::new();
        writer.str("reused command").u32(VERSION).u32(sandbox);
        root.write(&mut writer);
        writer.seq(&self.argv, |writer, word| {
            writer.str(word);
        });
        writer.seq(&self.env, |writer, (name, value)| {
            writer.str(name).str(value);
        });
        writer.str(&self.cwd);
        StepKey::of_encoded(writer.as_bytes())
    }

    /// Whether a call can be a child step: it must depend on nothing but files, and give nothing else.
    pub(super) fn is_worth_it(&self, message: &Message) -> bool {
        let ordinary = message.input_is_empty && message.mask == 0o022;
        ordinary && (!self.is_compiler() || self.compiles())
    }

    /// Whether the program is one of GCC's or Clang's, by its name: `x86_64-linux-gnu-gcc-12`.
    fn is_compiler(&self) -> bool {
        let program = self.argv[0].rsplit('/').next().unwrap_or_default();
        let words = program.split(['-', '.']);
        words
            .into_iter()
            .any(|word| ["cc", "c++", "gcc", "g++", "clang", "clang++"].contains(&word))
    }

    /// Whether a compiler makes an object file and not text on its standard output.
    fn compiles(&self) -> bool {
        let has = |wanted: &str| self.argv.iter().any(|word| word == wanted);
        // One that compiles nothing is asked for what it says.
        let told = has("-") || has("-E") || has("/dev/null");
        (has("-c") || has("-S")) && has("-o") && !told
    }

    /// What it is about, for people: the file that it makes, or the last word.
    pub(super) fn subject(&self) -> &str {
        let made = self.argv.iter().position(|word| word == "-o");
        let made = made.and_then(|at| self.argv.get(at + 1)).or(self.argv.last());
        made.map_or("", |word| word.strip_prefix("./").unwrap_or(word))
    }
}

/// Raise it when a child step is run or its files are looked at in another way.
const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    fn message(words: &[&str]) -> Message {
        let env = [("MAKEFLAGS", "-j2"), ("A", "1")];
        Message {
            cwd: "/build".into(),
            argv: words.iter().map(|word| (*word).to_owned()).collect(),
            env: Some(env.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()),
            input_is_empty: true,
            mask: 0o022,
        }
    }

    fn is_worth_it(message: &Message) -> bool {
        Command::of(message, &BTreeMap::new()).is_worth_it(message)
    }

    #[test]
    fn what_makes_files_of_files_is_worth_it() {
        assert!(is_worth_it(&message(&["gcc", "-c", "x.c", "-o", "x.o"])));
        assert!(is_worth_it(&message(&["./tools/objtool/objtool", "x.o"])));
        for words in [
            &["gcc", "--version"][..],
            &["/usr/bin/x86_64-linux-gnu-gcc-12", "x.o", "-o", "x"],
            &["clang++-15", "-E", "-c", "x.c", "-o", "x"],
            &["gcc", "-c", "-x", "c", "-", "-o", "x.o"],
            &["gcc", "-Wa,--version", "-c", "-x", "assembler", "/dev/null", "-o", "/dev/null"],
        ] {
            assert!(!is_worth_it(&message(words)), "{words:?}");
        }
        let mut piped = message(&["gcc", "-c", "x.c", "-o", "x.o"]);
        piped.input_is_empty = false;
        assert!(!is_worth_it(&piped));
    }

    #[test]
    fn the_key_holds_everything_but_what_make_says_of_itself() {
        let root = ObjectId::Tree(groundup_digest::TreeId::of_encoded(b"root"));
        let initial = BTreeMap::from([("B".to_owned(), "2".to_owned())]);
        let key = |edit: &dyn Fn(&mut Message)| {
            let mut message = message(&["gcc", "-c", "x.c"]);
            edit(&mut message);
            Command::of(&message, &initial).key(1, root)
        };
        let plain = key(&|_| {});
        let more_jobs = |message: &mut Message| {
            message.env.as_mut().unwrap()[0].1 = "-j9".into();
        };
        assert_eq!(key(&more_jobs), plain);
        assert_ne!(key(&|message| message.argv.push("-O2".into())), plain);
        assert_ne!(key(&|message| message.cwd = "/tmp".into()), plain);
        assert_ne!(key(&|message| message.env.as_mut().unwrap()[1].1 = "2".into()), plain);
        assert_ne!(key(&|message| message.env = None), plain);
    }

    #[test]
    fn a_command_is_about_the_file_that_it_makes() {
        let subject =
            |words: &[&str]| Command::of(&message(words), &BTreeMap::new()).subject().to_owned();
        assert_eq!(subject(&["gcc", "-c", "x.c", "-o", "./a/x.o", "-g"]), "a/x.o");
        assert_eq!(subject(&["objtool", "--orc", "x.o"]), "x.o");
    }
}
