import json
from typing import Any

import pulumi
import pytest
from pulumi_mlops import ArgumentError, ColumnType, Metric, SourceType, Task, TrainingPipeline, Workspace
from pulumi_mlops.training_pipeline._workflow import cores
from syrupy.assertion import SnapshotAssertion

from tests.components.programs import PIPELINE, PIPELINE_FULL, with_changes
from tests.conftest import UNKNOWN, Build, Graph, Registration, unknown

SQL = {"type": SourceType.SQL, "secret": "birds-db", "query": "select * from penguins"}


def pipeline(build: Build, preview: bool = False, **changes: Any) -> Graph:
    return build(lambda: TrainingPipeline("penguins", with_changes(PIPELINE, **changes)), preview=preview)


def spec(graph: Graph) -> dict[str, Any]:
    return graph["penguins-workflow-template"].inputs["spec"]


def templates(graph: Graph) -> dict[str, dict[str, Any]]:
    return {template["name"]: template for template in spec(graph)["templates"]}


def tasks(graph: Graph) -> list[dict[str, Any]]:
    return templates(graph)["pipeline"]["dag"]["tasks"]


def environment(graph: Graph, step: str = "load") -> dict[str, Any]:
    variables = templates(graph)[step]["container"]["env"]
    return {one["name"]: one.get("value", one.get("valueFrom")) for one in variables}


def settings(graph: Graph) -> dict[str, Any]:
    return json.loads(graph["penguins-settings"].inputs["data"]["settings.json"])


def test_the_smallest_pipeline_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert pipeline(build).contract() == snapshot


def test_the_fullest_pipeline_is_as_reviewed(build: Build, snapshot: SnapshotAssertion) -> None:
    assert pipeline(build, **PIPELINE_FULL).contract() == snapshot


def test_every_object_is_a_child_in_the_namespace_with_the_standard_labels(build: Build) -> None:
    graph = pipeline(build, **PIPELINE_FULL)
    children = [one for one in graph if one.name != "penguins"]
    assert {one.kind for one in children} == {"ConfigMap", "Role", "RoleBinding", "WorkflowTemplate", "CronWorkflow"}
    for one in children:
        assert one.parent == graph["penguins"].urn
        metadata = one.inputs["metadata"]
        assert metadata["namespace"] == "birds"
        assert metadata["labels"]["app.kubernetes.io/name"] == "training-pipeline"
        assert metadata["labels"]["app.kubernetes.io/instance"] == "penguins"
        assert metadata["labels"]["team"] == "birds"


def test_steps_run_one_after_the_other_and_deploy_only_what_passed(build: Build) -> None:
    assert tasks(pipeline(build, endpoint="penguins")) == [
        {"name": "load", "template": "load"},
        {"name": "preprocess", "template": "preprocess", "depends": "load"},
        {"name": "train", "template": "train", "depends": "preprocess"},
        {"name": "evaluate", "template": "evaluate", "depends": "train"},
        {
            "name": "deploy",
            "template": "deploy",
            "depends": "evaluate",
            "when": "{{tasks.evaluate.outputs.parameters.passed}} == true",
        },
    ]


SEE_VERSIONS = {"apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": ["list"]}


def test_without_an_endpoint_nothing_is_deployed_and_there_is_no_right_to(build: Build) -> None:
    graph = pipeline(build)
    assert [task["name"] for task in tasks(graph)] == ["load", "preprocess", "train", "evaluate"]
    assert "deploy" not in templates(graph)
    assert graph["penguins-role"].inputs["rules"] == [SEE_VERSIONS]
    assert settings(graph)["endpoint"] is None
    assert "ENDPOINT" not in environment(graph)


def test_the_pipeline_may_move_its_own_endpoint_and_no_other(build: Build) -> None:
    graph = pipeline(build, endpoint="penguins", service_account="trainer")
    assert graph["penguins-role"].inputs["rules"] == [
        {"apiGroups": ["apps"], "resources": ["deployments"], "resourceNames": ["penguins"], "verbs": ["get", "patch"]},
        SEE_VERSIONS,
    ]
    assert graph["penguins-role-binding"].inputs["subjects"] == [
        {"kind": "ServiceAccount", "name": "trainer", "namespace": "birds"}
    ]
    assert spec(graph)["serviceAccountName"] == "trainer"


