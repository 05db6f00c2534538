import json
from collections.abc import Iterator
from typing import Any

import pulumi
import pytest
import yaml

from local.paths import ROOT
from stacks import configuration, settings, web


@pytest.fixture
def configure() -> Iterator[Any]:
    """`configure(key=value)` sets what `pulumi config set` would: every value arrives as text."""

    def _set(**values: Any) -> None:
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
        pulumi.runtime.set_all_config({f"pulumi-mlops:{key}": text for key, text in texts.items()})

    yield _set
    pulumi.runtime.set_all_config({})


WEB = {
    "repository_url": "http://git.example.org/birds/web.git",
    "image": "registry.example.org/birds/web",
    "delivery_image": "registry.example.org/delivery:1",
    "checks_image": "python:3.12-slim",
}
NEEDED = {"gateway_class": "istio", "gateway_url": "https://models.example.org"}


def test_settings_arrive_with_their_types(configure: Any) -> None:
    configure(**NEEDED, protect_data=False, sizes={"mlflow_storage_gib": 3}, mlflow_allowed_hosts=["ml.example.org"])

    read = configuration.read(settings.PlatformSettings)

    assert read.gateway_class == "istio"
    assert read.protect_data is False
    assert read.sizes == {"mlflow_storage_gib": 3}
    assert read.mlflow_allowed_hosts == ["ml.example.org"]
    assert read.image_mirror is None


def test_what_is_not_set_is_not_passed_on(configure: Any) -> None:
    configure(**NEEDED)

    passed = settings.given(
        configuration.read(settings.PlatformSettings), "gateway_class", "image_mirror", "protect_data"
    )

    assert passed == {"gateway_class": "istio", "protect_data": True}


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({}, "setting pulumi-mlops:gateway_class is required: a GatewayClass of the cluster"),
        ({}, "`pulumi config set gateway_url …` sets it"),
        ({**NEEDED, "gatewayclass": "x"}, 'pulumi-mlops:gatewayclass is unknown; did you mean "gateway_class"?'),
        ({**NEEDED, "colour": "x"}, "pulumi-mlops:colour is unknown; this layer has gateway_class, gateway_url"),
        ({**NEEDED, "protect_data": "yes"}, "pulumi-mlops:protect_data must be true or false, got 'yes'"),
        ({**NEEDED, "sizes": "big"}, "pulumi-mlops:sizes must be a mapping (in YAML in the stack's file), got 'big'"),
        ({**NEEDED, "mlflow_allowed_hosts": {"a": 1}}, "must be a list"),
        ({**NEEDED, "image_mirror": " "}, "pulumi-mlops:image_mirror must be a text that is not empty"),
    ],
)
def test_a_wrong_setting_is_named_with_what_to_do(configure: Any, values: dict[str, Any], complaint: str) -> None:
    configure(**values)

    with pytest.raises(configuration.SettingsError) as error:
        configuration.read(settings.PlatformSettings)

    assert complaint in str(error.value)
    assert 'stack "' in str(error.value)


def test_all_problems_are_listed_at_once(configure: Any) -> None:
    configure(protect_data="yes", colour="x")

    with pytest.raises(configuration.SettingsError) as error:
        configuration.read(settings.PlatformSettings)

    assert str(error.value).count("\n  - ") == 4


def test_the_engine_prints_the_error_without_a_traceback() -> None:
    assert issubclass(configuration.SettingsError, pulumi.RunError)


@pytest.mark.parametrize(("text", "number"), [("3", 3), ("-1", -1)])
def test_numbers_are_whole(configure: Any, text: str, number: int) -> None:
    configure(image_registry="r", replicas=text)

    assert configuration.read(settings.PenguinsSettings).replicas == number


@pytest.mark.parametrize("text", ["3.5", "three", "-", ""])
def test_what_is_no_whole_number_is_refused(configure: Any, text: str) -> None:
    configure(image_registry="r", replicas=text)

    with pytest.raises(configuration.SettingsError, match="replicas must be a whole number"):
        configuration.read(settings.PenguinsSettings)


@pytest.mark.parametrize("values", [{}, {"pipeline_image": "p"}, {"server_image": "s"}])
def test_the_example_needs_to_know_where_its_images_are(configure: Any, values: dict[str, str]) -> None:
    configure(**values)

    with pytest.raises(configuration.SettingsError, match="image_registry is required unless"):
        configuration.read(settings.PenguinsSettings)


@pytest.mark.parametrize("values", [{"image_registry": "r"}, {"pipeline_image": "p", "server_image": "s"}])
def test_the_example_takes_a_registry_or_both_images(configure: Any, values: dict[str, str]) -> None:
    configure(**values)

    assert configuration.read(settings.PenguinsSettings)


@pytest.mark.parametrize(("values", "given"), [({}, "and is not set"), ({"layer": "moon"}, "got 'moon'")])
def test_a_stack_says_which_layer_it_is(configure: Any, values: dict[str, str], given: str) -> None:
    configure(**values)

    with pytest.raises(
        configuration.SettingsError, match="must be one of foundation, platform, platform_eks, penguins"
    ) as error:
        configuration.layer()

    assert given in str(error.value)


@pytest.mark.parametrize("name", configuration.LAYERS)
def test_a_layer_that_exists_is_taken(configure: Any, name: str) -> None:
    configure(layer=name)

    assert configuration.layer() == name
    assert (ROOT / "stacks" / f"{name}.py").is_file()


@pytest.mark.parametrize(
    ("stack", "kind", "machine"),
    [
        ("platform-local", settings.PlatformSettings, NEEDED),
        ("penguins-local", settings.PenguinsSettings, {"image_registry": "127.0.0.1:5000"}),
    ],
)
def test_the_tracked_files_need_only_what_the_machine_knows(
    configure: Any, stack: str, kind: Any, machine: dict[str, str]
) -> None:
    tracked = yaml.safe_load((ROOT / "stacks" / f"Pulumi.{stack}.yaml").read_text())["config"]
    configure(**{key.removeprefix("pulumi-mlops:"): value for key, value in tracked.items()}, **machine)

    assert configuration.layer() in stack
    assert configuration.read(kind)


def test_the_delivered_example_needs_only_what_the_machine_knows(configure: Any) -> None:
    configure(layer="web", **WEB)

    assert configuration.layer() == "web"
    assert configuration.read(settings.WebSettings).namespace == "delivery"


def test_a_way_of_promotion_that_there_is_not_is_refused_before_anything_is_made(configure: Any) -> None:
    configure(**WEB, promotion="BY_MAIL")

    with pytest.raises(configuration.SettingsError, match=r"promotion must be one of AUTOMATIC, APPROVAL, PULL_REQ"):
        web.build()


@pytest.mark.parametrize("kind", [settings.PlatformSettings, settings.PenguinsSettings, settings.WebSettings])
def test_every_setting_says_what_it_means(kind: Any) -> None:
    assert all(one.metadata["meaning"] for one in kind.__dataclass_fields__.values())
