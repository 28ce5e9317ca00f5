{{/* How pods of the chart run, whatever they do. */}}
{{- define "chiron.podRuntime" -}}
{{- if not .Values.hostUsers }}
hostUsers: false
{{- end }}
{{- with .Values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  {{- toYaml .Values.podSecurityContext | nindent 2 }}
{{- end -}}

{{/* How a server of a cluster finds the others. */}}
{{- define "chiron.clusterVariables" -}}
{{- with .root -}}
- name: CHIRON_ROLE
  value: {{ $.role }}
- name: CHIRON_NODE_TIMEOUT_SECONDS
  value: {{ .Values.cluster.nodeTimeoutSeconds | quote }}
- name: CHIRON_CLUSTER_HOST
  value: 0.0.0.0
- name: CHIRON_CLUSTER_PORT
  value: {{ .Values.cluster.port | quote }}
{{- if not .Values.cluster.tlsSecret }}
- name: POD_IP
  valueFrom: { fieldRef: { fieldPath: status.podIP } }
- name: CHIRON_CLUSTER_URL
  value: http://$(POD_IP):{{ .Values.cluster.port }}
{{- else }}
{{- if $.hasClaims }}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: CHIRON_CLUSTER_URL
  value: https://$(POD_NAME).{{ include "chiron.peerDomain" . }}:{{ .Values.cluster.port }}
{{- else }}
- name: POD_IP
  valueFrom: { fieldRef: { fieldPath: status.podIP } }
{{- end }}
- name: CHIRON_CLUSTER_TLS_CERT_FILE
  value: /run/secrets/cluster-tls/tls.crt
- name: CHIRON_CLUSTER_TLS_KEY_FILE
  value: /run/secrets/cluster-tls/tls.key
- name: CHIRON_CLUSTER_TLS_CA_FILE
  value: /run/secrets/cluster-tls/ca.crt
{{- end }}
{{- end -}}
{{- end -}}

{{/* Where the files of threads are. */}}
{{- define "chiron.storeVariables" -}}
{{- with .Values.threadStore -}}
- name: CHIRON_THREAD_STORE
  value: {{ .kind }}
{{- if eq .kind "shared" }}
- name: CHIRON_SHARED_DIRECTORY
  value: /threads
{{- else }}
- name: CHIRON_S3_BUCKET
  value: {{ .s3.bucket | quote }}
- name: CHIRON_S3_REGION
  value: {{ .s3.region | quote }}
{{- with .s3.endpoint }}
- name: CHIRON_S3_ENDPOINT
  value: {{ . | quote }}
{{- end }}
{{- with .s3.prefix }}
- name: CHIRON_S3_PREFIX
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* The volume of each pod with agents. */}}
{{- define "chiron.dataClaim" -}}
- metadata:
    name: data
    {{- with .Values.persistence.annotations }}
    annotations:
      {{- toYaml . | nindent 6 }}
    {{- end }}
  spec:
    accessModes:
      {{- toYaml .Values.persistence.accessModes | nindent 6 }}
    {{- with .Values.persistence.storageClass }}
    storageClassName: {{ . }}
    {{- end }}
    resources:
      requests:
        storage: {{ .Values.persistence.size }}
{{- end -}}
