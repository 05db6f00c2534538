"""Property values as the Pulumi engine sends them: secrets, unknowns, assets, and the codec from and to protobuf.

Values are plain Python (dict, list, str, int, float, bool). A secret stays a small dict with the engine's signature
until `reveal` strips it; an unknown is the engine's sentinel string. Nulls are dropped, as the published providers do.
"""

from typing import Any

from google.protobuf import struct_pb2

SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Key that marks a dict as something else than a plain object (pulumi/sdk, properties.go)."""
SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - a type signature, not a secret
ASSET = "c44067f5952c0a294b673a41bacd8c17"
UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"

Object = dict[str, Any]


def decode(struct: struct_pb2.Struct) -> Object:
    """A protobuf object as Python; whole numbers become int."""
    return {key: value for key, raw in struct.fields.items() if (value := _decode(raw)) is not None}


def _decode(value: struct_pb2.Value) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return decode(value.struct_value)
    if kind == "list_value":
        return [_decode(item) for item in value.list_value.values]
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return value.bool_value
    return None


def encode(value: Object) -> struct_pb2.Struct:
    """Python as a protobuf object, without its nulls."""
    struct = struct_pb2.Struct()
    struct.update(without_nulls(value))
    return struct


def without_nulls(value: Any) -> Any:
    """A copy in which no object has a null."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [without_nulls(item) for item in value]
    return value


def secret(value: Any) -> Object:
    """Marks a value so that the engine encrypts it in the state and hides it in its output."""
    return value if is_secret(value) else {SIGNATURE: SECRET, "value": value}


def is_secret(value: Any) -> bool:
    """Whether the value itself is marked as secret."""
    return isinstance(value, dict) and value.get(SIGNATURE) == SECRET


def reveal(value: Any) -> Any:
    """A deep copy without any secret marks."""
    if is_secret(value):
        return reveal(value.get("value"))
    if isinstance(value, dict):
        return {key: reveal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [reveal(item) for item in value]
    return value


def contains(value: Any, wanted: Any) -> bool:
    """Whether `wanted(value)` holds for the value or anything inside it."""
    if wanted(value):
        return True
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(contains(item, wanted) for item in items)


def has_secrets(value: Any) -> bool:
    """Whether anything in the value is marked as secret."""
    return contains(value, is_secret)


def has_unknowns(value: Any) -> bool:
    """Whether anything in the value becomes known only later."""
    return contains(value, lambda item: item == UNKNOWN)


def mark_like(value: Any, pattern: Any) -> Any:
    """The value with secret marks where `pattern`, usually the inputs it came from, has them.

    Objects are walked key by key, so one secret in a manifest does not hide the rest; a list with a secret inside is
    secret as a whole, because a server may reorder it.
    """
    if not isinstance(value, dict) or not isinstance(pattern, dict) or is_secret(value):
        return value
    marked = dict(value)
    for key, wanted in pattern.items():
        if key not in marked or is_secret(marked[key]):
            continue
        if isinstance(wanted, dict) and not is_secret(wanted) and isinstance(marked[key], dict):
            marked[key] = mark_like(marked[key], wanted)
        elif has_secrets(wanted):
            marked[key] = secret(marked[key])
    return marked
