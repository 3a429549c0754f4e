//! Requests that a configuration does not keep, each with the one sentence that says why.

#![allow(clippy::unwrap_used, reason = "a fixture that is wrong ends the test")]

use groundup_kernel::{
    Cause, CheckError, Checked, Dropped, Inputs, Kconfig, Reason, check,
    kconfig::{Limits, Type},
};
use std::collections::BTreeMap;

/// A kernel in small. Tests name its lines, so new entries go to the end.
const NET: &str = r#"mainmenu "A kernel in small"

source "arch/$(SRCARCH)/Kconfig"

menuconfig NET
	bool "Networking"

if NET

config NET_NS
	bool "Namespaces"
	depends on NAMESPACES

config VETH
	tristate "Pairs of devices"
	depends on NET_NS && (INET || IPV6)

config INET
	bool "IPv4"

config IPV6
	tristate "IPv6"
	depends on INET

config NETFILTER_XT_MARK
	tristate "Marks"
	select NF_CORE

config NF_CORE
	tristate "Core"

config NF_HIDDEN
	bool
	default y if NF_CORE

endif

config NAMESPACES
	bool "Namespaces" if EXPERT
	default y

config EXPERT
	bool "Expert"

config MODULES
	modules
	bool "Modules"

choice
	prompt "Compression"

config KERNEL_GZIP
	bool "gzip"

config KERNEL_ZSTD
	bool "zstd"
	depends on HAVE_ZSTD

config KERNEL_XZ
	bool "xz"

endchoice

config NR_CPUS
	int "Processors"
	range 2 64 if SMP
	range 1 1
	default 8

config SMP
	def_bool y

config PHYSICAL_START
	hex "Start"
	default 0x100000

config NAME
	string "Name" if EXPERT
	default "(none)"

config STACKPROTECTOR
	bool "Stack protector"
	depends on $(cc-option,-fstack-protector)

config DEVICE
	tristate "Device"
	depends on BUS || !BUS
	depends on !LEGACY

config BUS
	tristate "Bus"

config LEGACY
	bool "Legacy"

config ONLY_MODULE
	tristate "A module"
	depends on m
"#;

const X86: &str = "cc-option = $(shell,cc $(1) && echo y || echo n)\n\
                   config HAVE_ZSTD\n\tdef_bool n\n\
                   config X86_PICKER\n\tbool\n\tselect NF_HIDDEN\n";

fn verdict(fragment: &str, resolved: &str, allow: &[&str]) -> Result<Checked, CheckError> {
    let files = BTreeMap::from([("Kconfig", NET), ("arch/x86/Kconfig", X86)]);
    check(Inputs {
        files: &files,
        srcarch: "x86",
        variables: &[],
        fragments: &[("kernel/edge.config", fragment.as_bytes())],
        resolved: resolved.as_bytes(),
        allow_dropped: allow,
    })
}

fn dropped(fragment: &str, resolved: &str) -> Vec<Dropped> {
    match verdict(fragment, resolved, &[]) {
        Ok(_) => Vec::new(),
        Err(CheckError::Dropped(dropped)) => dropped,
        Err(error) => panic!("{error:?}"),
    }
}

fn sentence(fragment: &str, resolved: &str) -> String {
    let all: Vec<String> = dropped(fragment, resolved).iter().map(ToString::to_string).collect();
    all.join("\n")
}

#[test]
fn names_the_unset_dependency_and_what_that_lacks_in_turn() {
    let asked = "\nCONFIG_VETH=y\n";
    assert_eq!(
        sentence(asked, "CONFIG_NET=y\nCONFIG_INET=y\n"),
        "CONFIG_VETH=y was asked for at kernel/edge.config:2, but it became n: it depends on \
         CONFIG_NET_NS, which is n (Kconfig:16); CONFIG_NET_NS in turn needs CONFIG_NAMESPACES, \
         which is n (Kconfig:12)"
    );
    assert_eq!(
        sentence(asked, "CONFIG_INET=y\n# CONFIG_NET is not set\nCONFIG_NAMESPACES=y\n"),
        "CONFIG_VETH=y was asked for at kernel/edge.config:2, but it became n: it depends on \
         CONFIG_NET_NS, which is n (Kconfig:16), and on CONFIG_NET, which is n (Kconfig:8); \
         add CONFIG_NET=y"
    );
}

