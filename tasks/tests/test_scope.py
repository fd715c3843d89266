"""A new action that uses get_queryset() and get_object(), as usual in DRF, reaches only the caller's tasks."""

import pytest
from django.urls import include, path
from rest_framework.decorators import action
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter

from tasks.views import TaskViewSet

pytestmark = [pytest.mark.django_db, pytest.mark.urls(__name__)]


class ExtendedViewSet(TaskViewSet):
    @action(detail=False)
    def titles(self, request, *args, **kwargs):
        return Response([task.title for task in self.get_queryset()])

    @action(detail=True)
    def title(self, request, *args, **kwargs):
        return Response(self.get_object().title)


router = SimpleRouter()
router.register("tasks", ExtendedViewSet, basename="task")
urlpatterns = [path("more/", include(router.urls)), path("more/<str:user_id>/", include(router.urls))]


def test_a_queryset_has_only_the_callers_tasks(alice, make_task):
    make_task(title="Mine")
    make_task(title="Not mine", user_id="bob")

    assert alice.get("/more/tasks/titles/").json() == ["Mine"]


def test_an_object_of_another_user_is_not_found(alice, make_task):
    assert alice.get(f"/more/tasks/{make_task().pk}/title/").status_code == 200
    assert alice.get(f"/more/tasks/{make_task(user_id='bob').pk}/title/").status_code == 404
    assert alice.get("/more/tasks/x/title/").status_code == 404


def test_another_users_path_is_forbidden(alice, make_task):
    assert alice.get(f"/more/bob/tasks/{make_task().pk}/title/").status_code == 403
