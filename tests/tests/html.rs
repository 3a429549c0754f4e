//! The page of a report, opened in a browser from pinned packages: searched, folded, followed and read
//! as people do, by keys and presses. The checks stand in `tests/pages`.
#![allow(clippy::unwrap_used, reason = "a test fails where it is surprised")]

use groundup_tests::{
    browser::{Browser, Claim},
    groundup,
    pages::{edited, hostile},
    tiny::Tiny,
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

const CAUSES: &str = include_str!("../pages/causes.js");
const THOUSANDS: &str = include_str!("../pages/thousands.js");
/// The browser; all tests share it.
fn browser() -> &'static Browser {
    static BROWSER: OnceLock<Browser> = OnceLock::new();
    BROWSER.get_or_init(|| {
        // A static is never dropped: what the last run left is removed by this one.
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("html-tests");
        let _ = Command::new("chmod").args(["-R", "u+w"]).arg(&root).output();
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        Browser::prepare(&root)
    })
}

/// Compares two directories into a page of this name.
fn compared(browser: &Browser, name: &str, [a, b]: &[PathBuf; 2]) -> String {
    let mut command = Command::new(groundup());
    command.arg("diff").arg(a).arg(b).arg("--html").arg(browser.page(name));
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", groundup_tests::told(&output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[track_caller]
fn all_hold(claims: &[Claim], least: usize) {
    let broken: Vec<&Claim> = claims.iter().filter(|claim| !claim.holds).collect();
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(claims.len() >= least, "{} checks", claims.len());
}

#[test]
fn a_report_with_causes_is_searched_folded_and_followed() {
    let browser = browser();
    let (tiny, words) = edited();
    let page = browser.page("causes.html");
    let name = page.to_str().unwrap();
    let said = tiny.run(&[&words[..], &["--html", name, "--max-rows", "1"]].concat());
    assert_eq!(said.code, 1, "{said}");
    assert!(said.out.contains("not shown"), "a budget is for the terminal: {said}");
    all_hold(&browser.check("causes.html", CAUSES), 50);

    // Its data are those of `--json`.
    let answer = tiny.run(&[&words[..], &["--json"]].concat()).answer();
    let text = fs::read_to_string(&page).unwrap();
    let data = text.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
    assert_eq!(serde_json::from_str::<serde_json::Value>(data).unwrap(), answer);

    // As it is written: its own policy lets it run, a link is followed, nothing is complained of.
    let seen = browser.open("causes.html", "#row-2", &[]);
    assert_eq!(seen.console, [""; 0]);
    let row = seen.dom.split_once("id=\"row-2\"").unwrap().1;
    assert!(row.contains("aria-expanded=\"true\"") && seen.dom.contains("row open current linked"));

    // By the colours that the reader's system asks for.
    let dark = browser.open("causes.html", "", &["--blink-settings=preferredColorScheme=0"]);
    assert!(dark.dom.contains(">Light</button>") && seen.dom.contains(">Dark</button>"));
}

#[test]
fn thousands_of_rows_stay_usable_and_hostile_ones_stay_text() {
    let browser = browser();
    let folder = tempfile::tempdir().unwrap();
    let sides = hostile(folder.path());
    compared(browser, "thousands.html", &sides);
    all_hold(&browser.check("thousands.html", THOUSANDS), 14);
    let seen = browser.open("thousands.html", "#row-4321", &[]);
    assert_eq!(seen.console, [""; 0]);
    assert!(seen.dom.contains("id=\"row-4321\""));
}

#[test]
fn a_page_is_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("a"), "one\n").unwrap();
    fs::write(path("b"), "two\n").unwrap();
    let tiny = Tiny::empty();
    let (a, b, page) = (path("a"), path("b"), path("page.html"));

    // Beside the usual output, and alone.
    let said = tiny.run(&["diff", &a, &b, "--html", &page, "--json"]);
    assert_eq!((said.code, &said.answer()["verdict"]), (1, &"different".into()), "{said}");
    let written = fs::read_to_string(&page).unwrap();
    assert!(written.starts_with("<!doctype html>") && written.ends_with("</html>\n"));
    let alone = tiny.run(&["diff", &a, &b, "--html", "-"]);
    assert_eq!((alone.code, alone.out.as_str()), (1, tiny.workspace.neutral(&written).as_str()));
    tiny.run(&["diff", &a, &b, "--html", "-", "--json"]).expect(2, &["one form at a time"]);

    // Equal things have a page too, and what cannot be written is an error that leaves nothing.
    assert_eq!(tiny.run(&["diff", &a, &a, "--html", &page]).code, 0);
    assert!(fs::read_to_string(&page).unwrap().contains("\"verdict\":\"equal\""));
    let nowhere = path("none/page.html");
    tiny.run(&["diff", &a, &b, "--html", &nowhere]).expect(3, &["none/page.html"]);
    assert_eq!(folder.path().read_dir().unwrap().count(), 3);
}
