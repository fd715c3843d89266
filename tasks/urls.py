"""The routes of tasks, once below a user id and once without. A trailing slash is optional."""

from __future__ import annotations

from typing import Any

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from tasks.views import TaskViewSet


class TaskRouter(SimpleRouter):
    """DRF's router, whose collection takes PATCH and DELETE too."""

    routes: list[Any] = list(SimpleRouter.routes)
    collection = routes[0]
    routes[0] = collection._replace(mapping=collection.mapping | {"patch": "update_many", "delete": "destroy_many"})


router = TaskRouter()
router.trailing_slash = "/?"  # both forms work, because a redirect would lose the body of a POST
router.register("tasks", TaskViewSet, basename="task")

urlpatterns = [
    # Nested routes first: /api/tasks/tasks is the list of the user "tasks".
    path("<str:user_id>/", include(router.urls)),
    path("", include(router.urls)),
]
