"""No form of a review shows a secret that the program did not mark, whatever its name, its form and its place."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pulumi_mlops.review import rules
from pulumi_mlops.review.assembly import review
from pulumi_mlops.review.preview import Diagnostic, PropertyChange, Step
from pulumi_mlops.review.render.json_document import to_json
from pulumi_mlops.review.render.markdown import Dialect, markdown
from pulumi_mlops.review.render.terminal import terminal
from pulumi_mlops.review.secret_values import must_hide, redacted
from pulumi_mlops.review.values import SIGNATURE

from tests.review.steps import preview, step

RELEASE, MAP, LAMBDA = "kubernetes:helm.sh/v3:Release", "kubernetes:core/v1:ConfigMap", "aws:lambda/function:Function"
NAMES = (
    *("password", "adminPassword", "postgresPassword", "DB_PASSWORD", "PGPASSWORD", "root_pass", "dbPasswd", "pwd"),
    *("masterUserPassword", "accessToken", "client-secret", "clientSecretValue", "API_KEY", "secretAccessKey"),
    *("password2", "DB_PASSWORD_B64", "connectionString", "encryptionKey", "storageAccountKey", "credentials"),
)
ASSIGNED = ("spring.datasource.password", "DB_PASSWORD", "api-key", "access_token", "Pwd", "client_secret")
"""Names in a longer text, where more words around them are harmless."""


def plain(text: str) -> str:
    return text


def base64_of(text: str) -> str:
    return base64.b64encode(f"#!/bin/bash\n{text}\n# end".encode()).decode()


Place = Callable[[str, str], tuple[str, dict[str, Any]]]
NAMED: dict[str, Place] = {
    "values of a chart": lambda name, secret: (RELEASE, {"values": {"auth": {name: secret}}}),
    "list of values": lambda name, secret: (RELEASE, {"values": {"auth": {name: [secret]}}}),
    "variables of a function": lambda name, secret: (LAMBDA, {"environment": {"variables": {name: secret}}}),
    "env of a container": lambda name, secret: (
        "kubernetes:apps/v1:Deployment",
        {"spec": {"template": {"spec": {"containers": [{"env": [{"name": name, "value": secret}]}]}}}},
    ),
    "tags as a list": lambda name, secret: ("aws:autoscaling/group:Group", {"tags": [{"key": name, "value": secret}]}),
    "value below the name": lambda name, secret: (RELEASE, {"values": {name: {"value": secret}}}),
    "anything below the name": lambda name, secret: (RELEASE, {"values": {name: {"plain": secret, "name": "login"}}}),
    "document in a text": lambda name, secret: (
        "aws:ecs/taskDefinition:TaskDefinition",
        {"containerDefinitions": json.dumps([{"environment": [{"name": name, "value": secret}]}])},
    ),
    "pairs with capitals in a document": lambda name, secret: (
        MAP,
        {"data": {"task.json": json.dumps({"Environment": [{"Name": name, "Value": secret}]})}},
    ),
    "object in a document": lambda name, secret: (MAP, {"data": {"app.json": json.dumps({"db": {name: secret}})}}),
    "list in a document": lambda name, secret: (MAP, {"data": {"app.json": json.dumps({name: ["a", secret]})}}),
    "name of a Secret in a document": lambda name, secret: (
        MAP,
        {"data": {"app.json": json.dumps({"secret": secret, "credentials": [{"value": secret}], "dbsecret": secret})}},
    ),
    "document in a document": lambda name, secret: (
        MAP,
        {"data": {"app.json": json.dumps({"inner": json.dumps({"db": {name: {"value": secret}}})})}},
    ),
}  # fmt: skip
WRITTEN: dict[str, Place] = {
    "properties": lambda name, secret: (MAP, {"data": {"app.properties": f"a=1\n{name}={secret}\nb=2"}}),
    "YAML": lambda name, secret: (MAP, {"data": {"config.yaml": f"db:\n  {name}: '{secret}'\n"}}),
    "connection string": lambda name, secret: (LAMBDA, {"description": f"Server=db;{name}={secret};Database=x"}),
    "asset": lambda name, secret: (
        "aws:s3/bucketObjectv2:BucketObjectv2",
        {"source": {SIGNATURE: "c44067f5952c0a294b673a41bacd8c17", "text": f"{name}={secret}\n"}},
    ),
    "command in a document": lambda name, secret: (
        MAP,
        {"data": {"app.json": json.dumps({"args": ["serve", f"--{name}={secret}"]})}},
    ),
    "user data": lambda name, secret: ("aws:ec2/instance:Instance", {"userData": f"export {name}={secret}"}),
    "user data in Base64": lambda name, secret: (
        "aws:ec2/launchTemplate:LaunchTemplate",
        {"userData": base64_of(f"export {name}={secret}")},
    ),
}  # fmt: skip
KEYS: dict[str, Callable[[str], Any]] = {
    "key": lambda secret: {secret: "ada"},
    "key below": lambda secret: {"tokens": {secret: {"owner": "ada"}}},
    "key in a list": lambda secret: {"tokens": [[{"owner": "ada"}, {secret: 1}]]},
    "key in a document": lambda secret: {"inner": json.dumps({"tokens": {secret: None}})},
}
"""Documents in which a secret is a key."""
FORMS: tuple[Callable[[str], str], ...] = (
    lambda secret: f"ghp_{secret}",
    lambda secret: f"glpat-{secret}",
    lambda secret: f"https://ada:{secret}@registry.example.org",
    lambda secret: f"password={secret}",
    lambda secret: f"--api-key={secret}",
)
SECRETS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=6, max_size=14) | st.text(
    "abcdefghijkmnpqrstuvwxyzABCDEFGH23456789!#+", min_size=8, max_size=24
)
"""Words too: a password that is a plain word is one."""


def shown(*steps: Step, **more: Any) -> list[str]:
    made = preview(*steps, **more)
    one = review([made], rules.check([made]))
    return [markdown(one, Dialect.GITHUB), terminal(one, 1_000), to_json(one)]


def hidden(place: Place, name: str, secrets: tuple[str, str], variant: Callable[[str], str] = plain) -> None:
    kind, old = place(name, secrets[0])
    _, new = place(name, secrets[1])
    told = tuple(PropertyChange(key, "update", False) for key in new)
    for change in (
        step("create", kind, new=new),
        step("delete", kind, old=old),
        step("update", kind, old=old, new=new),
        step("update", kind, old=old, new=new, changes=told),
        step("update", kind, old={}, new=new),
    ):
        for text in shown(change):
            for secret in secrets:
                assert secret not in text
                assert base64_of(secret)[:24] not in text


def distinct(first: str, second: str) -> tuple[str, str]:
    """Marked, so that no word of the comment contains them."""
    return f"zq{first}", f"qz{second}"


@pytest.mark.parametrize("place", NAMED)
@settings(max_examples=15)
@given(name=st.sampled_from(NAMES), first=SECRETS, second=SECRETS)
def test_a_value_whose_name_promises_a_secret_is_hidden(place: str, name: str, first: str, second: str) -> None:
    hidden(NAMED[place], name, distinct(first, second))


@pytest.mark.parametrize("place", KEYS)
@settings(max_examples=15)
@given(
    form=st.sampled_from(FORMS),
    first=st.text("abcdefghijkmnpqrstuvwxyzABCDEFGH23456789", min_size=36, max_size=40),
    second=st.text("abcdefghijkmnpqrstuvwxyzABCDEFGH23456789", min_size=36, max_size=40),
)
def test_a_secret_as_a_key_of_a_document_is_hidden(
    place: str, form: Callable[[str], str], first: str, second: str
) -> None:
    def data(_: str, secret: str) -> tuple[str, dict[str, Any]]:
        return MAP, {"data": {"app.json": json.dumps(KEYS[place](form(secret)))}}

    hidden(data, "", distinct(first, second))


@pytest.mark.parametrize("place", WRITTEN)
@settings(max_examples=15)
@given(name=st.sampled_from(ASSIGNED), first=SECRETS, second=SECRETS)
def test_a_text_with_a_secret_written_in_it_is_hidden(place: str, name: str, first: str, second: str) -> None:
    hidden(WRITTEN[place], name, distinct(first, second))


def test_the_path_of_a_provider_that_ends_at_the_value_of_a_pair_is_hidden_too() -> None:
    sides = [{"env": [{"name": "DB_PASSWORD", "value": value}]} for value in ("summerday", "winterday")]
    told = (PropertyChange("env[0].value", "update", False),)
    for text in shown(step("update", LAMBDA, old=sides[0], new=sides[1], changes=told)):
        assert "summerday" not in text
        assert "winterday" not in text


def test_the_value_of_a_secure_parameter_is_hidden() -> None:
    sides = [{"type": "SecureString", "value": value} for value in ("summerday", "winterday")]
    for text in shown(step("update", "aws:ssm/parameter:Parameter", old=sides[0], new=sides[1])):
        assert "summerday" not in text
        assert "winterday" not in text


@pytest.mark.parametrize(
    ("message", "safe"),
    [
        ("connecting to postgres://admin:summerday@db.example.org/prod: timeout", "timeout"),
        ("dial: password=summerday user=app", "user=app"),
        ("login failed (token: summerday)", "login failed"),
        ("GET https://x.example.org: Authorization: Bearer summerday0123456789abc", "Authorization"),
        (f"key AKIA{'ABCDEFGHIJKLMNOP'} is not allowed", "is not allowed"),
    ],
)
def test_a_diagnostic_is_shown_without_its_secrets(message: str, safe: str) -> None:
    for text in shown(diagnostics=(Diagnostic("error", message),), complete=False):
        assert "summerday" not in text
        assert "ABCDEFGHIJKLMNOP" not in text
        assert safe in text


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("secretName", "login"),
        ("passwordSecretRef", "login"),
        ("tokenTtl", "3600"),
        ("maxTokens", 4096),
        ("httpTokens", "required"),
        ("creationToken", "files-1"),
        ("existingSecret", "redis-login"),
        ("serve.py", "token: str = request.headers[AUTHORIZATION]"),
        ("secret", "object-store-credentials"),
        ("enablePassword", True),
        ("password", ""),
        ("key", "models/penguins.json"),
        ("arn", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:birds-8DxZ1q"),
        ("args", "--token=${TOKEN} --password=$(DB_PASSWORD)"),
        ("template", "password: {{ .Values.password }}"),
        ("image", "registry.example.org/server@sha256:" + "0a1b" * 16),
    ],
)
def test_what_only_speaks_of_a_secret_is_shown(name: str, value: Any) -> None:
    assert not must_hide(name, value)


def test_a_literal_in_code_is_hidden() -> None:
    assert must_hide("serve.py", "PASSWORD = 'summerday'")


def test_a_message_without_a_secret_stays_as_it_is() -> None:
    for message in ("the token has expired: log in again", "password must have 8 characters", "no secret named login"):
        assert redacted(message) == message


def test_a_megabyte_is_looked_through_in_little_time() -> None:
    for text in ("a" * 1_000_000, "password " * 100_000, "=" * 1_000_000, "tokentoken" * 100_000, " " * 1_000_000):
        must_hide("data", text)
        redacted(text[:100_000])


def test_a_preview_without_a_secret_says_what_changes() -> None:
    old, new = ({"data": {"LOG_LEVEL": level}} for level in ("info", "debug"))
    made = preview(step("update", MAP, old=old, new=new))
    assert "debug" in markdown(review([made]), Dialect.GITHUB)


SHOWN_NEVER = "hunter2hunter2"


@pytest.mark.parametrize(
    "text",
    [
        "auth:\n  password: |\n    {}\n",
        "adminPassword: >-\n      {}\n",
        "token: |2+\r\n  {}\r\n",
        "apiKey: &key {}\n",
        "secret: !!str {}\n",
        "env:\n- name: DB_PASSWORD\n  value: {}\n",
        "env:\n- name: 'DB_PASSWORD'\n\n  value: \"{}\"\n",
        '[{{"name": "DB_PASSWORD", "value": "{}"}}] # as YAML',
    ],
)
def test_a_secret_in_a_text_of_yaml_is_hidden_in_each_of_its_forms(text: str) -> None:
    said = text.format(SHOWN_NEVER)
    old, new = {"data": {"values.yaml": "a: 1"}}, {"data": {"values.yaml": said}}
    made = preview(step("update", "kubernetes:core/v1:ConfigMap", old=old, new=new))
    assert SHOWN_NEVER not in to_json(review([made]))
    assert SHOWN_NEVER not in redacted(said)


@pytest.mark.parametrize(
    "text",
    [
        "password: |\n  ${PASSWORD}\n",
        "password: |\n",
        "env:\n- name: DB_PASSWORD\n  valueFrom: {secretKeyRef: {name: a}}\n",
        "env:\n- name: DB_PASSWORD\n  value: $(PASSWORD)\n",
        "env:\n- name: REGION\n  value: eu-central-1\n",
    ],
)
def test_a_text_of_yaml_that_only_refers_to_a_secret_is_shown(text: str) -> None:
    assert not must_hide("values.yaml", text)
    assert redacted(text) == text


def test_a_document_that_names_a_secret_shows_what_else_changes() -> None:
    settings = [
        {"data": {"settings.json": json.dumps({"source": {"secret": "warehouse-login"}, "rounds": rounds})}}
        for rounds in (60, 90)
    ]
    for said in shown(step("update", MAP, "c", *settings)):
        assert "rounds" in said
        assert "90" in said
        assert "secret changed" not in said


@pytest.mark.parametrize(
    ("document", "secret"),
    [
        ({"auths": {"https://ada:summerday9@registry.example.org/v1/": {"email": "a"}}}, "summerday9"),
        ({f"AKIA{'ABCDEFGHIJKLMNOP'}": 1}, "ABCDEFGHIJKLMNOP"),
        ({"password=summerday9": 1}, "summerday9"),
        ({"secret": "summer-day"}, "summer-day"),
        ({"secret": 731_731_731}, "731731731"),
    ],
)
def test_a_document_with_a_secret_in_an_unusual_place_is_hidden(document: dict[str, Any], secret: str) -> None:
    sides = [{"data": {"app.json": json.dumps(one)}} for one in ({"a": 1}, document)]
    changed = step("update", MAP, "c", *sides)
    for one in (step("create", MAP, "a", new=sides[1]), step("delete", MAP, "b", old=sides[1]), changed):
        for said in shown(one):
            assert secret not in said
