{{- define "argo.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}{{ .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name -}}{{ .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else -}}{{ printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end -}}
{{- end -}}

{{- define "argo.namespace" -}}{{ default .Release.Namespace .Values.namespaceOverride }}{{- end -}}

{{- define "argo.controller" -}}
{{ printf "%s-%s" (include "argo.fullname" .) .Values.controller.name | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- define "argo.controller.serviceAccount" -}}
{{- $account := .Values.controller.serviceAccount -}}
{{ if $account.create }}{{ default (include "argo.controller" .) $account.name }}{{ else }}{{ default "default" $account.name }}{{ end }}
{{- end -}}

{{- define "argo.controller.configMap" -}}
{{ default (printf "%s-configmap" (include "argo.controller" .)) .Values.controller.configMap.name }}
{{- end -}}

{{- define "argo.selector" -}}
app.kubernetes.io/name: {{ include "argo.fullname" . }}-{{ .Values.controller.name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "argo.labels" -}}
{{ include "argo.selector" . }}
app.kubernetes.io/component: {{ .Values.controller.name }}
app.kubernetes.io/part-of: argo-workflows
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* An image reference: (list root image). */}}
{{- define "argo.image" -}}
{{- $root := index . 0 -}}{{- $image := index . 1 -}}
{{ with $image.registry }}{{ . }}/{{ end }}{{ $image.repository }}:{{ coalesce $image.tag $root.Values.images.tag $root.Chart.AppVersion }}
{{- end -}}

{{/* Namespaces whose workflows' service accounts get permissions. */}}
{{- define "argo.workflowNamespaces" -}}
{{- $namespaces := .Values.controller.workflowNamespaces -}}
{{- if .Values.singleNamespace -}}{{- $namespaces = list (include "argo.namespace" .) -}}{{- end -}}
{{ toJson (uniq $namespaces) }}
{{- end -}}

{{/* What the controller may do where it runs workflows. */}}
{{- define "argo.controller.rules" -}}
- apiGroups: [""]
  resources: [pods, pods/exec]
  verbs: [create, get, list, watch, update, patch, delete]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [get, list, watch{{ if .Values.controller.rbac.writeConfigMaps }}, create, update{{ end }}]
- apiGroups: [""]
  resources: [persistentvolumeclaims, persistentvolumeclaims/finalizers]
  verbs: [create, get, update, delete]
- apiGroups: [""]
  resources: [serviceaccounts]
  verbs: [get, list]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
- apiGroups: [policy]
  resources: [poddisruptionbudgets]
  verbs: [create, get, delete]
- apiGroups: [argoproj.io]
  resources: [workflows, workflows/finalizers, workflowtasksets, workflowtasksets/finalizers, workflowartifactgctasks]
  verbs: [create, get, list, watch, update, patch, delete]
- apiGroups: [argoproj.io]
  resources: [cronworkflows, cronworkflows/finalizers]
  verbs: [get, list, watch, update, patch, delete]
- apiGroups: [argoproj.io]
  resources: [workflowtemplates, workflowtemplates/finalizers]
  verbs: [get, list, watch]
- apiGroups: [argoproj.io]
  resources: [workflowtaskresults]
  verbs: [list, watch, deletecollection]
{{- if .Values.controller.rbac.accessAllSecrets }}
- apiGroups: [""]
  resources: [secrets]
  verbs: [get, list, watch]
{{- else }}
- apiGroups: [""]
  resources: [secrets]
  resourceNames: {{ toJson (concat (list "argo-workflows-agent-ca-certificates") .Values.controller.rbac.secretWhitelist) }}
  verbs: [get, list, watch]
{{- end }}
{{- end -}}

{{/* The controller's own configuration, as JSON of a map that has only what was set. */}}
{{- define "argo.config" -}}
{{- $c := .Values.controller -}}
{{- $config := dict "nodeEvents" $c.nodeEvents "workflowEvents" $c.workflowEvents -}}
{{- range $key := list "parallelism" "namespaceParallelism" "podGCGracePeriodSeconds" -}}
{{- $value := get $c $key -}}{{- if not (kindIs "invalid" $value) -}}{{- $_ := set $config $key $value -}}{{- end -}}
{{- end -}}
{{- range $key := list "resourceRateLimit" "workflowDefaults" "workflowRestrictions" "retentionPolicy" "persistence" "podGCDeleteDelayDuration" -}}
{{- with get $c $key -}}{{- $_ := set $config $key . -}}{{- end -}}
{{- end -}}
{{- if $c.instanceID.enabled -}}
{{- $id := ternary .Release.Name $c.instanceID.explicitID $c.instanceID.useReleaseName -}}
{{- $_ := set $config "instanceID" (required "controller.instanceID.enabled needs useReleaseName: true or an explicitID" $id) -}}
{{- end -}}
{{- $m := $c.metricsConfig -}}
{{- $metrics := dict "enabled" $m.enabled "path" $m.path "port" $m.port "ignoreErrors" $m.ignoreErrors "secure" $m.secure -}}
{{- with $m.metricsTTL -}}{{- $_ := set $metrics "metricsTTL" . -}}{{- end -}}
{{- with $m.modifiers -}}{{- $_ := set $metrics "modifiers" . -}}{{- end -}}
{{- $_ := set $config "metricsConfig" $metrics -}}
{{- $_ := set $config "telemetryConfig" (dict "enabled" false) -}}
{{- $main := dict "imagePullPolicy" (default .Values.images.pullPolicy .Values.mainContainer.imagePullPolicy) -}}
{{- range $key := list "resources" "env" "envFrom" "securityContext" -}}
{{- with get $.Values.mainContainer $key -}}{{- $_ := set $main $key . -}}{{- end -}}
{{- end -}}
{{- $_ := set $config "mainContainer" $main -}}
{{- $executor := dict "imagePullPolicy" (default .Values.images.pullPolicy .Values.executor.image.pullPolicy) -}}
{{- range $key := list "resources" "args" "env" "securityContext" -}}
{{- with get $.Values.executor $key -}}{{- $_ := set $executor $key . -}}{{- end -}}
{{- end -}}
{{- $_ := set $config "executor" $executor -}}
{{- $repository := dict -}}
{{- if .Values.artifactRepository.archiveLogs -}}{{- $_ := set $repository "archiveLogs" true -}}{{- end -}}
{{- with .Values.artifactRepository.s3 -}}
{{- $s3 := . -}}
{{- if not $.Values.useStaticCredentials -}}{{- $s3 = omit . "accessKeySecret" "secretKeySecret" "sessionTokenSecret" -}}{{- end -}}
{{- $_ := set $repository "s3" $s3 -}}
{{- end -}}
{{- with $repository -}}{{- $_ := set $config "artifactRepository" . -}}{{- end -}}
{{ toJson $config }}
{{- end -}}
