REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.authentication.BearerToken",
        "apps.accounts.authentication.PersonalSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "apps.accounts.permissions.TokenScope",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.parsers.Json"],
    "ALLOWED_VERSIONS": ["1"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "apps.core.api.Pages",
    "DEFAULT_FILTER_BACKENDS": ["apps.core.api_filters.ByForm"],
    "PAGE_SIZE": 100,
    "EXCEPTION_HANDLER": "apps.core.api.error_response",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "MAIA Dashboard",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "ENUM_NAME_OVERRIDES": {
        "RunState": "apps.jobs.models.Run.Status",
        "RegistrationState": "apps.registrations.models.Registration.Status",
        "JoiningRole": "apps.registrations.models.Registration.WANTED_ROLES",
        "MembershipRole": "apps.projects.models.Membership.Role",
        "InvitationState": "apps.projects.models.Invitation.Status",
        "ProjectState": "apps.projects.models.Project.Status",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "maia_dashboard.api_schema.document_refusals",
    ],
}
