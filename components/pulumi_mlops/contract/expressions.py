"""The language of engineered features: arithmetic on columns.

The components check it, so that a mistake costs a preview and not a training run; the steps compile the same tree.
"""

import ast

FUNCTIONS = {"log": 1, "log1p": 1, "sqrt": 1, "abs": 1, "exp": 1, "min": 2, "max": 2}
"""Number of arguments by name."""
LANGUAGE = f"numbers, column names, + - * / ** and {', '.join(FUNCTIONS)}"
MAX_LENGTH = 1000
"""Characters."""
MAX_DEPTH = 200
"""Operations inside one another. Python's recursion limit is 1000 frames, and an evaluation takes one an operation."""


def parse(text: str) -> ast.expr:
    """The tree of an expression.

    Raises:
        ValueError: the text is not of the language; the message says what it must be, to follow the field's name.
    """
    if len(text) > MAX_LENGTH:
        raise ValueError(f"must be at most {MAX_LENGTH} characters long, got {len(text)}")
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise ValueError(f"must be an arithmetic expression, got {text!r}") from None
    if _depth(tree) > MAX_DEPTH:
        raise ValueError(f"must have at most {MAX_DEPTH} operations inside one another, got {text!r}")
    if (wrong := _foreign(tree)) is not None:
        raise ValueError(f"{_rule(wrong)}, got {ast.unparse(wrong)!r}")
    return tree


def problem(text: str) -> str | None:
    """What keeps a text from being an expression, to follow the field's name; None if it is one."""
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return None


def _rule(wrong: ast.expr) -> str:
    match wrong:
        case ast.Call(func=ast.Name(id=name), keywords=[]) if name in FUNCTIONS:
            return f"must give {name}() {FUNCTIONS[name]} argument{'s' if FUNCTIONS[name] > 1 else ''}"
        case ast.Constant(value=int() as number) if not isinstance(number, bool):
            return "must keep numbers within the range of a float"
        case _:
            return f"must use only {LANGUAGE}"


def _depth(tree: ast.AST) -> int:
    deepest, left = 0, [(tree, 0)]
    while left:
        node, depth = left.pop()
        deepest = max(deepest, depth)
        left += [(child, depth + 1) for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr)]
    return deepest


def _foreign(node: ast.expr) -> ast.expr | None:
    """The first part that the language does not have."""
    match node:
        case ast.Name():
            return None
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool) and _is_float(number):
            return None
        case ast.UnaryOp(op=ast.USub() | ast.UAdd(), operand=operand):
            return _foreign(operand)
        case ast.BinOp(op=ast.Add() | ast.Sub() | ast.Mult() | ast.Div() | ast.Pow(), left=left, right=right):
            return _foreign(left) or _foreign(right)
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if FUNCTIONS.get(name) == len(arguments):
            return next(filter(None, map(_foreign, arguments)), None)
        case _:
            return node


def _is_float(number: float) -> bool:
    try:
        float(number)
    except OverflowError:  # an integer of too many digits
        return False
    return True
