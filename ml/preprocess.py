"""Step 2: chooses columns, splits rows, fits the preprocessing on the training rows."""

from ml import data_report, dataset, report_page, step


def run(context: step.Context) -> None:
    """Table `typed` → tables `train` and `test` (encoded) and `test-rows` (as they came), prepared.json, the report."""
    table = context.handed_table("typed")
    facts = context.handed_json("load.json")
    data = dataset.prepare(table, context.settings, facts["source"], context.hand_offs)
    context.hand_over_json(
        "prepared.json",
        {
            "signature": data.signature,
            "preprocessing": data.preprocessing,
            "unknown_categories": data.unknown_categories,
        },
    )
    renamed = table.renamed(context.settings.features.renames)
    report = data_report.make(renamed, data.signature, context.settings, facts.get("columns", {}))
    context.hand_over_json(report_page.JSON_FILE, report)
    for line in report_page.lines(report):
        step.say(line)
    if data.without_target:
        step.say(f"left out {data.without_target} rows without a {context.settings.target!r}")
    validation = f", {data.validation.rows} validation" if data.validation else ""
    step.say(
        f"{data.train.rows} training{validation} and {data.test.rows} test rows, "
        f"{len(data.signature['inputs'])} columns became {data.features} features"
    )


if __name__ == "__main__":
    step.main(run)
