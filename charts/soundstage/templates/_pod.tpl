{{- /* What all pods have in common: the restricted pod security standard, volumes, scheduling. */ -}}

{{- define "soundstage.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "soundstage.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- /* Secrets as volumes. Takes dict "root" "server" "client". */ -}}
{{- define "soundstage.secretVolumes" -}}
{{- $values := .root.Values -}}
{{- if and .server (contains "keys" $values.auth.mode) }}
- name: auth
  secret:
    secretName: {{ $values.auth.keysSecret }}
    defaultMode: 0440
    items: [{key: keys.json, path: keys.json}]
{{- end }}
{{- if and .client (ne $values.auth.mode "off") }}
- name: token
  secret:
    secretName: {{ $values.auth.tokenSecret }}
    defaultMode: 0440
    items: [{key: token, path: token}]
{{- end }}
{{- if $values.tls.enabled }}
- name: tls
  secret:
    secretName: {{ $values.tls.secretName }}
    defaultMode: 0440
    items:
      - {key: ca.crt, path: ca.crt}
      {{- if and .server (not .client) }}
      - {key: tls.crt, path: tls.crt}
      - {key: tls.key, path: tls.key}
      {{- end }}
{{- end }}
{{- end -}}

{{- define "soundstage.secretMounts" -}}
{{- $values := .root.Values -}}
{{- if and .server (contains "keys" $values.auth.mode) }}
- {name: auth, mountPath: /etc/soundstage/auth, readOnly: true}
{{- end }}
{{- if and .client (ne $values.auth.mode "off") }}
- {name: token, mountPath: /etc/soundstage/token, readOnly: true}
{{- end }}
{{- if $values.tls.enabled }}
- {name: tls, mountPath: /etc/soundstage/tls, readOnly: true}
{{- end }}
{{- end -}}

{{- /* The folder of the local engines, or scratch space. Takes dict "root" "size". */ -}}
{{- define "soundstage.homeVolume" -}}
- name: home
{{- if eq .root.Values.backend "local" }}
  persistentVolumeClaim:
    claimName: {{ include "soundstage.localClaim" .root }}
{{- else }}
  emptyDir:
    sizeLimit: {{ .size }}
{{- end }}
{{- end -}}

{{- define "soundstage.nodeSelector" -}}
{{- $service := .service -}}
{{- if $service.gpu.enabled }}
cloud.google.com/gke-accelerator: {{ $service.gpu.type }}
cloud.google.com/gke-gpu-driver-version: {{ $service.gpu.driver }}
{{- end }}
{{- if $service.spot }}
cloud.google.com/gke-spot: "true"
{{- end }}
{{- with $service.nodeSelector }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "soundstage.tolerations" -}}
{{- $service := .service -}}
{{- if $service.gpu.enabled }}
- {key: nvidia.com/gpu, operator: Equal, value: present, effect: NoSchedule}
{{- end }}
{{- if $service.spot }}
- {key: cloud.google.com/gke-spot, operator: Equal, value: "true", effect: NoSchedule}
{{- end }}
{{- with $service.tolerations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* Start-up is until the models are loaded; to wait for a node or an image comes before and isn't counted. */ -}}
{{- define "soundstage.probes" -}}
{{- $port := ternary "http" "metrics" (eq .service.face "http") -}}
startupProbe:
  httpGet: {path: /healthz, port: {{ $port }}}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: {{ divf .service.startupS 5 | ceil | int }}
livenessProbe:
  httpGet: {path: /healthz, port: {{ $port }}}
  periodSeconds: 20
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /readyz, port: {{ $port }}}
  periodSeconds: 5
  timeoutSeconds: 5
  failureThreshold: 2
{{- end -}}
