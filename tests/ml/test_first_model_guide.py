"""The commands of docs/guides/first-model.md do what it says, in the order in which it has them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ml.conftest import ROOT

pytestmark = pytest.mark.servers

BLOCKS = re.findall(r"```(\w+)\n(.*?)```", (ROOT / "docs/guides/first-model.md").read_text(), re.DOTALL)


def test_each_command_of_the_guide_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "stacks").symlink_to(ROOT / "stacks")
    said = ""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    for language, text in BLOCKS:
        if language == "json":
            (tmp_path / "settings.json").write_text(text)
        elif language == "text":
            assert text.strip() in said
        else:
            command = text.replace(".venv/bin/python", sys.executable)
            done = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, check=False)
            assert (done.returncode, done.stderr) == (0, "")
            said += done.stdout
    answer = json.loads(said.splitlines()[-1])
    assert answer["names"] == ["Adelie", "Chinstrap", "Gentoo"]
    assert answer["ndarray"][0][0] > 0.9
