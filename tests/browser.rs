//! Chromium without a screen, from `rootfs.chromium`, to open pages in.

use crate::{copy_recipes, in_workspace, succeed, told};
use serde_json::Value;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Where the program stands in its root.
const PROGRAM: &str = "/usr/lib/chromium/chromium-headless-shell";
/// What is noted from the first moment on.
const WATCH: &str = include_str!("pages/watch.js");
/// What checks are written with.
const HANDS: &str = include_str!("pages/hands.js");

/// A workspace with a browser; pages lie in a directory of it.
#[derive(Debug)]
pub struct Browser {
    root: PathBuf,
}

/// What became of a page.
#[derive(Debug)]
pub struct Seen {
    /// The page as HTML, after its scripts ran.
    pub dom: String,
    /// What stood on the console.
    pub console: Vec<String>,
}

/// What a check said of a page.
#[derive(Debug)]
pub struct Claim {
    /// What should be so.
    pub claim: String,
    /// Whether it is.
    pub holds: bool,
    /// What was seen instead.
    pub seen: String,
}

impl Browser {
    /// Prepares one below `root`, which is an empty directory.
    pub fn prepare(root: &Path) -> Self {
        copy_recipes(root);
        succeed(in_workspace(root).args(["build", "--no-out", "rootfs.chromium"]));
        fs::create_dir(root.join("pages")).expect("a directory of the test");
        Self { root: root.to_owned() }
    }

    /// Where a page of this name lies.
    pub fn page(&self, name: &str) -> PathBuf {
        self.root.join("pages").join(name)
    }

    /// Opens a page of this name, with something behind its path and more arguments of the browser.
    pub fn open(&self, name: &str, hash: &str, arguments: &[&str]) -> Seen {
        let mut run = in_workspace(&self.root);
        run.args(["run", "rootfs.chromium", "--", PROGRAM]);
        // The sandbox is the one around it.
        run.args(["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--dump-dom"]);
        run.args(["--enable-logging=stderr", "--user-data-dir=/tmp/profile"]);
        run.args(["--window-size=1280,900", "--hide-scrollbars"]);
        run.args(arguments).arg(format!("file://{}{hash}", self.page(name).display()));
        let output = run.output().expect("the program starts");
        assert!(output.status.success(), "{}", told(&output));
        let said = String::from_utf8_lossy(&output.stderr);
        let console = said.lines().filter(|line| line.contains("CONSOLE")).map(str::to_owned);
        Seen {
            console: console.collect(),
            dom: String::from_utf8_lossy(&output.stdout).into_owned(),
        }
    }

    /// How many milliseconds pass from the start of a page until its script has run and the window is
    /// laid out: from then on it answers.
    pub fn time_to_use(&self, name: &str) -> f64 {
        let script = "document.body.offsetHeight; document.title = `used ${performance.now()}`;";
        let copy = self.copy(name, "timed", &[script]);
        let dom = self.open(&copy, "", &[]).dom;
        let time = dom.split_once("<title>used ").and_then(|(_, rest)| rest.split_once("</title>"));
        let (time, _) = time.expect("the script ran");
        time.parse().expect("a number")
    }

    /// A copy of a page with more scripts, whose policy is the page's but for scripts.
    fn copy(&self, name: &str, word: &str, scripts: &[&str]) -> String {
        let page = fs::read_to_string(self.page(name)).expect("the page was written");
        let (before, after) = page.split_once("script-src '").expect("the page has a policy");
        let (_, after) = after.split_once('\'').expect("a digest ends");
        let page = format!("{before}script-src 'unsafe-inline'{after}");
        let page = page.replacen("<head>", &format!("<head><script>{WATCH}</script>"), 1);
        let (start, end) = page.rsplit_once("</body>").expect("the page has an end");
        let scripts: String = scripts.iter().map(|it| format!("<script>{it}</script>")).collect();
        let copy = format!("{word}-{name}");
        fs::write(self.page(&copy), format!("{start}{scripts}</body>{end}")).expect("a file");
        copy
    }

    /// Lets checks run in a copy of a page.
    pub fn check(&self, name: &str, checks: &str) -> Vec<Claim> {
        let copy = self.copy(name, "checked", &[HANDS, checks]);
        let seen = self.open(&copy, "", &[]);
        let found = seen.dom.split_once("<pre id=\"found\">").map_or("", |(_, rest)| rest);
        let (found, _) = found
            .split_once("</pre>")
            .unwrap_or_else(|| panic!("the checks gave no answer: {:?}", seen.console));
        let found: Vec<Value> = serde_json::from_str(found).expect("JSON");
        let text = |claim: &Value, key: &str| claim[key].as_str().unwrap_or_default().to_owned();
        let claim = |it: &Value| Claim {
            claim: text(it, "claim"),
            holds: it["holds"] == true,
            seen: text(it, "seen"),
        };
        found.iter().map(claim).collect()
    }
}
