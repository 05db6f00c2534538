"""What all tiers share: `build`, which runs a program under Pulumi's mocks and records what it would register."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import pulumi
import pulumi_random
import pytest
from pulumi.runtime import mocks, rpc, settings, stack
from pulumi_mlops import platform_outputs

from local import foundation_outputs
from tests import aws, pins

# A busy machine is slow, not wrong: time is measured by benchmarks.
hypothesis.settings.register_profile("no-deadline", deadline=None)
hypothesis.settings.load_profile("no-deadline")

UNKNOWN = "<unknown>"
EKS_CLUSTER = "eks:index:Cluster"
STACK_REFERENCE = "pulumi:pulumi:StackReference"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "a2V5", "AWS_SECRET_ACCESS_KEY": "c2VjcmV0"}


@dataclass(frozen=True)
class Secret:
    """A value that the state encrypts."""

    value: Any


@dataclass(frozen=True)
class Registration:
    """One resource as the engine would hear of it. Unknown values are `UNKNOWN`, secret ones `Secret`."""

    urn: str
    type: str
    name: str
    parent: str
    inputs: dict[str, Any]
    dependencies: frozenset[str]
    protect: bool = False
    ignore_changes: tuple[str, ...] = ()
    replace_on_changes: tuple[str, ...] = ()
    delete_before_replace: bool = False
    retain_on_delete: bool = False
    read: bool = False

    @property
    def kind(self) -> str:
        return self.inputs.get("kind", self.type.rsplit(":", 1)[-1])


@dataclass
class Graph:
    """Everything that one program registered, in order."""

    registrations: list[Registration] = field(default_factory=list)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Outputs of each component by its URN; those of the stack under `stack`."""

    def __iter__(self) -> Iterator[Registration]:
        return iter(self.registrations)

    def __getitem__(self, name: str) -> Registration:
        (found,) = [one for one in self if one.name == name]
        return found

    def kinds(self) -> set[str]:
        return {one.kind for one in self}

    def of_kind(self, kind: str) -> list[Registration]:
        return [one for one in self if one.kind == kind]

    def outputs_of(self, component: str) -> dict[str, Any]:
        return self.outputs[self[component].urn]

    def contract(self) -> dict[str, Any]:
        """(URN, inputs) in a stable order, for snapshots, with pins by their names."""
        return {one.urn: pins.named(one.type, one.inputs) for one in sorted(self, key=lambda one: one.urn)}


Platforms = Mapping[str, dict[str, Any]]
"""Full name of a platform's stack → its outputs."""


