//! The language of Kconfig files: what is read, and what is refused with its line.

#![allow(clippy::unwrap_used, reason = "a fixture that is wrong ends the test")]

use groundup_kernel::{
    Kconfig,
    kconfig::{Limits, Type},
};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn read(files: &[(&str, &str)]) -> Result<Kconfig, String> {
    let files: BTreeMap<&str, &str> = files.iter().copied().collect();
    let variables = BTreeMap::from([("SRCARCH".to_owned(), "x86".to_owned())]);
    Kconfig::parse(&files, "Kconfig", variables, Limits::default())
        .map_err(|error| error.to_string())
}

fn one(text: &str) -> Result<Kconfig, String> {
    read(&[("Kconfig", text)])
}

#[test]
fn reads_every_attribute_of_an_entry() {
    let kconfig = one(concat!(
        "config A\n",
        "\ttristate \"a \\\"quoted\\\" prompt\" if B && \\\n\t\tC\n",
        "\tdefault m if B\n\tdefault y\n\tdepends on D # why\n\tdepends on E\n",
        "\tselect S if T\n\tselect U\n\timply V\n",
        "\thelp\n\t  config NOT_ONE\n\n\t  depends on NOTHING\n",
        "config N\n\thex\n\tprompt 'n'\n\trange 0x0 0xff if A\n\trange 1 M\n\tdefault 0x10\n",
        "config S\n\tdef_bool $(success,true)\n",
    ))
    .unwrap();
    let a = &kconfig.symbol("A").unwrap().definitions[0];
    assert_eq!(a.prompt.as_ref().unwrap().text, "a \"quoted\" prompt");
    let shown = |name: &str| kconfig.kind(name);
    let condition = &a.prompt.as_ref().unwrap().condition.as_ref().unwrap().expression;
    assert_eq!(condition.shown(&shown), "CONFIG_B && CONFIG_C");
    assert_eq!((a.defaults.len(), a.depends.len(), a.selects.len(), a.implies.len()), (2, 2, 2, 1));
    assert_eq!(a.depends[1].place.to_string(), "Kconfig:7");
    assert_eq!(kconfig.symbol("N").unwrap().definitions[0].ranges.len(), 2);
    assert_eq!(kconfig.kind("N"), Some(Type::Hex));
    assert_eq!(kconfig.symbols().map(|(name, _)| name).collect::<Vec<_>>(), ["A", "N", "S"]);
    let selectors: Vec<&str> = kconfig.selectors("S").map(|(by, ..)| by).collect();
    assert_eq!(selectors, ["A"]);
}

#[test]
fn entries_depend_on_the_blocks_around_them() {
    let kconfig = one("menu \"m\"\n\tdepends on A\n\tvisible if V\nif B\nconfig X\n\tbool \"x\" \
                       if P\n\tdepends on C\nendif\nconfig Y\n\tbool\nendmenu\nconfig Z\n\tbool\n")
    .unwrap();
    let depends = |name: &str| {
        let definition = &kconfig.symbol(name).unwrap().definitions[0];
        let all = kconfig.depends(definition);
        let all = all.iter().map(|one| one.expression.shown(&|_| None)).collect::<Vec<_>>();
        let shown = kconfig.shown(definition).map(|all| all.len());
        (all.join(" "), shown)
    };
    assert_eq!(depends("X"), ("CONFIG_C CONFIG_B CONFIG_A".to_owned(), Some(2)));
    assert_eq!(depends("Y"), ("CONFIG_A".to_owned(), None));
    assert_eq!(depends("Z"), (String::new(), None));
}

#[test]
fn a_choice_gives_its_members_type_and_dependencies() {
    let kconfig = one("choice\n\tprompt \"c\" if P\n\tdepends on D\n\tdefault B\n\
                       config A\n\tbool \"a\"\n\nif Q\nconfig B\n\tprompt \"b\"\nendif\n\
                       config BELOW_A\n\tbool \"below\"\n\tdepends on A\nendchoice\n")
    .unwrap();
    assert_eq!(kconfig.choices()[0].members, ["A", "B"]);
    assert_eq!(kconfig.kind("B"), Some(Type::Bool));
    let b = &kconfig.symbol("B").unwrap().definitions[0];
    let depends: Vec<String> =
        kconfig.depends(b).iter().map(|one| one.expression.shown(&|_| None)).collect();
    assert_eq!(depends, ["CONFIG_Q", "CONFIG_D", "CONFIG_P"]);
    // What depends on a member is an option of that one.
    let below = &kconfig.symbol("BELOW_A").unwrap().definitions[0];
    assert!(kconfig.choice(below).is_none() && kconfig.choice(b).is_some());
}

