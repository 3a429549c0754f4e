//! Things to compare whose reports are opened in a browser.

use crate::{
    succeed,
    tiny::{Tiny, shell},
};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Files that differ, each in its own way.
const MANY: usize = 5000;

const RECIPES: &str = r#"[rootfs.base]
packages = ["tiny-sh"]

[image.page]
trees = ["rootfs.base"]
labels = { "org.example.site" = "north" }
files = [
    { path = "/etc/page.conf", source = "page.conf" },
    { path = "/etc/systemd/system/db.service", source = "db.service" },
    { path = "/usr/bin/tool", source = "tool", mode = "0755" },
]
"#;

fn git(tiny: &Tiny, arguments: &[&str]) {
    let mut command = tiny.workspace.command("git");
    command.args(["-c", "user.name=a", "-c", "user.email=a@b.invalid"]).args(arguments);
    succeed(&mut command);
}

/// An image before and after three edits; the arguments that compare them, but for the form.
pub fn edited() -> (Tiny, [&'static str; 3]) {
    let tiny = Tiny::with_packages(RECIPES, vec![shell("1")]);
    let unit = |limit: &str| {
        format!("[Unit]\nDescription=db\n\n[Service]\nExecStart=/bin/db\nLimitNOFILE={limit}\n")
    };
    tiny.workspace.write("page.conf", "a = 1\nsomaxconn = 4096\n");
    tiny.workspace.write("db.service", unit("1048576"));
    tiny.workspace.write("tool", "#!/bin/sh\necho one\n");
    tiny.workspace.write(".gitignore", "/store\n/out\n/groundup.local.toml\n");
    tiny.says(&["lock"]);
    git(&tiny, &["init", "-q"]);
    git(&tiny, &["add", "-A"]);
    git(&tiny, &["commit", "-q", "-m", "before"]);
    tiny.says(&["build", "--no-out"]);
    tiny.workspace.write("page.conf", "a = 1\nsomaxconn = 409\n");
    tiny.workspace.write("db.service", unit("infinity"));
    let recipes = tiny.workspace.read("recipes/tiny.toml");
    tiny.workspace.write("recipes/tiny.toml", recipes.replace("0755", "0700"));
    tiny.says(&["build", "--no-out"]);
    (tiny, ["diff", "HEAD:image.page", "image.page"])
}

/// Two directories of `MANY` files and some more, some of which would like to be more than text.
pub fn hostile(root: &Path) -> [PathBuf; 2] {
    let sides = [("a", "fast", "1"), ("b", "slow", "2")];
    sides.map(|(side, word, digit)| {
        let side = root.join(side);
        let write = |path: &str, text: String| {
            let path = side.join(path);
            let folder = path.parent().expect("it lies in a directory");
            fs::create_dir_all(folder).expect("a directory of the test");
            fs::write(path, text).expect("a file of the test");
        };
        for number in 0..MANY {
            let text = format!("# service {number}\nmode = {word}-{number}\n");
            write(&format!("etc/conf.d/{:02}/service-{number:05}.conf", number % 50), text);
        }
        write("srv/<img src=x onerror=window.broken=1>.txt", format!("{digit}\n"));
        let script = format!("</script><script>window.broken={digit}</script><!--\n");
        write("srv/script.txt", script);
        let mark = if digit == "2" { "\u{202e}" } else { "" };
        write("srv/direction.txt", format!("turned{mark} round\n"));
        side
    })
}
