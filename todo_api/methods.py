"""The allowed methods of the addresses outside the API and the admin."""

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
    """Allow only GET and HEAD, as Django's `require_safe`, with a problem as the body of the 405.

    It runs instead of the CSRF check, which would respond with 403.
    """

    @csrf_exempt
    @wraps(view)
    def checked(request: HttpRequest) -> HttpResponse:
        if request.method in SAFE:
            return view(request)
        response = problem_response(request, MethodNotAllowed(str(request.method)))
        response["Allow"] = ", ".join(SAFE)
        return response

    return checked
