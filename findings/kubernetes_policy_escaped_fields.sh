#!/usr/bin/env bash
# Kubernetes: a ValidatingAdmissionPolicy does not find a field by its escaped name, and with `has` it says nothing.
#
# Version:  k8s.io/apiserver and k8s.io/apiextensions-apiserver 0.36.3 (Kubernetes 1.36.3); needs Go 1.26.
# Expected: the field `namespace`, whose name CEL reserves, is `__namespace__` in every expression, as the page on CEL in
#           Kubernetes says, and as a rule in the schema of the kind has it.
# Seen:     in a policy, `has(object.ref.__namespace__)` is false for an object that has `ref.namespace`; the plain
#           `object.ref.namespace` compiles there and finds it. Objects of policies have no types, and only types escape.
# Matters:  a condition that is copied from a kind's schema into a policy holds for no object, without an error.
#
# Exits 0 while this is so, 1 when it has changed.
set -euo pipefail
place=$(mktemp -d)
trap 'chmod -R u+w "$place"; rm -rf "$place"' EXIT
cd "$place"

cat >go.mod <<'END'
module finding
go 1.26.0
require (
	k8s.io/apiextensions-apiserver v0.36.3
	k8s.io/apimachinery v0.36.3
	k8s.io/apiserver v0.36.3
)
END
cat >main.go <<'END'
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/google/cel-go/cel"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	gvk "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/admission"
	admissioncel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

const budget = 1_000_000

type condition string

func (c condition) GetExpression() string   { return string(c) }
func (c condition) ReturnTypes() []*cel.Type { return []*cel.Type{cel.BoolType} }

var content = map[string]any{
	"apiVersion": "example.org/v1", "kind": "Pointer", "metadata": map[string]any{"name": "one"},
	"ref": map[string]any{"name": "a", "namespace": "b"},
}

// What a policy's condition gives for the object.
func policy(expression string) string {
	env := environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())
	evaluator := admissioncel.NewConditionCompiler(env).CompileCondition(
		[]admissioncel.ExpressionAccessor{condition(expression)},
		admissioncel.OptionalVariableDeclarations{}, environment.NewExpressions)
	object := &unstructured.Unstructured{Object: content}
	kind := gvk.GroupVersionKind{Group: "example.org", Version: "v1", Kind: "Pointer"}
	resource := gvk.GroupVersionResource{Group: "example.org", Version: "v1", Resource: "pointers"}
	attributes := admission.NewAttributesRecord(object, nil, kind, "", "one", resource, "", admission.Create, nil, false, nil)
	versioned := &admission.VersionedAttributes{Attributes: attributes, VersionedKind: kind, VersionedObject: object}
	request := admissioncel.CreateAdmissionRequest(attributes, metav1.GroupVersionResource(resource), metav1.GroupVersionKind(kind))
	results, _, err := evaluator.ForInput(context.Background(), versioned, request, admissioncel.OptionalVariableBindings{}, nil, budget)
	if err != nil {
		return err.Error()
	}
	if results[0].Error != nil {
		return results[0].Error.Error()
	}
	return fmt.Sprint(results[0].EvalResult.Value())
}

// What a rule in the kind's own schema gives for the same object.
func rule(expression string) string {
	text := func() apiextensions.JSONSchemaProps { return apiextensions.JSONSchemaProps{Type: "string"} }
	props := &apiextensions.JSONSchemaProps{Type: "object", Properties: map[string]apiextensions.JSONSchemaProps{
		"ref": {Type: "object", Properties: map[string]apiextensions.JSONSchemaProps{"name": text(), "namespace": text()}},
	}, XValidations: apiextensions.ValidationRules{{Rule: expression}}}
	structural, err := schema.NewStructural(props)
	if err != nil {
		return err.Error()
	}
	errs, _ := schemacel.NewValidator(structural, true, budget).Validate(
		context.Background(), field.NewPath(""), structural, content, nil, budget)
	if len(errs) > 0 {
		return errs.ToAggregate().Error()
	}
	return "true"
}

func main() {
	seen := []string{
		rule(`has(self.ref.__namespace__) && self.ref.__namespace__ == "b"`),
		policy(`has(object.ref.__namespace__) && object.ref.__namespace__ == "b"`),
		policy(`object.ref.namespace == "b"`),
	}
	fmt.Printf("rule of the kind, escaped: %s\npolicy, escaped: %s\npolicy, as written in the object: %s\n", seen[0], seen[1], seen[2])
	if seen[0] != "true" || seen[1] != "false" || seen[2] != "true" {
		os.Exit(1)
	}
}
END
export GOFLAGS=-mod=mod CGO_ENABLED=0
go mod tidy >tidy.log 2>&1 || { tail -5 tidy.log; exit 1; }
go run . && echo "as found: the escaped name is found by the kind's own rule, and by no policy"
