"""Which methods the addresses outside the API and the admin take."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import MethodNotAllowed

from todo_api.exceptions import problem_response

View = Callable[[HttpRequest], HttpResponse]
SAFE = ("GET", "HEAD")


def safe_only(view: View) -> View:
    """Django's `require_safe` with a problem as its body. It comes before the CSRF check, which would answer 403."""

    @csrf_exempt
    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if request.method in SAFE:
            return view(request)
        response = problem_response(request, MethodNotAllowed(str(request.method)))
        response["Allow"] = ", ".join(SAFE)
        return response

    return checked
