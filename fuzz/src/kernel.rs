//! Kernel configurations and the language of Kconfig files.

use crate::input::{Input, sections};
use groundup_kernel::{Config, ConfigDiff, Files, Kconfig, Requests, explain, kconfig::Limits};
use std::collections::BTreeMap;

/// A fragment, or a resolved configuration: what is read is written and read again as it was.
pub(crate) fn config(data: &[u8]) {
    let (variant, text) = Input::split(data);
    let read = match variant % 2 {
        0 => Config::parse("a.config", text),
        _ => Config::parse_resolved("a.config", text),
    };
    let config = match read {
        Ok(config) => config,
        Err(errors) => {
            assert!(!errors.is_empty(), "a failure says why");
            errors.iter().for_each(|error| assert!(!error.to_string().is_empty()));
            return;
        }
    };
    let requests = Requests::join([&config]).expect("a file that is read contradicts nothing");
    let written = requests.to_text();
    let again = Config::parse_resolved("b.config", written.as_bytes());
    let again = again.unwrap_or_else(|errors| panic!("{written:?} is not read: {errors:?}"));
    assert!(ConfigDiff::new(&config, &again).changes().is_empty(), "{written:?} says otherwise");
    if variant.is_multiple_of(2) {
        assert!(Config::parse("b.config", written.as_bytes()).is_ok(), "{written:?}");
    }
}

struct Sections<'a>(BTreeMap<&'a str, &'a [u8]>);

impl Files for Sections<'_> {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        self.0.get(path).map(|text| text.to_vec())
    }
}

/// A source tree: the files after lines `=== PATH`, a `fragment` and a resolved `.config` among them.
pub(crate) fn kconfig(data: &[u8]) {
    let files = Sections(sections(data).into_iter().collect());
    let variables = BTreeMap::from([("SRCARCH".to_owned(), "x86".to_owned())]);
    // What is refused by the default limits is refused by these, sooner.
    let limits = Limits { bytes: 1 << 18, files: 500, expansion: 1 << 18, references: 1 << 14 };
    let kconfig = match Kconfig::parse(&files, "Kconfig", variables, limits) {
        Ok(kconfig) => kconfig,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let text = |name: &str| files.0.get(name).copied().unwrap_or_default();
    let resolved = Config::parse_resolved(".config", text(".config"));
    let fragment = Config::parse("fragment", text("fragment"));
    let (Ok(resolved), Ok(fragment)) = (resolved, fragment) else { return };
    let requests = Requests::join([&fragment]).expect("a file that is read contradicts nothing");
    for dropped in explain(&requests, &resolved, &kconfig) {
        let sentence = dropped.to_string();
        let start = format!("CONFIG_{}=", dropped.symbol);
        assert!(sentence.starts_with(&start), "{sentence:?} does not name its symbol first");
    }
}
