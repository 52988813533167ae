"""Environment files: what is taken, and the sentence for each thing that is not. Nothing is run."""

import pytest
import yaml

from apps.registrations.environments import LARGEST_BYTES, Environment, EnvironmentInvalid, read

CONDA = """\
name: atlas
channels:
  - conda-forge
  - pytorch/label/nightly
dependencies:
  - python=3.11
  - conda-forge::numpy >=2.1,<3
  - pip
  - pip:
      - monai==1.5.1
      - torch>=2.9 ; python_version >= "3.11"
prefix: /home/ida/miniconda3/envs/atlas
"""


def test_pip_requirements_are_read() -> None:
    text = "# atlas\nnumpy>=2.1\n\nmonai[nibabel]==1.5.1  # the toolkit\r\nTorch >= 2.9 ; python_version >= '3.11'\n"
    assert read(text) == Environment(
        "pip", requirements=["numpy>=2.1", "monai[nibabel]==1.5.1", 'Torch>=2.9; python_version >= "3.11"']
    )


def test_a_conda_environment_is_read() -> None:
    assert read(CONDA) == Environment(
        "conda",
        requirements=["monai==1.5.1", 'torch>=2.9; python_version >= "3.11"'],
        packages=["python=3.11", "conda-forge::numpy >=2.1,<3", "pip"],
        channels=["conda-forge", "pytorch/label/nightly"],
    )


def sentence(text: str) -> str:
    with pytest.raises(EnvironmentInvalid) as refused:
        read(text)
    return str(refused.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("-r more.txt", "refers to another file"),
        ("-rmore.txt", "refers to another file"),
        ("--requirement=more.txt", "refers to another file"),
        ("-c constraints.txt", "refers to another file"),
        ("-e .", "a folder or a repository"),
        ("--editable git+https://evil.example/x", "a folder or a repository"),
        ("--index-url https://evil.example/simple", "a place to get packages from"),
        ("-i https://evil.example/simple", "a place to get packages from"),
        ("--extra-index-url=https://evil.example", "a place to get packages from"),
        ("--find-links /tmp", "a place to get packages from"),
        ("--trusted-host evil.example", "check of a certificate"),
        ("--pre", "is an option of pip (--pre)"),
        ("-", "is an option of pip"),
        ("numpy --hash=sha256:00", "carries options"),
        ("numpy @ https://evil.example/numpy.whl", "installs from an address"),
        ("https://evil.example/numpy.tar.gz", "installs from an address"),
        ("git+ssh://evil.example/x", "installs from an address"),
        ("file:/etc/passwd", "installs from an address"),
        ("/etc/passwd", "installs from an address"),
        ("./folder", "installs from an address"),
        ("../numpy.whl", "installs from an address"),
        ("numpy-2.1-py3-none-any.whl", "installs from an address"),
        ("numpy>=2 \\", "write each package on one line"),
        ("numpy=2.1", "no requirement as pip reads them"),
        ("$(touch /tmp/x)", "no requirement as pip reads them"),
        ("import os; os.system('x')", "no requirement as pip reads them"),
        ("n" * 501, "longer than 500"),
    ],
)
def test_what_pip_would_take_and_the_portal_does_not(line: str, says: str) -> None:
    said = sentence(f"numpy\n{line}\n")
    assert said.startswith("Line 2")
    assert says in said


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("dependencies: numpy", "dependencies must be a list"),
        ("dependencies:\n  - {git: x}", "one package"),
        ("dependencies:\n  - 3", "one package"),
        ("dependencies:\n  - https://evil.example/x.conda", "installs from an address"),
        ("dependencies:\n  - 'numpy; rm -rf /'", "no package as conda reads them"),
        ("dependencies:\n  - pip:\n    - -r more.txt", "refers to another file"),
        ("dependencies:\n  - numpy\nchannels:\n  - https://evil.example", "and no address"),
        ("dependencies:\n  - numpy\nvariables:\n  LD_PRELOAD: /tmp/x.so", "not variables"),
        ("dependencies:\n  - !!python/object/apply:os.system ['touch /tmp/x']", "no YAML"),
        ("dependencies:\n  - &a numpy\n  - *a", "refers to parts of itself"),
        ("dependencies:\n  - [1, 2", "no YAML: it cannot be read at"),
        ("dependencies:\n  - 2026-99-99", "no YAML"),
        ("name: x\n", "names no package"),
        ("dependencies: " + "[" * 5000, "nested too deep"),
        ("dependencies:\n  - numpy\n---\ndependencies:\n  - scipy", "no YAML"),
    ],
)
def test_what_conda_would_take_and_the_portal_does_not(text: str, says: str) -> None:
    assert says in sentence(text)


def test_limits() -> None:
    assert "64 KiB" in sentence("#" * (LARGEST_BYTES + 1))
    assert "at most 500" in sentence("\n".join(f"package-{number}" for number in range(501)))
    assert len(read("\n".join(f"package-{number}" for number in range(500))).requirements) == 500
    assert "names no package" in sentence("# nothing\n")


@pytest.mark.parametrize("character", ["\x00", "\u200b", "\u202e", "\x1b"])
def test_nothing_unseen_is_taken(character: str) -> None:
    assert f"U+{ord(character):04X}" in sentence(f"numpy\nsci{character}py")
    assert "Line 2" in sentence(f"numpy\nsci{character}py")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60)) + "name: x",
            "refers to parts of itself",
        ),
        ("dependencies: [" + "a," * 32000 + "a]", "too many packages"),
        ("dependencies:\n" + "  - a\n" * 10900, "too many packages"),
    ],
)
def test_what_would_take_long_is_refused_before_it_is_built(
    text: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml, "safe_load", lambda text: pytest.fail("built"))
    assert says in sentence(text)