class RecordingMonitor(mocks.MockMonitor):
    """The mock engine, which also remembers the options that `Mocks.new_resource` does not see."""

    def __init__(self, preview: bool, graph: Graph, platforms: Platforms) -> None:
        super().__init__(_Provider(preview, platforms))
        self.graph = graph

    def RegisterResource(self, request: Any) -> Any:
        _name_references(request.object)
        if request.type != "pulumi:pulumi:Stack":
            self._record(
                request,
                request.object,
                protect=request.protect,
                ignore_changes=tuple(request.ignoreChanges),
                replace_on_changes=tuple(request.replaceOnChanges),
                delete_before_replace=request.deleteBeforeReplace,
                retain_on_delete=request.retainOnDelete,
            )
        if request.type == EKS_CLUSTER:  # a remote component; its `eksCluster` refers to a resource inside it
            urn = inner_urn(request.name)
            state = (
                {} if self.mocks.preview else {"arn": f"arn:aws:eks:{aws.REGION}:{aws.ACCOUNT}:cluster/{request.name}"}
            )
            self.resources[urn] = self.ResourceRegistration(urn, f"{request.name}-id", state)
        with _own_loop():
            return super().RegisterResource(request)

    def ReadResource(self, request: Any) -> Any:
        self._record(request, request.properties, read=True)
        with _own_loop():
            return super().ReadResource(request)

    def Invoke(self, request: Any) -> Any:
        with _own_loop():
            return super().Invoke(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:
        key = "stack" if "::pulumi:pulumi:Stack::" in request.urn else request.urn
        self.graph.outputs[key] = _plain(rpc.deserialize_properties(request.outputs, keep_unknowns=True))
        return super().RegisterResourceOutputs(request)

    def _record(self, request: Any, inputs: Any, **options: Any) -> None:
        self.graph.registrations.append(
            Registration(
                urn=self.make_urn(request.parent, request.type, request.name),
                type=request.type,
                name=request.name,
                parent=request.parent,
                inputs=_plain(rpc.deserialize_properties(inputs, keep_unknowns=True)),
                dependencies=frozenset(request.dependencies),
                **options,
            )
        )


@contextmanager
def _own_loop() -> Iterator[None]:
    """An event loop for the mock engine's thread; the one that the SDK would make there is never closed."""
    loop = asyncio.new_event_loop()
    loop.set_exception_handler(lambda _loop, _context: None)  # see `build`
    asyncio.set_event_loop(loop)
    try:
        yield
    finally:
        asyncio.set_event_loop(None)
        loop.close()


class _Provider(mocks.Mocks):
    """Echoes the inputs. In a preview what the provider would compute, ids included, is unknown."""

    def __init__(self, preview: bool, platforms: Platforms) -> None:
        self.preview = preview
        self.platforms = platforms

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        state = dict(args.inputs)
        if args.resource_id and args.typ == "kubernetes:core/v1:Secret":
            state |= {"data": CREDENTIALS, "metadata": {"name": args.resource_id.rpartition("/")[2]}}
        if args.typ == "random:index/randomPassword:RandomPassword" and not self.preview:
            state |= {"result": f"password-of-{args.name}"}
        if args.typ.startswith("aws:") and not self.preview:
            state = {**aws.computed(args.typ, args.name, state), **state}
        if args.typ == "random:index/randomId:RandomId" and not self.preview:
            state |= {"hex": "0a1b2c3d"}
        if args.typ == STACK_REFERENCE:
            state |= {"outputs": foundation_outputs.example((args.resource_id or "").rpartition("/")[2])}
        if args.typ == EKS_CLUSTER:
            inner = {rpc._special_sig_key: rpc._special_resource_sig, "urn": inner_urn(args.name)}
            state |= {"eksCluster": inner} | ({} if self.preview else _eks_outputs(args.name))
        return args.resource_id or (None if self.preview else f"{args.name}-id"), state

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        if args.token != platform_outputs.READ_OUTPUTS:
            raise AssertionError(f"the library calls no provider function, but {args.token} was called")
        stack = args.args["name"]
        outputs = self.platforms[stack]
        return {"name": stack, "outputs": outputs}


def _name_references(struct: Any) -> None:
    """Puts the URN in place of each resource that is given to another one as a whole."""
    for value in struct.fields.values():
        if value.WhichOneof("kind") == "struct_value":
            inner = value.struct_value.fields
            if rpc._special_sig_key in inner and "urn" in inner:
                value.string_value = inner["urn"].string_value


def inner_urn(component: str) -> str:
    """URN of the control plane inside the remote component."""
    return f"urn:pulumi:stack::project::{EKS_CLUSTER}$aws:eks/cluster:Cluster::{component}"


def _eks_outputs(name: str) -> dict[str, Any]:
    issuer = f"oidc.eks.{aws.REGION}.amazonaws.com/id/{name}"
    return {
        "kubeconfigJson": json.dumps({"kind": "Config", "clusters": [name]}),
        "nodeSecurityGroupId": f"sg-{name}",
        "oidcIssuer": issuer,
        "oidcProviderArn": f"arn:aws:iam::{aws.ACCOUNT}:oidc-provider/{issuer}",
    }


def _plain(value: Any) -> Any:
    if isinstance(value, pulumi.output.Unknown):
        return UNKNOWN
    if rpc.is_rpc_secret(value):
        return Secret(_plain(rpc.unwrap_rpc_secret(value)))
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


Build = Callable[..., Graph]


def _end(loop: asyncio.AbstractEventLoop) -> None:
    """Ends what a failed program has left: a later program would wait for it, and fail with its error."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))


@pytest.fixture
def build() -> Iterator[Build]:
    """`build(program, preview=False)` runs a program and returns its `Graph`; a failing program raises.

    `platforms` has one entry, the platform that the stack's configuration names; default: it names none.
    """
    loop = asyncio.new_event_loop()
    # What a program raises reaches the test by `run`. The other tasks of a failed program are left with the same error,
    # and asyncio would log it whenever they are collected; in the middle of another test's ast.parse that is a
    # SystemError of Python 3.11, since the log's traceback parses source as well.
    loop.set_exception_handler(lambda _loop, _context: None)
    asyncio.set_event_loop(loop)

    def run(program: Callable[[], Any], preview: bool = False, platforms: Platforms | None = None) -> Graph:
        graph = Graph()
        for name in platforms or {}:
            pulumi.runtime.set_config(f"pulumi-mlops:{platform_outputs.SETTING}", name)
        settings.ROOT.set(_NO_STACK)  # set_mocks would make a stack of its own, where exports are lost
        monitor = RecordingMonitor(preview, graph, platforms or {})
        pulumi.runtime.set_mocks(monitor.mocks, "project", "stack", preview, monitor=monitor)
        settings.ROOT.set(None)
        settings.SETTINGS.rpc_manager.clear()
        settings.SETTINGS.outputs.clear()
        try:
            loop.run_until_complete(stack.run_in_stack(lambda: _nothing(program())))
        except BaseException:
            _end(loop)
            raise
        return graph

    logging.getLogger().setLevel(logging.ERROR)
    yield run
    pulumi.runtime.set_all_config({})
    asyncio.set_event_loop(None)
    loop.close()


_NO_STACK: Any = object()


def _nothing(_: Any) -> None:
    """A program's value is no output of the stack."""


def unknown(name: str) -> pulumi.Output[str]:
    """A value that is not known until something exists: unknown in a preview, `<name>-id` afterwards."""
    return pulumi_random.RandomPet(name).id
