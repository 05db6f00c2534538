"""The one pod of a review in the cluster: check out, preview, post; valid for Argo Workflows 3.7 and 4.x.

Three containers, because they may know different things. Only the first has the token that reads the repository, only
the second runs the change's own program and reads the state, only the last has the token that writes on the Git host.
"""

from collections.abc import Mapping

import pulumi

from pulumi_mlops._argo_workflows import EXECUTOR_PATCH, KEEP_FAILED_SECONDS, KEEP_SUCCEEDED_SECONDS
from pulumi_mlops._manifests import Manifest, container_security, pod_security, resources
from pulumi_mlops.platform.review_workflow._args import ReviewWorkflowArgs
from pulumi_mlops.review.git_host import GitHostKind

PARAMETERS = {
    "pull": "Number of the pull or merge request.",
    "revision": "Commit to review, 40 or 64 hexadecimal digits.",
    "base": "Branch that it is to be merged into.",
    "head-repository": "Repository that the commit comes from, owner/name; a fork is not previewed.",
}
"""What starts a review, as the event of a pull request tells it."""

WORK = "/review"
CLONE_TOKEN = "/etc/clone"  # noqa: S105 - a directory
POST_TOKEN = "/etc/post"  # noqa: S105 - a directory
TOKEN_KEY = "token"  # noqa: S105 - the key in a Secret
PASSPHRASE_KEY = "passphrase"  # noqa: S105 - the key in a Secret
WORK_SIZE = "8Gi"
"""Of the checkout, a virtual environment and the plugins that the image lacks, of which some take hundreds of MiB."""
SCRATCH_SIZE = "64Mi"

CPU_REQUEST = "500m"

CHECKOUT = r"""
mkdir -p "$WORK/home" "$WORK/previews"
if [ "$HEAD_REPOSITORY" != "$REPOSITORY" ]; then
  echo "A change from a fork is not previewed: its program would run with the credentials of this cluster." \
    "A maintainer who has read every line of it can push it to a branch of $REPOSITORY and request from there." \
    > "$WORK/instead.md"
  exit
fi
case "$REVISION" in
  *[!0-9a-f]* | "") echo "parameter revision must be a commit, got '$REVISION'" >&2; exit 1 ;;
esac
git check-ref-format "refs/heads/$BASE" || { echo "parameter base must be a branch, got '$BASE'" >&2; exit 1; }
if [ -e "$TOKEN_FILE" ]; then
  printf '#!/bin/sh\ncat "$TOKEN_FILE"\n' > "$GIT_ASKPASS"
  chmod 700 "$GIT_ASKPASS"
fi
git init --quiet "$WORK/repository"
cd "$WORK/repository"
git remote add origin "$REPOSITORY_URL"
git -c credential.username=oauth2 fetch --quiet --no-tags origin \
  "+refs/heads/$BASE:refs/remotes/origin/$BASE" "$REVISION"
git -c advice.detachedHead=false checkout --quiet "$REVISION"
"""

PREVIEW = r"""
if [ -e "$WORK/instead.md" ]; then exit; fi
cd "$WORK/repository"
pulumi-mlops-review stacks --changed --base "origin/$BASE" --match "$STACKS" --format json > "$WORK/stacks.json"
lines='import json, sys; [print(one["name"], one["stack"], one["directory"]) for one in json.load(sys.stdin)]'
python3 -c "$lines" < "$WORK/stacks.json" | while read -r name stack directory; do
  file="$WORK/previews/$name.json"
  (
    cd "$directory" && bash -euo pipefail -c "$SETUP" >&2 &&
      pulumi preview --stack "$stack" --json --show-sames --non-interactive > "$file"
  ) < /dev/null || echo "the preview of $name failed" >&2
  if [ ! -s "$file" ]; then
    echo '{"diagnostics": [{"severity": "error", "message": "The preview did not start; its log says why."}]}' > "$file"
  fi
done
"""

POST = r"""
comment=/tmp/comment.md
status=0
options=()
stacks=()
for file in "$WORK"/previews/*.json; do
  name="${file##*/}"
  if [ -e "$file" ]; then stacks+=(--stack "${name%.json}=$file"); fi
done
if [ -e "$WORK/instead.md" ]; then
  cp "$WORK/instead.md" "$comment"
elif [ "${#stacks[@]}" -eq 0 ]; then
  echo "This change touches no stack." > "$comment"
  options+=(--only-update)
else
  cd "$WORK/repository" # which holds the exceptions to the rules
  pulumi-mlops-review comment --format "$FORMAT" --fail-on blocking --fail-on error "${stacks[@]}" > "$comment" ||
    status=$?
  if [ ! -s "$comment" ]; then echo "The review could not be produced; the log of $WORKFLOW says why." > "$comment"; fi
fi
printf '\n<sub>Commit %s · workflow %s</sub>\n' "$REVISION" "$WORKFLOW" >> "$comment"
if [ -n "$API_URL" ]; then options+=(--api-url "$API_URL"); fi
if [ -n "$AUTHOR" ]; then options+=(--author "$AUTHOR"); fi
pulumi-mlops-review post --host "$HOST" --repository "$REPOSITORY" --pull "$PULL" --token-file "$TOKEN_FILE" \
  "${options[@]}" < "$comment"
exit "$status"
"""


