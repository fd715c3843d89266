"""The lists of packages: requirements*.in for people, requirements*.txt with versions and hashes for pip."""

import json
import re
from importlib.metadata import metadata

import pytest
from django.conf import settings
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = settings.BASE_DIR
LISTS = ["requirements", "requirements-dev", "requirements-mutants", "examples/mcp/requirements"]
ALLOWED = {
    "Apache-2.0", "BSD 3-Clause", "BSD License", "BSD-2-Clause", "BSD-3-Clause", "LGPL-3.0-only", "MIT", "MIT License",
    "MIT-0", "MPL-2.0", "PSF-2.0", "ZPL-2.1",
}  # fmt: skip


def locked(name):
    """Return the requirements of a file that `make lock` wrote, by name."""
    entries = re.findall(
        r"^([a-z].*?) \\\n((?: +--hash=\S+(?: \\)?\n)+)", (ROOT / f"{name}.txt").read_text(), re.MULTILINE
    )
    return {canonicalize_name(Requirement(text).name): (Requirement(text), hashes) for text, hashes in entries}


def wanted(name):
    """Return the packages of a list for people, without those of the lists that it names."""
    lines = (ROOT / f"{name}.in").read_text().splitlines()
    return [Requirement(line.partition("#")[0]) for line in lines if line[0].isalpha()]


def licences(package):
    """Return what the package says of its licence: an expression of SPDX, or else classifiers, or else a text."""
    about = metadata(package)
    classifiers = [name.rpartition(" :: ")[2] for name in about.get_all("Classifier", []) if "OSI Approved ::" in name]
    expression = about["License-Expression"] or " AND ".join(classifiers) or about["License"] or "unknown"
    return set(re.split(r" AND | OR |[()]", expression)) - {""}


@pytest.mark.parametrize("name", LISTS)
def test_each_locked_package_has_one_version_and_hashes(name):
    text = (ROOT / f"{name}.txt").read_text()

    assert len(locked(name)) == len(re.findall(r"^\w", text, re.MULTILINE)) > 0
    for requirement, hashes in locked(name).values():
        assert re.fullmatch(r"==[^,*]+", str(requirement.specifier))
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", hashes)


@pytest.mark.parametrize("name", LISTS)
def test_each_wanted_package_is_locked_in_a_version_that_fits(name):
    for requirement in wanted(name):
        entry, _ = locked(name)[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(str(entry.specifier).removeprefix("==")), "run `make lock`"


@pytest.mark.parametrize("name", LISTS)
def test_a_package_has_the_same_version_in_each_list(name):
    longest = locked("requirements-mutants")

    for package, (requirement, _) in locked(name).items():
        assert requirement.specifier == longest[package][0].specifier, package


@pytest.mark.parametrize("name", LISTS)
def test_a_lock_names_no_registry(name):
    assert "://" not in (ROOT / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", LISTS)
def test_a_lock_is_for_all_systems_and_for_the_oldest_python(name):
    oldest = re.search(r"sys.version_info < \((3), (\d+)\)", (ROOT / "Makefile").read_text()).groups()
    command = (ROOT / f"{name}.txt").read_text().splitlines()[1]

    assert {"--universal", f"--python-version={'.'.join(oldest)}"} <= set(command.split())


@pytest.mark.parametrize(
    ("file", "command"), [("Makefile", r"^INSTALL := install .*$"), ("Dockerfile", "^RUN .*pip install.*$")]
)
def test_pip_installs_only_with_hashes(file, command):
    [found] = re.findall(command, (ROOT / file).read_text(), re.MULTILINE)

    assert "--require-hashes" in found


def test_the_licence_of_each_package_of_the_service_is_known_and_allowed():
    installed = [
        name for name, (entry, _) in locked("requirements").items() if not entry.marker or entry.marker.evaluate()
    ]

    found = {name: licences(name) for name in installed}

    assert {name: texts for name, texts in found.items() if not texts <= ALLOWED} == {}


def test_the_licence_of_each_package_of_the_client_is_known_and_allowed():
    packages = json.loads((ROOT / "clients/typescript/package-lock.json").read_text())["packages"]
    shipped = {name: package for name, package in packages.items() if not package.get("dev")}

    assert {name for name, package in shipped.items() if package.get("license") not in ALLOWED} == set()
