//! scratch
#![allow(
    clippy::all,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "scratch"
)]
use groundup_meaning::{Finding, Limits, root};
use std::{
    fs,
    path::{Path, PathBuf},
};
struct Disk(PathBuf);
fn walk(root: &Path, rel: &str, out: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(root.join(rel)) else { return };
    for e in entries.flatten() {
        let name = format!("{rel}/{}", e.file_name().to_string_lossy());
        match e.file_type() {
            Ok(t) if t.is_dir() => walk(root, &name, out),
            _ => out.push(name),
        }
    }
}
impl root::Files for Disk {
    fn below(&self, d: &str) -> Vec<String> {
        let mut v = Vec::new();
        if d.contains('/')
            && fs::symlink_metadata(self.0.join(d.split('/').next().unwrap()))
                .is_ok_and(|m| m.is_symlink())
        {
            return v;
        }
        walk(&self.0, d, &mut v);
        v.sort();
        v
    }
    fn read(&self, p: &str) -> Option<Vec<u8>> {
        let mut path = self.0.join(p);
        for _ in 0..10 {
            match fs::read_link(&path) {
                Ok(t) => {
                    path = if t.is_absolute() {
                        self.0.join(t.strip_prefix("/").unwrap())
                    } else {
                        path.parent().unwrap().join(t)
                    }
                }
                Err(_) => break,
            }
        }
        fs::read(path).ok()
    }
    fn link(&self, p: &str) -> Option<String> {
        Some(fs::read_link(self.0.join(p)).ok()?.to_string_lossy().into_owned())
    }
}
fn show(f: &Finding, n: usize) {
    println!(
        "{}{:?} {} | {:?} -> {:?} | {:?}",
        "  ".repeat(n),
        f.kind,
        f.what,
        f.before,
        f.after,
        f.note
    );
    for i in &f.inside {
        show(i, n + 1)
    }
}
fn main() {
    let a: Vec<String> = std::env::args().skip(1).collect();
    let t = std::time::Instant::now();
    if a[0] == "file" {
        let (x, y) = (fs::read(&a[2]).unwrap(), fs::read(&a[3]).unwrap());
        let m = groundup_meaning::compare(
            &groundup_meaning::Pair { path: &a[1], before: &x, after: &y },
            &Limits::default(),
        );
        println!("{:?} more {}", m.format, m.more);
        for f in m.findings {
            show(&f, 1)
        }
    } else {
        let (x, y) = (Disk(a[0].clone().into()), Disk(a[1].clone().into()));
        for s in root::compare(&x, &y, &Limits::default()) {
            println!(
                "== {} ({} findings, {} more, explains {})",
                s.name,
                s.findings.len(),
                s.more,
                s.explains.len()
            );
            for f in &s.findings {
                show(f, 1)
            }
        }
        println!("owners {}", root::owners(&y).len());
    }
    eprintln!("{:?}", t.elapsed());
}
