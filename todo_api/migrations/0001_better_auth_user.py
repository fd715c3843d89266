"""The model of Better Auth's table, which `migrate` does not create or change."""

from django.db import migrations, models


class Migration(migrations.Migration):
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
