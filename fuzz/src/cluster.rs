//! YAML and manifests of Kubernetes, and what is rendered to them.

use groundup_cluster::{
    Images, Request, SourceFile, Table, make,
    render::{Entry, Folder, Origin, RenderError, Source, check_chart, check_kustomization},
    yaml::{Budget, read, write_document, write_json},
};
use std::collections::BTreeMap;

/// Small, so that what bursts it is soon tried.
const BUDGET: Budget = Budget { bytes: 8 << 10, nodes: 20_000, depth: 60 };

/// What is read is written and read again as it was, and JSON of it is JSON.
pub(crate) fn yaml(data: &[u8]) {
    let documents = match read(data, BUDGET) {
        Ok(documents) => documents,
        Err(error) => {
            assert!(!error.message.is_empty() && error.at.line > 0 && error.at.column > 0);
            return;
        }
    };
    for document in documents {
        let written = write_document(&document.root);
        let wide = Budget { bytes: usize::MAX, nodes: usize::MAX, depth: 200 };
        let again = read(written.as_bytes(), wide);
        let again = again.unwrap_or_else(|error| panic!("{written:?} is not read: {error:?}"));
        let [again] = again.as_slice() else { panic!("{written:?} is {} documents", again.len()) };
        assert_eq!(again.root, document.root, "{written:?}");
        assert_eq!(write_document(&again.root), written);
        let json = write_json(&document.root);
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok(), "{json:?}");
    }
}

/// Objects through every check; what comes out is taken again and gives the same.
pub(crate) fn manifests(data: &[u8]) {
    let request = |name: &str, bytes: &[u8]| Request {
        manifests: vec![SourceFile { name: name.to_owned(), bytes: bytes.to_vec() }],
        table: Table::default(),
        images: Images::default(),
        allow: Vec::new(),
        ..Request::default()
    };
    let mut first = request("a.yaml", data);
    first.unchecked = kinds(data);
    let unchecked = first.unchecked.clone();
    let made = match make(first) {
        Ok(made) => made,
        Err(findings) => {
            assert!(!findings.0.is_empty());
            assert!(!findings.to_string().is_empty());
            return;
        }
    };
    let all = made.files.iter().find(|(path, _)| path == "all.yaml");
    let (_, all) = all.expect("there is always a stream");
    let again = make(Request { unchecked, ..request("b.yaml", all.as_bytes()) });
    assert_eq!(again.expect("what was made is taken"), made);
}

/// The kinds of the input, so that the checks after that of the kind are reached.
fn kinds(data: &[u8]) -> Vec<String> {
    let documents = read(data, BUDGET).unwrap_or_default();
    let kinds = documents.iter().flat_map(|document| {
        let roots = [&document.root].into_iter().chain(document.root.items("items"));
        roots.filter_map(|root| {
            Some(format!("{} {}", root.text_at(&["apiVersion"])?, root.text_at(&["kind"])?))
        })
    });
    kinds.collect()
}

/// A folder of files, each behind a line `=== PATH` (`=== PATH -> TARGET` is a link), looked at as a
/// kustomization and as a chart from each of its directories.
pub(crate) fn rendering(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let mut texts: BTreeMap<&str, &str> = BTreeMap::new();
    for part in text.split("=== ").skip(1).take(40) {
        let (line, content) = part.split_once('\n').unwrap_or((part, ""));
        let (path, entry) = match line.split_once(" -> ") {
            Some((path, target)) => (path, Entry::Link(target.to_owned())),
            None => (line, Entry::File),
        };
        // As trees have it: plain paths, whose parents are directories.
        if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
            continue;
        }
        for (at, _) in path.match_indices('/') {
            entries.insert(path[..at].to_owned(), Entry::Directory);
        }
        if entries.get(path) != Some(&Entry::Directory) {
            entries.insert(path.to_owned(), entry);
            texts.insert(path, content);
        }
    }
    let directories = entries.iter().filter(|(_, entry)| **entry == Entry::Directory);
    let mut tops: Vec<String> = directories.map(|(path, _)| path.clone()).take(8).collect();
    tops.push(".".to_owned());
    let folder = Folder::new(entries.clone(), |path| match texts.get(path) {
        Some(text) => Ok(text.as_bytes().to_vec()),
        None => panic!("`{path}` is read, and is no file"),
    });
    for path in tops {
        for origin in [Origin::Repository, Origin::Target] {
            let source = Source { top: "top".to_owned(), origin, path: path.clone() };
            for check in [check_kustomization, check_chart] {
                match check(&folder, &source) {
                    Ok(()) => {}
                    Err(RenderError::Unfit { findings, .. }) => {
                        assert!(findings.iter().all(|finding| !finding.message.is_empty()));
                        assert!(!findings.is_empty());
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}