def workflow_template(name: str, args: ReviewWorkflowArgs, labels: Mapping[str, str]) -> Manifest:
    """Spec of the WorkflowTemplate; `args` are those of ReviewWorkflow, `labels` go to workflows and pods."""
    return {
        "entrypoint": "review",
        "arguments": {
            "parameters": [{"name": key, "description": meaning} for key, meaning in PARAMETERS.items()],
        },
        "workflowMetadata": {"labels": labels},
        "serviceAccountName": args["service_account"],
        "securityContext": pod_security(),
        "podSpecPatch": EXECUTOR_PATCH,
        "activeDeadlineSeconds": args["timeout_seconds"],
        # In order of their creation: an older run must not write over what a newer one said.
        "synchronization": {"mutexes": [{"name": f"review-{name}"}]},
        "podGC": {"strategy": "OnWorkflowSuccess"},
        "ttlStrategy": {
            "secondsAfterSuccess": KEEP_SUCCEEDED_SECONDS,
            "secondsAfterFailure": KEEP_FAILED_SECONDS,
        },
        "volumes": _volumes(args),
        "templates": [_template(args, labels)],
    }


def _template(args: ReviewWorkflowArgs, labels: Mapping[str, str]) -> Manifest:
    work = {"name": "work", "mountPath": WORK}
    clone = [{"name": "clone", "mountPath": CLONE_TOKEN, "readOnly": True}] if args["clone_secret"] is not None else []
    return {
        "name": "review",
        "metadata": {"labels": {**labels, "sidecar.istio.io/inject": "false"}},
        "initContainers": [
            {"name": "checkout", **_container(args, CHECKOUT, _checkout_environment(args), [work, *clone])},
            {"name": "preview", **_container(args, PREVIEW, _preview_environment(args), [work])},
        ],
        "container": _container(
            args,
            POST,
            _post_environment(args),
            [
                {**work, "readOnly": True},
                {"name": "scratch", "mountPath": "/tmp"},  # noqa: S108
                {"name": "post", "mountPath": POST_TOKEN, "readOnly": True},
            ],
        ),
    }


def _container(args: ReviewWorkflowArgs, script: str, environment: list[Manifest], mounts: list[Manifest]) -> Manifest:
    return {
        "image": args["image"],
        "command": ["bash", "-euo", "pipefail", "-c", script],
        "env": environment,
        "resources": resources(CPU_REQUEST, args["memory"]),
        "securityContext": container_security(),
        "volumeMounts": mounts,
    }


def _checkout_environment(args: ReviewWorkflowArgs) -> list[Manifest]:
    return _variables(
        WORK=WORK,
        HOME=f"{WORK}/home",
        REPOSITORY=args["repository"],
        REPOSITORY_URL=args["repository_url"],
        HEAD_REPOSITORY=_parameter("head-repository"),
        REVISION=_parameter("revision"),
        BASE=_parameter("base"),
        TOKEN_FILE=f"{CLONE_TOKEN}/{TOKEN_KEY}",
        GIT_ASKPASS=f"{WORK}/home/askpass",
        GIT_TERMINAL_PROMPT="0",
    )


def _preview_environment(args: ReviewWorkflowArgs) -> list[Manifest]:
    variables = _variables(
        WORK=WORK,
        HOME=f"{WORK}/home",
        TMPDIR=f"{WORK}/home",
        BASE=_parameter("base"),
        STACKS=args["stacks"],
        SETUP=args["setup"],
        PULUMI_BACKEND_URL=args["backend"],
        PULUMI_SKIP_UPDATE_CHECK="1",
    )
    if args["passphrase_secret"] is not None:
        reference = {"name": args["passphrase_secret"], "key": PASSPHRASE_KEY}
        variables.append({"name": "PULUMI_CONFIG_PASSPHRASE", "valueFrom": {"secretKeyRef": reference}})
    return variables


def _post_environment(args: ReviewWorkflowArgs) -> list[Manifest]:
    return _variables(
        WORK=WORK,
        HOME="/nonexistent",  # what the change's program left in the other one must not be read here
        PYTHONNOUSERSITE="1",
        PYTHONSAFEPATH="1",
        HOST=args["host"],
        FORMAT=comment_format(args["host"]),
        API_URL="" if args["api_url"] is None else args["api_url"],
        AUTHOR="" if args["author"] is None else args["author"],
        REPOSITORY=args["repository"],
        PULL=_parameter("pull"),
        REVISION=_parameter("revision"),
        WORKFLOW="{{workflow.namespace}}/{{workflow.name}}",
        TOKEN_FILE=f"{POST_TOKEN}/{TOKEN_KEY}",
    )


def comment_format(host: str) -> str:
    """The form of the comment: Gitea renders GitHub's."""
    return GitHostKind.GITLAB.value if host == GitHostKind.GITLAB else GitHostKind.GITHUB.value


def _volumes(args: ReviewWorkflowArgs) -> list[Manifest]:
    secrets = {"post": args["token_secret"]}
    if args["clone_secret"] is not None:
        secrets["clone"] = args["clone_secret"]
    return [
        {"name": "work", "emptyDir": {"sizeLimit": WORK_SIZE}},
        {"name": "scratch", "emptyDir": {"sizeLimit": SCRATCH_SIZE}},
        *(
            {
                "name": name,
                "secret": {
                    "secretName": secret,
                    "items": [{"key": TOKEN_KEY, "path": TOKEN_KEY}],
                    "defaultMode": 0o440,
                },
            }
            for name, secret in secrets.items()
        ),
    ]


def _parameter(name: str) -> str:
    return f"{{{{workflow.parameters.{name}}}}}"


def _variables(**values: pulumi.Input[str]) -> list[Manifest]:
    return [{"name": key, "value": value} for key, value in values.items()]
