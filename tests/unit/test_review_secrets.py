"""Which texts look like secrets, and which only look as if they did."""

import pytest
from pulumi_mlops.review import rules
from pulumi_mlops.review.preview import MASKED, UNKNOWN
from pulumi_mlops.review.secret_values import entropy, promises_secret, why_secret

from tests.unit.review_resources import CONFIG_MAP, RELEASE, TODAY, preview, spoiled, step

SECRETS = [  # made up; the shapes are those of the real ones
    ("anything", "AKIAIOSFODNN7EXAMPLE", "an AWS access key"),
    ("note", "key ASIAY34FZKBOKMUTVV7A of the old user", "an AWS access key"),
    ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "a secret by its name"),
    ("config", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "a random key"),
    ("content", "-----BEGIN RSA PRIVATE KEY-----\nMIIE", "a private key"),
    ("content", "-----BEGIN PRIVATE KEY-----\nMIIE", "a private key"),
    ("args", "--token=ghp_" + "a1B2" * 9, "a GitHub token"),
    ("pat", "glpat-" + "x7Yz" * 5, "a GitLab token"),
    ("hook", "xoxb-123456789012-abcdefghij", "a Slack token"),
    ("header", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTYifQ.c2lnbmF0dXJlLW9m", "a JSON web token"),
    ("openai", "sk-" + "proj0A1b" * 4, "an API key"),
    ("uri", "postgresql://app:s3cr3t-pw@db.example.org:5432/birds", "a password in a URL"),
    ("uri", "mysql+pymysql://root:toor@10.0.0.1/x", "a password in a URL"),
    ("password", "hunter2!", "a secret by its name"),
    ("masterPassword", "Tr0ub4dor&3", "a secret by its name"),
    ("client_secret", "8d969eef6ecad3c29a3a629280e686cf", "a secret by its name"),
    ("api-key", "f3a9c1e07b5d4826", "a secret by its name"),
    ("GRAFANA_TOKEN", "q8Zt4mVw2LxN9rKc", "a secret by its name"),
    ("dbPasswd", "correct7Horse", "a secret by its name"),
]
HARMLESS = [
    ("password", MASKED),
    ("password", UNKNOWN),
    ("passwordLength", "40"),
    ("secretName", "object-store-credentials"),
    ("AWS_SECRET_ACCESS_KEY_FILE", "/run/secrets/AWS_SECRET_ACCESS_KEY"),
    ("token", "${TOKEN}"),
    ("token", "{{workflow.parameters.token}}"),
    ("secret", "birds-login"),
    ("secret", "arn:aws:secretsmanager:eu-central-1:123456789012:secret:birds-8DxZ1q"),
    ("credentials", "object-store-credentials-mlflow"),
    ("key", "penguins/penguins.csv"),
    ("secretKey", "AWS_SECRET_ACCESS_KEY"),
    ("image", "registry.example.org/server@sha256:" + "0a1b" * 16),
    ("digest", "sha256:" + "9f86d081884c7d65" * 4),
    ("checksum", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
    ("id", "0f8fad5b-d9cb-469f-a165-70867728950e"),
    ("uri", "postgresql://db.example.org:5432/birds"),
    ("uri", "postgresql://app:$(PASSWORD)@db.example.org/birds"),
    ("uri", "postgresql://app:${PASSWORD}@db.example.org/birds"),
    ("url", "https://object-store.object-store.svc.cluster.local:8333"),
    ("policyArn", "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryPullOnly"),
    ("name", "mlops-dev-aws-load-balancer-controller-policy-18596cd"),
    ("runtimeClassName", "ThisIsALongCamelCaseNameOfSomething2"),
    ("cert", "-----BEGIN CERTIFICATE-----\nMIIE"),
    ("script", "import os\nprint(os.environ['AWS_SECRET_ACCESS_KEY'])"),
]


@pytest.mark.parametrize(("name", "text", "what"), SECRETS)
def test_what_looks_like_a_secret_is_found(name: str, text: str, what: str) -> None:
    assert why_secret(name, text) == what


@pytest.mark.parametrize(("name", "text"), HARMLESS)
def test_what_is_harmless_is_not_taken_for_a_secret(name: str, text: str) -> None:
    (findings,) = [rules.check([preview(step(CONFIG_MAP, spoiled(CONFIG_MAP, data={name: text})))], today=TODAY)]
    assert findings == []


@pytest.mark.parametrize(("name", "text", "_"), SECRETS)
def test_no_message_tells_the_secret(name: str, text: str, _: str) -> None:
    findings = rules.check([preview(step(CONFIG_MAP, spoiled(CONFIG_MAP, data={name: text})))], today=TODAY)
    assert [one.rule for one in findings] == ["plain-secret"]
    assert text not in findings[0].message


def test_a_secret_is_found_in_a_charts_values_and_in_an_argument() -> None:
    values = {"auth": {"adminPassword": "hunter2-Xy9!"}, "args": ["--token=ghp_" + "a1B2" * 9]}
    findings = rules.check([preview(step(RELEASE, spoiled(RELEASE, values=values)))], today=TODAY)
    assert [one.message.partition(" looks")[0] for one in findings] == ["values.args[0]", "values.auth.adminPassword"]


@pytest.mark.parametrize(
    "name", ["password", "DB_PASSWORD", "clientSecret", "api-key", "x.token", "AWS_SECRET_ACCESS_KEY"]
)
def test_a_name_promises_a_secret(name: str) -> None:
    assert promises_secret(name)


@pytest.mark.parametrize("name", ["secretName", "tokenPath", "key", "passwordLength", "secrets_manager", "tokenizer"])
def test_a_name_that_only_speaks_of_one_promises_none(name: str) -> None:
    assert not promises_secret(name)


def test_entropy_is_in_bits_a_character() -> None:
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2
