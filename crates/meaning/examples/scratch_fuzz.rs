//! scratch
#![allow(
    clippy::all,
    dead_code,
    unreachable_pub,
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "scratch"
)]
#[path = "../../../fuzz/src/input.rs"]
mod input;
#[path = "../../../fuzz/src/meaning.rs"]
mod meaning;
#[path = "../../../fuzz/src/mutate.rs"]
mod mutate;
fn main() {
    let a: Vec<String> = std::env::args().skip(1).collect();
    let run: fn(&[u8]) = if a[0] == "meaning" { meaning::pair } else { meaning::roots };
    let mut corpus: Vec<Vec<u8>> = std::fs::read_dir(format!("fuzz/corpus/{}", a[0]))
        .unwrap()
        .map(|e| std::fs::read(e.unwrap().path()).unwrap())
        .collect();
    corpus.sort();
    for c in &corpus {
        assert!(c.len() <= 8192);
        run(c);
    }
    let mut m = mutate::Mutator::new(&corpus, 8192, a[2].parse().unwrap());
    let t = std::time::Instant::now();
    let mut n = 0;
    let mut slow = std::time::Duration::ZERO;
    while t.elapsed().as_secs() < a[1].parse().unwrap() {
        let i = m.next_input();
        n += 1;
        let s = std::time::Instant::now();
        if std::panic::catch_unwind(|| run(&i)).is_err() {
            std::fs::write(format!("/tmp/gu/t/text/crash-{}", a[0]), &i).unwrap();
            println!("crash after {n}");
            return;
        }
        if s.elapsed() > slow {
            slow = s.elapsed();
            std::fs::write(format!("/tmp/gu/t/text/slow-{}", a[0]), &i).unwrap();
        }
    }
    println!("{n} runs, slowest {slow:?}");
}
