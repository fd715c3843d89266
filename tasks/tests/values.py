"""Values for the fields of a task that a body must not have, or that are ignored."""

WRONG = [("title", None), ("description", 5), ("completed", "yes"), ("priority", "urgent")]
READ_ONLY = {
    "id": 99,
    "user_id": "bob",
    "version": 1,
    "created_at": "2001-01-01T00:00:00Z",
    "updated_at": "2001-01-01T00:00:00Z",
}
