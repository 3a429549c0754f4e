//! What comes out, byte by byte: whoever changes it raises the version of the assembler.
#![allow(clippy::unwrap_used, reason = "a test fails where it is surprised")]

use groundup_cluster::{
    FileDigest, Image, Images, Made, Request, Setting, SourceFile, Subject, Table, make,
};
use std::collections::BTreeMap;

const MANIFESTS: &str = r#"
# A comment.
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: demo, labels: &labels {app: web, "on": "yes"}}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: *labels}
    spec:
      containers:
        - image: registry.example/web:dev
          name: web
          args: ["0x1", "-v", "a: b", "line\nline\n"]
          resources: {limits: {cpu: 0.5}}
      initContainers: []
      nodeSelector: {}
---
kind: Namespace
apiVersion: v1
metadata: {name: demo}
---
apiVersion: example.com/v1
kind: Machine
metadata: {name: "a:b"}
"#;

const ALL: &str = r#"---
apiVersion: v1
kind: Namespace
metadata:
  name: demo
---
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: web
    "on": "yes"
  name: web
  namespace: demo
spec:
  selector:
    matchLabels:
      app: web
  template:
    metadata:
      labels:
        app: web
        "on": "yes"
    spec:
      containers:
        - args:
            - "0x1"
            - "-v"
            - "a: b"
            - |
              line
              line
          image: registry.example/web@sha256:abc
          name: web
          resources:
            limits:
              cpu: 0.5
      initContainers: []
      nodeSelector: {}
---
apiVersion: example.com/v1
kind: Machine
metadata:
  name: a:b
spec:
  image: http://images.example/1234567890ab/disk.raw
"#;

fn disk() -> Subject {
    let sha256 = "1234567890abcdef".repeat(4);
    Subject::Files(BTreeMap::from([("disk.raw".to_owned(), FileDigest { sha256, size: 7 })]))
}

fn setting(kind: &str, pointer: &str, value: &str) -> Setting {
    Setting {
        kind: kind.into(),
        name: "*".into(),
        namespace: None,
        pointer: pointer.into(),
        value: value.into(),
        from: "node.worker:disk".into(),
        file: None,
        subject: disk(),
    }
}

fn made(text: &str, set: Vec<Setting>, unchecked: &[&str]) -> Made {
    let name = "registry.example/web".to_owned();
    let web = Image { name: name.clone(), becomes: name, digest: "sha256:abc".into() };
    let built = if text.contains(&web.name) { vec![web] } else { Vec::new() };
    let request = Request {
        manifests: vec![SourceFile { name: "a.yaml".into(), bytes: text.as_bytes().to_vec() }],
        table: Table::default(),
        images: Images { built, ..Images::default() },
        set,
        unchecked: unchecked.iter().map(|kind| (*kind).to_owned()).collect(),
        allow: vec!["wrong-value Machine/a:b".into()],
        ..Request::default()
    };
    match make(request) {
        Ok(made) => made,
        Err(findings) => panic!("{findings}"),
    }
}

#[test]
fn the_same_objects_are_the_same_bytes() {
    let url = setting("Machine", "/spec/image", "http://images.example/{short}/{file}");
    let kinds = ["apps/v1 Deployment", "v1 Namespace", "example.com/v1 Machine"];
    let made = made(MANIFESTS, vec![url], &kinds);
    let paths: Vec<&str> = made.files.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "objects/namespace-demo.yaml",
            "objects/demo/deployment.apps-web.yaml",
            "objects/machine.example.com-a_3ab.yaml",
            "all.yaml",
            "kustomization.yaml"
        ]
    );
    assert_eq!(made.files[3].1, ALL);
    let kustomization = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n\
                         resources:\n  - objects/namespace-demo.yaml\n\
                         \x20 - objects/demo/deployment.apps-web.yaml\n\
                         \x20 - objects/machine.example.com-a_3ab.yaml\n";
    assert_eq!(made.files[4].1, kustomization);
    assert_eq!(made.allowed.len(), 1, "the name of the machine");
}

#[test]
fn the_forms_that_the_documentation_shows_can_be_set() {
    let documentation = include_str!("../../../docs/clusters.md");
    let mut kind = String::new();
    let mut tried = 0;
    for row in documentation.lines().filter(|line| line.starts_with('|') && line.contains("`/")) {
        let code: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        let pointer = code.iter().find(|word| word.starts_with("/s")).unwrap();
        let value = code.iter().find(|word| word.contains('{')).unwrap();
        if !code[0].starts_with('/') {
            kind = code[0].to_owned();
        }
        let lists =
            ["amiSelectorTerms", "preKubeadmCommands", "strategicPatches", "bootstrapContainers"];
        let list = lists.iter().find(|list| pointer.contains(*list));
        let object = match list {
            // Where a pointer counts items, the manifest has them.
            Some(list) => {
                let parents: Vec<&str> =
                    pointer[1..].split('/').take_while(|it| it != list).collect();
                let mut text =
                    format!("apiVersion: x.example/v1\nkind: {kind}\nmetadata: {{name: x}}\n");
                for (depth, parent) in parents.iter().enumerate() {
                    text.push_str(&format!("{}{parent}:\n", "  ".repeat(depth)));
                }
                text + &format!("{}{list}: [{{}}]\n", "  ".repeat(parents.len()))
            }
            None => format!("apiVersion: x.example/v1\nkind: {kind}\nmetadata: {{name: x}}\n"),
        };
        let setting = setting(&kind, pointer, value);
        let request = Request {
            manifests: vec![SourceFile { name: "x.yaml".into(), bytes: object.into_bytes() }],
            set: vec![setting],
            unchecked: vec![format!("x.example/v1 {kind}")],
            ..Request::default()
        };
        let made = make(request).unwrap_or_else(|findings| panic!("{row}\n{findings}"));
        assert!(made.files[0].1.contains("1234567890ab"), "{row}\n{}", made.files[0].1);
        tried += 1;
    }
    assert!(tried >= 10, "{tried}");
}
