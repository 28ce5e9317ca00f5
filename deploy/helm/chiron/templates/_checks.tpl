{{/* Refuses values that make no sense together, with words that a schema cannot give. */}}
{{- define "chiron.check" -}}
{{- include "chiron.checkSecrets" . -}}
{{- include "chiron.checkSettings" . -}}
{{- include "chiron.checkThreadStore" . -}}
{{- $hasDatabase := include "chiron.hasDatabase" . -}}
{{- with .Values.metrics -}}
{{- if and (not .enabled) (or .serviceMonitor.enabled .rules.enabled .dashboard.enabled) -}}
{{- fail "metrics: set metrics.enabled as well; there is nothing to read otherwise" -}}
{{- end -}}
{{- end -}}
{{- if eq .Values.mode "cluster" -}}
{{- if not $hasDatabase -}}
{{- fail "mode: cluster needs PostgreSQL. Put CHIRON_DATABASE_URL into the Secret, and name it in secrets.names" -}}
{{- end -}}
{{- with .Values.gateway.autoscaling -}}
{{- if and .enabled (lt (int .maxReplicas) (int .minReplicas)) -}}
{{- fail "gateway.autoscaling: maxReplicas is less than minReplicas" -}}
{{- end -}}
{{- end -}}
{{- else if or .Values.cluster.existingSecret .Values.cluster.tlsSecret -}}
{{- fail "cluster: has an effect with mode: cluster only; a single server calls no others" -}}
{{- end -}}
{{- if and .Values.migration.hook (not $hasDatabase) -}}
{{- fail "migration.hook: needs PostgreSQL (CHIRON_DATABASE_URL in secrets); SQLite is on the volume of the pod, which migrates it as it starts" -}}
{{- end -}}
{{- end -}}

{{- define "chiron.checkSecrets" -}}
{{- $names := include "chiron.secretNames" . | fromJsonArray -}}
{{- if and .Values.secrets.keysInStore (not (include "chiron.hasDatabase" .)) -}}
{{- fail "secrets.keysInStore: needs PostgreSQL (CHIRON_DATABASE_URL in secrets), in which you make the first key before the servers start; SQLite is on the volume of the pod" -}}
{{- end -}}
{{- if not (or (has "CHIRON_API_KEYS" $names) .Values.secrets.keysInStore (hasKey .Values.settings "CHIRON_OIDC_ISSUER")) -}}
{{- fail "secrets: CHIRON_API_KEYS is missing. Name a Secret that has it in secrets.existingSecret, or set secrets.values.CHIRON_API_KEYS (name:key, with a key of openssl rand -hex 32). Or accept the tokens of an identity provider: settings.CHIRON_OIDC_ISSUER. Or make the first key in PostgreSQL, and set secrets.keysInStore" -}}
{{- end -}}
{{- if and .Values.secrets.existingSecret .Values.secrets.values -}}
{{- fail "secrets: existingSecret and values exclude each other; the values would not be used" -}}
{{- end -}}
{{- if and .Values.cluster.existingSecret (has "CHIRON_CLUSTER_SECRET" $names) -}}
{{- fail "secrets: CHIRON_CLUSTER_SECRET is given twice; it is in cluster.existingSecret" -}}
{{- end -}}
{{- if and .Values.threadStore.s3.existingSecret (or (has "CHIRON_S3_ACCESS_KEY_ID" $names) (has "CHIRON_S3_SECRET_ACCESS_KEY" $names)) -}}
{{- fail "secrets: the access key of the bucket is given twice; it is in threadStore.s3.existingSecret" -}}
{{- end -}}
{{- end -}}

{{- define "chiron.checkSettings" -}}
{{- range $name, $value := .Values.settings -}}
{{- if has $name (list "HOST" "PORT" "CHIRON_DATA_DIR" "CHIRON_ROLE") -}}
{{- fail (printf "settings: %s is set by the chart" $name) -}}
{{- else if hasPrefix "CHIRON_METRICS_" $name -}}
{{- fail (printf "settings: set metrics instead of %s" $name) -}}
{{- else if eq $name "CHIRON_DRAIN_SECONDS" -}}
{{- fail "settings: set drainSeconds instead of CHIRON_DRAIN_SECONDS, as the pod's grace period follows from it" -}}
{{- else if or (has $name (list "CHIRON_API_KEYS" "CHIRON_DATABASE_URL" "CHIRON_CLUSTER_SECRET" "CHIRON_S3_ACCESS_KEY_ID" "CHIRON_S3_SECRET_ACCESS_KEY" "CHIRON_WEBHOOK_URL" "CHIRON_WEBHOOK_SECRET")) (regexMatch "_(API_KEY|AUTH_TOKEN|OAUTH_TOKEN)$" $name) -}}
{{- fail (printf "settings: %s is a secret; put it into secrets" $name) -}}
{{- else if or (hasPrefix "CHIRON_CLUSTER_" $name) (eq $name "CHIRON_NODE_TIMEOUT_SECONDS") -}}
{{- fail (printf "settings: set cluster instead of %s" $name) -}}
{{- else if or (hasPrefix "CHIRON_S3_" $name) (has $name (list "CHIRON_THREAD_STORE" "CHIRON_SHARED_DIRECTORY")) -}}
{{- fail (printf "settings: set threadStore instead of %s" $name) -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{- define "chiron.checkThreadStore" -}}
{{- $kind := .Values.threadStore.kind -}}
{{- if and (eq $kind "s3") (not .Values.threadStore.s3.bucket) -}}
{{- fail "threadStore.s3.bucket: is required with threadStore.kind: s3" -}}
{{- end -}}
{{- if and (ne $kind "s3") (or .Values.threadStore.s3.bucket .Values.threadStore.s3.existingSecret) -}}
{{- fail "threadStore.s3: has an effect with threadStore.kind: s3 only" -}}
{{- end -}}
{{- if and (ne $kind "shared") .Values.threadStore.shared.existingClaim -}}
{{- fail "threadStore.shared: has an effect with threadStore.kind: shared only" -}}
{{- end -}}
{{- if eq .Values.mode "single" -}}
{{- if eq $kind "shared" -}}
{{- fail "threadStore.kind: shared is for mode: cluster; a single server has its own volume" -}}
{{- end -}}
{{- else -}}
{{- if and (eq $kind "local") (not .Values.persistence.enabled) -}}
{{- fail "persistence.enabled: without volumes, threadStore.kind: local would lose the files of threads with each pod. Use s3 or shared" -}}
{{- end -}}
{{- if .Values.persistence.existingClaim -}}
{{- fail "persistence.existingClaim: is for mode: single; each worker has a volume of its own" -}}
{{- end -}}
{{- end -}}
{{- end -}}