#[test]
fn names_all_of_an_alternative_of_which_none_holds() {
    assert_eq!(
        sentence("CONFIG_VETH=y\n", "CONFIG_NET=y\nCONFIG_NET_NS=y\n"),
        "CONFIG_VETH=y was asked for at kernel/edge.config:1, but it became n: it depends on \
         CONFIG_INET || CONFIG_IPV6, where CONFIG_INET is n and CONFIG_IPV6 is n (Kconfig:16)"
    );
}

#[test]
fn names_what_is_on_but_must_not_be() {
    assert_eq!(
        sentence("CONFIG_DEVICE=y\n", "CONFIG_LEGACY=y\n# CONFIG_DEVICE is not set\n"),
        "CONFIG_DEVICE=y was asked for at kernel/edge.config:1, but it became n: it depends on \
         !CONFIG_LEGACY, where CONFIG_LEGACY is y (Kconfig:88)"
    );
}

#[test]
fn names_the_dependency_that_is_only_a_module() {
    let found = dropped("CONFIG_DEVICE=y\n", "CONFIG_DEVICE=m\nCONFIG_BUS=m\nCONFIG_MODULES=y\n");
    assert_eq!(
        found[0].to_string(),
        "CONFIG_DEVICE=y was asked for at kernel/edge.config:1, but it became m: it depends on \
         CONFIG_BUS || !CONFIG_BUS, where CONFIG_BUS is m (Kconfig:87)"
    );
    assert!(matches!(&found[0].reason, Reason::Unmet(obstacles) if obstacles[0].cause.is_none()));
    assert_eq!(
        sentence("CONFIG_ONLY_MODULE=m\n", "# CONFIG_MODULES is not set\n"),
        "CONFIG_ONLY_MODULE=m was asked for at kernel/edge.config:1, but it became n: it depends \
         on m, where CONFIG_MODULES is n (Kconfig:98)"
    );
}

#[test]
fn names_who_selects_a_value() {
    let resolved = "CONFIG_NET=y\nCONFIG_NETFILTER_XT_MARK=y\nCONFIG_NF_CORE=y\n";
    assert_eq!(
        sentence("# CONFIG_NF_CORE is not set\n", resolved),
        "CONFIG_NF_CORE=n was asked for at kernel/edge.config:1, but it became y: \
         CONFIG_NETFILTER_XT_MARK (Kconfig:27) selects it"
    );
    // A module that selects does not make it more than a module.
    let resolved = resolved.replace("MARK=y", "MARK=m") + "CONFIG_MODULES=y\n";
    assert!(matches!(
        dropped("CONFIG_NF_CORE=m\n", &resolved)[0].reason,
        Reason::Unexplained { .. }
    ));
}

#[test]
fn names_the_chosen_member_of_a_choice() {
    let gzip = "CONFIG_KERNEL_GZIP=y\n# CONFIG_KERNEL_XZ is not set\n";
    assert_eq!(
        sentence("CONFIG_KERNEL_XZ=y\n", gzip),
        "CONFIG_KERNEL_XZ=y was asked for at kernel/edge.config:1, but it became n: \
         CONFIG_KERNEL_GZIP is chosen of \"Compression\" (Kconfig:49)"
    );
    assert_eq!(
        sentence("# CONFIG_KERNEL_GZIP is not set\n", gzip),
        "CONFIG_KERNEL_GZIP=n was asked for at kernel/edge.config:1, but it became y: one of \
         \"Compression\" has to be y, and no other is asked for (Kconfig:49)"
    );
    // What the member lacks counts before what was chosen in its place.
    assert_eq!(
        sentence("CONFIG_KERNEL_ZSTD=y\n", gzip),
        "CONFIG_KERNEL_ZSTD=y was asked for at kernel/edge.config:1, but it became n: it depends \
         on CONFIG_HAVE_ZSTD, which is n (Kconfig:57); CONFIG_HAVE_ZSTD has no prompt: \
         only its default sets it (arch/x86/Kconfig:3)"
    );
}

#[test]
fn offers_the_name_that_a_symbol_has_now() {
    assert_eq!(
        sentence("CONFIG_NETFILTER_XT_TARGET_MARK=m\n", ""),
        "CONFIG_NETFILTER_XT_TARGET_MARK=m was asked for at kernel/edge.config:1, but this kernel \
         has no such symbol: is CONFIG_NETFILTER_XT_MARK meant?"
    );
    let found = dropped("CONFIG_FROBNICATE=y\n", "");
    assert_eq!(found[0].reason, Reason::UnknownSymbol { nearest: None });
}

