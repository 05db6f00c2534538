"""Stand-in for the published random provider: values drawn once from the operating system's secure source.

Does not own: bcrypt hashes and the `pet` and `shuffle` resources, which it refuses or leaves out.
"""

import base64
import importlib.metadata
import secrets
import string
import uuid
from typing import Any

from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2 as wire

from standins.plugins.plugin import EngineLog, Provider, Refused, answers, serve
from standins.plugins.values import UNKNOWN, Object, contains, decode, encode, reveal, secret

SPECIAL = "!@#$%&*()-_=+[]{}<>:?"
"""The published provider's special characters."""

TEXT = ("keepers", "length", "lower", "minLower", "minNumeric", "minSpecial", "minUpper", "number", "numeric",
        "overrideSpecial", "special", "upper")  # fmt: skip
INPUTS = {
    "random:index/randomPassword:RandomPassword": TEXT,
    "random:index/randomString:RandomString": TEXT,
    "random:index/randomId:RandomId": ("byteLength", "keepers", "prefix"),
    "random:index/randomBytes:RandomBytes": ("keepers", "length"),
    "random:index/randomInteger:RandomInteger": ("keepers", "max", "min"),
    "random:index/randomUuid:RandomUuid": ("keepers",),
}
MINIMA = {"minLower": "lower", "minUpper": "upper", "minNumeric": "numeric", "minSpecial": "special"}


def problems(token: str, inputs: Object) -> list[tuple[str, str]]:
    """What is wrong with a resource's inputs: (property, sentence)."""
    if token not in INPUTS:
        known = ", ".join(sorted(name.rpartition(":")[2] for name in INPUTS))
        return [("", f"{token} is not implemented by the random provider stand-in, which has: {known}")]
    found = [
        (name, f"{name} is not implemented by the random provider stand-in: leave it out, or use the published plugin")
        for name in inputs
        if name not in INPUTS[token] and name != "seed"
    ]
    if "seed" in inputs:
        found.append(("seed", "seed is refused by the random provider stand-in: its values cannot be repeated"))
    size = "byteLength" if token.endswith("Id") else "length"
    if size in INPUTS[token] and inputs.get(size) != UNKNOWN and not _is_whole(inputs.get(size), 1):
        found.append((size, f"{size} must be a whole number of at least 1, got {inputs.get(size)!r}"))
    if INPUTS[token] is TEXT and not found:
        found += _text_problems(inputs)
    if token.endswith("Integer"):
        low, high = inputs.get("min"), inputs.get("max")
        if UNKNOWN not in (low, high) and not (_is_whole(low) and _is_whole(high, low)):
            found.append(("max", f"min and max must be whole numbers with min <= max, got {low!r} and {high!r}"))
    return found


def _is_whole(value: Any, least: int | None = None) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and (least is None or value >= least)


def _text_problems(inputs: Object) -> list[tuple[str, str]]:
    if contains(inputs, lambda item: item == UNKNOWN):
        return []
    groups = _alphabets(inputs)
    if not any(groups.values()):
        return [("length", "one of upper, lower, numeric and special must be true")]
    wanted = sum(inputs.get(name, 0) for name in MINIMA)
    if wanted > inputs["length"]:
        return [("length", f"length must be at least the sum of the min_… inputs, {wanted}, got {inputs['length']}")]
    return [
        (name, f"{name} is {inputs[name]}, but {group} is false")
        for name, group in MINIMA.items()
        if inputs.get(name) and not groups[group]
    ]


def _alphabets(inputs: Object) -> dict[str, str]:
    numeric = inputs.get("numeric", inputs.get("number", True))
    special = inputs.get("overrideSpecial") or SPECIAL
    return {
        "lower": string.ascii_lowercase if inputs.get("lower", True) else "",
        "upper": string.ascii_uppercase if inputs.get("upper", True) else "",
        "numeric": string.digits if numeric else "",
        "special": special if inputs.get("special", True) else "",
    }


