"""Which stacks a change touches where programs are in TypeScript or Go, alone or in a repository with many of them."""

import json

import pytest
from pulumi_mlops.review import changed

NODE = {
    "package.json": json.dumps({"name": "root", "workspaces": ["apps/*", "libs/*"]}),
    "tsconfig.base.json": '{"compilerOptions": {\n  // short names\n  "paths": {"@short/*": ["libs/short/src/*"]}}}',
    "apps/shop/Pulumi.yaml": "name: shop\nruntime: nodejs\n",
    "apps/shop/Pulumi.prod.yaml": "",
    "apps/shop/package.json": json.dumps({"name": "shop", "dependencies": {"@mono/network": "workspace:*"}}),
    "apps/shop/tsconfig.json": '{"extends": "../../tsconfig.base.json", "references": [{"path": "../../libs/types"}]}',
    "apps/shop/index.ts": 'import * as aws from "@pulumi/aws";\n'
    'import { tags } from "../../shared/tags";\n'
    "import { a } from '@short/a';\n"
    'const code = new pulumi.asset.FileArchive("../handler");\n'
    "// require(everything) is in a comment\n",
    "apps/bill/Pulumi.yaml": "name: bill\nruntime: nodejs\n",
    "apps/bill/Pulumi.prod.yaml": "",
    "apps/bill/index.ts": 'import "@pulumi/aws";\n',
    "libs/network/package.json": json.dumps({"name": "@mono/network", "dependencies": {"deep": "file:../deep"}}),
    "libs/network/src/index.ts": 'export * from "./subnets.js";\n',
    "libs/network/src/subnets.ts": "",
    "libs/deep/package.json": json.dumps({"name": "another-name"}),
    "libs/deep/x.ts": "",
    "libs/types/index.ts": "",
    "libs/short/src/a.ts": "",
    "shared/tags.ts": 'import { owner } from "../people/owner";\n',
    "shared/other.ts": "",
    "people/owner.ts": "",
}
SHOP, BILL, BOTH = ["shop"], ["bill"], ["bill", "shop"]


def touched(files: dict[str, str], *paths: str) -> list[str]:
    return [one.project for one in changed.touched(files, paths)]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("apps/shop/index.ts", SHOP),
        ("apps/shop/data/x.json", SHOP),
        ("apps/bill/lib/x.ts", BILL),
        ("libs/network/src/subnets.ts", SHOP),
        ("libs/network/new.ts", SHOP),
        ("libs/deep/x.ts", SHOP),
        ("libs/types/index.ts", SHOP),
        ("libs/short/src/b.ts", SHOP),
        ("libs/short/README.md", []),
        ("libs/unused/index.ts", []),
        ("shared/tags.ts", SHOP),
        ("shared/tags/index.ts", SHOP),
        ("shared/other.ts", []),
        ("people/owner.ts", SHOP),
        ("apps/handler/main.py", SHOP),
        ("package.json", BOTH),
        ("package-lock.json", BOTH),
        ("yarn.lock", BOTH),
        ("pnpm-lock.yaml", BOTH),
        ("pnpm-workspace.yaml", BOTH),
        (".npmrc", BOTH),
        ("tsconfig.base.json", BOTH),
        ("apps/package.json", BOTH),
        ("libs/unused/package.json", []),
        ("libs/package.json", SHOP),
        (".github/workflows/ci.yaml", []),
        ("docs/x.txt", []),
    ],
)
def test_the_stacks_of_a_repository_of_node_packages(path: str, expected: list[str]) -> None:
    assert touched(NODE, path) == expected


@pytest.mark.parametrize(
    "line",
    [
        "require(process.env.X)",
        "await import(`../x/${name}`)",
        'import x from "~/x"',
        'import x from "#x"',
        'const p = path.join(__dirname, "..", "..", "x")',
    ],
)
def test_a_program_that_computes_what_it_reads_is_touched_by_all(line: str) -> None:
    files = {**NODE, "apps/bill/index.ts": f"{line}\n"}
    assert touched(files, "elsewhere/x.ts") == BILL
    assert touched(files, "README.md") == []


