{{- /* Environment of the containers. The names are those that the services read: packages/core/src/config.ts and each
       service's config.ts. */ -}}

{{- /* Where the engines are: for services, the command line and jobs of the chart alike. */ -}}
{{- define "soundstage.env.engines" -}}
- name: SOUNDSTAGE_HOME
  value: /var/lib/soundstage
- name: HOME
  value: /tmp
- name: SOUNDSTAGE_LOG_LEVEL
  value: {{ .Values.logLevel | quote }}
- name: SOUNDSTAGE_BACKEND
  value: {{ .Values.backend | quote }}
{{- if eq .Values.backend "gcp" }}
- name: SOUNDSTAGE_BUCKET
  value: {{ .Values.gcp.bucket | quote }}
- name: SOUNDSTAGE_QUEUE_PREFIX
  value: {{ .Values.gcp.queuePrefix | quote }}
{{- with .Values.gcp.project }}
- name: GOOGLE_CLOUD_PROJECT
  value: {{ . | quote }}
{{- end }}
- name: SOUNDSTAGE_SIGNED_ADDRESSES
  value: {{ ternary "on" "off" (and .Values.gcp.signedAddresses (not .Values.gcp.emulators.storage)) | quote }}
{{- with .Values.gcp.emulators.pubsub }}
- name: PUBSUB_EMULATOR_HOST
  value: {{ . | quote }}
{{- end }}
{{- with .Values.gcp.emulators.storage }}
- name: STORAGE_EMULATOR_HOST
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Whose keys and tokens a server takes. */ -}}
{{- define "soundstage.env.auth" -}}
- name: SOUNDSTAGE_AUTH
  value: {{ .Values.auth.mode | quote }}
{{- if contains "keys" .Values.auth.mode }}
- name: SOUNDSTAGE_API_KEYS_FILE
  value: /etc/soundstage/auth/keys.json
{{- end }}
{{- if contains "oidc" .Values.auth.mode }}
- name: SOUNDSTAGE_OIDC_ISSUER
  value: {{ required "auth.oidc.issuer is needed with auth.mode oidc" .Values.auth.oidc.issuer | quote }}
- name: SOUNDSTAGE_OIDC_AUDIENCE
  value: {{ required "auth.oidc.audience is needed with auth.mode oidc" .Values.auth.oidc.audience | quote }}
{{- end }}
{{- end -}}

{{- /* How a client is trusted, and whom it trusts. */ -}}
{{- define "soundstage.env.client" -}}
{{- if ne .Values.auth.mode "off" }}
- name: SOUNDSTAGE_TOKEN_FILE
  value: /etc/soundstage/token/token
{{- end }}
{{- if .Values.tls.enabled }}
- name: SOUNDSTAGE_TLS_CA
  value: /etc/soundstage/tls/ca.crt
{{- end }}
{{- end -}}

{{- define "soundstage.env.telemetry" -}}
{{- if .Values.telemetry.otlpEndpoint }}
- name: OTEL_EXPORTER_OTLP_ENDPOINT
  value: {{ .Values.telemetry.otlpEndpoint | quote }}
{{- end }}
{{- end -}}

{{- /* One service's. Takes dict "root" "name" "service". */ -}}
{{- define "soundstage.env.service" -}}
{{- $root := .root -}}
{{- $service := .service -}}
{{- if eq $service.face "http" -}}
- name: SOUNDSTAGE_LOG_LEVEL
  value: {{ $root.Values.logLevel | quote }}
- name: SOUNDSTAGE_GATEWAY_HOST
  value: 0.0.0.0
- name: SOUNDSTAGE_GATEWAY_PORT
  value: "7480"
- name: SOUNDSTAGE_INFERENCE
  value: {{ include "soundstage.fullname" $root }}-{{ first $service.calls }}:7400
- name: SOUNDSTAGE_GATEWAY_UPLOAD_LIMIT
  value: {{ $root.Values.ingress.uploadLimitBytes | quote }}
{{- with $root.Values.auth.resultSecret }}
- name: SOUNDSTAGE_RESULT_SECRET
  valueFrom:
    secretKeyRef: {name: {{ . }}, key: secret}
{{- end }}
{{- with include "soundstage.proxies" $root }}
- name: SOUNDSTAGE_GATEWAY_PROXIES
  value: {{ . | quote }}
{{- end }}
- name: HOME
  value: /tmp
{{ include "soundstage.env.client" $root | trim }}
{{- else -}}
{{ include "soundstage.env.engines" $root }}
- name: SOUNDSTAGE_LISTEN
  value: 0.0.0.0:7400
