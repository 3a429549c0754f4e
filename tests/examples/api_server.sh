# Starts an API server in the sandbox that this runs in, and lets it take a cluster: $1 is the directory with
# the manifests, the rest are files of custom resource definitions.
set -eu
manifests=$1
shift
work=$(mktemp -d)
trap '[ $? = 0 ] || tail -n 60 "$work/server.log"' EXIT
openssl genrsa -out "$work/sa.key" 2048 2> "$work/openssl.log"
echo 'secret,admin,1,system:masters' > "$work/tokens.csv"
etcd --data-dir "$work/etcd" --listen-client-urls http://127.0.0.1:23790 \
    --advertise-client-urls http://127.0.0.1:23790 --listen-peer-urls http://127.0.0.1:23791 > "$work/etcd.log" 2>&1 &
kube-apiserver --etcd-servers=http://127.0.0.1:23790 --bind-address=127.0.0.1 --advertise-address=127.0.0.1 \
    --secure-port=16443 --cert-dir="$work/certs" --service-account-issuer=https://test.invalid \
    --service-account-signing-key-file="$work/sa.key" --service-account-key-file="$work/sa.key" \
    --api-audiences=api --token-auth-file="$work/tokens.csv" --authorization-mode=RBAC \
    --service-cluster-ip-range=10.96.0.0/24 --disable-admission-plugins=ServiceAccount > "$work/server.log" 2>&1 &
server=$!
client() {
    kubectl --server=https://127.0.0.1:16443 --insecure-skip-tls-verify --token=secret --cache-dir="$work/cache" "$@"
}
tries=0
until client get --raw /readyz > "$work/ready" 2>&1; do
    tries=$((tries + 1))
    if [ $tries -gt 240 ] || ! kill -0 $server; then
        tail -n 20 "$work/etcd.log" "$work/server.log"
        exit 1
    fi
    sleep 0.5
done
client version --short
for definition; do
    client apply -f "$definition"
done
[ $# = 0 ] || client wait --for=condition=Established crd --all --timeout=60s
# A new namespace and what is in it, as a person does it; every object is validated by the server.
client apply --validate=true -k "$manifests"
# Again, and nothing changes: what was written is what the server keeps.
client apply --validate=true -k "$manifests" > "$work/again"
if grep -v ' unchanged$' "$work/again"; then
    echo "these objects do not stay as they are written"
    exit 1
fi
# Every image of every workload is the one that the manifests name, by digest.
client get deployments,daemonsets,statefulsets,jobs -A \
    -o 'jsonpath={range .items[*]}{range .spec.template.spec.containers[*]}{.image}{"\n"}{end}{end}' > "$work/images"
cat "$work/images"
if grep -v '@sha256:[0-9a-f]\{64\}$' "$work/images"; then
    echo "these images are not pinned"
    exit 1
fi
