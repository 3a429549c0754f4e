# Makes the OpenAPI document of the version of Kubernetes whose types lie in /usr/share/gocode.
export GOPATH=/tmp/go:/usr/share/gocode GO111MODULE=off GOCACHE=/tmp/cache CGO_ENABLED=0
work=/tmp/go/src/groundup
busybox mkdir -p $work/generated
busybox cp /src/program/main.go $work/
cd /usr/share/gocode/src
packages=$(busybox find k8s.io/api k8s.io/apimachinery -name doc.go -exec busybox grep -l 'k8s:openapi-gen=true' {} + | busybox sed 's,/doc.go$,,' | busybox grep -v /testdata/ | busybox sort)
echo > /tmp/boilerplate
cd $work
openapi-gen --go-header-file /tmp/boilerplate --output-dir generated --output-pkg groundup/generated -r /tmp/report $packages \
    k8s.io/apimachinery/pkg/runtime k8s.io/apimachinery/pkg/version k8s.io/apimachinery/pkg/api/resource k8s.io/apimachinery/pkg/util/intstr
go run . v$1 > /out/swagger.json
