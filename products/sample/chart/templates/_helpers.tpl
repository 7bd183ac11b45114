{{/* What selects the tenant's pods: never changes in a release's life. */}}
{{- define "tenant.selector" -}}
app.kubernetes.io/name: tenant
app.kubernetes.io/instance: {{ .Release.Name | quote }}
{{- end }}

{{/* What every object carries; the tenancy.internal ones are how the platform finds its own. */}}
{{- define "tenant.labels" -}}
{{ include "tenant.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/component: tenant
app.kubernetes.io/part-of: tenancy
app.kubernetes.io/managed-by: {{ .Release.Service | quote }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
tenancy.internal/platform: {{ .Values.tenant.platform | quote }}
tenancy.internal/tenant-id: {{ .Values.tenant.id | quote }}
tenancy.internal/slug: {{ .Values.tenant.slug | quote }}
{{- end }}

{{- define "tenant.metadata" -}}
name: {{ .Release.Name | quote }}
namespace: {{ .Release.Namespace | quote }}
labels:
  {{- include "tenant.labels" . | nindent 2 }}
annotations:
  tenancy.internal/proof: {{ .Values.tenant.proof | quote }}
{{- end }}
