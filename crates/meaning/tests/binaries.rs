//! Binaries made by the C compiler of the machine, two builds of each, and what is told of them.

#![allow(clippy::unwrap_used, reason = "a fixture that is wrong ends the test")]

use groundup_meaning::{Finding, Format, Kind, Limits, Pair, compare};
use std::{fs, process::Command};

/// Like a module of a kernel: a table of targets, a check, an entry.
const MODULE: &str = r#"
typedef unsigned char u8;
extern int printk(const char *fmt, ...);
extern int register_target(void *t, unsigned n);
struct target { char name[29]; u8 revision; u8 family; int (*check)(int); unsigned size; };
static int mark_check(int x) { return x > 3 ? printk("bad %d\n", x) : 0; }
#ifdef INSERT
int inserted(int x) { for (int i = 0; i < x; i++) printk("inserted %d\n", i); return x * 3; }
#endif
static int mark_other(int x) { return printk("other %d\n", x) + LIMIT; }
static struct target mark_tg_reg[] = {
  { .name = "MARK", .revision = 2, .family = 2, .check = mark_check, .size = 36 },
  { .name = "MARK", .revision = 2, .family = FAMILY, .check = CHECK, .size = 36 },
};
int limit_of(int x) { return mark_other(x) * x + mark_other(x + 1); }
int choose(int x) {
  switch (x) {
    case 0: return printk("zero");
    case 1: return printk("one") + 1;
    case 2: return register_target(0, 0);
    case 3: return 77;
    case 4: return printk("four") * 3;
    case 5: return 12;
    case 6: return printk("six");
    default: return -1;
  }
}
int init_module(void) {
  printk("loading mark %s\n", VERSION);
  return register_target(mark_tg_reg, 2);
}
"#;

const FIXED: &[&str] = &[
    "-O2",
    "-no-pie",
    "-fno-pic",
    "-static",
    "-nostdlib",
    "-Wl,-e,init_module",
    "-Wl,--unresolved-symbols=ignore-all",
];

struct Build<'a> {
    family: u32,
    check: &'a str,
    limit: u32,
    version: &'a str,
    flags: &'a [&'a str],
}

const PLAIN: Build<'static> =
    Build { family: 2, check: "mark_check", limit: 7, version: "1.2.0", flags: &["-c", "-O2"] };

const SHARED: &[&str] = &["-shared", "-fPIC", "-O2", "-Wl,--build-id=sha1"];

fn build(options: &Build<'_>) -> Vec<u8> {
    compiled(MODULE, options)
}

fn compiled(source: &str, options: &Build<'_>) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("mark.c"), folder.path().join("mark.o"));
    fs::write(&from, source).unwrap();
    let mut command = Command::new("cc");
    command.current_dir(folder.path()).args(options.flags);
    command.arg(format!("-DFAMILY={}", options.family));
    command.arg(format!("-DCHECK={}", options.check));
    command.arg(format!("-DLIMIT={}", options.limit));
    command.arg(format!("-DVERSION=\"{}\"", options.version));
    command.args(["-fno-toplevel-reorder", "-o"]).arg(&to).arg("mark.c");
    run(&mut command);
    fs::read(&to).unwrap()
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn told(before: &[u8], after: &[u8]) -> Vec<Finding> {
    let meaning = compare(&Pair { path: "mark.ko", before, after }, &Limits::default());
    assert_eq!(meaning.format, Format::Elf);
    assert_eq!(meaning.more, 0);
    meaning.findings
}

fn telling(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| !finding.kind.is_boring()).collect()
}

/// `what: before -> after (note)`.
fn shown(finding: &Finding) -> String {
    let side = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let note = finding.note.as_ref().map(|note| format!(" ({note})")).unwrap_or_default();
    format!("{}: {} -> {}{note}", finding.what, side(&finding.before), side(&finding.after))
}

fn rows(findings: &[&Finding]) -> Vec<String> {
    findings.iter().map(|finding| shown(finding)).collect()
}

#[test]
fn one_changed_character_is_told_as_the_byte_of_its_variable() {
    let found = told(&build(&PLAIN), &build(&Build { family: 10, ..PLAIN }));
    assert_eq!(rows(&telling(&found)), ["mark_tg_reg+0x4e: 02 -> 0a"]);
    assert_eq!(telling(&found)[0].kind, Kind::Data);
}

#[test]
fn with_type_data_it_is_told_as_the_field() {
    for flags in [&["-c", "-O2", "-gdwarf-4"], &["-c", "-O2", "-gdwarf-5"]] {
        let plain = Build { flags, ..PLAIN };
        let found = told(&build(&plain), &build(&Build { family: 10, ..plain }));
        let expected = ["mark_tg_reg+0x4e: 02 -> 0a (mark_tg_reg[1].family: 2 -> 10)"];
        assert_eq!(rows(&telling(&found)), expected, "{flags:?}");
    }
}