def test_every_step_knows_its_run_its_settings_and_its_data(build: Build) -> None:
    for step in ("load", "preprocess", "train", "evaluate", "deploy"):
        graph = pipeline(build, endpoint="penguins")
        assert environment(graph, step) == {
            "SETTINGS_PATH": "/etc/pipeline/settings.json",
            "MODELS_DIR": "/models",
            "RUN_ID": "{{workflow.uid}}",
            "RUN_CREATED": "{{workflow.creationTimestamp.RFC3339}}",
            "RUN_NAME": "{{workflow.name}}",
            "DATA_KEY": "{{workflow.parameters.data-key}}",
            "DATA_DATE": "{{workflow.parameters.date}}",
            "TIMEZONE": "Etc/UTC",
            "NAMESPACE": "{{workflow.namespace}}",
            "CODE_VERSION": "registry.example.org/ml-pipeline:1",
            "MLFLOW_TRACKING_TOKEN_FILE": "/var/run/secrets/mlflow/token",
            "ENDPOINT": "penguins",
        }
        container = templates(graph)[step]["container"]
        assert container["command"] == ["python", "-m", f"ml.{step}"]
        assert container["envFrom"] == [
            {"configMapRef": {"name": "platform", "optional": False}},
            {"secretRef": {"name": "object-store-credentials", "optional": True}},
        ]


def test_what_the_arguments_say_of_the_platform_takes_the_place_of_what_the_workspace_says(build: Build) -> None:
    given = {
        "mlflow_url": "https://mlflow.example.org",
        "object_store_endpoint": "https://s3.example.org",
        "object_store_region": "eu-west-1",
    }
    graph = pipeline(build, **given)

    variables = environment(graph)
    assert [variables[key] for key in ("MLFLOW_TRACKING_URI", "AWS_ENDPOINT_URL_S3", "AWS_REGION")] == [*given.values()]
    # Kubernetes prefers `env` to `envFrom`; a namespace without the ConfigMap will do where nothing is taken from it.
    assert templates(graph)["load"]["container"]["envFrom"][0]["configMapRef"]["optional"] is True


def test_every_step_has_the_token_by_which_mlflow_knows_it(build: Build) -> None:
    graph = pipeline(build)
    (volume,) = [one for one in spec(graph)["volumes"] if "projected" in one]
    assert volume["projected"]["sources"] == [
        {"serviceAccountToken": {"audience": "mlflow", "expirationSeconds": 3600, "path": "token"}}
    ]
    for step in ("load", "preprocess", "train", "evaluate"):
        (mount,) = [one for one in templates(graph)[step]["container"]["volumeMounts"] if one["name"] == volume["name"]]
        path = environment(graph, step)["MLFLOW_TRACKING_TOKEN_FILE"]
        assert (mount["readOnly"], f"{mount['mountPath']}/token") == (True, path)


def test_a_run_by_hand_can_name_other_data_and_another_date(build: Build) -> None:
    parameters = spec(pipeline(build))["arguments"]["parameters"]
    assert {one["name"]: one["value"] for one in parameters} == {"data-key": "", "date": ""}


@pytest.mark.parametrize("field", ["object_store_endpoint", "mlflow_url"])
def test_an_address_is_a_url(build: Build, field: str) -> None:
    with pytest.raises(ArgumentError, match=rf"args\.{field} must be a URL such as .*, got ''"):
        pipeline(build, **{field: ""})


def test_the_database_address_comes_from_its_secret_and_is_in_no_setting(build: Build) -> None:
    graph = pipeline(build, source=SQL)
    assert environment(graph)["DATABASE_URI"] == {"secretKeyRef": {"name": "birds-db", "key": "uri"}}
    assert settings(graph)["source"] == {"type": "SQL", "query": "select * from penguins"}


def test_the_settings_say_every_default(build: Build) -> None:
    assert settings(pipeline(build, endpoint="penguins")) == {
        "schema_version": 1,
        "model_name": "penguins",
        "task": "classification",
        "source": {"type": "S3", "bucket": "data", "key": "penguins.csv", "format": "csv"},
        "target": "species",
        "features": {
            "renames": {},
            "drop": [],
            "engineered": {},
            "numeric_imputation": "MEDIAN",
            "categorical_imputation": "MOST_FREQUENT",
            "scaling": "STANDARD",
            "unknown_category": "MISSING",
        },
        "training": {"test_fraction": 0.2, "seed": 0, "rounds": 100, "parameters": {}},
        "evaluation": {"metric": "accuracy", "threshold": 0.9, "must_beat_current": True},
        "endpoint": "penguins",
        "version_history": 20,
    }


