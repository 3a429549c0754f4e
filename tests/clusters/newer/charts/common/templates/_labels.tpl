{{- define "common.labels" -}}
app: {{ .Release.Name }}
{{- range $name, $value := .Values.labels }}
{{ $name }}: {{ $value | quote }}
{{- end }}
{{- end -}}
