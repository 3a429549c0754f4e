// Writes Kubernetes' OpenAPI document, version 2, from what openapi-gen made of the Go types: the
// definitions, and of the paths those that create objects, which are the ones that the client can.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"strings"

	"groundup/generated"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/util"
	"k8s.io/kube-openapi/pkg/validation/spec"
)

const kindKey = "x-kubernetes-group-version-kind"

type kind struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

func main() {
	var own [2]int
	if _, err := fmt.Sscanf(os.Args[1], "v%d.%d", &own[0], &own[1]); err != nil {
		panic(err)
	}
	definitions := map[string]spec.Schema{}
	reference := func(name string) spec.Ref {
		return spec.MustCreateRef("#/definitions/" + util.ToRESTFriendlyName(name))
	}
	for name, definition := range generated.GetOpenAPIDefinitions(reference) {
		made := definition.Schema
		// Some types say another thing in version 2 than in version 3.
		if older, there := made.Extensions[common.ExtensionV2Schema].(spec.Schema); there {
			made = older
		}
		definitions[util.ToRESTFriendlyName(name)] = made
	}
	kinds := map[reflect.Type][]schema.GroupVersionKind{}
	for known, of := range scheme.Scheme.AllKnownTypes() {
		kinds[of] = append(kinds[of], known)
	}
	paths := map[string]any{}
	clients := reflect.TypeOf((*kubernetes.Interface)(nil)).Elem()
	for i := range clients.NumMethod() {
		client := clients.Method(i).Type.Out(0)
		if clients.Method(i).Name == "Discovery" {
			continue
		}
		for j := range client.NumMethod() {
			getter := client.Method(j).Type
			if getter.NumOut() != 1 || getter.Out(0).Kind() != reflect.Interface {
				continue
			}
			create, there := getter.Out(0).MethodByName("Create")
			if !there {
				continue
			}
			object := create.Type.In(1).Elem()
			// The types of versions that are served no longer stay, for clients of older clusters.
			life, limited := reflect.New(object).Interface().(interface{ APILifecycleRemoved() (int, int) })
			if limited {
				if major, minor := life.APILifecycleRemoved(); major < own[0] || major == own[0] && minor <= own[1] {
					continue
				}
			}
			for _, known := range kinds[object] {
				// Lists and options stand in every group.
				if !strings.HasSuffix(object.PkgPath(), "/"+known.Version) {
					continue
				}
				said := kind{known.Group, known.Version, known.Kind}
				name := util.ToRESTFriendlyName(object.PkgPath() + "." + object.Name())
				made, there := definitions[name]
				if !there {
					panic("no definition of " + name)
				}
				made.AddExtension(kindKey, []kind{said})
				definitions[name] = made
				path := "/apis/" + known.Group + "/" + known.Version + "/"
				if getter.NumIn() == 1 {
					path += "namespaces/{namespace}/"
				}
				paths[path+strings.ToLower(known.Kind)] = map[string]any{"post": map[string]any{kindKey: said}}
			}
		}
	}
	document := map[string]any{
		"swagger":     "2.0",
		"info":        map[string]string{"title": "Kubernetes", "version": os.Args[1]},
		"definitions": definitions,
		"paths":       paths,
	}
	if err := json.NewEncoder(os.Stdout).Encode(document); err != nil {
		panic(err)
	}
}
