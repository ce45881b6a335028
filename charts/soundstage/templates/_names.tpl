{{- /* Names, labels and the merged map of services. */ -}}

{{- define "soundstage.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains "soundstage" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-soundstage" .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* What selects pods of one release; never changes, since selectors can't. */ -}}
{{- define "soundstage.selector" -}}
app.kubernetes.io/name: soundstage
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- /* Every object's labels. Takes dict "root" "component". */ -}}
{{- define "soundstage.labels" -}}
{{ include "soundstage.selector" . }}
app.kubernetes.io/part-of: soundstage
app.kubernetes.io/version: {{ .root.Values.image.tag | default .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end -}}

{{- /* The services that are on, each with the defaults below its own values, as YAML. */ -}}
{{- define "soundstage.services" -}}
{{- $merged := dict -}}
{{- range $name, $own := .Values.services -}}
{{- $service := mergeOverwrite (deepCopy $.Values.defaults) (deepCopy $own) -}}
{{- if $service.enabled -}}
{{- $_ := set $service "app" ($service.app | default $name) -}}
{{- $_ := set $merged $name $service -}}
{{- end -}}
{{- end -}}
{{- toYaml $merged -}}
{{- end -}}

{{- /* An image by its name in `images`. Takes dict "root" "image". */ -}}
{{- define "soundstage.image" -}}
{{- $image := index .root.Values.images .image -}}
{{- $name := $image.repository -}}
{{- with .root.Values.image.registry }}{{ $name = printf "%s/%s" (trimSuffix "/" .) $name }}{{ end -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $name $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $name (.root.Values.image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}

{{- /* Name of a priority class, or nothing. Takes dict "root" "priority". */ -}}
{{- define "soundstage.priorityClass" -}}
{{- $class := index .root.Values.priorityClasses.classes .priority -}}
{{- $class.name | default (ternary (printf "%s-%s" (include "soundstage.fullname" .root) .priority) "" .root.Values.priorityClasses.create) -}}
{{- end -}}

{{- define "soundstage.runsClaim" -}}
{{- .Values.runs.volume.existingClaim | default (printf "%s-runs" (include "soundstage.fullname" .)) -}}
{{- end -}}

{{- /* Where trainer-launcher lays out runs (services/trainer-launcher/src/run-folders.ts), and runs find them. */ -}}
{{- define "soundstage.runsPath" -}}
/var/lib/soundstage/scratch/training-runs
{{- end -}}

{{- define "soundstage.localClaim" -}}
{{- .Values.local.existingClaim | default (printf "%s-data" (include "soundstage.fullname" .)) -}}
{{- end -}}