@pytest.mark.parametrize("changes", [{}, PIPELINE_FULL, {"source": SQL}])
def test_the_steps_understand_the_settings(build: Build, changes: dict[str, Any]) -> None:
    from ml.settings import parse_object

    document = settings(pipeline(build, **changes))
    understood = parse_object(document).model_dump(mode="json")
    assert {**understood["features"], **document["features"]} == understood["features"]
    assert {**understood["training"], **document["training"]} == understood["training"]
    assert understood["evaluation"] == document["evaluation"]


@pytest.mark.parametrize(
    ("cpu", "threads"),
    [("500m", 1), ("1", 1), ("1001m", 2), ("2", 2), ("1.5", 2), ("1e1", 10), ("2500000u", 3), ("1k", 1000)],
)
def test_the_model_is_fitted_with_as_many_threads_as_cores_are_requested(cpu: str, threads: int) -> None:
    assert cores(cpu) == threads


def test_the_step_train_gets_its_number_of_threads(build: Build) -> None:
    def threads(cpu: pulumi.Input[str], step: str = "train") -> str | None:
        return environment(pipeline(build, steps={step: {"cpu": cpu}}), step).get("THREADS")

    assert threads("4") == threads(pulumi.Output.from_input("4")) == "4"
    assert threads("1") is threads("4", "load") is None


def test_the_same_arguments_give_the_same_text(build: Build) -> None:
    reordered = dict(reversed(PIPELINE.items()))
    first = build(lambda: TrainingPipeline("penguins", PIPELINE))
    second = build(lambda: TrainingPipeline("penguins", reordered))  # type: ignore[arg-type]
    assert first["penguins-settings"].inputs == second["penguins-settings"].inputs


def test_a_change_of_settings_keeps_the_name_that_runs_look_for(build: Build) -> None:
    before, after = pipeline(build), pipeline(build, target="island")
    assert before["penguins-settings"].inputs["data"] != after["penguins-settings"].inputs["data"]
    (mounted,) = [volume for volume in spec(after)["volumes"] if volume["name"] == "settings"]
    assert mounted["configMap"]["name"] == after["penguins-settings"].inputs["metadata"]["name"]
    assert spec(before) == spec(after)


def test_only_one_run_at_a_time_moves_the_endpoint(build: Build) -> None:
    graph = pipeline(build)
    assert graph["penguins-cron-workflow"].inputs["spec"]["concurrencyPolicy"] == "Forbid"
    assert spec(graph)["synchronization"] == {"mutexes": [{"name": "training-pipeline-penguins"}]}


def test_wrong_data_are_not_tried_again(build: Build) -> None:
    strategy = templates(pipeline(build))["train"]["retryStrategy"]
    assert strategy["limit"] == 2
    assert strategy["retryPolicy"] == "Always"
    assert strategy["expression"] == "asInt(lastRetry.exitCode) != 65"


def test_a_step_with_gpus_runs_on_nodes_that_have_them_and_the_others_anywhere(build: Build) -> None:
    spot = {"key": "spot", "value": "true", "effect": "NoExecute"}
    own = {"gpus": 1, "node_selector": {"accelerator": "nvidia"}, "tolerations": [spot]}

    found = templates(pipeline(build, steps={"train": own}))

    assert found["train"]["container"]["resources"]["limits"] == {"memory": "2Gi", "nvidia.com/gpu": "1"}
    assert found["train"]["nodeSelector"] == {"accelerator": "nvidia"}
    assert found["train"]["tolerations"] == [
        {**spot, "operator": "Equal"},
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
    ]
    assert found["load"].keys() & {"nodeSelector", "tolerations"} == set()
    assert "nvidia.com/gpu" not in found["load"]["container"]["resources"]["limits"]


