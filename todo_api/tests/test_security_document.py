"""What docs/security.md and SECURITY.md name exists."""

import re

import pytest
from django.conf import settings

ROOT = settings.BASE_DIR
TEXT = (ROOT / "docs/security.md").read_text()
TESTS = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)))
FILES = sorted(set(re.findall(r"`([\w/.-]+\.(?:py|yaml))`", TEXT + (ROOT / "SECURITY.md").read_text())))


@pytest.mark.parametrize(("file", "test"), TESTS)
def test_a_named_test_exists(file, test):
    assert re.search(rf"^def {test}\(", (ROOT / file).read_text(), re.MULTILINE)


@pytest.mark.parametrize("file", FILES)
def test_a_named_file_exists(file):
    assert (ROOT / file).is_file()


@pytest.mark.parametrize("heading", ["OWASP API", "ASVS 5.0, V9", "ASVS 5.0, V4", "RFC 8725"])
def test_each_item_that_is_done_has_a_test(heading):
    [section] = re.findall(rf"^## {heading}.*?(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL)
    rows = [line.strip("| ").split(" | ") for line in section.splitlines() if re.match(r"\| (?:API)?\d", line)]

    assert len(rows) > 6
    assert [row for row in rows if row[1].startswith(("yes", "done", "partly")) and "::test_" not in row[3]] == []