def text(inputs: Object) -> str:
    """A string of the wanted length with at least the wanted number of each group, in random order."""
    groups = _alphabets(inputs)
    chosen = [secrets.choice(groups[group]) for name, group in MINIMA.items() for _ in range(inputs.get(name, 0))]
    everything = "".join(groups.values())
    chosen += [secrets.choice(everything) for _ in range(inputs["length"] - len(chosen))]
    secrets.SystemRandom().shuffle(chosen)
    return "".join(chosen)


def draw(token: str, inputs: Object) -> tuple[str, Object]:
    """The identifier and the outputs of a new resource."""
    kind = token.rpartition(":")[2]
    if kind == "RandomPassword":
        return "none", {"result": secret(text(inputs))}
    if kind == "RandomString":
        result = text(inputs)
        return result, {"result": result}
    if kind == "RandomInteger":
        number = inputs["min"] + secrets.randbelow(inputs["max"] - inputs["min"] + 1)
        return str(number), {"result": number}
    if kind == "RandomUuid":
        result = str(uuid.uuid4())
        return result, {"result": result}
    raw = secrets.token_bytes(inputs["byteLength"] if kind == "RandomId" else inputs["length"])
    standard = base64.b64encode(raw).decode()
    if kind == "RandomBytes":
        return "none", {"base64": secret(standard), "hex": secret(raw.hex())}
    prefix = inputs.get("prefix", "")
    url = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    outputs = {"b64Std": standard, "b64Url": url, "dec": str(int.from_bytes(raw)), "hex": raw.hex()}
    return url, {name: prefix + value for name, value in outputs.items()}


class Random(Provider):
    """Stand-in for pulumi-resource-random."""

    name = "random"

    def __init__(self, log: EngineLog) -> None:
        super().__init__(log)
        self.version = importlib.metadata.version("pulumi-random")

    @answers
    def Check(self, request: Any, context: Any) -> Any:
        """Refuses inputs that cannot be honoured."""
        failures = [
            wire.CheckFailure(property=name, reason=reason)
            for name, reason in problems(request.type, reveal(decode(request.news)))
        ]
        return wire.CheckResponse(inputs=request.news, failures=failures)

    @answers
    def Diff(self, request: Any, context: Any) -> Any:
        """Any change draws a new value."""
        old, new = (reveal(decode(side)) for side in (request.old_inputs, request.news))
        ignored = {path.partition(".")[0] for path in request.ignoreChanges}
        changed = sorted(key for key in {*old, *new} - ignored if old.get(key) != new.get(key))
        replace = wire.PropertyDiff(kind=wire.PropertyDiff.UPDATE_REPLACE, inputDiff=True)
        return wire.DiffResponse(
            changes=wire.DiffResponse.DIFF_SOME if changed else wire.DiffResponse.DIFF_NONE,
            replaces=changed,
            diffs=changed,
            detailedDiff=dict.fromkeys(changed, replace),
            hasDetailedDiff=True,
        )

    @answers
    def Create(self, request: Any, context: Any) -> Any:
        """Draws the value; a preview leaves it unknown."""
        inputs = decode(request.properties)
        if request.preview:
            return wire.CreateResponse(properties=request.properties)
        identifier, outputs = draw(request.type, reveal(inputs))
        return wire.CreateResponse(id=identifier, properties=encode({**inputs, **outputs}))

    @answers
    def Update(self, request: Any, context: Any) -> Any:
        """Only ignored inputs can change without a replacement: the value stays."""
        return wire.UpdateResponse(properties=encode({**decode(request.olds), **decode(request.news)}))

    @answers
    def Read(self, request: Any, context: Any) -> Any:
        """A value in the state stays as it is; one that is not there cannot be found anywhere."""
        if not request.properties.fields:
            raise Refused(
                f"{request.type} cannot be read or imported by the random provider stand-in: a drawn value exists in "
                "the state alone"
            )
        return wire.ReadResponse(id=request.id, properties=request.properties, inputs=request.inputs)

    @answers
    def Delete(self, request: Any, context: Any) -> Any:
        """Nothing to delete outside the state."""
        return empty_pb2.Empty()


def main() -> None:
    """Runs the plugin."""
    serve(Random)