def test_a_steps_own_limits_are_its_alone(build: Build) -> None:
    graph = pipeline(build, **PIPELINE_FULL)
    train, load = templates(graph)["train"], templates(graph)["load"]
    assert train["container"]["resources"] == {
        "requests": {"cpu": "2", "memory": "4Gi"},
        "limits": {"memory": "4Gi", "nvidia.com/gpu": "1"},
    }
    assert (train["activeDeadlineSeconds"], train["retryStrategy"]["limit"]) == (1200, 0)
    assert (load["activeDeadlineSeconds"], load["retryStrategy"]["limit"]) == (1800, 2)


def test_all_containers_are_admitted_by_the_restricted_standard(build: Build) -> None:
    graph = pipeline(build, endpoint="penguins")
    pod = spec(graph)["securityContext"]
    assert (pod["runAsNonRoot"], pod["runAsUser"], pod["fsGroup"]) == (True, 10001, 10001)
    assert pod["seccompProfile"] == {"type": "RuntimeDefault"}
    patch = json.loads(spec(graph)["podSpecPatch"])
    steps = [one["container"] for one in templates(graph).values() if "container" in one]
    assert {one["name"] for one in patch["initContainers"] + patch["containers"]} == {"init", "wait"}
    for container in [*steps, *patch["initContainers"], *patch["containers"]]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["limits"]["memory"]
    assert all(one["securityContext"]["readOnlyRootFilesystem"] for one in steps)


def test_outputs_are_files_on_a_volume_that_can_be_written(build: Build) -> None:
    graph = pipeline(build)
    for step, names in {"train": ["version"], "evaluate": ["passed", "verdict"]}.items():
        template = templates(graph)[step]
        outputs = template["outputs"]["parameters"]
        assert [one["name"] for one in outputs] == names
        assert [one["valueFrom"]["path"] for one in outputs] == [f"/tmp/outputs/{name}" for name in names]
        assert {"name": "tmp", "mountPath": "/tmp"} in template["container"]["volumeMounts"]


def test_the_schedule_starts_the_template(build: Build) -> None:
    graph = pipeline(build, **PIPELINE_FULL)
    assert (
        graph["penguins-cron-workflow"].inputs["spec"].items()
        >= {
            "schedules": ["0 3 * * *"],
            "timezone": "Europe/Berlin",
            "suspend": True,
            "startingDeadlineSeconds": 60,
            "successfulJobsHistoryLimit": 1,
            "failedJobsHistoryLimit": 5,
            "workflowSpec": {
                "workflowTemplateRef": {"name": "penguins"},
                "arguments": {"parameters": [{"name": "date", "value": "{{workflow.scheduledTime}}"}]},
            },
        }.items()
    )


def test_what_a_run_needs_exists_before_the_schedule(build: Build) -> None:
    graph = pipeline(build, endpoint="penguins")
    needs = {graph[f"penguins-{role}"].urn for role in ("settings", "role", "role-binding")}
    assert graph["penguins-workflow-template"].dependencies >= needs
    assert graph["penguins-workflow-template"].urn in graph["penguins-cron-workflow"].dependencies


def test_a_pipeline_in_a_workspace_waits_for_the_namespace(build: Build) -> None:
    def program() -> None:
        workspace = Workspace("birds", {})
        TrainingPipeline("penguins", with_changes(PIPELINE, namespace=workspace.namespace, endpoint="penguins"))

    graph = build(program)
    children: list[Registration] = [one for one in graph if one.parent == graph["penguins"].urn]
    assert len(children) == 5
    assert all(graph["birds-namespace"].urn in one.dependencies for one in children)


def test_values_known_only_later_are_unknown_in_the_preview_and_nothing_else_is(build: Build) -> None:
    def program() -> None:
        source = {"type": SourceType.S3, "bucket": unknown("bucket"), "key": "penguins.csv"}
        TrainingPipeline("penguins", with_changes(PIPELINE, image=unknown("image"), source=source))

    preview, update = build(program, preview=True), build(program)
    assert {one.urn for one in preview} == {one.urn for one in update}
    assert preview["penguins-settings"].inputs["data"]["settings.json"] == UNKNOWN
    assert templates(preview)["load"]["container"]["image"] == UNKNOWN
    assert templates(preview)["load"]["container"]["command"] == ["python", "-m", "ml.load"]
    assert settings(update)["source"]["bucket"] == "bucket-id"


