#!/usr/bin/env bash
# kustomize: `images:` changes some containers of an Argo WorkflowTemplate and leaves others, and exits 0.
#
# Versions: kustomize 5.8.1 (Go module sigs.k8s.io/kustomize/kustomize/v5; needs Go).
# Expected: all containers with the image's name get the new tag, or none, since a WorkflowTemplate is a custom resource
#           whose fields kustomize does not know. Seen: `initContainers` and `containerSet.containers` of a template get
#           it, `container`, `script` and `sidecars` keep the old one.
# Matters:  one WorkflowTemplate runs two releases of a program after a promotion by `kustomize edit set image`. A
#           configuration with `images:` paths makes it whole.
#
# Exits 0 while this is so, 1 when it has changed.
set -eu
work=$(mktemp -d); trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
GOBIN="$work/bin" GOPATH="$work/go" go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.1
cat >"$work/template.yaml" <<'YAML'
apiVersion: argoproj.io/v1alpha1
kind: WorkflowTemplate
metadata: {name: build}
spec:
  entrypoint: one
  templates:
    - name: one
      initContainers: [{name: init, image: "example.org/program:old"}]
      container: {name: main, image: "example.org/program:old"}
      sidecars: [{name: side, image: "example.org/program:old"}]
    - name: two
      containerSet: {containers: [{name: main, image: "example.org/program:old"}]}
    - name: three
      script: {image: "example.org/program:old", source: "true"}
YAML
cat >"$work/images.yaml" <<'YAML'
images:
  - {kind: WorkflowTemplate, path: "spec/templates[]/container/image"}
  - {kind: WorkflowTemplate, path: "spec/templates[]/script/image"}
  - {kind: WorkflowTemplate, path: "spec/templates[]/sidecars[]/image"}
YAML
kustomization() { printf 'resources: [template.yaml]\nimages: [{name: example.org/program, newTag: new}]\n'; }
tags() { "$work/bin/kustomize" build "$work" | grep -o 'program:[a-z]*' | sort | uniq -c | tr -s ' \n' ' '; }
kustomization >"$work/kustomization.yaml"
plain=$(tags)
{ kustomization; echo 'configurations: [images.yaml]'; } >"$work/kustomization.yaml"
configured=$(tags)
echo "five containers: without a configuration$plain; with one$configured"
[ "$plain" = " 2 program:new 3 program:old " ] && [ "$configured" = " 5 program:new " ]
