"""Every setting of the service, read from the environment; `.env.example` lists the variables.

A wrong value stops the start with one line that names the variable. Rules between settings are in `checks.py`.

Code reads a setting where it uses it, at each use (`settings.NAME`), so that a test can change it. The exceptions are
marked with "read once": objects that are built when the application is loaded, and fields of serializers.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from csp import constants as csp
from django.core.exceptions import ImproperlyConfigured
from environs import Env, EnvError, validate

from todo_api import __version__, address
from todo_api.databases import database
from todo_api.logging import log_config

BASE_DIR = Path(__file__).resolve().parent.parent

env = Env()
env.read_env(env.path("DOTENV_FILE", BASE_DIR / ".env"), recurse=False)

try:
    DEBUG = env.bool("DEBUG", False)
    SECRET_KEY = env.str("DJANGO_SECRET_KEY", "")
    HOST = env.str("HOST", address.default_host(DEBUG), validate=address.check_host)
    PORT = env.int("PORT", 8000, validate=address.PORTS)
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", address.allowed_hosts(HOST, DEBUG))
    WEB_CONCURRENCY = env.int("WEB_CONCURRENCY", 2, validate=validate.Range(min=1))
    DRAIN_SECONDS = env.int("DRAIN_SECONDS", 5, validate=validate.Range(min=0))
    LOG_LEVEL = env.str("LOG_LEVEL", "INFO", validate=validate.OneOf(["DEBUG", "INFO", "WARNING", "ERROR"]))
    LOG_FORMAT = env.str("LOG_FORMAT", "text" if DEBUG else "json", validate=validate.OneOf(["json", "text"]))
    METRICS_TOKEN = env.str("METRICS_TOKEN", "")
    METRICS_FOLDER = env.str("PROMETHEUS_MULTIPROC_DIR", "")
    BROWSABLE_API = env.bool("BROWSABLE_API", DEBUG)
    BEHIND_HTTPS_PROXY = env.bool("BEHIND_HTTPS_PROXY", False)
    TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", 0, validate=validate.Range(min=0))
    RATE_LIMIT = env.str("RATE_LIMIT", "600/minute")
    RATE_LIMIT_ANON = env.str("RATE_LIMIT_ANON", "60/minute")
    USER_CONCURRENCY = env.int("USER_CONCURRENCY", 8, validate=validate.Range(min=0))
    REDIS_URL = env.str("REDIS_URL", "")
    ADMIN_ENABLED = env.bool("ADMIN_ENABLED", True)
    ADMIN_LOGIN_LIMIT = env.str("ADMIN_LOGIN_LIMIT", "10/minute")
    ADMIN_LOGIN_LIMIT_TOTAL = env.str("ADMIN_LOGIN_LIMIT_TOTAL", "60/minute")

    DATABASE_URL = env.str("DATABASE_URL", "") or env.str("NEON_DB_URL", "") or f"sqlite:///{BASE_DIR}/db.sqlite3"
    CONN_MAX_AGE = env.int("DB_CONN_MAX_AGE", 240, validate=validate.Range(min=0))
    DB_POOL_SIZE = env.int("DB_POOL_SIZE", 16, validate=validate.Range(min=1))
    DB_STATEMENT_TIMEOUT = env.int("DB_STATEMENT_TIMEOUT", 4, validate=validate.Range(min=0))
    ROW_LEVEL_SECURITY = env.bool("ROW_LEVEL_SECURITY", False)
    DB_TIME_LIMIT = (DB_STATEMENT_TIMEOUT or 4) + 0.5  # seconds that a request may wait for the database

    JWT_ALGORITHM = env.str("JWT_ALGORITHM", "HS256")
    BETTER_AUTH_SECRET = env.str("BETTER_AUTH_SECRET", "")
    BETTER_AUTH_SECRET_PREVIOUS = env.str("BETTER_AUTH_SECRET_PREVIOUS", "")
    BETTER_AUTH_URL = env.str("BETTER_AUTH_URL", "")
    JWKS_URL = env.str("JWKS_URL", "") or (f"{BETTER_AUTH_URL.rstrip('/')}/api/auth/jwks" if BETTER_AUTH_URL else "")
    JWT_LEEWAY = env.float("JWT_LEEWAY", 10, validate=validate.Range(min=0, max=300))
    JWT_AUDIENCE: list[str] = env.list("JWT_AUDIENCE", [])
    JWT_ISSUER = env.str("JWT_ISSUER", "")
    REQUIRE_KNOWN_USER = env.bool("REQUIRE_KNOWN_USER", False)

    TASKS_DEFAULT_SORT = env.str("TASKS_DEFAULT_SORT", "created")
    SYNC_RETENTION_DAYS = env.int("SYNC_RETENTION_DAYS", 30, validate=validate.Range(min=1))
    SYNC_EPOCH = env.int("SYNC_EPOCH", 0, validate=validate.Range(min=0))
    TASK_DESCRIPTION_MAX_LENGTH = env.int("TASK_DESCRIPTION_MAX_LENGTH", 1000, validate=validate.Range(min=1))

    CORS_ALLOWED_ORIGINS = env.list("CORS_ORIGINS", ["http://localhost:3000", "http://localhost"])
    FRONTEND_URL = env.str("FRONTEND_URL", "")
    CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", [])
except EnvError as error:
    raise ImproperlyConfigured(str(error)) from error
if not SECRET_KEY:  # Django would stop as well, without naming the variable
    raise ImproperlyConfigured("DJANGO_SECRET_KEY is not set. Generate one: openssl rand -base64 48")

# In key-set mode Better Auth signs its session cookie with the same keys. The cookie has another `aud`.
# See docs/decisions/0007-key-sets-imply-an-audience.md.
if not JWT_ALGORITHM.startswith("HS") and (issuer := address.origin(BETTER_AUTH_URL)):
    JWT_AUDIENCE = JWT_AUDIENCE or [issuer]
    JWT_ISSUER = JWT_ISSUER or issuer

DATABASES = {"default": database(DATABASE_URL, CONN_MAX_AGE, DB_STATEMENT_TIMEOUT, DB_POOL_SIZE)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = [
    "todo_api",
    "tasks",
    "corsheaders",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django.contrib.auth",  # simplejwt imports its models
    "django.contrib.contenttypes",
    "django.contrib.staticfiles",
]
if ADMIN_ENABLED:
    INSTALLED_APPS += [
        "todo_api.admin_site.OperatorSiteConfig",
        "django.contrib.sessions",
        "django.contrib.messages",
        "axes",
    ]

MIDDLEWARE = [
    "todo_api.middleware.RequestMiddleware",
    "todo_api.security_headers.SecurityHeadersMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "todo_api.middleware.HealthMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "todo_api.middleware.CompressionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
if ADMIN_ENABLED:
    MIDDLEWARE += [
        "todo_api.middleware.AdminSessionMiddleware",
        "todo_api.middleware.AdminAuthenticationMiddleware",
        "todo_api.middleware.AdminMessageMiddleware",
    ]

ROOT_URLCONF = "todo_api.urls"
WSGI_APPLICATION = "todo_api.wsgi.application"
APPEND_SLASH = False  # a redirect would lose a POST's body
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 * 1024

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

TIME_ZONE = "UTC"
USE_I18N = False
USE_TZ = True

STATIC_URL = "static/"
# A container image serves the files that its build has collected. A clone serves the files of its packages.
STATIC_ROOT = BASE_DIR / "static" if (BASE_DIR / "static").is_dir() else None
WHITENOISE_USE_FINDERS = STATIC_ROOT is None

# Operators' passwords and sessions.
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
PASSWORD_HASHERS = ["todo_api.passwords.PBKDF2PasswordHasher"]
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
if ADMIN_ENABLED:  # see docs/decisions/0018-the-admins-sign-in-is-bounded.md
    AUTHENTICATION_BACKENDS.insert(0, "axes.backends.AxesStandaloneBackend")
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_PARAMETERS = ["ip_address"]
AXES_CLIENT_IP_CALLABLE = "todo_api.throttling.client_address"
AXES_USERNAME_CALLABLE = "todo_api.admin_site.attempt_username"
AXES_CLIENT_STR_CALLABLE = "todo_api.admin_site.attempt_label"
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = AXES_VERBOSE = False
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SECURE_REFERRER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {  # of pages; pages.py extends it for Redoc
    "DIRECTIVES": {
        "default-src": [csp.NONE],
        **{name: [csp.SELF] for name in ("script-src", "style-src", "font-src", "connect-src", "form-action")},
        "img-src": [csp.SELF, "data:"],
        "base-uri": [csp.NONE],
        "frame-ancestors": [csp.NONE],
    }
}
CSRF_FAILURE_VIEW = "todo_api.exceptions.csrf_failure"
if BEHIND_HTTPS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000

if FRONTEND_URL:
    CORS_ALLOWED_ORIGINS = list(dict.fromkeys([*CORS_ALLOWED_ORIGINS, FRONTEND_URL.rstrip("/")]))
CSRF_TRUSTED_ORIGINS = [url.rstrip("/") for url in CSRF_TRUSTED_ORIGINS]
CORS_ALLOW_CREDENTIALS = True
CORS_URLS_REGEX = r"^/(?!admin/)"  # a front end's script must not use an operator's session
CORS_ALLOW_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"]
CORS_ALLOW_HEADERS = ["authorization", "content-type", "if-match", "if-none-match", "idempotency-key", "x-request-id"]
CORS_EXPOSE_HEADERS = ["ETag", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID"]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["todo_api.identity.authentication.BetterAuthAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "tasks.permissions.IsPathOwner",
        "todo_api.identity.known_users.IsKnownUser",
    ],
    "DEFAULT_THROTTLE_CLASSES": (["todo_api.throttling.RateLimitThrottle"] if RATE_LIMIT.strip() else [])
    + (["todo_api.throttling.ConcurrencyThrottle"] if USER_CONCURRENCY else []),
    "DEFAULT_PARSER_CLASSES": ["todo_api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["todo_api.renderers.ORJSONRenderer"]
    + (["todo_api.browsable.BrowsableAPIRenderer"] if BROWSABLE_API else []),
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "todo_api.negotiation.JSONFirstNegotiation",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_METADATA_CLASS": None,
    "EXCEPTION_HANDLER": "todo_api.exceptions.problem_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}

SPECTACULAR_SETTINGS = {
    "TITLE": "Task API",
    "VERSION": __version__,
    "DESCRIPTION": "Tasks of users who sign in with Better Auth; each sees and changes only their own.",
    "LICENSE": {"name": "MIT", "identifier": "MIT"},
    "SERVERS": [{"url": "/", "description": "This service."}],
    "TAGS": [
        {"name": "Tasks of the token's user", "description": "The token says whose tasks they are."},
        {"name": "Tasks of the user in the path", "description": "The same, with the user's id in the path."},
    ],
    "SCHEMA_PATH_PREFIX": "/api",
    "OAS_VERSION": "3.1.0",
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": DEBUG, "displayRequestDuration": True, "validatorUrl": None},
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "todo_api.schema.complete_document"],
}

SILENCED_SYSTEM_CHECKS = [
    "axes.W002",  # OperatorSite.login does what axes' middleware would do for every request
    "security.W004",  # HSTS is set behind an HTTPS proxy (BEHIND_HTTPS_PROXY)
    "security.W008",  # the proxy redirects to HTTPS
]

LOGGING = log_config(LOG_LEVEL, LOG_FORMAT)