#[test]
fn a_pointer_that_leads_elsewhere_is_told_by_names() {
    for flags in [&["-c", "-O2"][..], SHARED, FIXED] {
        let plain = Build { flags, ..PLAIN };
        let found = told(&build(&plain), &build(&Build { check: "mark_other", ..plain }));
        let expected = ["mark_tg_reg+0x50: mark_check -> mark_other"];
        assert_eq!(rows(&telling(&found)), expected, "{flags:?}");
    }
}

#[test]
fn an_inserted_function_is_told_and_what_it_moved_is_counted() {
    for flags in [&["-c", "-O2"][..], SHARED, FIXED] {
        let with = [flags, &["-DINSERT"]].concat();
        let plain = Build { flags, ..PLAIN };
        let found = told(&build(&plain), &build(&Build { flags: &with, ..plain }));
        let names: Vec<&str> = telling(&found).iter().map(|one| one.what.as_str()).collect();
        let is_expected = |what: &&str| {
            matches!(*what, "function inserted" | "offers inserted") || what.starts_with("text in")
        };
        assert!(names.iter().all(is_expected), "{flags:?}: {names:?}");
        assert!(names.contains(&"function inserted"));
        assert!(found.iter().any(|one| one.kind == Kind::Encoding), "{flags:?}");
    }
}

#[test]
fn a_changed_constant_is_told_as_the_number_of_its_instruction() {
    let flags = &["-c", "-O1", "-fno-inline"];
    let plain = Build { flags, ..PLAIN };
    let found = told(&build(&plain), &build(&Build { limit: 9, ..plain }));
    let telling = telling(&found);
    assert_eq!(telling.len(), 1, "{:?}", rows(&telling));
    assert_eq!(telling[0].kind, Kind::Code);
    assert!(telling[0].what.starts_with("mark_other+0x"), "{}", telling[0].what);
    let note = telling[0].note.as_deref().unwrap();
    assert!(note.ends_with("7 -> 9") || !cfg!(target_arch = "x86_64"), "{note}");
}

#[test]
fn a_changed_text_names_the_function_that_uses_it() {
    let found = told(&build(&PLAIN), &build(&Build { version: "1.3.0", ..PLAIN }));
    let rows = rows(&telling(&found));
    assert_eq!(rows.len(), 1, "{rows:?}");
    let row = rows[0].split_once("+0x").unwrap().0;
    assert!(row.ends_with("\"1.2.0\" -> \"1.3.0\" (used by init_module"), "{row}");
}

#[test]
fn a_stripped_library_is_compared_by_its_functions() {
    let stripped = [SHARED, &["-s"]].concat();
    let with = [&stripped[..], &["-DINSERT"]].concat();
    let plain = Build { flags: &stripped, ..PLAIN };
    let found = told(&build(&plain), &build(&Build { flags: &with, ..plain }));
    let whats: Vec<&str> = telling(&found).iter().map(|one| one.what.as_str()).collect();
    let code: Vec<&&str> = whats.iter().filter(|what| what.starts_with("function")).collect();
    assert_eq!(code, [&"function inserted"], "{whats:?}");
}

#[test]
fn what_only_a_build_gave_is_boring() {
    let source = Build { flags: &["-c", "-O2", "-g"], ..PLAIN };
    let other = Build { flags: &["-c", "-O2", "-g", "-fdebug-prefix-map=x=y", "-DX"], ..PLAIN };
    let cases = [
        (build(&source), build(&PLAIN)),
        (build(&source), build(&other)),
        (
            build(&Build { flags: SHARED, ..PLAIN }),
            build(&Build { flags: &[SHARED, &["-Wl,--build-id=0x1234"]].concat(), ..PLAIN }),
        ),
        (
            build(&Build { flags: SHARED, ..PLAIN }),
            build(&Build { flags: &[SHARED, &["-s"]].concat(), ..PLAIN }),
        ),
    ];
    for (before, after) in cases {
        let found = told(&before, &after);
        assert!(!found.is_empty() || before == after);
        assert_eq!(rows(&telling(&found)), [""; 0]);
    }
}

#[test]
fn what_the_loader_is_asked_for_is_told() {
    let plain = Build { flags: &[SHARED, &["-Wl,-soname,liba.so.1"]].concat(), ..PLAIN };
    let hardened = [
        &["-shared", "-fPIC", "-O2", "-Wl,-soname,liba.so.2", "-Wl,-z,now", "-Wl,-z,relro"][..],
        &["-Wl,-rpath,/opt/lib", "-Wl,--no-as-needed", "-lm", "-Wl,-z,execstack"],
    ]
    .concat();
    let found = told(&build(&plain), &build(&Build { flags: &hardened, ..PLAIN }));
    let rows = rows(&telling(&found));
    let has = |row: &str| assert!(rows.iter().any(|own| own.starts_with(row)), "{row}: {rows:#?}");
    has("soname: liba.so.1 -> liba.so.2");
    has("hardening: symbols bound at start: no -> yes");
    has("hardening: stack: not executable -> executable");
    has("needed library: - -> libm.so.6");
    assert!(rows.iter().any(|row| row.contains("/opt/lib")), "{rows:#?}");
}