def test_numbers_of_other_languages_are_whole_in_the_settings(build: Build) -> None:
    graph = pipeline(build, training={"seed": 7.0, "rounds": 20.0})
    text = graph["penguins-settings"].inputs["data"]["settings.json"]
    assert '"seed": 7,' in text
    assert '"rounds": 20,' in text


def test_two_pipelines_fit_in_one_stack(build: Build) -> None:
    graph = build(lambda: [TrainingPipeline(name, PIPELINE_FULL) for name in ("one", "two")])
    urns = [one.urn for one in graph]
    assert len(urns) == len(set(urns))
    physical = [(one.kind, one.inputs["metadata"]["name"]) for one in graph if "metadata" in one.inputs]
    assert len(physical) == len(set(physical))


def test_outputs_name_what_a_run_by_hand_needs(build: Build) -> None:
    assert pipeline(build, model_name="species").outputs_of("penguins") == {
        "workflow_template": "penguins",
        "cron_workflow": "penguins",
        "settings": "penguins-settings",
        "model_name": "species",
    }


def S3(**fields: Any) -> dict[str, Any]:
    return {"type": SourceType.S3, "bucket": "data", "key": "penguins.csv", **fields}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"source": {"type": "S3", "bucket": "data"}}, "args.source.key is required by a source of type S3"),
        (
            {"source": {"type": "S3", "bucket": "s3://data", "key": "a.csv"}},
            "args.source.bucket must be the name of the bucket alone, without s3:// and without a path, got 's3://data'",
        ),
        (
            {"source": {"type": "S3", "bucket": "data", "key": "s3://data/a.csv"}},
            "args.source.key must be the key within source.bucket, without s3:// and the bucket, got 's3://data/a.csv'",
        ),
        ({"source": S3(query="select 1")}, "args.source.query does not belong to a source of type S3"),
        ({"source": {"type": "SQL", "query": "q"}}, "args.source.secret is required by a source of type SQL"),
        ({"source": {**SQL, "bucket": "data"}}, "args.source.bucket does not belong to a source of type SQL"),
        ({"source": {"type": "FTP"}}, "args.source.type must be one of 'S3', 'SQL', got 'FTP'"),
        ({"source": S3(format="xlsx")}, "args.source.format must be one of 'csv', 'parquet', got 'xlsx'"),
        (
            {"source": S3(format="parquet", missing=["NA"])},
            "args.source.missing belongs to the format csv, got ['NA'] with parquet",
        ),
        ({"source": S3(missing=[""])}, "args.source.missing[0] must not be empty"),
        ({"source": {**SQL, "missing": []}}, "args.source.missing does not belong to a source of type SQL"),
        (
            {"source": S3(columns={"year": "date"})},
            "args.source.columns.year must be one of 'integer', 'number', 'boolean', 'text', got 'date'",
        ),
        (
            {"source": S3(columns={"old": ColumnType.TEXT}), "features": {"renames": {"old": "x"}, "numeric": ["x"]}},
            "args.source.columns.old must be a number, as args.features.numeric names it, got 'text'",
        ),
        (
            {"source": S3(decimal=",", thousands=",")},
            "args.source.thousands must not be the decimal sign, got ',' for both",
        ),
        (
            {"training": {"parameters": {"booster": "gblinear"}}},
            "args.training.parameters.booster must be one that can be served, gbtree or dart, got 'gblinear'",
        ),
        ({"source": S3(encoding="hex")}, "args.source.encoding must be the name of a text encoding"),
        ({"source": S3(delimiter="::")}, "args.source.delimiter must be one of ',', ';', '|', ':', '\\t'"),
        ({"target": ""}, "args.target must not be empty"),
        ({"features": {"numeric": ["a"], "categorical": ["a"]}}, "args.features.categorical must not name columns of"),
        ({"features": {"numeric": ["species"]}}, "args.features.numeric must not name the target, got 'species'"),
        ({"features": {"drop": ["species"]}}, "args.features.drop must not name the target"),
        ({"features": {"engineered": {"species": "1"}}}, "args.features.engineered must not name the target"),
        ({"features": {"engineered": {"r": "a +"}}}, "engineered.r must be an arithmetic expression, got 'a +'"),
        ({"features": {"engineered": {"r": "a % 2"}}}, "engineered.r must use only numbers, column names, + - * /"),
        ({"features": {"renames": {"species": "kind"}}}, "args.features.renames must not name the target"),
        ({"features": {"renames": {"a": "c", "b": "c"}}}, "must give every column a name of its own, got ['c']"),
        ({"features": {"drop": ["a"], "numeric": ["a"]}}, "args.features.drop must not name columns that are used"),
        ({"features": {"engineered": {"r": "a"}, "categorical": ["r"]}}, "must not name engineered columns"),
        ({"features": {"scalings": "NONE"}}, 'args.features has no argument "scalings"; did you mean "scaling"?'),
        ({"training": {"test_fraction": 0.9}}, "args.training.test_fraction must be between 0.05 and 0.5, got 0.9"),
        ({"training": {"test_fraction": 20}}, "args.training.test_fraction must be between 0.05 and 0.5, got 20"),
        ({"training": {"seed": -1}}, "args.training.seed must be between 0"),
        ({"training": {"rounds": 0}}, "args.training.rounds must be between 1 and 10000, got 0"),
        (
            {"training": {"parameters": {"objective": "x"}}},
            "must not set objective, which args.task and args.training.objective decide",
        ),
        (
            {"training": {"parameters": {"monotone_constraints": "(1)"}}},
            "must not set monotone_constraints, which args.training.monotone decides",
        ),
        (
            {"training": {"monotone": {"a": "INCREASING"}}, "features": {"categorical": ["a"]}},
            "args.training.monotone must name numbers, got 'a', which args.features.categorical names",
        ),
        (
            {"training": {"monotone": {"species": "INCREASING"}}},
            "args.training.monotone must name columns that the model uses, got 'species'",
        ),
        ({"training": {"search": {"trials": 9}}}, "args.training.search needs args.training.early_stopping_rounds"),
        (
            {"training": {"search": {"trials": 1}, "early_stopping_rounds": 3}},
            "args.training.search.trials must be between 2 and 1000, got 1",
        ),
        (
            {
                "task": "regression",
                "evaluation": {"metric": "rmse", "threshold": 1},
                "training": {"objective": "QUANTILE"},
            },
            "args.training.quantile is required by the args.training.objective QUANTILE",
        ),
        (
            {"training": {"quantile": 0.9}},
            "args.training.quantile belongs to the args.training.objective QUANTILE, got 0.9",
        ),
        (
            {"task": "regression", "evaluation": {"metric": "pinball", "threshold": 1}},
            "args.evaluation.metric pinball needs the args.training.objective QUANTILE",
        ),
        ({"schedule": "0 0 30 2 *"}, "args.schedule must name a date that comes, which day 30 of month 2 never does"),
        ({"training": {"parameters": {"seed": 1}}}, "must not set seed, which args.training.seed decides"),
        ({"training": {"parameters": {"eta": [1]}}}, "args.training.parameters.eta must be a number, a string"),
        ({"evaluation": {"metric": "rmse", "threshold": 1}}, "must be one of accuracy, f1_macro, log_loss, roc_auc"),
        ({"evaluation": {"metric": "accuracy", "threshold": 90}}, "threshold must be at most 1 for accuracy, got 90"),
        ({"evaluation": {"metric": "log_loss", "threshold": -1}}, "threshold must be at least 0 for log_loss, got -1"),
        ({"evaluation": {"metric": "accuracy"}}, "args.evaluation.threshold is required"),
        ({"schedule": "0 25 * * *"}, "args.schedule must keep the hour within 0-23, which '25' does not"),
        ({"timezone": "Europe/Entenhausen"}, "args.timezone must be an IANA time zone"),
        ({"timeout_seconds": 5}, "args.timeout_seconds must be between 60"),
        ({"steps": {"train": {"memory": "4 GB"}}}, "args.steps.train.memory must be a Kubernetes quantity"),
        ({"steps": {"train": {"retries": 11}}}, "args.steps.train.retries must be between 0 and 10, got 11"),
        ({"steps": {"train": {"gpus": 17}}}, "args.steps.train.gpus must be between 0 and 16, got 17"),
        (
            {"steps": {"train": {"tolerations": [{"value": "a"}]}}},
            "args.steps.train.tolerations[0] must have a key, or the operator Exists, got {'value': 'a'}",
        ),
        (
            {"steps": {"train": {"tolerations": [{"key": "k", "operator": "Exists", "value": "a"}]}}},
            "args.steps.train.tolerations[0] must not have a value with the operator Exists",
        ),
        (
            {"steps": {"train": {"tolerations": [{"key": "k", "effect": "NO_SCHEDULE"}]}}},
            "args.steps.train.tolerations[0].effect must be one of 'NoSchedule'",
        ),
        ({"steps": {"train": {"tolerations": [None]}}}, "args.steps.train.tolerations[0] must not be None"),
        ({"steps": {"fit": {}}}, 'args.steps has no argument "fit"'),
        ({"endpoint": "Penguins"}, "args.endpoint must be a DNS label"),
        ({"schedule": None}, "args.schedule is required"),
    ],
)
def test_wrong_arguments_are_refused_before_anything_exists(
    build: Build, changes: dict[str, Any], expected: str
) -> None:
    message = refusal(build, "penguins", with_changes(PIPELINE, **changes))
    assert message.startswith('TrainingPipeline "penguins": ')
    assert expected in message
    assert "\n" not in message


