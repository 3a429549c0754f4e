//! YAML and manifests of Kubernetes.

use groundup_cluster::{
    Images, Request, SourceFile, Table, make,
    yaml::{Budget, read, write_document, write_json},
};

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