#[test]
fn says_that_a_symbol_without_a_prompt_cannot_be_set() {
    assert_eq!(
        sentence("CONFIG_NF_HIDDEN=y\n", "CONFIG_NET=y\n"),
        "CONFIG_NF_HIDDEN=y was asked for at kernel/edge.config:1, but it became n: it has no \
         prompt (Kconfig:32): only its default sets it (Kconfig:34), or CONFIG_X86_PICKER \
         (arch/x86/Kconfig:6) selects it"
    );
    assert_eq!(
        sentence("# CONFIG_SMP is not set\n", "CONFIG_SMP=y\n"),
        "CONFIG_SMP=n was asked for at kernel/edge.config:1, but it became y: it has no prompt \
         (Kconfig:70): only its default sets it (Kconfig:71)"
    );
}

#[test]
fn says_that_a_default_stands_where_the_prompt_is_hidden() {
    assert_eq!(
        sentence("# CONFIG_NAMESPACES is not set\n", "CONFIG_NAMESPACES=y\n"),
        "CONFIG_NAMESPACES=n was asked for at kernel/edge.config:1, but it became y: it can be set \
         only with CONFIG_EXPERT, which is n (Kconfig:39); add CONFIG_EXPERT=y"
    );
    let name = sentence("CONFIG_NAME=\"edge\"\n", "CONFIG_NAME=\"(none)\"\n");
    assert!(name.contains("became \"(none)\": it can be set only with CONFIG_EXPERT"), "{name}");
}

#[test]
fn names_the_range_that_counts() {
    assert_eq!(
        sentence("CONFIG_NR_CPUS=512\n", "CONFIG_SMP=y\nCONFIG_NR_CPUS=64\n"),
        "CONFIG_NR_CPUS=512 was asked for at kernel/edge.config:1, but it became 64: its range is \
         2 to 64 (Kconfig:66)"
    );
    let one = sentence("CONFIG_NR_CPUS=2\n", "CONFIG_NR_CPUS=1\n");
    assert!(one.ends_with("its range is 1 to 1 (Kconfig:67)"), "{one}");
}

#[test]
fn says_that_there_are_no_modules() {
    assert_eq!(
        sentence("CONFIG_BUS=m\n", "CONFIG_BUS=y\n# CONFIG_MODULES is not set\n"),
        "CONFIG_BUS=m was asked for at kernel/edge.config:1, but it became y: there are no \
         modules, since CONFIG_MODULES is n"
    );
}

#[test]
fn leaves_to_the_toolchain_what_only_it_knows() {
    assert_eq!(
        sentence("CONFIG_STACKPROTECTOR=y\n", ""),
        "CONFIG_STACKPROTECTOR=y was asked for at kernel/edge.config:1, but it became n: it \
         depends on $(cc-option,-fstack-protector), which is for the toolchain to say (Kconfig:83)"
    );
}

#[test]
fn refuses_a_value_of_another_type_although_kconfig_took_it() {
    let cases = [
        ("CONFIG_NET=m\n", "CONFIG_NET=y\n", "write `CONFIG_NET=y`, since it is no module"),
        ("CONFIG_NET=1\n", "", "write `CONFIG_NET=y` or `# CONFIG_NET is not set`"),
        ("CONFIG_NAME=m\n", "", "write `CONFIG_NAME=\"m\"`"),
        ("CONFIG_NR_CPUS=y\n", "", "write a decimal number behind `CONFIG_NR_CPUS=`"),
        // Kconfig takes decimal digits for hexadecimal ones.
        (
            "CONFIG_PHYSICAL_START=1048576\n",
            "CONFIG_PHYSICAL_START=0x1048576\n",
            "write `CONFIG_PHYSICAL_START=0x1048576`, or `0x100000` for the decimal number",
        ),
    ];
    for (asked, resolved, words) in cases {
        let found = sentence(asked, resolved);
        assert!(found.ends_with(words), "{asked}: {found}");
        assert!(matches!(dropped(asked, resolved)[0].reason, Reason::WrongType { .. }));
    }
}

