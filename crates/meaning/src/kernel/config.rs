//! Kernel configurations: resolved ones and fragments, option by option.

use crate::{Finding, Kind, Pair};
use groundup_kernel::{
    Config, ConfigDiff,
    config::{Change, ConfigError},
};

/// Options that Kconfig finds out of the tools that build; they follow from those.
const TOOLS: &[&str] = &[
    "CC_VERSION_TEXT",
    "GCC_VERSION",
    "CLANG_VERSION",
    "AS_VERSION",
    "LD_VERSION",
    "LLD_VERSION",
    "PAHOLE_VERSION",
    "RUSTC_VERSION",
    "RUSTC_VERSION_TEXT",
    "RUSTC_LLVM_VERSION",
    "BINDGEN_VERSION_TEXT",
    "CC_IS_GCC",
    "CC_IS_CLANG",
    "AS_IS_GNU",
    "AS_IS_LLVM",
    "LD_IS_BFD",
    "LD_IS_LLD",
    "BUILDTIME_TABLE_SORT",
    "BUILD_SALT",
];
const TOOLS_BY_START: &[&str] = &[
    "CC_HAS_",
    "AS_HAS_",
    "LD_HAS_",
    "GCC_",
    "TOOLS_SUPPORT_",
    "CC_CAN_",
    "LD_CAN_",
    "AS_TFPU",
    "AS_AVX",
    "AS_SHA",
    "AS_GFNI",
    "AS_WRUSS",
    "RUSTC_HAS_",
];

/// Whether a file is one: by its name, or by what Kconfig writes into it.
pub(crate) fn is_config(path: &str, bytes: &[u8]) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    let is_named = file == ".config"
        || file.starts_with("config-") && path.contains("boot/")
        || file == "kernel.config"
        || path.ends_with("/proc/config.gz");
    let start = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    let start = String::from_utf8_lossy(start);
    let is_setting = |line: &str| line.starts_with("CONFIG_") || line.starts_with("# CONFIG_");
    let is_telling = start.contains("Automatically generated file; DO NOT EDIT")
        || file.ends_with(".config") && start.lines().any(is_setting);
    let has_settings = start.lines().any(is_setting);
    has_settings && (is_named || is_telling)
}

/// Compares two configurations; nothing if one of them cannot be read, with why.
pub(crate) fn compare(pair: &Pair<'_>) -> Result<Vec<Finding>, Finding> {
    let read = |bytes: &[u8]| {
        Config::parse_resolved(pair.path, bytes).map_err(|errors: Vec<ConfigError>| {
            let first = errors.first().map(ToString::to_string).unwrap_or_default();
            Finding::not_compared("the options by name", first)
        })
    };
    let (before, after) = (read(pair.before)?, read(pair.after)?);
    let diff = ConfigDiff::new(&before, &after);
    let mut findings: Vec<Finding> = diff
        .changes()
        .iter()
        .map(|(symbol, change)| {
            let (kind, note) = match is_of_tools(symbol) {
                true => (Kind::Identity, Some("found out of the tools that build")),
                false => (Kind::KernelOption, None),
            };
            let what = format!("CONFIG_{symbol}");
            let finding = match change {
                Change::Removed(old) => Finding::removed(kind, what, old.to_string()),
                Change::Changed(old, new) => {
                    Finding::changed(kind, what, old.to_string(), new.to_string())
                }
                Change::Added(new) => Finding::added(kind, what, new.to_string()),
            };
            match note.or_else(|| meaning(change)) {
                Some(note) => finding.note(note),
                None => finding,
            }
        })
        .collect();
    if findings.is_empty() && pair.before != pair.after {
        let what = "comments and order of the file";
        let note = "every option has the value that it had";
        findings.push(Finding::bare(Kind::Encoding, what).note(note));
    }
    findings.sort_by_key(|finding| finding.kind.is_boring());
    Ok(findings)
}

/// Whether an option only says what the tools that build can do.
pub(super) fn is_of_tools(symbol: &str) -> bool {
    TOOLS.contains(&symbol) || TOOLS_BY_START.iter().any(|start| symbol.starts_with(start))
}

/// What a change of on, off and module means for who looks for the feature.
fn meaning(change: &Change) -> Option<&'static str> {
    let word = |value: &groundup_kernel::Value| value.tristate();
    use groundup_kernel::config::Tristate::{Module, No, Yes};
    Some(match change {
        Change::Changed(old, new) => match (word(old)?, word(new)?) {
            (Yes | Module, No) => "gone from the kernel",
            (No, Yes | Module) => "new in the kernel",
            (Yes, Module) => "no longer built in: its module has to be loaded",
            (Module, Yes) => "built in: no module any more",
            _ => return None,
        },
        Change::Removed(old) if matches!(word(old)?, Yes | Module) => {
            "no longer named: what it depends on is off, or it does not exist any more"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(before: &str, after: &str) -> Vec<Finding> {
        let (before, after) = (before.as_bytes(), after.as_bytes());
        compare(&Pair { path: "boot/config-6.1", before, after }).unwrap()
    }

    #[test]
    fn options_are_told_by_name_and_those_of_tools_are_boring() {
        let found = told(
            "CONFIG_CC_VERSION_TEXT=\"gcc 12.2\"\nCONFIG_NF_TABLES=m\nCONFIG_A=y\nCONFIG_X=1\n",
            "CONFIG_CC_VERSION_TEXT=\"gcc 12.3\"\n# CONFIG_NF_TABLES is not set\nCONFIG_X=1\n",
        );
        let rows: Vec<_> = found.iter().map(|one| (one.kind, one.what.as_str())).collect();
        let expected = [
            (Kind::KernelOption, "CONFIG_A"),
            (Kind::KernelOption, "CONFIG_NF_TABLES"),
            (Kind::Identity, "CONFIG_CC_VERSION_TEXT"),
        ];
        assert_eq!(rows, expected);
        assert_eq!((found[1].before.as_deref(), found[1].after.as_deref()), (Some("m"), Some("n")));
        assert_eq!(found[1].note.as_deref(), Some("gone from the kernel"));
    }

    #[test]
    fn order_and_comments_do_not_count() {
        let found = told("# a\nCONFIG_A=y\nCONFIG_B=m\n", "CONFIG_B=m\nCONFIG_A=y\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].kind.is_boring());
    }

    #[test]
    fn a_file_that_is_none_says_where() {
        let pair = Pair { path: ".config", before: b"CONFIG_A=y\n", after: b"CONFIG_A = y\n" };
        let finding = compare(&pair).unwrap_err();
        assert_eq!(finding.kind, Kind::NotCompared);
        assert!(finding.note.unwrap().contains(".config:1"));
    }

    #[test]
    fn configurations_are_known_by_name_and_content() {
        assert!(is_config("boot/config-6.1.0-13-amd64", b"CONFIG_A=y\n"));
        assert!(is_config("x/edge.config", b"# why\nCONFIG_A=y\n"));
        assert!(!is_config("etc/app.config", b"a=b\n"));
        assert!(!is_config("etc/ssh/config-x", b"CONFIG_A=y\n"));
    }
}
