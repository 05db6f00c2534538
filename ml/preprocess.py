"""Step 2: chooses columns, splits rows, fits the preprocessing on the training rows."""

import io

import numpy as np
import pandas as pd

from ml import data_report, dataset, report_page, sources, step


def run(context: step.Context) -> None:
    """load.parquet → prepared.npz (matrices), prepared.json (signature, preprocessing), test.parquet (raw rows).

    And data-report.json.
    """
    frame = pd.read_parquet(context.handed("load.parquet"))
    facts = context.handed_json("load.json")
    data = dataset.prepare(frame, context.settings, facts["source"])
    buffer = io.BytesIO()
    np.savez(buffer, train_x=data.train_x, train_y=data.train_y, test_x=data.test_x, test_y=data.test_y)
    context.hand_over("prepared.npz", buffer.getvalue())
    context.hand_over("test.parquet", sources.to_parquet(data.test_rows, facts["source"]))
    context.hand_over_json(
        "prepared.json",
        {
            "signature": data.signature,
            "preprocessing": data.preprocessing,
            "unknown_categories": data.unknown_categories,
        },
    )
    renamed = frame.rename(columns=context.settings.features.renames)
    report = data_report.make(renamed, data.signature, context.settings, facts.get("columns", {}))
    context.hand_over_json(report_page.JSON_FILE, report)
    for line in report_page.lines(report):
        step.say(line)
    if data.without_target:
        step.say(f"left out {data.without_target} rows without a {context.settings.target!r}")
    step.say(
        f"{len(data.train_y)} training and {len(data.test_y)} test rows, {len(data.signature['inputs'])} columns "
        f"became {data.train_x.shape[1]} features"
    )


if __name__ == "__main__":
    step.main(run)
