"""Triggers that give each change of a task its version, and that keep what was deleted.

See docs/decisions/0013-a-version-per-user.md. On SQLite Django drops a table's triggers when a migration rebuilds the
table: a later migration that alters `tasks` has to create them again.
"""

from django.db import migrations

# A row's lock comes before its trigger's. The tombstone of a task that changes its owner takes a second counter, so
# both are taken in the order of the users' ids, compared by code points as Python does in TaskQuerySet.locked_by_owner.
POSTGRESQL = """
ALTER TABLE task_versions SET (fillfactor = 50);

CREATE FUNCTION next_task_version(owner varchar) RETURNS bigint LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
DECLARE given bigint;
BEGIN
    INSERT INTO task_versions AS latest (user_id, version) VALUES (owner, EXTRACT(EPOCH FROM clock_timestamp())::bigint)
    ON CONFLICT (user_id) DO UPDATE SET version = latest.version + 1
    RETURNING latest.version INTO given;
    RETURN given;
END
$$;

CREATE FUNCTION keep_deleted_task(task tasks) RETURNS void LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    INSERT INTO deleted_tasks (user_id, task_id, client_id, version, deleted_at)
    VALUES (task.user_id, task.id, task.client_id, next_task_version(task.user_id), clock_timestamp())
    ON CONFLICT (user_id, task_id) DO UPDATE
    SET client_id = excluded.client_id, version = excluded.version, deleted_at = excluded.deleted_at;
END
$$;

CREATE FUNCTION version_task() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    IF TG_OP = 'INSERT' OR (NEW.user_id = OLD.user_id AND NEW.id = OLD.id) THEN
        NEW.version := next_task_version(NEW.user_id);
    ELSIF NEW.user_id < OLD.user_id COLLATE "C" THEN
        NEW.version := next_task_version(NEW.user_id);
        PERFORM keep_deleted_task(OLD);
    ELSE
        PERFORM keep_deleted_task(OLD);
        NEW.version := next_task_version(NEW.user_id);
    END IF;
    RETURN NEW;
END
$$;

CREATE FUNCTION version_deleted_task() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
    PERFORM keep_deleted_task(OLD);
    RETURN NULL;
END
$$;

CREATE TRIGGER tasks_version BEFORE INSERT OR UPDATE ON tasks FOR EACH ROW EXECUTE FUNCTION version_task();
CREATE TRIGGER tasks_deleted AFTER DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION version_deleted_task();
"""
POSTGRESQL_BACK = """
DROP TRIGGER tasks_version ON tasks;
DROP TRIGGER tasks_deleted ON tasks;
DROP FUNCTION version_task();
DROP FUNCTION version_deleted_task();
DROP FUNCTION keep_deleted_task(tasks);
DROP FUNCTION next_task_version(varchar);
"""

NEXT = "COALESCE((SELECT version FROM task_versions WHERE user_id = {}), CAST(strftime('%s', 'now') AS INTEGER)) + 1"
KEEP = f"""
    INSERT INTO deleted_tasks (user_id, task_id, client_id, version, deleted_at)
    VALUES (OLD.user_id, OLD.id, OLD.client_id, {NEXT.format("OLD.user_id")}, strftime('%Y-%m-%d %H:%M:%f', 'now'))
    ON CONFLICT (user_id, task_id) DO UPDATE
    SET client_id = excluded.client_id, version = excluded.version, deleted_at = excluded.deleted_at;
    INSERT INTO task_versions (user_id, version) VALUES (OLD.user_id, {NEXT.format("OLD.user_id")})
    ON CONFLICT (user_id) DO UPDATE SET version = excluded.version;
"""
RAISE = """
    INSERT INTO task_versions (user_id, version) VALUES (NEW.user_id, NEW.version)
    ON CONFLICT (user_id) DO UPDATE SET version = MAX(version, excluded.version);
"""
WRITE = f"UPDATE tasks SET version = {NEXT.format('NEW.user_id')} WHERE id = NEW.id;"
# SQLite has no trigger that sets a column before the write. The API's statements set the version themselves and these
# triggers raise the counter. For other writers they set the version after the write; the ORM's save() writes the version
# that was read, which may be old.
SQLITE = {
    "tasks_inserted": f"AFTER INSERT ON tasks WHEN NEW.version = 0 BEGIN {WRITE} END",
    "tasks_inserted_with_version": f"AFTER INSERT ON tasks WHEN NEW.version > 0 BEGIN {RAISE} END",
    "tasks_updated": "AFTER UPDATE OF user_id, title, description, completed, priority, due_at, tags, created_at,"
    f" updated_at ON tasks WHEN NEW.version <= OLD.version BEGIN {WRITE} END",
    "tasks_version": f"AFTER UPDATE OF version ON tasks BEGIN {RAISE} END",
    "tasks_owner": f"AFTER UPDATE OF user_id ON tasks WHEN NEW.user_id <> OLD.user_id BEGIN {KEEP} END",
    "tasks_deleted": f"AFTER DELETE ON tasks BEGIN {KEEP} END",
}


def create(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL, params=None)
    else:
        for name, definition in SQLITE.items():
            schema_editor.execute(f"CREATE TRIGGER {name} {definition}", params=None)


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(POSTGRESQL_BACK, params=None)
    else:
        for name in SQLITE:
            schema_editor.execute(f"DROP TRIGGER {name}", params=None)


class Migration(migrations.Migration):
    dependencies = [("tasks", "0002_sync_fields")]

    operations = [migrations.RunPython(create, drop)]
