//! Defaults that the API server fills in: k8s.io/api field documentation, `pkg/apis/*/*/defaults.go` of
//! Kubernetes 1.32. Only those that depend on nothing else.

use crate::keyed::{Segment, Value};

/// The end of a path (names of items left out) and the default, as it is shown.
const DEFAULTS: &[(&str, &str)] = &[
    ("containers.terminationMessagePath", "/dev/termination-log"),
    ("containers.terminationMessagePolicy", "File"),
    ("initContainers.terminationMessagePath", "/dev/termination-log"),
    ("initContainers.terminationMessagePolicy", "File"),
    ("containers.resources", "{}"),
    ("ports.protocol", "TCP"),
    ("Probe.timeoutSeconds", "1"),
    ("Probe.periodSeconds", "10"),
    ("Probe.successThreshold", "1"),
    ("Probe.failureThreshold", "3"),
    ("httpGet.scheme", "HTTP"),
    ("fieldRef.apiVersion", "v1"),
    ("spec.dnsPolicy", "ClusterFirst"),
    ("spec.schedulerName", "default-scheduler"),
    ("spec.securityContext", "{}"),
    ("spec.terminationGracePeriodSeconds", "30"),
    ("spec.enableServiceLinks", "true"),
    ("configMap.defaultMode", "420"),
    ("secret.defaultMode", "420"),
    ("projected.defaultMode", "420"),
    ("downwardAPI.defaultMode", "420"),
    ("hostPath.type", ""),
    ("spec.sessionAffinity", "None"),
    ("spec.internalTrafficPolicy", "Cluster"),
];

/// Those of one kind of object, by the whole path.
const OF_KIND: &[(&str, &str, &str)] = &[
    ("Deployment", "spec.replicas", "1"),
    ("Deployment", "spec.revisionHistoryLimit", "10"),
    ("Deployment", "spec.progressDeadlineSeconds", "600"),
    ("Deployment", "spec.strategy.type", "RollingUpdate"),
    ("Deployment", "spec.strategy.rollingUpdate.maxSurge", "25%"),
    ("Deployment", "spec.strategy.rollingUpdate.maxUnavailable", "25%"),
    ("Deployment", "spec.template.spec.restartPolicy", "Always"),
    ("ReplicaSet", "spec.replicas", "1"),
    ("StatefulSet", "spec.replicas", "1"),
    ("StatefulSet", "spec.revisionHistoryLimit", "10"),
    ("StatefulSet", "spec.podManagementPolicy", "OrderedReady"),
    ("StatefulSet", "spec.updateStrategy.type", "RollingUpdate"),
    ("StatefulSet", "spec.template.spec.restartPolicy", "Always"),
    ("DaemonSet", "spec.revisionHistoryLimit", "10"),
    ("DaemonSet", "spec.updateStrategy.type", "RollingUpdate"),
    ("DaemonSet", "spec.updateStrategy.rollingUpdate.maxUnavailable", "1"),
    ("DaemonSet", "spec.updateStrategy.rollingUpdate.maxSurge", "0"),
    ("DaemonSet", "spec.template.spec.restartPolicy", "Always"),
    ("Job", "spec.backoffLimit", "6"),
    ("Job", "spec.completions", "1"),
    ("Job", "spec.parallelism", "1"),
    ("Job", "spec.suspend", "false"),
    ("Job", "spec.completionMode", "NonIndexed"),
    ("CronJob", "spec.concurrencyPolicy", "Allow"),
    ("CronJob", "spec.suspend", "false"),
    ("CronJob", "spec.successfulJobsHistoryLimit", "3"),
    ("CronJob", "spec.failedJobsHistoryLimit", "1"),
    ("Pod", "spec.restartPolicy", "Always"),
    ("Service", "spec.type", "ClusterIP"),
    ("Service", "spec.ipFamilyPolicy", "SingleStack"),
    ("Secret", "type", "Opaque"),
    ("Namespace", "spec.finalizers", "[\"kubernetes\"]"),
    ("PersistentVolumeClaim", "spec.volumeMode", "Filesystem"),
    ("PersistentVolume", "spec.volumeMode", "Filesystem"),
    ("PersistentVolume", "spec.persistentVolumeReclaimPolicy", "Retain"),
    ("StorageClass", "reclaimPolicy", "Delete"),
    ("StorageClass", "volumeBindingMode", "Immediate"),
    ("HorizontalPodAutoscaler", "spec.minReplicas", "1"),
];

/// Whether a value is what would be there if it were not.
pub(super) fn is_default(kind: &str, path: &[Segment], value: &Value) -> bool {
    let keys: Vec<&str> = path
        .iter()
        .filter_map(|segment| match segment {
            Segment::Key(key) => Some(key.as_str()),
            _ => None,
        })
        .collect();
    let (whole, shown) = (keys.join("."), value.shown());
    let ends = |end: &str| {
        let rest = whole.strip_suffix(end);
        rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('.') || end.starts_with("Probe"))
    };
    OF_KIND.iter().any(|one| one.0 == kind && one.1 == whole && one.2 == shown)
        || DEFAULTS.iter().any(|(end, default)| ends(end) && *default == shown)
}
