"""The random provider under the real engine."""

import pulumi
import pulumi_random
import pytest
from pulumi_cli import Failed, PulumiEnv

pytestmark = pytest.mark.engine


def program(keeper: str, length: int = 24):
    def run() -> None:
        password = pulumi_random.RandomPassword("password", length=length, special=False, keepers={"of": keeper})
        text = pulumi_random.RandomString("text", length=8, upper=False)
        pulumi.export("plain", pulumi.Output.unsecret(password.result))
        pulumi.export("password", password.result)
        pulumi.export("text", text.result)
        pulumi.export("id", pulumi_random.RandomId("id", byte_length=4).hex)
        pulumi_random.RandomBytes("bytes", length=16)

    return run


def test_values_stay_until_a_keeper_changes_and_passwords_are_encrypted(pulumi_env: PulumiEnv):
    stack = pulumi_env.stack(program("a"))
    first = stack.up()
    assert len(first.outputs["plain"]) == 24
    assert len(first.outputs["text"]) == 8
    assert first.outputs["password"] != first.outputs["plain"]  # the state holds its ciphertext
    assert stack.state().count(first.outputs["plain"]) == 1  # the export that asked for it
    assert stack.up().changed == {}
    assert stack.refresh().changed == {}

    second = stack.up(program("b"))
    assert second.changed == {"replace": 1}
    assert second.diff("password") == {"keepers": "update-replace"}
    assert second.outputs["plain"] != first.outputs["plain"]
    assert second.outputs["text"] == first.outputs["text"]


def test_a_wrong_length_and_an_import_are_refused(pulumi_env: PulumiEnv):
    with pytest.raises(Failed, match="length must be a whole number of at least 1, got 0"):
        pulumi_env.stack(program("a", length=0)).preview()
    adopted = pulumi_env.directory / "adopted"
    main = "import pulumi_random\npulumi_random.RandomString.get('old', 'abc')\n"
    done = pulumi_env.run("preview", cwd=pulumi_env.project(adopted, main, stack="other"))
    assert done.returncode
    assert "cannot be read or imported by the random provider stand-in" in done.stdout + done.stderr