#[test]
fn files_are_included_from_the_root_and_from_their_folder() {
    let kconfig = read(&[
        ("Kconfig", "dir := net\nsource \"$(dir)/Kconfig\"\nosource \"none\"\nsource \"arch/$(SRCARCH)/K\"\n"),
        ("net/Kconfig", "rsource \"a/K\"\norsource \"none\"\nif NET\nrsource \"../shared\"\nendif\n"),
        ("net/a/K", "config A\n\tbool\n"),
        ("shared", "config B\n\tbool\n"),
        ("arch/x86/K", "config C\n\tbool\n"),
    ])
    .unwrap();
    assert_eq!((kconfig.symbols().count(), kconfig.files()), (3, 5));
    let b = &kconfig.symbol("B").unwrap().definitions[0];
    assert_eq!((b.place.to_string().as_str(), kconfig.depends(b).len()), ("shared:1", 1));
}

#[test]
fn what_is_no_kconfig_is_refused_with_its_line() {
    let cases = [
        ("config A\n\tboool\n", "Kconfig:2: `boool` is no statement of Kconfig"),
        ("depends on A\n", "Kconfig:1: `depends` cannot stand here"),
        ("menu \"m\"\nselect A\n", "Kconfig:2: `select` cannot stand here"),
        ("config A\n\tvisible if B\n", "Kconfig:2: `visible` cannot stand here"),
        (
            "config A\n\tdepends on\n",
            "Kconfig:2: expected a symbol or a value, found the end of the line",
        ),
        ("config A\n\tbool \"a\" \"b\"\n", "Kconfig:2: expected the end of the line, found \"b\""),
        ("config A\n\tdefault (B\n", "Kconfig:2: expected `)`, found the end of the line"),
        ("config\n", "Kconfig:1: expected the name of a symbol, found the end of the line"),
        ("\nif A\nconfig B\n\tbool\n", "Kconfig:2: this `if` is not closed in its file"),
        ("if A\nendmenu\n", "Kconfig:2: `endmenu` closes nothing that is open in this file"),
        ("endif\n", "Kconfig:1: `endif` closes nothing that is open in this file"),
        ("config A\n\tbool \"open\n", "Kconfig:2: the string is not closed"),
        ("source $(x\n", "Kconfig:1: `$(` is not closed"),
        (
            "source \"$(NOBODY)/K\"\n",
            "Kconfig:1: the path `\"$(NOBODY)/K\"` needs a variable that has no value: give it one",
        ),
        ("source \"../K\"\n", "Kconfig:1: \"../K\" is no path of a file inside the source"),
        ("source \"gone\"\n", "Kconfig:1: the source has no file gone, which is included here"),
        ("source \"Kconfig\"\n", "Kconfig:1: Kconfig is included while it is being read"),
        (
            "$(error-if,y,no compiler)\n",
            "Kconfig:1: the source refuses to be configured: no compiler",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(one(text).err().as_deref(), Some(message), "{text}");
    }
    let message = "the source has no file Kconfig: is it the source of a kernel?";
    assert_eq!(read(&[]).err().as_deref(), Some(message));
}

#[test]
fn a_block_does_not_reach_into_another_file() {
    let files = [("Kconfig", "if A\nsource \"b\"\n"), ("b", "endif\n")];
    let message = "b:1: `endif` closes nothing that is open in this file";
    assert_eq!(read(&files).err().as_deref(), Some(message));
}

#[test]
fn files_without_end_are_refused() {
    let deep = "if A\n".repeat(1000);
    assert!(one(&deep).unwrap_err().contains("more than 128 blocks inside each other"));
    let names: Vec<String> = (0..100).map(|n| format!("k{n}")).collect();
    let mut texts: Vec<(String, String)> = names
        .windows(2)
        .map(|pair| (pair[0].clone(), format!("source \"{}\"\n", pair[1])))
        .collect();
    texts.push(("Kconfig".to_owned(), "source \"k0\"\n".to_owned()));
    let files: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert!(read(&files).unwrap_err().contains("more than 64 inclusions"));
    // Each file includes the next one often: little text, no end of files.
    let mut texts: Vec<(String, String)> =
        (0..10).map(|n| (format!("k{n}"), format!("source \"k{}\"\n", n + 1).repeat(20))).collect();
    texts.push(("k10".to_owned(), "config A\n\tbool\n".to_owned()));
    texts.push(("Kconfig".to_owned(), "source \"k0\"\n".to_owned()));
    let files: Vec<(&str, &str)> = texts.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
    assert!(read(&files).unwrap_err().contains("more than 20000 Kconfig files"));
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "config A", "menuconfig B", "choice", "endchoice", "if A", "endif", "menu \"m\"", "endmenu",
                "\tbool", "\ttristate \"t\" if B", "\tdepends on A && (B || !C = y)", "\tselect B if A",
                "\thelp", "\t  text", "\trange 1 2", "\tdefault $(x)", "x := $(x)", "x = $(x)$(x)", "\\",
                "source \"Kconfig\"", "\"", "$(", "\tvisible if A", "comment \"c\"", "\toptional", "é",
            ]),
            0..40,
        ),
    ) {
        let _ = one(&words.join("\n"));
    }
}
