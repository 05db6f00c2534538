import subprocess
import sys
from datetime import date

from pulumi_mlops.cli import versions
from pulumi_mlops.cli.errors import DONE, FINDINGS
from pulumi_mlops.versions import PINS, REFUSED, Pin

OLD = Pin("Old", "1.0", "because", "MIT", "2026-10")
SOON = Pin("Soon", "2.0", "because", "MIT", "2027-01")
LATER = Pin("Later", "3.0", "because", "MIT", "2027-02")
ENDLESS = Pin("Endless", "4.0", "because", "MIT", "")


def test_what_has_ended_or_ends_soon_is_named():
    assert versions.ended([OLD, SOON, LATER, ENDLESS], date(2026, 11, 24)) == [
        "Old 1.0 has had no support since 2026-10",
        "Soon 2.0 has support until 2027-01 only",
    ]


def test_a_version_has_support_until_the_end_of_its_last_month():
    assert versions.ended([OLD], date(2026, 10, 31)) == ["Old 1.0 has support until 2026-10 only"]


def test_the_command_prints_every_pin_and_every_refusal():
    done = subprocess.run(
        [sys.executable, "-m", "pulumi_mlops.cli", "versions"], capture_output=True, text=True, check=False
    )

    for pin in PINS:
        assert f"{pin.name} " in done.stdout
        assert pin.reason in done.stdout
    for refused in REFUSED:
        assert f"refused: {refused.name} (" in done.stdout
    assert done.returncode == (FINDINGS if "has had no support" in done.stderr else DONE)


def test_what_was_refused_for_its_licence_or_its_end_is_named_with_the_reason():
    reasons = {one.name: one.reason for one in REFUSED}

    for name, word in (("Seldon Core 1.18", "Business Source"), ("MinIO", "archived"), ("Kaniko", "archived")):
        (found,) = [reason for refused, reason in reasons.items() if refused.startswith(name)]
        assert word in found, (name, found)