const LAYOUTS: &str = r#"
#ifdef WIDER
struct option { int number; int added; short flag; char text[6]; };
#else
struct option { int number; short flag; char text[6]; };
#endif
struct option options[2] = { { .number = 4096, .flag = 1, .text = "abc" }, { .number = NUMBER } };
int exported = 1;
"#;

#[test]
fn a_structure_with_another_layout_is_compared_by_fields() {
    let flags = ["-c", "-O2", "-g", "-DNUMBER=4096"];
    let wider = ["-c", "-O2", "-g", "-DNUMBER=409", "-DWIDER"];
    let before = compiled(LAYOUTS, &Build { flags: &flags, ..PLAIN });
    let after = compiled(LAYOUTS, &Build { flags: &wider, ..PLAIN });
    let found = told(&before, &after);
    let telling = telling(&found);
    assert_eq!(telling.len(), 1, "{:?}", rows(&telling));
    let inside: Vec<String> = telling[0].inside.iter().map(shown).collect();
    let expected =
        ["options[1].number: 4096 -> 409", "options[0].added: - -> 0", "options[1].added: - -> 0"];
    assert_eq!(inside, expected);
}

const ACCESS: &str = r#"
#ifdef WIDER
struct state { long a; long added; long b; long c; };
#else
struct state { long a; long b; long c; };
#endif
extern int report(const char *file, int line);
long get_b(struct state *p) { return p->b; }
long get_c(struct state *p) { return p->c + p->b; }
int one(void) { return report("mark.c", LIMIT); }
int two(void) { return report("mark.c", LIMIT + 5) + 1; }
"#;

#[test]
#[cfg(target_arch = "x86_64")]
fn one_cause_in_many_functions_is_one_row() {
    let flags = ["-c", "-O2", "-DWIDER"];
    let plain = compiled(ACCESS, &PLAIN);
    let found = told(&plain, &compiled(ACCESS, &Build { flags: &flags, ..PLAIN }));
    let wider = telling(&found);
    assert_eq!(wider.len(), 1, "{:?}", rows(&wider));
    assert_eq!((wider[0].what.as_str(), wider[0].inside.len()), ("2 functions: offsets +0x8", 2));
    let found = told(&plain, &compiled(ACCESS, &Build { limit: 70, ..PLAIN }));
    let lines = telling(&found);
    assert_eq!(lines.len(), 1, "{:?}", rows(&lines));
    assert_eq!(lines[0].what, "2 functions: numbers of lines");
}

#[test]
fn numbers_of_several_bytes_are_told_as_numbers() {
    let flags = |number: &'static str| ["-c", "-O2", number];
    let before = compiled(LAYOUTS, &Build { flags: &flags("-DNUMBER=4096"), ..PLAIN });
    let after = compiled(LAYOUTS, &Build { flags: &flags("-DNUMBER=409"), ..PLAIN });
    let found = told(&before, &after);
    let expected = ["options+0xc: 00 10 -> 99 01 (as a number of 2 bytes: 4096 -> 409)"];
    assert_eq!(rows(&telling(&found)), expected);
}

#[test]
fn modules_are_compared_by_what_they_say_of_themselves() {
    let module = |version: &str, alias: &str, depends: &str| {
        let source = format!(
            "static const char a[] __attribute__((section(\".modinfo\"), used)) = \
             \"srcversion={version}\";\n\
             static const char b[] __attribute__((section(\".modinfo\"), used)) = \
             \"alias={alias}\";\n\
             static const char c[] __attribute__((section(\".modinfo\"), used)) = \
             \"depends={depends}\";\nint init_module(void) {{ return 0; }}\n"
        );
        compiled(&source, &PLAIN)
    };
    let first = module("AAAA", "ip_x", "x_tables");
    let found = told(&first, &module("BBBB", "ip_x", "x_tables"));
    assert!(!found.is_empty() && telling(&found).is_empty(), "{found:?}");
    let found = told(&first, &module("AAAA", "ip6_x", "x_tables,nf"));
    let expected = ["module alias: ip_x -> ip6_x", "module depends: x_tables -> x_tables,nf"];
    assert_eq!(rows(&telling(&found)), expected);
    let signed = [&first[..], b"~Module signature appended~\n"].concat();
    let found = told(&first, &signed);
    assert_eq!(telling(&found)[0].what, "signature");
}

#[test]
fn damaged_files_are_named_and_never_end_the_comparison() {
    let good = build(&Build { flags: SHARED, ..PLAIN });
    for length in (4..good.len()).step_by(97) {
        told(&good[..length], &good);
    }
    // Every byte of the headers and tables, one by one, set to what breaks sizes and offsets.
    for at in (4..64).chain((good.len().saturating_sub(2000)..good.len()).step_by(3)) {
        let mut bad = good.clone();
        bad[at] = 0xff;
        told(&bad, &good);
    }
    let found = told(&good[..64], &good);
    assert!(found.iter().any(|one| one.kind == Kind::NotCompared), "{found:?}");
}

#[test]
fn the_compiler_of_this_machine_leaves_equal_files_equal() {
    let one = build(&PLAIN);
    assert!(told(&one, &one).is_empty());
}
