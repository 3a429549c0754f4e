//! The tables of `cluster`.

use super::{
    Merge, Spec, Type, optional, rendering, required,
    shared::{ABSTRACT, EXTENDS, LINE, TARGET_VARS, TREE_PATH},
};
use crate::{Kind, form::Form};

const FILES: Type = Type::List(&Type::Text(Form::Glob), Merge::Append);
const POINTER: Type = Type::Text(Form::Pointer);
const LINES: Type = Type::List(&LINE, Merge::Append);
const IMAGE: Type = Type::Text(Form::Target(&[Kind::Image]));

const MAPPED: Spec = Spec {
    noun: "an image of a cluster",
    doc: "What a name of an image stands for. A plain string `image.NAME` keeps the name.",
    keys: &[
        required("from", IMAGE, "The image."),
        optional("name", LINE, "the name in the manifests", "The name that comes out."),
    ],
    one_of: &[],
    refused: &[("digest", "the digest is that of the image as it is built")],
};

const SET: Spec = Spec {
    noun: "a field that is set",
    doc: "A field of an object that says what this graph built.",
    keys: &[
        required("kind", LINE, "Kind of the object."),
        required("name", LINE, "Its name; `*` stands for every object of the kind."),
        optional("namespace", LINE, "any", "Its namespace."),
        required(
            "pointer",
            POINTER,
            "The field, as a JSON pointer (RFC 6901). Missing tables on the way are made; `-` adds to a list.",
        ),
        required(
            "value",
            LINE,
            "What it says. `{digest}` is `sha256:` and the hexadecimal digest, `{hex}` the digits alone, `{short}` the first twelve of them, `{file}` the file's name, `{size}` its bytes, `{name}` the target's name.",
        ),
        required(
            "from",
            Type::Text(Form::Output(&[Kind::Node, Kind::Image, Kind::Kernel, Kind::Build])),
            "What it speaks of: an image, or one file of an output, such as `node.worker:disk`.",
        ),
        optional(
            "platform",
            Type::Text(Form::Platform),
            "the first that it is made for",
            "The platform that it is made for.",
        ),
        optional(
            "file",
            LINE,
            "the only file of the output",
            "Which file, by its path in the output.",
        ),
    ],
    one_of: &[],
    refused: &[("path", "the field is `pointer`, as in RFC 6901: `/spec/template/spec/image`")],
};

const IMAGE_FIELD: Spec = Spec {
    noun: "a field that holds images",
    doc: "A field of a custom resource that holds an image.",
    keys: &[
        required("kind", LINE, "Kind of the objects."),
        required(
            "pointer",
            POINTER,
            "The field, as a JSON pointer; `*` stands for every item or key.",
        ),
    ],
    one_of: &[],
    refused: &[],
};

pub(super) static CLUSTER: Spec = Spec {
    noun: "a cluster",
    doc: "Kubernetes manifests in which every image is a digest of this graph, checked before anything is applied. Outputs: `out` (one file for each object in `objects/`, `kustomization.yaml`, and all as one stream, `all.yaml`), `checks` (`checks.json`: what was found and is allowed or only a warning), `oci` (the same as an OCI artifact that Flux and Argo CD pull), and, with `kustomizations` or `charts`, `rendered` (what their tools wrote).",
    keys: &[
        EXTENDS,
        ABSTRACT,
        TARGET_VARS,
        required("kubernetes", Type::Text(Form::Minor), "The version of Kubernetes."),
        required(
            "schemas",
            Type::Text(Form::Output(&[Kind::Source, Kind::Build])),
            "What has the OpenAPI document (`swagger.json`) of that version: the file, or a tree with it, such as Kubernetes' source.",
        ),
        optional(
            "schemas_path",
            TREE_PATH,
            "`/api/openapi-spec/swagger.json`, `/kubernetes/swagger.json.unprocessed` or `/swagger.json`",
            "Where the document is in that tree.",
        ),
        optional(
            "manifests",
            FILES,
            "none",
            "YAML files of the repository, or patterns of them. Files whose name is `kustomization.yaml` are not read.",
        ),
        optional(
            "kustomizations",
            Type::List(&Type::Table(&rendering::KUSTOMIZATION), Merge::Append),
            "none",
            "Kustomizations whose objects are manifests.",
        ),
        optional(
            "charts",
            Type::List(&Type::Table(&rendering::CHART), Merge::By("release")),
            "none",
            "Helm charts whose objects are manifests.",
        ),
        optional(
            "rendered",
            Type::List(&Type::Text(Form::Output(&[Kind::Source, Kind::Build])), Merge::Append),
            "none",
            "Targets whose trees hold manifests: a `build` that runs a tool of its own, or a source. Every `.yaml`, `.yml` and `.json` file of the tree is read.",
        ),
        optional(
            "crds",
            FILES,
            "none",
            "YAML files with custom resource definitions that objects are checked against. Definitions in `manifests` count too.",
        ),
        optional(
            "images",
            Type::Map(Form::ImageName, &Type::Either(&IMAGE, &Type::Table(&MAPPED))),
            "none",
            "Names of images as the manifests have them, without tag and digest, and what they stand for. A name matches whole, as with kustomize.",
        ),
        optional(
            "set",
            Type::List(&Type::Table(&SET), Merge::Append),
            "none",
            "Fields that say what this graph built.",
        ),
        optional(
            "image_fields",
            Type::List(&Type::Table(&IMAGE_FIELD), Merge::Append),
            "none",
            "Fields of custom resources that hold images. Those of containers are known.",
        ),
        optional(
            "outside",
            LINES,
            "none",
            "Images that this graph did not build: `name@sha256:…`. Any other digest is an error.",
        ),
        optional(
            "external",
            LINES,
            "none",
            "Objects that are there though no manifest makes them: `Kind/name`, or `Kind/namespace/name`.",
        ),
        optional(
            "unchecked",
            LINES,
            "none",
            "Kinds that have no schema here: `apiVersion Kind`, such as `example.com/v1 Widget`.",
        ),
        optional(
            "allow",
            LINES,
            "none",
            "Rules that need not hold: a rule, or `rule Kind/name` for one object.",
        ),
        optional(
            "severity",
            Type::Map(Form::Name, &Type::Words(&["error", "warn"])),
            "`error`",
            "How much the findings of a rule weigh: an `error` ends the build, with `warn` they are told and the manifests are made.",
        ),
        optional(
            "artifact",
            Type::Words(&["flux", "standard"]),
            "`\"flux\"`",
            "How the layer of the OCI artifact is called: by Flux's media type, or by that of an image's layer, which Argo CD takes without settings too.",
        ),
        optional("tag", LINE, "`latest`", "Name of the OCI artifact in its layout."),
    ],
    one_of: &[],
    refused: &[
        ("namespace", "a namespace stands in each object"),
        ("platforms", "images bring the platforms that they are made for"),
        ("helm", "a chart is an entry of `charts`"),
        ("kustomize", "a kustomization is an entry of `kustomizations`"),
    ],
};
