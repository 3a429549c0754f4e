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

const DEFINED: &str = r#"
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: gadgets.example.com}
spec:
  group: example.com
  scope: Cluster
  names: {kind: Gadget, plural: gadgets}
  versions:
    - name: v1
      served: true
      schema:
        openAPIV3Schema:
          type: object
          properties:
            spec:
              type: object
              required: [size]
              properties:
                size: {type: integer, minimum: 1, maximum: 9}
                mode: {type: string, enum: [fast, slow]}
                port: {x-kubernetes-int-or-string: true}
                free: {type: object, x-kubernetes-preserve-unknown-fields: true}
                bare: {type: object}
                tags: {type: object, additionalProperties: {type: string}}
                parts:
                  type: array
                  maxItems: 2
                  x-kubernetes-list-type: map
                  x-kubernetes-list-map-keys: [name]
                  items: {type: object, properties: {name: {type: string, minLength: 2}}}
    - {name: v0, served: false, schema: {openAPIV3Schema: {type: object}}}
"#;

/// What is wrong with the `spec` of a gadget.
fn gadget(api_version: &str, spec: &str) -> Vec<String> {
    let text =
        format!("apiVersion: {api_version}\nkind: Gadget\nmetadata: {{name: x}}\nspec: {spec}\n");
    let file = |name: &str, text: &str| SourceFile { name: name.into(), bytes: text.into() };
    let request = Request {
        manifests: vec![file("x.yaml", &text)],
        crds: vec![file("crd.yaml", DEFINED)],
        ..Request::default()
    };
    let findings = make(request).err().map(|found| found.0).unwrap_or_default();
    findings.into_iter().map(|found| found.message).collect()
}

#[test]
fn custom_resources_are_held_to_their_definition() {
    let v1 = |spec: &str| gadget("example.com/v1", spec);
    let whole = "{size: 3, mode: fast, port: http, free: {a: [1]}, bare: {}, tags: {a: b}, parts: [{name: ab}, {name: cd}]}";
    assert_eq!(v1(whole), Vec::<String>::new());
    for (spec, wrong) in [
        ("{size: 0}", "`spec.size` must be at least 1, found 0"),
        ("{size: 10}", "`spec.size` must be at most 9, found 10"),
        ("{mode: fast}", "the field `spec.size` is missing"),
        ("{size: 1, mode: fsat}", "`fsat` is no value of `spec.mode`"),
        ("{size: 1, port: [1]}", "`spec.port` must be a whole number or a text, found a list"),
        ("{size: 1, bare: {x: 1}}", "unknown field `spec.bare.x`"),
        ("{size: 1, tags: {a: 1}}", "`spec.tags.a` must be a text, found a whole number"),
        (
            "{size: 1, parts: [{name: a}]}",
            "`spec.parts[0].name` must have at least 2 characters, found 1",
        ),
        (
            "{size: 1, parts: [{name: ab}, {name: ab}]}",
            "`spec.parts` has two items with name \"ab\", the first in line 4",
        ),
        ("{size: 1, parts: [{}, {}, {}]}", "`spec.parts` must have at most 2 items, found 3"),
    ] {
        assert_eq!(v1(spec), [wrong]);
    }
    let unserved = gadget("example.com/v0", "{}");
    assert_eq!(unserved, ["there is no Gadget in the API version `example.com/v0`"]);
}

#[test]
fn a_rule_that_warns_ends_nothing_and_one_that_cannot_is_wrong() {
    let text = "apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: demo}\n\
                spec: {selector: {app: web}, ports: [{port: 80}]}\n";
    let request = |warn: &[&str], allow: &[&str]| Request {
        manifests: vec![SourceFile { name: "a.yaml".into(), bytes: text.as_bytes().to_vec() }],
        unchecked: vec!["v1 Service".into()],
        warn: warn.iter().map(|rule| (*rule).to_owned()).collect(),
        allow: allow.iter().map(|line| (*line).to_owned()).collect(),
        ..Request::default()
    };
    let wrong = |warn: &[&str]| make(request(warn, &[])).unwrap_err().0;
    assert_eq!(wrong(&[]).len(), 1, "no workload is behind the service");
    assert_eq!(wrong(&["reference"]).len(), 1, "another rule");
    let made = make(request(&["service", "reference"], &[])).unwrap();
    let [warning] = &made.warnings[..] else { panic!("{:?}", made.warnings) };
    assert_eq!(warning.rule.name(), "service");
    assert_eq!(
        warning.location.as_ref().map(|it| (it.file.as_str(), it.at.line)),
        Some(("a.yaml", 4))
    );
    let made = make(request(&["service"], &["service Service/web"])).unwrap();
    assert_eq!((made.warnings.len(), made.allowed.len()), (0, 1), "what is allowed is not told");
    for (rule, help) in [("yaml", None), ("servise", Some("did you mean `service`?"))] {
        let found = wrong(&["service", rule]);
        let [found] = &found[..] else { panic!("{found:?}") };
        assert_eq!(
            found.message,
            format!("`severity` has `{rule}`, but no such rule can be a warning")
        );
        assert_eq!(found.help.as_deref(), help);
    }
}