#[test]
fn what_is_kept_passes_and_is_listed_with_its_lines() {
    let fragment = "CONFIG_NET=y\nCONFIG_PHYSICAL_START=0X00fF\n# CONFIG_GONE is not set\n\
                    # CONFIG_LEGACY is not set\nCONFIG_NAME=\"a\"\n";
    // Kconfig writes a default as its file spells it.
    let resolved = "CONFIG_NET=y\nCONFIG_PHYSICAL_START=ff\nCONFIG_NAME=\"a\"\n";
    let checked = verdict(fragment, resolved, &["NET"]).unwrap();
    assert_eq!(
        checked.to_text(),
        "CONFIG_GONE=n\tkernel/edge.config:3\n\
         CONFIG_LEGACY=n\tkernel/edge.config:4\n\
         CONFIG_NAME=\"a\"\tkernel/edge.config:5\n\
         CONFIG_NET=y\tkernel/edge.config:1\n\
         CONFIG_PHYSICAL_START=0X00fF\tkernel/edge.config:2\n\
         # dropping CONFIG_NET is allowed, but nothing drops it\n"
    );
}

#[test]
fn what_may_be_dropped_is_told_and_does_not_fail() {
    let checked = verdict("CONFIG_BUS=y\nCONFIG_VETH=m\n", "CONFIG_BUS=y\n", &["VETH"]).unwrap();
    assert_eq!(checked.allowed.len(), 1);
    assert!(checked.to_text().contains("# dropped, as allowed: CONFIG_VETH=m was asked for at"));
    assert!(checked.unneeded.is_empty());
    // Of several, only the others are told as errors.
    let error = verdict("CONFIG_BUS=y\nCONFIG_VETH=m\n", "", &["VETH"]).unwrap_err();
    assert!(error.to_string().starts_with("CONFIG_BUS=y was asked for"), "{error}");
}

#[test]
fn causes_are_facts_and_not_only_words() {
    let found = dropped("CONFIG_VETH=y\n", "CONFIG_NET=y\nCONFIG_INET=y\nCONFIG_NAMESPACES=y\n");
    let Reason::Unmet(obstacles) = &found[0].reason else { panic!("{found:?}") };
    assert_eq!(obstacles[0].condition, "CONFIG_NET_NS");
    assert_eq!(obstacles[0].values, [("CONFIG_NET_NS".to_owned(), Some("n".to_owned()))]);
    assert!(matches!(obstacles[0].cause, Some(Cause::Free(_))));
}

#[test]
fn a_selected_member_of_a_choice_is_decided_by_the_choice_alone() {
    let tree = BTreeMap::from([(
        "Kconfig",
        "choice\n\tprompt \"Mode\"\nconfig HOST\n\tbool \"host\"\nconfig DUAL\n\tbool \"dual\"\n\
         endchoice\nconfig GLUE\n\tbool \"glue\"\n\tselect DUAL\n",
    )]);
    let error = check(Inputs {
        files: &tree,
        srcarch: "x86",
        variables: &[],
        fragments: &[("a.config", b"# CONFIG_DUAL is not set\n")],
        resolved: b"CONFIG_GLUE=y\nCONFIG_DUAL=y\n",
        allow_dropped: &[],
    });
    let Err(CheckError::Dropped(found)) = error else { panic!("{error:?}") };
    assert!(matches!(found[0].reason, Reason::OnlyChoice { .. }), "{found:?}");
}

#[test]
fn fragments_and_sources_that_cannot_be_read_are_named() {
    let error = verdict("CONFIG_NET = y\n", "", &[]).unwrap_err();
    assert!(error.to_string().starts_with("kernel/edge.config:1: "), "{error}");
    let files: BTreeMap<&str, &str> = BTreeMap::from([("Kconfig", "source \"nowhere\"\n")]);
    let error = Kconfig::parse(&files, "Kconfig", BTreeMap::new(), Limits::default()).unwrap_err();
    let words = "Kconfig:1: the source has no file nowhere, which is included here";
    assert_eq!(error.to_string(), words);
}

#[test]
fn the_fixture_is_read_as_it_is_meant() {
    let files = BTreeMap::from([("Kconfig", NET), ("arch/x86/Kconfig", X86)]);
    let variables = BTreeMap::from([("SRCARCH".to_owned(), "x86".to_owned())]);
    let kconfig = Kconfig::parse(&files, "Kconfig", variables, Limits::default()).unwrap();
    assert_eq!(kconfig.modules(), Some("MODULES"));
    assert_eq!(kconfig.kind("KERNEL_XZ"), Some(Type::Bool));
    assert_eq!(kconfig.choices()[0].members, ["KERNEL_GZIP", "KERNEL_ZSTD", "KERNEL_XZ"]);
}
