//! What a module is: its `.modinfo`, and the symbols that it exports and needs.
//!
//! Source: Linux 6.1, include/linux/moduleparam.h (`.modinfo` holds `key=value`, zero-terminated),
//! include/linux/export.h (`__ksymtab_NAME` in `__ksymtab` or `__ksymtab_gpl`),
//! scripts/sign-file.c (a signature is appended and ends with a magic text).

use object::{Object, ObjectSection, ObjectSymbol, SymbolIndex};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A symbol that modules may use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Export {
    /// Its name.
    pub name: String,
    /// Whether only modules under the GPL may.
    pub gpl: bool,
}

/// What one module is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ModuleFacts {
    /// What it says of itself, in order: `license`, `depends`, `vermagic`, `alias` and others.
    pub info: BTreeMap<String, Vec<String>>,
    /// What it exports.
    pub exports: Vec<Export>,
    /// What it needs of the kernel or of other modules.
    pub needs: Vec<String>,
    /// Its build id, hexadecimal.
    pub build_id: Option<String>,
    /// Whether a signature is appended.
    pub signed: bool,
    /// How many functions and variables it names: what a comparison can attribute changes to.
    pub symbols: usize,
}

/// Why a file is no module.
#[derive(Debug, thiserror::Error)]
pub enum ModuleError {
    /// It is no ELF file, or a damaged one.
    #[error("it is not a well-formed ELF file")]
    Elf(#[from] object::Error),
    /// It lacks what every module has.
    #[error("it has no section `.modinfo`")]
    NoInfo,
}

const SIGNED: &[u8] = b"~Module signature appended~\n";

/// Reads a module.
pub fn module(bytes: &[u8]) -> Result<ModuleFacts, ModuleError> {
    let file = object::File::parse(bytes)?;
    let info = file.section_by_name(".modinfo").ok_or(ModuleError::NoInfo)?;
    let mut facts = ModuleFacts { signed: bytes.ends_with(SIGNED), ..ModuleFacts::default() };
    for entry in info.data()?.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let text = String::from_utf8_lossy(entry);
        let (key, value) = text.split_once('=').unwrap_or((&text, ""));
        facts.info.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    let id = file.build_id()?;
    facts.build_id = id.map(|id| id.iter().map(|byte| format!("{byte:02x}")).collect());
    let (mut exports, mut needs) = (BTreeSet::new(), BTreeSet::new());
    for symbol in file.symbols().filter(|symbol| symbol.index() != SymbolIndex(0)) {
        let name = String::from_utf8_lossy(symbol.name_bytes()?).into_owned();
        if symbol.is_undefined() {
            needs.insert(name);
            continue;
        }
        if symbol.is_definition() {
            facts.symbols += 1;
        }
        if let Some(exported) = name.strip_prefix("__ksymtab_") {
            let section = symbol.section_index().map(|index| file.section_by_index(index));
            let section = section.transpose()?;
            let section = section.as_ref().map_or(Ok(&b""[..]), |section| section.name_bytes())?;
            // Before the last link each entry has a section of its own: `___ksymtab_gpl+NAME`.
            let gpl =
                section.starts_with(b"__ksymtab_gpl") || section.starts_with(b"___ksymtab_gpl");
            exports.insert(Export { name: exported.to_owned(), gpl });
        }
    }
    facts.exports = exports.into_iter().collect();
    facts.needs = needs.into_iter().collect();
    Ok(facts)
}
