import json
from pathlib import Path

import chart_keys

from maintenance import extraction


def test_a_key_that_the_chart_does_not_know_is_named_with_the_nearest_that_it_has():
    known = extraction.tree({"server": {"replicas": 1, "ingress": {}}, "global": None})
    values = {"server": {"replica": 2, "ingress": {"anything": {"goes": 1}}}, "global": {"x": 1}, "zzz": 1}

    assert list(chart_keys.unknown_keys(values, known)) == [
        "server.replica is no value of the chart; did you mean server.replicas?",
        "zzz is no value of the chart; it has ['global', 'server']",
    ]


def test_a_schema_loses_its_prose_and_nothing_else(tmp_path: Path):
    schema = {
        "description": "Prose.",
        "properties": {"description": {"type": "string", "default": "x"}, "size": {"type": "integer", "title": "T"}},
    }
    (tmp_path / "values.yaml").write_text("size: 1\n")
    (tmp_path / "values.schema.json").write_text(json.dumps(schema))

    assert extraction.chart(tmp_path) == {
        "keys": {"size": "int"},
        "schema": {"properties": {"description": {"type": "string"}, "size": {"type": "integer"}}},
    }


def test_istio_s_hidden_defaults_are_keys_at_the_top(tmp_path: Path):
    (tmp_path / "values.yaml").write_text("_internal_defaults_do_not_set: {pilot: {cni: {enabled: false}}}\n")

    assert extraction.chart(tmp_path) == {"keys": {"pilot": {"cni": {"enabled": "bool"}}}, "schema": None}
