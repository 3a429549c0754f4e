//! Manifests for tests: valid objects of every kind, made of the templates in `tests/clusters/valid`.

use crate::repository;
use groundup_cluster::{Image, Images, Request, SourceFile, Table};

/// A file of `tests/clusters`, under its own name.
pub fn fixture(path: &str) -> SourceFile {
    let bytes = std::fs::read(repository().join("tests/clusters").join(path));
    let name = path.rsplit('/').next().unwrap_or(path).to_owned();
    SourceFile { name, bytes: bytes.expect("a file of the repository") }
}

/// What manifests of the fixtures are checked with.
pub fn request(table: &Table, manifests: Vec<SourceFile>) -> Request {
    let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
    let name = "registry.example/web".to_owned();
    let web = Image { name: name.clone(), becomes: name, digest: digest("3") };
    Request {
        manifests,
        table: table.clone(),
        images: Images {
            built: vec![web],
            outside: vec![format!("registry.example/front@{}", digest("1"))],
            fields: vec![("Gadget".into(), "/spec/parts/*/picture".into())],
        },
        unchecked: vec!["example.com/v1 Gadget".into()],
        ..Request::default()
    }
}

/// Valid objects, each a document of its own: every kind that Kubernetes 1.20 can create, and each
/// specification of pods in every kind that makes some.
pub fn valid_objects() -> Vec<String> {
    let text = |path: &str| String::from_utf8(fixture(path).bytes).expect("fixtures are text");
    let mut objects: Vec<String> = Vec::new();
    for document in text("valid/kinds.yaml").split("---\n") {
        objects.push(document.to_owned());
        let line = |start: &str| document.lines().find_map(|line| line.strip_prefix(start));
        let own = line("apiVersion: ").expect("every object has a version");
        for other in line("# also ").unwrap_or_default().split_whitespace() {
            let from = format!("apiVersion: {own}\n");
            objects.push(document.replace(&from, &format!("apiVersion: {other}\n")));
        }
    }
    for (number, spec) in text("valid/pods.yaml").split("---\n").enumerate() {
        objects.extend(workloads(spec, number));
    }
    objects
}

/// An object of every kind that makes pods, from a specification of pods.
fn workloads(spec: &str, number: usize) -> Vec<String> {
    let indented = |by: usize| -> String {
        let lines = spec.lines().filter(|line| !line.starts_with('#'));
        lines.map(|line| format!("{}{line}\n", " ".repeat(by))).collect()
    };
    let head = |api: &str, kind: &str| {
        format!("apiVersion: {api}\nkind: {kind}\nmetadata: {{name: w{number}, namespace: shop}}\n")
    };
    let labels = "metadata: {labels: {app: w}}";
    let selector = "  selector: {matchLabels: {app: w}}\n";
    let template =
        |by: usize| format!("{:by$}template:\n{:by$}  {labels}\n{:by$}  spec:\n", "", "", "");
    let of = |api: &str, kind: &str, fields: &str| {
        format!("{}spec:\n{fields}{}{}", head(api, kind), template(2), indented(6))
    };
    let job = "          restartPolicy: Never\n";
    let mut made = vec![
        format!("{}spec:\n{}", head("v1", "Pod"), indented(2)),
        format!("{}{}{}", head("v1", "PodTemplate"), template(0), indented(4)),
        of("v1", "ReplicationController", "  replicas: 1\n  selector: {app: w}\n"),
        of(
            "apps/v1",
            "Deployment",
            &format!(
                "{selector}  replicas: 3\n  minReadySeconds: 5\n  strategy: {{rollingUpdate: {{maxSurge: 25%, maxUnavailable: 1}}}}\n"
            ),
        ),
        of("apps/v1", "ReplicaSet", &format!("{selector}  replicas: 0\n")),
        of("apps/v1", "DaemonSet", &format!("{selector}  updateStrategy: {{type: OnDelete}}\n")),
        of(
            "apps/v1",
            "StatefulSet",
            &format!(
                "{selector}  serviceName: front\n  podManagementPolicy: Parallel\n  volumeClaimTemplates: [{{metadata: {{name: data}}, spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1Gi}}}}}}}}]\n"
            ),
        ),
        format!(
            "{}      restartPolicy: OnFailure\n",
            of(
                "batch/v1",
                "Job",
                "  completions: 3\n  parallelism: 2\n  backoffLimit: 0\n  ttlSecondsAfterFinished: 60\n"
            )
        ),
    ];
    for api in ["batch/v1beta1", "batch/v2alpha1"] {
        made.push(format!("{}spec:\n  schedule: \"*/5 0 * * 1-5\"\n  concurrencyPolicy: Forbid\n  jobTemplate:\n    spec:\n{}{}{job}", head(api, "CronJob"), template(6), indented(10)));
    }
    made
}
