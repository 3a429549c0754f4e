//! Takes pictures of the page of a report in both themes, wide and narrow, for people to look at, and
//! says how long it takes until a page of 5,000 rows can be used.
//!
//!     cargo run --release -p groundup-tests --example page_screenshots -- DIR [PAGE]
//!
//! PAGE is what `groundup diff --html` wrote; without it a small report with causes is made.

#![allow(clippy::print_stdout, reason = "a program for people")]

use groundup_tests::{
    browser::Browser,
    groundup,
    pages::{edited, hostile},
};
use std::{fs, path::PathBuf, process::Command};

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let to = arguments.next().expect("a directory for the pictures");
    fs::create_dir_all(&to).expect("the directory can be made");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let root = folder.path().join("workspace");
    fs::create_dir(&root).expect("a directory");
    let browser = Browser::prepare(&root);
    match arguments.next() {
        Some(page) => {
            fs::copy(&page, browser.page("page.html")).expect("the page can be read");
        }
        None => {
            let (tiny, words) = edited();
            let page = browser.page("page.html");
            let page = page.to_str().expect("a path in UTF-8");
            tiny.run(&[&words[..], &["--html", page]].concat());
        }
    }
    for (theme, scheme) in [("dark", 0), ("light", 1)] {
        for (width, size) in [("wide", "1300,1400"), ("narrow", "500,1400")] {
            let picture = browser.page("picture.png");
            let arguments = [
                format!("--blink-settings=preferredColorScheme={scheme}"),
                format!("--window-size={size}"),
                format!("--screenshot={}", picture.display()),
            ];
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            browser.open("page.html", "", &arguments);
            let kept = to.join(format!("{theme}-{width}.png"));
            fs::copy(&picture, &kept).expect("the picture was taken");
            println!("{}", kept.display());
        }
    }
    let [a, b] = hostile(folder.path());
    let page = browser.page("thousands.html");
    Command::new(groundup())
        .arg("diff")
        .args([a, b])
        .arg("--html")
        .arg(page)
        .output()
        .expect("the program starts");
    for _ in 0..5 {
        println!("5,000 rows: {:.0} ms", browser.time_to_use("thousands.html"));
    }
}
