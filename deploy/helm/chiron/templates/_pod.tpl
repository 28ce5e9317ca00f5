{{/*
The pods of one role. The argument has `root`, `role` (all, gateway, worker), `component`, and `hasClaims`: whether a StatefulSet gives them
their volume.
*/}}
{{- define "chiron.podTemplate" -}}
{{- $role := .role -}}
{{- $isGateway := eq $role "gateway" -}}
{{- $component := .component -}}
{{- $hasClaims := .hasClaims -}}
{{- with .root -}}
{{- $store := .Values.threadStore -}}
{{- $isCluster := eq .Values.mode "cluster" -}}
{{- $secretFiles := include "chiron.secretFiles" (dict "root" . "role" $role) | fromJsonArray -}}
{{- $linger := ternary .Values.gateway.lingerSeconds 5 $isGateway -}}
{{- $placement := ternary .Values.gateway .Values $isGateway -}}
metadata:
  labels:
    {{- include "chiron.labels" . | nindent 4 }}
    app.kubernetes.io/component: {{ $component }}
    {{- with .Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # A changed Secret of the chart restarts the pod. One that you made does not: restart it yourself.
    checksum/secret: {{ toJson .Values.secrets | sha256sum }}
    {{- with .Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "chiron.fullname" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  # A gateway has no turns of its own to wait for.
  terminationGracePeriodSeconds: {{ add .Values.shutdownSeconds (ternary $linger .Values.drainSeconds $isGateway) }}
  {{- include "chiron.podRuntime" . | nindent 2 }}
  containers:
    - name: chiron
      image: {{ include "chiron.image" . | quote }}
      imagePullPolicy: {{ .Values.image.pullPolicy }}
      {{- if and $isCluster .Values.cluster.tlsSecret (not $hasClaims) }}
      # Pods of a Deployment have a name by their address only, which the shell makes of it: 10-1-2-3.<service>.
      command:
        - sh
        - -c
        - >-
          export CHIRON_CLUSTER_URL="https://$(echo "$POD_IP" | tr .: --).{{ include "chiron.peerDomain" . }}:{{ .Values.cluster.port }}";
          exec tini -- chiron start
      {{- end }}
      securityContext:
        {{- toYaml .Values.securityContext | nindent 8 }}
      ports:
        - name: http
          containerPort: 8787
          protocol: TCP
        {{- if $isCluster }}
        - name: cluster
          containerPort: {{ .Values.cluster.port }}
          protocol: TCP
        {{- end }}
        {{- if .Values.metrics.enabled }}
        - name: metrics
          containerPort: {{ .Values.metrics.port }}
          protocol: TCP
        {{- end }}
      env:
        - name: HOST
          value: 0.0.0.0
        - name: PORT
          value: '8787'
        - name: CHIRON_DATA_DIR
          value: /data
        {{- if .Values.metrics.enabled }}
        - name: CHIRON_METRICS_PORT
          value: {{ .Values.metrics.port | quote }}
        {{- end }}
        {{- if not $isGateway }}
        - name: CHIRON_DRAIN_SECONDS
          value: {{ .Values.drainSeconds | quote }}
        {{- end }}
        {{- if $isCluster }}
        {{- include "chiron.clusterVariables" (dict "root" . "role" $role "hasClaims" $hasClaims) | nindent 8 }}
        {{- end }}
        {{- if ne $store.kind "local" }}
        {{- include "chiron.storeVariables" . | nindent 8 }}
        {{- end }}
        {{- range $secretFiles }}
        - name: {{ .key }}_FILE
          value: /run/secrets/chiron/{{ .key }}
        {{- end }}
        {{- range $name, $value := .Values.settings }}
        - name: {{ $name }}
          value: {{ $value | quote }}
        {{- end }}
      # The first start migrates the store, and moves what a crash has left.
      startupProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        httpGet: { path: /healthz, port: http }
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet: { path: /readyz, port: http }
        periodSeconds: 5
        timeoutSeconds: 5
      lifecycle:
        preStop:
          # Until every load balancer knows that the pod is going, requests still arrive; streams go on meanwhile.
          exec: { command: [sleep, {{ $linger | quote }}] }
      resources:
        {{- toYaml $placement.resources | nindent 8 }}
      volumeMounts:
        - name: data
          mountPath: /data
        - name: tmp
          mountPath: /tmp
        - name: secrets
          mountPath: /run/secrets/chiron
          readOnly: true
        {{- if eq $store.kind "shared" }}
        - name: threads
          mountPath: /threads
        {{- end }}
        {{- if and $isCluster .Values.cluster.tlsSecret }}
        - name: cluster-tls
          mountPath: /run/secrets/cluster-tls
          readOnly: true
        {{- end }}
        {{- with .Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: tmp
      emptyDir: {}
    - name: secrets
      projected:
        # 0440: for the group of the pod.
        defaultMode: 288
        sources:
          {{- range $secretFiles }}
          - secret:
              name: {{ .secret }}
              items: [{ key: {{ .key }}, path: {{ .key }} }]
          {{- end }}
    {{- if eq $store.kind "shared" }}
    - name: threads
      persistentVolumeClaim:
        claimName: {{ default (printf "%s-threads" (include "chiron.fullname" .)) $store.shared.existingClaim }}
    {{- end }}
    {{- if and $isCluster .Values.cluster.tlsSecret }}
    - name: cluster-tls
      secret:
        secretName: {{ .Values.cluster.tlsSecret }}
        defaultMode: 288
    {{- end }}
    {{- if $isGateway }}
    - name: data
      emptyDir: {}
    {{- else if and $isCluster (eq $store.kind "s3") }}
    - name: data
      emptyDir:
        sizeLimit: {{ $store.s3.cacheSize }}
    {{- else if not .Values.persistence.enabled }}
    - name: data
      emptyDir: {}
    {{- else if .Values.persistence.existingClaim }}
    - name: data
      persistentVolumeClaim:
        claimName: {{ .Values.persistence.existingClaim }}
    {{- end }}
    {{- with .Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- if $isCluster }}
  topologySpreadConstraints:
    {{- with (ternary .Values.gateway .Values.worker $isGateway).topologySpreadConstraints }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
    - maxSkew: 1
      topologyKey: {{ . }}
      whenUnsatisfiable: ScheduleAnyway
      labelSelector:
        matchLabels:
          {{- include "chiron.selectorLabels" $.root | nindent 10 }}
          app.kubernetes.io/component: {{ $component }}
    {{- end }}
    {{- end }}
  {{- end }}
  {{- with $placement.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $placement.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $placement.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}
{{- end -}}
