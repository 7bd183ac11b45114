{{- define "forum.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name | quote }}
app.kubernetes.io/instance: {{ .Release.Name | quote }}
app.kubernetes.io/part-of: tenancy
{{- end }}

{{- define "forum.environment" -}}
env:
  - name: DATABASE_URL
    valueFrom:
      secretKeyRef: {name: {{ .Release.Name | quote }}, key: databaseUrl}
  - name: CACHE
    value: {{ printf "%s-cache" .Release.Name | quote }}
{{- end }}
