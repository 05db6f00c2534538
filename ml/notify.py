"""At the end of a run: tells people that it failed, or that its version did not pass, and why.

The exit handler of the workflow; it says nothing of a run that went well. The address is a secret and in no message.
"""

import ast
import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from pulumi_mlops.contract.containers import Variable
from pulumi_mlops.contract.notifications import NotificationForm
from pulumi_mlops.contract.steps import STEPS, VERDICT

from ml import step
from ml.errors import PipelineError, SettingsError

JUDGE = next(name for name, one in STEPS.items() if VERDICT in one.outputs)
"""The step that says whether a version passed."""
TIMEOUT_SECONDS = 30
LOG_LINES = 20
LINE_LENGTH = 500
SUCCEEDED = "Succeeded"
_EXIT_CODE = re.compile(r"^(?:main: )?Error \(exit code \d+\): ")
_TOO_MANY, _TIMEOUT, _CLIENT_ERROR, _SERVER_ERROR = 429, 408, 400, 500


class Message(NamedTuple):
    """What people are told of a run."""

    namespace: str
    run: str
    status: str
    """`failed` or `not passed`."""
    step: str
    """The step that failed, or evaluate; empty where no step did."""
    sentence: str
    link: str | None
    log: list[str]
    """The last lines that the run's steps said."""


def run(context: step.Context) -> None:
    """RUN_STATUS, RUN_FAILURES, verdict.json, the run's log → a POST request, if there is something to tell."""
    message = message_of(context)
    if message is None:
        step.say("the run went well, nobody is told")
        return
    form = NotificationForm(context.required(Variable.NOTIFICATION_FORM))
    body = message._asdict() if form is NotificationForm.JSON else slack(message)
    send(context.required(Variable.NOTIFICATION_URL), body)
    step.say(f"told that the run has {message.status}: {message.sentence}")


def message_of(context: step.Context) -> Message | None:
    """What there is to tell of a run; None if it went well."""
    if context.required(Variable.RUN_STATUS) != SUCCEEDED:
        status, (at, sentence) = "failed", failure(context.environment.get(Variable.RUN_FAILURES, ""))
    else:
        file = context.hand_offs / step.VERDICT_FILE  # gone with the other hand-offs once the version is deployed
        verdict: dict[str, Any] = json.loads(file.read_bytes()) if file.is_file() else {"passed": True}
        if verdict["passed"]:
            return None
        status, at, sentence = "not passed", JUDGE, verdict["sentence"]
    return Message(
        context.required(Variable.NAMESPACE),
        context.required(Variable.RUN_NAME),
        status,
        at,
        sentence,
        context.environment.get(Variable.RUN_URL) or None,
        _last_lines(context),
    )


def failure(text: str) -> tuple[str, str]:
    """The step that failed last and the sentence with which it did, from Argo's `workflow.failures`."""
    try:
        if text.startswith('"'):  # Argo quotes it as Go does, which has escapes that JSON lacks and Python has
            text = ast.literal_eval(text)
        nodes: list[Mapping[str, Any]] = json.loads(text or "[]") or []
    except (ValueError, SyntaxError):
        step.say(f"what failed is not told, RUN_FAILURES is no list: {text[:LINE_LENGTH]}")
        nodes = []
    pods = [node for node in nodes if node.get("templateName") in STEPS and node.get("podName")]
    if not pods:
        return "", "none of its steps failed: it was stopped, or took too long"
    last = max(pods, key=lambda node: str(node.get("finishedAt")))
    sentence = " ".join(_EXIT_CODE.sub("", last.get("message") or "").split())
    return last["templateName"], sentence or "it ended without a message, its log has the details"


def slack(message: Message) -> dict[str, Any]:
    """The message as one text in Slack's own markup."""
    where = f" in {message.step}" if message.status == "failed" and message.step else ""
    lines = [f"*{message.run}* in {message.namespace} has {message.status}{where}: {_escaped(message.sentence)}"]
    lines += [f"<{message.link}|The run>"] if message.link else []
    if message.log:
        lines.append("```\n" + _escaped("\n".join(message.log)).replace("```", "'''") + "\n```")
    return {"text": "\n".join(lines)}


def send(url: str, body: Mapping[str, Any]) -> None:
    """Posts JSON; raises SettingsError if the address or its answer is wrong, PipelineError if a retry may help."""
    try:
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError
        request = urllib.request.Request(  # noqa: S310 - http and https alone, see above
            url, json.dumps(body).encode(), {"Content-Type": "application/json", "User-Agent": "pulumi-mlops"}
        )
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT_SECONDS):
            return
    except urllib.error.HTTPError as error:
        error.close()
        again = error.code >= _SERVER_ERROR or error.code in (_TOO_MANY, _TIMEOUT)
        raise (PipelineError if again else SettingsError)(
            f"the message was not sent: the address of the notification answered {error.code}"
        ) from None
    except OSError as error:
        raise PipelineError(f"the message was not sent: {getattr(error, 'reason', error)}") from None
    except (ValueError, http.client.HTTPException):  # whose text has the address
        raise SettingsError("the message was not sent: the key url of the notification's Secret is not a URL") from None


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A request that is sent again elsewhere would be a GET without the message."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _last_lines(context: step.Context) -> list[str]:
    log = context.hand_offs / step.LOG
    if not log.is_file():
        return []
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-LOG_LINES:]
    return ["".join(one if one.isprintable() or one == "\t" else "�" for one in line[:LINE_LENGTH]) for line in lines]


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


if __name__ == "__main__":
    step.main(run)
