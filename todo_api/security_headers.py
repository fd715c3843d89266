"""Security headers: a Content-Security-Policy for pages, and a stricter one for all other responses."""

from __future__ import annotations

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from django.http import HttpRequest
from django.http.response import HttpResponseBase

NO_CONTENT = "default-src 'none'; frame-ancestors 'none'"
UNUSED_FEATURES = (
    "accelerometer", "camera", "display-capture", "geolocation", "gyroscope", "magnetometer", "microphone", "midi",
    "payment", "usb",
)  # fmt: skip
PAGE_HEADERS = {
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES),
    "X-Permitted-Cross-Domain-Policies": "none",
}


class SecurityHeadersMiddleware(CSPMiddleware):
    """django-csp and OWASP's headers for HTML pages. Any other response gets one constant header."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = self.get_response(request)  # type: ignore[assignment]  # never awaitable here
        if response.headers.get("Content-Type", "").startswith("text/html"):
            for name, value in PAGE_HEADERS.items():
                response.headers[name] = value
            return self.process_response(request, response)
        if response.status_code != 304:  # its headers would replace those of the stored page
            response.headers[HEADER] = NO_CONTENT
        return response
