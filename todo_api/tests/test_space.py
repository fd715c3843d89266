"""A Hugging Face Space runs the repository as it is."""

import re

import yaml
from django.conf import settings

DOCKERFILE = (settings.BASE_DIR / "Dockerfile").read_text()


def front_matter():
    return yaml.safe_load((settings.BASE_DIR / "README.md").read_text().split("---\n")[1])


def test_a_space_runs_the_image_on_the_port_that_it_listens_on():
    port = re.search(r"\bPORT=(\d+)", DOCKERFILE)[1]

    assert front_matter()["sdk"] == "docker"
    assert front_matter()["app_port"] == int(port)


def test_the_front_matter_of_a_space_is_complete():
    assert {"title", "emoji", "colorFrom", "colorTo"} <= set(front_matter())


def test_the_image_runs_as_user_1000():
    assert re.findall(r"^USER (.*)$", DOCKERFILE, re.MULTILINE) == ["1000"]
