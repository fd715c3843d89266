"""What Django knows of Better Auth's table; nothing in the database changes."""

from django.db import migrations, models


class Migration(migrations.Migration):
    """A model that `migrate` leaves alone."""

    initial = True
    dependencies = []

    operations = [
        migrations.CreateModel(
            name="BetterAuthUser",
            fields=[
                ("id", models.TextField(primary_key=True, serialize=False)),
                ("email", models.TextField()),
            ],
            options={"db_table": "user", "managed": False, "default_permissions": ()},
        ),
    ]
