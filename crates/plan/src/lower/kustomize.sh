# Renders the kustomization in the directory $1.
if command -v kustomize > /dev/null; then
    set -- kustomize build "$1"
else
    set -- kubectl kustomize "$1"
fi
exec "$@" > /out/objects.yaml