def refusal(build: Build, name: str, args: Any) -> str:
    messages: list[str] = []

    def program() -> None:
        with pytest.raises(ArgumentError) as caught:
            TrainingPipeline(name, args)
        messages.append(str(caught.value))

    assert build(program).registrations == []
    return messages[0]


@pytest.mark.parametrize("name", ["Penguins", "9penguins", "p" * 53, "pen_guins"])
def test_a_name_that_argo_would_refuse_is_refused(build: Build, name: str) -> None:
    assert "name must be a name of lower-case letters" in refusal(build, name, PIPELINE)


@pytest.mark.parametrize(
    "changes",
    [
        {"training": {"test_fraction": 0.05, "seed": 0, "rounds": 1}},
        {"training": {"test_fraction": 0.5, "seed": 2**31 - 1, "rounds": 10_000}},
        {"task": Task.REGRESSION, "evaluation": {"metric": Metric.R2, "threshold": -3}},
        {"task": Task.REGRESSION, "evaluation": {"metric": Metric.RMSE, "threshold": 1e6}},
        {"evaluation": {"metric": Metric.LOG_LOSS, "threshold": 5}},
        {"features": {"renames": {"species": "island", "island": "species"}}},
        {"features": {"renames": {"kind": "species"}}},
        {"schedule": "@weekly", "timezone": "America/Argentina/Buenos_Aires", "timeout_seconds": 60},
    ],
)
def test_what_is_just_inside_the_limits_is_accepted(build: Build, changes: dict[str, Any]) -> None:
    assert pipeline(build, **changes)["penguins-settings"]


