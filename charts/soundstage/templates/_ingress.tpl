{{- /* Annotations that controllers read. Upload limits: Google's load balancers know none, the gateway's own holds
       there; nginx has one megabyte unless it is told. */ -}}

{{- define "soundstage.gkeServiceAnnotations" -}}
{{- $ingress := .root.Values.ingress -}}
{{- $http := eq .service.face "http" -}}
{{- if and $ingress.enabled (eq $ingress.controller "gke") (or $http (and $ingress.grpc.enabled .service.grpc)) }}
cloud.google.com/neg: '{"ingress": true}'
cloud.google.com/backend-config: '{"default": "{{ include "soundstage.fullname" .root }}-{{ ternary "http" "grpc" $http }}"}'
{{- if not $http }}
cloud.google.com/app-protocols: '{"grpc": "HTTP2"}'
{{- end }}
{{- end }}
{{- end -}}

{{- /* Takes dict "root" "grpc". */ -}}
{{- define "soundstage.ingressAnnotations" -}}
{{- $values := .root.Values -}}
{{- $full := include "soundstage.fullname" .root -}}
{{- if eq $values.ingress.controller "gke" }}
kubernetes.io/ingress.class: {{ $values.ingress.className }}
networking.gke.io/v1beta1.FrontendConfig: {{ $full }}
{{- with $values.ingress.managedCertificate }}
networking.gke.io/managed-certificates: {{ . }}
{{- end }}
{{- else if eq $values.ingress.controller "nginx" }}
nginx.org/redirect-to-https: "true"
nginx.org/client-max-body-size: {{ ternary "0" (printf "%dm" (int64 (divf $values.ingress.uploadLimitBytes 1048576 | ceil | add 1))) .grpc | quote }}
nginx.org/proxy-read-timeout: {{ printf "%ds" (int $values.ingress.timeoutS) }}
nginx.org/proxy-send-timeout: {{ printf "%ds" (int $values.ingress.timeoutS) }}
{{- if not .grpc }}
nginx.org/proxy-buffering: "false"
{{- end }}
{{- if .grpc }}
nginx.org/grpc-services: {{ .services | quote }}
{{- if $values.tls.enabled }}
nginx.org/ssl-services: {{ .services | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- with $values.ingress.annotations }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* How many proxies stand before the gateway, one behind another; network policies let nobody else to it. Google's
       load balancer adds its own address to X-Forwarded-For beside the caller's, so it counts for two. */ -}}
{{- define "soundstage.proxies" -}}
{{- $ingress := .Values.ingress -}}
{{- if $ingress.enabled -}}
{{- $ingress.proxies | default (get (dict "gke" "2" "nginx" "1" "other" "") $ingress.controller) -}}
{{- end -}}
{{- end -}}

{{- define "soundstage.ingressTls" -}}
{{- $ingress := .root.Values.ingress -}}
{{- if $ingress.tlsSecret }}
tls:
  - secretName: {{ $ingress.tlsSecret }}
    hosts: [{{ .host }}]
{{- else if not (and (eq $ingress.controller "gke") $ingress.managedCertificate) }}
{{- fail "ingress: give tlsSecret, or with controller gke managedCertificate: it serves nothing without TLS." }}
{{- end }}
{{- end -}}
