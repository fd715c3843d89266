"""The variables in .env.example."""

import re

from django.conf import settings


def variables_read_in(*names):
    text = "".join((settings.BASE_DIR / name).read_text() for name in names)
    return set(re.findall(r'\b(?:env\.\w+|environ\.get)\(\s*"([A-Z_]+)"', text))


def test_the_example_lists_every_variable_that_is_read_and_no_other():
    example = (settings.BASE_DIR / ".env.example").read_text()

    listed = re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE)

    assert set(listed) == variables_read_in("todo_api/settings.py", "gunicorn.conf.py")
    assert len(listed) == len(set(listed))


def test_the_example_explains_every_variable():
    lines = (settings.BASE_DIR / ".env.example").read_text().splitlines()

    assignment = re.compile(r"^(# )?[A-Z_]+=")
    for line, before in zip(lines[1:], lines, strict=False):
        if assignment.match(line) and not assignment.match(before):
            assert before.startswith("# "), line


def test_the_example_holds_no_secret():
    example = (settings.BASE_DIR / ".env.example").read_text()

    assert re.findall(r"^(?:# )?\w*(?:SECRET|TOKEN|PASSWORD)\w*=(.+)$", example, re.MULTILINE) == []


def test_only_the_settings_read_environment_variables():
    for folder in ("todo_api", "tasks"):
        for file in (settings.BASE_DIR / folder).rglob("*.py"):
            if "tests" not in file.parts and file.name not in ("settings.py", "__main__.py"):
                lines = [line for line in file.read_text().splitlines() if re.search(r"os\.(environ|getenv)", line)]
                assert [line for line in lines if "DJANGO_SETTINGS_MODULE" not in line] == [], file
