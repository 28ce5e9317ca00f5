{{/* At most 45 characters: `-worker` and the hash of a StatefulSet follow in a label of 63. */}}
{{- define "chiron.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 45 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 45 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What all servers of the release have, and no other pod. */}}
{{- define "chiron.selectorLabels" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "chiron.commonLabels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "chiron.labels" -}}
{{ include "chiron.commonLabels" . }}
{{ include "chiron.selectorLabels" . }}
{{- end -}}

{{- define "chiron.image" -}}
{{- $tag := default .Chart.AppVersion .Values.image.tag -}}
{{- printf "%s:%s%s" .Values.image.repository $tag (ternary "-agents" "" .Values.image.agents) -}}
{{- end -}}

{{/* The component that answers requests. */}}
{{- define "chiron.frontComponent" -}}
{{- ternary "gateway" "server" (eq .Values.mode "cluster") -}}
{{- end -}}

{{/* The domain of the servers for each other. */}}
{{- define "chiron.peerDomain" -}}
{{- printf "%s-servers.%s.svc" (include "chiron.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- define "chiron.secretName" -}}
{{- default (include "chiron.fullname" .) .Values.secrets.existingSecret -}}
{{- end -}}

{{/* The variables that the main Secret has, as a JSON list. */}}
{{- define "chiron.secretNames" -}}
{{- toJson (ternary .Values.secrets.names (keys .Values.secrets.values | sortAlpha) (ne .Values.secrets.existingSecret "")) -}}
{{- end -}}

{{/* Whether PostgreSQL is the store: `true` or nothing. */}}
{{- define "chiron.hasDatabase" -}}
{{- if has "CHIRON_DATABASE_URL" (include "chiron.secretNames" . | fromJsonArray) -}}true{{- end -}}
{{- end -}}

{{/*
The secrets of a role, as a JSON list of {secret, key}. Gateways, which the network reaches, get no key of a model provider: they run no
agents.
*/}}
{{- define "chiron.secretFiles" -}}
{{- $files := list -}}
{{- $role := .role -}}
{{- with .root -}}
{{- $main := include "chiron.secretName" . -}}
{{- range include "chiron.secretNames" . | fromJsonArray -}}
{{- if or (ne $role "gateway") (hasPrefix "CHIRON_" .) -}}
{{- $files = append $files (dict "secret" $main "key" .) -}}
{{- end -}}
{{- end -}}
{{- if .Values.cluster.existingSecret -}}
{{- $files = append $files (dict "secret" .Values.cluster.existingSecret "key" "CHIRON_CLUSTER_SECRET") -}}
{{- end -}}
{{- with .Values.threadStore.s3.existingSecret -}}
{{- $files = append $files (dict "secret" . "key" "CHIRON_S3_ACCESS_KEY_ID") -}}
{{- $files = append $files (dict "secret" . "key" "CHIRON_S3_SECRET_ACCESS_KEY") -}}
{{- end -}}
{{- end -}}
{{- toJson $files -}}
{{- end -}}