def test_a_run_tells_nobody_of_its_end_unless_it_is_asked_to(build: Build) -> None:
    graph = pipeline(build)
    assert "onExit" not in spec(graph)
    assert "notify" not in templates(graph)


def test_the_address_of_a_notification_is_in_its_secret_alone(build: Build) -> None:
    graph = pipeline(build, notification={"secret": "chat"})
    assert spec(graph)["onExit"] == "notify-end"
    variables = environment(graph, "notify")
    assert variables["NOTIFICATION_URL"] == {"secretKeyRef": {"name": "chat", "key": "url"}}
    assert variables["NOTIFICATION_FORM"] == "JSON"
    assert "RUN_URL" not in variables
    (step,) = templates(graph)["notify-end"]["steps"][0]
    assert step["continueOn"] == {"error": True, "failed": True}


@pytest.mark.parametrize(
    ("changes", "field", "limit"),
    [
        ({"steps": {"train": {"timeout_seconds": 600}}}, "steps.train.timeout_seconds", 600),
        ({"timeout_seconds": 300}, "timeout_seconds", 300),
    ],
)
def test_a_search_ends_before_its_step_does(build: Build, changes: dict[str, Any], field: str, limit: int) -> None:
    def search(seconds: Any) -> dict[str, Any]:
        return {"early_stopping_rounds": 10, "search": {"trials": 5, "timeout_seconds": seconds}}

    with pytest.raises(ArgumentError) as refused:
        pipeline(build, training=search(limit), **changes)
    assert (
        f"args.training.search.timeout_seconds must be less than args.{field}, in which the last model is fitted too, "
        f"got {limit} with {limit}"
    ) in str(refused.value)
    for seconds in (limit - 1, None, pulumi.Output.from_input(limit)):
        pipeline(build, training=search(seconds), **changes)
