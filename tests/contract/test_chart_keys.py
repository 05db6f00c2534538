from pathlib import Path

import chart_keys
import pytest


def test_a_key_that_the_chart_does_not_know_is_named_with_the_nearest_that_it_has():
    known = chart_keys.tree({"server": {"replicas": 1, "ingress": {}}, "global": None})
    values = {"server": {"replica": 2, "ingress": {"anything": {"goes": 1}}}, "global": {"x": 1}, "zzz": 1}

    assert list(chart_keys.unknown_keys(values, known)) == [
        "server.replica is no value of the chart; did you mean server.replicas?",
        "zzz is no value of the chart; it has ['global', 'server']",
    ]


def test_a_schema_loses_its_prose_and_nothing_else():
    schema = {
        "description": "Prose.",
        "properties": {"description": {"type": "string", "default": "x"}, "size": {"type": "integer", "title": "T"}},
    }

    assert chart_keys.stripped(schema) == {
        "properties": {"description": {"type": "string"}, "size": {"type": "integer"}}
    }


def test_istio_s_hidden_defaults_are_keys_at_the_top(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chart_keys, "DATA", tmp_path / "data")
    (tmp_path / "Chart.yaml").write_text("name: istiod\nversion: 1.0.0\n")
    (tmp_path / "values.yaml").write_text("_internal_defaults_do_not_set: {pilot: {cni: {enabled: false}}}\n")
    chart_keys.write(tmp_path)

    assert chart_keys.read("istiod", "1.0.0") == {"keys": {"pilot": {"cni": {"enabled": "bool"}}}, "schema": None}


def test_a_version_that_was_never_read_says_how_to_read_it():
    with pytest.raises(FileNotFoundError, match=r"no keys of chart istiod 0\.1 \(istiod-.*\): unpack the chart and"):
        chart_keys.read("istiod", "0.1")
