//! What a kernel is, as values: its configuration, the symbols that it exports, its modules with what
//! they export and need. A comparison of two kernels reads these and needs neither vmlinux nor modules.

mod module;

pub use module::{Export, ModuleError, ModuleFacts, module};

use crate::{Config, config::ConfigError};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What one kernel is. As JSON it is the file `kernel.json` of the output `facts` of a kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KernelFacts {
    /// Of this form; 1.
    pub version: u32,
    /// What its modules lie under, and `uname -r` says: `6.1.176`; none without modules.
    pub release: Option<String>,
    /// Its resolved configuration: symbols with their values, those that are `n` left out.
    pub config: BTreeMap<String, String>,
    /// What vmlinux exports to modules.
    pub exports: Vec<Export>,
    /// Its modules by path below `lib/modules/RELEASE`.
    pub modules: BTreeMap<String, ModuleFacts>,
}

/// What files say of a kernel.
#[derive(Debug, Clone, Copy)]
pub struct Parts<'a> {
    /// The resolved configuration.
    pub config: &'a [u8],
    /// `System.map`.
    pub system_map: &'a [u8],
    /// Release of the modules.
    pub release: Option<&'a str>,
    /// Modules by path.
    pub modules: &'a BTreeMap<String, Vec<u8>>,
}

/// Why there are no facts of a kernel.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// The resolved configuration cannot be read.
    #[error("the resolved configuration cannot be read")]
    Config(#[source] ConfigError),
    /// A module cannot be read.
    #[error("the module {path} cannot be read")]
    Module {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: ModuleError,
    },
}

/// Reads what a kernel is.
pub fn facts(parts: Parts<'_>) -> Result<KernelFacts, FactsError> {
    let config = Config::parse_resolved("config", parts.config)
        .map_err(|errors| FactsError::Config(errors.into_iter().next().expect("one at least")))?;
    let settings = config.settings().iter();
    let config = settings
        .map(|(symbol, setting)| (symbol.clone(), setting.value.to_string()))
        .filter(|(_, value)| value != "n")
        .collect();
    let mut modules = BTreeMap::new();
    for (path, bytes) in parts.modules {
        let facts =
            module(bytes).map_err(|source| FactsError::Module { path: path.clone(), source })?;
        modules.insert(path.clone(), facts);
    }
    let release = parts.release.map(str::to_owned);
    let exports = exports(&String::from_utf8_lossy(parts.system_map));
    Ok(KernelFacts { version: 1, release, config, exports, modules })
}

/// What a kernel's map says that it exports: `__ksymtab_NAME`, and between two marks those that are
/// for modules under the GPL (include/asm-generic/vmlinux.lds.h).
fn exports(map: &str) -> Vec<Export> {
    let lines = map.lines().filter_map(|line| {
        let mut words = line.split_ascii_whitespace();
        let address = u64::from_str_radix(words.next()?, 16).ok()?;
        Some((address, words.nth(1)?))
    });
    let lines: Vec<(u64, &str)> = lines.collect();
    let at = |mark: &str| lines.iter().find(|(_, name)| *name == mark).map(|(address, _)| *address);
    let gpl = at("__start___ksymtab_gpl").zip(at("__stop___ksymtab_gpl"));
    let found = lines.iter().filter_map(|(address, name)| {
        let name = name.strip_prefix("__ksymtab_")?;
        let gpl = gpl.is_some_and(|(start, stop)| (start..stop).contains(address));
        Some(Export { name: name.to_owned(), gpl })
    });
    // A name may stand twice where the table is aligned; once is enough.
    found.collect::<BTreeSet<_>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAP: &str = "ffffffff81000000 T _text\n\
                       ffffffff82000000 R __start___ksymtab\n\
                       ffffffff82000000 r __ksymtab_printk\n\
                       ffffffff82000010 R __start___ksymtab_gpl\n\
                       ffffffff82000010 R __stop___ksymtab\n\
                       ffffffff82000010 r __ksymtab_verity\n\
                       ffffffff8200001c R __stop___ksymtab_gpl\n";

    #[test]
    fn the_map_tells_what_is_exported_to_whom() {
        let export = |name: &str, gpl| Export { name: name.to_owned(), gpl };
        assert_eq!(exports(MAP), [export("printk", false), export("verity", true)]);
        assert_eq!(exports("not a map\n"), []);
    }

    #[test]
    fn what_is_not_set_is_left_out() {
        let config = b"CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_C=\"x\"\nCONFIG_D=m\n";
        let modules = BTreeMap::new();
        let parts = Parts { config, system_map: MAP.as_bytes(), release: None, modules: &modules };
        let facts = facts(parts).unwrap();
        let config: Vec<_> =
            facts.config.iter().map(|(symbol, value)| (symbol.as_str(), value.as_str())).collect();
        assert_eq!(config, [("A", "y"), ("C", "\"x\""), ("D", "m")]);
    }

    #[test]
    fn a_module_that_is_none_is_named() {
        let modules = BTreeMap::from([("x.ko".to_owned(), b"no ELF".to_vec())]);
        let parts = Parts { config: b"", system_map: b"", release: None, modules: &modules };
        assert!(facts(parts).unwrap_err().to_string().contains("x.ko"));
    }
}