def test_a_path_of_which_a_part_is_computed_leads_to_its_directory() -> None:
    files = {**NODE, "apps/bill/index.ts": "read(`../../tables/${stack}.json`)\n"}
    assert touched(files, "tables/prod.json") == BILL
    assert touched(files, "elsewhere/x.json") == []


def test_what_was_deleted_touches_who_still_imports_it() -> None:
    files = {path: text for path, text in NODE.items() if path != "shared/tags.ts"}
    assert touched(files, "shared/tags.ts") == SHOP


GO = {
    "go.work": "use (\n  ./infra/shop\n  ./pkg\n)\n",
    "infra/shop/Pulumi.yaml": "name: shop\nruntime: go\n",
    "infra/shop/Pulumi.prod.yaml": "",
    "infra/shop/go.mod": "module example.org/shop\nreplace example.org/old => ../../forks/old\n",
    "infra/shop/main.go": 'package main\n\nimport (\n\t"fmt"\n\tnet "example.org/pkg/network" // ours\n'
    '\t"github.com/pulumi/pulumi-aws/sdk/v7/go/aws"\n)\n',
    "infra/bill/Pulumi.yaml": "name: bill\nruntime: {name: go}\n",
    "infra/bill/Pulumi.prod.yaml": "",
    "infra/bill/main.go": 'package main\nimport "example.org/mono/shared/tags"\n',
    "go.mod": "module example.org/mono\n",
    "shared/tags/tags.go": "",
    "shared/other/other.go": "",
    "pkg/go.mod": "module example.org/pkg\n",
    "pkg/network/network.go": 'package network\nimport "example.org/pkg/cidr"\n',
    "pkg/cidr/cidr.go": "",
    "pkg/unused/x.go": "",
    "forks/old/x.go": "",
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("infra/shop/main.go", SHOP),
        ("infra/shop/go.sum", SHOP),
        ("pkg/network/new.go", SHOP),
        ("pkg/cidr/cidr.go", SHOP),
        ("pkg/go.mod", SHOP),
        ("pkg/unused/x.go", []),
        ("forks/old/x.go", SHOP),
        ("shared/tags/tags.go", BILL),
        ("shared/other/other.go", []),
        ("go.work", BOTH),
        ("go.work.sum", BOTH),
        ("go.sum", BOTH),
    ],
)
def test_the_stacks_of_a_repository_of_go_modules(path: str, expected: list[str]) -> None:
    assert touched(GO, path) == expected


@pytest.mark.parametrize("runtime", ["dotnet", "java"])
def test_a_program_of_which_nobody_knows_what_it_reads_is_touched_by_all_but_other_projects(runtime: str) -> None:
    files = {**NODE, "net/Pulumi.yaml": f"name: net\nruntime: {runtime}\n", "net/Pulumi.prod.yaml": ""}
    assert touched(files, "libs/unused/x.cs") == ["net"]
    assert touched(files, "apps/bill/index.ts") == BILL
    assert touched(files, "README.md") == []


def test_a_program_in_yaml_reads_what_is_beside_it_unless_it_names_a_path_above() -> None:
    files = {**NODE, "net/Pulumi.yaml": "name: net\nruntime: yaml\n", "net/Pulumi.prod.yaml": ""}
    assert touched(files, "libs/unused/x.txt") == []
    assert touched(files, "net/x.txt") == ["net"]
    files["net/Pulumi.yaml"] += "resources: {a: {properties: {source: {fn::fileAsset: ../x.txt}}}}\n"
    assert touched(files, "x.txt") == ["net"]


@pytest.mark.parametrize(
    "name", ["${PROJECT}", "'${PROJECT}-infra'", "{{ cookiecutter.name }}", "{{name}}", "<%= name %>"]
)
def test_a_template_of_a_project_stops_no_other(name: str) -> None:
    template = f"name: {name}\nruntime: nodejs\ntemplate:\n  description: a start\n"
    files = {**NODE, "templates/start/Pulumi.yaml": template, "templates/start/Pulumi.dev.yaml": "config: {}\n"}
    assert touched(files, "apps/bill/index.ts") == BILL
    assert [one.project for one in changed.stacks(files)] == BOTH