- name: SOUNDSTAGE_METRICS_HOST
  value: 0.0.0.0
- name: SOUNDSTAGE_METRICS_PORT
  value: "9464"
- name: SOUNDSTAGE_ROLE
  value: {{ $service.role | quote }}
- name: SOUNDSTAGE_CONCURRENCY
  value: {{ $service.concurrency | quote }}
- name: SOUNDSTAGE_DRAIN_S
  value: {{ $root.Values.drainS | quote }}
- name: SOUNDSTAGE_LEASE_S
  value: {{ $root.Values.leaseS | quote }}
- name: SOUNDSTAGE_WORK_TIMEOUT_S
  value: {{ $root.Values.workTimeoutS | quote }}
- name: SOUNDSTAGE_UPLOAD_LIMIT
  value: {{ $root.Values.uploadLimitBytes | quote }}
{{- if $service.modelThreads }}
- name: SOUNDSTAGE_MODEL_THREADS
  value: {{ $service.modelThreads | quote }}
- name: SOUNDSTAGE_EXECUTION_PROVIDER
  value: {{ ternary "cuda" "cpu" $service.gpu.enabled }}
{{- end }}
{{- if $service.internet }}
- name: SOUNDSTAGE_COLLECT_PORTS
  value: {{ join "," $root.Values.networkPolicy.internet.ports | quote }}
{{- end }}
{{- if $service.launchesRuns }}
{{ include "soundstage.env.runner" $root }}
{{- end }}
{{- if $root.Values.tls.enabled }}
- name: SOUNDSTAGE_TLS_CERT
  value: /etc/soundstage/tls/tls.crt
- name: SOUNDSTAGE_TLS_KEY
  value: /etc/soundstage/tls/tls.key
{{- end }}
{{- end }}
{{ include "soundstage.env.auth" $root }}
{{- include "soundstage.env.telemetry" $root }}
{{- range $name, $value := $service.env }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- /* How trainings are run: as Jobs in this namespace. */ -}}
{{- define "soundstage.env.runner" -}}
{{- $runs := .Values.runs -}}
- name: SOUNDSTAGE_RUNNER
  value: kubernetes
- name: SOUNDSTAGE_RUNNER_NAMESPACE
  value: {{ .Release.Namespace | quote }}
- name: SOUNDSTAGE_RUNNER_IMAGE
  value: {{ include "soundstage.image" (dict "root" . "image" "trainer") | quote }}
- name: SOUNDSTAGE_RUNNER_SERVICE_ACCOUNT
  value: {{ include "soundstage.fullname" . }}-run
- name: SOUNDSTAGE_RUNNER_VOLUME
  value: {{ include "soundstage.runsClaim" . | quote }}
- name: SOUNDSTAGE_RUNNER_VOLUME_PATH
  value: {{ include "soundstage.runsPath" . }}
- name: SOUNDSTAGE_RUNNER_CPU
  value: {{ $runs.cpu | quote }}
- name: SOUNDSTAGE_RUNNER_MEMORY
  value: {{ $runs.memory | quote }}
- name: SOUNDSTAGE_RUNNER_GPU_TYPE
  value: {{ $runs.gpuType | quote }}
- name: SOUNDSTAGE_RUNNER_GPU_DRIVER
  value: {{ $runs.gpuDriver | quote }}
- name: SOUNDSTAGE_RUNNER_SPOT
  value: {{ $runs.spot | quote }}
- name: SOUNDSTAGE_RUNNER_TTL_S
  value: {{ $runs.ttlS | quote }}
{{- with include "soundstage.priorityClass" (dict "root" . "priority" "batch") }}
- name: SOUNDSTAGE_RUNNER_PRIORITY_CLASS
  value: {{ . | quote }}
{{- end }}
{{- with $runs.queue }}
- name: SOUNDSTAGE_RUNNER_QUEUE
  value: {{ . | quote }}
{{- end }}
- name: SOUNDSTAGE_PYTHON
  value: /opt/venv/bin/python
{{- end -}}
