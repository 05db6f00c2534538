{{- define "fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (default .Chart.Name .Values.nameOverride) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "controller" -}}
{{- include "fullname" . }}-workflow-controller
{{- end -}}

{{- define "selector" -}}
app.kubernetes.io/name: argo-workflows-workflow-controller
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "labels" -}}
{{ include "selector" . }}
app.kubernetes.io/component: workflow-controller
app.kubernetes.io/part-of: argo-workflows
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "tag" -}}
{{- required "images.tag is required: the version of Argo Workflows, such as v3.7.18" .Values.images.tag -}}
{{- end -}}
