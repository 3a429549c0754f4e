//! What sections are for, by their names.

/// What a section is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Functions and variables.
    Content,
    /// What linkers, compilers and `objtool` derive from the rest: it moves when that does.
    Table,
    /// What debuggers and tracers read.
    Debug,
    /// Written for a build: its id, the compiler.
    Identity,
    /// `key=value` of a kernel module, checksums of what it needs: read by key.
    Module,
}

impl Class {
    pub(super) fn of(name: &[u8]) -> Self {
        let Ok(name) = std::str::from_utf8(name) else { return Self::Content };
        let starts = |list: &[&str]| list.iter().any(|start| name.starts_with(start));
        match name {
            _ if starts(&[".debug", ".zdebug", ".stab", ".gnu.debuglto_", ".gnu.lto_"]) => {
                Self::Debug
            }
            ".BTF" | ".BTF.ext" | ".BTF.base" | ".BTF_ids" | ".ctf" | ".SUNW_ctf" => Self::Debug,
            ".note.gnu.build-id" | ".note.Linux" | ".comment" | ".gnu_debuglink"
            | ".gnu_debugaltlink" | ".gnu_debugdata" | ".orc_header" | ".note.go.buildid"
            | ".note.package" => Self::Identity,
            ".modinfo" | "__versions" | "__version_ext_crcs" | "__version_ext_names" => {
                Self::Module
            }
            _ if starts(&[".rela", ".rel.", ".relr", ".plt", ".got", ".iplt", ".igot"])
                && !starts(&[".relro_padding"]) =>
            {
                Self::Table
            }
            _ if starts(&["__ksymtab", "___ksymtab", "__kcrctab", "___kcrctab"]) => Self::Table,
            _ if starts(&[".orc_unwind", ".eh_frame", ".gcc_except_table"]) => Self::Table,
            ".symtab"
            | ".strtab"
            | ".shstrtab"
            | ".symtab_shndx"
            | ".dynsym"
            | ".dynstr"
            | ".hash"
            | ".gnu.hash"
            | ".gnu.version"
            | ".gnu.version_r"
            | ".gnu.version_d"
            | ".dynamic"
            | ".interp"
            | ".group"
            | ".note.gnu.property"
            | ".ARM.exidx"
            | ".ARM.extab"
            | ".sframe"
            | "__mcount_loc"
            | "__patchable_function_entries"
            | ".altinstructions"
            | ".altinstr_aux"
            | "__bug_table"
            | "__ex_table"
            | "__jump_table"
            | ".return_sites"
            | ".retpoline_sites"
            | ".call_sites"
            | ".cfi_sites"
            | ".ibt_endbr_seal"
            | ".smp_locks"
            | ".parainstructions"
            | ".static_call_sites"
            | ".llvm_addrsig"
            | ".llvm.call-graph-profile"
            | ".gnu.attributes"
            | "" => Self::Table,
            _ => Self::Content,
        }
    }

    /// Whether it follows from what else is in the file, or is compared by its meaning elsewhere.
    pub(super) fn is_table(self) -> bool {
        self != Self::Content
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_known_by_their_names() {
        let class = |name: &str| Class::of(name.as_bytes());
        assert_eq!(class(".text"), Class::Content);
        assert_eq!(class(".init.text"), Class::Content);
        assert_eq!(class(".rela.text"), Class::Table);
        assert_eq!(class("__ksymtab_gpl"), Class::Table);
        assert_eq!(class(".debug_info"), Class::Debug);
        assert_eq!(class(".note.gnu.build-id"), Class::Identity);
        assert_eq!(class(".modinfo"), Class::Module);
        assert!(!class(".rodata").is_table());
    }
}
