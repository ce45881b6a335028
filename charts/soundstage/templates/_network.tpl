{{- /* Peers and ports of network policies. */ -}}

{{- define "soundstage.egress.dns" -}}
{{- $dns := .Values.networkPolicy.dns -}}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ $dns.namespace }}
      podSelector:
        matchLabels:
          {{- toYaml $dns.podLabels | nindent 10 }}
    {{- range $dns.cidrs }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  ports:
    - {protocol: UDP, port: 53}
    - {protocol: TCP, port: 53}
{{- end -}}

{{- /* Pub/Sub, Cloud Storage, Cloud Monitoring, IAM, and the metadata server that gives tokens. */ -}}
{{- define "soundstage.egress.engines" -}}
{{- $policy := .Values.networkPolicy -}}
{{- if eq .Values.backend "gcp" }}
- to:
    {{- range $policy.googleApis.cidrs }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  ports:
    - {protocol: TCP, port: 443}
- to:
    {{- range $policy.metadataServer.cidrs }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  ports:
    {{- range $policy.metadataServer.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- with .Values.gcp.emulators.namespace }}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ . }}
  ports:
    {{- range list $.Values.gcp.emulators.pubsub $.Values.gcp.emulators.storage }}
    {{- with regexFind "[0-9]+$" . }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
    {{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* What every server may need beside its engines: spans, and the keys of whoever issues tokens. */ -}}
{{- define "soundstage.egress.server" -}}
{{- if .Values.telemetry.otlpEndpoint }}
- to:
    - namespaceSelector:
        matchLabels:
          kubernetes.io/metadata.name: {{ required "telemetry.namespace is needed with telemetry.otlpEndpoint" .Values.telemetry.namespace }}
  ports:
    - {protocol: TCP, port: {{ regexFind "[0-9]+$" (regexFind ":[0-9]+" (trimPrefix "https:" (trimPrefix "http:" .Values.telemetry.otlpEndpoint))) | default "4318" }}}
{{- end }}
{{- if contains "oidc" .Values.auth.mode }}
- to:
    {{- range .Values.auth.oidc.cidrs }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  ports:
    - {protocol: TCP, port: 443}
{{- end }}
{{- end -}}

{{- /* The internet without anything that is nearer than it. */ -}}
{{- define "soundstage.egress.internet" -}}
{{- $internet := .Values.networkPolicy.internet -}}
- to:
    - ipBlock:
        cidr: 0.0.0.0/0
        except:
          {{- toYaml $internet.except | nindent 10 }}
    - ipBlock:
        cidr: ::/0
        except:
          {{- toYaml $internet.exceptIpv6 | nindent 10 }}
  ports:
    {{- range $internet.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end -}}

{{- define "soundstage.egress.kubernetes" -}}
{{- $api := .Values.networkPolicy.kubernetesApi -}}
- to:
    {{- range $api.cidrs }}
    - ipBlock: {cidr: {{ . }}}
    {{- end }}
  ports:
    {{- range $api.ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
{{- end -}}

{{- /* Pods of this release by component. Takes dict "root" "components". */ -}}
{{- define "soundstage.peers" -}}
- podSelector:
    matchLabels:
      app.kubernetes.io/instance: {{ .root.Release.Name }}
    matchExpressions:
      - {key: app.kubernetes.io/component, operator: In, values: {{ toJson .components }}}
{{- end -}}

{{- /* Command line and batch jobs, of the chart or put beside it by hand. */ -}}
{{- define "soundstage.clientSelector" -}}
matchLabels:
  app.kubernetes.io/part-of: soundstage
matchExpressions:
  - {key: app.kubernetes.io/component, operator: In, values: [client, batch]}
{{- end -}}

{{- define "soundstage.ingressPeers" -}}
{{- range .Values.ingress.from.namespaces }}
- namespaceSelector:
    matchLabels:
      kubernetes.io/metadata.name: {{ . }}
{{- end }}
{{- range .Values.ingress.from.cidrs }}
- ipBlock: {cidr: {{ . }}}
{{- end }}
{{- end -}}
