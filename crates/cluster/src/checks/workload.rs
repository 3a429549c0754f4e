//! What the API server asks of pods beyond their schema.

use super::{names::is_label, pods};
use crate::{
    Finding, Object, Rule,
    schema::quantity,
    yaml::{Node, Place, Value},
};

/// Sources of volumes, of which one has exactly one.
const NOT_SOURCES: &[&str] = &["name"];

/// Checks the pods of an object.
pub(crate) fn workload(object: &Object, out: &mut Vec<Finding>) {
    let Some(pods) = pods::of(object) else { return };
    let mut say = |at: Place, message: String| {
        out.push(object.finding(Rule::WrongValue, at, message));
    };
    if let Some(policy) = pods.spec.get("restartPolicy") {
        restart_policy(object, policy, &mut say);
    } else if matches!((object.group(), object.kind.as_str()), ("batch", "Job" | "CronJob")) {
        let message = "a job's pods need `restartPolicy: OnFailure` or `Never`".to_owned();
        say(pods.spec.at, message);
    }
    let containers = pods.spec.get("containers");
    if containers.is_none_or(|node| node.as_list().is_some_and(<[Node]>::is_empty)) {
        say(pods.spec.at, "a pod needs a container".to_owned());
    }
    for container in pods.containers() {
        of_container(container, &mut say);
    }
    for volume in pods.spec.items("volumes") {
        let sources = volume.as_map().into_iter().flat_map(|map| map.iter());
        let sources: Vec<&str> = sources
            .map(|entry| entry.key.as_str())
            .filter(|key| !NOT_SOURCES.contains(key))
            .collect();
        if sources.len() > 1 {
            let message = format!("a volume has one source, found `{}`", sources.join("` and `"));
            say(volume.at, message);
        }
    }
    if let Some(schedule) = object.root.path(&["spec", "schedule"])
        && object.kind == "CronJob"
    {
        let text = schedule.as_text().unwrap_or_default();
        let words = text.split_whitespace().count();
        if words != 5 && !text.starts_with('@') {
            let message = format!("`{text}` is no schedule: it has {words} fields, not five");
            say(schedule.at, message);
        }
    }
}

fn restart_policy(object: &Object, policy: &Node, say: &mut dyn FnMut(Place, String)) {
    let word = policy.as_text().unwrap_or_default();
    let wanted = match (object.group(), object.kind.as_str()) {
        ("batch", "Job" | "CronJob") if word == "Always" => "`OnFailure` or `Never`",
        ("apps" | "extensions", _) | ("", "ReplicationController") if word != "Always" => {
            "`Always`"
        }
        _ => return,
    };
    say(policy.at, format!("the pods of a {} restart {wanted}, found `{word}`", object.kind));
}

fn of_container(container: &Node, say: &mut dyn FnMut(Place, String)) {
    if let Some(name) = container.get("name")
        && let Some(text) = name.as_text().filter(|text| !is_label(text))
    {
        say(
            name.at,
            format!(
                "`{text}` is no name of a container: lower-case letters, digits and `-`, at most 63"
            ),
        );
    }
    for env in container.items("env") {
        if env.get("value").is_some() && env.get("valueFrom").is_some() {
            say(env.at, "a variable has a `value` or a `valueFrom`, not both".to_owned());
        }
    }
    for mount in container.items("volumeMounts") {
        let same = |other: &&Node| {
            other.get("mountPath").is_some_and(|path| Some(path) == mount.get("mountPath"))
        };
        let mounts = container.items("volumeMounts").iter();
        let first = mounts.into_iter().find(same);
        if let (Some(first), Some(path)) = (first, mount.get("mountPath"))
            && first.at != mount.at
        {
            let shown = path.as_text().unwrap_or_default();
            say(path.at, format!("two volumes are mounted at `{shown}`"));
        }
    }
    let resources = |list: &str| {
        let map = container.path(&["resources", list]).and_then(Node::as_map);
        map.into_iter().flat_map(|map| map.iter())
    };
    for request in resources("requests") {
        let limit = resources("limits").find(|limit| limit.key == request.key);
        if let Some(limit) = limit
            && let (Some(asked), Some(most)) = (amount(&request.node), amount(&limit.node))
            && asked > most
        {
            let (name, line) = (&request.key, limit.at.line);
            say(
                request.node.at,
                format!("the request of {name} is more than its limit in line {line}"),
            );
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get(probe) else { continue };
        let handlers = ["httpGet", "tcpSocket", "exec", "grpc"];
        let found = handlers.iter().filter(|handler| probe.get(handler).is_some()).count();
        if found != 1 {
            say(
                probe.at,
                format!(
                    "a probe has one of `httpGet`, `tcpSocket`, `exec` and `grpc`, found {found}"
                ),
            );
        }
    }
}

fn amount(node: &Node) -> Option<f64> {
    match &node.value {
        Value::Text(text) => quantity(text),
        #[allow(clippy::cast_precision_loss, reason = "amounts are compared, not kept")]
        Value::Int(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        _ => None,
    }
}
