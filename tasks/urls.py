"""The routes of the tasks, served once below a user and once without; the trailing slash is optional."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tasks.views import TaskViewSet


class OptionalSlashRouter(SimpleRouter):
    """Answers with and without the slash; a redirect would lose the body of a POST."""

    def __init__(self) -> None:
        super().__init__()
        self.trailing_slash = "/?"


router = OptionalSlashRouter()
router.register("tasks", TaskViewSet, basename="task")

urlpatterns = [
    # The nested routes first: /api/tasks/tasks is the list of the user "tasks".
    path("<str:user_id>/", include(router.urls)),
    path("", include(router.urls)),
]
