"""The assertions for every error."""


def assert_problem(response, status, code):
    problem = response.json()
    optional = {"errors"} if status == 422 else set()
    assert (response.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem.keys() == {"status", "title", "code", "detail", "request_id"} | optional
    assert response["Content-Type"] == "application/problem+json"
    assert problem["request_id"] == response["X-Request-ID"]
    assert " " in problem["detail"]
