"""Step 1: reads the source and leaves it for the next steps, unchanged."""

import shutil
import time

from ml import sources, step

KEEP_SECONDS = 7 * 24 * 3600  # hand-offs of runs that never reached their end


def run(context: step.Context) -> None:
    """Source → table `typed`, load.json."""
    settings = context.settings  # checked before they are kept
    context.keep_settings()
    _remove_old_hand_offs(context)
    loaded = sources.load(settings.source, context.environment, context.hand_offs, settings)
    rows, columns = loaded.table.rows, len(loaded.table.names)
    facts = {"sha256": loaded.sha256, "source": loaded.where, "rows": rows}
    facts |= {"files": loaded.files} if loaded.files > 1 else {}
    context.hand_over_json("load.json", facts | ({"columns": loaded.types} if loaded.types else {}))
    files = f", {loaded.files} files" if loaded.files > 1 else ""
    step.say(f"read {rows} rows of {columns} columns from {loaded.where}{files}")
    for note in loaded.notes:
        step.say(note)


def _remove_old_hand_offs(context: step.Context) -> None:
    oldest = time.time() - KEEP_SECONDS
    for directory in (context.models / step.RUNS).glob("*"):
        if directory.stat().st_mtime < oldest and directory != context.hand_offs:
            shutil.rmtree(directory, ignore_errors=True)  # another run's load may be removing it too


if __name__ == "__main__":
    step.main(run)
